"""What is known of a distribution's standard form.

``z`` is the number less the location, divided by the scale. Where a distribution function is left
out, it is made of the others (`chainrule.numpy.scipy.statistics`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "INF",
    "LN2",
    "LN_SQRT_2PI",
    "POSITIVE",
    "Family",
    "cauchy_inverse",
    "normal",
    "stretched",
]

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


def normal(z: Any) -> Any:
    """Return the logarithm of the density of the bell curve."""
    return -0.5 * z * z - LN_SQRT_2PI


def stretched(z: Any, c: Any) -> Any:
    """Return ``log1p(c * z) / c``: its series where that is nearly 0 / 0."""
    t = c * z
    near = abs(t) < 0.02
    series: Any = 0.0
    small = np.where(near, t, 0.0)
    for k in range(9, 0, -1):
        series = 1 / k - small * series
    return np.where(near, z * series, np.log1p(np.where(near, 1.0, t)) / np.where(near, 1.0, c))


def cauchy_inverse(q: Any) -> Any:
    """Return the inverse of the distribution function of the Cauchy distribution."""
    right = q > 0.5
    tangent = np.tan(math.pi * np.where(right, 1 - q, q))
    return np.where(right, 1.0, -1.0) / tangent
