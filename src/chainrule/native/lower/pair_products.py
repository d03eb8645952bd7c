"""Products of complex matrices as one product of real ones, of twice the size.

A matrix of complex numbers lies in memory as a real one that has its entries' parts side by side.
Multiplied by the matrix that has two rows for each of the other's,

    ( b.real   b.imag )
    (-b.imag   b.real ),

with parts side by side as well, it gives the product as it is to lie in memory. So of the first
operand nothing is copied, and BLAS goes through it once.
"""

from __future__ import annotations

import math

from chainrule.graph.graph import Vertex
from chainrule.graph.placeholder import element, make, reshaped
from chainrule.operations import contraction, elementwise
from chainrule.operations import shape as shapes

__all__ = ["fits", "of_complex", "of_real"]


def fits(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Tell whether operands of such shapes can be multiplied so."""
    batches = len(a) > 2 or len(b) > 2
    return min(len(a), len(b)) > 0 and (not batches or (len(a) == len(b) and a[:-2] == b[:-2]))


def of_complex(a: Vertex, b: tuple[Vertex, Vertex], size: tuple[int, ...]) -> Vertex:
    """Multiply complex numbers.

    Args:
        a: in memory, so with an axis for the parts.
        b: its two parts.
        size: the shape of the product in memory.
    """
    re, im = b
    axis = max(re.ndim - 2, 0)  # of the rows
    negative = element(elementwise.negative, im)
    rows = _stacked((_stacked((re, im), re.ndim), _stacked((negative, re), re.ndim)), axis + 1)
    *batch, n = re.shape[: axis + 1]
    columns = 2 * math.prod(re.shape[axis + 1 :])
    *lead, own, two = a.shape
    return _multiplied(
        reshaped(a, (*lead, own * two)), reshaped(rows, (*batch, 2 * n, columns)), size
    )


def of_real(a: Vertex, b: Vertex, size: tuple[int, ...]) -> Vertex:
    """Multiply real numbers with complex ones, which are in memory."""
    axis = max(b.ndim - 3, 0)
    columns = math.prod(b.shape[axis + 1 :])
    return _multiplied(a, reshaped(b, (*b.shape[: axis + 1], columns)), size)


def _multiplied(a: Vertex, b: Vertex, size: tuple[int, ...]) -> Vertex:
    shape = (*a.shape[:-1], b.shape[-1])
    return reshaped(make(contraction.matmul, [a, b], a.dtype, shape), size)


def _stacked(parts: tuple[Vertex, Vertex], axis: int) -> Vertex:
    size = parts[0].shape
    shape = (*size[:axis], 2, *size[axis:])
    return make(shapes.stack, parts, parts[0].dtype, shape, axis=axis)
