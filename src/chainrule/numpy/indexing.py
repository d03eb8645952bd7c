"""Indexing of Arrays, reading and writing, and NumPy's functions that pick, order or find entries.

What is a view in NumPy is one here, and a write means what it means there: see
`chainrule.numpy.memory` and `chainrule.numpy.assignment`.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.core.apply import apply, apply_unary
from chainrule.core.array import Array, value_of
from chainrule.core.counted import ROWS, as_index
from chainrule.core.kinds import constant
from chainrule.numpy.assignment import split, write
from chainrule.numpy.axes import along, axis_of, operand
from chainrule.numpy.casting import cast
from chainrule.numpy.creation import restack
from chainrule.numpy.dispatch import constant_call, implements, plain, refuse, unsupported
from chainrule.numpy.indices import is_plain
from chainrule.numpy.memory import picked_view, view_of
from chainrule.operations import indexing as rows
from chainrule.operations.slot import SLOT

__all__ = ["indices_of", "nonzero", "with_entries"]

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
_ndarray = np.ndarray
_float64 = np.float64
_CALLS = frozenset(code for name, code in dis.opmap.items() if name.startswith("CALL"))


# a[i], a[i] = v, for row in a.


def getitem(self: Array, index: Any) -> Any:
    if type(index) is int:
        params: dict[str, Any] = {"index": index}
        picked = apply_unary(_getitem, _compute_getitem, self, params)
        if type(picked) is not Array or type(picked.held) is not _ndarray:
            return picked
        return view_of(self, picked, _getitem, params)
    if type(index) is slice:
        index = (index,)
    if not is_plain(index):
        index, arrays = split(as_index(self, index))
        if arrays:
            return picked_view(self, index, arrays)
    params = {"index": index}
    picked = apply_unary(_getitem, _compute_getitem, self, params)
    if type(picked) is not Array or type(picked.held) is _float64:
        return picked
    return view_of(self, picked, _getitem, params)


def setitem(self: Array, index: Any, value: Any) -> None:
    if type(index) is int and type(value) is Array and _is_swap(self, index, value):
        frame = sys._getframe(1)
        if frame.f_code.co_code[frame.f_lasti] in _CALLS:
            # A swap, x[i], x[j] = x[j], x[i], for which rows have to be copies.
            raise unsupported(
                "a swap of rows in a compiled function, such as `np.random.shuffle`",
                "write a[:] = a[np.random.permutation(len(a))]",
            )
    write(self, index, value)


def _is_swap(array: Array, index: int, value: Array) -> bool:
    """Tell whether a value is a row of the array, and the row it replaces was taken after it."""
    if value.origin is None or value.origin[0] is not array:
        return False
    last = array.views[-1]()
    return last is not None and last is not value and last.origin[2].get("index") == index


def with_entries(a: Any, index: Any, value: Any) -> Any:
    """Return ``a`` with ``a[index] = value`` done to it."""
    template, arrays = split(index)
    return rows.set_at(a, value, *arrays, index=template)


def iterate(self: Array) -> Iterator[Any]:
    if not self.shape:
        raise TypeError("iteration over a 0-d Array")
    rows = ROWS.get()
    found = rows(self) if rows is not None else None
    return found or (getitem(self, k) for k in range(self.shape[0]))


def contains(self: Array, item: Any) -> bool:
    return bool(np.any(np.equal(self, item)))


Array.__getitem__ = getitem  # type: ignore[method-assign]
Array.__setitem__ = setitem  # type: ignore[method-assign]
Array.__iter__ = iterate  # type: ignore[method-assign]
setattr(Array, "__contains__", contains)  # noqa: B010  # a class knows no `in`


# Picking entries.


@implements(np.take)
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    a, axis = along(a, axis)
    return rows.take(a, indices_of(indices), axis=axis, mode=mode)


def indices_of(indices: Any) -> Any:
    """Return indices as an Array or an ndarray of integers: masks are no masks here."""
    indices = indices if type(indices) is Array else np.asarray(plain(indices))
    return indices if indices.dtype.kind in "iu" else cast(indices, np.intp)


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    arr, indices = operand(arr), indices_of(indices)
    if axis is None:
        return rows.take_along_axis(np.ravel(arr), indices, axis=0)
    return rows.take_along_axis(arr, indices, axis=axis_of(axis, arr.ndim))


@implements(np.compress)
def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    return take(a, np.flatnonzero(operand(condition)), axis)


@implements(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    alternatives = [operand(choice) for choice in choices]
    shape = np.broadcast_shapes(np.shape(a), *(choice.shape for choice in alternatives))
    which = indices_of(a)
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


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: Any = 0) -> Any:
    counts = constant_call(np.bincount, (x, None, minlength), {})
    if weights is None:
        return counts
    x, weights = operand(x), cast(operand(weights), float)
    if x.shape != weights.shape:
        raise ValueError("The weights and list don't have the same length.")
    return rows.scatter_add(weights, x, index=(SLOT,), shape=counts.shape)


# Order.


@implements(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    refuse("sort", order=order)
    a = operand(a)
    if axis is None:
        a, axis = np.ravel(a), -1
    return rows.sort(a, axis=axis_of(axis, a.ndim))


@implements(np.sort_complex)
def sort_complex(a: Any) -> Any:
    ordered = np.sort(operand(a))
    return cast(ordered, np.result_type(ordered.dtype, np.complex64))


@implements(np.argsort, observes=True)
def argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    refuse("argsort", order=order)
    a, axis = along(a, axis)
    params = {"axis": axis, "kind": "stable" if stable else kind}
    return apply(rows.argsort, rows.argsort.compute, (a,), params)


@implements(np.lexsort, observes=True)
def lexsort(keys: Any, axis: Any = -1) -> Any:
    """Sort by one key after another: the last one decides, so it comes last."""
    np.lexsort([value_of(key) for key in keys], axis)  # with its errors
    order, *further = [operand(key) for key in keys]
    order = np.argsort(order, axis=axis, kind="stable")
    for key in further:
        key = np.take_along_axis(key, order, axis)
        order = np.take_along_axis(order, np.argsort(key, axis=axis, kind="stable"), axis)
    return order


@implements(np.partition)
def partition(
    a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None
) -> Any:
    refuse("partition", order=order)
    a = operand(a)
    if axis is None:
        a, axis = np.ravel(a), -1
    return take_along_axis(a, np.argpartition(a, kth, axis), axis)


@implements(np.searchsorted, observes=True)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    a = operand(a)
    if sorter is not None:
        a = take(a, sorter)
    return rows.searchsorted(a, restack(v), side=side)


@implements(np.nonzero, observes=True)
def nonzero(a: Any) -> Any:
    """Find the entries that are not zero: one index array per axis."""
    a = operand(a)
    if type(a) is Array and a.node is not None and a.node.recording.note is not None:
        return tuple(_places_along(a, axis=k) for k in range(a.ndim))
    return np.nonzero(value_of(a))
