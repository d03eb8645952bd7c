"""The numbers that findings go by, and what is said of them.

They are functions of arrays, in NumPy: `chainrule.explain.findings` has the numbers of one run, and
a page records them, so that they follow the inputs there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.core.array import shape_of

__all__ = [
    "ADVICE",
    "FLAT",
    "MANY",
    "RATIO",
    "TEXTS",
    "dead_units",
    "is_saturated",
    "is_steep",
    "share",
    "size",
    "slope",
    "units",
]

#: An entry is saturated where the slope is below this share of the largest slope.
FLAT = 0.06
#: Share of saturated entries from which on it is worth saying.
MANY = 0.25
#: Factor between gradient norms from which on they vanish or explode.
RATIO = 1000.0

#: What is said, with the names of what stands in it.
TEXTS: Mapping[str, str] = {
    "saturated": "the {kind} in {name} is saturated at {value}: its slope is {slope} of the "
    "largest, so almost no gradient gets through.",
    "saturated share": "{share} of the {kind}s in {name} are saturated: there the slope is below "
    "{flat} of the largest, and almost no gradient gets through.",
    "saturated units": "{share} of the {kind}s in {name} are saturated, {units} of {of} units on "
    "every row: there the slope is below {flat} of the largest, and almost no gradient gets "
    "through.",
    "silent": "the ReLU in {name} is silent: its input is {value}.",
    "silent rows": "{units} of {of} units of the ReLU in {name} have no positive input on these "
    "{rows} rows.",
    "silent here": "{units} of {of} units of the ReLU in {name} have no positive input here.",
    "zero": "the gradient of {name} is exactly 0: no step would change it.",
    "vanishing": "the gradient vanishes: its norm shrinks from {late} at {last} to {early} at "
    "{first}, so the first stages hardly learn.",
    "exploding": "the gradient explodes: its norm grows from {late} at {last} to {early} at "
    "{first}: a step changes the first stages most.",
}
#: What to do about it, by the first word of the text.
ADVICE: Mapping[str, str] = {
    "saturated": "Smaller weights, or inputs scaled to mean 0 and variance 1, keep it out of "
    "there.",
    "silent": "A silent unit gives 0 and gets no gradient, so its weights never change: try a "
    "smaller learning rate or initial weights, or a leaky ReLU.",
    "zero": "That is as it should be at a minimum and in a branch that is not taken.",
    "vanishing": "Larger initial weights, ReLU in place of sigmoid or tanh, normalisation or skip "
    "connections let more of it through.",
    "exploding": "Smaller initial weights, normalisation or clipping the gradient's norm tame it.",
}


def slope(kind: str, x: Any) -> Any:
    """Return the size of the slope at each entry, as a share of the largest that there is.

    Args:
        kind: ``"sigmoid"``, ``"tanh"`` or ``"relu"``.
        x: the input.
    """
    if kind == "relu":
        return np.logical_not(x <= 0)  # what NaN would have done, nobody knows
    # The slope of a sigmoid is that of tanh at half of its input.
    return 1 - np.tanh(x / 2 if kind == "sigmoid" else x) ** 2


def share(flags: Any) -> Any:
    """Return the share of flags that are set."""
    return np.sum(flags) / math.prod(shape_of(flags))


def units(flags: Any) -> Any:
    """Count the columns in which all flags are set; None where there is only one row."""
    shape = shape_of(flags)
    if len(shape) < 2 or math.prod(shape) == shape[-1]:
        return None
    return np.sum(np.all(np.reshape(flags, (-1, shape[-1])), axis=0))


def is_saturated(flat: Any) -> Any:
    """Tell whether so many entries are flat, or any column of them, that it is worth saying."""
    stuck = units(flat)
    many = share(flat) >= MANY
    return many if stuck is None else np.logical_or(many, stuck > 0)


def dead_units(off: Any) -> Any:
    """Count the columns, or entries where there is one row, that are off altogether."""
    found = units(off)
    if found is not None:
        return found
    # On one row a silent unit says nothing yet, unless all of them are.
    return np.all(off) * math.prod(shape_of(off))


def size(x: Any) -> Any:
    """Return the size of a number, or the norm of an array without overflow on the way."""
    if not shape_of(x):
        return np.abs(x)
    largest = np.max(np.abs(x))
    scale = np.where(largest > 0, largest, 1.0)
    return scale * np.sqrt(np.sum((x / scale) ** 2))


def is_steep(early: Any, late: Any, vanishing: bool) -> Any:
    """Tell whether a gradient has become that much smaller, or larger, on its way back."""
    known = np.logical_and(early > 0, np.logical_and(late > 0, early + late < math.inf))
    steep = early * RATIO < late if vanishing else early > RATIO * late
    return np.logical_and(known, steep)
