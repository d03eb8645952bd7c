"""The error function and its kin: erf, erfc, erfcx, ndtr, log_ndtr.

Away from 0, erfc(x) is e**(-x**2) G(t) / (1 + 2 x), where G is smooth in t = (x - 4) / (x + 4)
(M. M. Shepherd and J. G. Laframboise, "Chebyshev approximation of (1 + 2 x) exp(x**2) erfc(x) in
0 <= x < infinity", Mathematics of Computation 36, 1981).
"""

from __future__ import annotations

import math

from chainrule.native.ir.math import coefficients as c
from chainrule.native.ir.math.constants import INVERSE_SQRT_2, INVERSE_SQRT_PI, expand
from chainrule.native.ir.math.emitter import Emitter, Value
from chainrule.native.ir.math.exact import (
    Pair,
    divide,
    fast_two_sum,
    residual,
    two_product,
    two_sum,
)
from chainrule.native.ir.math.exponential import exp_fast, exp_pair, scale
from chainrule.native.ir.math.logarithm import log_of_sum

_TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)


def _small(b: Emitter, x: Value) -> Value:
    """Return erf(x) - x for |x| up to 1."""
    square = x * x
    return x * b.polynomial(square, c.ERF_DOUBLE if b.is_double else c.ERF_FLOAT)


def _scaled(b: Emitter, x: Value) -> Pair:
    """Return exp(x**2) erfc(x) for x from 1/2 to 30, as a pair, though not of twice the digits."""
    reciprocal = 1.0 / (x + 4.0)
    t = (x - 4.0) * reciprocal
    lost = residual(b, t, x + 4.0, x - 4.0)
    t = b.fma(lost, reciprocal, t)
    first, *others = c.ERFCX_DOUBLE if b.is_double else c.ERFCX_FLOAT
    g = fast_two_sum(b.number(first), t * b.polynomial(t, tuple(others)))
    return divide(b, g, two_sum(b.number(1.0), x + x))


def _bounded(b: Emitter, x: Value, limit: float) -> Value:
    return b.select(x > limit, limit, x)


def erf(b: Emitter, x: Value) -> Value:
    """Return the error function."""
    size = b.abs(x)
    bounded = _bounded(b, size, b.choose(6.0, 3.95))  # from where on it is 1
    if b.is_double:  # of the last digits of the rest, few are seen
        g = b.polynomial((bounded - 4.0) / (bounded + 4.0), c.ERFCX_DOUBLE)
        rest = exp_fast(b, -bounded * bounded) * (g / (bounded + bounded + 1.0))
    else:
        rest = b.polynomial(bounded - 2.475, c.ERF_TAIL_FLOAT)
    y = b.select(size < 1.0, size + _small(b, size), 1.0 - rest)
    return b.copysign(y, x)


def _scaled_at(b: Emitter, x: Value, x_low: Value) -> Pair:
    """Return exp(x**2) erfc(x) at x + x_low: its value at x, and x_low times its derivative."""
    high, low = _scaled(b, x)
    return high, b.fma(x_low, b.fma(x + x, high, -_TWO_OVER_SQRT_PI), low)


def _tail(b: Emitter, scaled: Pair, square: Pair) -> Value:
    """Return exp(-square) times exp(x**2) erfc(x)."""
    high, low = scaled
    (e, e_low), bits = exp_pair(b, -square[0], -square[1])
    product, lost = two_product(b, e, high)
    product = product + (lost + b.fma(e, low, e_low * high))
    return scale(b, product, bits, -square[0])


def erfc(b: Emitter, x: Value) -> Value:
    """Return 1 - erf(x), to full precision also where it is small."""
    size = b.abs(x)
    bounded = _bounded(b, size, b.choose(28.0, 12.0))
    tail = _tail(b, _scaled(b, bounded), two_product(b, bounded, bounded))
    far = b.select(x < 0.0, 2.0 - tail, tail)
    high, low = fast_two_sum(b.number(1.0), -x)
    return b.select(size < 0.5, high + (low - _small(b, x)), far)


def erfcx(b: Emitter, x: Value) -> Value:
    """Return exp(x**2) erfc(x), which neither vanishes nor is cut short on the right.

    Far on the right it is an asymptotic series (Abramowitz and Stegun, "Handbook of Mathematical
    Functions", formula 7.1.23); on the left it is 2 exp(x**2) less its value at -x.
    """
    size, edge = b.abs(x), 30.0
    bounded = _bounded(b, size, edge)
    high, low = _scaled(b, b.select(size < 0.5, 0.5, bounded))
    t = 0.5 / (size * size)
    less = t * b.polynomial(t, (1.0, -3.0, 15.0, -105.0, 945.0, -10395.0, 135135.0))
    factor, factor_low = expand(INVERSE_SQRT_PI, b.format, b.format.fraction + 1)
    first = factor / size
    far = first + (factor_low / size - first * less)
    right = b.select(size > edge, far, high + low)
    # Near 0, exp(x**2) times 1 - erf(x); on the left exp(x**2) alone.
    is_near = size < 0.5
    one, rest = fast_two_sum(b.number(1.0), -x)
    times = b.select(is_near, one, 1.0), b.select(is_near, rest - _small(b, x), 0.0)
    square, square_low = two_product(b, bounded, bounded)
    y = _tail(b, times, (-square, -square_low))
    return b.select(is_near, y, b.select(x < 0.0, (y + y) - right, right))


def _over_sqrt_2(b: Emitter, x: Value) -> Pair:
    root, root_low = expand(INVERSE_SQRT_2, b.format, b.format.fraction + 1)
    high, low = two_product(b, x, root)
    return high, b.fma(x, root_low, low)


def _middle(b: Emitter, x: Value) -> Pair:
    """Return the integral of the bell curve up to x, where |x| is below 0.95, as a pair."""
    z, z_low = _over_sqrt_2(b, x)
    total, lost = fast_two_sum(b.number(0.5), 0.5 * z)
    return total, b.fma(0.5, z_low + _small(b, z), lost)


def ndtr(b: Emitter, x: Value) -> Value:
    """Return the integral of the bell curve up to x: erfc(-x / sqrt(2)) / 2."""
    size = b.abs(x)
    bounded = _bounded(b, size, b.choose(39.0, 16.0))
    high, low = two_product(b, bounded, bounded)
    scaled = _scaled_at(b, *_over_sqrt_2(b, bounded))
    tail = 0.5 * _tail(b, scaled, (0.5 * high, 0.5 * low))
    far = b.select(x < 0.0, tail, 1.0 - tail)
    high, low = _middle(b, x)
    return b.select(size < 0.71, high + low, far)


def log_ndtr(b: Emitter, x: Value) -> Value:
    """Return the logarithm of `ndtr`, also where that underflows.

    On the left it is log(exp(x**2 / 2) ndtr(x)) - x**2 / 2; far on the left the former is the
    logarithm of an asymptotic series (Abramowitz and Stegun, "Handbook of Mathematical Functions",
    formula 26.2.12).
    """
    size = b.abs(x)
    edge, endless = 39.0, b.choose(1e150, 1e18)
    bounded = _bounded(b, size, edge)
    scaled = _scaled_at(b, *_over_sqrt_2(b, bounded))
    high, low = two_product(b, bounded, bounded)
    tail = 0.5 * _tail(b, scaled, (0.5 * high, 0.5 * low))
    beside_one = fast_two_sum(b.number(1.0), -tail)
    middle = fast_two_sum(*_middle(b, x))
    inverse = 1.0 / _bounded(b, size, endless)
    series = b.polynomial(inverse * inverse, (1.0, -1.0, 3.0, -15.0, 105.0, -945.0))
    asymptotic = inverse * series * (0.5 / math.sqrt(math.pi / 2.0))
    left = (
        b.select(size > edge, asymptotic, 0.5 * scaled[0]),
        b.select(size > edge, 0.0, 0.5 * scaled[1]),
    )
    # About 0.95 the errors of both sides, seen in the small result, are alike (1.8 ULP at most).
    is_left, is_middle = x < -0.71, x < 0.95
    parts = (
        b.select(is_left, p, b.select(is_middle, q, r))
        for p, q, r in zip(fast_two_sum(*left), middle, beside_one, strict=True)
    )
    y = log_of_sum(b, *parts)
    high, low = two_product(b, size, 0.5 * size)
    low = b.select(size < endless, low, 0.0)
    y = b.select(is_left, (y - low) - high, y)
    return -b.abs(y)  # so that 0 has the sign of the logarithm of a number below 1
