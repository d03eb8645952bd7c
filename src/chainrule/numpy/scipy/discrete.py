"""The discrete distributions of scipy.stats, of whole numbers k: see `distributions`."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.numpy.scipy.families import INF, POSITIVE, Family
from chainrule.operations.distribution_functions import betainc, betaincc, pdtr, pdtrc
from chainrule.operations.gamma_functions import betaln, gammaln
from chainrule.operations.special import xlog1py, xlogy

__all__ = ["DISCRETE"]


def _is_share(p: Any) -> Any:
    return (p >= 0) & (p <= 1)


def _log_binomial(k: Any, n: Any, p: Any) -> Any:
    ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return ways + xlogy(k, p) + xlog1py(n - k, -p)


def _log_beta_binomial(k: Any, n: Any, a: Any, b: Any) -> Any:
    ways = -np.log(n + 1) - betaln(n - k + 1, k + 1)
    return ways + betaln(k + a, n - k + b) - betaln(a, b)


def _log_negative_binomial(k: Any, n: Any, p: Any) -> Any:
    ways = gammaln(n + k) - gammaln(k + 1) - gammaln(n)
    return ways + n * np.log(p) + xlog1py(k, -p)


DISCRETE: dict[str, Family] = {
    "bernoulli": Family(
        lambda k, p: xlogy(k, p) + xlog1py(1 - k, -p),
        ("p",),
        support=(0.0, 1.0),
        cdf=lambda k, p: np.where(k >= 1, 1.0, 1 - p),
        valid=_is_share,
    ),
    "binom": Family(
        _log_binomial,
        ("n", "p"),
        support=lambda n, p: (0.0, n),
        cdf=lambda k, n, p: np.where(k < n, betaincc(k + 1, np.where(k < n, n - k, 1.0), p), 1.0),
        survival=lambda k, n, p: np.where(
            k < n, betainc(k + 1, np.where(k < n, n - k, 1.0), p), 0.0
        ),
        valid=lambda n, p: (n >= 0) & _is_share(p),
    ),
    "betabinom": Family(
        _log_beta_binomial,
        ("n", "a", "b"),
        support=lambda n, a, b: (0.0, n),
        valid=lambda n, a, b: (n >= 0) & (a > 0) & (b > 0),
    ),
    "poisson": Family(
        lambda k, mu: xlogy(k, mu) - gammaln(k + 1) - mu,
        ("mu",),
        support=POSITIVE,
        cdf=lambda k, mu: pdtr(k, mu),
        survival=lambda k, mu: pdtrc(k, mu),
        valid=lambda mu: mu >= 0,
    ),
    "geom": Family(
        lambda k, p: xlog1py(k - 1, -p) + np.log(p),
        ("p",),
        support=(1.0, INF),
        cdf=lambda k, p: -np.expm1(np.log1p(-p) * k),
        log_survival=lambda k, p: np.log1p(-p) * k,
        valid=lambda p: (p > 0) & (p <= 1),
    ),
    "nbinom": Family(
        _log_negative_binomial,
        ("n", "p"),
        support=POSITIVE,
        cdf=lambda k, n, p: betainc(n, k + 1, p),
        survival=lambda k, n, p: betaincc(n, k + 1, p),
        valid=lambda n, p: (n > 0) & (p > 0) & (p <= 1),
    ),
    "logser": Family(
        lambda k, p: k * np.log(p) - np.log(k) - np.log(-np.log1p(-p)),
        ("p",),
        support=(1.0, INF),
        valid=lambda p: (p > 0) & (p < 1),
    ),
}
