"""Views at places that the parameters of no operation tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.core.apply import Given, apply
from chainrule.core.array import Array, value_of
from chainrule.operations import indexing
from chainrule.operations.indexing import getitem
from chainrule.operations.slot import SLOT

__all__ = ["Picked", "Strided"]


class Strided:
    """In the place of an operation: a view of entries at any places, as ``as_strided`` makes it.

    ``compute`` makes it of the memory of an array, and ``places`` are the indices of its entries
    there, an array for each axis.
    """

    __slots__ = ("compute", "places")

    def __init__(
        self, compute: Callable[..., Any], places: Sequence[np.ndarray[Any, np.dtype[np.intp]]]
    ) -> None:
        self.compute = compute
        self.places = tuple(places)

    def applied(self, base: Array, value: Any) -> Any:
        """Return the entries, whose value is known, as an Array with a node."""
        index = {"index": (SLOT,) * len(self.places)}
        return apply(getitem, Given(value), (base, *self.places), index)


class Picked:
    """In the place of an operation: a view at a place that the run finds: ``a[np.argmax(b)]``."""

    __slots__ = ("arrays", "index")

    def __init__(self, index: tuple[Any, ...], arrays: Sequence[Any]) -> None:
        self.index, self.arrays = index, arrays

    def compute(self, base: Any) -> Any:
        """Take the view."""
        return base[indexing.join_index(self.index, [value_of(x) for x in self.arrays])]

    def applied(self, base: Array, value: Any) -> Any:
        """Return the entries, whose value is known, as an Array with a node."""
        return apply(getitem, Given(value), (base, *self.arrays), {"index": self.index})
