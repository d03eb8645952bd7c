"""Reductions: what makes one number of two, for every printer and for whoever asks what is one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.core.kinds import unbroadcast
from chainrule.core.operation import Operation
from chainrule.operations import reduction

__all__ = ["COMBINING", "Combining"]


@dataclass(frozen=True)
class Combining:
    """How a reduction goes on.

    Attributes:
        floating: the instruction of LLVM for floating-point numbers, or the intrinsic.
        integer: the instruction for integers and booleans.
        start: the value that changes nothing.
        text: in Python, given what there is so far and one more.
        javascript: the new total, given the same.
    """

    floating: str
    integer: str
    start: float
    text: str
    javascript: str


_SUM = Combining("fadd reassoc", "add", 0, "{0} += {1}", "{0} + {1}")

COMBINING: dict[Operation, Combining] = {
    reduction.sum: _SUM,
    unbroadcast: _SUM,
    reduction.prod: Combining("fmul reassoc", "mul", 1, "{0} *= {1}", "{0} * {1}"),
    reduction.max: Combining(
        "maximum", "", -np.inf, "{0} = maximum({0}, {1})", "Math.max({0}, {1})"
    ),
    reduction.min: Combining(
        "minimum", "", np.inf, "{0} = minimum({0}, {1})", "Math.min({0}, {1})"
    ),
    reduction.any: Combining("", "or", False, "{0} |= {1}", "{0} | {1}"),
    reduction.all: Combining("", "and", True, "{0} &= {1}", "{0} & {1}"),
}
