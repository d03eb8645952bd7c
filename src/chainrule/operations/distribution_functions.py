"""Integrals of the gamma and the beta density, and the distribution functions that these are.

They have derivatives by the end of the integral, which is their last operand, and by shape
parameters (`incomplete`); by a number of events, which is an integer, none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.domain import POSITIVE, REAL, Interval, example
from chainrule.core.kinds import elementwise
from chainrule.core.operation import Operation
from chainrule.core.traits import Traits
from chainrule.operations.elementwise import exp, less, log, log1p, sign, where
from chainrule.operations.gamma_functions import betaln, digamma, gammaln, polygamma
from chainrule.operations.incomplete import beta_by_shapes, factor_of_density, gamma_by_shape
from chainrule.operations.special import UNIT, of_order, special, xlog1py, xlogy

_SHAPE = Interval(0.6, 4)
_END: Traits = {"singular": True, "domain": (_SHAPE, POSITIVE)}
_SHARE: Traits = {"singular": True, "domain": (_SHAPE, UNIT)}
_OF_END: Traits = {"singular": True, "domain": POSITIVE}
_OF_SHARE: Traits = {"singular": True, "domain": UNIT}
_BETA: Traits = {"singular": True, "domain": (_SHAPE, _SHAPE, UNIT)}

# Incomplete integrals: the derivative by the end is the integrand there.


def _gamma_density(a: Any, x: Any) -> Any:
    return exp(xlogy(a - 1, x) - x - gammaln(a))


def _beta_density(a: Any, b: Any, x: Any) -> Any:
    return exp(xlogy(a - 1, x) + xlog1py(b - 1, -x) - betaln(a, b))


def _gamma_slope_by_x(a: Any, x: Any, y: Any, n: int) -> Any:
    def of_log(k: int, _: int) -> Any:
        return log(x) - digamma(a) if k == 1 else -polygamma(a, n=k - 1)

    return _gamma_density(a, x) * factor_of_density(n, 0, of_log)


def _beta_slope_by_x(a: Any, b: Any, x: Any, y: Any, i: int, j: int) -> Any:
    def of_log(k: int, m: int) -> Any:
        both = polygamma(a + b, n=k + m - 1) if k + m > 1 else digamma(a + b)
        if k and m:
            return both
        own, power = (a, log(x)) if k else (b, log1p(-x))
        return both - polygamma(own, n=k + m - 1) if k + m > 1 else power + both - digamma(own)

    return _beta_density(a, b, x) * factor_of_density(i, j, of_log)


# Printed code integrates anew, over the logarithm of x / t.


class _Written(str):
    """A term of printed code."""

    def __mul__(self, other: Any) -> _Written:
        return _Written(f"{self} * {other}")

    def __rmul__(self, other: Any) -> _Written:
        return self if other == 1 else _Written(f"{other} * {self}")

    def __add__(self, other: Any) -> _Written:
        return _Written(f"({self} + {other})")

    def __radd__(self, other: Any) -> _Written:
        return self if other == 0 else _Written(f"({other} + {self})")


def _gamma_source(n: int) -> str:
    def of_log(k: int, _: int) -> Any:
        if k == 1:
            return _Written("(np.log({1}) - _u - scipy.special.digamma({0}))")
        return _Written(f"(-scipy.special.polygamma({k - 1}, {{0}}))")

    return (
        "scipy.integrate.quad_vec(lambda _u: np.exp({0} * (np.log({1}) - _u) - {1} * np.exp(-_u)"
        f" - scipy.special.gammaln({{0}})) * {factor_of_density(n, 0, of_log)}, 0, np.inf,"
        " epsrel=1e-12)[0]"
    )


def _beta_source(i: int, j: int) -> str:
    def of_log(k: int, m: int) -> Any:
        own, log_of = ("{0}", "np.log({2}) - _u") if k else ("{1}", "np.log1p(-{2} * np.exp(-_u))")
        if k + m == 1:
            psi = "scipy.special.digamma"
            return _Written(f"({log_of} + {psi}({{0}} + {{1}}) - {psi}({own}))")
        both = f"scipy.special.polygamma({k + m - 1}, {{0}} + {{1}})"
        alone = f"scipy.special.polygamma({k + m - 1}, {own})"
        return _Written(both if k and m else f"({both} - {alone})")

    return (
        "scipy.integrate.quad_vec(lambda _u: np.exp({0} * (np.log({2}) - _u)"
        " + ({1} - 1) * np.log1p(-{2} * np.exp(-_u)) - scipy.special.betaln({0}, {1}))"
        f" * {factor_of_density(i, j, of_log)}, 0, np.inf, epsrel=1e-12)[0]"
    )


#: The n-th derivative of gammainc by a.
gammainc_slope: Operation = elementwise(
    "gammainc_slope",
    gamma_by_shape,
    d=(lambda a, x, y, n: gammainc_slope(a, x, n=n + 1), _gamma_slope_by_x),
    examples=(example((), (), n=1), example((3,), (3,), n=2)),
    numpy=(),
    source=_gamma_source,
    singular=True,
    domain=(_SHAPE, POSITIVE),
)
#: The derivative of betainc, i times by a and j times by b.
betainc_slope: Operation = elementwise(
    "betainc_slope",
    beta_by_shapes,
    d=(
        lambda a, b, x, y, i, j: betainc_slope(a, b, x, i=i + 1, j=j),
        lambda a, b, x, y, i, j: betainc_slope(a, b, x, i=i, j=j + 1),
        _beta_slope_by_x,
    ),
    examples=(
        example((), (), (), i=1, j=0),
        example((2,), (2,), (2,), i=0, j=1),
        example((2,), (2,), (), i=1, j=1),
    ),
    numpy=(),
    source=_beta_source,
    singular=True,
    domain=(_SHAPE, _SHAPE, UNIT),
)


def _by_a(a: Any, b: Any, x: Any) -> Any:
    return betainc_slope(a, b, x, i=1, j=0)


def _by_b(a: Any, b: Any, x: Any) -> Any:
    return betainc_slope(a, b, x, i=0, j=1)


gammainc = special(
    "gammainc",
    d=(lambda a, x, y: gammainc_slope(a, x, n=1), lambda a, x, y: _gamma_density(a, x)),
    **_END,
)
gammaincc = special(
    "gammaincc",
    d=(lambda a, x, y: -gammainc_slope(a, x, n=1), lambda a, x, y: -_gamma_density(a, x)),
    **_END,
)
gammaincinv = special(
    "gammaincinv",
    d=(
        lambda a, p, x: -gammainc_slope(a, x, n=1) / _gamma_density(a, x),
        lambda a, p, x: 1 / _gamma_density(a, x),
    ),
    **_SHARE,
)
gammainccinv = special(
    "gammainccinv",
    d=(
        lambda a, p, x: -gammainc_slope(a, x, n=1) / _gamma_density(a, x),
        lambda a, p, x: -1 / _gamma_density(a, x),
    ),
    **_SHARE,
)
betainc = special(
    "betainc",
    d=(
        lambda a, b, x, y: _by_a(a, b, x),
        lambda a, b, x, y: _by_b(a, b, x),
        lambda a, b, x, y: _beta_density(a, b, x),
    ),
    **_BETA,
)
betaincc = special(
    "betaincc",
    d=(
        lambda a, b, x, y: -_by_a(a, b, x),
        lambda a, b, x, y: -_by_b(a, b, x),
        lambda a, b, x, y: -_beta_density(a, b, x),
    ),
    **_BETA,
)
betaincinv = special(
    "betaincinv",
    d=(
        lambda a, b, p, x: -_by_a(a, b, x) / _beta_density(a, b, x),
        lambda a, b, p, x: -_by_b(a, b, x) / _beta_density(a, b, x),
        lambda a, b, p, x: 1 / _beta_density(a, b, x),
    ),
    **_BETA,
)
betainccinv = special(
    "betainccinv",
    d=(
        lambda a, b, p, x: -_by_a(a, b, x) / _beta_density(a, b, x),
        lambda a, b, p, x: -_by_b(a, b, x) / _beta_density(a, b, x),
        lambda a, b, p, x: -1 / _beta_density(a, b, x),
    ),
    **_BETA,
)

# Distribution functions: by their last operand, and by degrees of freedom.


def _t_density(n: Any, t: Any) -> Any:
    return exp(-0.5 * (n + 1) * log1p(t * t / n) - 0.5 * log(n) - betaln(0.5, n / 2))


def _f_density(m: Any, n: Any, x: Any) -> Any:
    share = m * x / (m * x + n)
    return _beta_density(m / 2, n / 2, share) * m * n / (m * x + n) ** 2


def _share_slope(a: Any, b: Any, share: Any, rest: Any, k: int) -> Any:
    """Return the derivative of ``betainc(a, b, share)`` by its operand k, with the rest's digits.

    It is 1 less that of the rest, of turned shapes.
    """
    small = less(share, 0.5)
    x, turned = where(small, share, 0.5), where(small, 0.5, rest)
    of_share, of_rest = (_by_b, _by_a) if k else (_by_a, _by_b)
    return where(small, of_share(a, b, x), -of_rest(b, a, turned))


def _t_by_degrees(n: Any, t: Any, y: Any) -> Any:
    total = n + t * t  # what lies beyond t is half of the share n / total
    by_n = _share_slope(n / 2, 0.5, n / total, t * t / total, 0) / 4
    return -sign(t) * by_n - _t_density(n, t) * t / (2 * n)


def _f_by_m(m: Any, n: Any, x: Any, y: Any) -> Any:
    total = m * x + n
    by_m = _share_slope(m / 2, n / 2, m * x / total, n / total, 0) / 2
    return by_m + _f_density(m, n, x) * x / m


def _f_by_n(m: Any, n: Any, x: Any, y: Any) -> Any:
    total = m * x + n
    by_n = _share_slope(m / 2, n / 2, m * x / total, n / total, 1) / 2
    return by_n - _f_density(m, n, x) * x / n


def _binomial_density(k: Any, n: Any, p: Any) -> Any:
    return _beta_density(np.floor(k) + 1, n - np.floor(k), p)


stdtr = special("stdtr", d=(_t_by_degrees, lambda n, t, y: _t_density(n, t)), domain=(_SHAPE, REAL))
stdtrit = special(
    "stdtrit",
    d=(
        lambda n, p, t: -_t_by_degrees(n, t, p) / _t_density(n, t),
        lambda n, p, t: 1 / _t_density(n, t),
    ),
    domain=(_SHAPE, UNIT),
)
chdtr = special(
    "chdtr",
    d=(
        lambda n, x, y: gammainc_slope(n / 2, x / 2, n=1) / 2,
        lambda n, x, y: _gamma_density(n / 2, x / 2) / 2,
    ),
    **_END,
)
chdtrc = special(
    "chdtrc",
    d=(
        lambda n, x, y: -gammainc_slope(n / 2, x / 2, n=1) / 2,
        lambda n, x, y: -_gamma_density(n / 2, x / 2) / 2,
    ),
    **_END,
)
fdtr = special(
    "fdtr",
    d=(_f_by_m, _f_by_n, lambda m, n, x, y: _f_density(m, n, x)),
    singular=True,
    domain=POSITIVE,
)
fdtrc = special(
    "fdtrc",
    d=(
        lambda m, n, x, y: -_f_by_m(m, n, x, y),
        lambda m, n, x, y: -_f_by_n(m, n, x, y),
        lambda m, n, x, y: -_f_density(m, n, x),
    ),
    singular=True,
    domain=POSITIVE,
)
pdtr = of_order("pdtr", 1, lambda k, m, y: -_gamma_density(np.floor(k) + 1, m), **_OF_END)
pdtrc = of_order("pdtrc", 1, lambda k, m, y: _gamma_density(np.floor(k) + 1, m), **_OF_END)
bdtr = of_order("bdtr", 2, lambda k, n, p, y: -_binomial_density(k, n, p), **_OF_SHARE)
bdtrc = of_order("bdtrc", 2, lambda k, n, p, y: _binomial_density(k, n, p), **_OF_SHARE)
chdtri = special(
    "chdtri",
    d=(
        lambda n, p, x: -gammainc_slope(n / 2, x / 2, n=1) / _gamma_density(n / 2, x / 2),
        lambda n, p, x: -2 / _gamma_density(n / 2, x / 2),
    ),
    **_SHARE,
)
fdtri = special(
    "fdtri",
    d=(
        lambda m, n, p, x: -_f_by_m(m, n, x, p) / _f_density(m, n, x),
        lambda m, n, p, x: -_f_by_n(m, n, x, p) / _f_density(m, n, x),
        lambda m, n, p, x: 1 / _f_density(m, n, x),
    ),
    **_BETA,
)
pdtri = of_order("pdtri", 1, lambda k, p, m: -1 / _gamma_density(np.floor(k) + 1, m), **_OF_SHARE)
bdtri = of_order("bdtri", 2, lambda k, n, q, p: -1 / _binomial_density(k, n, p), **_OF_SHARE)
nbdtr = of_order("nbdtr", 2, lambda k, n, p, y: _beta_density(n, k + 1, p), **_OF_SHARE)
nbdtrc = of_order("nbdtrc", 2, lambda k, n, p, y: -_beta_density(n, k + 1, p), **_OF_SHARE)
nbdtri = of_order("nbdtri", 2, lambda k, n, q, p: 1 / _beta_density(n, k + 1, p), **_OF_SHARE)
