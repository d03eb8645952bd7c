"""Stabilising rules about the logarithm of a hyperbolic cosine, which overflows at 710."""

from __future__ import annotations

from chainrule.core.kinds import guarded_multiply
from chainrule.graph.graph import Apply, Vertex, is_float, is_operation
from chainrule.graph.patterns import factors
from chainrule.graph.placeholder import element, like, literal
from chainrule.graph.rewrite import same_kind
from chainrule.operations import elementwise

__all__ = ["log_of_cosh", "sinh_over_cosh"]


def log_of_cosh(vertex: Apply) -> Vertex | None:
    """``log(cosh(x))`` is ``abs(x) + log((1 + exp(-2 abs(x))) / 2)``."""
    if vertex.operation is not elementwise.log:
        return None
    (inner,) = vertex.operands
    if not is_operation(inner, elementwise.cosh) or not is_float(inner):
        return None
    size = element(elementwise.absolute, inner.operands[0])
    less = element(
        elementwise.expm1, element(elementwise.multiply, literal(-2), size, dtype=inner.dtype)
    )
    half = element(elementwise.multiply, literal(0.5), less, dtype=inner.dtype)
    rest = element(elementwise.log1p, half)
    return like(element(elementwise.add, size, rest), vertex) if same_kind(size, vertex) else None


def sinh_over_cosh(vertex: Apply) -> Vertex | None:
    """``sinh(x) / cosh(x)`` is ``tanh(x)``; the gradient is ``(g * (1 / cosh(x))) * sinh(x)``."""
    if vertex.operation is elementwise.divide:
        tangent = _tangent(*vertex.operands)
        return like(tangent, vertex) if tangent is not None and same_kind(tangent, vertex) else None
    product = factors(vertex)
    for left, right in (product, product[::-1]) if product else ():
        inner = factors(left) or (None, left)
        for g, slope in (inner, inner[::-1]):
            if slope is None or not is_operation(slope, elementwise.divide):
                continue
            top, below = slope.operands
            tangent = _tangent(right, below)
            if tangent is None:
                continue
            guarded = any(is_operation(x, guarded_multiply) for x in (vertex, left))
            times = guarded_multiply if guarded else elementwise.multiply
            result = element(times, top, tangent, dtype=vertex.dtype)
            if g is not None:
                result = element(times, g, result, dtype=vertex.dtype)
            return like(result, vertex) if same_kind(result, vertex) else None
    return None


def _tangent(top: Vertex, below: Vertex) -> Apply | None:
    if not is_operation(top, elementwise.sinh) or not is_operation(below, elementwise.cosh):
        return None
    (x,) = top.operands
    return element(elementwise.tanh, x) if below.operands[0] is x and is_float(x) else None
