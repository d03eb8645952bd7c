"""Special functions, of the names they have in scipy.special. SciPy is loaded when one is called.

`sigmoid` (expit) is in elementwise.py; logsumexp, softmax and log_softmax are in reduction.py.
At ``x = 0``, `xlogy` and `xlog1py` have gradient 0 by x also where the logarithm is infinite, as in
PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Unpack

import numpy as np

from chainrule.core.domain import ABOVE_MINUS_ONE, INSIDE_ONE, POSITIVE, REAL, Interval
from chainrule.core.kinds import elementwise
from chainrule.core.operation import Operation
from chainrule.core.traits import Traits
from chainrule.operations.elementwise import (
    absolute,
    equal,
    exp,
    expm1,
    greater,
    isnan,
    less,
    less_equal,
    log,
    log1p,
    logaddexp,
    logical_and,
    logical_not,
    sigmoid,
    special_function,
    tanh,
    where,
)

UNIT = Interval(0.1, 0.9)
SQRT_PI = math.sqrt(math.pi)


def _special(name: str, *, d: Any, **traits: Unpack[Traits]) -> Operation:
    given: Traits = {"numpy": f"scipy.special.{name}", **traits}
    return elementwise(name, special_function(name), d=d, **given)


# The bell curve and its integrals.

erf = _special(
    "erf", d=lambda x, y: 2 / SQRT_PI * exp(-x * x), numpy=("scipy.special.erf", "math.erf")
)
erfc = _special(
    "erfc", d=lambda x, y: -2 / SQRT_PI * exp(-x * x), numpy=("scipy.special.erfc", "math.erfc")
)
erfinv = _special(
    "erfinv", d=lambda x, y: SQRT_PI / 2 * exp(y * y), singular=True, domain=INSIDE_ONE
)
ndtr = _special(
    "ndtr",
    d=lambda x, y: exp(-0.5 * x * x) / math.sqrt(2 * math.pi),
    formula=lambda x: 0.5 * erfc(-x / math.sqrt(2)),
)


def _erfcx_slope(x: Any, y: Any) -> Any:
    # 2 * x * y is nearly 2 / sqrt(pi) for large x, so an asymptotic series serves there
    # (Abramowitz and Stegun, "Handbook of Mathematical Functions", formula 7.1.23).
    far = greater(x, 50)
    t = 1 / where(far, x, 1.0) ** 2
    series = -t * (1 - t * (3 / 2 - t * (15 / 4 - t * (105 / 8 - t * 945 / 16)))) / SQRT_PI
    return where(far, series, 2 * where(far, 1.0, x) * y - 2 / SQRT_PI)


#: exp(x**2) * erfc(x)
erfcx = _special("erfcx", d=_erfcx_slope, singular=True)


def _log_ndtr_slope(x: Any, y: Any) -> Any:
    # The bell curve over its integral: on the left both vanish, and their quotient does not.
    left = less(x, -1)
    tail = math.sqrt(2 / math.pi) / erfcx(where(left, x, -1.0) / -math.sqrt(2))
    rest = exp(where(left, 0.0, -0.5 * x * x - y)) / math.sqrt(2 * math.pi)
    return where(left, tail, rest)


log_ndtr = _special("log_ndtr", d=_log_ndtr_slope)

# Logarithms of odds, and products with logarithms.

logit = _special(
    "logit",
    d=lambda x, y: 1 / (x * (1 - x)),
    formula=lambda x: log(x / (1 - x)),
    singular=True,
    domain=UNIT,
)
log_expit = _special("log_expit", d=lambda x, y: sigmoid(-x), formula=lambda x: -logaddexp(0, -x))


def _log_cosh(x: Any) -> Any:
    size = absolute(x)
    return size + log1p(expm1(-2 * size) / 2)


#: log(cosh(x)), as one function: its parts overflow, or have a kink at 0 that it has not.
log_cosh = elementwise(
    "log_cosh",
    _log_cosh,
    d=lambda x, y: tanh(x),
    numpy=(),
    source="np.logaddexp({0}, -{0}) - math.log(2)",
    formula=_log_cosh,
)
entr = _special(
    "entr",
    d=lambda x, y: -log(x) - 1,
    formula=lambda x: where(less(x, 0), -math.inf, where(equal(x, 0), 0.0, -x * log(x))),
    source="-({0} * np.log(np.where({0} == 0, 1, {0})))",
    singular=True,
    domain=POSITIVE,
)


def _product_with(logarithm: Operation) -> Callable[[Any, Any], Any]:
    """``x * log(y)``, but 0 where x is 0 and y a number."""

    def formula(x: Any, y: Any) -> Any:
        nothing = logical_and(equal(x, 0), logical_not(isnan(y)))
        return where(nothing, 0.0, x * logarithm(y))

    return formula


xlogy = _special(
    "xlogy",
    d=(
        lambda x, y, z: log(where(logical_and(equal(x, 0), less_equal(y, 0)), 1.0, y)),
        lambda x, y, z: x / where(logical_and(equal(x, 0), equal(y, 0)), 1.0, y),
    ),
    formula=_product_with(log),
    source="{0} * np.log(np.where({0} == 0, 1, {1}))",
    singular=True,
    domain=(REAL, POSITIVE),
)
xlog1py = _special(
    "xlog1py",
    d=(
        lambda x, y, z: log1p(where(logical_and(equal(x, 0), less_equal(y, -1)), 0.0, y)),
        lambda x, y, z: x / where(logical_and(equal(x, 0), equal(y, -1)), 1.0, 1 + y),
    ),
    formula=_product_with(log1p),
    source="{0} * np.log1p(np.where({0} == 0, 0, {1}))",
    singular=True,
    domain=(REAL, ABOVE_MINUS_ONE),
)

# The gamma function and the derivatives of its logarithm.


def _polygamma(x: Any, n: int) -> Any:
    from scipy.special import polygamma as compute

    y = np.asarray(compute(n, x))
    dtype = getattr(x, "dtype", y.dtype)
    return y.astype(dtype, copy=False)[()]


gamma = _special(
    "gamma",
    d=lambda x, y: y * digamma(x),
    numpy=("scipy.special.gamma", "math.gamma"),
    singular=True,
    domain=POSITIVE,
)
gammaln = _special(
    "gammaln",
    d=lambda x, y: digamma(x),
    numpy=("scipy.special.gammaln", "math.lgamma"),
    singular=True,
    domain=POSITIVE,
)
digamma: Operation = _special(
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
