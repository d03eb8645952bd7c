"""scipy.special: what is no ufunc, what has several results, and the edges of what has one."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import scipy.special as special
from scipy.special import jvp, sici

import chainrule as cr
from tests.programs.functions import check_function, drawn

X = drawn(4, low=0.4, high=2.5)

CASES = {
    "sici": (lambda x: sici(x)[0], X),
    "sici_cosine": (lambda x: special.sici(x)[1], X),
    "shichi": (lambda x: special.shichi(x)[0], X),
    "fresnel": (lambda x: special.fresnel(x)[1], X),
    "airy": (lambda x: special.airy(x)[0] * special.airy(x)[3], X),
    "polygamma": (lambda x: special.polygamma(2, x), X),
    "lambertw": (lambda x: special.lambertw(x).real, X),
    "lambertw_branch": (lambda x: special.lambertw(-x / 10, -1).real, X),
    "zeta": (lambda x: special.zeta(3.5, x), X),
    "zeta_of_one": (lambda q: special.zeta(2, q), 1.5),
    "spherical_jn": (lambda x: special.spherical_jn(2, x), X),
    "spherical_derivative": (lambda x: special.spherical_yn(1, x, derivative=True), X),
    "jvp": (lambda x: jvp(1.5, x), X),
    "kvp": (lambda x: special.kvp(2, x, 3), X),
    "ivp": (lambda x: special.ivp(1, x, n=2), X),
    "h1vp": (lambda x: special.h1vp(0.5, x), X),
    "multigammaln": (lambda x: special.multigammaln(x, 3), X + 1),
    "factorial": (lambda x: special.factorial(x), X),
    "factorial_extended": (lambda x: special.factorial(x - 1.5, extend="complex"), X),
    "comb": (lambda n, k: special.comb(n, k), X + 3, X),
    "comb_repetition": (lambda n: special.comb(n, 2, repetition=True), X),
    "perm": (lambda n, k: special.perm(n, k), X + 3, X),
    "jv_of_integers": (lambda x: special.jv(np.arange(4), x), X),
    "logsumexp": (lambda x: special.logsumexp(x, b=np.array([1.0, 2.0, 0.5, 1.0])), X),
    "polygamma_orders": (lambda x: special.polygamma([[0], [2]], x), X),
    "kelvin": (lambda x: special.kelvin(x)[1], X),
    "ellipj": (lambda u, m: special.ellipj(u, m)[1], X, X / 3),
    "gdtr": (lambda a, x: special.gdtr(a, 1.5, x), X, X),
    "sph_harm_y": (lambda t, p: special.sph_harm_y([2, 3, 1, 0], [1, -3, 0, 0], t, p), X, X),
    "logsumexp_sign": (
        lambda x: np.prod(special.logsumexp(x, b=np.array([-2.0, 1, 0, -1]), return_sign=True)),
        X,
    ),
    "logsumexp_complex": (lambda x, y: special.logsumexp(x + 1j * y), X, X**2),
    "radian": (lambda d, m: special.radian(d, m, 3.0), X, X),
}


@pytest.mark.parametrize("name", CASES)
def test_value_and_derivatives(name):
    f, *args = CASES[name]
    check_function(f, tuple(args))


@pytest.mark.parametrize(
    ("f", "which"),
    [
        (lambda v: special.jv(v, 1.0), "first"),
        (lambda b: special.hyp1f1(1.0, b, 0.5), "second"),
        (lambda c: special.hyp2f1(1.0, 2.0, c, 0.5), "third"),
        (lambda s: special.zeta(s, 2.0), "first"),
    ],
)
def test_orders_have_no_derivative_and_say_so(f, which):
    for transform in (cr.grad(f), lambda v: cr.jvp(f, (v,), (1.0,)), lambda v: cr.stage(f, v)):
        with pytest.raises(cr.errors.UnsupportedError, match=f"by its {which} operand"):
            transform(1.5)


#: Functions, the same of mpmath, and points where a closed form of the derivative is 0 / 0.
SERIES = [
    (special.exprel, lambda x: mpmath.expm1(x) / x if x else mpmath.mpf(1)),
    (lambda x: special.shichi(x)[0], mpmath.shi),
    (lambda x: special.sici(x)[0], mpmath.si),
    (special.ellipk, mpmath.ellipk),
    (special.ellipe, mpmath.ellipe),
    (lambda x: special.spence(1 + x), lambda x: mpmath.polylog(2, -x)),
]


@pytest.mark.parametrize(("f", "exact"), SERIES)
@pytest.mark.parametrize("x", [0.0, 1e-8, 1e-3, -0.0099, 0.0101, 0.05])
def test_derivatives_near_the_point_of_a_series(f, exact, x):
    with mpmath.workdps(40):
        at = mpmath.mpf(x) if x else mpmath.mpf("1e-25")
        expected = [
            float(mpmath.re(mpmath.diff(exact, at, n, h=mpmath.mpf("1e-8")))) for n in (1, 2)
        ]
    found = [cr.grad(f)(x), cr.grad(cr.grad(f))(x)]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_derivatives_of_the_box_cox_transformation_at_the_logarithm():
    x = 1.7
    by_exponent = cr.grad(special.boxcox, 1)
    np.testing.assert_allclose(by_exponent(x, 0.0), math.log(x) ** 2 / 2)
    np.testing.assert_allclose(cr.grad(by_exponent, 1)(x, 0.0), math.log(x) ** 3 / 3)
    np.testing.assert_allclose(cr.grad(special.inv_boxcox, 1)(0.5, 0.0), -math.exp(0.5) / 8)


def test_elliptic_integrals_at_parameter_zero():
    phi = 0.7
    expected = (phi - math.sin(phi) * math.cos(phi)) / 4
    np.testing.assert_allclose(cr.grad(special.ellipkinc, 1)(phi, 0.0), expected)
    np.testing.assert_allclose(cr.grad(special.ellipeinc, 1)(phi, 0.0), -expected)
