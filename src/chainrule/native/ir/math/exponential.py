"""exp, exp2, expm1 and the logistic sigmoid.

With n = round(x / ln 2) and r = x - n ln 2, exp(x) is 2**n exp(r), where |r| <= ln(2) / 2 (W. J.
Cody and W. Waite, "Software Manual for the Elementary Functions", 1980; P. T. P. Tang,
"Table-driven implementation of the exponential function in IEEE floating-point arithmetic", 1989).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from chainrule.native.ir.math import coefficients as c
from chainrule.native.ir.math.constants import INVERSE_LN2, LN2, expand
from chainrule.native.ir.math.emitter import Emitter, Value
from chainrule.native.ir.math.exact import Pair, fast_two_sum


class Reduced(NamedTuple):
    """x = n ln 2 + high + low; the low part of `bits` is the integer n."""

    n: Value
    bits: Value
    high: Value
    low: Value


def _multiple(b: Emitter, x: Value) -> tuple[Value, Value, Value, float]:
    """Return the multiple n of ln 2 next to x, and x less n times its upper part.

    Before n is a number whose low bits hold it; the lower part of ln 2 comes last.
    """
    (inverse,) = expand(INVERSE_LN2, b.format)
    upper, lower = expand(LN2, b.format, b.format.fraction - 11 if b.is_double else 15)
    t = b.fma(x, inverse, b.format.magic)
    n = t - b.format.magic
    return t, n, b.fma(-n, upper, x), lower  # exact: n * upper has no more bits than the type


def reduce(b: Emitter, x: Value) -> Reduced:
    """Take the multiple of ln 2 next to x away from it."""
    t, n, rest, lower = _multiple(b, x)
    tail = n * lower
    high = rest - tail
    return Reduced(n, b.bits(t), high, (rest - high) - tail)


def fraction(b: Emitter, x: Value, closely: bool = False) -> tuple[Value, Value]:
    """Return exp(r) - 1 in few steps, and the bits that hold n.

    It is good beside 1, or with one step more, `closely`, by itself.
    """
    t, n, high, lower = _multiple(b, x)
    r = b.fma(-n, lower, high)
    q = b.polynomial(r, c.EXP_QUICK_DOUBLE if b.is_double else c.EXP_QUICK_FLOAT)
    if closely:
        return r + b.fma(r * r, q, b.fma(-n, lower, high - r)), b.bits(t)
    return b.fma(r * r, q, r), b.bits(t)


def exp_minus_one_minus(b: Emitter, r: Value) -> Value:
    """Return exp(r) - 1 - r for a reduced r, of an error that is small beside r."""
    q = b.polynomial(r, c.EXP_DOUBLE if b.is_double else c.EXP_FLOAT)
    return (r * r) * q


def power_of_two(b: Emitter, bits: Value, shift: int = 0) -> Value:
    """Return 2**(n + shift) for the n in the low part of `bits`, where that is a normal number."""
    return b.from_bits((bits + (b.format.bias + shift)) << b.format.fraction)


def scale(b: Emitter, p: Value, bits: Value, x: Value) -> Value:
    """Return p * 2**n, for p between 2**-50 and 2, and at overflow or underflow the limits.

    The exponent of p is changed by integer addition. The result may be above the largest number, or
    below the smallest normal one: so a factor is left to a multiplication, which rounds well. `x`
    tells the limits: any number with n = x / ln 2 about.
    """
    low, lowest, highest = (-700.0, -750.0, 710.0) if b.is_double else (-80.0, -108.0, 89.0)
    offset = 128 if b.is_double else 64
    small = x < low
    shift = b.select(small, b.integer(offset), b.integer(-1))
    factor = b.select(small, 2.0**-offset, 2.0)
    scaled = b.from_bits(b.bits(p) + ((bits + shift) << b.format.fraction)) * factor
    finite = b.select(x <= highest, scaled, x * math.inf)  # of NaN, NaN
    return b.select(x < lowest, 0.0, finite)


def exp(b: Emitter, x: Value) -> Value:
    """Return e**x."""
    rest, bits = fraction(b, x)
    return scale(b, 1.0 + rest, bits, x)


def exp_fast_range(b: Emitter) -> tuple[float, float]:
    """Return between which numbers `exp_fast` serves: where e**x is far from the ends."""
    return (-708.0, 708.0) if b.is_double else (-86.0, 86.0)


def exp_fast(b: Emitter, x: Value) -> Value:
    """Return e**x, a normal number."""
    rest, bits = fraction(b, x)
    return b.from_bits(b.bits(1.0 + rest) + (bits << b.format.fraction))


def exp_closely(b: Emitter, x: Value) -> Value:
    """Return e**x with a somewhat smaller error, for formulas that add their own to it."""
    reduced = reduce(b, x)
    tail = exp_minus_one_minus(b, reduced.high) + reduced.low
    return scale(b, 1.0 + (reduced.high + tail), reduced.bits, x)


def exp_pair(b: Emitter, high: Value, low: Value | None = None) -> tuple[Pair, Value]:
    """Return e**(high + low) as a pair, still to be scaled by 2**n, and the bits that hold n."""
    reduced = reduce(b, high)
    tail = exp_minus_one_minus(b, reduced.high)
    if low is None:
        tail = tail + reduced.low
    else:
        slope = 1.0 + (reduced.high + tail)
        tail = b.fma(reduced.low + low, slope, tail)
    first, lost = fast_two_sum(1.0, reduced.high)
    return fast_two_sum(first, lost + tail), reduced.bits


def exp_of_pair(b: Emitter, high: Value, low: Value) -> Value:
    """Return e**(high + low), where low is small beside 1."""
    (p, _), bits = exp_pair(b, high, low)
    return scale(b, p, bits, high)


def exp_between(b: Emitter, x: Value, shift: int = 0) -> Value:
    """Return 2**shift * e**x where 2**(n + shift) neither overflows nor underflows, or NaN."""
    reduced = reduce(b, x)
    tail = exp_minus_one_minus(b, reduced.high) + reduced.low
    return (1.0 + (reduced.high + tail)) * power_of_two(b, reduced.bits, shift)


def exp2(b: Emitter, x: Value) -> Value:
    """Return 2**x."""
    (ln2,) = expand(LN2, b.format)
    n, bits = b.round(x)
    r = (x - n) * ln2
    p = 1.0 + (r + exp_minus_one_minus(b, r))
    return scale(b, p, bits, x * 0.69315)


def expm1(b: Emitter, x: Value) -> Value:
    """Return e**x - 1, to full precision also near 0.

    It is 2**n ((1 - 2**-n) + (exp(r) - 1)), summed with what rounding loses. Half of it is computed
    first, lest it overflow.
    """
    reduced = reduce(b, x)
    tail = exp_minus_one_minus(b, reduced.high)
    half = power_of_two(b, reduced.bits, -1)
    high, low = fast_two_sum(half - 0.5, half * reduced.high)
    y = high + b.fma(half, tail + reduced.low, low)
    y = b.select(reduced.n.equals(0.0), reduced.high + tail, y + y)
    y = b.select(x < b.choose(-40.0, -20.0), -1.0, y)
    y = b.select(x <= b.choose(710.0, 89.0), y, x * math.inf)
    return b.copysign(y, x)


def sigmoid(b: Emitter, x: Value) -> Value:
    """Return 1 / (1 + e**-x), or where x is negative, e**x / (1 + e**x).

    What rounding lost of e**-|x| and of the sum is added to the quotient, times approximations of
    reciprocals that are good enough for it: 1 / p of a p from 0.7 to 1.4, and 1 / total of a total
    from 1 to 2.
    """
    size = -b.abs(x)
    (p, p_low), bits = exp_pair(b, size)
    e = scale(b, p, bits, size)
    above = p - 1.0
    e_low = e * (p_low * b.fma(above, above, 1.0 - above))
    e_low = b.select(size < b.choose(-700.0, -80.0), 0.0, e_low)  # p is no number at infinity
    total, lost = fast_two_sum(1.0, e)
    negative = x < 0.0
    quotient = b.select(negative, e, 1.0) / total
    rest = b.fma(-quotient, lost + e_low, b.select(negative, e_low, 0.0))
    return b.fma(rest, 1.457 - 0.5 * total, quotient)
