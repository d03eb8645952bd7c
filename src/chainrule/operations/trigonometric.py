"""Trigonometric and hyperbolic functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.core.array import dtype_of
from chainrule.core.complex_parts import cartesian, imag
from chainrule.core.domain import ABOVE_ONE, INSIDE_ONE, NONZERO
from chainrule.core.kinds import elementwise, real
from chainrule.core.operation import Operation
from chainrule.operations.choices import copysign, equal, greater, not_equal, where
from chainrule.operations.powers import absolute, hypot, sqrt

# Of complex numbers they are made of those of the parts.


def _bounded(size: Any, factor: Any) -> Any:
    """Return a product in which a factor of 0 stops what is infinite."""
    return where(equal(factor, 0), copysign(1.0, size) * factor, size * factor)


def _tanh_form(z: Any) -> Any:
    """Return it as Kahan does, for large numbers without what overflows."""
    a, b = real(z), imag(z)
    far = greater(absolute(a), 20.0)
    t, s = tan(b), sinh(where(far, 0.0, a))
    root = sqrt(1.0 + s * s)
    beta = 1.0 + t * t
    below = 1.0 + beta * s * s
    x = where(far, copysign(1.0, a), beta * root * s / below)
    y = where(far, 4.0 * np.sin(b) * np.cos(b) * np.exp(-2.0 * absolute(a)), t / below)
    return cartesian(x, y)


# Their inverses by W. Kahan, "Branch cuts for complex elementary functions", 1987: what is close to
# a branching point is the distance to it, and the sign of a zero tells the sides of a cut apart.


def _arcsin_form(z: Any) -> Any:
    a, b = real(z), imag(z)
    p, q = sqrt(cartesian(1.0 - a, -b)), sqrt(cartesian(1.0 + a, b))
    x = np.arctan2(a, real(p) * real(q) - imag(p) * imag(q))
    return cartesian(x, np.arcsinh(real(p) * imag(q) - imag(p) * real(q)))


def _arccos_form(z: Any) -> Any:
    a, b = real(z), imag(z)
    p, q = sqrt(cartesian(1.0 - a, -b)), sqrt(cartesian(1.0 + a, b))
    y = np.arcsinh(imag(p) * real(q) - real(p) * imag(q))
    return cartesian(2.0 * np.arctan2(real(p), real(q)), y)


def _arccosh_form(z: Any) -> Any:
    a, b = real(z), imag(z)
    p, q = sqrt(cartesian(a - 1.0, b)), sqrt(cartesian(a + 1.0, b))
    x = np.arcsinh(real(p) * real(q) + imag(p) * imag(q))
    return cartesian(x, 2.0 * np.arctan2(imag(p), real(q)))


def _arctanh_form(z: Any) -> Any:
    a, b = real(z), imag(z)
    x = absolute(a)
    near, far = hypot(1.0 - x, b), hypot(1.0 + x, b)  # from the branching points
    by_logarithms = 0.5 * (np.log(far) - np.log(near))
    size = where(near < 0.5, by_logarithms, 0.25 * np.log1p(4.0 * (x / near) / near))
    return cartesian(copysign(size, a), 0.5 * np.arctan2(2.0 * b, (1.0 - x) * (1.0 + x) - b * b))


def _turned(form: Any) -> Any:
    """Return the form of g, for ``g(z) = -i f(i z)``, of that of f."""

    def of_turned(z: Any) -> Any:
        w = form(cartesian(-imag(z), real(z)))
        return cartesian(imag(w), -real(w))

    return of_turned


sin: Operation = elementwise(
    "sin",
    np.sin,
    scalar=math.sin,
    d=lambda x, y: cos(x),
    dtypes="fc",
    cartesian=lambda z: cartesian(
        _bounded(cosh(imag(z)), sin(real(z))), _bounded(sinh(imag(z)), cos(real(z)))
    ),
)
cos: Operation = elementwise(
    "cos",
    np.cos,
    scalar=math.cos,
    d=lambda x, y: -sin(x),
    dtypes="fc",
    cartesian=lambda z: cartesian(
        _bounded(cosh(imag(z)), cos(real(z))), -_bounded(sinh(imag(z)), sin(real(z)))
    ),
)
tan: Operation = elementwise(
    "tan",
    np.tan,
    scalar=math.tan,
    d=lambda x, y: 1 + y * y,
    singular=True,
    domain=INSIDE_ONE,
    dtypes="fc",
    cartesian=_turned(_tanh_form),
)
arcsin = elementwise(
    "arcsin",
    np.arcsin,
    scalar=math.asin,
    d=lambda x, y: 1 / sqrt(1 - x * x),
    singular=True,
    domain=INSIDE_ONE,
    dtypes="fc",
    cartesian=_arcsin_form,
)
arccos = elementwise(
    "arccos",
    np.arccos,
    scalar=math.acos,
    d=lambda x, y: -1 / sqrt(1 - x * x),
    singular=True,
    domain=INSIDE_ONE,
    dtypes="fc",
    cartesian=_arccos_form,
)
arctan = elementwise(
    "arctan",
    np.arctan,
    scalar=math.atan,
    d=lambda x, y: 1 / (1 + x * x),
    dtypes="fc",
    cartesian=_turned(_arctanh_form),
)


def _over_squared_length(x: Any, a: Any, b: Any) -> Any:
    length = hypot(a, b)
    return x / length / length  # twice, for its square overflows and underflows


arctan2 = elementwise(
    "arctan2",
    np.arctan2,
    scalar=math.atan2,
    d=(
        lambda a, b, y: _over_squared_length(b, a, b),
        lambda a, b, y: -_over_squared_length(a, a, b),
    ),
    singular=True,
    domain=(NONZERO, NONZERO),
)
sinh: Operation = elementwise(
    "sinh",
    np.sinh,
    scalar=math.sinh,
    d=lambda x, y: cosh(x),
    singular=True,
    dtypes="fc",
    cartesian=lambda z: cartesian(
        _bounded(sinh(real(z)), cos(imag(z))), _bounded(cosh(real(z)), sin(imag(z)))
    ),
)
cosh: Operation = elementwise(
    "cosh",
    np.cosh,
    scalar=math.cosh,
    d=lambda x, y: sinh(x),
    singular=True,
    dtypes="fc",
    cartesian=lambda z: cartesian(
        _bounded(cosh(real(z)), cos(imag(z))), _bounded(sinh(real(z)), sin(imag(z)))
    ),
)
tanh = elementwise(
    "tanh",
    np.tanh,
    scalar=math.tanh,
    d=lambda x, y: 1 - y * y,
    dtypes="fc",
    cartesian=_tanh_form,
)
arcsinh = elementwise(
    "arcsinh",
    np.arcsinh,
    scalar=math.asinh,
    d=lambda x, y: 1 / sqrt(1 + x * x),
    dtypes="fc",
    cartesian=_turned(_arcsin_form),
)
arccosh = elementwise(
    "arccosh",
    np.arccosh,
    scalar=math.acosh,
    d=lambda x, y: 1 / (sqrt(x - 1) * sqrt(x + 1)),
    singular=True,
    domain=ABOVE_ONE,
    dtypes="fc",
    cartesian=_arccosh_form,
)
arctanh = elementwise(
    "arctanh",
    np.arctanh,
    scalar=math.atanh,
    d=lambda x, y: 1 / (1 - x * x),
    singular=True,
    domain=INSIDE_ONE,
    dtypes="fc",
    cartesian=_arctanh_form,
)


def _sinc_slope(x: Any, y: Any) -> Any:
    # (cos(pi x) - sinc(x)) / x loses its digits near 0, so its power series serves there.
    near = absolute(x) < 0.02
    t = (np.pi * x) ** 2
    series = -np.pi * np.pi * x * (1 / 3 - t * (1 / 30 - t * (1 / 840 - t / 45360)))
    return where(near, series, (cos(np.pi * x) - y) / where(near, 1.0, x))


def _sinc_formula(x: Any) -> Any:
    if dtype_of(x).kind != "f":
        return None
    scaled = np.pi * x
    y = where(not_equal(scaled, 0), scaled, float(np.finfo(dtype_of(x)).eps))
    return sin(y) / y


sinc = elementwise("sinc", np.sinc, d=_sinc_slope, formula=_sinc_formula)
deg2rad = elementwise(
    "deg2rad",
    np.deg2rad,
    scalar=math.radians,
    d=lambda x, y: np.pi / 180,
    numpy=("numpy.deg2rad", "numpy.radians"),
)
rad2deg = elementwise(
    "rad2deg",
    np.rad2deg,
    scalar=math.degrees,
    d=lambda x, y: 180 / np.pi,
    numpy=("numpy.rad2deg", "numpy.degrees"),
)
