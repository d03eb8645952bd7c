"""Powers and roots: power, cbrt, hypot.

``power`` is e**(y log x) with the logarithm and its product as pairs, since an error of the
exponent is magnified up to 700 times (Muller, "Elementary Functions", 3rd edition 2016, section
12.3). For floats, doubles hold enough digits.
"""

from __future__ import annotations

import math

from chainrule.native.ir.math import coefficients as c
from chainrule.native.ir.math.constants import LN2, expand
from chainrule.native.ir.math.emitter import Emitter, Value
from chainrule.native.ir.math.exact import fast_two_sum, residual, two_product
from chainrule.native.ir.math.exponential import exp_of_pair
from chainrule.native.ir.math.logarithm import natural_pair, split


def power(b: Emitter, x: Value, y: Value) -> Value:
    """Return x**y, with the special cases of C99's pow."""
    size = b.abs(x)
    positive = b.select(size > 0.0, b.select(size < math.inf, size, 1.0), 1.0)
    magnitude = _power_double(b, positive, y) if b.is_double else _power_float(b, positive, y)
    # Zero and infinity: 0 or infinity, by the sign of the exponent and which of them it is.
    grows = (size > 1.0) ^ (y < 0.0)
    special = size.equals(0.0) | size.equals(math.inf)
    magnitude = b.select(special, b.select(grows, b.number(math.inf), 0.0), magnitude)
    whole, odd = _parity(b, y)
    sign = b.bits(x) & b.select(odd, b.integer(b.format.sign_bit), b.integer(0))
    result = b.from_bits(b.bits(magnitude) ^ sign)
    undefined = (x < 0.0) & (x > -math.inf) & ~whole
    result = b.select(undefined, math.nan, result)
    result = b.select(b.is_nan(x) | b.is_nan(y), x + y, result)
    return b.select(y.equals(0.0) | x.equals(1.0), 1.0, result)


def _parity(b: Emitter, y: Value) -> tuple[Value, Value]:
    """Return whether y is an integer, and whether it is an odd one."""
    size = b.abs(y)
    unit = 2.0**b.format.fraction  # above it, all numbers are integers, and above twice it, even
    shifted = size + unit
    small = size < unit
    whole = ~small | (shifted - unit).equals(size)
    last = b.select(small, b.bits(shifted), b.bits(size)) & 1
    return whole, whole & last.equals(1) & (size < 2.0 * unit)


def _bounded(b: Emitter, x: Value, limit: float) -> Value:
    """Return x between bounds: a larger exponent gives the same 0, 1 or infinity."""
    return b.select(x > limit, limit, b.select(x < -limit, -limit, x))


def _power_double(b: Emitter, x: Value, y: Value) -> Value:
    high, low = natural_pair(b, x)
    y = _bounded(b, y, 2.0**64)
    product, product_low = two_product(b, high, y)
    return exp_of_pair(b, product, b.fma(low, y, product_low))


def _power_float(b: Emitter, x: Value, y: Value) -> Value:
    """Compute with doubles, whose 53 bits leave room for the 8 that the exponential loses."""
    d = b.as_double()
    wide, exponent = d.extend(x), _bounded(d, d.extend(y), 2.0**64)
    k, m, _ = split(d, wide)
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    (ln2,) = expand(LN2, d.format)
    logarithm = d.fma(k, ln2, s * d.fma(z, d.polynomial(z, c.LOG_MIDDLE_DOUBLE), 2.0))
    t = _bounded(d, logarithm * exponent, 120.0)
    n, bits = d.round(t * (1.0 / ln2))
    r = d.fma(-n, ln2, t)
    p = 1.0 + d.fma(r * r, d.polynomial(r, c.EXP_MIDDLE_DOUBLE), r)
    scale = d.from_bits((bits + d.format.bias) << d.format.fraction)
    return d.truncate(p * scale)


def cbrt(b: Emitter, x: Value) -> Value:
    """Return the cube root: that of the significand by a polynomial, made exact by two steps."""
    size = b.abs(x)
    digits = 3 * (b.format.fraction // 2)
    small = size < b.format.smallest_normal
    normal = b.select(small, size * 2.0**digits, size)
    bits = b.bits(normal)
    m = b.from_bits((bits & (2**b.format.fraction - 1)) | (b.format.bias << b.format.fraction))
    unit = 2.0**b.format.fraction
    exponent = b.from_bits((bits >> b.format.fraction) | b.bits(b.number(unit))) - (
        unit + b.format.bias
    )
    third, third_bits = b.round((exponent - 1.0) * (1.0 / 3.0))
    rest = exponent - 3.0 * third  # 0, 1 or 2
    m = m * b.select(rest > 1.5, b.number(4.0), b.select(rest > 0.5, b.number(2.0), 1.0))
    guess = b.polynomial(
        m * b.select(rest > 1.5, b.number(0.25), b.select(rest > 0.5, b.number(0.5), 1.0)),
        c.CBRT_DOUBLE if b.is_double else c.CBRT_FLOAT,
    )
    roots = 2.0 ** (-1 / 3), 2.0 ** (-2 / 3)
    guess = guess * b.select(rest > 1.5, roots[1], b.select(rest > 0.5, roots[0], b.number(1.0)))
    # guess is near m**(-1/3): with h = 1 - m guess**3, (1 - h)**(-1/3) is its error.
    h = b.fma(-m * guess, guess * guess, 1.0)
    series = b.polynomial(h, (1 / 3, 2 / 9, 14 / 81))
    guess = b.fma(guess * h, series, guess)
    root = m * (guess * guess)
    square, square_low = two_product(b, root, root)
    lost = b.fma(-root, square_low, residual(b, root, square, m))
    root = b.fma(lost, guess * guess * (1.0 / 3.0), root)
    offset = b.select(small, b.integer(digits // 3), b.integer(0))
    scale = b.from_bits((third_bits + b.format.bias - offset) << b.format.fraction)
    y = b.select(size.equals(0.0) | ~(size < math.inf), size, root * scale)
    return b.copysign(y, x)


def hypot(b: Emitter, x: Value, y: Value) -> Value:
    """Return sqrt(x**2 + y**2), scaled so that neither overflow nor underflow disturbs it."""
    a, c_ = b.abs(x), b.abs(y)
    large, small = b.select(a > c_, a, c_), b.select(a > c_, c_, a)
    half = (b.format.bias + 1) // 2
    step = half + b.format.fraction
    factor = b.select(large > 2.0 ** (half - 2), 2.0**-step, 1.0)
    inverse = b.select(large > 2.0 ** (half - 2), 2.0**step, 1.0)
    tiny = large < 2.0 ** -(half - b.format.fraction)
    factor = b.select(tiny, 2.0**step, factor)
    inverse = b.select(tiny, 2.0**-step, inverse)
    large, small = large * factor, small * factor
    high, low = two_product(b, large, large)
    total, lost = fast_two_sum(high, small * small)
    root = b.sqrt(total + (lost + low)) * inverse
    nan = b.select(b.is_nan(x) | b.is_nan(y), x + y, root)
    endless = a.equals(math.inf) | c_.equals(math.inf)
    return b.select(endless, math.inf, nan)
