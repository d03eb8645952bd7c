"""Reduction of angles: x = n pi / 2 + r, with r as a pair.

Below a limit (2**36 for double, 2**15 for float), by Cody and Waite's method: pi / 2 in three
parts, with exact products. Above it, by that of M. H. Payne and R. N. Hanek, "Radian reduction for
trigonometric functions", SIGNUM Newsletter 18 (1983), without integers and branches: x is
2**(32 k) m, and a table holds 2**(32 k) 2 / pi for each k, less multiples of 4 for any m, as a sum
of four doubles, so that all products with m but the last are exact modulo 4. See also J.-M. Muller,
"Elementary Functions", 3rd edition (2016), chapter 11: no double other than 0 is nearer than about
2**-60 to a multiple of pi / 2.
"""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import NamedTuple

from chainrule.native.ir.math.constants import PI, TWO_OVER_PI, expand
from chainrule.native.ir.math.emitter import DOUBLE, Emitter, Value
from chainrule.native.ir.math.exact import fast_two_sum, residual, two_product, two_sum

_STEP = 32  # of the table, in bits of the exponent
_FIRST = 12  # m lies between 2**12 and 2**44, so it is a multiple of 2**-40
_PIECES = 4


class Angle(NamedTuple):
    """What is left of an angle: the low two bits of `quadrant` count quarter turns."""

    quadrant: Value
    high: Value
    low: Value


def limit(b: Emitter) -> float:
    """Return the magnitude below which `moderate` serves."""
    return b.choose(2.0**36, 2.0**15)


#: Between these angles, a little less than an eighth turn, there is no quarter turn.
NEAR = (-0.785, 0.785)


def fast_range(b: Emitter) -> tuple[float, float]:
    """Return between which angles `moderate` serves."""
    return -limit(b), limit(b)


def _quarter_turns(b: Emitter, x: Value) -> tuple[Value, Value, Value, float, float]:
    """Return the multiple n of pi / 2 next to x, and x less n times its first part.

    Before n is a number whose low bits hold it; the other parts of pi / 2 come last.
    """
    (inverse,) = expand(TWO_OVER_PI, b.format)
    digits = b.format.fraction + 1
    first, second, third = expand(PI / 2, b.format, digits, digits)
    t = b.fma(x, inverse, b.format.magic)
    n = t - b.format.magic
    return t, n, residual(b, n, first, x), second, third  # exact


def single(b: Emitter, x: Value) -> tuple[Value, Value]:
    """Return the quarter turns in a moderate angle, and what is left of it, rounded once or twice.

    It is within an ULP of the truth, and is enough where that does not grow.
    """
    t, n, rest, second, third = _quarter_turns(b, x)
    return b.bits(t), b.fma(-n, third, residual(b, n, second, rest))


def moderate(b: Emitter, x: Value) -> Angle:
    """Reduce an angle that is not negative, and below the limit."""
    t, n, rest, second, third = _quarter_turns(b, x)
    product, product_low = two_product(b, n, second)
    high, low = two_sum(rest, -product)
    low = b.fma(-n, third, low - product_low)
    return Angle(b.bits(t), *fast_two_sum(high, low))


def large(b: Emitter, x: Value) -> Angle:
    """Reduce a double above the limit."""
    exponent = b.bits(x) >> DOUBLE.fraction
    index = (exponent - (DOUBLE.bias + _FIRST)) >> 5
    m = b.from_bits(b.bits(x) - (index << (DOUBLE.fraction + 5)))
    pieces = [_look_up(b, index, i) for i in range(_PIECES)]
    products = [two_product(b, m, piece) for piece in pieces[:-1]]
    first = products[0][0]
    first = first - ((first + 1.5 * 2.0**88) - 1.5 * 2.0**88)  # modulo 2**36
    total, *rest = (_modulo_4(x) for x in (first, products[0][1], products[1][0]))
    total, lost_1 = two_sum(total, rest[0])
    total, lost_2 = two_sum(total, rest[1])
    n, quadrant = b.round(total)
    total = total - n
    tail = b.fma(m, pieces[3], products[2][1])
    for part in (products[1][1], products[2][0], lost_1, lost_2):
        total, lost = two_sum(total, part)
        tail = tail + lost
    total, tail = fast_two_sum(total, tail)
    upper, lower = expand(PI / 2, DOUBLE, DOUBLE.fraction + 1)
    high, low = two_product(b, total, upper)
    low = low + b.fma(total, lower, tail * upper)
    return Angle(quadrant, *fast_two_sum(high, low))


def _modulo_4(x: Value) -> Value:
    return x - ((x + 1.5 * 2.0**54) - 1.5 * 2.0**54)


def _look_up(b: Emitter, index: Value, piece: int) -> Value:
    rows = len(_table()[0])
    name = f"@cr.two_over_pi.{piece}"
    values = ", ".join(b.as_double().number(x).typed for x in _table()[piece])
    b.globals[name] = f"{name} = internal constant [{rows} x double] [{values}]"
    pointer = b.let("ptr", f"getelementptr inbounds double, ptr {name}, i64", index)
    return b.let("double", "load double, ptr", pointer)


@functools.cache
def _table() -> list[tuple[float, ...]]:
    """Return 2**(32 k) 2 / pi modulo 2**42, in pieces: a list of k for each piece."""
    modulus = 2**42  # 4 times what the last bit of m is worth, inverted
    rows = []
    for k in range((2047 - DOUBLE.bias - _FIRST >> 5) + 1):
        x = TWO_OVER_PI * Fraction(2) ** (_STEP * k)
        rows.append(expand(x - modulus * round(x / modulus), DOUBLE, *[53] * (_PIECES - 1)))
    return list(zip(*rows, strict=True))


def reduce(b: Emitter, x: Value) -> Angle:
    """Reduce any angle that is not negative. Both methods are computed, and one is selected."""
    near = moderate(b, x)
    edge = limit(b)
    small = x < edge
    bounded = b.select(small, edge, x)
    if b.is_double:
        quadrant, high, low = large(b, bounded)
    else:
        d = b.as_double()
        wide = large(d, b.extend(bounded))
        high = b.truncate(wide.high)
        low = b.truncate(wide.low + (wide.high - b.extend(high)))
        quadrant = b.let("i32", f"trunc i64 {wide.quadrant.text} to i32")
    return Angle(
        b.select(small, near.quadrant, quadrant),
        b.select(small, near.high, high),
        b.select(small, near.low, low),
    )
