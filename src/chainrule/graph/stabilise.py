"""Formulas that fail for large or small numbers, as ones of the same value that do not.

Every rule is a function of one vertex, whose operands are expected to be shared; it looks at the
form of the graph alone, never at values, and returns None where it has nothing to say. Each names
the input at which the form that it replaces fails. A gradient contains the parts of the value it
belongs to (``exp(x)``, ``1 / (1 + exp(x))``), and would still fail if these stayed: so there are
rules for the forms of gradients, too.

``1 / (1 + exp(-x))`` needs no rule: where ``exp(-x)`` overflows, 0 is the right value of it and of
its gradient.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.graph import Apply, Constant, Vertex, dtype_of, is_number, shape
from chainrule.graph.phantom import element, is_float, like, literal, reduce, truth
from chainrule.graph.recognise import is_operation
from chainrule.graph.rewrite import Rule, same_kind
from chainrule.operations import elementwise, reduction
from chainrule.operations import shape as shapes

__all__ = ["STABILISING", "Exponentials", "exponentials"]

_WHOLE = slice(None)

# Parts that the rules look for.


def _is_one_plus(vertex: Vertex) -> Vertex | None:
    """Return x of ``1 + x``."""
    if not is_operation(vertex, "add"):
        return None
    a, b = vertex.operands
    other = b if is_number(a, 1) else a if is_number(b, 1) else None
    return other if other is not None and shape(other) == shape(vertex) else None


def _is_exp(vertex: Vertex | None) -> Vertex | None:
    """Return x of ``exp(x)``."""
    return vertex.operands[0] if vertex is not None and is_operation(vertex, "exp") else None


def _is_product(vertex: Vertex) -> tuple[Vertex, Vertex] | None:
    if is_operation(vertex, "multiply") or is_operation(vertex, "guarded_multiply"):
        a, b = vertex.operands
        return a, b
    return None


def _axes(vertex: Apply) -> tuple[int, ...]:
    axis = vertex.params.get("axis")
    return tuple(range(len(shape(vertex.operands[0])))) if axis is None else tuple(axis)


def _without_spreading(vertex: Vertex, total: Apply) -> Vertex:
    """Undo what spreads something of the shape of a reduction over its operand, as far as it goes.

    With ``total = sum(x, axis=1)`` that is `broadcast_to` of `expand_dims` along axis 1.
    """
    whole = shape(total.operands[0])
    if is_operation(vertex, "broadcast_to") and shape(vertex) == whole:
        vertex = vertex.operands[0]
    if not total.params.get("keepdims") and is_operation(vertex, "expand_dims"):
        return vertex.operands[0] if tuple(vertex.params["axis"]) == _axes(total) else vertex
    return vertex


def _is_spread(vertex: Vertex, total: Apply) -> bool:
    """Tell whether a vertex is a reduction, laid over its operand."""
    return _without_spreading(vertex, total) is total and (
        vertex is not total or bool(total.params.get("keepdims")) or not shape(total)
    )


def _is_shifted(x: Vertex, axes: tuple[int, ...]) -> bool:
    """Tell whether somebody has already subtracted the largest entry."""
    if not is_operation(x, "subtract"):
        return False
    value, peak = x.operands
    while isinstance(peak, Apply) and peak.operation.name in _SAME_PEAK:
        peak = peak.operands[1 if peak.operation.name == "where" else 0]  # where(finite, peak, 0)
    return is_operation(peak, "max") and _axes(peak) == axes and peak.operands[0] is value


_SAME_PEAK = frozenset(
    {"expand_dims", "broadcast_to", "reshape", "stop_gradient", "identity", "where"}
)


def _is_sum_of_exp(vertex: Vertex) -> Vertex | None:
    """Return x of ``sum(exp(x))``, if nobody has made sure that it does not overflow."""
    if not is_operation(vertex, "sum") or not shape(vertex.operands[0]):
        return None
    x = _is_exp(vertex.operands[0])
    if (
        x is None
        or not is_float(x)
        or not math.prod(shape(x))
        or dtype_of(x.value) != dtype_of(vertex.value)
    ):
        return None
    return None if _is_shifted(x, _axes(vertex)) else x


# Exponentials of a row.


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


# Rules.


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


def softplus(vertex: Apply) -> Vertex | None:
    """``log(1 + exp(x))`` and ``log1p(exp(x))``.

    For x = 1000 it is inf rather than 1000; the first is 0 rather than 2e-22 for x = -50.
    """
    (inner,) = vertex.operands if vertex.operation.name in ("log", "log1p") else (None,)
    if inner is None:
        return None
    x = _is_exp(_is_one_plus(inner) if vertex.operation.name == "log" else inner)
    if x is None or not is_float(x) or not same_kind(x, vertex):
        return None
    return Apply(elementwise.logaddexp, (x, Constant(0.0)), {}, vertex.value)


def sigmoid(vertex: Apply) -> Vertex | None:
    """``exp(x) / (1 + exp(x))``, which is inf / inf, NaN, for x = 1000."""
    if vertex.operation.name != "divide" or not is_float(vertex):
        return None
    power, denominator = vertex.operands
    x = _is_exp(power)
    if x is None or _is_one_plus(denominator) is not power or not same_kind(x, vertex):
        return None
    return Apply(elementwise.sigmoid, (x,), {}, vertex.value)


def slope_of_softplus(vertex: Apply) -> Vertex | None:
    """``(g / (1 + exp(x))) * exp(x)`` is ``g * sigmoid(x)``: the gradient of `softplus`.

    For x = 1000 it is ``0 * inf``. The same with ``-sigmoid(x)`` for 1 is a part of the gradient of
    `sigmoid`.
    """
    product = _is_product(vertex)
    for left, power in (product, product[::-1]) if product else ():
        x = _is_exp(power)
        inner = _is_product(left)
        if x is None or inner is None or not is_float(x):
            continue
        for g, quotient in (inner, inner[::-1]):
            if not is_operation(quotient, "divide"):
                continue
            numerator, denominator = quotient.operands
            if _is_one_plus(denominator) is not power:
                continue
            slope = Apply(elementwise.sigmoid, (x,), {}, power.value)
            if is_number(numerator, 1):
                return Apply(elementwise.multiply, (g, slope), {}, vertex.value)
            y = numerator.operands[0] if is_operation(numerator, "negative") else None
            if y is not None and is_operation(y, "sigmoid") and y.operands[0] is x:
                weighted = element(elementwise.multiply, g, numerator, dtype=dtype_of(left.value))
                return Apply(elementwise.multiply, (weighted, slope), {}, vertex.value)
    return None


def logsumexp(vertex: Apply) -> Vertex | None:
    """``log(sum(exp(x)))``, which is inf for x = [1000, 0], and -inf for x = [-1000, -1000]."""
    if vertex.operation.name != "log":
        return None
    (total,) = vertex.operands
    x = _is_sum_of_exp(total)
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
    if total is None or total.operands[0] is not powers or not _is_spread(spread, total):
        return None
    x = _is_sum_of_exp(total)
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
    product = _is_product(vertex)
    for left, powers in (product, product[::-1]) if product else ():
        if _is_exp(powers) is None:
            continue
        found = _over_total(left, powers)
        if found is None:
            continue
        total, numerator = found
        x = _is_sum_of_exp(total)
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
    product = _is_product(vertex)
    for g, quotient in (product, product[::-1]) if product else ():
        if not is_operation(quotient, "divide"):
            continue
        numerator, spread = quotient.operands
        sum_ = _total_in(spread)
        if sum_ is None or sum_.operands[0] is not powers:
            continue
        if spread is not sum_ and not _is_spread(spread, sum_):
            continue
        if is_number(numerator, 1) and same_kind(g, vertex):
            return sum_, g
        dtype = dtype_of(vertex.value)
        if shape(vertex) == np.broadcast_shapes(shape(g), shape(numerator)):
            return sum_, element(elementwise.multiply, g, numerator, dtype=dtype)
    return None


def _keeps_rows(vertex: Apply, total: Apply) -> bool:
    """Tell whether a move keeps what belongs to one sum together, and in its place."""
    whole, axes = shape(total.operands[0]), _axes(total)
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
    product = _is_product(vertex)
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
    product = _is_product(vertex)
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
    x = _is_exp(vertex)
    if isinstance(x, Apply) and x.operation.name == "log_softmax":
        powers, total, _ = exponentials(x.operands[0], _axes(x))
        return like(element(elementwise.divide, powers, total), vertex)
    if x is None or not is_operation(x, "subtract") or not is_float(x):
        return None
    value, spread = x.operands
    log, guarded = _logsumexp_in(spread)
    if log is None or log.operands[0] is not value or shape(value) != shape(vertex):
        return None
    if not math.prod(shape(value)) or not _is_laid_over(spread, log):
        return None
    powers, total, _ = exponentials(value, _axes(log))
    if guarded:  # of nothing but -inf, the powers are 0, and so is the result
        none = truth(elementwise.equal, total, literal(0))
        total = element(elementwise.where, none, literal(1), total, dtype=dtype_of(total.value))
    return like(element(elementwise.divide, powers, total), vertex)


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
    kept = tuple(1 if k in _axes(total) else n for k, n in enumerate(shape(total.operands[0])))
    while isinstance(vertex, Apply) and vertex is not total:
        if vertex.operation.name == "expand_dims":
            return tuple(vertex.params["axis"]) == _axes(total) and shape(vertex) == kept
        vertex = vertex.operands[-1]
    return False


def root_of_square(vertex: Apply) -> Vertex | None:
    """``sqrt(x * x)``, which is inf rather than 1e200 for x = 1e200, and 0 for x = 1e-200."""
    if vertex.operation.name != "sqrt" or not isinstance(vertex.operands[0], Apply):
        return None
    square = vertex.operands[0]
    name = square.operation.name
    twice = name == "multiply" and square.operands[0] is square.operands[1]
    power = name == "power" and is_number(square.operands[1], 2)
    if not (twice or power or name == "square"):
        return None
    x = square.operands[0]
    if not is_float(x) or not same_kind(x, vertex):
        return None
    return Apply(elementwise.absolute, (x,), {}, vertex.value)


#: The rules, for `chainrule.graph.rewrite`, in the order in which they are tried.
STABILISING: tuple[Rule, ...] = (
    new_axes,
    softplus,
    sigmoid,
    slope_of_softplus,
    logsumexp,
    softmax,
    slope_of_logsumexp,
    log_softmax,
    product_with_inverse,
    exp_of_log_softmax,
    root_of_square,
)
