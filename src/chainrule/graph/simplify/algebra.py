"""Rules of arithmetic: numbers alone, zeros and ones, signs, what is added to itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.kinds import astype, broadcast_to, guarded_multiply, identity
from chainrule.graph.closed_forms import added, multiplied
from chainrule.graph.finite import all_finite
from chainrule.graph.graph import (
    Apply,
    Constant,
    Vertex,
    apply_to,
    evaluate,
    is_number,
    is_operation,
)
from chainrule.graph.looks import saw
from chainrule.graph.products import in_range
from chainrule.graph.rewrite import Rule, instead
from chainrule.operations import elementwise

__all__ = ["ALGEBRA", "EXACT", "zeros_like"]

#: What is computed where all operands are numbers.
_FOLDED = frozenset(
    {
        elementwise.negative,
        elementwise.add,
        elementwise.subtract,
        elementwise.multiply,
        elementwise.power,
        elementwise.floor_divide,
    }
)
#: What returns its operand.
_SAME = (elementwise.positive, identity)


def _fold(vertex: Apply) -> Vertex | None:
    """Compute what is made of numbers alone; a quotient stays, as ``1 / 32`` says more."""
    if vertex.operation not in _FOLDED or not all(is_number(x) for x in vertex.operands):
        return None
    values = [x.value for x in vertex.operands]
    folded = evaluate(vertex.operation, values, vertex.params)
    if not all_finite(folded):
        return None
    if vertex.operation is elementwise.multiply and not in_range(values):
        return None  # what it is multiplied with may bring it back
    exact = None
    if vertex.operation is elementwise.multiply:
        exact = multiplied(*values)
    elif vertex.operation is elementwise.add:
        exact = added(*values)
    elif vertex.operation is elementwise.subtract:
        exact = added(values[0], -values[1])
    return Constant(folded if exact is None else type(folded)(exact))


def _drop_one(vertex: Apply) -> Vertex | None:
    """``x * 1``, ``1 * x``, ``x / 1``, ``x ** 1`` and ``+x``."""
    operation = vertex.operation
    if operation in (elementwise.multiply, guarded_multiply):
        a, b = vertex.operands
        if is_number(b, 1):
            return _cast(a, vertex)
        return _cast(b, vertex) if is_number(a, 1) else None
    if operation in (elementwise.divide, elementwise.power):
        a, b = vertex.operands
        return instead(vertex, a) if is_number(b, 1) else None
    return instead(vertex, vertex.operands[0]) if operation in _SAME else None


def _cast(x: Vertex, vertex: Apply) -> Vertex | None:
    """Return what is multiplied by 1, in the precision of the product."""
    floats = x.dtype.kind == vertex.dtype.kind == "f"
    if floats and x.shape == vertex.shape and x.dtype != vertex.dtype:
        return Apply(astype, (x,), {"dtype": vertex.dtype}, vertex.value)
    return instead(vertex, x)


def _drop_zero(vertex: Apply) -> Vertex | None:
    """``x + 0``, ``0 + x``, ``x - 0`` and ``0 - x``."""
    if vertex.operation not in (elementwise.add, elementwise.subtract):
        return None
    a, b = vertex.operands
    if is_number(b, 0):
        return instead(vertex, a)
    if is_number(a, 0):
        if vertex.operation is elementwise.add:
            return instead(vertex, b)
        return instead(vertex, apply_to(elementwise.negative, b))
    return None


def _drop_sign(vertex: Apply) -> Vertex | None:
    """``--x``, ``-(a - b)``, ``a + -b``, ``a - -b`` and ``x * -1``."""
    operation = vertex.operation
    if operation is elementwise.multiply:
        for x, number in (vertex.operands, vertex.operands[::-1]):
            if is_number(number, -1):
                return instead(vertex, apply_to(elementwise.negative, x))
    if operation is elementwise.negative:
        (x,) = vertex.operands
        if is_operation(x, elementwise.negative):
            return x.operands[0]
        if is_operation(x, elementwise.subtract):
            a, b = x.operands
            return apply_to(elementwise.subtract, b, a)
    elif operation in (elementwise.add, elementwise.subtract):
        a, b = vertex.operands
        if is_operation(b, elementwise.negative):
            opposite = elementwise.subtract if operation is elementwise.add else elementwise.add
            return apply_to(opposite, a, b.operands[0])
        if operation is elementwise.add and is_operation(a, elementwise.negative):
            return apply_to(elementwise.subtract, b, a.operands[0])
    return None


def _divided(vertex: Apply) -> Vertex | None:
    """``x * (1 / y)`` is ``x / y``."""
    if vertex.operation is not elementwise.multiply:
        return None
    for x, inverse in (vertex.operands, vertex.operands[::-1]):
        if is_operation(inverse, elementwise.divide) and is_number(inverse.operands[0], 1):
            return instead(vertex, apply_to(elementwise.divide, x, inverse.operands[1]))
    return None


def _twice(vertex: Apply) -> Vertex | None:
    """``a + a``."""
    if vertex.operation is elementwise.add and vertex.operands[0] is vertex.operands[1]:
        return instead(vertex, apply_to(elementwise.multiply, Constant(2), vertex.operands[0]))
    return None


def _times_zero(vertex: Apply) -> Vertex | None:
    """``0 * x`` and ``0 / x``, as the derivative of ``x**0`` has them."""
    if vertex.operation in (elementwise.multiply, guarded_multiply):
        found = any(is_number(x, 0) for x in vertex.operands)
    elif vertex.operation is elementwise.divide:
        found = is_number(vertex.operands[0], 0)
    else:
        return None
    return zeros_like(vertex) if found and saw(_is_zero, vertex) else None


def _is_zero(value: Any) -> bool:
    return bool(np.all(value == 0))


def zeros_like(vertex: Apply) -> Vertex:
    """Return zeros of the shape and dtype of a vertex."""
    if not vertex.shape:
        return Constant(type(vertex.value)(0))
    zero = Constant(0.0 if vertex.dtype == np.float64 else vertex.dtype.type(0))
    return apply_to(broadcast_to, zero, shape=vertex.shape)


#: The rules, in the order in which they are tried.
ALGEBRA: tuple[Rule, ...] = (
    _fold,
    _drop_one,
    _drop_zero,
    _drop_sign,
    _divided,
    _twice,
    _times_zero,
)
#: Those of them that round nothing otherwise.
EXACT: tuple[Rule, ...] = (_drop_one, _drop_zero, _drop_sign)
