"""sinh, cosh, tanh and their inverses.

Where a formula with exponentials would cancel, near 0, a polynomial serves instead; both are
computed, and one is selected.
"""

from __future__ import annotations

import math

from chainrule.native.ir.math import coefficients as c
from chainrule.native.ir.math.emitter import Emitter, Value
from chainrule.native.ir.math.exact import (
    divide,
    fast_two_sum,
    residual,
    sqrt,
    two_product,
    two_sum,
)
from chainrule.native.ir.math.exponential import exp_between, fraction, power_of_two
from chainrule.native.ir.math.logarithm import log_of_sum


def tanh(b: Emitter, x: Value) -> Value:
    """Return the hyperbolic tangent: t / (t + 2) with t = e**2x - 1."""
    size, enough = b.abs(x), b.choose(22.0, 10.0)
    bounded = b.select(size > enough, enough, size)
    rest, bits = fraction(b, bounded + bounded, closely=True)
    power = power_of_two(b, bits)
    t = b.fma(power, rest, power - 1.0)
    total = t + 2.0
    reciprocal = 1.0 / total
    y = t * reciprocal
    lost = b.fma(-y, t - (total - 2.0), residual(b, y, total, t))
    return b.copysign(b.fma(lost, reciprocal, y), x)


def _half_exp(b: Emitter, x: Value) -> Value:
    """Return e**x / 2 of an x that is not negative, or infinity."""
    highest = b.choose(711.0, 90.0)
    return 2.0 * exp_between(b, b.select(x > highest, highest, x), -2)


def sinh(b: Emitter, x: Value) -> Value:
    """Return the hyperbolic sine: (e**x - e**-x) / 2, and near 0 a polynomial."""
    size = b.abs(x)
    square = size * size
    cube = size * (square * b.polynomial(square, c.SINH_DOUBLE if b.is_double else c.SINH_FLOAT))
    half = _half_exp(b, size)
    y = b.select(size < 1.0, size + cube, half - 0.25 / half)
    return b.copysign(y, x)


def cosh(b: Emitter, x: Value) -> Value:
    """Return the hyperbolic cosine, (e**x + e**-x) / 2."""
    half = _half_exp(b, b.abs(x))
    return half + 0.25 / half


def arcsinh(b: Emitter, x: Value) -> Value:
    """Return log(x + sqrt(x**2 + 1)), as log(1 + (x + x**2 / (1 + sqrt(x**2 + 1))))."""
    size = b.abs(x)
    huge = size > b.choose(2.0**28, 2.0**13)
    bounded = b.select(huge, 0.0, size)
    square = bounded * bounded
    rest = square / (1.0 + b.sqrt(square + 1.0))
    part, part_low = fast_two_sum(bounded, rest)
    high, low = two_sum(b.number(1.0), part)
    return b.copysign(_log_or_of_double(b, huge, size, high, low + part_low), x)


def _log_or_of_double(b: Emitter, huge: Value, x: Value, high: Value, low: Value) -> Value:
    """Return log(high + low), or where x is huge, log(2 x)."""
    y = log_of_sum(
        b, b.select(huge, x, high), b.select(huge, 0.0, low), b.select(huge, b.number(1.0), 0.0)
    )
    return b.select(x < math.inf, y, x)


def arccosh(b: Emitter, x: Value) -> Value:
    """Return log(x + sqrt(x**2 - 1)), as log(1 + (t + sqrt(t (t + 2)))) with t = x - 1."""
    huge = x > b.choose(2.0**28, 2.0**13)
    t = b.select(huge, 0.0, x - 1.0)
    factor = two_sum(t, 2.0)
    square, square_low = two_product(b, t, factor[0])
    root, root_low = sqrt(b, fast_two_sum(square, b.fma(t, factor[1], square_low)))
    part, part_low = two_sum(root, t)
    high, low = two_sum(b.number(1.0), part)
    y = _log_or_of_double(b, huge, x, high, low + (part_low + root_low))
    return b.select(x < 1.0, math.nan, y)


def arctanh(b: Emitter, x: Value) -> Value:
    """Return log((1 + x) / (1 - x)) / 2, as log(1 + 2 x / (1 - x)) / 2."""
    size = b.abs(x)
    top = size + size
    quotient, lost = divide(b, (top, b.number(0.0)), two_sum(b.number(1.0), -size))
    high, low = two_sum(b.number(1.0), quotient)
    y = 0.5 * log_of_sum(b, high, low + lost)
    y = b.select(size < b.choose(2.0**-30, 2.0**-14), size, y)  # also where it is subnormal
    y = b.select(size < 1.0, y, b.select(size.equals(1.0), math.inf, math.nan))
    return b.copysign(b.select(b.is_nan(x), x, y), x)
