"""Indexing of Arrays, reading and writing, and NumPy's functions that pick, order or find entries.

A view is a copy here: writing into ``b = a[1:]`` leaves ``a`` as it was, unlike in NumPy. Writing
into ``a`` itself works; it gives the Array a new value and history, and every name for that same
Array sees it. Writing into a view that has no name, ``a[0][1] = v``, raises: nobody would see it.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import numpy as np

from chainrule.core.apply import apply, apply_unary
from chainrule.core.array import Array, value_of
from chainrule.core.kinds import constant
from chainrule.core.node import Leaf
from chainrule.core.recording import FREE
from chainrule.core.source import where_am_i
from chainrule.errors import GradientLostError
from chainrule.numpy.axes import axis_of, operand
from chainrule.numpy.casting import cast
from chainrule.numpy.creation import holds_arrays, restack
from chainrule.numpy.dispatch import (
    implements,
    lost_in_place,
    plain,
    refuse,
    unsupported,
)
from chainrule.operations import indexing as rows

__all__ = ["nonzero", "rebind", "with_entries"]

#: One of the results of a function that has several, so that each stays in the graph.
_places_along = constant(
    "nonzero",
    lambda a, axis: np.nonzero(a)[axis],
    source="np.nonzero({0})[{axis}]",
    shaped_by="values",
)
_part_of_unique = constant(
    "unique",
    lambda ar, part, axis, equal_nan: np.unique(ar, True, True, True, axis, equal_nan=equal_nan)[
        part
    ],
    source="np.unique({0}, True, True, True, {axis}, equal_nan={equal_nan})[{part}]",
    shaped_by="values",
)
_getitem = rows.getitem
_compute_getitem = rows.getitem.compute


# a[i], a[i] = v, for row in a.


def _split(index: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """Separate the arrays in an index, which may be Arrays, from its ints and slices."""
    if isinstance(index, (list, tuple)) and holds_arrays(index):
        index = tuple(map(restack, index)) if isinstance(index, tuple) else restack(index)
    return rows.split_index(index)


def getitem(self: Array, index: Any) -> Any:
    if type(index) is int:
        return apply_unary(_getitem, _compute_getitem, self, {"index": index})
    template, arrays = _split(index)
    if not arrays:
        return apply_unary(_getitem, _compute_getitem, self, {"index": template})
    return apply(_getitem, _compute_getitem, (self, *arrays), {"index": template})


def _references_of_a_temporary() -> int:
    """Count, as `setitem` does, the references to an object that only the statement holds.

    Where this Python's count is the same for an object that has a name, it tells nothing: return 0.
    """

    class Probe:
        def __setitem__(self, index: Any, value: Any) -> None:
            counts.append(sys.getrefcount(self))

    counts: list[int] = []
    named = Probe()
    named[0] = None
    Probe()[0] = None
    return counts[1] if counts[1] < counts[0] else 0


_TEMPORARY = _references_of_a_temporary()


def _is_assignment(frame: FrameType) -> bool:
    """Tell ``a[i] = v`` from a call of ``a.__setitem__``, which holds fewer references."""
    return dis.opname[frame.f_code.co_code[frame.f_lasti]] in ("STORE_SUBSCR", "STORE_SLICE")


def setitem(self: Array, index: Any, value: Any) -> None:
    # a[0][1] = v, a.T[0] = v
    if sys.getrefcount(self) <= _TEMPORARY and _is_assignment(sys._getframe(1)):
        raise GradientLostError(
            "a write into a view that nothing else refers to would be lost, at "
            f"{where_am_i()}: views are copies here. Write one index, a[0, 1] = v instead of "
            "a[0][1] = v, or give the view a name and use that: b = a.T; b[0] = v"
        )
    rebind(self, with_entries(self, index, value), "a[i] = v")


def with_entries(a: Any, index: Any, value: Any) -> Any:
    """Return ``a`` with ``a[index] = value`` done to it."""
    template, arrays = _split(index)
    return rows.set_at(a, value, *arrays, index=template)


def rebind(array: Array, new: Any, what: str) -> Array:
    """Let an Array take a new value and history: what writing in place means here.

    Raises:
        GradientLostError: the Array is an input made by ``chainrule.array``, whose ``grad`` could
            not be found any more.
    """
    if isinstance(array.node, Leaf) and array.node.recording is FREE:
        raise GradientLostError(
            f"`{what}` on an input made by chainrule.array would cut it off from its grad, at "
            f"{where_am_i()}: write into a copy (b = a.copy(); b[...] = v), or, to update the "
            "input between two passes, into a.value"
        )
    written = array.node.recording.written
    if written is not None:
        written(array.node, new.node)
    array.value, array.node = new.value, new.node
    return array


def iterate(self: Array) -> Iterator[Any]:
    if not self.shape:
        raise TypeError("iteration over a 0-d Array")
    return (getitem(self, k) for k in range(self.shape[0]))


def contains(self: Array, item: Any) -> bool:
    return bool(np.any(np.equal(self, item)))


Array.__getitem__ = getitem  # type: ignore[method-assign]
Array.__setitem__ = setitem  # type: ignore[method-assign]
Array.__iter__ = iterate  # type: ignore[method-assign]
setattr(Array, "__contains__", contains)  # noqa: B010  # a class knows no `in`


# Picking entries.


@implements(np.take)
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    refuse("take", out=out)
    a = operand(a)
    if axis is None:
        a, axis = np.ravel(a), 0
    return rows.take(a, _indices(indices), axis=axis_of(axis, a.ndim), mode=mode)


def _indices(indices: Any) -> Any:
    return indices if type(indices) is Array else np.asarray(plain(indices))


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    arr, indices = operand(arr), _indices(indices)
    if axis is None:
        return rows.take_along_axis(np.ravel(arr), indices, axis=0)
    return rows.take_along_axis(arr, indices, axis=axis_of(axis, arr.ndim))


@implements(np.compress)
def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    refuse("compress", out=out)
    return take(a, np.flatnonzero(operand(condition)), axis)


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    return take(arr, np.flatnonzero(operand(condition)))


@implements(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    refuse("choose", out=out)
    alternatives = [operand(choice) for choice in choices]
    shape = np.broadcast_shapes(np.shape(a), *(choice.shape for choice in alternatives))
    which = _indices(a)
    if mode != "raise":
        limit = len(alternatives)
        which = np.clip(which, 0, limit - 1) if mode == "clip" else which % limit
    table = np.stack([np.broadcast_to(choice, shape) for choice in alternatives])
    return take_along_axis(table, np.broadcast_to(which, shape)[None], 0)[0]


@implements(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    *,
    equal_nan: bool = True,
    **kwargs: Any,
) -> Any:
    """Pick the first of equal entries, which gets their gradient."""
    wanted = [True, return_index, return_inverse, return_counts]
    parts = [
        _part_of_unique(ar, part=k, axis=axis, equal_nan=equal_nan) if k == 1 or wanted[k] else None
        for k in range(1, 4)
    ]
    picked = take(ar, parts[0], axis)
    results = [picked, *(part for k, part in enumerate(parts, 1) if wanted[k])]
    return tuple(results) if len(results) > 1 else picked


@implements(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    filt = operand(filt)
    if not filt.ndim:
        return filt
    if filt.ndim != 1:
        raise unsupported("np.trim_zeros of more than one dimension", "use slices")
    found = np.flatnonzero(filt)
    if not found.size:
        return filt[:0]
    start = found[0] if "f" in trim.lower() else 0
    return filt[start : found[-1] + 1 if "b" in trim.lower() else len(filt)]


# Order.


@implements(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    refuse("sort", order=order)
    a = operand(a)
    if axis is None:
        a, axis = np.ravel(a), -1
    return rows.sort(a, axis=axis_of(axis, a.ndim))


@implements(np.argsort)
def argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    refuse("argsort", order=order)
    a = operand(a)
    if axis is None:
        a, axis = np.ravel(a), -1
    params = {"axis": axis_of(axis, a.ndim), "kind": "stable" if stable else kind}
    return apply(rows.argsort, rows.argsort.compute, (a,), params)


@implements(np.partition)
def partition(
    a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None
) -> Any:
    refuse("partition", order=order)
    a = operand(a)
    if axis is None:
        a, axis = np.ravel(a), -1
    return take_along_axis(a, np.argpartition(a, kth, axis), axis)


@implements(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    a = operand(a)
    if sorter is not None:
        a = take(a, sorter)
    return rows.searchsorted(a, restack(v), side=side)


@implements(np.nonzero)
def nonzero(a: Any) -> Any:
    """Find the entries that are not zero: one index array per axis."""
    a = operand(a)
    if type(a) is Array and a.node.recording.note is not None:
        return tuple(_places_along(a, axis=k) for k in range(a.ndim))
    return np.nonzero(value_of(a))


# Functions that write in place.


@implements(np.copyto)
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    if type(dst) is not Array:
        raise lost_in_place("np.copyto into an ndarray", "write `dst = src` or `dst = src.copy()`")
    new = np.broadcast_to(src, dst.shape)
    if where is not True:
        new = np.where(where, new, dst)
    dst[...] = cast(new, dst.dtype)


@implements(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    if type(arr) is not Array:
        raise lost_in_place(
            "np.put_along_axis into an ndarray",
            "write into an array that depends "
            "on the arguments of the function, such as `np.zeros_like(x) + 0 * x`",
        )
    if axis is None:
        raise unsupported("np.put_along_axis with axis=None", "ravel the array first")
    places = list(np.ogrid[tuple(slice(n) for n in np.shape(indices))])
    places[axis_of(axis, arr.ndim)] = _indices(indices)
    arr[tuple(places)] = values


@implements(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    if type(a) is not Array:
        raise lost_in_place(
            "np.fill_diagonal of an ndarray", "write `np.where(np.eye(n, dtype=bool), val, a)`"
        )
    if wrap or a.ndim < 2 or (len(set(a.shape)) > 1 and a.ndim > 2):
        raise unsupported("np.fill_diagonal with wrap=True or unequal axes", "use a[i, i] = v")
    a[np.diag_indices(min(a.shape), a.ndim)] = val


def _not_in_place(function: Any, cure: str) -> None:
    @implements(function)
    def write(*args: Any, **kwargs: Any) -> None:
        raise lost_in_place(f"np.{function.__name__}", cure)


_not_in_place(np.put, "write `a = a.ravel(); a[indices] = values`, or np.where")
_not_in_place(np.place, "write `a[mask] = values`, or np.where")
_not_in_place(np.putmask, "write `a[mask] = values`, or np.where")
