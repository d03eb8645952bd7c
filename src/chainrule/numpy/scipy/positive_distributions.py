"""The continuous distributions of positive numbers in scipy.stats."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.numpy.scipy.families import (
    INF,
    LN2,
    LN_SQRT_2PI,
    POSITIVE,
    Family,
    cauchy_inverse,
    normal,
    stretched,
)
from chainrule.operations.distribution_functions import (
    betainc,
    chdtr,
    chdtrc,
    fdtr,
    fdtrc,
    gammainc,
    gammaincc,
    gammainccinv,
    gammaincinv,
)
from chainrule.operations.elementwise import sigmoid
from chainrule.operations.error_functions import erf, erfc, log_ndtr, ndtr, ndtri
from chainrule.operations.gamma_functions import betaln, gammaln
from chainrule.operations.special import xlog1py, xlogy

__all__ = ["OF_POSITIVE_NUMBERS"]


def _half_cauchy_inverse(q: Any) -> Any:
    right = q > 0.5
    tangent = np.tan(math.pi / 2 * np.where(right, 1 - q, q))
    return np.where(right, 1 / np.where(right, tangent, 1.0), tangent)


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


OF_POSITIVE_NUMBERS: dict[str, Family] = {
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
        lambda z, s: normal(np.log(z) / s) - np.log(s * z),
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
    "invweibull": Family(
        lambda z, c: np.log(c) - (c + 1) * np.log(z) - z**-c,
        ("c",),
        support=POSITIVE,
        log_cdf=lambda z, c: -(z**-c),
        survival=lambda z, c: -np.expm1(-(z**-c)),
        vanishes=True,
    ),
    "nakagami": Family(
        lambda z, nu: LN2 + xlogy(nu, nu) - gammaln(nu) + xlogy(2 * nu - 1, z) - nu * z * z,
        ("nu",),
        support=POSITIVE,
        cdf=lambda z, nu: gammainc(nu, nu * z * z),
        survival=lambda z, nu: gammaincc(nu, nu * z * z),
    ),
    "burr12": Family(
        lambda z, c, d: np.log(c) + np.log(d) + xlogy(c - 1, z) - (d + 1) * np.log1p(z**c),
        ("c", "d"),
        support=POSITIVE,
        cdf=lambda z, c, d: -np.expm1(-d * np.log1p(z**c)),
        log_survival=lambda z, c, d: -d * np.log1p(z**c),
    ),
    "halflogistic": Family(
        lambda z: LN2 - z - 2 * np.log1p(np.exp(-z)),
        support=POSITIVE,
        cdf=lambda z: np.tanh(z / 2),
        survival=lambda z: 2 * sigmoid(-z),
    ),
    "halfnorm": Family(
        lambda z: LN2 + normal(z),
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
        inverse_survival=lambda q: -cauchy_inverse(q / 2),
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
        lambda z: LN2 + 2 * np.log(z) + normal(z),
        support=POSITIVE,
        cdf=lambda z: gammainc(1.5, 0.5 * z * z),
        survival=lambda z: gammaincc(1.5, 0.5 * z * z),
    ),
    "invgauss": Family(
        lambda z, mu: normal((z / mu - 1) / np.sqrt(z)) - 1.5 * np.log(z),
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
        lambda z, c: -(1 + c) * stretched(z, c),
        ("c",),
        support=lambda c: (0.0, np.where(c < 0, -1 / np.where(c < 0, c, -1.0), INF)),
        cdf=lambda z, c: -np.expm1(-stretched(z, c)),
        log_survival=lambda z, c: -stretched(z, c),
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
}
