"""``a.flat``: the entries of an array in order, to be read, written and iterated over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import Array, shape_of
from chainrule.numpy.axes import operand
from chainrule.numpy.casting import own
from chainrule.numpy.dispatch import plain
from chainrule.numpy.shapes import ravel

__all__ = ["Flat", "repeated"]


class Flat:
    """What ``ndarray.flat`` is for an ndarray: picked from, it gives copies, and it is written to.

    To NumPy's functions it is a copy of the array in one dimension.
    """

    def __init__(self, base: Array) -> None:
        self.base = base if base.ndim else base.reshape(1)
        self.index = 0

    def _places(self, index: Any) -> tuple[Any, ...]:
        return np.unravel_index(np.arange(self.base.size)[plain(index)], self.base.shape)

    def __getitem__(self, index: Any) -> Any:
        return self.base[self._places(index)]

    def __setitem__(self, index: Any, value: Any) -> None:
        places = self._places(index)
        if not np.ndim(places[0]):
            self.base[places] = value
        elif np.size(value):  # without values NumPy does nothing
            self.base[places] = repeated(value, np.size(places[0]))

    def __len__(self) -> int:
        return self.base.size

    def __iter__(self) -> Flat:
        return self

    def __next__(self) -> Any:
        if self.index >= self.base.size:
            raise StopIteration
        self.index += 1
        return self[self.index - 1]

    def copy(self) -> Any:
        """Return all entries, in their order, as an array of its own."""
        return own(ravel(self.base))

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        return function(*_copied(args), **_copied(kwargs))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return getattr(ufunc, method)(*_copied(inputs), **_copied(kwargs))


def _copied(tree: Any) -> Any:
    if isinstance(tree, Flat):
        return tree.copy()
    if isinstance(tree, Mapping):
        return {name: _copied(item) for name, item in tree.items()}
    if isinstance(tree, Sequence) and not isinstance(tree, str):
        return type(tree)(map(_copied, tree))  # type: ignore[call-arg]
    return tree


def repeated(values: Any, count: int) -> Any:
    """Return as many values, from the first again when they are used up."""
    flat = ravel(operand(values))
    size = shape_of(flat)[0]
    return flat if size == count else flat[np.arange(count) % max(size, 1)]
