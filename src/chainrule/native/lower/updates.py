"""Updates: entries written into arrays, added to them, or padded; triangles and diagonals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Constant, Vertex
from chainrule.graph.placeholder import (
    boolean,
    cast,
    element,
    full,
    like,
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
    repeated_to,
    sliced,
    spelled_out,
)
from chainrule.native.lower.parts import (
    base_of,
    box,
    fixed_place,
    is_fixed,
    joined,
    lengths,
    slices,
    taken,
    updated,
    window,
)
from chainrule.native.lower.roles import Role, number, role_of
from chainrule.operations import elementwise, indexing, reduction
from chainrule.operations import shape as shapes
from chainrule.operations.slot import SLOT

__all__ = ["RULES", "spread"]

# Putting in.


def _put(piece: Vertex, index: Any, base: Vertex, vertex: Apply) -> Vertex | None:
    """Put a piece where a basic index says."""
    place = fixed_place(index, vertex.shape)
    if place is None:
        return None
    if not piece.size:
        return base
    piece = reshaped(piece, lengths(place))
    return like(updated(base, piece, place), vertex)


def _scatter_add(vertex: Apply) -> Vertex | None:
    g, *arrays = vertex.operands
    size, dtype = vertex.shape, vertex.dtype
    if dtype.kind == "b" or not math.prod(size):
        return None
    zeros = full(0, dtype, size)
    if not arrays:
        return _put(g, vertex.params["index"], zeros, vertex)
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
        within = sliced(base, basic)
        inner = make(operation, (), dtype, within.shape, index=slots)
        changed = _changed(operation, within, g, found, inner)
        return None if changed is None else _put(changed, basic, base, vertex)
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


def _sum(vertex: Apply) -> Vertex | None:
    """Add entries into what they are added to, rather than into zeros first.

    Where nothing is added, -0.0 stays what it is, while ``-0.0 + 0`` is 0.
    """
    adds = vertex.operation is elementwise.add
    for k, x in enumerate(vertex.operands):
        other, base = vertex.operands[1 - k], base_of(x)
        alike = other.shape == x.shape == vertex.shape and other.dtype == x.dtype == vertex.dtype
        if base is None or not alike or role_of(base) is not Role.NUMBER or number(base) != 0:
            continue
        assert isinstance(x, Apply)
        if x.operation is joined and len(x.operands) == 2 and (k or adds):
            place = x.params["places"][1]
            entries = sliced(other, slices(place)) if is_fixed(place) else taken(other, place)
            operands = (entries, x.operands[1])
            piece = element(vertex.operation, *operands, dtype=vertex.dtype)
            return like(updated(other, piece, place), vertex)
        if x.operation is accumulated and adds:
            return Apply(accumulated, (other, *x.operands[1:]), x.params, vertex.value)
    return None


def spread(x: Vertex) -> Vertex:
    """Return an array of the code that is one number throughout, as `np.zeros` is, as such."""
    if not isinstance(x, Constant) or not x.literal or not x.size:
        return x
    entries = np.ascontiguousarray(x.value).reshape(-1)
    bits = entries.view(np.uint8).reshape(x.size, -1)
    return full(entries[0], x.dtype, x.shape) if (bits == bits[:1]).all() else x


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
        return _put(repeated_to(cast(value, dtype), piece), index, spread(x), vertex)
    if are_integers(arrays):
        return _changed(assigned, spread(x), value, arrays, vertex)
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
        place = box([low for low, _ in widths], x.shape)
        return like(updated(full(fill, dtype, vertex.shape), cast(x, dtype), place), vertex)
    if not x.size:
        return None
    origins = [
        np.pad(np.arange(n), width, mode) if any(width) else None
        for n, width in zip(x.shape, widths, strict=True)
    ]
    return like(chosen(x, origins), vertex)


def _window(vertex: Apply) -> Vertex | None:
    """Read what was written, or what was there before other entries were written."""
    (x,) = vertex.operands
    new = taken(x, vertex.params["place"])
    same = isinstance(new, Apply) and new.operation is window and new.operands[0] is x
    return None if same else like(new, vertex)


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
    elementwise.add: _sum,
    elementwise.subtract: _sum,
    indexing.set_at: _set_at,
    window: _window,
    shapes.pad: _pad,
    shapes.tril: _triangle,
    shapes.triu: _triangle,
    shapes.diag: _diag,
    shapes.trace: _trace,
    shapes.embed_diagonal: _embed_diagonal,
}
