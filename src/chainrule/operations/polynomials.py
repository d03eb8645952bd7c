"""Orthogonal polynomials and hypergeometric functions: by their argument alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.domain import INSIDE_ONE, POSITIVE, REAL
from chainrule.core.kinds import elementwise, unknown
from chainrule.core.operation import Operation
from chainrule.core.traits import Traits
from chainrule.operations.elementwise import less, sin, where
from chainrule.operations.gamma_functions import binom
from chainrule.operations.special import of_order

# Hypergeometric functions: the derivative has all parameters one higher.

_ANALYTIC: Traits = {"domain": INSIDE_ONE, "singular": True, "dtypes": "fc"}
hyp0f1: Operation = of_order("hyp0f1", 1, lambda b, z, y: hyp0f1(b + 1, z) / b, **_ANALYTIC)
hyp1f1: Operation = of_order(
    "hyp1f1", 2, lambda a, b, z, y: a / b * hyp1f1(a + 1, b + 1, z), **_ANALYTIC
)
hyp2f1: Operation = of_order(
    "hyp2f1", 3, lambda a, b, c, z, y: a * b / c * hyp2f1(a + 1, b + 1, c + 1, z), **_ANALYTIC
)
hyperu: Operation = of_order(
    "hyperu",
    2,
    lambda a, b, x, y: -a * hyperu(a + 1, b + 1, x),
    domain=POSITIVE,
    singular=True,
)

# Polynomials of degree n: the derivative is one of degree n - 1, of another family.

_INSIDE: Traits = {"domain": INSIDE_ONE}
eval_jacobi: Operation = of_order(
    "eval_jacobi",
    3,
    lambda n, a, b, x, y: (n + a + b + 1) / 2 * eval_jacobi(n - 1, a + 1, b + 1, x),
    **_INSIDE,
)
eval_legendre = of_order(
    "eval_legendre", 1, lambda n, x, y: (n + 1) / 2 * eval_jacobi(n - 1, 1, 1, x), **_INSIDE
)
eval_gegenbauer: Operation = of_order(
    "eval_gegenbauer", 2, lambda n, a, x, y: 2 * a * eval_gegenbauer(n - 1, a + 1, x), **_INSIDE
)
eval_chebyt = of_order("eval_chebyt", 1, lambda n, x, y: n * eval_chebyu(n - 1, x), **_INSIDE)
eval_chebyu: Operation = of_order(
    "eval_chebyu", 1, lambda n, x, y: 2 * eval_gegenbauer(n - 1, 2, x), **_INSIDE
)
eval_chebyc = of_order("eval_chebyc", 1, lambda n, x, y: n * eval_chebys(n - 1, x), **_INSIDE)
eval_chebys: Operation = of_order(
    "eval_chebys", 1, lambda n, x, y: eval_gegenbauer(n - 1, 2, x / 2), **_INSIDE
)
eval_sh_legendre = of_order(
    "eval_sh_legendre",
    1,
    lambda n, x, y: (n + 1) * eval_jacobi(n - 1, 1, 1, 2 * x - 1),
    **_INSIDE,
)
eval_sh_chebyt = of_order(
    "eval_sh_chebyt", 1, lambda n, x, y: 2 * n * eval_chebyu(n - 1, 2 * x - 1), **_INSIDE
)
eval_sh_chebyu = of_order(
    "eval_sh_chebyu", 1, lambda n, x, y: 4 * eval_gegenbauer(n - 1, 2, 2 * x - 1), **_INSIDE
)
eval_hermite: Operation = of_order(
    "eval_hermite", 1, lambda n, x, y: 2 * n * eval_hermite(abs(n - 1), x), domain=REAL
)
eval_hermitenorm: Operation = of_order(
    "eval_hermitenorm", 1, lambda n, x, y: n * eval_hermitenorm(abs(n - 1), x), domain=REAL
)
eval_genlaguerre: Operation = of_order(
    "eval_genlaguerre", 2, lambda n, a, x, y: -eval_genlaguerre(n - 1, a + 1, x), domain=REAL
)
eval_laguerre = of_order(
    "eval_laguerre", 1, lambda n, x, y: -eval_genlaguerre(n - 1, 1, x), domain=REAL
)
eval_sh_jacobi = of_order(
    "eval_sh_jacobi",
    3,
    lambda n, p, q, x, y: (
        (n + p) * eval_jacobi(n - 1, p - q + 1, q, 2 * x - 1) / binom(2 * n + p - 1, n)
    ),
    **_INSIDE,
)
#: Legendre's associated functions, of the order m and the degree v.
lpmv: Operation = of_order(
    "lpmv",
    2,
    lambda m, v, x, y: (v * x * y - (v + m) * lpmv(m, v - 1, x)) / (x * x - 1),
    domain=INSIDE_ONE,
    singular=True,
)


# Spherical Legendre functions: their neighbours are the ladder of the angular momentum.


def _sph_legendre_p(n: Any, m: Any, theta: Any) -> Any:
    from scipy.special import sph_legendre_p as compute

    return compute(n, m, theta)[0]


def _ladder(n: Any, m: Any, theta: Any, step: int) -> Any:
    room = np.sqrt(np.maximum((n - step * m) * (n + step * m + 1), 0))
    return room * sph_legendre_p(n, np.where(room > 0, m + step, m), theta)


def _sph_legendre_slope(n: Any, m: Any, theta: Any) -> Any:
    # SciPy takes the sine for positive: the function is even, and so the slope is odd.
    side = where(less(sin(theta), 0), -0.5, 0.5)
    return side * (_ladder(n, m, theta, 1) - _ladder(n, m, theta, -1))


#: Of degree n and order m at the polar angle theta.
sph_legendre_p: Operation = elementwise(
    "sph_legendre_p",
    _sph_legendre_p,
    d=(
        unknown,
        unknown,
        lambda n, m, theta, y: _sph_legendre_slope(n, m, theta),
    ),
    numpy="scipy.special.sph_legendre_p",
    source="scipy.special.sph_legendre_p({0}, {1}, {2})[0]",
)
