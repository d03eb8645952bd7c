"""The bell curve and its integrals: error functions, and what is made of them."""

from __future__ import annotations

import math
from typing import Any

from chainrule.core.domain import (
    INSIDE_ONE,
    POSITIVE,
    REAL,
    Interval,
)
from chainrule.core.kinds import real
from chainrule.operations.elementwise import (
    absolute,
    exp,
    greater,
    imag,
    less,
    logical_and,
    logical_not,
    where,
)
from chainrule.operations.special import SQRT_2PI, SQRT_PI, UNIT, special

erf = special(
    "erf",
    d=lambda x, y: 2 / SQRT_PI * exp(-x * x),
    numpy=("scipy.special.erf", "math.erf"),
    dtypes="fc",
)
erfc = special(
    "erfc",
    d=lambda x, y: -2 / SQRT_PI * exp(-x * x),
    numpy=("scipy.special.erfc", "math.erfc"),
    dtypes="fc",
)
erfi = special(
    "erfi", d=lambda x, y: 2 / SQRT_PI * exp(x * x), domain=INSIDE_ONE, singular=True, dtypes="fc"
)
erfinv = special(
    "erfinv", d=lambda x, y: SQRT_PI / 2 * exp(y * y), singular=True, domain=INSIDE_ONE
)
erfcinv = special("erfcinv", d=lambda x, y: -SQRT_PI / 2 * exp(y * y), singular=True, domain=UNIT)


def _far_series(t: Any, *, scaled: bool = False) -> Any:
    """Return what `dawsn`, `wofz` and `erfcx` have in common far from 0, of ``t = 1 / z**2``.

    The sum of ``(2 k + 1)!! (t / 2)**k``: from 7.12.1 of the "Digital Library of Mathematical
    Functions". Scaled, that of ``k (2 k - 1)!! (t / 2)**k``, less its factor t.
    """
    terms = [math.prod(range(1, 2 * k + 2, 2)) / 2**k for k in range(8)]
    if scaled:
        terms = [(k + 1) * term for k, term in enumerate(terms)]
    y: Any = terms[-1]
    for term in reversed(terms[:-1]):
        y = term + t * y
    return y


def _is_far(z: Any, in_upper_half: bool) -> Any:
    """Tell where the series serves: the closed forms are differences of nearly equal numbers."""
    growing = less(real(z * z), 50)  # where exp(-z * z) is no small number
    if in_upper_half:
        growing = logical_and(growing, less(imag(z), 0))
    return logical_and(greater(absolute(z), 20), logical_not(growing))


def _dawsn_slope(x: Any, y: Any) -> Any:
    far = _is_far(x, in_upper_half=False)
    t = 1 / where(far, x, 20.0) ** 2
    return where(far, -t * _far_series(t) / 2, 1 - 2 * where(far, 0.0, x) * y)


def _wofz_slope(z: Any, y: Any) -> Any:
    far = _is_far(z, in_upper_half=True)
    t = 1 / where(far, z, 20.0) ** 2
    series = -1j / SQRT_PI * t * _far_series(t)
    return where(far, series, 2j / SQRT_PI - 2 * where(far, 0.0, z) * y)


dawsn = special("dawsn", d=_dawsn_slope, singular=True, dtypes="fc")
#: exp(-z**2) * erfc(-1j * z), complex
wofz = special("wofz", d=_wofz_slope, singular=True, dtypes="fc")
ndtr = special(
    "ndtr",
    d=lambda x, y: exp(-0.5 * x * x) / SQRT_2PI,
    formula=lambda x: 0.5 * erfc(-x / math.sqrt(2)),
)
ndtri = special("ndtri", d=lambda p, y: SQRT_2PI * exp(0.5 * y * y), singular=True, domain=UNIT)
#: ndtri(exp(p))
ndtri_exp = special(
    "ndtri_exp",
    d=lambda p, y: 1 / _log_ndtr_slope(y, p),
    singular=True,
    domain=Interval(-3, -0.3),
)


def _erfcx_slope(x: Any, y: Any) -> Any:
    far = greater(x, 20)
    t = 1 / where(far, x, 20.0) ** 2
    series = -t * _far_series(-t) / SQRT_PI
    return where(far, series, 2 * where(far, 1.0, x) * y - 2 / SQRT_PI)


#: exp(x**2) * erfc(x)
erfcx = special("erfcx", d=_erfcx_slope, singular=True)


def _log_ndtr_slope(x: Any, y: Any) -> Any:
    # The bell curve over its integral: on the left both vanish, and their quotient does not.
    left = less(x, -1)
    tail = math.sqrt(2 / math.pi) / erfcx(where(left, x, -1.0) / -math.sqrt(2))
    rest = exp(where(left, 0.0, -0.5 * x * x - y)) / math.sqrt(2 * math.pi)
    return where(left, tail, rest)


log_ndtr = special("log_ndtr", d=_log_ndtr_slope)
owens_t = special(
    "owens_t",
    d=(
        lambda h, a, y: -exp(-0.5 * h * h) * erf(a * h / math.sqrt(2)) / (2 * SQRT_2PI),
        lambda h, a, y: exp(-0.5 * h * h * (1 + a * a)) / (2 * math.pi * (1 + a * a)),
    ),
)


# The profile is the real part of wofz(z) / (s * sqrt(2 * pi)).


def _voigt_operand(x: Any, s: Any, g: Any) -> Any:
    return (x + 1j * g) / (s * math.sqrt(2))


def _voigt_slope(x: Any, s: Any, g: Any, factor: Any) -> Any:
    z = _voigt_operand(x, s, g)
    return real(_wofz_slope(z, wofz(z)) * factor) / (2 * SQRT_PI * s * s)


def _voigt_by_width(x: Any, s: Any, g: Any) -> Any:
    z = _voigt_operand(x, s, g)
    far = greater(absolute(z), 20)
    t, near = 1 / where(far, z, 20.0) ** 2, where(far, 0.0, z)
    series = 1j / SQRT_PI * t / where(far, z, 20.0) * _far_series(t, scaled=True)
    closed = (2 * near * near - 1) * wofz(near) - 2j / SQRT_PI * near
    return real(where(far, series, closed)) / (s * s * SQRT_2PI)


voigt_profile = special(
    "voigt_profile",
    d=(
        lambda x, s, g, y: _voigt_slope(x, s, g, 1),
        lambda x, s, g, y: _voigt_by_width(x, s, g),
        lambda x, s, g, y: _voigt_slope(x, s, g, 1j),
    ),
    singular=True,
    domain=(REAL, POSITIVE, POSITIVE),
)
