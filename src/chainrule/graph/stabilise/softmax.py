"""Stabilising rules about rows of numbers: softmax, and logarithms of sums of exponentials."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.kinds import broadcast_to, unbroadcast
from chainrule.graph.formula import traced
from chainrule.graph.graph import Apply, Vertex, axes_of, is_float, is_number, is_operation
from chainrule.graph.patterns import (
    exponent,
    factors,
    is_laid_over,
    is_shifted,
    spread_sum,
    summed_exponent,
)
from chainrule.graph.placeholder import element
from chainrule.graph.recognise import as_logsumexp, as_softmax
from chainrule.graph.rewrite import same_kind
from chainrule.operations import elementwise, indexing, reduction
from chainrule.operations import shape as shapes

__all__ = [
    "exp_of_log_softmax",
    "log_softmax",
    "logsumexp",
    "new_axes",
    "product_with_inverse",
    "slope_of_logsumexp",
    "softmax",
]

_WHOLE = slice(None)


def new_axes(vertex: Apply) -> Vertex | None:
    """``x[:, None]`` and ``x.reshape(-1, 1)`` as `expand_dims`, their gradients as `squeeze`."""
    operation, old, new = vertex.operation, vertex.operands[0].shape, vertex.shape
    if operation is shapes.reshape:
        added, dropped = _longer(old, new), _longer(new, old)
    elif operation in (indexing.getitem, indexing.scatter_add) and len(vertex.operands) == 1:
        axes = _new_axes_in(vertex.params["index"], max(len(old), len(new)))
        added, dropped = (axes, ()) if operation is indexing.getitem else ((), axes)
    else:
        return None
    if added:
        return Apply(shapes.expand_dims, vertex.operands, {"axis": added}, vertex.value)
    if dropped:
        return Apply(shapes.squeeze, vertex.operands, {"axis": dropped}, vertex.value)
    return None


def _new_axes_in(index: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes that an index adds, if that is all it does."""
    parts = indexing.index_parts(index)
    if not all(
        part is None or part is Ellipsis or (type(part) is slice and part == _WHOLE)
        for part in parts
    ):
        return ()
    ends = parts.index(Ellipsis) if Ellipsis in parts else len(parts)
    behind = ndim - len(parts)  # how much further from the start is what follows the dots
    return tuple(k + (behind if k > ends else 0) for k, part in enumerate(parts) if part is None)


def _longer(old: tuple[int, ...], new: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of length 1 that make one shape of another; none where that is not so."""
    rest = list(old)
    added = []
    for k, n in enumerate(new):
        if rest and rest[0] == n:
            rest.pop(0)
        elif n == 1:
            added.append(k)
        else:
            return ()
    return () if rest else tuple(added)


def logsumexp(vertex: Apply) -> Vertex | None:
    """``log(sum(exp(x)))`` overflows, or is the logarithm of 0."""
    found = as_logsumexp(vertex)
    return None if found is None or is_shifted(found.operands[0], axes_of(found)) else found


def softmax(vertex: Apply) -> Vertex | None:
    """``exp(x) / sum(exp(x))``: infinity by infinity, or 0 by 0."""
    found = as_softmax(vertex)
    return None if found is None or is_shifted(found.operands[0], axes_of(found)) else found


def _overflowing_exponent(total: Apply) -> Vertex | None:
    """Return x of ``sum(exp(x))``, if nobody has made sure that it does not overflow."""
    x = summed_exponent(total)
    return None if x is None or is_shifted(x, axes_of(total)) else x


def _softmax(x: Vertex, total: Apply, value: Any) -> Apply:
    return Apply(reduction.softmax, (x,), {"axis": total.params.get("axis")}, value)


def slope_of_logsumexp(vertex: Apply) -> Vertex | None:
    """``(g / sum(exp(x))) * exp(x)`` is ``g * softmax(x)``: the gradient of `logsumexp`.

    It is ``0 * inf`` where the sum is infinite. Parts of the gradient of `softmax` are of its form.
    """
    product = factors(vertex)
    for left, powers in (product, product[::-1]) if product else ():
        found = None if exponent(powers) is None else _over_total(left, powers)
        x = None if found is None else _overflowing_exponent(found.total)
        if found is None or x is None or not found.laid_over:
            continue
        y = _softmax(x, found.total, powers.value)
        return Apply(vertex.operation, (found.numerator, y), {}, vertex.value)
    return None


class _Quotient(NamedTuple):
    """``numerator / total``; ``laid_over`` tells whether each entry is where its row is.

    If not, it has the shape of the total, without the axes of the sum.
    """

    total: Apply
    numerator: Vertex
    laid_over: bool


def _over_total(vertex: Vertex, powers: Vertex) -> _Quotient | None:
    """Read ``g * (c / total)``, however moved, where the total is a sum of powers."""
    if not isinstance(vertex, Apply):
        return None
    if vertex.operation in (elementwise.add, elementwise.subtract):
        left, right = (_over_total(x, powers) for x in vertex.operands)
        if left is None or right is None or left[::2] != right[::2]:
            return None
        terms = left.numerator, right.numerator
        if any(x.shape != vertex.shape for x in terms):
            return None
        return left._replace(numerator=Apply(vertex.operation, terms, {}, vertex.value))
    if vertex.operation in (broadcast_to, shapes.expand_dims, unbroadcast, shapes.squeeze):
        found = _over_total(vertex.operands[0], powers)
        laid_over = None if found is None else _laid_over_after(vertex, found)
        if found is None or laid_over is None:
            return None
        moved = Apply(vertex.operation, (found.numerator,), vertex.params, vertex.value)
        return _Quotient(found.total, moved, laid_over)
    product = factors(vertex)
    for g, quotient in (product, product[::-1]) if product else ():
        if not is_operation(quotient, elementwise.divide):
            continue
        numerator, spread = quotient.operands
        total = spread_sum(spread)
        if total is None or total.operands[0] is not powers:
            continue
        laid_over = is_laid_over(spread, total)
        if not laid_over and (spread is not total or vertex.shape != total.shape):
            continue
        if is_number(numerator, 1) and same_kind(g, vertex):
            return _Quotient(total, g, laid_over)
        if vertex.shape == np.broadcast_shapes(g.shape, numerator.shape):
            whole = element(vertex.operation, g, numerator, dtype=vertex.dtype)
            return _Quotient(total, whole, laid_over)
    return None


def _laid_over_after(move: Apply, quotient: _Quotient) -> bool | None:
    """Tell whether entries are where their rows are after a move; None if sums got mixed up."""
    total, operation = quotient.total, move.operation
    before, after = move.operands[0].shape, move.shape
    whole, reduced = total.operands[0].shape, set(axes_of(total))
    if operation in (shapes.expand_dims, shapes.squeeze):
        longer = max(before, after, key=len)
        axes = {k % len(longer) for k in move.params["axis"]}
        in_front = axes == set(range(len(axes)))
        if quotient.laid_over and in_front and len(longer) <= len(whole):
            return True
        here = quotient.laid_over == (operation is shapes.squeeze)
        return (
            operation is shapes.expand_dims
            if here and axes == reduced and len(longer) == len(whole)
            else None
        )
    if not quotient.laid_over:
        return None
    if operation is broadcast_to:
        return True
    extra = len(before) - len(after)
    summed = {*range(extra), *(k + extra for k, n in enumerate(after) if n != before[k + extra])}
    offset = len(whole) - len(before)  # from an axis to that of the row
    return True if all(k + offset < 0 or k + offset in reduced for k in summed) else None


def log_softmax(vertex: Apply) -> Vertex | None:
    """``log(softmax(x))``, of a softmax that is 0."""
    if vertex.operation is not elementwise.log:
        return None
    (inner,) = vertex.operands
    if not is_operation(inner, reduction.softmax):
        return None
    return Apply(reduction.log_softmax, inner.operands, inner.params, vertex.value)


def product_with_inverse(vertex: Apply) -> Vertex | None:
    """``(g / y) * y`` and ``y * (g / y - t)`` with ``y = softmax(x)``.

    They are in the gradient of its logarithm, and ``inf * 0`` where y is 0.
    """
    product = factors(vertex)
    for left, right in (product, product[::-1]) if product else ():
        y = right.operands[0] if is_operation(right, elementwise.negative) else right
        if not is_operation(y, reduction.softmax):
            continue
        g = _over(left, y)
        if g is not None and same_kind(g, vertex):
            return g if right is y else Apply(elementwise.negative, (g,), {}, vertex.value)
        if is_operation(left, elementwise.subtract) and right is y:
            g = _over(left.operands[0], y)
            if g is not None and same_kind(g, vertex):
                rest = element(elementwise.multiply, y, left.operands[1])
                return Apply(elementwise.subtract, (g, rest), {}, vertex.value)
    return None


def _over(vertex: Vertex, y: Vertex) -> Vertex | None:
    """Return g of ``g * (1 / y)``."""
    product = factors(vertex)
    for g, inverse in (product, product[::-1]) if product else ():
        if is_operation(inverse, elementwise.divide) and is_number(inverse.operands[0], 1):
            other = inverse.operands[1]
            if other is y or (
                is_operation(other, reduction.softmax)
                and is_operation(y, reduction.softmax)
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
    if isinstance(x, Apply) and x.operation is reduction.log_softmax:
        return _shares(x, guarded=False, value=vertex.value)
    if x is None or not is_operation(x, elementwise.subtract) or not is_float(x):
        return None
    value, spread = x.operands
    log, guarded = _logsumexp_in(spread)
    if log is None or log.operands[0] is not value or value.shape != vertex.shape:
        return None
    if not value.size or not is_laid_over(spread, log):
        return None
    return _shares(log, guarded, vertex.value)


def _shares(log: Apply, guarded: bool, value: Any) -> Apply:
    """Return the exponentials of a logsumexp or log_softmax, divided by their sum."""

    def formula(x: Any) -> Any:
        powers, total, _ = reduction.exponentials(x, axes_of(log))
        if guarded:  # of nothing but -inf, the powers are 0, and so is the result
            total = elementwise.where(elementwise.equal(total, 0), 1.0, total)
        return reduction.shares(powers, total)

    found = traced(formula, log.operands[0])
    assert isinstance(found, Apply)
    return Apply(found.operation, found.operands, found.params, value)


def _logsumexp_in(vertex: Vertex) -> tuple[Apply | None, bool]:
    """Find the logsumexp in ``where(y == -inf, 0, y)``, spread or not."""
    guarded = False
    while isinstance(vertex, Apply):
        if vertex.operation is reduction.logsumexp:
            return vertex, guarded
        if vertex.operation is elementwise.where:
            test, zero, rest = vertex.operands
            if guarded or not is_number(zero, 0) or not is_operation(test, elementwise.equal):
                break
            if test.operands[0] is not rest or not is_number(test.operands[1], -math.inf):
                break
            guarded, vertex = True, rest
        elif vertex.operation in (shapes.expand_dims, broadcast_to):
            vertex = vertex.operands[0]
        else:
            break
    return None, guarded
