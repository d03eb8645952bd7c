"""Special functions, of the names they have in scipy.special. SciPy is loaded when one is called.

This file has logarithms of odds, products with logarithms, and powers; the families have files of
their own: `error_functions`, `gamma_functions`, `distribution_functions`, `bessel`, `integrals`,
`polynomials`, `softmax`.
`sigmoid` (expit) is in exponential.py.

At ``x = 0``, `xlogy` and `xlog1py` have gradient 0 by x also where the logarithm is infinite, as in
PyTorch. By an order, of which no closed form is known, a derivative raises.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Unpack

from chainrule.core.domain import (
    ABOVE_MINUS_ONE,
    NONZERO,
    POSITIVE,
    REAL,
    Interval,
    example,
)
from chainrule.core.kinds import elementwise, unknown
from chainrule.core.operation import Operation
from chainrule.core.traits import Traits
from chainrule.operations.elementwise import (
    absolute,
    clip,
    equal,
    exp,
    expm1,
    isnan,
    less,
    less_equal,
    log,
    log1p,
    logaddexp,
    logical_and,
    logical_not,
    sigmoid,
    sin,
    special_function,
    sqrt,
    tanh,
    where,
)

UNIT = Interval(0.1, 0.9)
DEGREE = math.pi / 180
LN10 = math.log(10.0)
SQRT_PI = math.sqrt(math.pi)
SQRT_2PI = math.sqrt(2 * math.pi)


def special(name: str, *, d: Any, **traits: Unpack[Traits]) -> Operation:
    """Declare a function of scipy.special by its local gradients."""
    given: Traits = {"numpy": f"scipy.special.{name}", **traits}
    return elementwise(name, special_function(name), d=d, **given)


def of_order(name: str, orders: int, *d: Any, **traits: Unpack[Traits]) -> Operation:
    """Declare a function that has no derivative by its first operands, so many of them."""
    return special(name, d=((unknown,) * orders + d), **traits)


# Logarithms of odds, and products with logarithms.

logit = special(
    "logit",
    d=lambda x, y: 1 / (x * (1 - x)),
    formula=lambda x: log(x / (1 - x)),
    singular=True,
    domain=UNIT,
)
log_expit = special("log_expit", d=lambda x, y: sigmoid(-x), formula=lambda x: -logaddexp(0, -x))
log1p_exp = elementwise(
    "log1p_exp",
    special_function("softplus"),
    d=lambda x, y: sigmoid(x),
    numpy="scipy.special.softplus",
    formula=lambda x: logaddexp(0, x),
)


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
entr = special(
    "entr",
    d=lambda x, y: -log(x) - 1,
    formula=lambda x: where(less(x, 0), -math.inf, where(equal(x, 0), 0.0, -x * log(x))),
    source="-({0} * np.log(np.where({0} == 0, 1, {0})))",
    singular=True,
    domain=POSITIVE,
)
rel_entr = special(
    "rel_entr",
    d=(lambda x, y, z: log(x / y) + 1, lambda x, y, z: -x / y),
    singular=True,
    domain=POSITIVE,
)
kl_div = special(
    "kl_div",
    d=(lambda x, y, z: log(x / y), lambda x, y, z: 1 - x / y),
    singular=True,
    domain=POSITIVE,
)


def _product_with(logarithm: Operation) -> Callable[[Any, Any], Any]:
    """``x * log(y)``, but 0 where x is 0 and y a number."""

    def formula(x: Any, y: Any) -> Any:
        nothing = logical_and(equal(x, 0), logical_not(isnan(y)))
        return where(nothing, 0.0, x * logarithm(y))

    return formula


xlogy = special(
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
xlog1py = special(
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


def _wright_slope(z: Any, y: Any) -> Any:
    return y / (1 + y)


#: The solution of ``y + log(y) = z``.
wrightomega = special("wrightomega", d=_wright_slope, singular=True)


def _lambertw(z: Any, k: int = 0, tol: float = 1e-8) -> Any:
    from scipy.special import lambertw as compute

    return compute(z, k, tol)


lambertw = elementwise(
    "lambertw",
    _lambertw,
    d=lambda z, w, k=0, tol=1e-8: exp(-w) / (1 + w),
    numpy="scipy.special.lambertw",
    singular=True,
    domain=POSITIVE,
    examples=(example((3,)), example((), k=-1)),
    dtypes="fc",
)

# Elementary functions.

exp10 = special("exp10", d=lambda x, y: LN10 * y, singular=True)
cosm1 = special("cosm1", d=lambda x, y: -sin(x))
sindg = special("sindg", d=lambda x, y: DEGREE * cosdg(x))
cosdg: Operation = special("cosdg", d=lambda x, y: -DEGREE * sindg(x))
tandg = special("tandg", d=lambda x, y: DEGREE * (1 + y * y), singular=True)
cotdg = special("cotdg", d=lambda x, y: -DEGREE * (1 + y * y), singular=True, domain=NONZERO)
radian = special(
    "radian",
    d=(
        lambda d, m, s, y: DEGREE,
        lambda d, m, s, y: DEGREE / 60,
        lambda d, m, s, y: DEGREE / 3600,
    ),
)

# Powers, and what statistics makes of them.


def _boxcox_slope(x: Any, l: Any, y: Any, log_x: Any) -> Any:
    """Return the derivative by the exponent: its series where that is nearly 0."""
    t = l * log_x
    near = less(absolute(t), 0.02)
    series = 1 / 2 + t * (1 / 3 + t * (1 / 8 + t * (1 / 30 + t * (1 / 144 + t / 840))))
    far = where(near, 1.0, t)
    return log_x**2 * where(near, series, (exp(far) * (far - 1) + 1) / far**2)


boxcox = special(
    "boxcox",
    d=(lambda x, l, y: x ** (l - 1), lambda x, l, y: _boxcox_slope(x, l, y, log(x))),
    singular=True,
    domain=(POSITIVE, REAL),
)
boxcox1p = special(
    "boxcox1p",
    d=(lambda x, l, y: (1 + x) ** (l - 1), lambda x, l, y: _boxcox_slope(x, l, y, log1p(x))),
    singular=True,
    domain=(POSITIVE, REAL),
)
inv_boxcox = special(
    "inv_boxcox",
    d=(
        lambda y, l, x: x ** (1 - l),
        lambda y, l, x: -(x ** (1 - l)) * _boxcox_slope(x, l, y, log(x)),
    ),
    singular=True,
    domain=(POSITIVE, POSITIVE),
)
inv_boxcox1p = special(
    "inv_boxcox1p",
    d=(
        lambda y, l, x: (1 + x) ** (1 - l),
        lambda y, l, x: -((1 + x) ** (1 - l)) * _boxcox_slope(x, l, y, log1p(x)),
    ),
    singular=True,
    domain=(POSITIVE, POSITIVE),
)
powm1 = special(
    "powm1",
    d=(lambda x, b, y: b * x ** (b - 1), lambda x, b, y: (y + 1) * log(x)),
    singular=True,
    domain=(POSITIVE, REAL),
)
huber = special(
    "huber",
    d=(
        lambda delta, r, y: absolute(r) - clip(absolute(r), 0.0, delta),
        lambda delta, r, y: clip(r, -delta, delta),
    ),
    kinked=True,
    domain=(POSITIVE, REAL),
)


def _pseudo_huber_root(delta: Any, r: Any) -> Any:
    return sqrt(1 + (r / delta) ** 2)


def _pseudo_huber_by_delta(delta: Any, r: Any, root: Any) -> Any:
    return r * r / delta / root * (r / delta / (1 + root)) ** 2


pseudo_huber = special(
    "pseudo_huber",
    d=(
        lambda delta, r, y: _pseudo_huber_by_delta(delta, r, _pseudo_huber_root(delta, r)),
        lambda delta, r, y: r / _pseudo_huber_root(delta, r),
    ),
    domain=(POSITIVE, REAL),
)
