"""Vertices that rewriting makes for compiled code, in which nobody computes their values.

Their values are placeholders, which have a shape and a dtype alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from chainrule.core.kinds import astype, broadcast_to
from chainrule.core.operation import Operation
from chainrule.core.placeholder import Placeholder
from chainrule.graph.graph import Apply, Constant, Vertex
from chainrule.operations import elementwise
from chainrule.operations import shape as shapes

__all__ = [
    "boolean",
    "both",
    "cast",
    "element",
    "full",
    "like",
    "literal",
    "make",
    "reduce",
    "reshaped",
    "together",
    "transposed",
]

_BOOL = np.dtype(bool)


def make(
    operation: Operation,
    operands: Sequence[Vertex],
    dtype: np.dtype[Any],
    size: tuple[int, ...],
    /,
    **params: Any,
) -> Apply:
    """Apply an operation, of which the dtype and the shape of the result are known."""
    return Apply(operation, tuple(operands), params, Placeholder(size, dtype))


def together(shapes: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape of arrays that are broadcast, of which it is known that they can be.

    Lengths stay what they are, while `np.broadcast_shapes` makes them integers.
    """
    shapes = list(shapes)
    size = [1] * max(map(len, shapes), default=0)
    for shape in shapes:
        for k, n in enumerate(reversed(shape), 1):
            if n != 1:
                size[-k] = n
    return tuple(size)


def element(operation: Operation, *operands: Vertex, dtype: np.dtype[Any] | None = None) -> Apply:
    """Apply an elementwise operation; the dtype is that of the first operand if none is given."""
    size = together(x.shape for x in operands)
    return make(operation, operands, dtype or operands[0].dtype, size)


def boolean(operation: Operation, *operands: Vertex) -> Apply:
    """Apply an elementwise operation that tells whether something is so."""
    return element(operation, *operands, dtype=_BOOL)


def both(first: Vertex, second: Vertex) -> Apply:
    """Return whether two conditions hold."""
    return boolean(elementwise.logical_and, first, second)


def literal(value: float) -> Constant:
    """Return a number that takes the dtype of what it is used with."""
    return Constant(float(value))


def reduce(
    operation: Operation, x: Vertex, axes: tuple[int, ...], dtype: np.dtype[Any] | None = None
) -> Apply:
    """Reduce along axes, which stay as axes of length 1."""
    size = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    dtype = dtype or x.dtype
    return make(operation, [x], dtype, size, axis=axes, keepdims=True)


def like(new: Vertex, old: Apply) -> Apply:
    """Give what replaces a vertex the shape and the kind of value that it has."""
    if isinstance(new, Apply) and new.shape == old.shape:
        return Apply(new.operation, new.operands, new.params, old.value)
    return Apply(shapes.reshape, (new,), {"shape": old.shape}, old.value)


def full(value: Any, dtype: np.dtype[Any], size: tuple[int, ...]) -> Apply:
    """Return an array that is one number throughout."""
    return make(broadcast_to, [Constant(dtype.type(value))], dtype, size, shape=size)


def cast(x: Vertex, dtype: np.dtype[Any]) -> Vertex:
    """Return a vertex as another dtype."""
    if x.dtype == dtype:
        return x
    return make(astype, [x], dtype, x.shape, dtype=dtype)


def reshaped(x: Vertex, size: tuple[int, ...]) -> Vertex:
    """Return a vertex in another shape."""
    if x.shape == size:
        return x
    return make(shapes.reshape, [x], x.dtype, size, shape=size)


def transposed(x: Vertex, order: tuple[int, ...]) -> Vertex:
    """Return a vertex with its axes in another order."""
    if order == tuple(range(len(order))):
        return x
    size = tuple(x.shape[k] for k in order)
    return make(shapes.transpose, [x], x.dtype, size, axes=order)
