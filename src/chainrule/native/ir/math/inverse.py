"""arcsin, arccos, arctan and arctan2.

Identities bring the argument to where a polynomial converges quickly; what rounding lost on the way
is added at the end (as in fdlibm's e_asin.c and s_atan.c, Sun Microsystems 1993).
"""

from __future__ import annotations

import math

from chainrule.native.ir.math import coefficients as c
from chainrule.native.ir.math.constants import PI, expand
from chainrule.native.ir.math.emitter import Emitter, Value
from chainrule.native.ir.math.exact import Pair, divide, fast_two_sum, sqrt, two_sum

_TAN_PI_8 = math.sqrt(2.0) - 1.0


def _arcsin_tail(b: Emitter, square: Value) -> Value:
    """Return asin(x) / x - 1 of an x up to 1/2, given its square."""
    return square * b.polynomial(square, c.ASIN_DOUBLE if b.is_double else c.ASIN_FLOAT)


def _arcsin_parts(b: Emitter, size: Value) -> tuple[Value, Value, Value]:
    """Return whether size is above 1/2, and a pair for an angle.

    The angle is asin(size), or if above, 2 asin(sqrt((1 - size) / 2)).
    """
    above = size > 0.5
    half = 0.5 * (1.0 - size)  # exact, if above
    square = b.select(above, half, size * size)
    tail = _arcsin_tail(b, square)
    root, root_low = sqrt(b, (half, b.number(0.0)))
    high = b.select(above, root + root, size)
    low = b.select(above, 2.0 * b.fma(root, tail, root_low), size * tail)
    return above, high, low


def arcsin(b: Emitter, x: Value) -> Value:
    """Return the arc sine: pi / 2 - 2 asin(sqrt((1 - x) / 2)) where x is above 1/2."""
    upper, lower = expand(PI / 2, b.format, b.format.fraction + 1)
    above, high, low = _arcsin_parts(b, b.abs(x))
    total, lost = fast_two_sum(b.number(upper), -high)
    y = b.select(above, total + (lost + (lower - low)), high + low)
    return b.copysign(y, x)


def arccos(b: Emitter, x: Value) -> Value:
    """Return the arc cosine: pi / 2 - asin(x), or with x above 1/2, 2 asin(sqrt((1 - x) / 2))."""
    upper, lower = expand(PI / 2, b.format, b.format.fraction + 1)
    above, high, low = _arcsin_parts(b, b.abs(x))
    negative = x < 0.0
    # base - sign * (high + low), where base is pi / 2, or for large |x| 0 or pi.
    factor = b.select(negative, b.number(2.0), 0.0)
    base = b.select(above, factor * upper, upper)
    base_low = b.select(above, factor * lower, lower)
    # One of negative and above: the angle is added.
    high, low = (b.from_bits(b.bits(v) ^ _flip(b, negative, above)) for v in (high, low))
    total, lost = two_sum(base, high)
    return total + (lost + (base_low + low))


def _flip(b: Emitter, negative: Value, above: Value) -> Value:
    """Return the sign bit where exactly none or both of the conditions hold."""
    sign = b.integer(b.format.sign_bit)
    flipped = b.select(negative, b.integer(0), sign)
    return flipped ^ b.select(above, sign, b.integer(0))


def _arctan_of(b: Emitter, top: Value, bottom: Value) -> Pair:
    """Return the angle of a point in the first octant as a pair: atan(top / bottom).

    Above the angle pi / 8 it is pi / 4 + atan((top - bottom) / (top + bottom)).
    """
    steep = top > bottom * _TAN_PI_8
    sum_, difference = two_sum(top, bottom), two_sum(top, -bottom)
    zero = b.number(0.0)
    numerator = b.select(steep, difference[0], top), b.select(steep, difference[1], zero)
    denominator = b.select(steep, sum_[0], bottom), b.select(steep, sum_[1], zero)
    t, t_low = divide(b, numerator, denominator)
    square = t * t
    cube = (t * square) * b.polynomial(square, c.ATAN_DOUBLE if b.is_double else c.ATAN_FLOAT)
    upper, lower = expand(PI / 4, b.format, b.format.fraction + 1)
    high, low = fast_two_sum(b.select(steep, upper, 0.0), t)
    return high, low + (cube + b.fma(-t_low, square, t_low) + b.select(steep, lower, 0.0))


def _minus_from(b: Emitter, condition: Value, half_turns: int, angle: Pair) -> Pair:
    """Return half_turns * pi / 2 - angle where the condition holds, else the angle."""
    upper, lower = expand(PI * half_turns / 2, b.format, b.format.fraction + 1)
    high, low = fast_two_sum(b.number(upper), -angle[0])
    return b.select(condition, high, angle[0]), b.select(
        condition, low + (lower - angle[1]), angle[1]
    )


def arctan(b: Emitter, x: Value) -> Value:
    """Return the arc tangent."""
    size = b.abs(x)
    above = size > 1.0
    one = b.number(1.0)
    huge = b.choose(2.0**60, 2.0**30)
    bounded = b.select(size > huge, huge, size)
    angle = _arctan_of(b, b.select(above, one, bounded), b.select(above, bounded, one))
    high, low = _minus_from(b, above, 1, angle)
    return b.copysign(high + low, x)


def arctan2(b: Emitter, y: Value, x: Value) -> Value:
    """Return the angle of the point (x, y), between -pi and pi."""
    height, width = b.abs(y), b.abs(x)
    # Infinite operands stand for the direction that they have in the limit.
    endless = [v.equals(math.inf) for v in (height, width)]
    either = endless[0] | endless[1]
    height, width = (
        b.select(either, b.select(e, b.number(1.0), 0.0), v)
        for e, v in zip(endless, (height, width), strict=True)
    )
    above = height > width
    small, large = b.select(above, width, height), b.select(above, height, width)
    # Powers of two keep sums and remainders from overflow and underflow.
    digits = b.format.fraction
    factor = b.select(large > 2.0 ** (b.format.bias - digits - 4), 2.0 ** -(digits * 2), 1.0)
    factor = b.select(large < 2.0 ** -(b.format.bias - 4 * digits), 2.0 ** (digits * 2), factor)
    small, large = small * factor, large * factor
    nothing = large.equals(0.0)
    angle = _arctan_of(b, small, b.select(nothing, 1.0, large))
    # The quotient of far magnitudes is itself the angle, and may be subnormal.
    tiny = small < large * 2.0 ** -(digits + 8)
    ratio = small / b.select(nothing, 1.0, large)
    angle = b.select(tiny, ratio, angle[0]), b.select(tiny, 0.0, angle[1])
    angle = _minus_from(b, above, 1, angle)
    left = b.let("i1", f"icmp slt {b.format.integer}", b.bits(x), b.integer(0))
    high, low = _minus_from(b, left, 2, angle)
    result = b.copysign(high + low, y)
    return b.select(b.is_nan(x) | b.is_nan(y), x + y, result)
