"""Stabilising rules about roots of squares and of exponentials, which overflow, and underflow.

``sqrt(sum(x * x))`` is not among them: a sum of scaled squares takes another pass over x.
"""

from __future__ import annotations

from chainrule.core.kinds import guarded_multiply
from chainrule.graph.graph import Apply, Vertex, is_float, is_number, is_operation
from chainrule.graph.patterns import exponent, factors, squared
from chainrule.graph.placeholder import boolean, element, like, literal
from chainrule.graph.rewrite import same_kind
from chainrule.operations import elementwise

__all__ = [
    "root_of_exponential",
    "root_of_square",
    "root_of_squares",
    "slope_of_root",
    "slope_of_root_of_exponential",
]


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


def slope_of_root(vertex: Apply) -> Vertex | None:
    """``(g * (0.5 / r)) * (2 * x)`` is ``g * (x / r)``, and 0 where r is 0: the gradient.

    For r = 0 it is ``inf * 0``, as it is infinite for an r of 1e-310.
    """
    product = factors(vertex)
    for left, right in (product, product[::-1]) if product else ():
        inner = factors(left)
        for g, slope in (inner, inner[::-1]) if inner else ():
            if not is_operation(slope, elementwise.divide) or not is_number(slope.operands[0], 0.5):
                continue
            found = _direction(right, slope.operands[1])
            if found is None or found.dtype != vertex.dtype:
                continue
            guarded = any(is_operation(x, guarded_multiply) for x in (vertex, left))
            times = guarded_multiply if guarded else elementwise.multiply
            result = element(times, g, found, dtype=vertex.dtype)
            return result if same_kind(result, vertex) else None
    return None


def _direction(vertex: Vertex, root: Vertex) -> Vertex | None:
    """Return ``x / r``, or half of it where the vertex is x rather than ``2 * x``."""
    x, half = vertex, True
    product = factors(vertex)
    for two, other in (product, product[::-1]) if product else ():
        if is_number(two, 2):
            x, half = other, False
    if is_operation(root, elementwise.absolute) and root.operands[0] is x:
        unit = element(elementwise.sign, x)
    elif x in _legs(root) and same_kind(x, root):
        some = boolean(elementwise.not_equal, root, literal(0))
        quotient = element(elementwise.divide, x, root)
        unit = element(elementwise.where, some, quotient, literal(0), dtype=x.dtype)
    else:
        return None
    return element(elementwise.multiply, literal(0.5), unit, dtype=x.dtype) if half else unit


def _legs(vertex: Vertex) -> tuple[Vertex, ...]:
    """Return x and y of what `root_of_squares` made."""
    while is_operation(vertex, elementwise.where):
        vertex = vertex.operands[2]
    return vertex.operands if is_operation(vertex, elementwise.hypot) else ()


def root_of_exponential(vertex: Apply) -> Vertex | None:
    """``sqrt(exp(x))`` is ``exp(x / 2)``: a deviation, of the logarithm of a variance."""
    if vertex.operation is not elementwise.sqrt:
        return None
    x = exponent(vertex.operands[0])
    if x is None or not is_float(x) or not same_kind(x, vertex):
        return None
    half = element(elementwise.multiply, literal(0.5), x, dtype=x.dtype)
    return Apply(elementwise.exp, (half,), {}, vertex.value)


def slope_of_root_of_exponential(vertex: Apply) -> Vertex | None:
    """``(g * (0.5 / r)) * exp(x)`` with ``r = exp(x / 2)`` is ``g * (0.5 * r)``: the gradient."""
    product = factors(vertex)
    for left, right in (product, product[::-1]) if product else ():
        x = exponent(right)
        inner = factors(left)
        for g, slope in (inner, inner[::-1]) if inner and x is not None else ():
            if not is_operation(slope, elementwise.divide) or not is_number(slope.operands[0], 0.5):
                continue
            root = slope.operands[1]
            half = exponent(root)
            product_of_half = None if half is None else factors(half)
            if product_of_half is None or product_of_half[1] is not x:
                continue
            if not is_number(product_of_half[0], 0.5):
                continue
            local = element(elementwise.multiply, literal(0.5), root, dtype=root.dtype)
            result = element(elementwise.multiply, g, local, dtype=vertex.dtype)
            return result if same_kind(result, vertex) else None
    return None
