"""NumPy's functions that join arrays, cut them up, and put entries in or leave them out."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from chainrule.core.array import value_of
from chainrule.numpy.axes import axis_of, operand
from chainrule.numpy.casting import cast
from chainrule.numpy.creation import array
from chainrule.numpy.dispatch import arrays_in, implements, plain
from chainrule.numpy.indexing import with_entries
from chainrule.numpy.shapes import at_least, moveaxis, ravel, reshape
from chainrule.operations import shape as rows

__all__: list[str] = []

# Several arrays into one.


class Joiner:
    """``np.r_`` and ``np.c_``, which join arrays in brackets, with Arrays among these."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)

    def __getitem__(self, key: Any) -> Any:
        items = key if isinstance(key, tuple) else (key,)
        if next(arrays_in(items), None) is None or any(isinstance(x, str) for x in items):
            return self.original[key]
        parts = [self._part(item) for item in items]
        kinds = [
            value if isinstance(value := value_of(item), (int, float, complex)) else part.dtype
            for item, part in zip(items, parts, strict=True)
        ]
        return concatenate(parts, self.original.axis, dtype=np.result_type(*kinds))

    def _part(self, item: Any) -> Any:
        """Return one item as it is joined: a vector is a column of ``np.c_``."""
        if isinstance(item, slice):
            return self.original[item]
        part = at_least(operand(item), 1)
        return part[:, None] if part.ndim < self.original.ndmin else part


@implements(np.concatenate)
def concatenate(
    arrays: Any, /, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    parts = [operand(a) if dtype is None else cast(operand(a), dtype) for a in arrays]
    if axis is None:
        parts, axis = [ravel(a) for a in parts], 0
    return rows.concatenate(*parts, axis=axis_of(axis, parts[0].ndim))


@implements(np.stack)
def stack(
    arrays: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    parts = [cast(operand(a), dtype) for a in arrays]
    if len({a.shape for a in parts}) > 1:
        raise ValueError("all input arrays must have the same shape")
    return rows.stack(*parts, axis=axis_of(axis, parts[0].ndim + 1))


@implements(np.block)
def block(arrays: Any) -> Any:
    def depth_of(block: Any) -> int:
        return 1 + max(map(depth_of, block)) if isinstance(block, list) else 0

    def leaves(block: Any) -> list[Any]:
        return list(itertools.chain(*map(leaves, block))) if isinstance(block, list) else [block]

    depth = depth_of(arrays)
    ndim = max(depth, *(np.ndim(leaf) for leaf in leaves(arrays)))

    def build(block: Any, level: int) -> Any:
        if not isinstance(block, list):
            return _padded_left(operand(block), ndim)
        return concatenate([build(part, level + 1) for part in block], level - depth)

    return build(arrays, 0)


def _padded_left(a: Any, ndim: int) -> Any:
    return a if a.ndim >= ndim else reshape(a, (1,) * (ndim - a.ndim) + a.shape)


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    arr, values = operand(arr), operand(values)
    if axis is None:
        arr, axis = ravel(arr), 0
    axis = axis_of(axis, arr.ndim)
    obj = plain(obj)
    if np.ndim(obj) == 0 and not isinstance(obj, slice) and values.ndim:
        # A single position takes the values along their first axis.
        values = moveaxis(_padded_left(values, arr.ndim), 0, axis)
        obj = [obj] * values.shape[axis]
    # Insert marks into the row of old positions: where they land is where the values go.
    slots = np.insert(np.arange(arr.shape[axis]), obj, -1)
    before = (slice(None),) * axis
    shape = (*arr.shape[:axis], slots.size, *arr.shape[axis + 1 :])
    result = with_entries(np.zeros(shape, arr.dtype), (*before, slots >= 0), arr)
    added = np.flatnonzero(slots < 0)
    if not isinstance(obj, slice) and np.size(obj) == added.size:
        # NumPy pairs values with positions in the order of obj, not in the order of the slots.
        added = added[
            np.argsort(np.argsort(np.asarray(obj) % (arr.shape[axis] + 1), kind="stable"))
        ]
    return with_entries(result, (*before, added), cast(values, arr.dtype))


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    arr = operand(arr)
    if axis is None:
        arr, axis = ravel(arr), 0
    left = np.delete(np.arange(arr.shape[axis]), plain(obj))
    return np.take(arr, left, axis)


# One array into several.


def _cut(a: Any, indices_or_sections: Any, axis: int) -> list[Any]:
    axis = axis_of(axis, a.ndim)
    pieces = np.array_split(np.arange(a.shape[axis]), plain(indices_or_sections))
    before = (slice(None),) * axis
    # Each piece is a run, empty ones included, so a slice is all it takes.
    return [
        a[(*before, slice(int(p[0]), int(p[-1]) + 1) if p.size else slice(0, 0))] for p in pieces
    ]


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    return _cut(operand(ary), indices_or_sections, axis)


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    ary = operand(ary)
    if np.ndim(indices_or_sections) == 0:
        n = ary.shape[axis_of(axis, ary.ndim)]
        if n % plain(indices_or_sections):
            raise ValueError("array split does not result in an equal division")
    return _cut(ary, indices_or_sections, axis)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    if np.ndim(x) == 0:
        raise ValueError("Input array must be at least 1-d.")
    return tuple(moveaxis(x, axis, 0))


if hasattr(np, "unstack"):  # since NumPy 2.1
    implements(np.unstack)(unstack)


@implements(np.apply_along_axis)
def apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    arr = operand(arr)
    axis = axis_of(axis, arr.ndim)
    moved = moveaxis(arr, axis, -1)
    outer = moved.shape[:-1]
    results = [array(func1d(moved[at], *args, **kwargs)) for at in np.ndindex(outer)]
    inner = results[0].shape
    together = reshape(stack(results), (*outer, *inner))
    places = range(len(outer), len(outer) + len(inner))
    return moveaxis(together, tuple(places), tuple(range(axis, axis + len(inner))))
