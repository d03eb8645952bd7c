"""Bessel functions of all kinds, Airy's, Kelvin's, Struve's: by the argument, not the order."""

from __future__ import annotations

import importlib
import math
from typing import Any

from chainrule.core.domain import POSITIVE, REAL, example
from chainrule.core.kinds import elementwise
from chainrule.core.operation import Operation
from chainrule.core.traits import Traits
from chainrule.operations.elementwise import maximum, sign, sqrt
from chainrule.operations.gamma_functions import rgamma
from chainrule.operations.integrals import near, of_parts, polynomial
from chainrule.operations.special import SQRT_PI, of_order, special

# Of any order: the derivative is made of the neighbours.

_ANALYTIC: Traits = {"singular": True, "domain": POSITIVE, "dtypes": "fc"}
_REAL: Traits = {"singular": True, "domain": POSITIVE}


def _minus(name: str) -> Operation:
    row: Operation = of_order(
        name, 1, lambda v, z, y: (row(v - 1, z) - row(v + 1, z)) / 2, **_ANALYTIC
    )
    return row


jv, yv, hankel1, hankel2 = map(_minus, ("jv", "yv", "hankel1", "hankel2"))
iv: Operation = of_order("iv", 1, lambda v, z, y: (iv(v - 1, z) + iv(v + 1, z)) / 2, **_ANALYTIC)
kv: Operation = of_order("kv", 1, lambda v, z, y: -(kv(v - 1, z) + kv(v + 1, z)) / 2, **_ANALYTIC)
kn: Operation = of_order("kn", 1, lambda n, x, y: -(kv(n - 1, x) + kv(n + 1, x)) / 2, **_REAL)
yn: Operation = of_order("yn", 1, lambda n, x, y: (yv(n - 1, x) - yv(n + 1, x)) / 2, **_REAL)
#: Scaled by exponentials: ``iv(v, x) * exp(-abs(x))``, ``kv(v, x) * exp(x)``.
ive: Operation = of_order(
    "ive", 1, lambda v, x, y: (ive(v - 1, x) + ive(v + 1, x)) / 2 - sign(x) * y, **_REAL
)
kve: Operation = of_order(
    "kve", 1, lambda v, x, y: y - (kve(v - 1, x) + kve(v + 1, x)) / 2, **_REAL
)

#: For real arguments ``jve`` and ``yve`` are not scaled; the others lose their waves.
jve: Operation = of_order("jve", 1, lambda v, x, y: (jve(v - 1, x) - jve(v + 1, x)) / 2, **_REAL)
yve: Operation = of_order("yve", 1, lambda v, x, y: (yve(v - 1, x) - yve(v + 1, x)) / 2, **_REAL)
hankel1e: Operation = of_order(
    "hankel1e",
    1,
    lambda v, z, y: (hankel1e(v - 1, z) - hankel1e(v + 1, z)) / 2 - 1j * y,
    **_ANALYTIC,
)
hankel2e: Operation = of_order(
    "hankel2e",
    1,
    lambda v, z, y: (hankel2e(v - 1, z) - hankel2e(v + 1, z)) / 2 + 1j * y,
    **_ANALYTIC,
)

# Of order 0 and 1.

j0: Operation = special("j0", d=lambda x, y: -j1(x))
j1: Operation = special("j1", d=lambda x, y: (j0(x) - jv(2, x)) / 2)
y0: Operation = special("y0", d=lambda x, y: -y1(x), **_REAL)
y1: Operation = special("y1", d=lambda x, y: y0(x) - y / x, **_REAL)
i0: Operation = special("i0", d=lambda x, y: i1(x))
i1: Operation = special("i1", d=lambda x, y: (i0(x) + iv(2, x)) / 2)
k0: Operation = special("k0", d=lambda x, y: -k1(x), **_REAL)
k1: Operation = special("k1", d=lambda x, y: -k0(x) - y / x, **_REAL)
i0e: Operation = special("i0e", d=lambda x, y: i1e(x) - sign(x) * y, kinked=True, domain=POSITIVE)
i1e: Operation = special(
    "i1e", d=lambda x, y: (i0e(x) + ive(2, x)) / 2 - sign(x) * y, kinked=True, domain=POSITIVE
)
k0e: Operation = special("k0e", d=lambda x, y: y - k1e(x), **_REAL)
k1e: Operation = special("k1e", d=lambda x, y: y - k0e(x) - y / x, **_REAL)

# Spherical ones, of the integer order n.


def _spherical(name: str, before: int, after: int) -> Operation:
    """Declare one; the signs are those of the neighbours in its derivative (DLMF 10.51)."""

    def compute(z: Any, n: int) -> Any:
        return getattr(importlib.import_module("scipy.special"), name)(n, z)

    def slope(z: Any, y: Any, n: int) -> Any:
        if n == 0:
            return after * row(z, n=1)
        return (before * n * row(z, n=n - 1) + after * (n + 1) * row(z, n=n + 1)) / (2 * n + 1)

    row: Operation = elementwise(
        name,
        compute,
        d=slope,
        numpy=f"scipy.special.{name}",
        source=f"scipy.special.{name}({{n}}, {{0}})",
        examples=(example((), n=0), example((3,), n=2)),
        singular=True,
        domain=POSITIVE,
        dtypes="fc",
    )
    return row


spherical_jn = _spherical("spherical_jn", 1, -1)
spherical_yn = _spherical("spherical_yn", 1, -1)
spherical_in = _spherical("spherical_in", 1, 1)
spherical_kn = _spherical("spherical_kn", -1, -1)

# Airy's functions: part 0 and 2, and their derivatives.


def _airy_slope(z: Any, y: Any, part: int) -> Any:
    return airy(z, part=part + 1) if part in (0, 2) else z * airy(z, part=part - 1)


airy: Operation = elementwise(
    "airy",
    lambda z, part: importlib.import_module("scipy.special").airy(z)[part],
    d=_airy_slope,
    numpy="scipy.special.airy",
    parts=True,
    examples=tuple(example((3,), part=part) for part in range(4)),
    domain=REAL,
    dtypes="fc",
)


def _airye_slope(x: Any, y: Any, part: int) -> Any:
    # Scaled by exp(2/3 x**1.5), the first two, and by its inverse; the latter not on the left.
    growth = sqrt(x) if part < 2 else -sqrt(maximum(x, 0.0))
    unscaled = airye(x, part=part + 1) if part in (0, 2) else x * airye(x, part=part - 1)
    return unscaled + growth * y


airye: Operation = elementwise(
    "airye",
    lambda x, part: importlib.import_module("scipy.special").airye(x)[part],
    d=_airye_slope,
    numpy="scipy.special.airye",
    parts=True,
    singular=True,
    examples=tuple(example((3,), part=part) for part in range(4)),
    domain=POSITIVE,
)

# Kelvin's: the real and the imaginary part of what solves x^2 y'' + x y' - i x^2 y = 0.

ber: Operation = special("ber", d=lambda x, y: berp(x))
bei: Operation = special("bei", d=lambda x, y: beip(x))
ker: Operation = special("ker", d=lambda x, y: kerp(x), **_REAL)
kei: Operation = special("kei", d=lambda x, y: keip(x), **_REAL)
# At 0 both have a power series, of which the second derivatives are these.
_BER = [(-1) ** k * 4 * k * (4 * k - 1) / math.factorial(2 * k) ** 2 / 16**k for k in range(1, 5)]
_BEI = [
    (-1) ** k * (4 * k + 2) * (4 * k + 1) / math.factorial(2 * k + 1) ** 2 / 4 ** (2 * k + 1)
    for k in range(4)
]
berp: Operation = special(
    "berp",
    d=lambda x, y: near(
        x, 0.5, lambda t: t * t * polynomial(t**4, *_BER), lambda t: -bei(t) - berp(t) / t
    ),
    **_REAL,
)
beip: Operation = special(
    "beip",
    d=lambda x, y: near(x, 0.5, lambda t: polynomial(t**4, *_BEI), lambda t: ber(t) - beip(t) / t),
    **_REAL,
)
kerp: Operation = special("kerp", d=lambda x, y: -kei(x) - y / x, **_REAL)
keip: Operation = special("keip", d=lambda x, y: ker(x) - y / x, **_REAL)

# Struve's.


def _struve_rest(v: Any, x: Any) -> Any:
    return (x / 2) ** v * rgamma(v + 1.5) / SQRT_PI


struve: Operation = of_order(
    "struve",
    1,
    lambda v, x, y: (struve(v - 1, x) - struve(v + 1, x) + _struve_rest(v, x)) / 2,
    **_REAL,
)
modstruve: Operation = of_order(
    "modstruve",
    1,
    lambda v, x, y: (modstruve(v - 1, x) + modstruve(v + 1, x) + _struve_rest(v, x)) / 2,
    **_REAL,
)

# Integrals from 0 to x, and from x to infinity.

_TO_X: Traits = {"domain": POSITIVE}
iti0k0 = of_parts("iti0k0", lambda x: i0(x), lambda x: k0(x), **_TO_X)
itj0y0 = of_parts("itj0y0", lambda x: j0(x), lambda x: y0(x), **_TO_X)
it2i0k0 = of_parts("it2i0k0", lambda x: (i0(x) - 1) / x, lambda x: -k0(x) / x, **_TO_X)
it2j0y0 = of_parts("it2j0y0", lambda x: (1 - j0(x)) / x, lambda x: -y0(x) / x, **_TO_X)
itairy = of_parts(
    "itairy",
    lambda x: airy(x, part=0),
    lambda x: airy(x, part=2),
    lambda x: airy(-x, part=0),
    lambda x: airy(-x, part=2),
    tolerance=1e-4,  # SciPy's series has six digits
    **_TO_X,
)
itstruve0 = special("itstruve0", d=lambda x, y: struve(0, x), **_REAL)
it2struve0 = special("it2struve0", d=lambda x, y: -struve(0, x) / x, **_REAL)
itmodstruve0 = special("itmodstruve0", d=lambda x, y: modstruve(0, x), **_REAL)
