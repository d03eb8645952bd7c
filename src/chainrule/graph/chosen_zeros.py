"""Which zeros a choice made: only those keep what is infinite away.

``where(x > 0, log(x), 0)`` has gradient 0 where x is negative, for the choice says so. Another zero
says nothing of the kind: in the gradient of ``log(f(x))`` with a value that overflows, ``1 / inf``
is 0, and 0 times infinity any number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core.kinds import Linear, guarded_multiply
from chainrule.core.placeholder import Placeholder
from chainrule.graph.graph import Apply, Constant, Vertex, evaluate, topological
from chainrule.operations import elementwise

__all__ = ["NotKept", "evaluated_by_choices"]


class NotKept(Exception):  # never seen by a user: what was computed before stays
    """An array of many entries is needed that no rule reads, and that no node kept."""


def evaluated_by_choices(outputs: Sequence[Vertex]) -> list[Any]:
    """Compute vertices anew, where guards stop nothing but at zeros that a choice made.

    Raises:
        NotKept: a constant is a placeholder.
    """
    values: dict[Vertex, Any] = {}
    chosen: dict[Vertex, Any] = {}
    for vertex in topological(outputs):
        if not isinstance(vertex, Apply):
            if isinstance(vertex.value, Placeholder):
                raise NotKept
            value = values[vertex] = vertex.value
            is_zero = isinstance(vertex, Constant)
        else:
            operands = [values[x] for x in vertex.operands]
            value = evaluate(vertex.operation, operands, vertex.params)
            if vertex.operation is guarded_multiply:
                value = _unless_chosen(operands, value, chosen[vertex.operands[0]])
            values[vertex] = value
            is_zero = np.asarray(value).dtype.kind == "b"
        if is_zero:
            chosen[vertex] = np.equal(value, 0)
        elif isinstance(vertex, Apply):
            chosen[vertex] = _chosen(vertex, values, [chosen[x] for x in vertex.operands])
        else:
            chosen[vertex] = False
    return [values[output] for output in outputs]


def _unless_chosen(operands: Sequence[Any], value: Any, chosen: Any) -> Any:
    g, local = operands
    lost = np.equal(g, 0) & ~np.isfinite(local) & ~np.asarray(chosen)
    return np.where(lost, np.nan, value)[()] if np.any(lost) else value


def _chosen(vertex: Apply, values: dict[Vertex, Any], marks: Sequence[Any]) -> Any:
    """Return where a vertex is 0 because a choice said so."""
    operation = vertex.operation
    if operation in (elementwise.multiply, guarded_multiply):
        return np.logical_or(*marks)
    if operation in (elementwise.add, elementwise.subtract):
        return np.logical_and(*marks)
    if operation in (elementwise.divide, elementwise.negative):
        return marks[0]
    if operation is elementwise.where:
        return np.where(values[vertex.operands[0]], marks[1], marks[2])
    if isinstance(operation, Linear) and np.any(marks[0]):  # a sum, a copy: zeros of zeros
        shape = vertex.operands[0].shape
        rest = (1.0 - np.broadcast_to(marks[0], shape))[()]
        others = [values[x] for x in vertex.operands[1:]]
        return np.equal(evaluate(operation, [rest, *others], vertex.params), 0)
    return False
