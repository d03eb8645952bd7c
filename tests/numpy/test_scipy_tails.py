"""Distributions in the tails, at the ends of their supports, and where a shape is special."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np
import pytest
import scipy.stats as st

import chainrule as cr

TAIL = 1e-20


def _normal_quantile(q: Any) -> Any:
    return mp.sqrt(2) * mp.erfinv(1 - 2 * q)


QUANTILES: dict[str, Any] = {
    "norm": _normal_quantile,
    "cauchy": lambda q: mp.cot(mp.pi * q),
    "halfcauchy": lambda q: mp.cot(mp.pi * q / 2),
    "laplace": lambda q: -mp.log(2 * q),
    "logistic": lambda q: mp.log((1 - q) / q),
    "gumbel_r": lambda q: -mp.log(-mp.log(1 - q)),
    "gumbel_l": lambda q: mp.log(-mp.log(q)),
    "expon": lambda q: -mp.log(q),
    "halfnorm": lambda q: _normal_quantile(q / 2),
    "rayleigh": lambda q: mp.sqrt(-2 * mp.log(q)),
}


@pytest.mark.parametrize("name", QUANTILES)
def test_the_upper_tail_has_its_digits(name: str) -> None:
    value, slope = cr.value_and_grad(lambda q: getattr(st, name).isf(q))(TAIL)
    with mp.workdps(60):
        expected = [float(QUANTILES[name](mp.mpf(TAIL)))]
        expected.append(float(mp.diff(QUANTILES[name], mp.mpf(TAIL), h=mp.mpf(10) ** -40)))
    np.testing.assert_allclose([float(value), float(slope)], expected, rtol=1e-6)


SHARES: dict[tuple[str, str], tuple[float, Any]] = {
    ("cauchy", "sf"): (1e12, lambda z: mp.acot(z) / mp.pi),
    ("halfcauchy", "sf"): (1e12, lambda z: 2 * mp.acot(z) / mp.pi),
    ("laplace", "cdf"): (0.0, lambda z: mp.exp(z) / 2),
    ("laplace", "logcdf"): (40.0, lambda z: mp.log(1 - mp.exp(-z) / 2)),
    ("expon", "logcdf"): (40.0, lambda z: mp.log(1 - mp.exp(-z))),
    ("gumbel_r", "logsf"): (-6.0, lambda z: mp.log(1 - mp.exp(-mp.exp(-z)))),
    ("halfnorm", "logcdf"): (12.0, lambda z: mp.log(mp.erf(z / mp.sqrt(2)))),
}


@pytest.mark.parametrize(("name", "method"), SHARES)
def test_shares_have_their_digits(name: str, method: str) -> None:
    z, reference = SHARES[name, method]
    value, slope = cr.value_and_grad(lambda z: getattr(getattr(st, name), method)(z))(z)
    with mp.workdps(400):
        expected = [float(reference(mp.mpf(z))), float(mp.diff(reference, mp.mpf(z)))]
    np.testing.assert_allclose([float(value), float(slope)], expected, rtol=1e-9)


def _stretched(z: Any, c: Any) -> Any:
    return mp.log1p(c * z) / c if c else z


def _pareto(z: Any, c: Any) -> Any:
    return -(1 + c) * _stretched(z, c)


def _extreme(z: Any, c: Any) -> Any:
    return -mp.exp(-_stretched(z, -c)) - (1 - c) * _stretched(z, -c)


@pytest.mark.parametrize("c", [0.0, 1e-9, -1e-4, 0.01, 0.3])
@pytest.mark.parametrize(("name", "reference"), [("genpareto", _pareto), ("genextreme", _extreme)])
def test_a_shape_that_is_nearly_0(name: str, reference: Any, c: float) -> None:
    slope: Any = lambda c: getattr(st, name).logpdf(1.7, c)
    for order in (1, 2):
        slope = cr.grad(slope)
        with mp.workdps(60):
            expected = float(mp.diff(lambda t: reference(mp.mpf(1.7), t), mp.mpf(c), order))
        np.testing.assert_allclose(float(slope(c)), expected, rtol=1e-7)


@pytest.mark.parametrize(
    ("name", "shapes"), [("invgamma", (2.5,)), ("lognorm", (0.4,)), ("invgauss", (0.5,))]
)
def test_densities_that_vanish_at_the_start(name: str, shapes: tuple[float, ...]) -> None:
    value, slope = cr.value_and_grad(lambda z: getattr(st, name).pdf(z, *shapes))(0.0)
    assert (value, slope) == (0, 0)


def test_a_difference_without_digits_is_no_number() -> None:
    assert np.isnan(cr.grad(lambda a: st.skewnorm.logcdf(-1.2, a))(30.0))


def test_many_degrees_of_freedom() -> None:
    value = cr.value_and_grad(lambda df: st.t.logpdf(1.3, df))(1e10)[0]
    np.testing.assert_allclose(value, st.t.logpdf(1.3, 1e10), rtol=1e-12)


def test_what_is_no_number_has_no_derivative() -> None:
    slope = cr.grad(lambda scale: np.sum(st.norm.logpdf(np.ones(2), 0.0, scale)))
    with np.errstate(invalid="ignore"):
        assert np.isnan(slope(np.array([-1.0, 2.0]))).tolist() == [True, False]
        assert np.isnan(cr.grad(lambda q: st.norm.ppf(q))(1.5))


def test_the_last_probability_is_what_is_left() -> None:
    p = np.array([0.2, 0.3, 0.5])
    slope = cr.grad(lambda p: st.multinomial.logpmf([1, 2, 3], 6, p))(p)
    np.testing.assert_allclose(slope, [1 / 0.2 - 3 / 0.5, 2 / 0.3 - 3 / 0.5, 0.0])
    value = cr.value_and_grad(lambda p: st.multinomial.logpmf([1, 2, 3], 7, p))(p)[0]
    assert value == -np.inf


def test_numbers_are_given_by_name() -> None:
    mu = np.array([0.5, 3.0])
    slope = cr.grad(lambda mu: np.sum(st.poisson.logpmf(k=3, mu=mu)))(mu)
    np.testing.assert_allclose(slope, 3 / mu - 1)
    np.testing.assert_allclose(cr.grad(lambda s: st.norm(0, s).logpdf(x=1.5))(2.0), 9 / 32 - 1 / 2)


def test_vectors_of_one_mean() -> None:
    x = np.array([0.3, -1.2])
    slope = cr.grad(lambda x: np.sum(st.multivariate_normal.logpdf(x, 0.0, 2.0)))(x)
    np.testing.assert_allclose(slope, -x / 2)
