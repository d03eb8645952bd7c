"""Rules about shapes: moves that cancel, broadcasts that NumPy does by itself, sums over axes."""

from __future__ import annotations

import numpy as np

from chainrule.core.kinds import astype, broadcast_to, unbroadcast
from chainrule.graph.graph import Apply, Constant, Vertex, apply_to, is_number, is_operation
from chainrule.graph.rewrite import Rule, instead
from chainrule.operations import contraction, elementwise, indexing, reduction
from chainrule.operations import shape as shapes

__all__ = ["SHAPES", "drop_shape", "takes_all", "undo"]


#: What leaves every entry where it is, if the result has the shape and dtype of the operand.
_RESHAPING = frozenset(
    {shapes.reshape, shapes.squeeze, shapes.expand_dims, broadcast_to, unbroadcast, astype}
)
_SWAPPED = ("axis1", "axis2")


def drop_shape(vertex: Apply) -> Vertex | None:
    """Moves that leave everything where it is: reshape to the same shape, cast to the same type."""
    operation = vertex.operation
    if operation in _RESHAPING:
        return instead(vertex, vertex.operands[0])
    if operation in (indexing.getitem, indexing.scatter_add) and takes_all(vertex.params["index"]):
        return instead(vertex, vertex.operands[0])
    if (
        operation is shapes.swapaxes
        and len({vertex.params[k] % vertex.ndim for k in _SWAPPED}) == 1
    ):
        return vertex.operands[0]
    in_order = tuple(range(vertex.ndim))
    if operation is shapes.transpose and vertex.params.get("axes") == in_order:
        return vertex.operands[0]
    return None


def takes_all(index: object) -> bool:
    """Tell whether an index chooses everything as it is: ``x[()]``, ``x[...]``, ``x[:]``."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is Ellipsis or part == slice(None) for part in parts)


def undo(vertex: Apply) -> Vertex | None:
    """Two moves in a row: ``x.T.T``, a reshape of a reshape."""
    if not vertex.operands or not isinstance(inner := vertex.operands[0], Apply):
        return None
    pair = vertex.operation, inner.operation
    if pair in ((shapes.reshape, shapes.reshape), (broadcast_to, broadcast_to)):
        return apply_to(vertex.operation, inner.operands[0], **vertex.params)
    axes = vertex.params.get("axis"), inner.params.get("axis")
    if set(pair) == {shapes.squeeze, shapes.expand_dims} and axes[0] == axes[1]:
        return instead(vertex, inner.operands[0])
    if pair == (shapes.swapaxes, shapes.swapaxes) and vertex.params == inner.params:
        return inner.operands[0]
    if pair == (shapes.transpose, shapes.transpose):
        ndim = vertex.ndim
        first = inner.params.get("axes") or tuple(reversed(range(ndim)))
        second = vertex.params.get("axes") or tuple(reversed(range(ndim)))
        if tuple(first[k] for k in second) == tuple(range(ndim)):
            return inner.operands[0]
    return None


def _plain_transpose(vertex: Apply) -> Vertex | None:
    """Swapping the axes of a matrix is ``.T``; one axis, or none, has nothing to swap with."""
    if vertex.operation is shapes.transpose and vertex.ndim < 2:
        return vertex.operands[0]
    if vertex.ndim != 2 or vertex.operation not in (shapes.swapaxes, shapes.transpose):
        return None
    if vertex.operation is shapes.transpose and vertex.params.get("axes") in (None, (0, 1)):
        return None
    return Apply(shapes.transpose, vertex.operands, {}, vertex.value)


def _as_sums(vertex: Apply) -> Vertex | None:
    """Undo a broadcast by ``sum``: over the axes in front, then over those of length 1."""
    if vertex.operation is not unbroadcast:
        return None
    (x,) = vertex.operands
    wanted = vertex.params["shape"]
    extra = x.ndim - len(wanted)
    if not wanted:
        return Apply(reduction.sum, (x,), {"axis": None}, vertex.value)
    if extra > 0:
        x = apply_to(reduction.sum, x, axis=tuple(range(extra)))
    ones = tuple(k for k, (m, n) in enumerate(zip(x.shape, wanted, strict=True)) if n == 1 != m)
    if ones:
        x = apply_to(reduction.sum, x, axis=ones, keepdims=True)
    return x


def _drop_broadcast_written(vertex: Apply) -> Vertex | None:
    """What is written at an index is broadcast to it anyway."""
    if vertex.operation is not indexing.scatter_add:
        return None
    x, *arrays = vertex.operands
    if not is_operation(x, broadcast_to) or (inner := x.operands[0]).shape != ():
        return None
    return Apply(vertex.operation, (inner, *arrays), vertex.params, vertex.value)


def _drop_keepdims(vertex: Apply) -> Vertex | None:
    """Axes of length 1 in front, which a reduction kept, come by themselves in a broadcast."""
    if not vertex.operation.entrywise:
        return None
    for k, x in enumerate(vertex.operands):
        if not (isinstance(x, Apply) and x.params.get("keepdims") and "axis" in x.params):
            continue
        whole = range(x.ndim)
        axis = x.params["axis"]
        if axis is not None and sorted(axis) != list(whole[: len(axis)]):
            continue
        smaller = apply_to(x.operation, *x.operands, **{**x.params, "keepdims": False})
        operands = (*vertex.operands[:k], smaller, *vertex.operands[k + 1 :])
        if np.broadcast_shapes(*(x.shape for x in operands)) == vertex.shape:
            return Apply(vertex.operation, operands, vertex.params, vertex.value)
    return None


def _sum_of_same(vertex: Apply) -> Vertex | None:
    """The sum of n times the same number is n times it."""
    if vertex.operation is not reduction.sum:
        return None
    (x,) = vertex.operands
    size = np.size(vertex.value)
    if not is_operation(x, broadcast_to) or (inner := x.operands[0]).shape != () or not size:
        return None
    total = apply_to(elementwise.multiply, Constant(np.size(x.value) // size), inner)
    if not vertex.shape:
        return instead(vertex, total)
    return Apply(broadcast_to, (total,), {"shape": vertex.shape}, vertex.value)


def _axes_of_length_one(vertex: Apply) -> Vertex | None:
    """``x[None, :]`` and its pullback, where no entry is chosen: axes that come or go."""
    operation = vertex.operation
    if operation not in (indexing.getitem, indexing.scatter_add) or len(vertex.operands) != 1:
        return None
    index = vertex.params["index"]
    parts = indexing.index_parts(index)
    small, large = sorted((vertex.shape, vertex.operands[0].shape), key=len)
    if any(part is not None and part != slice(None) for part in parts if part is not Ellipsis):
        return None
    if Ellipsis in parts:
        at = parts.index(Ellipsis)
        rest = len(small) - sum(part == slice(None) for part in parts if part is not Ellipsis)
        parts = (*parts[:at], *(slice(None),) * rest, *parts[at + 1 :])
    axis = tuple(k for k, part in enumerate(parts) if part is None)
    if not axis or len(large) - len(small) != len(axis):
        return None
    move = shapes.expand_dims if operation is indexing.getitem else shapes.squeeze
    return Apply(move, vertex.operands, {"axis": axis}, vertex.value)


def _squeezed_reduction(vertex: Apply) -> Vertex | None:
    """A reduction that keeps axes which are then dropped."""
    x = vertex.operands[0] if vertex.operands else None
    if vertex.operation is not shapes.squeeze or not isinstance(x, Apply):
        return None
    kept = x.params.get("keepdims") and x.params.get("axis") is not None
    if not kept or sorted(x.params["axis"]) != sorted(vertex.params["axis"]):
        return None
    return apply_to(x.operation, *x.operands, **{**x.params, "keepdims": False})


def _transposed_product(vertex: Apply) -> Vertex | None:
    """``(a.T @ b).T`` is ``b.T @ a``."""
    if vertex.operation is not shapes.transpose or vertex.ndim != 2:
        return None
    x = vertex.operands[0]
    if not is_operation(x, contraction.matmul, contraction.dot) or vertex.params.get("axes"):
        return None
    a, b = x.operands
    if a.ndim != 2 or b.ndim != 2:
        return None
    if not (is_operation(a, shapes.transpose) or is_operation(b, shapes.transpose)):
        return None
    turned = (
        y.operands[0] if is_operation(y, shapes.transpose) else apply_to(shapes.transpose, y)
        for y in (b, a)
    )
    return apply_to(x.operation, *turned)


def _drop_broadcast(vertex: Apply) -> Vertex | None:
    """Leave to NumPy's own broadcasting what it does anyway."""
    if not vertex.operation.entrywise:
        return None
    whole = vertex.shape
    for k, x in enumerate(vertex.operands):
        if not isinstance(x, Apply):
            continue
        if x.operation is broadcast_to:
            inner = x.operands[0]
        elif x.operation is shapes.expand_dims:
            axis = x.params["axis"]
            if sorted(axis) != list(range(len(axis))):  # only axes in front come by themselves
                continue
            inner = x.operands[0]
        else:
            continue
        operands = (*vertex.operands[:k], inner, *vertex.operands[k + 1 :])
        if np.broadcast_shapes(*(x.shape for x in operands)) == whole:
            return Apply(vertex.operation, operands, vertex.params, vertex.value)
        if x.operation is broadcast_to and len(whole) == x.ndim:
            smaller = apply_to(vertex.operation, *operands, **vertex.params)
            return Apply(broadcast_to, (smaller,), {"shape": whole}, vertex.value)
    return None


def _moved_constant(vertex: Apply) -> Vertex | None:
    """A move of an array whose entries are all the same number is another such array."""
    if not vertex.operation.moves or vertex.operation is broadcast_to:
        return None
    inner = vertex.operands[0]
    if is_operation(inner, broadcast_to):
        (inner,) = inner.operands
    elif not is_number(inner):
        return None
    if inner.shape != ():
        return None
    if not vertex.shape:
        return instead(vertex, inner)
    return Apply(broadcast_to, (inner,), {"shape": vertex.shape}, vertex.value)


def _broadcast_leading(vertex: Apply) -> Vertex | None:
    """Axes in front come by themselves in a broadcast."""
    if vertex.operation is not broadcast_to:
        return None
    (inner,) = vertex.operands
    if not is_operation(inner, shapes.expand_dims):
        return None
    axis = inner.params["axis"]
    if sorted(axis) != list(range(len(axis))):
        return None
    operands = inner.operands
    return Apply(broadcast_to, operands, vertex.params, vertex.value)


def _as_outer(vertex: Apply) -> Vertex | None:
    """``a[:, None] * b`` of two vectors."""
    if vertex.operation is not elementwise.multiply or vertex.ndim != 2:
        return None
    for a, b in (vertex.operands, vertex.operands[::-1]):
        column = is_operation(a, shapes.expand_dims) and a.params["axis"] == (1,)
        if column and isinstance(a, Apply) and b.ndim == 1:
            return Apply(contraction.outer, (a.operands[0], b), {}, vertex.value)
    return None


#: The rules, in the order in which they are tried.
SHAPES: tuple[Rule, ...] = (
    drop_shape,
    undo,
    _plain_transpose,
    _as_sums,
    _sum_of_same,
    _drop_broadcast,
    _axes_of_length_one,
    _drop_broadcast_written,
    _drop_keepdims,
    _squeezed_reduction,
    _transposed_product,
    _moved_constant,
    _broadcast_leading,
    _as_outer,
)
