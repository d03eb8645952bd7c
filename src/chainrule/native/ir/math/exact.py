"""Error-free transformations: sums and products with what rounding lost.

A pair ``(high, low)`` stands for the unrounded sum of its parts. See T. J. Dekker, "A
floating-point technique for extending the available precision", Numerische Mathematik 18 (1971);
D. E. Knuth, "The Art of Computer Programming" 2, section 4.2.2; J.-M. Muller and others, "Handbook
of Floating-Point Arithmetic", 2nd edition (2018), chapters 4 and 14.
"""

from __future__ import annotations

from typing import TypeAlias

from chainrule.native.ir.math.emitter import FORMATS, Emitter, Operand, Value

Pair: TypeAlias = tuple[Value, Value]


def two_sum(a: Value, b: Operand) -> Pair:
    """Return a + b and its rounding error (Knuth), whatever their magnitudes."""
    high = a + b
    shadow = high - a
    return high, (a - (high - shadow)) + (b - shadow)


def fast_two_sum(a: Operand, b: Value) -> Pair:
    """Return a + b and its rounding error (Dekker), where a is 0 or not below b in magnitude."""
    high = a + b
    return high, b - (high - a)


def two_product(b: Emitter, x: Value, y: Operand) -> Pair:
    """Return x * y and its rounding error, where nothing overflows or underflows."""
    high = x * y
    if b.has_fma:
        return high, b.fma(x, y, -high)
    x_high, x_low = _halves(x)
    if isinstance(y, Value):
        y_high, y_low = _halves(y)
        return high, ((x_high * y_high - high) + x_high * y_low + x_low * y_high) + x_low * y_low
    upper, lower = _halves_of_constant(b, FORMATS[x.type].round(y), x.type)
    return high, ((x_high * upper - high) + x_high * lower + x_low * upper) + x_low * lower


def residual(b: Emitter, x: Value, y: Operand, z: Value) -> Value:
    """Return z - x * y, rounded once, where x * y is so near to z that the difference is exact."""
    if b.has_fma:
        return b.fma(-x, y, z)
    high, low = two_product(b, x, y)
    return (z - high) - low


def _halves(x: Value) -> Pair:
    """Veltkamp's splitting: two parts of at most half the bits each."""
    scaled = x * (2.0 ** ((FORMATS[x.type].fraction + 2) // 2) + 1)
    high = scaled - (scaled - x)
    return high, x - high


def _halves_of_constant(b: Emitter, y: float, type: str) -> tuple[float, float]:
    round = FORMATS[type].round
    scaled = round(y * (2.0 ** ((FORMATS[type].fraction + 2) // 2) + 1))
    high = round(scaled - round(scaled - y))
    return high, y - high


def divide(b: Emitter, numerator: Pair, denominator: Pair) -> Pair:
    """Return the quotient of two pairs as a pair, accurate to nearly twice the digits."""
    reciprocal = 1.0 / denominator[0]
    quotient = numerator[0] * reciprocal
    rest = residual(b, quotient, denominator[0], numerator[0])
    rest = rest + b.fma(-quotient, denominator[1], numerator[1])
    return fast_two_sum(quotient, rest * reciprocal)


def sqrt(b: Emitter, x: Pair) -> Pair:
    """Return the square root of a pair as a pair. That of zero is zero."""
    root = b.sqrt(x[0])
    rest = residual(b, root, root, x[0]) + x[1]
    low = rest / (root + root)
    return root, b.select(root > 0.0, low, 0.0)


def multiply(b: Emitter, x: Pair, y: Pair) -> Pair:
    """Return the product of two pairs as a pair."""
    high, low = two_product(b, x[0], y[0])
    low = low + b.fma(x[0], y[1], x[1] * y[0])
    return fast_two_sum(high, low)
