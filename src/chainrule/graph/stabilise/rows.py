"""Stabilising rules about rows of numbers: softmax, and logarithms of sums of exponentials."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.graph import Apply, Vertex, dtype_of, is_number, shape
from chainrule.graph.phantom import axes_of, element, is_float, like, literal, reduce, truth
from chainrule.graph.recognise import is_operation
from chainrule.graph.rewrite import same_kind
from chainrule.graph.stabilise.parts import exponent, factors, is_spread, summed_exponent
from chainrule.operations import elementwise, reduction
from chainrule.operations import shape as shapes

__all__ = [
    "Exponentials",
    "exp_of_log_softmax",
    "exponentials",
    "log_softmax",
    "logsumexp",
    "new_axes",
    "product_with_inverse",
    "shares",
    "slope_of_logsumexp",
    "softmax",
]

_WHOLE = slice(None)


class Exponentials(NamedTuple):
    """``exp(x - peak)``, its sum, and the peak: the largest entry, or 0 if that is not finite."""

    powers: Apply
    total: Apply
    peak: Apply


def exponentials(x: Vertex, axes: tuple[int, ...]) -> Exponentials:
    """Return the exponentials along some axes. Whoever asks for the same shares them."""
    peak = reduce(reduction.max, x, axes)
    finite = truth(elementwise.isfinite, peak)
    peak = element(elementwise.where, finite, peak, literal(0), dtype=dtype_of(x.value))
    powers = element(elementwise.exp, element(elementwise.subtract, x, peak))
    return Exponentials(powers, reduce(reduction.sum, powers, axes), peak)


def shares(powers: Vertex, total: Vertex) -> Apply:
    """Return exponentials divided by their sum, with one division for each sum.

    It lies between 1, which the largest is, and their number: so its inverse is harmless.
    """
    inverse = element(elementwise.divide, literal(1), total, dtype=dtype_of(total.value))
    return element(elementwise.multiply, powers, inverse)


def new_axes(vertex: Apply) -> Vertex | None:
    """``x[:, None]`` as `expand_dims`, and its gradient as `squeeze`: so that others see it."""
    if vertex.operation.name not in ("getitem", "scatter_add") or len(vertex.operands) != 1:
        return None
    index = vertex.params["index"]
    parts = index if isinstance(index, tuple) else (index,)
    if not all(part is None or (type(part) is slice and part == _WHOLE) for part in parts):
        return None
    axes = tuple(k for k, part in enumerate(parts) if part is None)
    if not axes:
        return None
    move = shapes.expand_dims if vertex.operation.name == "getitem" else shapes.squeeze
    return Apply(move, vertex.operands, {"axis": axes}, vertex.value)


def logsumexp(vertex: Apply) -> Vertex | None:
    """``log(sum(exp(x)))``, which is inf for x = [1000, 0], and -inf for x = [-1000, -1000]."""
    if vertex.operation.name != "log":
        return None
    (total,) = vertex.operands
    x = summed_exponent(total)
    if x is None:
        return None
    assert isinstance(total, Apply)
    return Apply(reduction.logsumexp, (x,), total.params, vertex.value)


def softmax(vertex: Apply) -> Vertex | None:
    """``exp(x) / sum(exp(x))``, which is NaN for x = [1000, 0]."""
    if vertex.operation.name != "divide":
        return None
    powers, spread = vertex.operands
    total = _total_in(spread)
    if total is None or total.operands[0] is not powers or not is_spread(spread, total):
        return None
    x = summed_exponent(total)
    return None if x is None else _softmax(x, total, vertex.value)


def _total_in(vertex: Vertex) -> Apply | None:
    while isinstance(vertex, Apply) and vertex.operation.name in ("broadcast_to", "expand_dims"):
        vertex = vertex.operands[0]
    return vertex if is_operation(vertex, "sum") else None


def _softmax(x: Vertex, total: Apply, value: Any) -> Apply:
    return Apply(reduction.softmax, (x,), {"axis": total.params.get("axis")}, value)


def slope_of_logsumexp(vertex: Apply) -> Vertex | None:
    """``(g / sum(exp(x))) * exp(x)`` is ``g * softmax(x)``: the gradient of `logsumexp`.

    For x = [1000, 0] it is ``0 * inf``. Parts of the gradient of `softmax` have the same form.
    """
    product = factors(vertex)
    for left, powers in (product, product[::-1]) if product else ():
        if exponent(powers) is None:
            continue
        found = _over_total(left, powers)
        if found is None:
            continue
        total, numerator = found
        x = summed_exponent(total)
        if x is None:
            continue
        y = _softmax(x, total, powers.value)
        return Apply(elementwise.multiply, (numerator, y), {}, vertex.value)
    return None


def _over_total(vertex: Vertex, powers: Vertex) -> tuple[Apply, Vertex] | None:
    """Read ``g * (c / total)``, spread or not; return the sum of powers, and ``g * c``."""
    if not isinstance(vertex, Apply):
        return None
    if vertex.operation.name in ("add", "subtract"):
        left, right = (_over_total(x, powers) for x in vertex.operands)
        if left is None or right is None or left[0] is not right[0]:
            return None
        terms = left[1], right[1]
        if shape(vertex) != np.broadcast_shapes(*map(shape, terms)):
            return None
        return left[0], Apply(vertex.operation, terms, vertex.params, vertex.value)
    if vertex.operation.name in ("broadcast_to", "expand_dims", "unbroadcast", "squeeze"):
        found = _over_total(vertex.operands[0], powers)
        if found is None:
            return None
        total, numerator = found
        if not _keeps_rows(vertex, total):
            return None
        return total, Apply(vertex.operation, (numerator,), vertex.params, vertex.value)
    product = factors(vertex)
    for g, quotient in (product, product[::-1]) if product else ():
        if not is_operation(quotient, "divide"):
            continue
        numerator, spread = quotient.operands
        sum_ = _total_in(spread)
        if sum_ is None or sum_.operands[0] is not powers:
            continue
        if spread is not sum_ and not is_spread(spread, sum_):
            continue
        if is_number(numerator, 1) and same_kind(g, vertex):
            return sum_, g
        dtype = dtype_of(vertex.value)
        if shape(vertex) == np.broadcast_shapes(shape(g), shape(numerator)):
            return sum_, element(elementwise.multiply, g, numerator, dtype=dtype)
    return None


def _keeps_rows(vertex: Apply, total: Apply) -> bool:
    """Tell whether a move keeps what belongs to one sum together, and in its place."""
    whole, axes = shape(total.operands[0]), axes_of(total)
    kept = tuple(1 if k in axes else n for k, n in enumerate(whole))
    before, after = shape(vertex.operands[0]), shape(vertex)
    if vertex.operation.name == "expand_dims":
        return before == shape(total) and tuple(vertex.params["axis"]) == axes and after == kept
    if vertex.operation.name == "broadcast_to":
        return before in (kept, (), whole) and after == whole
    if vertex.operation.name == "squeeze":
        return before == kept and tuple(vertex.params["axis"]) == axes
    return before == whole and after == kept


def log_softmax(vertex: Apply) -> Vertex | None:
    """``log(softmax(x))``, which is -inf rather than -1000 for x = [1000, 0]."""
    if vertex.operation.name != "log" or not is_operation(vertex.operands[0], "softmax"):
        return None
    inner = vertex.operands[0]
    return Apply(reduction.log_softmax, inner.operands, inner.params, vertex.value)


def product_with_inverse(vertex: Apply) -> Vertex | None:
    """``(g / y) * y`` and ``y * (g / y - t)`` with ``y = softmax(x)``.

    They are in the gradient of its logarithm, and ``inf * 0`` where y is 0, as for x = [1000, 0].
    """
    product = factors(vertex)
    for left, right in (product, product[::-1]) if product else ():
        y = right.operands[0] if is_operation(right, "negative") else right
        if not is_operation(y, "softmax"):
            continue
        g = _over(left, y)
        if g is not None and same_kind(g, vertex):
            return g if right is y else Apply(elementwise.negative, (g,), {}, vertex.value)
        if is_operation(left, "subtract") and right is y:
            g = _over(left.operands[0], y)
            if g is not None and same_kind(g, vertex):
                rest = element(elementwise.multiply, y, left.operands[1])
                return Apply(elementwise.subtract, (g, rest), {}, vertex.value)
    return None


def _over(vertex: Vertex, y: Vertex) -> Vertex | None:
    """Return g of ``g * (1 / y)``."""
    product = factors(vertex)
    for g, inverse in (product, product[::-1]) if product else ():
        if is_operation(inverse, "divide") and is_number(inverse.operands[0], 1):
            other = inverse.operands[1]
            if other is y or (
                is_operation(other, "softmax")
                and is_operation(y, "softmax")
                and other.operands[0] is y.operands[0]
                and other.params == y.params
            ):
                return g
    return None


def exp_of_log_softmax(vertex: Apply) -> Vertex | None:
    """``exp(x - logsumexp(x))`` and ``exp(log_softmax(x))`` as ``exp(x - max(x)) / sum(...)``.

    The exponentials are those of the logsumexp: so this saves half of them. It is more exact, too:
    for x = [1000, 1000.5], the logarithm has lost three digits more than the quotient.
    """
    x = exponent(vertex)
    if isinstance(x, Apply) and x.operation.name == "log_softmax":
        powers, total, _ = exponentials(x.operands[0], axes_of(x))
        return like(shares(powers, total), vertex)
    if x is None or not is_operation(x, "subtract") or not is_float(x):
        return None
    value, spread = x.operands
    log, guarded = _logsumexp_in(spread)
    if log is None or log.operands[0] is not value or shape(value) != shape(vertex):
        return None
    if not math.prod(shape(value)) or not _is_laid_over(spread, log):
        return None
    powers, total, _ = exponentials(value, axes_of(log))
    if guarded:  # of nothing but -inf, the powers are 0, and so is the result
        none = truth(elementwise.equal, total, literal(0))
        total = element(elementwise.where, none, literal(1), total, dtype=dtype_of(total.value))
    return like(shares(powers, total), vertex)


def _logsumexp_in(vertex: Vertex) -> tuple[Apply | None, bool]:
    """Find the logsumexp in ``where(y == -inf, 0, y)``, spread or not."""
    guarded = False
    while isinstance(vertex, Apply):
        if vertex.operation.name == "logsumexp":
            return vertex, guarded
        if vertex.operation.name == "where":
            test, zero, rest = vertex.operands
            if guarded or not is_number(zero, 0) or not is_operation(test, "equal"):
                break
            if test.operands[0] is not rest or not is_number(test.operands[1], -math.inf):
                break
            guarded, vertex = True, rest
        elif vertex.operation.name in ("expand_dims", "broadcast_to"):
            vertex = vertex.operands[0]
        else:
            break
    return None, guarded


def _is_laid_over(vertex: Vertex, total: Apply) -> bool:
    """Tell whether each entry of what was reduced meets its own result."""
    if shape(total) == () or total.params.get("keepdims"):
        return True
    kept = tuple(1 if k in axes_of(total) else n for k, n in enumerate(shape(total.operands[0])))
    while isinstance(vertex, Apply) and vertex is not total:
        if vertex.operation.name == "expand_dims":
            return tuple(vertex.params["axis"]) == axes_of(total) and shape(vertex) == kept
        vertex = vertex.operands[-1]
    return False
