"""sin, cos and tan.

The angle is reduced to a quarter turn around 0 (see `reduction.py`), where polynomials serve; the
number of quarter turns chooses which of them, and the sign. Most of the work is the reduction of
huge angles, which are seldom met: the functions that end in ``_near`` leave it out, for loops that
look whether they may.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from chainrule.native.math import coefficients as c
from chainrule.native.math import reduction
from chainrule.native.math.emitter import Emitter, Value
from chainrule.native.math.exact import Pair, fast_two_sum, residual
from chainrule.native.math.reduction import Angle

Reduction: TypeAlias = Callable[[Emitter, Value], Angle]


def _sin_pair(b: Emitter, angle: Angle) -> Pair:
    r, z = angle.high, angle.high * angle.high
    cube = (r * z) * b.polynomial(z, c.SIN_DOUBLE if b.is_double else c.SIN_FLOAT)
    return r, b.fma(angle.low, 1.0 - 0.5 * z, cube)


def _cos_pair(b: Emitter, angle: Angle) -> Pair:
    r, z = angle.high, angle.high * angle.high
    half = 0.5 * z
    high, low = fast_two_sum(b.number(1.0), -half)
    fourth = (z * z) * b.polynomial(z, c.COS_DOUBLE if b.is_double else c.COS_FLOAT)
    return high, low + b.fma(-r, angle.low, fourth)


def _sin_cos(b: Emitter, angle: Angle, quadrant: Value) -> Value:
    """Return the sine of an angle, given as what is left of it and the quarter turns."""
    sine, cosine = _sin_pair(b, angle), _cos_pair(b, angle)
    even = (quadrant & 1).equals(0)
    high = b.select(even, sine[0], cosine[0])
    low = b.select(even, sine[1], cosine[1])
    sign = (quadrant >> 1) << (b.format.bits - 1)
    return b.from_bits(b.bits(high + low) ^ sign)


def _sign(b: Emitter, x: Value) -> Value:
    return b.bits(x) & b.format.sign_bit


def sin(b: Emitter, x: Value) -> Value:
    """Return the sine of an angle in radians."""
    return _sin(b, x, reduction.reduce)


def sin_near(b: Emitter, x: Value) -> Value:
    """Return the sine of an angle below the limit of `reduction.moderate`, or of NaN."""
    return _sin(b, x, reduction.moderate)


def _sin(b: Emitter, x: Value, reduce: Reduction) -> Value:
    angle = reduce(b, b.abs(x))
    y = _sin_cos(b, angle, angle.quadrant)
    return _finite(b, x, b.from_bits(b.bits(y) ^ _sign(b, x)))


def cos(b: Emitter, x: Value) -> Value:
    """Return the cosine of an angle in radians."""
    return _cos(b, x, reduction.reduce)


def cos_near(b: Emitter, x: Value) -> Value:
    """Return the cosine of an angle below the limit of `reduction.moderate`, or of NaN."""
    return _cos(b, x, reduction.moderate)


def _cos(b: Emitter, x: Value, reduce: Reduction) -> Value:
    angle = reduce(b, b.abs(x))
    return _finite(b, x, _sin_cos(b, angle, angle.quadrant + 1))


def tan(b: Emitter, x: Value) -> Value:
    """Return the tangent of an angle in radians."""
    return _tan(b, x, reduction.reduce)


def tan_near(b: Emitter, x: Value) -> Value:
    """Return the tangent of an angle below the limit of `reduction.moderate`, or of NaN."""
    return _tan(b, x, reduction.moderate)


def _tan(b: Emitter, x: Value, reduce: Reduction) -> Value:
    """Divide the pairs of sine and cosine, so that the quotient is rounded nearly once."""
    angle = reduce(b, b.abs(x))
    sine, cosine = fast_two_sum(*_sin_pair(b, angle)), fast_two_sum(*_cos_pair(b, angle))
    even = (angle.quadrant & 1).equals(0)
    top, top_low = (b.select(even, s, k) for s, k in zip(sine, cosine, strict=True))
    bottom, bottom_low = (b.select(even, k, s) for s, k in zip(sine, cosine, strict=True))
    reciprocal = 1.0 / bottom
    quotient = top * reciprocal
    rest = residual(b, quotient, bottom, top) + b.fma(-quotient, bottom_low, top_low)
    y = b.fma(rest, reciprocal, quotient)
    sign = (angle.quadrant << (b.format.bits - 1)) ^ _sign(b, x)
    return _finite(b, x, b.from_bits(b.bits(y) ^ sign))


def _finite(b: Emitter, x: Value, y: Value) -> Value:
    """Return y, or NaN where x is infinite or not a number."""
    return b.select((x - x).equals(0.0), y, x - x)
