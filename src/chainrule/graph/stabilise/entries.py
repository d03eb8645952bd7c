"""Stabilising rules about single numbers: logarithms, sigmoids and roots."""

from __future__ import annotations

from chainrule.graph.graph import Apply, Constant, Vertex, dtype_of, is_number
from chainrule.graph.phantom import element, is_float
from chainrule.graph.recognise import is_operation
from chainrule.graph.rewrite import same_kind
from chainrule.graph.stabilise.parts import exponent, factors, one_plus
from chainrule.operations import elementwise

__all__ = ["root_of_square", "sigmoid", "slope_of_softplus", "softplus"]


def softplus(vertex: Apply) -> Vertex | None:
    """``log(1 + exp(x))`` and ``log1p(exp(x))``.

    For x = 1000 it is inf rather than 1000; the first is 0 rather than 2e-22 for x = -50.
    """
    (inner,) = vertex.operands if vertex.operation.name in ("log", "log1p") else (None,)
    if inner is None:
        return None
    x = exponent(one_plus(inner) if vertex.operation.name == "log" else inner)
    if x is None or not is_float(x) or not same_kind(x, vertex):
        return None
    return Apply(elementwise.logaddexp, (x, Constant(0.0)), {}, vertex.value)


def sigmoid(vertex: Apply) -> Vertex | None:
    """``exp(x) / (1 + exp(x))``, which is inf / inf, NaN, for x = 1000."""
    if vertex.operation.name != "divide" or not is_float(vertex):
        return None
    power, denominator = vertex.operands
    x = exponent(power)
    if x is None or one_plus(denominator) is not power or not same_kind(x, vertex):
        return None
    return Apply(elementwise.sigmoid, (x,), {}, vertex.value)


def slope_of_softplus(vertex: Apply) -> Vertex | None:
    """``(g / (1 + exp(x))) * exp(x)`` is ``g * sigmoid(x)``: the gradient of `softplus`.

    For x = 1000 it is ``0 * inf``. The same with ``-sigmoid(x)`` for 1 is a part of the gradient of
    `sigmoid`.
    """
    product = factors(vertex)
    for left, power in (product, product[::-1]) if product else ():
        x = exponent(power)
        inner = factors(left)
        if x is None or inner is None or not is_float(x):
            continue
        for g, quotient in (inner, inner[::-1]):
            if not is_operation(quotient, "divide"):
                continue
            numerator, denominator = quotient.operands
            if one_plus(denominator) is not power:
                continue
            slope = Apply(elementwise.sigmoid, (x,), {}, power.value)
            if is_number(numerator, 1):
                return Apply(elementwise.multiply, (g, slope), {}, vertex.value)
            y = numerator.operands[0] if is_operation(numerator, "negative") else None
            if y is not None and is_operation(y, "sigmoid") and y.operands[0] is x:
                weighted = element(elementwise.multiply, g, numerator, dtype=dtype_of(left.value))
                return Apply(elementwise.multiply, (weighted, slope), {}, vertex.value)
    return None


def root_of_square(vertex: Apply) -> Vertex | None:
    """``sqrt(x * x)``, which is inf rather than 1e200 for x = 1e200, and 0 for x = 1e-200."""
    if vertex.operation.name != "sqrt" or not isinstance(vertex.operands[0], Apply):
        return None
    square = vertex.operands[0]
    name = square.operation.name
    twice = name == "multiply" and square.operands[0] is square.operands[1]
    power = name == "power" and is_number(square.operands[1], 2)
    if not (twice or power or name == "square"):
        return None
    x = square.operands[0]
    if not is_float(x) or not same_kind(x, vertex):
        return None
    return Apply(elementwise.absolute, (x,), {}, vertex.value)
