"""Operations on every entry alone: arithmetic, powers, exponentials, trigonometry, choices.

Ties: where two operands of `maximum`, `minimum` (or of max and min along an axis) are equal, each
gets an equal share of the gradient, as in JAX and HIPS autograd. `absolute` and `sign` have
derivative 0 at 0. `clip` passes the gradient on where ``low <= x <= high``, bounds included.
"""

from __future__ import annotations

import importlib
import math
import operator
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

import numpy as np

from chainrule.core.apply import apply
from chainrule.core.array import Array, dtype_of, is_complex, shape_of
from chainrule.core.domain import (
    ABOVE_MINUS_ONE,
    ABOVE_ONE,
    INSIDE_ONE,
    NONZERO,
    POSITIVE,
    REAL,
    example,
)
from chainrule.core.kinds import (
    Elementwise,
    broadcast_to,
    constant,
    elementwise,
    guarded_multiply,
    linear,
    sum_to,
)
from chainrule.core.node import Node
from chainrule.core.operation import Operation, rows_of
from chainrule.core.placeholder import Placeholder
from chainrule.core.saved import lift

LN2 = math.log(2.0)
LN10 = math.log(10.0)

# Arithmetic.

add = elementwise("add", operator.add, d=(1, 1), symbol="+", commutes=True, dtypes="fc")
subtract = elementwise("subtract", operator.sub, d=(1, -1), symbol="-", dtypes="fc")
multiply = elementwise(
    "multiply",
    operator.mul,
    d=(lambda a, b, y: b, lambda a, b, y: a),
    symbol="*",
    commutes=True,
    dtypes="fc",
)
divide = elementwise(
    "divide",
    operator.truediv,
    d=(lambda a, b, y: 1 / b, lambda a, b, y: -y / b),
    symbol="/",
    singular=True,
    domain=(REAL, NONZERO),
    advice="Add a small number to the denominator, or choose with np.where before dividing.",
    dtypes="fc",
)
negative = elementwise("negative", operator.neg, d=-1, symbol="-", glyph="*-1", dtypes="fc")
positive = elementwise(
    "positive", operator.pos, d=1, symbol="+", moves=True, view=True, dtypes="fc"
)
floor_divide = elementwise(
    "floor_divide", operator.floordiv, d=(0, 0), symbol="//", kinked=True, domain=(REAL, NONZERO)
)
remainder = elementwise(
    "remainder",
    operator.mod,
    d=(1, lambda a, b, y: -floor_divide(a, b)),
    symbol="%",
    kinked=True,
    domain=(REAL, NONZERO),
)
fmod = elementwise(
    "fmod",
    np.fmod,
    d=(1, lambda a, b, y: -trunc(a / b)),
    numpy=("numpy.fmod", "math.fmod"),
    kinked=True,
    domain=(REAL, NONZERO),
)

# Powers.


def _power_slope(a: Any, b: Any, y: Any) -> Any:
    if type(b) is not Array and isinstance(b, (int, float)):  # np.float64 is a float too
        if b == 2:
            return 2 * a
        if b == 1:
            return 1.0
        if b == 0:
            return 0.0
        if b != math.floor(b):  # Python's own power of a negative number would be complex
            if type(a) is float and a < 0:
                return math.nan
            if type(a) is Array:
                return b * apply(power, np.power, (a, b - 1))
        return b * a ** (b - 1)
    at_corner = logical_and(equal(a, 0), equal(b, 0))  # there b * a ** (b - 1) is 0 * inf
    return b * a ** where(at_corner, 1.0, b - 1)


power: Elementwise = elementwise(
    "power",
    operator.pow,
    # The derivative by the exponent is y * log(a), and 0 where a is 0 (its limit for b > 0).
    d=(_power_slope, lambda a, b, y: y * log(where(equal(a, 0), 1.0, a))),
    numpy=("numpy.power", "math.pow"),
    symbol="**",
    singular=True,
    domain=(POSITIVE, REAL),
    advice="Keep the base positive, or use an integer exponent.",
    dtypes="fc",
)
float_power = elementwise(
    "float_power", np.float_power, d=power.d, glyph="**", singular=True, domain=(POSITIVE, REAL)
)
square = elementwise(
    "square", np.square, d=lambda x, y: 2 * x, source="{0} ** 2", glyph="**2", dtypes="fc"
)


def without_factor(g: Any, y: Any) -> Any:
    """Return ``g / y``, of the shape of y, where g was recorded as y times something, else None.

    The upstream gradient of a norm y in ``y**2`` is 2 y, so that of its square is 2 y / y. At y = 0
    that is 0 / 0, though its limit is 2: a second derivative that no number tells.
    """
    if type(g) is not Array or type(y) is not Array:
        return None
    quotient, shape = _quotient(g.node, y.node), shape_of(y)
    if quotient is None or shape_of(quotient) == shape:
        return quotient
    return broadcast_to(quotient, shape=shape)


def _quotient(node: Node | None, factor: Node, depth: int = 0) -> Any:
    if node is None or depth > _DEEPEST:
        return None
    if node is factor or _is_same(node, factor):
        return 1.0
    if node.operation not in _FACTORED:
        return None
    operation = node.operation
    values = [lift(x, p) for x, p in zip(node.operands, node.parents, strict=True)]
    quotients = [_quotient(parent, factor, depth + 1) for parent in node.parents]
    if operation is add or operation is subtract:
        return None if any(x is None for x in quotients) else operation(*quotients)
    for k, quotient in enumerate(quotients):
        if quotient is None:
            continue
        if operation is negative:
            return -quotient
        other = values[1 - k]
        if type(other) is Placeholder:
            return None
        other = float(other) if type(other) is np.float64 else other
        if operation is not power:
            return other if type(quotient) is float and quotient == 1 else other * quotient
        if k == 0 and isinstance(other, (int, float)) and other >= 2:
            return quotient * values[0] ** (other - 1)
    return None


def _is_same(a: Node, b: Node) -> bool:
    """Tell whether two nodes do the same with the same operands, ``norm(x)`` written twice."""
    return (
        a.operation is b.operation
        and a.parents == b.parents
        and None not in a.parents
        and a.params == b.params
    )


#: What `without_factor` looks into, and how deep.
_FACTORED = frozenset({multiply, guarded_multiply, negative, add, subtract, power})
_DEEPEST = 8


class _Size(Elementwise):
    """The size of real numbers x, whose gradient is x over the size: see `without_factor`."""

    def pull(
        self, k: int, g: Any, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
    ) -> Any:
        multiple = None if is_complex(operands[k]) else without_factor(g, output)
        if multiple is None:
            return super().pull(k, g, operands, output, params)
        return sum_to(operands[k] * multiple, operands[k])

    def needs(self, k: int, arity: int) -> tuple[Set[int], bool]:
        read, _ = super().needs(k, arity)
        return read | {k}, True


_size = rows_of(_Size)

sqrt = elementwise(
    "sqrt",
    np.sqrt,
    scalar=math.sqrt,
    d=lambda x, y: 0.5 / y,
    singular=True,
    domain=POSITIVE,
    advice="Clip its operand from below, or add a small number inside.",
    dtypes="fc",
)
cbrt = elementwise(
    "cbrt",
    np.cbrt,
    scalar=math.cbrt,
    d=lambda x, y: 1 / (3 * y * y),
    singular=True,
    domain=NONZERO,
)
reciprocal = elementwise(
    "reciprocal",
    np.reciprocal,
    d=lambda x, y: -y * y,
    glyph="1/x",
    singular=True,
    domain=NONZERO,
    dtypes="fc",
)
hypot: Elementwise = _size(
    "hypot",
    np.hypot,
    scalar=math.hypot,
    d=(
        lambda a, b, y: where(equal(y, 0), 0.0, a / y),
        lambda a, b, y: where(equal(y, 0), 0.0, b / y),
    ),
    kinked=True,
    commutes=True,
)

# Exponentials and logarithms.

exp = elementwise(
    "exp",
    np.exp,
    scalar=math.exp,
    d=lambda x, y: y,
    singular=True,
    advice="Subtract the maximum first, or use scipy.special.expit, softmax or logsumexp.",
    dtypes="fc",
)
exp2 = elementwise("exp2", np.exp2, scalar=math.exp2, d=lambda x, y: LN2 * y, singular=True)
expm1 = elementwise("expm1", np.expm1, scalar=math.expm1, d=lambda x, y: y + 1, singular=True)
log: Operation = elementwise(
    "log",
    np.log,
    scalar=math.log,
    d=lambda x, y: 1 / x,
    singular=True,
    domain=POSITIVE,
    advice="Add a small number inside, or clip its operand from below.",
    dtypes="fc",
)
log2 = elementwise(
    "log2", np.log2, scalar=math.log2, d=lambda x, y: 1 / (LN2 * x), singular=True, domain=POSITIVE
)
log10 = elementwise(
    "log10",
    np.log10,
    scalar=math.log10,
    d=lambda x, y: 1 / (LN10 * x),
    singular=True,
    domain=POSITIVE,
)
log1p = elementwise(
    "log1p",
    np.log1p,
    scalar=math.log1p,
    d=lambda x, y: 1 / (1 + x),
    singular=True,
    domain=ABOVE_MINUS_ONE,
)


def _logaddexp_slope(a: Any, b: Any, y: Any) -> Any:
    if type(a) is Array or type(b) is Array:
        return exp(a - where(equal(y, -np.inf), 0.0, y))
    # For numbers of 1e16, y holds nothing of how a and b differ.
    return np.where(np.equal(y, -np.inf), 0.0, 1 / (1 + np.exp(np.subtract(b, a))))[()]


logaddexp = elementwise(
    "logaddexp",
    np.logaddexp,
    d=(_logaddexp_slope, lambda a, b, y: _logaddexp_slope(b, a, y)),
    commutes=True,
)
logaddexp2 = elementwise(
    "logaddexp2",
    np.logaddexp2,
    d=(
        lambda a, b, y: exp2(a - where(equal(y, -np.inf), 0.0, y)),
        lambda a, b, y: exp2(b - where(equal(y, -np.inf), 0.0, y)),
    ),
    commutes=True,
)


def special_function(name: str) -> Callable[..., Any]:
    """Return a function that calls the one of this name in scipy.special, loaded at first use."""
    found: Any = None

    def compute(*operands: Any) -> Any:
        nonlocal found
        if found is None:
            found = getattr(importlib.import_module("scipy.special"), name)
        return found(*operands)

    compute.__name__ = compute.__qualname__ = name
    return compute


sigmoid = elementwise(
    "sigmoid",
    special_function("expit"),
    d=lambda x, y: (1 - y) * y,
    numpy="scipy.special.expit",
    formula=lambda x: 1 / (1 + exp(-x)),
    glyph="σ",
)

# Trigonometric and hyperbolic functions.

sin = elementwise("sin", np.sin, scalar=math.sin, d=lambda x, y: cos(x), dtypes="fc")
cos: Operation = elementwise("cos", np.cos, scalar=math.cos, d=lambda x, y: -sin(x), dtypes="fc")
tan = elementwise(
    "tan",
    np.tan,
    scalar=math.tan,
    d=lambda x, y: 1 + y * y,
    singular=True,
    domain=INSIDE_ONE,
    dtypes="fc",
)
arcsin = elementwise(
    "arcsin",
    np.arcsin,
    scalar=math.asin,
    d=lambda x, y: 1 / sqrt(1 - x * x),
    singular=True,
    domain=INSIDE_ONE,
)
arccos = elementwise(
    "arccos",
    np.arccos,
    scalar=math.acos,
    d=lambda x, y: -1 / sqrt(1 - x * x),
    singular=True,
    domain=INSIDE_ONE,
)
arctan = elementwise("arctan", np.arctan, scalar=math.atan, d=lambda x, y: 1 / (1 + x * x))


def _over_squared_length(x: Any, a: Any, b: Any) -> Any:
    length = hypot(a, b)
    return x / length / length  # twice, for its square overflows and underflows


arctan2 = elementwise(
    "arctan2",
    np.arctan2,
    scalar=math.atan2,
    d=(
        lambda a, b, y: _over_squared_length(b, a, b),
        lambda a, b, y: _over_squared_length(-a, a, b),
    ),
    singular=True,
    domain=(NONZERO, NONZERO),
)
sinh = elementwise(
    "sinh", np.sinh, scalar=math.sinh, d=lambda x, y: cosh(x), singular=True, dtypes="fc"
)
cosh: Operation = elementwise(
    "cosh", np.cosh, scalar=math.cosh, d=lambda x, y: sinh(x), singular=True, dtypes="fc"
)
tanh = elementwise("tanh", np.tanh, scalar=math.tanh, d=lambda x, y: 1 - y * y, dtypes="fc")
arcsinh = elementwise("arcsinh", np.arcsinh, scalar=math.asinh, d=lambda x, y: 1 / sqrt(1 + x * x))
arccosh = elementwise(
    "arccosh",
    np.arccosh,
    scalar=math.acosh,
    d=lambda x, y: 1 / (sqrt(x - 1) * sqrt(x + 1)),
    singular=True,
    domain=ABOVE_ONE,
)
arctanh = elementwise(
    "arctanh",
    np.arctanh,
    scalar=math.atanh,
    d=lambda x, y: 1 / (1 - x * x),
    singular=True,
    domain=INSIDE_ONE,
)


def _sinc_slope(x: Any, y: Any) -> Any:
    # (cos(pi x) - sinc(x)) / x loses its digits near 0, so its power series serves there.
    near = absolute(x) < 0.02
    t = (np.pi * x) ** 2
    series = -np.pi * np.pi * x * (1 / 3 - t * (1 / 30 - t * (1 / 840 - t / 45360)))
    return where(near, series, (cos(np.pi * x) - y) / where(near, 1.0, x))


def _sinc_formula(x: Any) -> Any:
    if dtype_of(x).kind != "f":
        return None
    scaled = np.pi * x
    y = where(not_equal(scaled, 0), scaled, float(np.finfo(dtype_of(x)).eps))
    return sin(y) / y


sinc = elementwise("sinc", np.sinc, d=_sinc_slope, formula=_sinc_formula)
deg2rad = elementwise(
    "deg2rad",
    np.deg2rad,
    scalar=math.radians,
    d=lambda x, y: np.pi / 180,
    numpy=("numpy.deg2rad", "numpy.radians"),
)
rad2deg = elementwise(
    "rad2deg",
    np.rad2deg,
    scalar=math.degrees,
    d=lambda x, y: 180 / np.pi,
    numpy=("numpy.rad2deg", "numpy.degrees"),
)

# Choices, and steps with zero gradient.

equal: Operation = constant("equal", operator.eq, symbol="==", entrywise=True, commutes=True)
not_equal = constant("not_equal", operator.ne, symbol="!=", entrywise=True, commutes=True)
less = constant("less", operator.lt, symbol="<", entrywise=True)
less_equal = constant("less_equal", operator.le, symbol="<=", entrywise=True)
greater = constant("greater", operator.gt, symbol=">", entrywise=True)
greater_equal = constant("greater_equal", operator.ge, symbol=">=", entrywise=True)
logical_and = constant("logical_and", np.logical_and, entrywise=True, commutes=True)
logical_or = constant("logical_or", np.logical_or, entrywise=True, commutes=True)
logical_xor = constant("logical_xor", np.logical_xor, entrywise=True, commutes=True)
logical_not = constant("logical_not", np.logical_not, entrywise=True)
bitwise_and = constant("bitwise_and", operator.and_, symbol="&", entrywise=True, commutes=True)
bitwise_or = constant("bitwise_or", operator.or_, symbol="|", entrywise=True, commutes=True)
bitwise_xor = constant("bitwise_xor", operator.xor, symbol="^", entrywise=True, commutes=True)
invert = constant("invert", operator.invert, symbol="~", entrywise=True)
isnan = constant("isnan", np.isnan, numpy=("numpy.isnan", "math.isnan"), entrywise=True)
isinf = constant("isinf", np.isinf, numpy=("numpy.isinf", "math.isinf"), entrywise=True)
isfinite = constant(
    "isfinite", np.isfinite, numpy=("numpy.isfinite", "math.isfinite"), entrywise=True
)
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
)


def _absolute_slope(x: Any, y: Any) -> Any:
    if not is_complex(x):
        return sign(x)
    size = absolute(x)
    return conjugate(x) / where(equal(size, 0), 1.0, size)


absolute: Operation = _size(
    "absolute",
    operator.abs,
    d=_absolute_slope,
    numpy=("numpy.abs", "math.fabs"),
    source="np.abs({0})",
    glyph="abs",
    kinked=True,
    dtypes="fc",
)
fabs = _size("fabs", np.fabs, d=lambda x, y: sign(x), kinked=True)
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

# Numbers taken apart.

ldexp = elementwise(
    "ldexp",
    np.ldexp,
    d=(lambda x, n, y: np.ldexp(1.0, n), None),
    numpy=("numpy.ldexp", "math.ldexp"),
)


def _nan_to_num_formula(x: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    if dtype_of(x).kind != "f":
        return x
    largest = float(np.finfo(dtype_of(x)).max)
    posinf = largest if posinf is None else posinf
    neginf = -largest if neginf is None else neginf
    if not all(isinstance(number, (int, float)) for number in (nan, posinf, neginf)):
        return None
    y = where(equal(x, np.inf), posinf, where(equal(x, -np.inf), neginf, x))
    return where(isnan(x), nan, y)


nan_to_num = elementwise(
    "nan_to_num",
    lambda x, nan=0.0, posinf=None, neginf=None: np.nan_to_num(
        x, nan=nan, posinf=posinf, neginf=neginf
    ),
    d=lambda x, y, nan=0.0, posinf=None, neginf=None: isfinite(x),
    formula=_nan_to_num_formula,
    singular=True,
)


# Parts of complex numbers. `real` is in chainrule.core.linear, which takes it of gradients.


def conjugated(x: Any) -> Any:
    """Return the conjugate, and real numbers as they are."""
    return conjugate(x) if is_complex(x) else x


conjugate: Operation = linear(
    "conjugate",
    np.conjugate,
    pullback=lambda g, z: conjugated(g),
    entrywise=True,
    examples=(example(()), example((2, 3))),
    dtypes="fc",
)
imag = linear(
    "imag",
    np.imag,
    pullback=lambda g, z: -1j * g if is_complex(z) else None,
    source="{0}.imag",
    formula=lambda z: None if is_complex(z) else 0.0,
    entrywise=True,
    examples=(example(()), example((2, 3))),
    view=True,
    dtypes="fc",
)
