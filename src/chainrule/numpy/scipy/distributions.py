"""The continuous distributions of scipy.stats, each by what is known of its standard form.

``z`` is the number less the location, divided by the scale. Where a distribution function is left
out, it is made of the others (`chainrule.numpy.scipy.statistics`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from chainrule.operations.bessel import i0e
from chainrule.operations.elementwise import sigmoid
from chainrule.operations.gamma_functions import (
    betainc,
    betaincc,
    betainccinv,
    betaincinv,
    betaln,
    chdtr,
    chdtrc,
    fdtr,
    fdtrc,
    gammainc,
    gammaincc,
    gammainccinv,
    gammaincinv,
    gammaln,
    stdtr,
    stdtrit,
)
from chainrule.operations.special import (
    cosm1,
    erf,
    erfc,
    log_expit,
    log_ndtr,
    logit,
    ndtr,
    ndtri,
    owens_t,
    xlog1py,
    xlogy,
)

__all__ = ["CONTINUOUS", "INF", "POSITIVE", "Family"]

INF = math.inf
LN2 = math.log(2)
LN_SQRT_2PI = 0.5 * math.log(2 * math.pi)


class Family(NamedTuple):
    """A distribution: functions of ``(z, *shapes)``.

    Attributes:
        log_density: the logarithm of the density, or of the probability of a discrete one.
        shapes: the names of its shape parameters.
        support: where the density is not 0, ends included; two numbers, or a function of the
            shapes that gives them.
        valid: what the shapes must fulfil; None where all of them must be positive.
        inverse: the inverse of ``cdf``, which is the probability of what is at most z.
        inverse_survival: the inverse of ``survival``; None where that is ``-inverse``.
        vanishes: whether the density is 0 at the start of the support, where the formula is not.
        survival: that of what is more.
    """

    log_density: Callable[..., Any]
    shapes: tuple[str, ...] = ()
    support: Any = (-INF, INF)
    cdf: Callable[..., Any] | None = None
    survival: Callable[..., Any] | None = None
    log_cdf: Callable[..., Any] | None = None
    log_survival: Callable[..., Any] | None = None
    inverse: Callable[..., Any] | None = None
    inverse_survival: Callable[..., Any] | None = None
    vanishes: bool = False
    valid: Callable[..., Any] | None = None


POSITIVE = (0.0, INF)


def _normal(z: Any) -> Any:
    return -0.5 * z * z - LN_SQRT_2PI


def _log_mass(a: Any, b: Any) -> Any:
    """Return the logarithm of the probability that a normal variable lies between a and b."""
    right = a > 0  # where the left tail has more digits
    low, high = np.where(right, -b, a), np.where(right, -a, b)
    top = log_ndtr(high)
    return top + np.log1p(-np.exp(log_ndtr(low) - top))


def _stretched(z: Any, c: Any) -> Any:
    """Return ``log1p(c * z) / c``: its series where that is nearly 0 / 0."""
    t = c * z
    near = abs(t) < 0.02
    series: Any = 0.0
    small = np.where(near, t, 0.0)
    for k in range(9, 0, -1):
        series = 1 / k - small * series
    return np.where(near, z * series, np.log1p(np.where(near, 1.0, t)) / np.where(near, 1.0, c))


def _log_t(z: Any, df: Any) -> Any:
    return -betaln(df / 2, 0.5) - 0.5 * np.log(df) - (df + 1) / 2 * np.log1p(z * z / df)


def _t_inverse(q: Any, df: Any) -> Any:
    return np.where(q == 0, -stdtrit(df, 1 - q), stdtrit(df, q))


def _cauchy_inverse(q: Any) -> Any:
    right = q > 0.5
    tangent = np.tan(math.pi * np.where(right, 1 - q, q))
    return np.where(right, 1.0, -1.0) / tangent


def _half_cauchy_inverse(q: Any) -> Any:
    right = q > 0.5
    tangent = np.tan(math.pi / 2 * np.where(right, 1 - q, q))
    return np.where(right, 1 / np.where(right, tangent, 1.0), tangent)


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


def _log_f(z: Any, m: Any, n: Any) -> Any:
    powers = m / 2 * np.log(m) + n / 2 * np.log(n) + xlogy(m / 2 - 1, z)
    return powers - (m + n) / 2 * np.log(n + m * z) - betaln(m / 2, n / 2)


def _inverse_gaussian(z: Any, mu: Any, side: float) -> Any:
    """Return the logarithms of both terms of the distribution function, or of the survival."""
    root = np.sqrt(z)
    return log_ndtr(side * (z / mu - 1) / root), 2 / mu + log_ndtr(-(z / mu + 1) / root)


def _inverse_gaussian_log_survival(z: Any, mu: Any) -> Any:
    first, second = _inverse_gaussian(z, mu, -1.0)
    return first + np.log1p(-np.exp(second - first))


CONTINUOUS: dict[str, Family] = {
    # On the whole line.
    "norm": Family(
        _normal,
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
        inverse=_cauchy_inverse,
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
        lambda z, a: LN2 + _normal(z) + log_ndtr(a * z),
        ("a",),
        cdf=lambda z, a: np.maximum(_skewnorm_share(z, a), 0.0),
        survival=lambda z, a: np.maximum(_skewnorm_share(-z, -a), 0.0),
        log_cdf=lambda z, a: _log_unless_lost(_skewnorm_share(z, a)),
        log_survival=lambda z, a: _log_unless_lost(_skewnorm_share(-z, -a)),
        valid=lambda a: np.isfinite(a),
    ),
    "johnsonsu": Family(
        lambda z, a, b: _normal(a + b * np.arcsinh(z)) + np.log(b) - 0.5 * np.log1p(z * z),
        ("a", "b"),
        cdf=lambda z, a, b: ndtr(a + b * np.arcsinh(z)),
        survival=lambda z, a, b: ndtr(-a - b * np.arcsinh(z)),
        valid=lambda a, b: b > 0,
    ),
    "gennorm": Family(
        lambda z, beta: np.log(beta) - LN2 - gammaln(1 / beta) - abs(z) ** beta, ("beta",)
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
        lambda z, a, b: _normal(z) - _log_mass(a, b),
        ("a", "b"),
        support=lambda a, b: (a, b),
        log_cdf=lambda z, a, b: _log_mass(a, z) - _log_mass(a, b),
        log_survival=lambda z, a, b: _log_mass(z, b) - _log_mass(a, b),
        valid=lambda a, b: a < b,
    ),
    "genextreme": Family(
        lambda z, c: -np.exp(_stretched(z, -c) * -1) - (1 - c) * _stretched(z, -c),
        ("c",),
        support=lambda c: (
            np.where(c < 0, 1 / np.where(c < 0, c, -1.0), -INF),
            np.where(c > 0, 1 / np.where(c > 0, c, 1.0), INF),
        ),
        log_cdf=lambda z, c: -np.exp(-_stretched(z, -c)),
        valid=lambda c: np.isfinite(c),
    ),
    # Of positive numbers.
    "expon": Family(
        lambda z: -z,
        support=POSITIVE,
        cdf=lambda z: -np.expm1(-z),
        survival=lambda z: np.exp(-z),
        log_survival=lambda z: -z,
        inverse=lambda q: -np.log1p(-q),
        inverse_survival=lambda q: -np.log(q),
    ),
    "gamma": Family(
        lambda z, a: xlogy(a - 1, z) - z - gammaln(a),
        ("a",),
        support=POSITIVE,
        cdf=lambda z, a: gammainc(a, z),
        survival=lambda z, a: gammaincc(a, z),
        inverse=lambda q, a: gammaincinv(a, q),
        inverse_survival=lambda q, a: gammainccinv(a, q),
    ),
    "invgamma": Family(
        lambda z, a: -(a + 1) * np.log(z) - gammaln(a) - 1 / z,
        ("a",),
        support=POSITIVE,
        cdf=lambda z, a: gammaincc(a, 1 / z),
        survival=lambda z, a: gammainc(a, 1 / z),
        inverse=lambda q, a: 1 / gammainccinv(a, q),
        inverse_survival=lambda q, a: 1 / gammaincinv(a, q),
        vanishes=True,
    ),
    "chi2": Family(
        lambda z, df: xlogy(df / 2 - 1, z) - z / 2 - gammaln(df / 2) - LN2 * df / 2,
        ("df",),
        support=POSITIVE,
        cdf=lambda z, df: chdtr(df, z),
        survival=lambda z, df: chdtrc(df, z),
    ),
    "chi": Family(
        lambda z, df: LN2 - LN2 * df / 2 - gammaln(df / 2) + xlogy(df - 1, z) - 0.5 * z * z,
        ("df",),
        support=POSITIVE,
        cdf=lambda z, df: gammainc(df / 2, 0.5 * z * z),
        survival=lambda z, df: gammaincc(df / 2, 0.5 * z * z),
    ),
    "f": Family(
        _log_f,
        ("dfn", "dfd"),
        support=POSITIVE,
        cdf=lambda z, m, n: fdtr(m, n, z),
        survival=lambda z, m, n: fdtrc(m, n, z),
    ),
    "lognorm": Family(
        lambda z, s: _normal(np.log(z) / s) - np.log(s * z),
        ("s",),
        support=POSITIVE,
        cdf=lambda z, s: ndtr(np.log(z) / s),
        survival=lambda z, s: ndtr(-np.log(z) / s),
        log_cdf=lambda z, s: log_ndtr(np.log(z) / s),
        log_survival=lambda z, s: log_ndtr(-np.log(z) / s),
        inverse=lambda q, s: np.exp(s * ndtri(q)),
        inverse_survival=lambda q, s: np.exp(-s * ndtri(q)),
        vanishes=True,
    ),
    "weibull_min": Family(
        lambda z, c: np.log(c) + xlogy(c - 1, z) - z**c,
        ("c",),
        support=POSITIVE,
        cdf=lambda z, c: -np.expm1(-(z**c)),
        survival=lambda z, c: np.exp(-(z**c)),
        log_survival=lambda z, c: -(z**c),
        inverse=lambda q, c: (-np.log1p(-q)) ** (1 / c),
        inverse_survival=lambda q, c: (-np.log(q)) ** (1 / c),
    ),
    "halfnorm": Family(
        lambda z: LN2 + _normal(z),
        support=POSITIVE,
        cdf=lambda z: erf(z / math.sqrt(2)),
        survival=lambda z: 2 * ndtr(-z),
        inverse=lambda q: ndtri((1 + q) / 2),
        inverse_survival=lambda q: -ndtri(q / 2),
    ),
    "halfcauchy": Family(
        lambda z: math.log(2 / math.pi) - np.log1p(z * z),
        support=POSITIVE,
        cdf=lambda z: 2 / math.pi * np.arctan(z),
        survival=lambda z: 2 / math.pi * np.arctan2(1.0, z),
        inverse=_half_cauchy_inverse,
        inverse_survival=lambda q: -_cauchy_inverse(q / 2),
    ),
    "rayleigh": Family(
        lambda z: np.log(z) - 0.5 * z * z,
        support=POSITIVE,
        cdf=lambda z: -np.expm1(-0.5 * z * z),
        survival=lambda z: np.exp(-0.5 * z * z),
        log_survival=lambda z: -0.5 * z * z,
        inverse=lambda q: np.sqrt(-2 * np.log1p(-q)),
        inverse_survival=lambda q: np.sqrt(-2 * np.log(q)),
    ),
    "maxwell": Family(
        lambda z: LN2 + 2 * np.log(z) + _normal(z),
        support=POSITIVE,
        cdf=lambda z: gammainc(1.5, 0.5 * z * z),
        survival=lambda z: gammaincc(1.5, 0.5 * z * z),
    ),
    "invgauss": Family(
        lambda z, mu: _normal((z / mu - 1) / np.sqrt(z)) - 1.5 * np.log(z),
        ("mu",),
        support=POSITIVE,
        log_cdf=lambda z, mu: np.logaddexp(*_inverse_gaussian(z, mu, 1.0)),
        log_survival=_inverse_gaussian_log_survival,
        vanishes=True,
    ),
    "fisk": Family(
        lambda z, c: np.log(c) + xlogy(c - 1, z) - 2 * np.log1p(z**c),
        ("c",),
        support=POSITIVE,
        cdf=lambda z, c: 1 / (1 + z**-c),
        survival=lambda z, c: 1 / (1 + z**c),
    ),
    "lomax": Family(
        lambda z, c: np.log(c) - (c + 1) * np.log1p(z),
        ("c",),
        support=POSITIVE,
        cdf=lambda z, c: -np.expm1(-c * np.log1p(z)),
        log_survival=lambda z, c: -c * np.log1p(z),
    ),
    "gompertz": Family(
        lambda z, c: np.log(c) + z - c * np.expm1(z),
        ("c",),
        support=POSITIVE,
        cdf=lambda z, c: -np.expm1(-c * np.expm1(z)),
        log_survival=lambda z, c: -c * np.expm1(z),
    ),
    "betaprime": Family(
        lambda z, a, b: xlogy(a - 1, z) - xlog1py(a + b, z) - betaln(a, b),
        ("a", "b"),
        support=POSITIVE,
        cdf=lambda z, a, b: betainc(a, b, z / (1 + z)),
        survival=lambda z, a, b: betainc(b, a, 1 / (1 + z)),
    ),
    "levy": Family(
        lambda z: -LN_SQRT_2PI - 1.5 * np.log(z) - 0.5 / z,
        support=POSITIVE,
        cdf=lambda z: erfc(np.sqrt(0.5 / z)),
        survival=lambda z: erf(np.sqrt(0.5 / z)),
        vanishes=True,
    ),
    "genpareto": Family(
        lambda z, c: -(1 + c) * _stretched(z, c),
        ("c",),
        support=lambda c: (0.0, np.where(c < 0, -1 / np.where(c < 0, c, -1.0), INF)),
        cdf=lambda z, c: -np.expm1(-_stretched(z, c)),
        log_survival=lambda z, c: -_stretched(z, c),
        valid=lambda c: np.isfinite(c),
    ),
    "pareto": Family(
        lambda z, b: np.log(b) - (b + 1) * np.log(z),
        ("b",),
        support=(1.0, INF),
        cdf=lambda z, b: 1 - z**-b,
        survival=lambda z, b: z**-b,
        log_survival=lambda z, b: -b * np.log(z),
        inverse=lambda q, b: (1 - q) ** (-1 / b),
        inverse_survival=lambda q, b: q ** (-1 / b),
    ),
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
