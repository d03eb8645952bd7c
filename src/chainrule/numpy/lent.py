"""Arrays from outside, as a function sees them that writes into what it makes of them."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from chainrule.core.array import Array

__all__ = ["Lent", "lend", "returned"]


class Lent(list[weakref.ref[Array]]):
    """The views of an Array that stands for an array from outside, which is not written into."""


def lend(array: np.ndarray[Any, Any]) -> Array:
    """Return an Array for an array from outside, so that what is made of it can be written into."""
    made = Array(array, None)
    made.views = Lent()
    return made


def returned(value: Any) -> Any:
    """Return the array itself for an Array that it was lent as, and anything else as it is."""
    return value.value if type(value) is Array and type(value.views) is Lent else value
