"""Logarithms, and pairs of numbers that hold them to more digits.

A positive number is 2**k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2). With s = f / (2 + f),
log(1 + f) is 2 atanh(s), whose series in s**2 converges quickly (as in fdlibm's e_log.c, Sun
Microsystems 1993; P. T. P. Tang, "Table-driven implementation of the logarithm function", 1990).
"""

from __future__ import annotations

import math
from fractions import Fraction

from chainrule.native.ir.math import coefficients as c
from chainrule.native.ir.math.constants import INVERSE_LN2, INVERSE_LN10, LN2, expand
from chainrule.native.ir.math.emitter import Emitter, Format, Value
from chainrule.native.ir.math.exact import (
    Pair,
    divide,
    fast_two_sum,
    multiply,
    two_product,
    two_sum,
)


def _bits_of(x: float, format: Format) -> int:
    """Return the bits of a number between 1/2 and 2."""
    significand = int((2 * x if x < 1 else x) * 2**format.fraction)
    return ((format.bias - 1 - (x < 1)) << format.fraction) + significand


def ln2_parts(b: Emitter) -> tuple[float, float]:
    """Return ln 2 in two parts, the first so short that its multiples by exponents are exact."""
    upper, lower = expand(LN2, b.format, b.format.fraction - 11 if b.is_double else 15)
    return upper, lower


def split(b: Emitter, x: Value) -> tuple[Value, Value, Value]:
    """Return k, 1 + f and the biased exponent k as an integer, of a positive normal number."""
    root = _bits_of(math.sqrt(0.5), b.format)
    one = _bits_of(1.0, b.format)
    shifted = b.bits(x) + (one - root)
    exponent = shifted >> b.format.fraction
    m = b.from_bits((shifted & ((1 << b.format.fraction) - 1)) + root)
    unit = 2.0**b.format.fraction
    k = b.from_bits(exponent | b.bits(b.number(unit))) - (unit + b.format.bias)
    return k, m, exponent


def split_any(b: Emitter, x: Value) -> tuple[Value, Value]:
    """Return k and 1 + f of a positive number, also of one below the smallest normal number."""
    digits = b.format.fraction + 2
    small = x < b.format.smallest_normal
    k, m, _ = split(b, b.select(small, x * 2.0**digits, x))
    return k - b.select(small, float(digits), 0.0), m


def log_of(b: Emitter, k: Value, f: Value, more: Value | None = None) -> Value:
    """Return k ln 2 + log(1 + f) + more, for a small `more`."""
    upper, lower = ln2_parts(b)
    s = f / (2.0 + f)
    z = s * s
    series = z * b.polynomial(z, c.LOG_DOUBLE if b.is_double else c.LOG_FLOAT)
    half_square = 0.5 * f * f
    tail = k * lower if more is None else b.fma(k, lower, more)
    inner = b.fma(s, half_square + series, tail)
    return b.fma(k, upper, f - (half_square - inner))


def log_of_sum(b: Emitter, high: Value, low: Value, k_more: Value | None = None) -> Value:
    """Return log(high + low) + k_more ln 2, where `high` is normal and `low` below its digits."""
    k, m, exponent = split(b, high)
    inverse = b.from_bits((2 * b.format.bias + 1 - exponent) << b.format.fraction)  # 2 / 2**k
    scaled = low * inverse * 0.5
    f, lost = fast_two_sum(m - 1.0, scaled)
    return log_of(b, k if k_more is None else k + k_more, f, lost * (1.0 - f))


def _limits(b: Emitter, x: Value, y: Value) -> Value:
    """Return y, or what a logarithm is where x is infinite, zero, negative or not a number."""
    y = b.select(x < math.inf, y, x)
    bad = b.select(x.equals(0.0), -math.inf, math.nan)
    return b.select(x <= 0.0, bad, y)


def log(b: Emitter, x: Value) -> Value:
    """Return the natural logarithm."""
    k, m = split_any(b, x)
    return _limits(b, x, log_of(b, k, m - 1.0))


def log_fast_range(b: Emitter) -> tuple[float, float]:
    """Return between which numbers `log_fast` serves: the normal ones."""
    tiny = b.format.smallest_normal
    return tiny * (1 - 2.0**-b.format.fraction), math.inf


def log_fast(b: Emitter, x: Value) -> Value:
    """Return the natural logarithm of a positive normal number."""
    k, m, _ = split(b, x)
    return log_of(b, k, m - 1.0)


def log1p(b: Emitter, x: Value) -> Value:
    """Return log(1 + x), to full precision also near 0."""
    high, low = two_sum(b.number(1.0), x)
    y = log_of_sum(b, high, low)
    y = b.select(x < math.inf, y, x)
    y = b.select(x > -1.0, y, b.select(x.equals(-1.0), -math.inf, math.nan))
    y = b.select(b.is_nan(x), x, y)
    return b.copysign(y, x)


def log_pair(b: Emitter, f: Value) -> Pair:
    """Return log(1 + f) as a pair, with an error of about 2**-13 of a last digit."""
    s = divide(b, (f, b.number(0.0)), fast_two_sum(b.number(2.0), f))
    z_high, z_low = two_product(b, s[0], s[0])
    z_low = z_low + 2.0 * s[0] * s[1]
    tail = z_high * b.polynomial(z_high, c.LOG_TAIL_DOUBLE if b.is_double else c.LOG_TAIL_FLOAT)
    upper, lower = expand(Fraction(2, 3), b.format, b.format.fraction + 1)
    factor_high, factor_low = fast_two_sum(b.number(upper), tail)
    cube = multiply(b, s, (z_high, z_low))
    rest = multiply(b, cube, (factor_high, factor_low + lower))
    high, low = fast_two_sum(s[0] + s[0], rest[0])
    return fast_two_sum(high, low + (2.0 * s[1] + rest[1]))


def natural_pair(b: Emitter, x: Value) -> Pair:
    """Return the natural logarithm of a positive finite number as a pair."""
    k, m = split_any(b, x)
    high, low = log_pair(b, m - 1.0)
    upper, lower = ln2_parts(b)
    total, lost = fast_two_sum(k * upper, high)
    return fast_two_sum(total, lost + b.fma(k, lower, low))


def log2(b: Emitter, x: Value) -> Value:
    """Return the logarithm to base 2, exact for powers of 2."""
    k, m = split_any(b, x)
    upper, lower = expand(INVERSE_LN2, b.format, b.format.fraction + 1)
    high, low = multiply(b, log_pair(b, m - 1.0), (b.number(upper), b.number(lower)))
    total, lost = fast_two_sum(k, high)
    return _limits(b, x, total + (lost + low))


def log10(b: Emitter, x: Value) -> Value:
    """Return the logarithm to base 10, exact for powers of 10."""
    upper, lower = expand(INVERSE_LN10, b.format, b.format.fraction + 1)
    high, low = multiply(b, natural_pair(b, x), (b.number(upper), b.number(lower)))
    return _limits(b, x, high + low)
