"""Printed code is run once before anyone sees it: it has to do what the eager gradient does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import trees
from chainrule.core.array import Node, shape_of, value_of
from chainrule.errors import ChainruleError
from chainrule.graph.graph import dtype_of

if TYPE_CHECKING:
    from chainrule.staged.staged import Staged

__all__ = ["verify"]


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
    _compare(staged, "the value", value, value_of(staged.trace.output))
    found = iter(trees.flatten(gradients)[0])
    for argument in staged.trace.inputs:
        zero = np.zeros(shape_of(argument.value))
        assert argument.node is not None
        reference = expected.get(argument.node, zero)
        _compare(staged, f"the gradient of {argument.name}", next(found), reference)


def _compare(staged: Staged, what: str, found: Any, expected: Any) -> None:
    if shape_of(found) == shape_of(expected):
        scale = np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))
        tolerance = 1e-3 if dtype_of(expected).itemsize < 8 else 1e-8
        if np.allclose(found, expected, rtol=tolerance, atol=tolerance * scale, equal_nan=True):
            return
    raise ChainruleError(
        f"{what} in the staged code is {found!r}, but it is {expected!r}: this is a bug of "
        f"chainrule, please report it with your function. The code was:\n{staged.source}"
    )
