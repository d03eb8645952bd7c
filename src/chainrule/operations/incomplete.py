"""Derivatives of the incomplete gamma and beta integrals by their shape parameters.

A density is a power of its shape parameters, so that a derivative by them multiplies it with
logarithms: of the gamma density by a, with ``log(t) - digamma(a)``. That changes its sign at one t,
and the integral over all t is 0. So the integral over that side of the end where the sign stays is
the derivative, without cancellation. It is found by double exponential quadrature (H. Takahasi and
M. Mori, "Double exponential formulas for numerical integration", 1974) of the logarithm of t, or of
its odds: first derivatives are within 1e-10 of mpmath's, relatively, from shapes of 0.001 to some
thousands (`tests/operations/test_incomplete.py`).
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

__all__ = ["beta_by_shapes", "factor_of_density", "gamma_by_shape"]

_Numbers: TypeAlias = Any  # arrays of float64
_STEP = 1 / 12
_AT_ONCE = 4096  # entries, whose nodes are in memory together


def gamma_by_shape(a: Any, x: Any, n: int) -> Any:
    """Return the n-th derivative of ``gammainc(a, x)`` by a."""
    return _in_blocks(functools.partial(_gamma, n=n), a, x)


def beta_by_shapes(a: Any, b: Any, x: Any, i: int, j: int) -> Any:
    """Return a derivative of ``betainc(a, b, x)``: i times by a, j times by b."""
    return _in_blocks(functools.partial(_beta, i=i, j=j), a, b, x)


def factor_of_density(i: int, j: int, of_log: Callable[[int, int], Any]) -> Any:
    """Return by what derivatives of a density multiply it: i times by a, j times by b.

    Args:
        i: how often by the first.
        j: how often by the second.
        of_log: the derivatives of its logarithm, likewise; not both are 0.
    """
    if i == j == 0:
        return 1.0
    k, m = (i - 1, j) if i else (i, j - 1)  # the rest, of a product of the factor and a slope
    return sum(
        math.comb(k, p)
        * math.comb(m, q)
        * factor_of_density(k - p, m - q, of_log)
        * of_log(p + (1 if i else 0), q + (0 if i else 1))
        for p in range(k + 1)
        for q in range(m + 1)
    )


def _in_blocks(f: Callable[..., _Numbers], *operands: Any) -> Any:
    """Compute a function of entries, in double precision, of not too many of them at once."""
    dtype = np.result_type(*operands)
    given = np.broadcast_arrays(*(np.asarray(x, np.float64) for x in operands))
    flat = [x.ravel() for x in given]
    blocks = range(0, flat[0].size, _AT_ONCE)
    with np.errstate(all="ignore"):
        found = [f(*(x[k : k + _AT_ONCE, None] for x in flat)) for k in blocks]
    y = np.concatenate([np.empty(0), *found]).reshape(given[0].shape)
    return y.astype(dtype if dtype.kind == "f" else np.float64)[()]


def _special(name: str) -> Any:
    return getattr(importlib.import_module("scipy.special"), name)


# The integrals. Operands are columns, and the nodes go along the rows.


def _gamma(a: _Numbers, x: _Numbers, n: int) -> _Numbers:
    slope = np.log(x) - _special("digamma")(a)
    lower = slope < 0
    sign = np.where(lower, -1.0, 1.0)  # where the integral goes on from x
    further = [_special("polygamma")(k, a) for k in range(1, n)]

    def integrand(u: _Numbers) -> _Numbers:
        u = sign * u
        factor = factor_of_density(n, 0, lambda k, _: slope + u if k == 1 else -further[k - 2])
        return np.exp(a * u - x * np.expm1(np.minimum(u, 700.0))) * factor

    middle = np.where(lower, 0.0, np.maximum(0.0, -np.log(x)))
    start: _Numbers = np.where(lower, x, np.maximum(x, 1.0))
    width = 1 / (np.abs(a - start) + np.sqrt(start))
    y = -sign * np.exp(_log_of_gamma(a, x)) * _integral(integrand, middle, width)
    inside = (x > 0) & (x < np.inf)
    return np.where(inside[:, 0], y[:, 0], np.where(a > 0, 0.0, np.nan)[:, 0])


def _beta(a: _Numbers, b: _Numbers, x: _Numbers, i: int, j: int) -> _Numbers:
    digamma, polygamma = _special("digamma"), _special("polygamma")
    rest = 1 - x
    log_x = np.where(x < 0.5, np.log(x), np.log1p(-rest))
    log_rest = np.where(rest < 0.5, np.log(rest), np.log1p(-x))
    both = digamma(a + b)
    by_a, by_b = log_x + both - digamma(a), log_rest + both - digamma(b)
    lower = by_a < 0 if i else by_b > 0
    turned = np.where(lower, log_x - log_rest, log_rest - log_x)
    near, far = np.where(lower, x, rest), np.where(lower, rest, x)
    power: _Numbers = np.where(lower, a, b)
    mixed, of_a, of_b = ([polygamma(k, s) for k in range(1, i + j)] for s in (a + b, a, b))

    def integrand(u: _Numbers) -> _Numbers:
        close = np.log1p(near * np.expm1(-np.minimum(u, 1.0)))
        total = np.where(u < 1, close, np.log(far + near * np.exp(-u)))

        def of_log(k: int, m: int) -> Any:
            if k + m == 1:
                shift = np.where(lower, u, 0.0) if k else np.where(lower, 0.0, u)
                return (by_a if k else by_b) - total - shift
            own = of_b if k == 0 else of_a if m == 0 else None
            return mixed[k + m - 2] - (0.0 if own is None else own[k + m - 2])

        return np.exp(-power * u - (a + b) * total) * factor_of_density(i, j, of_log)

    odds = np.maximum(1.0, power)
    middle = np.maximum(0.0, turned - np.log(odds))
    start = np.where(middle > 0, odds / (1 + odds), near)
    decay = 1 / np.abs(power - (a + b) * start)
    width = np.minimum(decay, np.maximum(1 / np.sqrt((a + b) * start * (1 - start)), 1 / power))
    y = np.exp(_log_of_beta(a, b, x, rest)) * _integral(integrand, middle, width)
    inside = (x > 0) & (rest > 0)
    at_the_ends = np.where((a > 0) & (b > 0), 0.0, np.nan)
    return np.where(inside, np.where(lower, y, -y), at_the_ends)[:, 0]


def _integral(f: Callable[[_Numbers], _Numbers], middle: _Numbers, width: _Numbers) -> _Numbers:
    """Return the integral of f from 0 on, that has poles around the middle, and then a width."""
    (x, w), (u, v) = _nodes()
    y = np.sum(v * f(middle + width * u), axis=1, keepdims=True) * width
    long = middle[:, 0] > 0
    if np.any(long):
        y += np.sum(w * f(middle * x), axis=1, keepdims=True) * middle
    return y


@functools.cache
def _nodes() -> tuple[tuple[_Numbers, _Numbers], tuple[_Numbers, _Numbers]]:
    """Return nodes and weights for the interval from 0 to 1, and for that from 0 to infinity."""
    t = np.arange(-3.8, 3.8, _STEP)
    x = 1 / (1 + np.exp(-math.pi * np.sinh(t)))
    w = math.pi * np.cosh(t) * x * (1 / (1 + np.exp(math.pi * np.sinh(t))))
    t = np.arange(-3.6, 4.6, _STEP)
    u = np.exp(t - np.exp(-t))
    return (x, w * _STEP), (u, u * (1 + np.exp(-t)) * _STEP)


# The densities at the end of the integral, times x, and times ``x * (1 - x)``: as differences from
# the mode, for the parts of large shapes cancel each other.


def _log_of_gamma(a: _Numbers, x: _Numbers) -> _Numbers:
    large = np.where(a > 10, a, 20.0)
    off = (x - large) / large
    of_large = large * (_log_ratio(x / large, off) - off) + 0.5 * np.log(large / (2 * math.pi))
    direct = a * np.log(x) - x - _special("gammaln")(a)
    return np.where(a > 10, of_large - _stirling(large), direct)


def _log_of_beta(a: _Numbers, b: _Numbers, x: _Numbers, rest: _Numbers) -> _Numbers:
    is_large = np.minimum(a, b) > 10
    p, q = np.where(is_large, a, 20.0), np.where(is_large, b, 20.0)
    n = p + q
    off = (x * q - rest * p) / n
    of_large = p * _log_ratio(x * n / p, off * n / p) + q * _log_ratio(rest * n / q, -off * n / q)
    of_large += 0.5 * np.log(p * q / (2 * math.pi * n))
    of_large += _stirling(n) - _stirling(p) - _stirling(q)
    direct = a * np.log(x) + b * np.log(rest) - _special("betaln")(a, b)
    return np.where(is_large, of_large, direct)


def _log_ratio(ratio: _Numbers, off: _Numbers) -> _Numbers:
    """Return the logarithm of a ratio, which is 1 but for an offset."""
    return np.where(np.abs(off) < 0.5, np.log1p(off), np.log(ratio))


def _stirling(a: _Numbers) -> _Numbers:
    """Return what Stirling's formula leaves of ``log(gamma(a))``, for ``a > 10`` (DLMF 5.11.1)."""
    r = 1 / (a * a)
    series = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
    y: Any = 0.0
    for c in reversed(series):
        y = c + r * y
    return y / a
