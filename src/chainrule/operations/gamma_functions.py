"""The gamma function, its logarithm and its derivatives, and the beta function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.core.domain import POSITIVE, Interval
from chainrule.core.kinds import elementwise
from chainrule.core.operation import Operation
from chainrule.operations.elementwise import (
    cos,
    greater,
    less,
    log1p,
    logical_and,
    sin,
    where,
)
from chainrule.operations.special import of_order, special


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
