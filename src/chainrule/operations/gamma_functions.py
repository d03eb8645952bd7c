"""The gamma function, its logarithm and its derivatives, the beta function, and their integrals.

The incomplete functions have derivatives by their last operand, the end of the integral.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.core.domain import POSITIVE, Interval
from chainrule.core.kinds import elementwise
from chainrule.core.operation import Operation
from chainrule.core.traits import Traits
from chainrule.operations.elementwise import (
    cos,
    exp,
    greater,
    less,
    log,
    log1p,
    logical_and,
    sin,
    where,
)
from chainrule.operations.special import UNIT, of_order, special, xlog1py, xlogy


def _polygamma(x: Any, n: int) -> Any:
    from scipy.special import polygamma as compute

    y = np.asarray(compute(n, x))
    dtype = getattr(x, "dtype", y.dtype)
    return y.astype(dtype, copy=False)[()]


gamma = special(
    "gamma",
    d=lambda x, y: y * digamma(x),
    numpy=("scipy.special.gamma", "math.gamma"),
    singular=True,
    domain=POSITIVE,
)
gammaln = special(
    "gammaln",
    d=lambda x, y: digamma(x),
    numpy=("scipy.special.gammaln", "math.lgamma"),
    singular=True,
    domain=POSITIVE,
)
loggamma = special("loggamma", d=lambda x, y: digamma(x), singular=True, domain=POSITIVE)


def _rgamma_slope(x: Any, y: Any) -> Any:
    # By reflection on the left, where digamma has poles and this has none.
    left = less(x, 0.5)
    t = where(left, x, 0.0)
    turned = gamma(1 - t) * (cos(math.pi * t) - sin(math.pi * t) * digamma(1 - t) / math.pi)
    return where(left, turned, -y * digamma(where(left, 1.0, x)))


rgamma = special("rgamma", d=_rgamma_slope, singular=True, domain=POSITIVE)
gammasgn = special("gammasgn", d=0, kinked=True, domain=POSITIVE)
digamma: Operation = special(
    "digamma",
    d=lambda x, y: polygamma(x, n=1),
    numpy=("scipy.special.digamma", "scipy.special.psi"),
    singular=True,
    domain=POSITIVE,
)
polygamma: Operation = elementwise(
    "polygamma",
    _polygamma,
    d=lambda x, y, n: polygamma(x, n=n + 1),
    singular=True,
    domain=POSITIVE,
    numpy="scipy.special.polygamma",
    source="scipy.special.polygamma({n}, {0})",
)
#: Hurwitz's, of ``x > 1``: the sum of ``(k + q) ** -x``.
zeta: Operation = of_order(
    "zeta", 1, lambda x, q, y: -x * zeta(x + 1, q), singular=True, domain=POSITIVE
)

# Quotients of gamma functions.


def _digamma_step(a: Any, d: Any) -> Any:
    """Return ``digamma(a + d) - digamma(a)``: of large a, where both are nearly equal, a series."""
    large = logical_and(greater(a, 1e5), greater(a + d, 1e5))
    s, e = where(large, a, 2.0), where(large, d, 1.0)
    t = s + e
    series = log1p(e / s) + e / (2 * s * t) + e * (s + t) / (12 * (s * t) ** 2)
    return where(large, series, digamma(where(large, 1.0, a + d)) - digamma(where(large, 1.0, a)))


beta = special(
    "beta",
    d=(
        lambda a, b, y: -y * _digamma_step(a, b),
        lambda a, b, y: -y * _digamma_step(b, a),
    ),
    singular=True,
    domain=POSITIVE,
    commutes=True,
)
betaln = special(
    "betaln",
    d=(
        lambda a, b, y: -_digamma_step(a, b),
        lambda a, b, y: -_digamma_step(b, a),
    ),
    singular=True,
    domain=POSITIVE,
    commutes=True,
)
poch = special(
    "poch",
    d=(
        lambda z, m, y: y * _digamma_step(z, m),
        lambda z, m, y: y * digamma(z + m),
    ),
    singular=True,
    domain=POSITIVE,
)
binom = special(
    "binom",
    d=(
        lambda n, k, y: y * _digamma_step(n - k + 1, k),
        lambda n, k, y: y * (digamma(n - k + 1) - digamma(k + 1)),
    ),
    singular=True,
    domain=(Interval(3, 6), Interval(0.3, 2.7)),
)

# Incomplete integrals: the derivative by the end is the integrand there.


def _gamma_density(a: Any, x: Any) -> Any:
    return exp(xlogy(a - 1, x) - x - gammaln(a))


def _beta_density(a: Any, b: Any, x: Any) -> Any:
    return exp(xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b))


_END: Traits = {"singular": True, "domain": POSITIVE}
_SHARE: Traits = {"singular": True, "domain": UNIT}
gammainc = of_order("gammainc", 1, lambda a, x, y: _gamma_density(a, x), **_END)
gammaincc = of_order("gammaincc", 1, lambda a, x, y: -_gamma_density(a, x), **_END)
gammaincinv = of_order("gammaincinv", 1, lambda a, p, x: 1 / _gamma_density(a, x), **_SHARE)
gammainccinv = of_order("gammainccinv", 1, lambda a, p, x: -1 / _gamma_density(a, x), **_SHARE)
betainc = of_order("betainc", 2, lambda a, b, x, y: _beta_density(a, b, x), **_SHARE)
betaincc = of_order("betaincc", 2, lambda a, b, x, y: -_beta_density(a, b, x), **_SHARE)
betaincinv = of_order("betaincinv", 2, lambda a, b, p, x: 1 / _beta_density(a, b, x), **_SHARE)
betainccinv = of_order("betainccinv", 2, lambda a, b, p, x: -1 / _beta_density(a, b, x), **_SHARE)

# Distribution functions, by their last operand.


def _t_density(n: Any, t: Any) -> Any:
    return exp(-0.5 * (n + 1) * log1p(t * t / n) - 0.5 * log(n) - betaln(0.5, n / 2))


def _f_density(m: Any, n: Any, x: Any) -> Any:
    share = m * x / (m * x + n)
    return _beta_density(m / 2, n / 2, share) * m * n / (m * x + n) ** 2


def _binomial_density(k: Any, n: Any, p: Any) -> Any:
    return _beta_density(np.floor(k) + 1, n - np.floor(k), p)


stdtr = of_order("stdtr", 1, lambda n, t, y: _t_density(n, t))
stdtrit = of_order("stdtrit", 1, lambda n, p, t: 1 / _t_density(n, t), domain=UNIT)
chdtr = of_order("chdtr", 1, lambda n, x, y: _gamma_density(n / 2, x / 2) / 2, **_END)
chdtrc = of_order("chdtrc", 1, lambda n, x, y: -_gamma_density(n / 2, x / 2) / 2, **_END)
fdtr = of_order("fdtr", 2, lambda m, n, x, y: _f_density(m, n, x), **_END)
fdtrc = of_order("fdtrc", 2, lambda m, n, x, y: -_f_density(m, n, x), **_END)
pdtr = of_order("pdtr", 1, lambda k, m, y: -_gamma_density(np.floor(k) + 1, m), **_END)
pdtrc = of_order("pdtrc", 1, lambda k, m, y: _gamma_density(np.floor(k) + 1, m), **_END)
bdtr = of_order("bdtr", 2, lambda k, n, p, y: -_binomial_density(k, n, p), **_SHARE)
bdtrc = of_order("bdtrc", 2, lambda k, n, p, y: _binomial_density(k, n, p), **_SHARE)
chdtri = of_order("chdtri", 1, lambda n, p, x: -2 / _gamma_density(n / 2, x / 2), **_SHARE)
fdtri = of_order("fdtri", 2, lambda m, n, p, x: 1 / _f_density(m, n, x), **_SHARE)
pdtri = of_order("pdtri", 1, lambda k, p, m: -1 / _gamma_density(np.floor(k) + 1, m), **_SHARE)
bdtri = of_order("bdtri", 2, lambda k, n, q, p: -1 / _binomial_density(k, n, p), **_SHARE)
nbdtr = of_order("nbdtr", 2, lambda k, n, p, y: _beta_density(n, k + 1, p), **_SHARE)
nbdtrc = of_order("nbdtrc", 2, lambda k, n, p, y: -_beta_density(n, k + 1, p), **_SHARE)
nbdtri = of_order("nbdtri", 2, lambda k, n, q, p: 1 / _beta_density(n, k + 1, p), **_SHARE)
