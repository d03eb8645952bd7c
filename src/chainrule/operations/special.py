"""Special functions, of the names they have in scipy.special. SciPy is loaded when one is called.

This file has the bell curve and its integrals, and products with logarithms; the families have
files of their own: `gamma_functions`, `bessel`, `integrals`, `polynomials`. `sigmoid` (expit) is in
exponential.py; logsumexp, softmax and log_softmax are in reduction.py.

At ``x = 0``, `xlogy` and `xlog1py` have gradient 0 by x also where the logarithm is infinite, as in
PyTorch. By an order or a shape parameter, of which no closed form is known, a derivative raises.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Unpack

from chainrule.core.domain import (
    ABOVE_MINUS_ONE,
    INSIDE_ONE,
    NONZERO,
    POSITIVE,
    REAL,
    Interval,
    example,
)
from chainrule.core.kinds import elementwise, real, unknown
from chainrule.core.operation import Operation
from chainrule.core.traits import Traits
from chainrule.operations.elementwise import (
    absolute,
    clip,
    equal,
    exp,
    expm1,
    greater,
    imag,
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


# The bell curve and its integrals.

erf = special(
    "erf",
    d=lambda x, y: 2 / SQRT_PI * exp(-x * x),
    numpy=("scipy.special.erf", "math.erf"),
    dtypes="fc",
)
erfc = special(
    "erfc",
    d=lambda x, y: -2 / SQRT_PI * exp(-x * x),
    numpy=("scipy.special.erfc", "math.erfc"),
    dtypes="fc",
)
erfi = special(
    "erfi", d=lambda x, y: 2 / SQRT_PI * exp(x * x), domain=INSIDE_ONE, singular=True, dtypes="fc"
)
erfinv = special(
    "erfinv", d=lambda x, y: SQRT_PI / 2 * exp(y * y), singular=True, domain=INSIDE_ONE
)
erfcinv = special("erfcinv", d=lambda x, y: -SQRT_PI / 2 * exp(y * y), singular=True, domain=UNIT)


def _far_series(t: Any, *, scaled: bool = False) -> Any:
    """Return what `dawsn`, `wofz` and `erfcx` have in common far from 0, of ``t = 1 / z**2``.

    The sum of ``(2 k + 1)!! (t / 2)**k``: from 7.12.1 of the "Digital Library of Mathematical
    Functions". Scaled, that of ``k (2 k - 1)!! (t / 2)**k``, less its factor t.
    """
    terms = [math.prod(range(1, 2 * k + 2, 2)) / 2**k for k in range(8)]
    if scaled:
        terms = [(k + 1) * term for k, term in enumerate(terms)]
    y: Any = terms[-1]
    for term in reversed(terms[:-1]):
        y = term + t * y
    return y


def _is_far(z: Any, in_upper_half: bool) -> Any:
    """Tell where the series serves: the closed forms are differences of nearly equal numbers."""
    growing = less(real(z * z), 50)  # where exp(-z * z) is no small number
    if in_upper_half:
        growing = logical_and(growing, less(imag(z), 0))
    return logical_and(greater(absolute(z), 20), logical_not(growing))


def _dawsn_slope(x: Any, y: Any) -> Any:
    far = _is_far(x, in_upper_half=False)
    t = 1 / where(far, x, 20.0) ** 2
    return where(far, -t * _far_series(t) / 2, 1 - 2 * where(far, 0.0, x) * y)


def _wofz_slope(z: Any, y: Any) -> Any:
    far = _is_far(z, in_upper_half=True)
    t = 1 / where(far, z, 20.0) ** 2
    series = -1j / SQRT_PI * t * _far_series(t)
    return where(far, series, 2j / SQRT_PI - 2 * where(far, 0.0, z) * y)


dawsn = special("dawsn", d=_dawsn_slope, singular=True, dtypes="fc")
#: exp(-z**2) * erfc(-1j * z), complex
wofz = special("wofz", d=_wofz_slope, singular=True, dtypes="fc")
ndtr = special(
    "ndtr",
    d=lambda x, y: exp(-0.5 * x * x) / SQRT_2PI,
    formula=lambda x: 0.5 * erfc(-x / math.sqrt(2)),
)
ndtri = special("ndtri", d=lambda p, y: SQRT_2PI * exp(0.5 * y * y), singular=True, domain=UNIT)
#: ndtri(exp(p))
ndtri_exp = special(
    "ndtri_exp",
    d=lambda p, y: 1 / _log_ndtr_slope(y, p),
    singular=True,
    domain=Interval(-3, -0.3),
)


def _erfcx_slope(x: Any, y: Any) -> Any:
    far = greater(x, 20)
    t = 1 / where(far, x, 20.0) ** 2
    series = -t * _far_series(-t) / SQRT_PI
    return where(far, series, 2 * where(far, 1.0, x) * y - 2 / SQRT_PI)


#: exp(x**2) * erfc(x)
erfcx = special("erfcx", d=_erfcx_slope, singular=True)


def _log_ndtr_slope(x: Any, y: Any) -> Any:
    # The bell curve over its integral: on the left both vanish, and their quotient does not.
    left = less(x, -1)
    tail = math.sqrt(2 / math.pi) / erfcx(where(left, x, -1.0) / -math.sqrt(2))
    rest = exp(where(left, 0.0, -0.5 * x * x - y)) / math.sqrt(2 * math.pi)
    return where(left, tail, rest)


log_ndtr = special("log_ndtr", d=_log_ndtr_slope)
owens_t = special(
    "owens_t",
    d=(
        lambda h, a, y: -exp(-0.5 * h * h) * erf(a * h / math.sqrt(2)) / (2 * SQRT_2PI),
        lambda h, a, y: exp(-0.5 * h * h * (1 + a * a)) / (2 * math.pi * (1 + a * a)),
    ),
)


# The profile is the real part of wofz(z) / (s * sqrt(2 * pi)).


def _voigt_operand(x: Any, s: Any, g: Any) -> Any:
    return (x + 1j * g) / (s * math.sqrt(2))


def _voigt_slope(x: Any, s: Any, g: Any, factor: Any) -> Any:
    z = _voigt_operand(x, s, g)
    return real(_wofz_slope(z, wofz(z)) * factor) / (2 * SQRT_PI * s * s)


def _voigt_by_width(x: Any, s: Any, g: Any) -> Any:
    z = _voigt_operand(x, s, g)
    far = greater(absolute(z), 20)
    t, near = 1 / where(far, z, 20.0) ** 2, where(far, 0.0, z)
    series = 1j / SQRT_PI * t / where(far, z, 20.0) * _far_series(t, scaled=True)
    closed = (2 * near * near - 1) * wofz(near) - 2j / SQRT_PI * near
    return real(where(far, series, closed)) / (s * s * SQRT_2PI)


voigt_profile = special(
    "voigt_profile",
    d=(
        lambda x, s, g, y: _voigt_slope(x, s, g, 1),
        lambda x, s, g, y: _voigt_by_width(x, s, g),
        lambda x, s, g, y: _voigt_slope(x, s, g, 1j),
    ),
    singular=True,
    domain=(REAL, POSITIVE, POSITIVE),
)

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
