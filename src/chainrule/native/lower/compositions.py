"""Operations in terms of others: moments, norms, the softmax family, and elementary functions.

Each rule does, step by step, what NumPy or SciPy does for the operation, so that NaN, infinities
and signed zeros come out alike. It returns None where the dtype or a parameter is one that it does
not know; then NumPy computes the operation.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from chainrule.core.kinds import astype, identity
from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Constant, Vertex, axes_of, is_float
from chainrule.graph.placeholder import boolean, both, element, full, like, literal, make, reduce
from chainrule.graph.stabilise.softmax import exponentials, shares
from chainrule.operations import elementwise, reduction

__all__ = ["RULES", "complement_of"]

# Moments.


def _mean(vertex: Apply) -> Vertex | None:
    (x,) = vertex.operands
    if not is_float(x):
        return None
    axes = axes_of(vertex)
    total = reduce(reduction.sum, x, axes)
    count = math.prod(x.shape[k] for k in axes)
    return like(element(elementwise.divide, total, literal(count)), vertex)


def _variance(vertex: Apply) -> Apply | None:
    (x,) = vertex.operands
    axes = axes_of(vertex)
    count = math.prod(x.shape[k] for k in axes)
    freedom = count - vertex.params.get("ddof", 0)
    if not is_float(x) or freedom <= 0:
        return None
    center = element(elementwise.divide, reduce(reduction.sum, x, axes), literal(count))
    deviation = element(elementwise.subtract, x, center)
    total = reduce(reduction.sum, element(elementwise.square, deviation), axes)
    return element(elementwise.divide, total, literal(freedom))


def _var(vertex: Apply) -> Vertex | None:
    variance = _variance(vertex)
    return None if variance is None else like(variance, vertex)


def _std(vertex: Apply) -> Vertex | None:
    variance = _variance(vertex)
    return None if variance is None else like(element(elementwise.sqrt, variance), vertex)


def _count_nonzero(vertex: Apply) -> Vertex | None:
    (x,) = vertex.operands
    count = np.dtype(np.int64)
    number = make(
        astype, [boolean(elementwise.not_equal, x, Constant(0))], count, x.shape, dtype=count
    )
    return like(reduce(reduction.sum, number, axes_of(vertex)), vertex)


# Norms.


def _norm(vertex: Apply) -> Vertex | None:
    (x,) = vertex.operands
    axes, order = axes_of(vertex), vertex.params.get("ord")
    if not is_float(x) or not axes or not math.prod(x.shape):
        return None
    if order is None or (order == 2 and len(axes) == 1) or (order == "fro" and len(axes) == 2):
        total = reduce(reduction.sum, element(elementwise.square, x), axes)
        return like(element(elementwise.sqrt, total), vertex)
    if not isinstance(order, (int, float)):
        return None
    size = element(elementwise.absolute, x)
    extreme = reduction.max if order > 0 else reduction.min
    if len(axes) == 2:
        if abs(order) not in (1, math.inf):
            return None
        rows, columns = axes
        inner, outer = (rows, columns) if abs(order) == 1 else (columns, rows)
        return like(reduce(extreme, reduce(reduction.sum, size, (inner,)), (outer,)), vertex)
    if len(axes) != 1:
        return None
    if abs(order) == math.inf:
        return like(reduce(extreme, size, axes), vertex)
    if order == 0:
        some = boolean(elementwise.not_equal, x, Constant(0))
        dtype = x.dtype
        number = make(astype, [some], dtype, x.shape, dtype=dtype)
        return like(reduce(reduction.sum, number, axes), vertex)
    if order == 1:
        return like(reduce(reduction.sum, size, axes), vertex)
    powers = element(elementwise.power, size, literal(order))
    total = reduce(reduction.sum, powers, axes)
    return like(element(elementwise.power, total, literal(1 / order)), vertex)


# The softmax family: the largest entry is taken out first, so that exp cannot overflow.


def _logsumexp(vertex: Apply) -> Vertex | None:
    (x,) = vertex.operands
    axes = axes_of(vertex)
    if not is_float(x) or not math.prod(x.shape[k] for k in axes):
        return None
    _, total, peak = exponentials(x, axes)
    return like(element(elementwise.add, element(elementwise.log, total), peak), vertex)


def _softmax(vertex: Apply) -> Vertex | None:
    (x,) = vertex.operands
    axes = axes_of(vertex)
    if not is_float(x) or not math.prod(x.shape):
        return None
    peak = reduce(reduction.max, x, axes)
    powers = element(elementwise.exp, element(elementwise.subtract, x, peak))
    return like(shares(powers, reduce(reduction.sum, powers, axes)), vertex)


def _log_softmax(vertex: Apply) -> Vertex | None:
    (x,) = vertex.operands
    axes = axes_of(vertex)
    if not is_float(x) or not math.prod(x.shape):
        return None
    _, total, peak = exponentials(x, axes)
    shifted = element(elementwise.subtract, x, peak)
    return like(element(elementwise.subtract, shifted, element(elementwise.log, total)), vertex)


# Elementary functions.


def _where(test: Vertex, chosen: Vertex, other: Vertex, dtype: np.dtype[np.generic]) -> Apply:
    return element(elementwise.where, test, chosen, other, dtype=dtype)


def _equals(x: Vertex, number: float) -> Apply:
    return boolean(elementwise.equal, x, literal(number))


def _sinc(vertex: Apply) -> Vertex | None:
    """``sin(pi x) / (pi x)``, with a tiny number in the place of 0."""
    (x,) = vertex.operands
    if not is_float(x):
        return None
    dtype = x.dtype
    scaled = element(elementwise.multiply, x, literal(np.pi))
    some = boolean(elementwise.not_equal, scaled, literal(0))
    y = _where(some, scaled, literal(np.finfo(dtype).eps), dtype)
    return like(element(elementwise.divide, element(elementwise.sin, y), y), vertex)


def _nan_to_num(vertex: Apply) -> Vertex | None:
    (x,) = vertex.operands
    dtype = x.dtype
    if not is_float(x):
        return Apply(identity, (x,), {}, vertex.value)
    largest = float(np.finfo(dtype).max)
    numbers = {"nan": 0.0, "posinf": largest, "neginf": -largest}
    numbers |= {name: y for name, y in vertex.params.items() if y is not None}
    if not all(isinstance(y, (int, float)) for y in numbers.values()):
        return None
    y = _where(_equals(x, -math.inf), literal(numbers["neginf"]), x, dtype)
    y = _where(_equals(x, math.inf), literal(numbers["posinf"]), y, dtype)
    return like(_where(boolean(elementwise.isnan, x), literal(numbers["nan"]), y, dtype), vertex)


def _heaviside(vertex: Apply) -> Vertex | None:
    x, at_zero = vertex.operands
    dtype = vertex.dtype
    below = boolean(elementwise.less, x, literal(0))
    step = _where(below, literal(0), literal(1), dtype)
    y = _where(_equals(x, 0), at_zero, step, dtype)
    return like(_where(boolean(elementwise.isnan, x), x, y, dtype), vertex)


def _around(vertex: Apply) -> Vertex | None:
    (x,) = vertex.operands
    decimals = vertex.params.get("decimals", 0)
    if not is_float(x):
        return Apply(identity, (x,), {}, vertex.value) if decimals >= 0 else None
    if decimals == 0:
        return Apply(elementwise.rint, (x,), {}, vertex.value)
    power = literal(10.0 ** abs(decimals))
    up, down = elementwise.multiply, elementwise.divide
    if decimals < 0:
        up, down = down, up
    return like(element(down, element(elementwise.rint, element(up, x, power)), power), vertex)


def _product_with(logarithm: Operation) -> Callable[[Apply], Vertex | None]:
    """``x * log(y)``, and 0 where x is 0 and y a number."""

    def rule(vertex: Apply) -> Vertex | None:
        x, y = vertex.operands
        dtype = vertex.dtype
        known = boolean(elementwise.logical_not, boolean(elementwise.isnan, y))
        product = element(elementwise.multiply, x, element(logarithm, y, dtype=dtype), dtype=dtype)
        zero = both(_equals(x, 0), known)
        return like(_where(zero, literal(0), product, dtype), vertex)

    return rule


def _entr(vertex: Apply) -> Vertex | None:
    """``-x log(x)``; 0 at 0, and -inf below it."""
    (x,) = vertex.operands
    dtype = vertex.dtype
    log = element(elementwise.log, x, dtype=dtype)
    minus = element(elementwise.negative, x, dtype=dtype)
    y = element(elementwise.multiply, minus, log)
    y = _where(_equals(x, 0), literal(0), y, dtype)
    return like(
        _where(boolean(elementwise.less, x, literal(0)), literal(-math.inf), y, dtype), vertex
    )


def complement_of(vertex: Apply) -> Vertex:
    """``1 - y`` of ``y = 1 / (1 + power)``: where that would cancel, ``power * y``."""
    power, y = vertex.operands
    dtype = vertex.dtype
    large = boolean(elementwise.greater, power, literal(1))
    rest = element(elementwise.subtract, literal(1), y, dtype=dtype)
    return like(_where(large, rest, element(elementwise.multiply, power, y), dtype), vertex)


def _imag(vertex: Apply) -> Vertex | None:
    if vertex.operands[0].dtype.kind == "c":
        return None
    return full(0, vertex.dtype, vertex.shape)


RULES: dict[str, Callable[[Apply], Vertex | None]] = {
    "mean": _mean,
    "var": _var,
    "std": _std,
    "count_nonzero": _count_nonzero,
    "norm": _norm,
    "logsumexp": _logsumexp,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "sinc": _sinc,
    "nan_to_num": _nan_to_num,
    "heaviside": _heaviside,
    "around": _around,
    "xlogy": _product_with(elementwise.log),
    "xlog1py": _product_with(elementwise.log1p),
    "entr": _entr,
    "imag": _imag,
}
