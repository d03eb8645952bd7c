"""What errors at the boundary say to write instead is right: it gives the value and a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.special
import scipy.stats
from scipy.stats import norm

import chainrule as cr
from chainrule.errors import UnsupportedError

X = np.array([0.25, 0.75])
MU, S = 0.5, 2.0
C = np.array([[2.0, 0.5], [0.5, 1.0]])


def multivariate(x: Any) -> Any:
    d = x - MU
    z = np.linalg.solve(np.linalg.cholesky(C), d)
    logs = np.sum(np.log(np.diag(np.linalg.cholesky(C))))
    return -0.5 * z @ z - logs - 0.5 * d.size * np.log(2 * np.pi)


DENSITIES = {
    "norm.logpdf": (
        lambda x: norm.logpdf(x, MU, S),
        lambda x: -0.5 * ((x - MU) / S) ** 2 - np.log(S) - 0.5 * np.log(2 * np.pi),
    ),
    "norm.pdf": (
        lambda x: scipy.stats.norm.pdf(x, MU, S),
        lambda x: np.exp(-0.5 * ((x - MU) / S) ** 2) / (S * np.sqrt(2 * np.pi)),
    ),
    "ndtr": (lambda x: norm.cdf(x, MU, S), lambda x: scipy.special.ndtr((x - MU) / S)),
    "(mu - x)": (lambda x: norm.sf(x, MU, S), lambda x: scipy.special.ndtr((MU - x) / S)),
    "log_ndtr": (lambda x: norm.logcdf(x, MU, S), lambda x: scipy.special.log_ndtr((x - MU) / S)),
    "erfinv": (
        lambda q: norm.ppf(q, MU, S),
        lambda q: MU + S * np.sqrt(2) * scipy.special.erfinv(2 * q - 1),
    ),
    "-x / s": (
        lambda x: scipy.stats.expon.logpdf(x, scale=S),
        lambda x: -x / S - np.log(S),
    ),
    "gammaln(k + 1)": (
        lambda mu: scipy.stats.poisson.logpmf(3, mu),
        lambda mu: scipy.special.xlogy(3, mu) - mu - scipy.special.gammaln(4.0),
    ),
    "gammaln(a)": (
        lambda x: scipy.stats.gamma.logpdf(x, 1.5),
        lambda x: (1.5 - 1) * np.log(x) - x - scipy.special.gammaln(1.5),
    ),
    "cholesky": (
        lambda x: scipy.stats.multivariate_normal.logpdf(x, np.full(2, MU), C),
        multivariate,
    ),
}


@pytest.mark.parametrize(("said", "functions"), DENSITIES.items(), ids=DENSITIES.keys())
def test_densities(said: str, functions: Any) -> None:
    theirs, instead = functions
    with pytest.raises(UnsupportedError) as error:
        cr.grad(lambda x: np.sum(theirs(x)))(X)
    assert said in str(error.value)
    np.testing.assert_allclose(instead(X), theirs(X), rtol=1e-12)
    assert cr.check_gradient(lambda x: np.sum(instead(x)), X)


def f(x: Any, p: Any) -> Any:
    return x**3 + x - p


def test_a_root() -> None:
    def root(p: Any) -> Any:
        q = cr.stop_gradient(p)
        x = scipy.optimize.brentq(lambda t: f(t, q), 0.0, 5.0)
        return x - f(x, p) / cr.grad(f)(x, q)

    with pytest.raises(UnsupportedError, match="implicit function theorem"):
        cr.grad(lambda p: scipy.optimize.brentq(lambda t: f(t, p), 0.0, 5.0))(10.0)
    x = root(10.0)
    np.testing.assert_allclose(x, 2.0)
    np.testing.assert_allclose(cr.grad(root)(10.0), 1 / (3 * x**2 + 1))


def test_a_root_of_a_system() -> None:
    def root(p: Any) -> Any:
        q = cr.stop_gradient(p)
        x = scipy.optimize.fsolve(lambda t: f(t, q), np.ones(2))
        return x - np.linalg.solve(cr.jacobian(f)(x, q), f(x, p))

    p = np.array([10.0, 2.0])
    np.testing.assert_allclose(root(p), [2.0, 1.0])
    np.testing.assert_allclose(cr.jacobian(root)(p), np.diag([1 / 13, 1 / 4]), rtol=1e-6)


def test_a_minimum() -> None:
    def energy(x: Any, p: Any) -> Any:
        return np.sum(x**4 / 4 + x**2 / 2 - p * x)

    def lowest(p: Any) -> Any:
        q = cr.stop_gradient(p)
        x = scipy.optimize.minimize(lambda t: energy(t, q), np.ones(2), tol=1e-10).x
        return x - np.linalg.solve(cr.hessian(energy)(x, q), cr.grad(energy)(x, p))

    p = np.array([10.0, 2.0])
    np.testing.assert_allclose(cr.jacobian(lowest)(p), np.diag([1 / 13, 1 / 4]), rtol=1e-4)


def test_an_integral() -> None:
    def integral(p: Any) -> Any:
        t, w = np.polynomial.legendre.leggauss(50)
        return 0.5 * np.sum(w * np.sin(p * 0.5 * (t + 1)))

    with pytest.raises(UnsupportedError, match="leggauss"):
        cr.grad(lambda p: scipy.integrate.quad(lambda t: np.sin(p * t), 0, 1)[0])(2.0)
    np.testing.assert_allclose(integral(2.0), (1 - np.cos(2.0)) / 2)
    assert cr.check_gradient(integral, 2.0)
