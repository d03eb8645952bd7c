"""Numbers as a person writes them: ``math.sqrt(2)``, ``math.pi / 180``, ``2 / math.sqrt(math.pi)``.

A number is recognised where it is, to the last bit, what Python computes for such an expression. So
it can be printed as that expression without changing any value. Products are multiplied as what
they stand for: ``math.sqrt(2) * math.sqrt(2)`` is 2 and not 2.0000000000000004.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

__all__ = ["added", "combined", "multiplied", "plain_number", "written"]

_DIGITS = 15  # a number with fewer digits is written as it is
_LARGEST_ROOT = 512
_FACTORS = (*range(2, 13), 16, 20, 24, 32, 60, 64, 100, 180, 200, 360)
_FRACTIONS = tuple((p, q) for q in range(2, 10) for p in range(2, 10) if math.gcd(p, q) == 1)
_LARGEST_FACTOR = 360
_DIVISORS = (3, 6, 7, 9, 11, 12, 13, 14, 15)


@dataclass(frozen=True, slots=True)
class _Form:
    """A rational number times powers of irrational ones.

    ``powers`` are pairs of a base and its exponent times two. A base is a prime number, whose
    exponent is 1 or -1 (the rest of it is in ``rational``), or a text such as ``math.pi``.
    """

    rational: Fraction
    powers: tuple[tuple[int | str, int], ...] = ()

    def __mul__(self, other: _Form) -> _Form:
        powers = dict(self.powers)
        for base, exponent in other.powers:
            powers[base] = powers.get(base, 0) + exponent
        rational = self.rational * other.rational
        for prime in [base for base in powers if isinstance(base, int)]:
            # 2 / sqrt(2) is sqrt(2), and sqrt(2) / 2 is 1 / sqrt(2)
            total = powers.pop(prime) + 2 * _valuation(rational, prime)
            left = total % 2 if total > 0 else -(total % 2)
            rational *= Fraction(prime) ** ((total - left) // 2 - _valuation(rational, prime))
            powers[prime] = left
        kept = [(base, exponent) for base, exponent in powers.items() if exponent]
        return _Form(rational, tuple(sorted(kept, key=str)))

    def inverse(self) -> _Form:
        return _Form(1 / self.rational, tuple((base, -exponent) for base, exponent in self.powers))


def _valuation(rational: Fraction, prime: int) -> int:
    """Return how often a prime divides a rational number."""
    count = 0
    for number, step in ((rational.numerator, 1), (rational.denominator, -1)):
        while number % prime == 0:
            number //= prime
            count += step
    return count


def _root(n: int) -> _Form:
    """Return the form of an integer's square root."""
    whole, odd, prime = 1, [], 2
    while n > 1:
        count = 0
        while n % prime == 0:
            n //= prime
            count += 1
        whole *= prime ** (count // 2)
        if count % 2:
            odd.append((prime, 1))
        prime += 1
    return _Form(Fraction(whole), tuple(sorted(odd, key=str)))


_ONE = _Form(Fraction(1))
#: Expression and value, for numbers that are no roots.
_VALUES = {
    "math.pi": math.pi,
    "math.log(2)": math.log(2),
    "math.log(3)": math.log(3),
    "math.log(10)": math.log(10),
    "math.log(2 * math.pi)": math.log(2 * math.pi),
    "math.e": math.e,
}


class _Expression(NamedTuple):
    """An expression for a number: ``p / q`` times a form, or its inverse."""

    text: str
    p: int
    q: int
    of: _Form
    is_inverse: bool

    @property
    def form(self) -> _Form:
        return _Form(Fraction(self.p, self.q)) * (self.of.inverse() if self.is_inverse else self.of)


def _irrationals() -> Iterator[tuple[str, float, _Form]]:
    """Yield the numbers that others are multiples of: expression, value and form."""
    pi = _Form(_ONE.rational, (("math.pi", 2),))
    root_of_pi = _Form(_ONE.rational, (("math.pi", 1),))
    yield "math.pi**2", math.pi**2, pi * pi
    yield "math.sqrt(math.pi)", math.sqrt(math.pi), root_of_pi
    for text, value in _VALUES.items():
        yield text, value, _Form(_ONE.rational, ((text, 2),))
    for n in (2, 3, 5, 6, 7, 8, 10):
        root = _root(n)
        yield f"math.sqrt({n})", math.sqrt(n), root
        yield f"math.sqrt({n} * math.pi)", math.sqrt(n * math.pi), root * root_of_pi
        yield f"math.sqrt({n} / math.pi)", math.sqrt(n / math.pi), root * root_of_pi.inverse()
        yield f"math.sqrt(math.pi / {n})", math.sqrt(math.pi / n), root.inverse() * root_of_pi


def _expressions() -> Iterator[tuple[float, _Expression]]:
    """Yield values and the expressions for them."""
    for q in _DIVISORS:
        for p in range(1, 2 * q):
            if math.gcd(p, q) == 1:
                yield p / q, _Expression(f"{p} / {q}", p, q, _ONE, False)
    for n in range(2, _LARGEST_ROOT):
        if math.isqrt(n) ** 2 != n:
            root = _root(n)
            yield math.sqrt(n), _Expression(f"math.sqrt({n})", 1, 1, root, False)
            yield 1 / math.sqrt(n), _Expression(f"1 / math.sqrt({n})", 1, 1, root, True)
            if n > 2:  # math.sqrt(2) / 2 is known better
                yield math.sqrt(1 / n), _Expression(f"math.sqrt(1 / {n})", 1, 1, root, True)
    for text, x, form in _irrationals():
        yield x, _Expression(text, 1, 1, form, False)
        yield 1 / x, _Expression(f"1 / {text}", 1, 1, form, True)
        for n in _FACTORS:
            yield n * x, _Expression(f"{n} * {text}", n, 1, form, False)
            yield x / n, _Expression(f"{text} / {n}", 1, n, form, False)
            yield n / x, _Expression(f"{n} / {text}", n, 1, form, True)
            yield 1 / (n * x), _Expression(f"1 / ({n} * {text})", 1, n, form, True)
        for p, q in _FRACTIONS:
            yield p * x / q, _Expression(f"{p} * {text} / {q}", p, q, form, False)
            yield p / (q * x), _Expression(f"{p} / ({q} * {text})", p, q, form, True)
    for n in (2, 3, 6):  # the deviations of distributions
        ratio = _Form(_ONE.rational, (("math.pi", 2),)) * _root(n).inverse()
        text = f"math.pi / math.sqrt({n})"
        yield math.pi / math.sqrt(n), _Expression(text, 1, 1, ratio, False)
        text = f"math.sqrt({n}) / math.pi"
        yield math.sqrt(n) / math.pi, _Expression(text, 1, 1, ratio, True)


@cache
def _known() -> dict[float, _Expression]:
    """Return the expression of each number, the shortest where there are several."""
    known: dict[float, _Expression] = {}
    for value, expression in sorted(_expressions(), key=lambda entry: len(entry[1].text)):
        known.setdefault(value, expression)
    return known


def _recognised(number: float) -> _Expression | None:
    if len(_digits(number).replace(".", "").lstrip("0")) < _DIGITS:
        return None
    return _known().get(abs(number))


def _digits(number: Any) -> str:
    return repr(abs(plain_number(number)))


def plain_number(number: Any) -> Any:
    """Return a number of NumPy as one of Python."""
    return number.item() if hasattr(number, "item") else number


def written(number: float) -> str | None:
    """Return the expression that a number is the value of, None for one that says nothing.

    >>> written(1.4142135623730951), written(-0.017453292519943295), written(0.1)
    ('math.sqrt(2)', '-math.pi / 180', None)
    """
    found = _recognised(number)
    return found and ("-" if number < 0 else "") + found.text


def _form(number: Any) -> _Form:
    found = _recognised(number) if isinstance(number, float) else None
    sign = -1 if number < 0 else 1
    form = _Form(Fraction(_digits(number))) if found is None else found.form
    return _Form(sign * form.rational, form.powers)


class Quotient(NamedTuple):
    """``number * constant / divisor``; None stands for 1.

    The constant is an irrational number beside one that it cannot be written together with:
    ``0.044715 * math.sqrt(2 / math.pi)``.
    """

    number: Any
    constant: float | None
    divisor: Any


def combined(above: Sequence[Any], below: Sequence[Any]) -> Quotient | None:
    """Return the product of some numbers over that of others as what they stand for.

    None where all numbers are rational, or all but one are 1: then they say what they are.

    >>> combined([1.1283791670955126, 0.5], [1.4142135623730951])  # 2 / sqrt(pi) * 0.5 / sqrt(2)
    Quotient(number=None, constant=None, divisor=2.5066282746310002)
    >>> combined([], [1.4142135623730951, 1.4142135623730951])
    Quotient(number=None, constant=None, divisor=2)
    """
    numbers = [x for x in (*above, *below) if abs(x) != 1]
    if len(numbers) < 2 or not all(math.isfinite(x) and x for x in numbers):
        return None
    closed, decimal = _ONE, _ONE
    irrational = []
    for is_below, factor in [(False, x) for x in above] + [(True, x) for x in below]:
        form = _form(factor)
        form = form.inverse() if is_below else form
        if form.powers:
            closed *= form
            irrational.append((is_below, plain_number(factor)))
        else:
            decimal *= form
    if not irrational:
        return None
    try:
        number = float(decimal.rational)
    except OverflowError:  # as a product of floats it would be infinite
        return None
    whole = closed * decimal
    if max(abs(whole.rational.numerator), whole.rational.denominator) <= _LARGEST_FACTOR:
        top, bottom = _split(whole, any(abs(x) != 1 for x in above))
        return Quotient(top, None, bottom)
    constant, divisor = _split(closed, False)
    if len(irrational) == 1 and not irrational[0][0]:
        constant, divisor = irrational[0][1], None
    return Quotient(_unless_one(number), constant, divisor)


def _split(form: _Form, is_multiple: bool) -> tuple[Any, Any]:
    """Return a form as the two numbers of a quotient, None for 1.

    A multiple begins with a decimal number where that is exact, ``0.5 * x / math.sqrt(2)``.
    """
    top, bottom = _side(form.powers, 1), _side(form.powers, -1)
    rational = form.rational
    decimal = float(rational)
    if is_multiple and top == 1 and Fraction(repr(decimal)) == rational:
        return _unless_one(decimal), _unless_one(bottom)
    return (
        _unless_one(_times(rational.numerator, top)),
        _unless_one(_times(rational.denominator, bottom)),
    )


def _side(powers: Sequence[tuple[int | str, int]], sign: int) -> float:
    """Return the product of the powers whose exponents have a sign."""
    radicand, value = 1.0, 1.0
    for base, twice in powers:
        if twice * sign < 0:
            continue
        number = math.pi if base == "math.pi" else _VALUES[base] if isinstance(base, str) else base
        if twice % 2:
            radicand *= number
        if abs(twice) > 1:
            value *= number ** (abs(twice) // 2)
    return _times(value, math.sqrt(radicand))


def _times(a: float, b: float) -> float:
    return b if a == 1 else a if b == 1 else a * b


def _unless_one(number: float) -> float | None:
    return None if number == 1 else number


def multiplied(a: Any, b: Any) -> float | None:
    """Return the product of two numbers if it is one that is written as an expression."""
    found = combined([a, b], [])
    if found is None:
        return None
    number, constant, divisor = (1.0 if x is None else float(x) for x in found)
    product = number * constant / divisor
    return product if product.is_integer() or written(product) else None


def added(a: Any, b: Any) -> float | None:
    """Return the sum of two numbers if one is a fraction such as ``1 / 3``, and so is the sum."""
    if not any(isinstance(x, float) and _recognised(x) for x in (a, b)):
        return None
    if not (math.isfinite(a) and math.isfinite(b)):
        return None
    forms = _form(a), _form(b)
    if any(form.powers for form in forms):
        return None
    total = float(forms[0].rational + forms[1].rational)
    return total if written(total) else None
