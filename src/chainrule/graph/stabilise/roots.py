"""Stabilising rules about roots of squares and of exponentials, which overflow, and underflow.

``sqrt(sum(x * x))`` is not among them: a sum of scaled squares takes another pass over x.
"""

from __future__ import annotations

from chainrule.graph.graph import Apply, Vertex, is_float, is_operation
from chainrule.graph.patterns import exponent, root_of, squared
from chainrule.graph.placeholder import boolean, element, like, literal
from chainrule.graph.rewrite import about, same_kind
from chainrule.operations import elementwise, reduction

__all__ = ["root_of_exponential", "root_of_square", "root_of_squares", "root_of_variance"]


_ROOTS = elementwise.sqrt, elementwise.power


def _squared(vertex: Vertex) -> Vertex | None:
    """Return x of a square, if that is an array of the same real numbers."""
    x = squared(vertex)
    return x if x is not None and is_float(x) and same_kind(x, vertex) else None


@about(*_ROOTS)
def root_of_square(vertex: Apply) -> Vertex | None:
    """``sqrt(x * x)`` is the absolute value of x."""
    square = root_of(vertex)
    x = None if square is None else _squared(square)
    if x is None or not same_kind(x, vertex):
        return None
    return Apply(elementwise.absolute, (x,), {}, vertex.value)


@about(*_ROOTS)
def root_of_squares(vertex: Apply) -> Vertex | None:
    """``sqrt(x * x + y * y)`` is ``hypot(x, y)``, or NaN if either is."""
    total = root_of(vertex)
    if total is None or not is_operation(total, elementwise.add):
        return None
    dtype = vertex.dtype
    x, y = map(_squared, total.operands)
    if x is None or y is None or {x.dtype, y.dtype} != {dtype}:
        return None
    root = element(elementwise.hypot, x, y)
    for z in (x, y):  # the hypot of an infinity and NaN is infinite
        root = element(elementwise.where, boolean(elementwise.isnan, z), z, root, dtype=dtype)
    return like(root, vertex)


@about(*_ROOTS)
def root_of_exponential(vertex: Apply) -> Vertex | None:
    """``sqrt(exp(x))`` is ``exp(x / 2)``: a deviation, of the logarithm of a variance."""
    x = exponent(root_of(vertex))
    if x is None or not is_float(x) or not same_kind(x, vertex):
        return None
    half = element(elementwise.multiply, literal(0.5), x, dtype=x.dtype)
    return Apply(elementwise.exp, (half,), {}, vertex.value)


@about(*_ROOTS)
def root_of_variance(vertex: Apply) -> Vertex | None:
    """``sqrt(var(x))`` is ``std(x)``, which has a gradient where all entries are equal."""
    variance = root_of(vertex)
    if (
        variance is None
        or not is_operation(variance, reduction.var)
        or not same_kind(variance, vertex)
    ):
        return None
    return Apply(reduction.std, variance.operands, variance.params, vertex.value)
