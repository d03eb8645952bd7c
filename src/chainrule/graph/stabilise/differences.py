"""Stabilising rules about differences that cancel: for small x nothing of x is left in them.

``log(1 + x)`` is not among them: `log1p` takes a quarter more time than `log`, which most who write
``log(1 + x * x)`` do not need. Nor is ``1 - tanh(x)**2``, the form of every gradient of tanh: the
digits that it loses would take another exponential.
"""

from __future__ import annotations

from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Vertex, is_float, is_number, is_operation
from chainrule.graph.placeholder import boolean, element, literal
from chainrule.graph.rewrite import about, same_kind
from chainrule.operations import elementwise

__all__ = ["exp_minus_one", "one_minus_cos"]


@about(elementwise.add, elementwise.subtract)
def exp_minus_one(vertex: Apply) -> Vertex | None:
    """``exp(x) - 1`` and ``1 - exp(x)``."""
    power, sign = _less_one(vertex, elementwise.exp)
    if power is None:
        return None
    return _with_sign(element(elementwise.expm1, power), sign, vertex)


@about(elementwise.add, elementwise.subtract)
def one_minus_cos(vertex: Apply) -> Vertex | None:
    """``1 - cos(x)`` and ``cos(x) - 1``; ``sin(x)**2`` is the first times ``1 + cos(x)``.

    The sine is in the gradient, too, and half of its work is that of the cosine.
    """
    x, sign = _less_one(vertex, elementwise.cos)
    if x is None:
        return None
    sine, cosine = element(elementwise.sin, x), element(elementwise.cos, x)
    square = element(elementwise.multiply, sine, sine)
    more = element(elementwise.add, cosine, literal(1))
    less = element(elementwise.add, element(elementwise.negative, cosine), literal(1))
    near = boolean(elementwise.greater, cosine, literal(0))
    quotient = element(elementwise.divide, square, more)
    result = element(elementwise.where, near, quotient, less, dtype=x.dtype)
    return _with_sign(result, -sign, vertex)


def _less_one(vertex: Apply, f: Operation) -> tuple[Vertex | None, int]:
    """Return x and 1 of ``f(x) - 1``, x and -1 of ``1 - f(x)``."""
    found: tuple[Vertex, int] | None = None
    if vertex.operation is elementwise.subtract:
        a, b = vertex.operands
        found = (a, 1) if is_number(b, 1) else (b, -1) if is_number(a, 1) else None
    elif vertex.operation is elementwise.add:
        a, b = vertex.operands
        found = (a, 1) if is_number(b, -1) else (b, 1) if is_number(a, -1) else None
    if found is None or not is_operation(found[0], f):
        return None, 0
    (x,) = found[0].operands
    return (x, found[1]) if is_float(x) and same_kind(x, vertex) else (None, 0)


def _with_sign(x: Apply, sign: int, vertex: Apply) -> Apply:
    """Add to 0, or subtract from it: a difference of equal numbers is never -0."""
    operation = elementwise.add if sign > 0 else elementwise.subtract
    return Apply(operation, (literal(0), x), {}, vertex.value)
