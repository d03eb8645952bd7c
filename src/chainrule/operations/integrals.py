"""Integrals that have a name: exponential, sine and cosine, Fresnel's, Spence's, elliptic ones.

Near a point where the closed form of a derivative is 0 / 0, its power series serves.
"""

from __future__ import annotations

import importlib
import math
from typing import Any

from chainrule.core.domain import INSIDE_ONE, NONZERO, POSITIVE, REAL, Interval, example
from chainrule.core.kinds import elementwise
from chainrule.core.operation import Operation
from chainrule.core.traits import Traits
from chainrule.operations.elementwise import (
    absolute,
    cos,
    cosh,
    equal,
    exp,
    less,
    log,
    sin,
    sinc,
    sinh,
    sqrt,
    where,
)
from chainrule.operations.special import UNIT, of_order, special


def polynomial(x: Any, *coefficients: float) -> Any:
    """Return a polynomial, of which the constant term comes first."""
    y = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        y = c + x * y
    return y


def near(x: Any, width: float, inside: Any, outside: Any) -> Any:
    """Choose one function of x where it is nearly 0, and another elsewhere."""
    small = less(absolute(x), width)
    return where(small, inside(where(small, x, 0.0)), outside(where(small, 1.0, x)))


# Of exponentials.

expi = special("expi", d=lambda x, y: exp(x) / x, singular=True, domain=NONZERO)
exp1 = special("exp1", d=lambda x, y: -exp(-x) / x, singular=True, domain=POSITIVE, dtypes="fc")
expn: Operation = of_order(
    "expn",
    1,
    lambda n, x, y: where(equal(n, 0), -y * (1 + 1 / x), -expn(abs(n - 1), x)),
    singular=True,
    domain=POSITIVE,
)


def _exprel_slope(x: Any, y: Any) -> Any:
    series = (1 / 2, 1 / 3, 1 / 8, 1 / 30, 1 / 144, 1 / 840)
    return near(
        x,
        0.02,
        lambda t: polynomial(t, *series),
        lambda t: ((t - 1) * exp(t) + 1) / (t * t),
    )


#: (exp(x) - 1) / x
exprel = special("exprel", d=_exprel_slope)

# Of sines and cosines: two results of one function.


def _sinhc(x: Any) -> Any:
    return near(
        x,
        0.1,
        lambda t: polynomial(t * t, 1.0, 1 / 6, 1 / 120, 1 / 5040, 1 / 362880),
        lambda t: sinh(t) / t,
    )


def of_parts(name: str, *slopes: Any, **traits: Any) -> Operation:
    """Declare a function of scipy.special with several results, by the derivative of each."""
    return elementwise(
        name,
        lambda x, part: getattr(importlib.import_module("scipy.special"), name)(x)[part],
        d=lambda x, y, part: slopes[part](x),
        numpy=f"scipy.special.{name}",
        parts=True,
        singular=True,
        examples=tuple(example((3,), part=part) for part in range(len(slopes))),
        **traits,
    )


sici = of_parts("sici", lambda x: sinc(x / math.pi), lambda x: cos(x) / x, domain=POSITIVE)
shichi = of_parts("shichi", _sinhc, lambda x: cosh(x) / x, domain=POSITIVE)
fresnel = of_parts(
    "fresnel",
    lambda x: sin(math.pi / 2 * x * x),
    lambda x: cos(math.pi / 2 * x * x),
    domain=REAL,
    dtypes="fc",
)


def _spence_slope(z: Any, y: Any) -> Any:
    small = less(absolute(z - 1), 0.01)
    series = -polynomial(
        where(small, z - 1, 0.0), 1.0, -1 / 2, 1 / 3, -1 / 4, 1 / 5, -1 / 6, 1 / 7, -1 / 8
    )
    far = where(small, 2.0, z)
    return where(small, series, -log(far) / (far - 1))


spence = special("spence", d=_spence_slope, singular=True, domain=POSITIVE)

# Elliptic integrals, by the parameter m.


def _k_slope(m: Any) -> Any:
    return near(
        m,
        0.01,
        lambda t: math.pi / 2 * polynomial(t, *_K_SERIES),
        lambda t: (ellipe(t) / (1 - t) - ellipk(t)) / (2 * t),
    )


def _e_slope(m: Any) -> Any:
    return near(
        m,
        0.01,
        lambda t: -math.pi / 2 * polynomial(t, *_E_SERIES),
        lambda t: (ellipe(t) - ellipk(t)) / (2 * t),
    )


_SQUARES = [(math.comb(2 * n, n) / 4**n) ** 2 for n in range(1, 8)]
_K_SERIES = [n * c for n, c in enumerate(_SQUARES, 1)]
_E_SERIES = [n * c / (2 * n - 1) for n, c in enumerate(_SQUARES, 1)]
ellipk: Operation = special("ellipk", d=lambda m, y: _k_slope(m), singular=True, domain=INSIDE_ONE)
ellipe: Operation = special("ellipe", d=lambda m, y: _e_slope(m), singular=True, domain=INSIDE_ONE)


def _km1_slope(p: Any, y: Any) -> Any:
    small = less(absolute(1 - p), 0.01)  # where p is small, 1 - p has lost its digits
    far = where(small, 0.5, p)
    slope = (ellipe(1 - far) / far - where(small, 0.0, y)) / (2 * (1 - far))
    return -where(small, math.pi / 2 * polynomial(where(small, 1 - p, 0.0), *_K_SERIES), slope)


ellipkm1 = special("ellipkm1", d=_km1_slope, singular=True, domain=UNIT)


def _root(phi: Any, m: Any) -> Any:
    return sqrt(1 - m * sin(phi) ** 2)


def _by_m_near_zero(phi: Any, m: Any, coefficients: list[float]) -> Any:
    """Return the power series in m, of which the integrals of even powers of the sine are part."""
    s, integrals, power = sin(phi), [phi], sin(phi) * cos(phi)
    for k in range(1, len(coefficients) + 1):
        integrals.append(((2 * k - 1) * integrals[-1] - power) / (2 * k))
        power = power * s * s
    terms = [c * i for c, i in zip(coefficients, integrals[1:], strict=True)]
    return polynomial(m, *terms)


def _f_by_m(phi: Any, m: Any, y: Any) -> Any:
    small = less(absolute(m), 0.01)
    far = where(small, 0.5, m)
    slope = (ellipeinc(phi, far) / (1 - far) - y) / (2 * far)
    slope = slope - sin(2 * phi) / (4 * (1 - far) * _root(phi, far))
    return where(small, _by_m_near_zero(phi, where(small, m, 0.0), _F_SERIES), slope)


def _e_by_m(phi: Any, m: Any, y: Any) -> Any:
    small = less(absolute(m), 0.01)
    far = where(small, 0.5, m)
    slope = (y - ellipkinc(phi, far)) / (2 * far)
    return where(small, _by_m_near_zero(phi, where(small, m, 0.0), _E_INCOMPLETE), slope)


_F_SERIES = [n * math.comb(2 * n, n) / 4**n for n in range(1, 8)]
_E_INCOMPLETE = [-c / (2 * n - 1) for n, c in enumerate(_F_SERIES, 1)]


_PHI_AND_M: Traits = {"singular": True, "domain": (INSIDE_ONE, Interval(0.1, 0.8))}
ellipkinc: Operation = special(
    "ellipkinc", d=(lambda phi, m, y: 1 / _root(phi, m), _f_by_m), **_PHI_AND_M
)
ellipeinc: Operation = special(
    "ellipeinc", d=(lambda phi, m, y: _root(phi, m), _e_by_m), **_PHI_AND_M
)

# Jacobi's elliptic functions sn, cn, dn and the amplitude, of which `ellipkinc` is the inverse.


def _jacobi_by_u(u: Any, m: Any, y: Any, part: int) -> Any:
    if part == 3:
        return ellipj(u, m, part=2)
    a, b = (ellipj(u, m, part=k) for k in range(3) if k != part)
    return (a * b, -a * b, -m * a * b)[part]


def _jacobi_by_m(u: Any, m: Any, y: Any, part: int) -> Any:
    sn, cn, dn, phi = (ellipj(u, m, part=k) for k in range(4))
    slope = -dn * _f_by_m(phi, m, u)
    if part == 2:
        return -sn * (sn / 2 + m * cn * slope) / dn
    return (cn * slope, -sn * slope, None, slope)[part]


ellipj: Operation = elementwise(
    "ellipj",
    lambda u, m, part: importlib.import_module("scipy.special").ellipj(u, m)[part],
    d=(_jacobi_by_u, _jacobi_by_m),
    numpy="scipy.special.ellipj",
    parts=True,
    singular=True,
    domain=(REAL, Interval(0.1, 0.8)),
    examples=tuple(example((3,), (3,), part=part) for part in range(4)),
)
