"""Updates: entries written into arrays, added to them, or padded; triangles and diagonals."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Constant, Vertex
from chainrule.graph.placeholder import (
    boolean,
    both,
    cast,
    element,
    full,
    like,
    literal,
    make,
    reduce,
    reshaped,
    transposed,
)
from chainrule.native.lower.gather import WHOLE, accumulated, assigned, indexed_axes
from chainrule.native.lower.movement import (
    along,
    are_integers,
    chosen,
    join,
    repeated_to,
    sliced,
    spelled_out,
)
from chainrule.native.lower.roles import Role, number, role_of
from chainrule.operations import elementwise, indexing, reduction
from chainrule.operations import shape as shapes
from chainrule.operations.indexing import SLOT

__all__ = ["RULES"]

# Putting in.


def _placed(piece: Vertex, starts: Sequence[int], fill: Vertex | float, vertex: Apply) -> Vertex:
    """Put a piece among what surrounds it: a number, or the entries of another array there."""
    size, dtype = vertex.shape, vertex.dtype
    parts = [(piece, tuple(starts))]
    box = [(0, n) for n in size]
    for k, (start, n) in enumerate(zip(starts, piece.shape, strict=True)):
        for low, high in ((0, start), (start + n, size[k])):
            if low < high:
                region = [*box[:k], (low, high), *box[k + 1 :]]
                lengths = tuple(end - begin for begin, end in region)
                around = (
                    full(fill, dtype, lengths)
                    if isinstance(fill, (int, float))
                    else sliced(fill, tuple(itertools.starmap(slice, region)))
                )
                parts.append((around, tuple(begin for begin, _ in region)))
        box[k] = (start, start + n)
    return join(parts, dtype, size)


def _spread(
    piece: Vertex, places: Sequence[np.ndarray[Any, Any]], fill: Vertex, vertex: Apply
) -> Vertex:
    """Put the entries of a piece at places that may have gaps between them."""
    size, dtype = vertex.shape, vertex.dtype
    origins: list[np.ndarray[Any, Any] | None] = []
    test: Vertex | None = None
    for k, (n, at) in enumerate(zip(size, places, strict=True)):
        if np.array_equal(at, np.arange(n)):
            origins.append(None)
            continue
        origin = np.zeros(n, np.int64)
        origin[at] = np.arange(len(at))
        inside = np.zeros(n, bool)
        inside[at] = True
        origins.append(origin)
        mask = Constant(along(inside, k, len(size)), literal=True)
        test = mask if test is None else both(test, mask)
    entries = chosen(piece, origins)
    if test is None:
        return cast(entries, dtype)
    return element(elementwise.where, test, entries, fill, dtype=dtype)


def _put(piece: Vertex, index: Any, fill: Vertex | float, vertex: Apply) -> Vertex | None:
    """Put a piece where a basic index says."""
    size = vertex.shape
    parts = list(index) if isinstance(index, tuple) else [index]
    if not all(type(p) in (int, slice) or p is None or p is Ellipsis for p in parts):
        return None
    if not piece.size:
        return (
            cast(fill, vertex.dtype)
            if not isinstance(fill, (int, float))
            else (full(fill, vertex.dtype, size))
        )
    at = parts.index(Ellipsis) if Ellipsis in parts else len(parts)
    missing = len(size) - sum(part is not None and part is not Ellipsis for part in parts)
    parts[at : at + 1] = [WHOLE] * missing
    whole = [part for part in parts if part is not None]
    places = [np.atleast_1d(np.arange(n)[part]) for part, n in zip(whole, size, strict=True)]
    piece = reshaped(piece, tuple(map(len, places)))
    if all(len(p) < 2 or p[1] - p[0] == 1 for p in places):
        return like(_placed(piece, [int(p[0]) for p in places], fill, vertex), vertex)
    around = literal(fill) if isinstance(fill, (int, float)) else fill
    return like(_spread(piece, places, around, vertex), vertex)


def _scatter_add(vertex: Apply) -> Vertex | None:
    g, *arrays = vertex.operands
    size, dtype = vertex.shape, vertex.dtype
    if dtype.kind == "b" or not math.prod(size):
        return None
    if not arrays:
        return _put(g, vertex.params["index"], 0, vertex)
    zeros = full(0, dtype, size)
    return _changed(accumulated, zeros, g, arrays, vertex)


def _changed(
    operation: Operation, base: Vertex, g: Vertex, arrays: Sequence[Vertex], vertex: Apply
) -> Vertex | None:
    """Change entries where arrays of indices say."""
    size, dtype = vertex.shape, vertex.dtype
    if not are_integers(arrays):
        return None
    basic, slots, found = spelled_out(vertex.params["index"], arrays, len(size))
    if any(part is None or part != WHOLE for part in basic):
        if operation is not accumulated:
            return None
        within = np.broadcast_to(np.zeros(()), size)[basic].shape
        params = {"index": slots, "shape": within}
        added = make(indexing.scatter_add, [g, *found], dtype, within, **params)
        return _put(added, basic, 0, vertex)
    known = indexed_axes(slots, found, len(size))
    if known is None:
        return None
    if known.slots[-1] - known.slots[0] + 1 != len(known.slots):
        # The axes of the indices come first in g. So let them come first in the array.
        order = known.slots + tuple(k for k in range(len(size)) if k not in known.slots)
        index = tuple(slots[k] for k in order)
        inner = make(operation, (), dtype, tuple(size[k] for k in order), index=index)
        changed = _changed(operation, transposed(base, order), g, found, inner)
        back = tuple(order.index(k) for k in range(len(size)))
        return None if changed is None else like(transposed(changed, back), vertex)
    together = np.broadcast_shapes(*(x.shape for x in found))
    found = [repeated_to(cast(x, np.dtype(np.int64)), together) for x in found]
    first, end = known.slots[0], known.slots[-1] + 1
    piece = repeated_to(cast(g, dtype), (*size[:first], *together, *size[end:]))
    return Apply(operation, (base, piece, *found), {"index": slots}, vertex.value)


def _add(vertex: Apply) -> Vertex | None:
    """Add entries into what they are added to, rather than into zeros first.

    Where nothing is added, -0.0 stays what it is, while ``-0.0 + 0`` is 0.
    """
    for k, x in enumerate(vertex.operands):
        other = vertex.operands[1 - k]
        if not isinstance(x, Apply) or x.operation is not accumulated:
            continue
        alike = other.shape == vertex.shape and other.dtype == x.dtype
        base = x.operands[0]
        zeros = role_of(base) is Role.NUMBER and number(base) == 0
        if alike and zeros:
            return Apply(accumulated, (other, *x.operands[1:]), x.params, vertex.value)
    return None


def _set_at(vertex: Apply) -> Vertex | None:
    x, value, *arrays = vertex.operands
    index = vertex.params["index"]
    dtype = vertex.dtype
    if not vertex.size or x.dtype != dtype:
        return None
    if not arrays:
        piece = sliced(x, indexing.index_parts(index)).shape
        extra = max(value.ndim - len(piece), 0)
        value = reshaped(value, value.shape[extra:])
        return _put(repeated_to(cast(value, dtype), piece), index, x, vertex)
    if are_integers(arrays):
        return _changed(assigned, x, value, arrays, vertex)
    (mask, *more) = arrays
    if more or index not in ((SLOT,), (SLOT, Ellipsis)) or value.size != 1:
        return None
    rest = x.ndim - mask.ndim
    if mask.dtype.kind != "b" or mask.shape != x.shape[: mask.ndim]:
        return None
    mask, value = reshaped(mask, mask.shape + (1,) * rest), reshaped(value, ())
    return like(element(elementwise.where, mask, value, x, dtype=dtype), vertex)


def _pad(vertex: Apply) -> Vertex | None:
    (x,) = vertex.operands
    mode = vertex.params.get("mode", "constant")
    widths, dtype = vertex.params["pad_width"], vertex.dtype
    if mode == "constant":
        fill = vertex.params.get("constant_values", 0)
        if not isinstance(fill, (int, float)) or not x.size:
            return None
        return like(_placed(x, [low for low, _ in widths], dtype.type(fill).item(), vertex), vertex)
    if not x.size:
        return None
    origins = [
        np.pad(np.arange(n), width, mode) if any(width) else None
        for n, width in zip(x.shape, widths, strict=True)
    ]
    return like(chosen(x, origins), vertex)


# Triangles and diagonals.


def _triangle(vertex: Apply) -> Vertex | None:
    (x,) = vertex.operands
    if x.ndim < 2:
        return None
    rows, columns = (np.arange(n) for n in x.shape[-2:])
    below = (
        Constant(rows[:, None] + vertex.params.get("k", 0), literal=True),
        Constant(columns[None, :], literal=True),
    )
    test = elementwise.greater_equal if vertex.operation is shapes.tril else elementwise.less_equal
    dtype = vertex.dtype
    zero = Constant(dtype.type(0))
    return like(element(elementwise.where, boolean(test, *below), x, zero, dtype=dtype), vertex)


def _diag(vertex: Apply) -> Vertex | None:
    (x,) = vertex.operands
    k = vertex.params.get("k", 0)
    if x.ndim == 1:
        params = {"shape": vertex.shape, "offset": k}
        return Apply(shapes.embed_diagonal, (x,), params, vertex.value)
    params = {"offset": k, "axis1": 0, "axis2": 1}
    return Apply(shapes.diagonal, (x,), params, vertex.value)


def _trace(vertex: Apply) -> Vertex | None:
    (x,) = vertex.operands
    size = np.trace(np.broadcast_to(np.zeros(()), x.shape), **vertex.params).shape
    length = len(np.diagonal(np.broadcast_to(np.zeros(()), x.shape), **vertex.params).T)
    if not length or vertex.dtype.kind == "b":
        return None
    diagonal = make(shapes.diagonal, [x], x.dtype, (*size, length), **vertex.params)
    return like(reduce(reduction.sum, diagonal, (len(size),), vertex.dtype), vertex)


def _embed_diagonal(vertex: Apply) -> Vertex | None:
    (x,) = vertex.operands
    size, dtype = vertex.shape, vertex.dtype
    offset = vertex.params.get("offset", 0)
    rows, columns = vertex.params.get("axis1", 0), vertex.params.get("axis2", 1)
    length = x.shape[-1]
    if not length or not math.prod(size):
        return None
    line = columns if length == size[columns] and offset <= 0 else rows
    if length != size[line]:
        origin = np.clip(np.arange(size[line]) - max(-offset, 0), 0, length - 1)
        x = chosen(x, [*(None for _ in x.shape[:-1]), origin])
    others = [k for k in range(len(size)) if k not in (rows, columns)]
    x = transposed(
        x,
        tuple(
            len(others) if k == line else others.index(k)
            for k in range(len(size))
            if k == line or k in others
        ),
    )
    spread = reshaped(x, tuple(n if k == line or k in others else 1 for k, n in enumerate(size)))
    ndim = len(size)
    test = boolean(
        elementwise.equal,
        Constant(along(np.arange(size[rows]) + offset, rows, ndim), literal=True),
        Constant(along(np.arange(size[columns]), columns, ndim), literal=True),
    )
    zero = Constant(dtype.type(0))
    return like(element(elementwise.where, test, spread, zero, dtype=dtype), vertex)


RULES: dict[Operation, Callable[[Apply], Vertex | None]] = {
    indexing.scatter_add: _scatter_add,
    elementwise.add: _add,
    indexing.set_at: _set_at,
    shapes.pad: _pad,
    shapes.tril: _triangle,
    shapes.triu: _triangle,
    shapes.diag: _diag,
    shapes.trace: _trace,
    shapes.embed_diagonal: _embed_diagonal,
}
