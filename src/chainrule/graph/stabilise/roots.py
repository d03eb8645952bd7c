"""Stabilising rules about roots of squares and of exponentials, which overflow, and underflow.

``sqrt(sum(x * x))`` is not among them: a sum of scaled squares takes another pass over x.
"""

from __future__ import annotations

from chainrule.graph.graph import Apply, Vertex, is_float, is_operation
from chainrule.graph.patterns import exponent, squared
from chainrule.graph.placeholder import boolean, element, like, literal
from chainrule.graph.rewrite import same_kind
from chainrule.operations import elementwise

__all__ = ["root_of_exponential", "root_of_square", "root_of_squares"]


def _squared(vertex: Vertex) -> Vertex | None:
    """Return x of a square, if that is an array of the same real numbers."""
    x = squared(vertex)
    return x if x is not None and is_float(x) and same_kind(x, vertex) else None


def root_of_square(vertex: Apply) -> Vertex | None:
    """``sqrt(x * x)`` is the absolute value of x."""
    if vertex.operation is not elementwise.sqrt:
        return None
    x = _squared(vertex.operands[0])
    if x is None or not same_kind(x, vertex):
        return None
    return Apply(elementwise.absolute, (x,), {}, vertex.value)


def root_of_squares(vertex: Apply) -> Vertex | None:
    """``sqrt(x * x + y * y)`` is ``hypot(x, y)``, or NaN if either is."""
    if vertex.operation is not elementwise.sqrt:
        return None
    (total,) = vertex.operands
    if not is_operation(total, elementwise.add):
        return None
    dtype = vertex.dtype
    x, y = map(_squared, total.operands)
    if x is None or y is None or {x.dtype, y.dtype} != {dtype}:
        return None
    root = element(elementwise.hypot, x, y)
    for z in (x, y):  # the hypot of an infinity and NaN is infinite
        root = element(elementwise.where, boolean(elementwise.isnan, z), z, root, dtype=dtype)
    return like(root, vertex)


def root_of_exponential(vertex: Apply) -> Vertex | None:
    """``sqrt(exp(x))`` is ``exp(x / 2)``: a deviation, of the logarithm of a variance."""
    if vertex.operation is not elementwise.sqrt:
        return None
    x = exponent(vertex.operands[0])
    if x is None or not is_float(x) or not same_kind(x, vertex):
        return None
    half = element(elementwise.multiply, literal(0.5), x, dtype=x.dtype)
    return Apply(elementwise.exp, (half,), {}, vertex.value)
