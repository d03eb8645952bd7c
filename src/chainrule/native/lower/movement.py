"""Data movement: in terms of views, of parts that are written in place, and of indices.

What joins arrays becomes `joined`, whose parts are computed straight into their places. What reads
at places that are known, or only in part, compares, or gathers with constant arrays of indices.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.core.kinds import broadcast_to
from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Constant, Vertex
from chainrule.graph.placeholder import (
    cast,
    element,
    full,
    like,
    make,
    reshaped,
)
from chainrule.native.lower.gather import WHOLE, gather_of
from chainrule.native.lower.parts import box, joined
from chainrule.native.lower.roles import Role, number, role_of
from chainrule.operations import elementwise, indexing
from chainrule.operations import shape as shapes
from chainrule.operations.slot import SLOT

__all__ = [
    "RULES",
    "along",
    "are_integers",
    "chosen",
    "join",
    "repeated_to",
    "sliced",
    "spelled_out",
]

# Reading.


def sliced(x: Vertex, index: tuple[Any, ...]) -> Vertex:
    """Read with a basic index."""
    if all(type(part) is slice and part == WHOLE for part in index):
        return x
    size = np.broadcast_to(np.zeros(()), x.shape)[index].shape
    return make(indexing.getitem, [x], x.dtype, size, index=index)


def spelled_out(index: Any, arrays: Sequence[Vertex], ndim: int) -> Any:
    """Split an index into a basic one, and one of slots and whole axes with its arrays."""
    parts = list(index) if isinstance(index, tuple) else [index]
    missing = ndim - sum(part is not None and part is not Ellipsis for part in parts)
    at = parts.index(Ellipsis) if Ellipsis in parts else len(parts)
    parts[at : at + 1] = [WHOLE] * missing
    rest = iter(arrays)
    basic: list[Any] = []
    slots: list[Any] = []
    found: list[Vertex] = []
    for part in parts:
        if part is SLOT or type(part) is int:
            basic.append(WHOLE)
            slots.append(SLOT)
            found.append(next(rest) if part is SLOT else Constant(part))
        else:
            basic.append(part)
            slots.append(WHOLE)
    return tuple(basic), tuple(slots), found


def are_integers(arrays: Sequence[Vertex]) -> bool:
    """Tell whether arrays can be indices that are no masks."""
    return all(x.dtype.kind in "iu" for x in arrays)


def _getitem(vertex: Apply) -> Vertex | None:
    x, *arrays = vertex.operands
    if not arrays or not are_integers(arrays) or gather_of(vertex) is not None:
        return None
    basic, slots, found = spelled_out(vertex.params["index"], arrays, x.ndim)
    return Apply(indexing.getitem, (sliced(x, basic), *found), {"index": slots}, vertex.value)


def _take(vertex: Apply) -> Vertex | None:
    x, indices = vertex.operands
    axis, mode = vertex.params["axis"], vertex.params.get("mode", "raise")
    if not isinstance(axis, int) or not are_integers([indices]):
        return None
    n = x.shape[axis]
    if mode == "clip":
        indices = element(elementwise.clip, indices, Constant(0), Constant(n - 1))
    elif mode == "wrap":
        indices = element(elementwise.remainder, indices, Constant(n))
    index = tuple(SLOT if k == axis else WHOLE for k in range(x.ndim))
    return Apply(indexing.getitem, (x, indices), {"index": index}, vertex.value)


def _take_along_axis(vertex: Apply) -> Vertex | None:
    x, indices = vertex.operands
    axis = vertex.params["axis"]
    if not isinstance(axis, int) or not are_integers([indices]):
        return None
    ndim = x.ndim
    grid = [
        indices if k == axis else Constant(along(np.arange(n), k, ndim), literal=True)
        for k, n in enumerate(x.shape)
    ]
    return Apply(indexing.getitem, (x, *grid), {"index": (SLOT,) * ndim}, vertex.value)


def along(values: np.ndarray[Any, Any], axis: int, ndim: int) -> np.ndarray[Any, Any]:
    """Lay values along one of several axes."""
    return values.reshape([-1 if k == axis else 1 for k in range(ndim)])


def chosen(x: Vertex, origins: Sequence[np.ndarray[Any, Any] | None]) -> Vertex:
    """Read at known places along some axes."""
    some = [k for k, origin in enumerate(origins) if origin is not None]
    if not some:
        return x
    if role_of(x) is Role.NUMBER:
        size = tuple(n if o is None else len(o) for n, o in zip(x.shape, origins, strict=True))
        return full(number(x), x.dtype, size)
    first, end = some[0], some[-1] + 1
    lines = [np.arange(x.shape[k]) if o is None else o for k, o in enumerate(origins)]
    arrays = [
        Constant(along(lines[k], k - first, end - first), literal=True) for k in range(first, end)
    ]
    index = tuple(SLOT if first <= k < end else WHOLE for k in range(len(origins)))
    size = tuple(map(len, lines))
    return make(indexing.getitem, [x, *arrays], x.dtype, size, index=index)


# Joining.


def join(
    parts: Sequence[tuple[Vertex, tuple[int, ...]]], dtype: np.dtype[Any], size: tuple[int, ...]
) -> Vertex:
    """Put parts together, each of which begins at some place."""
    some = [(x, start) for x, start in parts if x.size]
    if len(some) == 1:
        return cast(some[0][0], dtype)
    operands = [cast(x, dtype) for x, _ in some]
    places = tuple(box(start, x.shape) for x, start in some)
    return make(joined, operands, dtype, size, places=places, shape=size)


def _concatenated(xs: Sequence[Vertex], axis: int, vertex: Apply) -> Vertex:
    ends = itertools.accumulate((x.shape[axis] for x in xs), initial=0)
    ndim = xs[0].ndim
    parts = [
        (x, (0,) * axis + (k,) + (0,) * (ndim - axis - 1)) for x, k in zip(xs, ends, strict=False)
    ]
    size = list(xs[0].shape)
    size[axis] = sum(x.shape[axis] for x in xs)
    return join(parts, vertex.dtype, tuple(size))


def _concatenate(vertex: Apply) -> Vertex | None:
    axis = vertex.params["axis"]
    xs = vertex.operands
    if axis is None:
        xs, axis = tuple(reshaped(x, (x.size,)) for x in xs), 0
    if not vertex.size:
        return None
    return like(_concatenated(xs, axis % xs[0].ndim, vertex), vertex)


def _stack(vertex: Apply) -> Vertex | None:
    axis = vertex.params["axis"] % vertex.ndim
    if not vertex.size:
        return None
    size = (*vertex.shape[:axis], 1, *vertex.shape[axis + 1 :])
    return like(_concatenated([reshaped(x, size) for x in vertex.operands], axis, vertex), vertex)


def _roll(vertex: Apply) -> Vertex | None:
    (x,) = vertex.operands
    shift, axis = vertex.params["shift"], vertex.params.get("axis")
    if not x.size:
        return None
    y = reshaped(x, (x.size,)) if axis is None else x
    axes = (0,) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    shifts = shift if isinstance(shift, tuple) else (shift,)
    for by, k in np.broadcast(shifts, axes):
        k %= y.ndim
        n = y.shape[k]
        cut = (n - int(by)) % n
        lead = (WHOLE,) * k
        back, front = sliced(y, (*lead, slice(cut, None))), sliced(y, (*lead, slice(0, cut)))
        y = _concatenated([back, front], k, vertex)
    return like(y, vertex)


# Repeating.


def repeated_to(x: Vertex, size: tuple[int, ...]) -> Vertex:
    """Repeat an array to a shape, as NumPy broadcasts it."""
    extra = len(x.shape) - len(size)
    if extra > 0:  # a write takes values with more axes, as long as these are of length 1
        x = make(shapes.reshape, [x], x.dtype, x.shape[extra:], shape=x.shape[extra:])
    if x.shape == size:
        return x
    return make(broadcast_to, [x], x.dtype, size, shape=size)


def _tile(vertex: Apply) -> Vertex | None:
    (x,) = vertex.operands
    ndim = vertex.ndim
    reps = vertex.params["reps"]
    reps = (1,) * (ndim - len(reps)) + tuple(reps)
    lengths = (1,) * (ndim - x.ndim) + x.shape
    once = reshaped(x, tuple(n for length in lengths for n in (1, length)))
    split = tuple(n for pair in zip(reps, lengths, strict=True) for n in pair)
    return like(repeated_to(once, split), vertex)


def _repeat(vertex: Apply) -> Vertex | None:
    (x,) = vertex.operands
    repeats, axis = vertex.params["repeats"], vertex.params["axis"]
    if axis is None:
        x, axis = reshaped(x, (x.size,)), 0
    size = x.shape
    if np.ndim(repeats):
        origin = np.repeat(np.arange(size[axis]), repeats)
        return like(chosen(x, [origin if k == axis else None for k in range(len(size))]), vertex)
    once = reshaped(x, (*size[: axis + 1], 1, *size[axis + 1 :]))
    return like(repeated_to(once, (*size[: axis + 1], int(repeats), *size[axis + 1 :])), vertex)


# Exchanging axes.


def _swapaxes(vertex: Apply) -> Vertex | None:
    order = list(range(vertex.ndim))
    i, j = vertex.params["axis1"], vertex.params["axis2"]
    order[i], order[j] = order[j], order[i]
    return Apply(shapes.transpose, vertex.operands, {"axes": tuple(order)}, vertex.value)


RULES: dict[Operation, Callable[[Apply], Vertex | None]] = {
    indexing.getitem: _getitem,
    indexing.take: _take,
    indexing.take_along_axis: _take_along_axis,
    shapes.concatenate: _concatenate,
    shapes.stack: _stack,
    shapes.roll: _roll,
    shapes.tile: _tile,
    shapes.repeat: _repeat,
    shapes.swapaxes: _swapaxes,
}
