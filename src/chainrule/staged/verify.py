"""Printed code is run once before anyone sees it: it has to do what the eager gradient does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import dtype_of, shape_of, value_of
from chainrule.core.node import Node
from chainrule.errors import ChainruleError
from chainrule.staged.staged import Staged

__all__ = ["verify"]

_VANISHES = 1e-150  # below it, one of two formulas may have lost what the other has: a square


def verify(staged: Staged, args: Sequence[Any], expected: Mapping[Node, Any]) -> None:
    """Compare staged code with the run that it was made from, at the example.

    Raises:
        ChainruleError: they differ, which is a bug of chainrule.
    """
    try:
        with np.errstate(all="ignore"):
            value, gradients = staged.call(args)
    except ArithmeticError:  # Python's own floats raise where NumPy's gives inf
        return
    lines = (np.abs(line.value) for line in (*staged.stages, *staged.backward))
    largest = max((float(np.max(x, initial=0.0, where=np.isfinite(x))) for x in lines), default=0.0)
    _compare(staged, "the value", value, value_of(staged.trace.output), largest)
    found = iter(trees.flatten(gradients)[0])
    order = staged.program.order
    for argument in sorted(staged.trace.inputs, key=lambda a: order.index(a.position)):
        zero = np.zeros(shape_of(argument.value))
        assert argument.node is not None
        reference = expected.get(argument.node, zero)
        _compare(staged, f"the gradient of {argument.name}", next(found), reference, largest)


def _compare(staged: Staged, what: str, found: Any, expected: Any, largest: float) -> None:
    """Compare, with room for the rounding of sums whose largest term is given.

    A shorter formula may have a limit where the rules, one after another, give NaN.
    """
    if shape_of(found) == shape_of(expected):
        known = np.where(np.isnan(expected), np.nan, found)
        scale = np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))
        values = [expected, *(argument.value for argument in staged.trace.inputs)]
        values += [stage.value for stage in staged.stages]
        values += [line.value for line in staged.backward]
        single = any(t.kind == "f" and t.itemsize < 8 for t in map(dtype_of, values))
        tolerance, rounding = (1e-3, 1e-5) if single else (1e-8, 1e-13)
        atol = max(tolerance * scale, rounding * largest, _VANISHES)
        if np.allclose(known, expected, rtol=tolerance, atol=atol, equal_nan=True):
            return
    raise ChainruleError(
        f"{what} in the staged code is {found!r}, but it is {expected!r}: this is a bug of "
        f"chainrule, please report it with your function. The code was:\n{staged.source}"
    )
