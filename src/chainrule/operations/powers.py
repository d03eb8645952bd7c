"""Powers and roots, and the sizes of numbers."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np

from chainrule.core.apply import apply
from chainrule.core.array import Array, is_complex, shape_of
from chainrule.core.complex_parts import cartesian, conjugate, imag
from chainrule.core.domain import NONZERO, POSITIVE, REAL
from chainrule.core.kinds import (
    Elementwise,
    broadcast_to,
    elementwise,
    guarded_multiply,
    real,
    sum_to,
)
from chainrule.core.node import Node
from chainrule.core.operation import Operation, rows_of
from chainrule.core.placeholder import Placeholder
from chainrule.core.saved import lift
from chainrule.operations.arithmetic import add, multiply, negative, subtract
from chainrule.operations.choices import copysign, equal, isinf, less, logical_and, sign, where
from chainrule.operations.exponential import log


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


def _power_form(z: Any, n: Any) -> Any:
    """Return a small whole power as products; NumPy computes the others."""
    if not isinstance(n, (int, float)) or n != math.floor(n) or not 0 < abs(n) < _MANY_FACTORS:
        return None
    factor, result, rest = z, None, abs(int(n))
    while rest:
        if rest & 1:
            result = factor if result is None else result * factor
        rest >>= 1
        factor = factor * factor if rest else factor
    return 1.0 / result if n < 0 else result  # type: ignore[operator]


_MANY_FACTORS = 100  # from where on NumPy takes logarithms


def _square_form(z: Any) -> Any:
    a, b = real(z), imag(z)
    return cartesian(a * a - b * b, 2.0 * (a * b))


def _sqrt_form(z: Any) -> Any:
    """Return the root in the right half-plane, on the side of the cut that b's sign says."""
    a, b = real(z), imag(z)
    half = sqrt(0.5 * absolute(a) + hypot(0.5 * a, 0.5 * b))
    nothing = equal(half, 0)
    other = absolute(b) / where(nothing, 1.0, 2.0 * half)
    left = less(a, 0)
    x, y = where(left, other, half), copysign(where(left, half, other), b)
    endless = isinf(b)
    return cartesian(where(endless, np.inf, x), where(endless, b, y))


def _reciprocal_form(z: Any) -> Any:
    a, b = real(z), imag(z)
    swapped = less(absolute(a), absolute(b))
    large, small = where(swapped, b, a), where(swapped, a, b)
    ratio = small / large
    below = large + small * ratio
    return cartesian(where(swapped, ratio, 1.0) / below, where(swapped, -1.0, -ratio) / below)


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
    cartesian=_power_form,
)
float_power = elementwise(
    "float_power", np.float_power, d=power.d, glyph="**", singular=True, domain=(POSITIVE, REAL)
)
square = elementwise(
    "square",
    np.square,
    d=lambda x, y: 2 * x,
    source="{0} ** 2",
    glyph="**2",
    dtypes="fc",
    cartesian=_square_form,
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
        bool(a.parents)
        and a.operation is b.operation
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
        return sum_to(guarded_multiply(multiple, operands[k]), operands[k])

    def needs(self, k: int, arity: int) -> tuple[Set[int], bool]:
        read, _ = super().needs(k, arity)
        return read | {k}, True


_size = rows_of(_Size)
sqrt: Operation = elementwise(
    "sqrt",
    np.sqrt,
    scalar=math.sqrt,
    d=lambda x, y: 0.5 / y,
    singular=True,
    domain=POSITIVE,
    advice="Clip its operand from below, or add a small number inside.",
    dtypes="fc",
    cartesian=_sqrt_form,
)
cbrt = elementwise(
    "cbrt",
    np.cbrt,
    scalar=math.cbrt,
    d=lambda x, y: 1 / (3 * y * y),
    numpy=("numpy.cbrt", "scipy.special.cbrt"),
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
    cartesian=_reciprocal_form,
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
    cartesian=lambda z: hypot(real(z), imag(z)),
)
fabs = _size("fabs", np.fabs, d=lambda x, y: sign(x), kinked=True)
