"""Slopes of special functions where a closed form loses its digits, or is 0 / 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import scipy.special as sp

import chainrule as cr


def _voigt(x: Any, s: Any, g: Any) -> Any:
    z = (mp.mpc(x, g)) / (s * mp.sqrt(2))
    return (mp.exp(-z * z) * mp.erfc(-1j * z)).real / (s * mp.sqrt(2 * mp.pi))


def _dawson(x: Any) -> Any:
    return mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x)


def _pseudo_huber(delta: Any, r: Any) -> Any:
    return delta**2 * (mp.sqrt(1 + (r / delta) ** 2) - 1)


def _spence(z: Any) -> Any:
    return mp.polylog(2, 1 - z).real


def _binomial(p: Any) -> Any:
    return sum(mp.binomial(7, j) * p**j * (1 - p) ** (7 - j) for j in range(3))


def _poch(z: Any) -> Any:
    return z * (z + 1)


Case = tuple[Callable[..., Any], tuple[float, ...], int, Callable[..., Any]]
CASES: dict[str, Case] = {
    "dawsn far": (sp.dawsn, (25.0,), 0, _dawson),
    "dawsn very far": (sp.dawsn, (-1e9,), 0, lambda x: 1 / (2 * x) + 1 / (4 * x**3)),
    "voigt by x": (sp.voigt_profile, (1e3, 1.0, 0.5), 0, _voigt),
    "voigt by sigma": (sp.voigt_profile, (1e3, 1.0, 0.5), 1, _voigt),
    "voigt by gamma": (sp.voigt_profile, (1e3, 1.0, 0.5), 2, _voigt),
    "voigt near": (sp.voigt_profile, (1.0, 0.7, 0.5), 1, _voigt),
    "pseudo_huber": (sp.pseudo_huber, (1.0, 1e-9), 0, _pseudo_huber),
    "pseudo_huber far": (sp.pseudo_huber, (1e-3, 1e5), 0, _pseudo_huber),
    "spence": (sp.spence, (1e-20,), 0, _spence),
    "ellipkm1": (sp.ellipkm1, (1e-20,), 0, lambda p: mp.ellipk(1 - p)),
    "ellipkm1 at 1": (sp.ellipkm1, (1.0,), 0, lambda p: mp.ellipk(1 - p)),
    "ellipkinc": (sp.ellipkinc, (0.5, 1e-17), 1, mp.ellipf),
    "ellipeinc": (sp.ellipeinc, (0.5, 1e-17), 1, mp.ellipe),
    "ellipkinc at 0": (sp.ellipkinc, (0.5, 0.0), 1, mp.ellipf),
    "ellipeinc at 0": (sp.ellipeinc, (2.5, 0.0), 1, mp.ellipe),
    "rgamma at its zeros": (sp.rgamma, (-2.0,), 0, mp.rgamma),
    "rgamma": (sp.rgamma, (-2.5,), 0, mp.rgamma),
    "betaln": (sp.betaln, (1e13, 2.0), 0, lambda a, b: -mp.log(a * (a + 1))),
    "beta": (sp.beta, (2.0, 1e7), 1, lambda a, b: 1 / (b * (b + 1))),
    "poch": (lambda z: sp.poch(z, 2.0), (1e13,), 0, _poch),
    "beip": (sp.beip, (0.0,), 0, lambda x: x / 2),
    "berp": (sp.berp, (0.3,), 0, lambda x: mp.diff(lambda t: mp.ber(0, t), x)),
    "spherical_jn": (
        lambda z: sp.spherical_jn(1, z),
        (0.0,),
        0,
        lambda z: z / 3,
    ),
    "spherical_in": (lambda z: sp.spherical_in(2, z), (0.0,), 0, lambda z: z * z / 15),
    "struve": (lambda x: sp.struve(0, x), (0.0,), 0, lambda x: 2 * x / mp.pi),
    "modstruve": (lambda x: sp.modstruve(1, x), (0.3,), 0, lambda x: mp.struvel(1, x)),
    "bdtr of a number between": (lambda p: sp.bdtr(2.5, 7, p), (0.3,), 0, _binomial),
}


#: Of these the second derivative is made of functions that are infinite there.
ONCE = {"ellipkm1", "struve"}


@pytest.mark.parametrize(
    ("name", "order"), [(name, k) for name in CASES for k in (1, 2) if k == 1 or name not in ONCE]
)
def test_slopes_have_their_digits(name: str, order: int) -> None:
    f, at, number, reference = CASES[name]
    slope: Callable[..., Any] = f
    for _ in range(order):
        slope = cr.grad(slope, number)
    with mp.workdps(60):
        orders = tuple(order if k == number else 0 for k in range(len(at)))
        expected = float(mp.diff(reference, at, n=orders))
    if abs(expected) < 1e-300 or (expected and abs(expected) < 1e-20 and 0.0 in at):
        expected = 0.0  # what the differences of `mp.diff` leave
    np.testing.assert_allclose(
        float(slope(*at)), expected, rtol=2e-6, atol=0 if expected else 1e-15
    )


def test_wofz_far_from_0() -> None:
    z = np.array([1e9 + 2j, -3e5 + 1e-3j, 30.0 - 2j, 1e8j])
    slope = cr.grad(lambda t: np.sum(np.real(sp.wofz(t))))(z)
    t = 1 / z**2
    expected = -1j / np.sqrt(np.pi) * t * (1 + 1.5 * t + 3.75 * t**2)
    close = [np.allclose(f(slope), expected, rtol=1e-7, atol=0) for f in (np.conj, np.positive)]
    assert any(close)  # by either convention of complex gradients


def test_logsumexp_of_terms_that_count_nothing() -> None:
    b = np.array([0.0, 1.0, 0.0])
    value, slope = cr.value_and_grad(lambda a: sp.logsumexp(a, b=b))(np.array([1e3, 0.0, np.inf]))
    assert value == 0.0
    assert slope.tolist() == [0.0, 1.0, 0.0]
