"""Logarithms of sums of exponentials, and of odds: log_expit, logaddexp, logaddexp2, logit."""

from __future__ import annotations

import math

from chainrule.native.ir.math.constants import INVERSE_LN2, LN2, expand
from chainrule.native.ir.math.emitter import Emitter, Value
from chainrule.native.ir.math.exact import divide, fast_two_sum, two_sum
from chainrule.native.ir.math.exponential import exp_closely, exp_pair, scale
from chainrule.native.ir.math.logarithm import log_of_sum


def log_expit(b: Emitter, x: Value) -> Value:
    """Return the logarithm of the sigmoid: min(x, 0) - log(1 + e**-|x|)."""
    negative = b.select(x > 0.0, -0.0, x)
    return negative - _log1p_of_unit(b, exp_closely(b, -b.abs(x)))


def _log1p_of_unit(b: Emitter, x: Value) -> Value:
    """Return log(1 + x) of a number from 0 to 1, or of NaN."""
    return log_of_sum(b, *fast_two_sum(b.number(1.0), x))


def logaddexp(b: Emitter, x: Value, y: Value) -> Value:
    """Return log(e**x + e**y). Where its terms cancel, the error is 2 ULP of the larger one."""
    high, low = _difference(b, x, y)
    (p, _), bits = exp_pair(b, high, low)
    return _sum(b, x, y, _log1p_of_unit(b, scale(b, p, bits, high)))


def logaddexp2(b: Emitter, x: Value, y: Value) -> Value:
    """Return log2(2**x + 2**y). Where its terms cancel, the error is 2 ULP of the larger one."""
    (ln2,), (inverse,) = expand(LN2, b.format), expand(INVERSE_LN2, b.format)
    high, low = _difference(b, x, y)
    high, low = high * ln2, low * ln2
    (p, _), bits = exp_pair(b, high, low)
    return _sum(b, x, y, inverse * _log1p_of_unit(b, scale(b, p, bits, high)))


def _difference(b: Emitter, x: Value, y: Value) -> tuple[Value, Value]:
    """Return -|x - y| as a pair; 0 for equal infinities, and bounded."""
    smaller, larger = b.select(x < y, x, y), b.select(x < y, y, x)
    high, low = two_sum(smaller, -larger)
    near = high > -2000.0
    high = b.select(x.equals(y), 0.0, b.select(high < -2000.0, -2000.0, high))
    return high, b.select(near, low, 0.0)


def _sum(b: Emitter, x: Value, y: Value, more: Value) -> Value:
    total = b.select(x > y, x, y) + more
    return b.select(b.is_nan(x) | b.is_nan(y), x + y, total)


def logit(b: Emitter, x: Value) -> Value:
    """Return log(x / (1 - x)), the inverse of the sigmoid.

    Near 1/2, where it is 0, as log(1 + (2 x - 1) / (1 - x)): 2 x - 1 is exact there.
    """
    near = b.abs(x - 0.5) < 0.2
    top = b.select(near, 2.0 * x - 1.0, x)
    quotient, low = divide(b, (top, b.number(0.0)), two_sum(b.number(1.0), -x))
    one_more = two_sum(b.number(1.0), quotient)
    high = b.select(near, one_more[0], quotient)
    low = b.select(near, one_more[1] + low, low)
    # Of an x without full precision the quotient is x itself: scaled, so that it is normal.
    digits = float(b.format.fraction + 2)
    small = x < b.format.smallest_normal * 4.0
    high = b.select(small, x * 2.0**digits, high)
    low = b.select(small, 0.0, low)
    y = log_of_sum(b, high, low, b.select(small, b.number(-digits), 0.0))
    y = b.select(x > 0.0, y, b.select(x.equals(0.0), -math.inf, math.nan))
    y = b.select(x < 1.0, y, b.select(x.equals(1.0), math.inf, math.nan))
    return b.select(b.is_nan(x), x, y)
