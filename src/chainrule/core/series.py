"""Recurrences: a coefficient of an operation's Taylor series from those before it, for `taylor`.

A rule is ``(row, k, operands, output, params) -> coefficient``: ``operands[j][i]`` is coefficient i
of operand j, ``output[i]`` that of the output, known for all i < k; None is zero. Most rows need
none, for their derivative is a recurrence: of ``y = tanh(x)`` it is ``y' = (1 - y * y) * x'``.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.core.operation import Operation

__all__ = ["convolved", "divided"]


def convolved(
    row: Operation, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Any:
    """Return the coefficient of what is linear in each operand: a sum of products."""
    total = None
    for places in itertools.product(range(k + 1), repeat=len(operands) - 1):
        last = k - sum(places)
        if last < 0:
            continue
        factors = [x[i] for x, i in zip(operands, (*places, last), strict=True)]
        if not any(x is None for x in factors):
            part = row(*factors, **params)
            total = part if total is None else total + part
    return total


def divided(
    row: Operation, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Any:
    """Return the coefficient of a quotient q, for which ``q * b`` is a."""
    a, b = operands
    rest = a[k]
    for j in range(1, k + 1):
        if b[j] is not None and output[k - j] is not None:
            part = b[j] * output[k - j]
            rest = -part if rest is None else rest - part
    return None if rest is None else rest / b[0]
