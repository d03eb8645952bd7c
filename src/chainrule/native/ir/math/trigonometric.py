"""sin, cos and tan.

The angle is reduced to a quarter turn around 0 (see `reduction.py`), where polynomials serve; the
number of quarter turns chooses which of them, and the sign. Most of the work is the reduction of
huge angles, which are seldom met: the functions that end in ``_fast`` leave it out, for loops that
look whether they may. Those that end in ``_near`` leave out all of it.
"""

from __future__ import annotations

from chainrule.native.ir.math import coefficients as c
from chainrule.native.ir.math import reduction
from chainrule.native.ir.math.emitter import Emitter, Value
from chainrule.native.ir.math.exact import Pair, fast_two_sum, residual
from chainrule.native.ir.math.reduction import Angle


def _sin_cos(b: Emitter, quadrant: Value, sine: Value, cosine: Value) -> Value:
    """Return the sine of an angle, of the quarter turns and the sine and cosine of the rest."""
    is_odd = (quadrant << (b.format.bits - 1)) < 0
    y = b.select(is_odd, cosine, sine)
    return b.from_bits(b.bits(y) ^ ((quadrant >> 1) << (b.format.bits - 1)))


def _moderate(b: Emitter, x: Value) -> tuple[Value, Value, Value]:
    """Return the quarter turns in a moderate angle, and the sine and cosine of the rest."""
    quadrant, r = reduction.single(b, x)
    return quadrant, _sine_near(b, r), _cosine_near(b, r)


def _sine_near(b: Emitter, r: Value) -> Value:
    z = r * r
    return b.fma(r * z, b.estrin(z, c.SIN_DOUBLE if b.is_double else c.SIN_FLOAT), r)


def _cosine_near(b: Emitter, r: Value) -> Value:
    z = r * r
    terms = b.estrin(z, c.COS_DOUBLE if b.is_double else c.COS_FLOAT)
    return b.fma(-z, b.fma(-z, terms, 0.5), 1.0)


def _any_angle(b: Emitter, x: Value) -> tuple[Value, Value, Value]:
    """Return the same of a large angle."""
    angle = reduction.reduce(b, x)
    sine, cosine = _sin_pair(b, angle), _cos_pair(b, angle)
    return angle.quadrant, sine[0] + sine[1], cosine[0] + cosine[1]


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


def _sign(b: Emitter, x: Value) -> Value:
    return b.bits(x) & b.format.sign_bit


def sin(b: Emitter, x: Value) -> Value:
    """Return the sine of an angle in radians."""
    y = b.from_bits(b.bits(_sin_cos(b, *_any_angle(b, b.abs(x)))) ^ _sign(b, x))
    return _finite(b, x, b.select(b.abs(x) < reduction.limit(b), sin_fast(b, x), y))


def sin_fast(b: Emitter, x: Value) -> Value:
    """Return the sine of an angle below the limit of `reduction.single`."""
    return b.from_bits(b.bits(_sin_cos(b, *_moderate(b, b.abs(x)))) ^ _sign(b, x))


def sin_near(b: Emitter, x: Value) -> Value:
    """Return what `sin_fast` does of an angle in which there are no quarter turns."""
    return b.from_bits(b.bits(_sine_near(b, b.abs(x))) ^ _sign(b, x))


def cos(b: Emitter, x: Value) -> Value:
    """Return the cosine of an angle in radians."""
    quadrant, sine, cosine = _any_angle(b, b.abs(x))
    y = _sin_cos(b, quadrant + 1, sine, cosine)
    return _finite(b, x, b.select(b.abs(x) < reduction.limit(b), cos_fast(b, x), y))


def cos_fast(b: Emitter, x: Value) -> Value:
    """Return the cosine of an angle below the limit of `reduction.single`."""
    quadrant, sine, cosine = _moderate(b, b.abs(x))
    return _sin_cos(b, quadrant + 1, sine, cosine)


def cos_near(b: Emitter, x: Value) -> Value:
    """Return what `cos_fast` does of an angle in which there are no quarter turns."""
    return _cosine_near(b, x)


def tan(b: Emitter, x: Value) -> Value:
    """Return the tangent of an angle in radians."""
    return _finite(b, x, _tan(b, x, reduction.reduce(b, b.abs(x))))


def tan_fast(b: Emitter, x: Value) -> Value:
    """Return the tangent of an angle below the limit of `reduction.moderate`."""
    return _tan(b, x, reduction.moderate(b, b.abs(x)))


def _tan(b: Emitter, x: Value, angle: Angle) -> Value:
    """Divide the pairs of sine and cosine, so that the quotient is rounded nearly once."""
    sine, cosine = fast_two_sum(*_sin_pair(b, angle)), fast_two_sum(*_cos_pair(b, angle))
    even = (angle.quadrant & 1).equals(0)
    top, top_low = (b.select(even, s, k) for s, k in zip(sine, cosine, strict=True))
    bottom, bottom_low = (b.select(even, k, s) for s, k in zip(sine, cosine, strict=True))
    reciprocal = 1.0 / bottom
    quotient = top * reciprocal
    rest = residual(b, quotient, bottom, top) + b.fma(-quotient, bottom_low, top_low)
    y = b.fma(rest, reciprocal, quotient)
    sign = (angle.quadrant << (b.format.bits - 1)) ^ _sign(b, x)
    return b.from_bits(b.bits(y) ^ sign)


def _finite(b: Emitter, x: Value, y: Value) -> Value:
    """Return y, or NaN where x is infinite or not a number."""
    return b.select((x - x).equals(0.0), y, x - x)
