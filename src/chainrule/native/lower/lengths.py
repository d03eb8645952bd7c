"""Arrays in the body of a loop whose lengths move with its turns: what can be done with them.

An axis of such an array has an `Extent`. Whatever makes a number of a length would make it of the
most that it is, so such operations are not among these, but for means; and the shapes of what an
operation has become are looked at once more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule.core.kinds import broadcast_to, unbroadcast
from chainrule.graph.formula import by_formula
from chainrule.graph.graph import Apply, Constant, Vertex
from chainrule.graph.placeholder import cast, element, like, reduce, reshaped
from chainrule.native.ir.combining import COMBINING
from chainrule.native.ir.moving import Extent, moves
from chainrule.native.lower.array_loop import ArrayLoop
from chainrule.native.lower.parts import Stretch, lengths, taken, window
from chainrule.native.lower.roles import Role, is_alias, reduced_axes, role_of
from chainrule.native.lower.turn_places import UnrollError
from chainrule.operations import contraction, elementwise, reduction
from chainrule.operations import shape as shapes

__all__ = ["by_lengths", "look_at_lengths", "of_moving_lengths"]

_LARGE = 2048  # entries that a matrix may have from which on BLAS is called
_OF_SHAPE = (broadcast_to, unbroadcast, shapes.reshape)
_BY_FORMULA = (reduction.count_nonzero,)  # which does not ask how long anything is
_VIEWS = (shapes.transpose, shapes.expand_dims, shapes.squeeze)


def of_moving_lengths(vertex: Apply) -> bool:
    """Tell whether some length of what an operation takes or gives moves."""
    return moves(vertex.shape) or any(moves(x.shape) for x in vertex.operands)


def by_lengths(vertex: Apply) -> Vertex:
    """Return an operation on arrays whose lengths move as one that native code has for them.

    Raises:
        UnrollError: there is none.
    """
    operation, params = vertex.operation, vertex.params
    if operation in _OF_SHAPE:
        params = {**params, "shape": vertex.shape}
        return Apply(operation, vertex.operands, params, vertex.value)
    if operation.entrywise or operation in COMBINING or operation in _VIEWS:
        return vertex
    if operation is reduction.mean:
        return _mean(vertex)
    simple = by_formula(vertex) if operation in _BY_FORMULA else None
    if simple is not None:
        return simple
    if operation in (contraction.matmul, contraction.dot, contraction.inner):
        a, b = vertex.operands
        one = operation is contraction.inner and max(a.ndim, b.ndim) > 1
        if 1 <= a.ndim <= 2 and 1 <= b.ndim <= 2 and not one:
            return _product(vertex)
    if operation is contraction.outer and all(x.ndim == 1 for x in vertex.operands):
        a, b = vertex.operands
        column = reshaped(cast(a, vertex.dtype), (*a.shape, 1))
        return like(element(elementwise.multiply, column, cast(b, vertex.dtype)), vertex)
    raise UnrollError(f"{operation.name} of arrays that have another length in each turn")


def _mean(vertex: Apply) -> Vertex:
    (x,) = vertex.operands
    axis = vertex.params.get("axis")
    axes = range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    reduced = tuple(k % x.ndim for k in axes)
    total = reduce(reduction.sum, x, reduced, vertex.dtype)
    for k in reduced:
        total = element(elementwise.divide, total, _number(x.shape[k], vertex.dtype))
    return like(total, vertex)


def _number(n: int, dtype: np.dtype[Any]) -> Vertex:
    """Return a length as a number: an entry of 0, 1, 2 ..."""
    if not isinstance(n, Extent):
        return Constant(float(n))
    numbers = Constant(np.arange(n + 1, dtype=dtype), literal=True)
    return reshaped(taken(numbers, (Stretch(n.now, 1),)), ())


def _product(vertex: Apply) -> Vertex:
    """Return a product of matrices or vectors: a large matrix is for BLAS.

    Others are sums of products of entries, which loops compute in less time than a call takes.
    """
    a, b = (cast(x, vertex.dtype) for x in vertex.operands)
    largest = max((math.prod(map(int, x.shape)) for x in (a, b) if x.ndim == 2), default=0)
    if largest >= _LARGE and vertex.dtype.kind == "f":
        return Apply(contraction.matmul, (a, b), {}, vertex.value)
    axis = a.ndim - 1
    if b.ndim == 2:
        a = reshaped(a, (*a.shape, 1))
    if axis and b.ndim == 2:
        b = reshaped(b, (1, *b.shape))
    total = reduce(reduction.sum, element(elementwise.multiply, a, b), (axis,))
    return like(total, vertex)


def look_at_lengths(vertices: Iterable[Vertex]) -> None:
    """Look whether all shapes of primitives follow from what they are made of.

    Raises:
        UnrollError: some do not.
    """
    for vertex in vertices:
        if isinstance(vertex, Apply) and of_moving_lengths(vertex) and not _follows(vertex):
            name = vertex.operation.name
            raise UnrollError(f"{name} of arrays that have another length in each turn")


def _follows(vertex: Apply) -> bool:
    role, operands = role_of(vertex), vertex.operands
    if role is Role.PRODUCT:
        (*rows, inner), (own, *columns) = operands[0].shape, operands[1].shape
        return inner == own and vertex.shape == (*rows, *columns)
    if role is Role.ELEMENT:
        return all(_goes_with(x.shape, vertex.shape) for x in operands)
    if role is Role.REDUCTION:
        _, kept = reduced_axes(vertex)
        (x,) = operands
        return vertex.shape == tuple(1 if k is None else x.shape[k] for k in kept)
    if role is Role.JOIN:
        places = vertex.params["places"]
        return all(x.shape == lengths(p) for x, p in zip(operands, places, strict=True))
    if role in (Role.VIEW, Role.NUMBER):
        return _is_view(vertex)
    # Operands and results of a loop are what its body says.
    return role is Role.RESULT or isinstance(vertex.operation, ArrayLoop)


def _goes_with(shape: tuple[int, ...], size: tuple[int, ...]) -> bool:
    """Tell whether an array can be broadcast to a shape, in every turn."""
    pairs = zip(reversed(shape), reversed(size), strict=False)
    return len(shape) <= len(size) and all(n == 1 or n == own for n, own in pairs)


def _is_view(vertex: Apply) -> bool:
    (x,) = vertex.operands
    operation, size = vertex.operation, vertex.shape
    if operation is window:
        return size == lengths(vertex.params["place"])
    if operation is broadcast_to:
        return _goes_with(x.shape, size)
    if operation is shapes.transpose:
        order = vertex.params.get("axes") or tuple(reversed(range(x.ndim)))
        return size == tuple(x.shape[k] for k in order)
    if operation in (shapes.reshape, shapes.expand_dims, shapes.squeeze):
        without = [tuple(n for n in shape if n != 1) for shape in (x.shape, size)]
        return without[0] == without[1] and is_alias(vertex)
    return False
