"""Stabilising rules about rows of numbers: softmax, and logarithms of sums of exponentials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from chainrule.core.kinds import broadcast_to
from chainrule.core.operation import Operation
from chainrule.graph.formula import traced
from chainrule.graph.graph import Apply, Vertex, axes_of, is_float, is_number, is_operation
from chainrule.graph.patterns import as_logsumexp, as_softmax, exponent, is_laid_over, is_shifted
from chainrule.graph.rewrite import about
from chainrule.operations import elementwise, indexing
from chainrule.operations import shape as shapes
from chainrule.operations import softmax as softmax_rows

__all__ = [
    "exp_of_log_softmax",
    "log_softmax",
    "logsumexp",
    "may_add_axes",
    "new_axes",
    "softmax",
]

_WHOLE = slice(None)


@about(shapes.reshape, indexing.getitem, indexing.scatter_add)
def new_axes(vertex: Apply) -> Vertex | None:
    """``x[:, None]`` and ``x.reshape(-1, 1)`` as `expand_dims`, their gradients as `squeeze`."""
    operation, old, new = vertex.operation, vertex.operands[0].shape, vertex.shape
    if operation is shapes.reshape:
        added, dropped = _longer(old, new), _longer(new, old)
    elif len(vertex.operands) == 1:
        axes = _new_axes_in(vertex.params["index"], max(len(old), len(new)))
        added, dropped = (axes, ()) if operation is indexing.getitem else ((), axes)
    else:
        return None
    if added:
        return Apply(shapes.expand_dims, vertex.operands, {"axis": added}, vertex.value)
    if dropped:
        return Apply(shapes.squeeze, vertex.operands, {"axis": dropped}, vertex.value)
    return None


def may_add_axes(operation: Operation, params: Mapping[str, Any]) -> bool:
    """Tell whether `new_axes` may have something to say where this is applied."""
    if operation is shapes.reshape:
        return True
    read = operation is indexing.getitem or operation is indexing.scatter_add
    return read and any(part is None for part in indexing.index_parts(params["index"]))


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


@about(elementwise.log)
def logsumexp(vertex: Apply) -> Vertex | None:
    """``log(sum(exp(x)))`` overflows, or is the logarithm of 0."""
    found = as_logsumexp(vertex)
    return None if found is None or is_shifted(found.operands[0], axes_of(found)) else found


@about(elementwise.divide)
def softmax(vertex: Apply) -> Vertex | None:
    """``exp(x) / sum(exp(x))``: infinity by infinity, or 0 by 0."""
    found = as_softmax(vertex)
    return None if found is None or is_shifted(found.operands[0], axes_of(found)) else found


@about(elementwise.log)
def log_softmax(vertex: Apply) -> Vertex | None:
    """``log(softmax(x))``, of a softmax that is 0."""
    (inner,) = vertex.operands
    if not is_operation(inner, softmax_rows.softmax):
        return None
    return Apply(softmax_rows.log_softmax, inner.operands, inner.params, vertex.value)


@about(elementwise.exp)
def exp_of_log_softmax(vertex: Apply) -> Vertex | None:
    """``exp(x - logsumexp(x))`` and ``exp(log_softmax(x))`` as ``exp(x - max(x)) / sum(...)``.

    The exponentials are those of the logsumexp: so this saves half of them. It is more exact, too:
    for x = [1000, 1000.5], the logarithm has lost three digits more than the quotient.
    """
    x = exponent(vertex)
    if isinstance(x, Apply) and x.operation is softmax_rows.log_softmax:
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
        powers, total, _ = softmax_rows.exponentials(x, axes_of(log))
        if guarded:  # of nothing but -inf, the powers are 0, and so is the result
            total = elementwise.where(elementwise.equal(total, 0), 1.0, total)
        return softmax_rows.shares(powers, total)

    found = traced(formula, log.operands[0])
    assert isinstance(found, Apply)
    return Apply(found.operation, found.operands, found.params, value)


def _logsumexp_in(vertex: Vertex) -> tuple[Apply | None, bool]:
    """Find the logsumexp in ``where(y == -inf, 0, y)``, spread or not."""
    guarded = False
    while isinstance(vertex, Apply):
        if vertex.operation is softmax_rows.logsumexp:
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
