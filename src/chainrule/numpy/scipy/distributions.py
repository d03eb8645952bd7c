"""The continuous distributions of scipy.stats, each by what is known of its standard form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.numpy.scipy.families import (
    INF,
    LN2,
    LN_SQRT_2PI,
    Family,
    cauchy_inverse,
    normal,
    stretched,
)
from chainrule.numpy.scipy.positive_distributions import OF_POSITIVE_NUMBERS
from chainrule.operations.bessel import i0e
from chainrule.operations.distribution_functions import (
    betainc,
    betaincc,
    betainccinv,
    betaincinv,
    gammainc,
    gammaincc,
    stdtr,
    stdtrit,
)
from chainrule.operations.elementwise import sigmoid
from chainrule.operations.error_functions import erf, erfc, log_ndtr, ndtr, ndtri, owens_t
from chainrule.operations.gamma_functions import betaln, gammaln
from chainrule.operations.special import cosm1, log_expit, logit, xlog1py, xlogy

__all__ = ["CONTINUOUS"]


def _log_mass(a: Any, b: Any) -> Any:
    """Return the logarithm of the probability that a normal variable lies between a and b."""
    right = a > 0  # where the left tail has more digits
    low, high = np.where(right, -b, a), np.where(right, -a, b)
    top = log_ndtr(high)
    return top + np.log1p(-np.exp(log_ndtr(low) - top))


def _log_t(z: Any, df: Any) -> Any:
    return -betaln(df / 2, 0.5) - 0.5 * np.log(df) - (df + 1) / 2 * np.log1p(z * z / df)


def _t_inverse(q: Any, df: Any) -> Any:
    return np.where(q == 0, -stdtrit(df, 1 - q), stdtrit(df, q))


def _skewnorm_share(z: Any, a: Any) -> Any:
    return ndtr(z) - 2 * owens_t(z, a)


def _log_unless_lost(share: Any) -> Any:
    """Return a logarithm, which is NaN where the digits of a difference are lost."""
    return np.log(share * np.where(share < 1e-12, np.nan, 1.0))


def _laplace_cdf(z: Any) -> Any:
    right = z > 0
    upper, lower = np.exp(-np.where(right, z, 0.0)), np.exp(np.where(right, 0.0, z))
    return np.where(right, 1 - 0.5 * upper, 0.5 * lower)


def _laplace_inverse(q: Any) -> Any:
    right = q > 0.5
    upper, lower = np.where(right, 1 - q, 0.5), np.where(right, 0.5, q)
    return np.where(right, -np.log(2 * upper), np.log(2 * lower))


CONTINUOUS: dict[str, Family] = {
    # On the whole line.
    "norm": Family(
        normal,
        cdf=ndtr,
        survival=lambda z: ndtr(-z),
        log_cdf=log_ndtr,
        log_survival=lambda z: log_ndtr(-z),
        inverse=ndtri,
    ),
    "t": Family(
        _log_t,
        ("df",),
        cdf=lambda z, df: stdtr(df, z),
        survival=lambda z, df: stdtr(df, -z),
        inverse=_t_inverse,
    ),
    "cauchy": Family(
        lambda z: -math.log(math.pi) - np.log1p(z * z),
        cdf=lambda z: np.arctan2(1.0, -z) / math.pi,
        survival=lambda z: np.arctan2(1.0, z) / math.pi,
        inverse=cauchy_inverse,
    ),
    "laplace": Family(
        lambda z: -LN2 - abs(z),
        cdf=_laplace_cdf,
        survival=lambda z: _laplace_cdf(-z),
        inverse=_laplace_inverse,
    ),
    "logistic": Family(
        lambda z: -abs(z) - 2 * np.log1p(np.exp(-abs(z))),
        cdf=sigmoid,
        survival=lambda z: sigmoid(-z),
        log_cdf=log_expit,
        log_survival=lambda z: log_expit(-z),
        inverse=logit,
    ),
    "gumbel_r": Family(
        lambda z: -z - np.exp(-z),
        cdf=lambda z: np.exp(-np.exp(-z)),
        survival=lambda z: -np.expm1(-np.exp(-z)),
        log_cdf=lambda z: -np.exp(-z),
        inverse=lambda q: -np.log(-np.log(q)),
        inverse_survival=lambda q: -np.log(-np.log1p(-q)),
    ),
    "gumbel_l": Family(
        lambda z: z - np.exp(z),
        cdf=lambda z: -np.expm1(-np.exp(z)),
        survival=lambda z: np.exp(-np.exp(z)),
        log_survival=lambda z: -np.exp(z),
        inverse=lambda q: np.log(-np.log1p(-q)),
        inverse_survival=lambda q: np.log(-np.log(q)),
    ),
    "skewnorm": Family(
        lambda z, a: LN2 + normal(z) + log_ndtr(a * z),
        ("a",),
        cdf=lambda z, a: np.maximum(_skewnorm_share(z, a), 0.0),
        survival=lambda z, a: np.maximum(_skewnorm_share(-z, -a), 0.0),
        log_cdf=lambda z, a: _log_unless_lost(_skewnorm_share(z, a)),
        log_survival=lambda z, a: _log_unless_lost(_skewnorm_share(-z, -a)),
        valid=lambda a: np.isfinite(a),
    ),
    "johnsonsu": Family(
        lambda z, a, b: normal(a + b * np.arcsinh(z)) + np.log(b) - 0.5 * np.log1p(z * z),
        ("a", "b"),
        cdf=lambda z, a, b: ndtr(a + b * np.arcsinh(z)),
        survival=lambda z, a, b: ndtr(-a - b * np.arcsinh(z)),
        valid=lambda a, b: b > 0,
    ),
    "gennorm": Family(
        lambda z, beta: np.log(beta) - LN2 - gammaln(1 / beta) - abs(z) ** beta, ("beta",)
    ),
    "hypsecant": Family(
        lambda z: LN2 - math.log(math.pi) - abs(z) - np.log1p(np.exp(-2 * abs(z))),
        cdf=lambda z: 2 / math.pi * np.arctan(np.exp(z)),
        survival=lambda z: 2 / math.pi * np.arctan(np.exp(-z)),
    ),
    "genlogistic": Family(
        lambda z, c: np.log(c) - z - (c + 1) * np.logaddexp(0.0, -z),
        ("c",),
        log_cdf=lambda z, c: -c * np.logaddexp(0.0, -z),
    ),
    "loggamma": Family(
        lambda z, c: c * z - np.exp(z) - gammaln(c),
        ("c",),
        cdf=lambda z, c: gammainc(c, np.exp(z)),
        survival=lambda z, c: gammaincc(c, np.exp(z)),
    ),
    "vonmises": Family(
        lambda z, kappa: kappa * cosm1(z) - np.log(2 * math.pi * i0e(kappa)), ("kappa",)
    ),
    "moyal": Family(
        lambda z: -0.5 * (z + np.exp(-z)) - LN_SQRT_2PI,
        cdf=lambda z: erfc(np.exp(-0.5 * z) / math.sqrt(2)),
        survival=lambda z: erf(np.exp(-0.5 * z) / math.sqrt(2)),
    ),
    "truncnorm": Family(
        lambda z, a, b: normal(z) - _log_mass(a, b),
        ("a", "b"),
        support=lambda a, b: (a, b),
        log_cdf=lambda z, a, b: _log_mass(a, z) - _log_mass(a, b),
        log_survival=lambda z, a, b: _log_mass(z, b) - _log_mass(a, b),
        valid=lambda a, b: a < b,
    ),
    "genextreme": Family(
        lambda z, c: -np.exp(stretched(z, -c) * -1) - (1 - c) * stretched(z, -c),
        ("c",),
        support=lambda c: (
            np.where(c < 0, 1 / np.where(c < 0, c, -1.0), -INF),
            np.where(c > 0, 1 / np.where(c > 0, c, 1.0), INF),
        ),
        log_cdf=lambda z, c: -np.exp(-stretched(z, -c)),
        valid=lambda c: np.isfinite(c),
    ),
    # Of positive numbers.
    # Of positive numbers.
    **OF_POSITIVE_NUMBERS,
    # Between two numbers.
    "uniform": Family(
        lambda z: 0.0 * z,
        support=(0.0, 1.0),
        cdf=lambda z: z,
        inverse=lambda q: q,
        inverse_survival=lambda q: 1 - q,
    ),
    "beta": Family(
        lambda z, a, b: xlog1py(b - 1, -z) + xlogy(a - 1, z) - betaln(a, b),
        ("a", "b"),
        support=(0.0, 1.0),
        cdf=lambda z, a, b: betainc(a, b, z),
        survival=lambda z, a, b: betaincc(a, b, z),
        inverse=lambda q, a, b: betaincinv(a, b, q),
        inverse_survival=lambda q, a, b: betainccinv(a, b, q),
    ),
    "arcsine": Family(
        lambda z: -math.log(math.pi) - 0.5 * np.log(z) - 0.5 * np.log1p(-z),
        support=(0.0, 1.0),
        cdf=lambda z: 2 / math.pi * np.arcsin(np.sqrt(z)),
        survival=lambda z: 2 / math.pi * np.arcsin(np.sqrt(1 - z)),
    ),
    "powerlaw": Family(
        lambda z, a: np.log(a) + xlogy(a - 1, z),
        ("a",),
        support=(0.0, 1.0),
        cdf=lambda z, a: z**a,
        inverse=lambda q, a: q ** (1 / a),
        inverse_survival=lambda q, a: (1 - q) ** (1 / a),
    ),
    "loguniform": Family(
        lambda z, a, b: -np.log(z) - np.log(np.log(b) - np.log(a)),
        ("a", "b"),
        support=lambda a, b: (a, b),
        cdf=lambda z, a, b: (np.log(z) - np.log(a)) / (np.log(b) - np.log(a)),
        valid=lambda a, b: (a > 0) & (b > a),
    ),
}
