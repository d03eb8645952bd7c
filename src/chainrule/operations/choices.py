"""Comparisons, choices between operands, and steps with zero gradient.

Ties: where two operands of `maximum`, `minimum` (or of max and min along an axis) are equal, each
gets an equal share of the gradient, as in JAX and HIPS autograd. `absolute` and `sign` have
derivative 0 at 0. `clip` passes the gradient on where ``low <= x <= high``, bounds included.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.array import Array, dtype_of
from chainrule.core.complex_parts import imag, parts_of
from chainrule.core.domain import NONZERO
from chainrule.core.kinds import constant, elementwise, linear, real, sum_to
from chainrule.core.operation import Operation


def _all_equal(z: Any, w: Any) -> Any:
    (a, b), (c, d) = parts_of(z), parts_of(w)
    return logical_and(equal(a, c), equal(b, d))


equal: Operation = constant(
    "equal", operator.eq, symbol="==", entrywise=True, commutes=True, cartesian=_all_equal
)
not_equal = constant(
    "not_equal",
    operator.ne,
    symbol="!=",
    entrywise=True,
    commutes=True,
    cartesian=lambda z, w: logical_not(_all_equal(z, w)),
)
less = constant("less", operator.lt, symbol="<", entrywise=True)
less_equal = constant("less_equal", operator.le, symbol="<=", entrywise=True)
greater = constant("greater", operator.gt, symbol=">", entrywise=True)
greater_equal = constant("greater_equal", operator.ge, symbol=">=", entrywise=True)
logical_and = constant("logical_and", np.logical_and, entrywise=True, commutes=True)
logical_or = constant("logical_or", np.logical_or, entrywise=True, commutes=True)
logical_xor = constant("logical_xor", np.logical_xor, entrywise=True, commutes=True)
logical_not: Operation = constant("logical_not", np.logical_not, entrywise=True)
bitwise_and = constant("bitwise_and", operator.and_, symbol="&", entrywise=True, commutes=True)
bitwise_or = constant("bitwise_or", operator.or_, symbol="|", entrywise=True, commutes=True)
bitwise_xor = constant("bitwise_xor", operator.xor, symbol="^", entrywise=True, commutes=True)
invert = constant("invert", operator.invert, symbol="~", entrywise=True)


def _of_parts(name: str, compute: Callable[..., Any], joined: Operation) -> Operation:
    """Return a question to numbers that is asked of both parts of a complex one."""
    own: Operation = constant(
        name,
        compute,
        numpy=(f"numpy.{name}", f"math.{name}"),
        entrywise=True,
        cartesian=lambda z: joined(own(real(z)), own(imag(z))),
    )
    return own


isnan = _of_parts("isnan", np.isnan, logical_or)
isinf = _of_parts("isinf", np.isinf, logical_or)
isfinite = _of_parts("isfinite", np.isfinite, logical_and)
signbit = constant("signbit", np.signbit, entrywise=True)


def _where(c: Any, a: Any, b: Any) -> Any:
    chosen: Any = np.where(c, a, b)
    return chosen[()]


where: Operation = linear(
    "where",
    _where,
    pullback=(
        None,
        lambda g, c, a, b: sum_to(where(c, g, 0.0), a),
        lambda g, c, a, b: sum_to(where(c, 0.0, g), b),
    ),
    entrywise=True,
    selects=True,
    dtypes="fc",
    by_parts=True,
)
sign: Operation = elementwise("sign", np.sign, d=0, kinked=True)
floor = elementwise("floor", np.floor, d=0, kinked=True)
ceil = elementwise("ceil", np.ceil, d=0, kinked=True)
trunc: Operation = elementwise("trunc", np.trunc, d=0, kinked=True)
rint = elementwise("rint", np.rint, d=0, kinked=True)


def _around_formula(x: Any, decimals: int = 0) -> Any:
    if dtype_of(x).kind != "f":
        return x if decimals >= 0 else None
    if decimals == 0:
        return rint(x)
    power = 10.0 ** abs(decimals)
    return rint(x * power) / power if decimals > 0 else rint(x / power) * power


around = elementwise(
    "around",
    lambda x, decimals=0: np.round(x, decimals),
    d=0,
    numpy=("numpy.round", "numpy.around"),
    source="np.round({0}, {decimals})",
    formula=_around_formula,
    kinked=True,
)
heaviside = elementwise(
    "heaviside",
    np.heaviside,
    d=(0, lambda x, at_zero, y: equal(x, 0)),
    formula=lambda x, at_zero: where(
        less(x, 0), 0.0, where(equal(x, 0), at_zero, where(isnan(x), x, 1.0))
    ),
    kinked=True,
)
copysign: Operation = elementwise(
    "copysign",
    np.copysign,
    d=(lambda a, b, y: sign(a) * copysign(1.0, b), 0),
    numpy=("numpy.copysign", "math.copysign"),
    kinked=True,
    domain=(NONZERO, NONZERO),
)


def _share(a: Any, b: Any, wins: Any) -> Any:
    """Return the local gradient of a choice: whether a wins, and one half where a equals b."""
    ties = equal(a, b)
    if type(ties) is np.ndarray and not np.logical_or.reduce(ties, axis=None):
        return wins  # nearly always, and then this is quicker
    return where(ties, _half(a, b), wins)


def _half(a: Any, b: Any) -> Any:
    """Return 0.5, of a dtype that does not widen what it is multiplied with."""
    dtypes = [x.dtype for x in (a, b) if hasattr(x, "dtype")]
    return np.result_type(0.5, *dtypes).type(0.5) if dtypes else 0.5


maximum = elementwise(
    "maximum",
    np.maximum,
    d=(
        lambda a, b, y: _share(a, b, greater(a, b)),
        lambda a, b, y: _share(a, b, greater(b, a)),
    ),
    glyph="max",
    kinked=True,
    selects=True,
    commutes=True,
)
minimum = elementwise(
    "minimum",
    np.minimum,
    d=(lambda a, b, y: _share(a, b, less(a, b)), lambda a, b, y: _share(a, b, less(b, a))),
    glyph="min",
    kinked=True,
    selects=True,
    commutes=True,
)
# fmax and fmin prefer the operand that is a number where the other is NaN.
fmax = elementwise(
    "fmax",
    np.fmax,
    d=(
        lambda a, b, y: _share(a, b, logical_or(greater(a, b), isnan(b))),
        lambda a, b, y: _share(a, b, logical_or(greater(b, a), isnan(a))),
    ),
    kinked=True,
    selects=True,
    commutes=True,
)
fmin = elementwise(
    "fmin",
    np.fmin,
    d=(
        lambda a, b, y: _share(a, b, logical_or(less(a, b), isnan(b))),
        lambda a, b, y: _share(a, b, logical_or(less(b, a), isnan(a))),
    ),
    kinked=True,
    selects=True,
    commutes=True,
)


def _is_between(x: Any, low: Any, high: Any, y: Any) -> Any:
    """Tell whether clip leaves x as it is; where low > high, the result is high alone."""
    inside, ordered = equal(x, y), less_equal(low, high)
    if type(ordered) is not Array and np.all(ordered):
        return inside
    return logical_and(inside, ordered)


clip = elementwise(
    "clip",
    lambda x, low, high: np.clip(x, low, high),
    d=(
        _is_between,
        lambda x, low, high, y: logical_and(less(x, low), less_equal(low, high)),
        lambda x, low, high, y: logical_or(greater(x, high), greater(low, high)),
    ),
    kinked=True,
    selects=True,
)
