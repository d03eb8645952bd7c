"""What errors at the boundary say to write instead is right: it gives the value and a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize

import chainrule as cr
from chainrule.errors import UnsupportedError


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
