"""Rules about masks and ``where``."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np

from chainrule.core.kinds import astype
from chainrule.graph.graph import (
    Apply,
    Constant,
    Vertex,
    apply_to,
    evaluate,
    is_number,
    is_operation,
)
from chainrule.graph.looks import saw
from chainrule.graph.rewrite import Rule, instead
from chainrule.operations import elementwise

__all__ = ["MASKS", "masked"]


def _number_last(vertex: Apply) -> Vertex | None:
    """``0 == x`` is ``x == 0``."""
    if vertex.operation is not elementwise.equal:
        return None
    a, b = vertex.operands
    return Apply(vertex.operation, (b, a), {}, vertex.value) if is_number(a) else None


def _or_false(vertex: Apply) -> Vertex | None:
    """``np.logical_or(x > c, False)``, as `fmax` has it where c is a number."""
    if vertex.operation is not elementwise.logical_or:
        return None
    a, b = vertex.operands
    never = isinstance(b, Constant) and b.dtype.kind == "b" and not saw(_any, b)
    return instead(vertex, a) if never else None


def _as_mask(vertex: Apply) -> Vertex | None:
    """``where(c, 1, 0) * g`` is ``c * g``."""
    if vertex.operation is not elementwise.multiply:
        return None
    for k in (0, 1):
        x, other = vertex.operands[k], vertex.operands[1 - k]
        if not is_operation(x, elementwise.where) or is_operation(other, elementwise.where):
            continue
        condition, one, zero = x.operands
        if is_number(one, 1) and is_number(zero, 0) and condition.dtype.kind == "b":
            new = apply_to(elementwise.multiply, other, condition)
            return instead(vertex, new)
    return None


def _as_floats(vertex: Apply) -> Vertex | None:
    """``c * 1.0``, and the diagonal that ``trace`` multiplies by."""
    if vertex.operation is not elementwise.multiply:
        return None
    for k in (0, 1):
        x, other = vertex.operands[k], vertex.operands[1 - k]
        if x.dtype.kind != "b" or not x.shape:
            continue
        if isinstance(x, Constant) and x.ndim == 2:
            if saw(_is_diagonal, x):
                ones = Constant(x.value.astype(vertex.dtype))
                return apply_to(elementwise.multiply, other, ones)
        elif is_number(other, 1) and isinstance(x, Apply) and other.dtype.kind == "f":
            return Apply(astype, (x,), {"dtype": vertex.dtype}, vertex.value)
    return None


def _is_where(vertex: Vertex) -> TypeGuard[Apply]:
    return is_operation(vertex, elementwise.where)


def _scaled_where(vertex: Apply) -> Vertex | None:
    """A number times ``where(c, 1.0, 0.0)``: each of its two numbers is multiplied."""
    if vertex.operation not in (elementwise.multiply, elementwise.negative):
        return None
    *factor, choice = vertex.operands
    if factor and _is_where(factor[0]):
        factor, choice = [choice], factor[0]
    if not _is_where(choice) or not all(is_number(x) for x in factor + list(choice.operands[1:])):
        return None
    condition, a, b = choice.operands
    products = (
        Constant(evaluate(vertex.operation, [*(x.value for x in factor), y.value], {}))
        for y in (a, b)
    )
    return instead(vertex, Apply(elementwise.where, (condition, *products), {}, vertex.value))


def masked(vertex: Vertex) -> tuple[Vertex, Vertex] | None:
    """Return c and a where a vertex is ``where(c, a, 0)`` or ``a * c`` with a mask c."""
    if _is_where(vertex) and is_number(vertex.operands[2], 0):
        return vertex.operands[0], vertex.operands[1]
    if is_operation(vertex, elementwise.multiply):
        for mask, a in (vertex.operands, vertex.operands[::-1]):
            if mask.dtype.kind == "b":
                return mask, a
    return None


def _sum_of_wheres(vertex: Apply) -> Vertex | None:
    """``where(c, a, 0) + where(c, b, 0)`` is ``where(c, a + b, 0)``; one may be ``a * c``."""
    if vertex.operation not in (elementwise.add, elementwise.subtract):
        return None
    first, second = map(masked, vertex.operands)
    if first is None or second is None or first[0] is not second[0]:
        return None
    masks = (x[1].dtype.kind == "b" for x in (first, second))
    if not any(map(_is_where, vertex.operands)) or any(masks):  # masks do not add up
        return None
    total = apply_to(vertex.operation, first[1], second[1])
    choice = Apply(elementwise.where, (first[0], total, Constant(0.0)), {}, vertex.value)
    return instead(vertex, choice)


def _merged_wheres(vertex: Apply) -> Vertex | None:
    """``where(c, a, 0) + where(c, 0, b)`` is ``where(c, a, b)``."""
    if vertex.operation not in (elementwise.add, elementwise.subtract):
        return None
    first, second = vertex.operands
    if not _is_where(first) or not _is_where(second):
        return None
    if first.operands[0] is not second.operands[0]:
        return None
    minus = vertex.operation is elementwise.subtract
    if is_number(first.operands[2], 0) and is_number(second.operands[1], 0):
        a, b = first.operands[1], _signed(second.operands[2], minus)
    elif is_number(first.operands[1], 0) and is_number(second.operands[2], 0):
        a, b = _signed(second.operands[1], minus), first.operands[2]
    else:
        return None
    return instead(vertex, Apply(elementwise.where, (first.operands[0], a, b), {}, vertex.value))


def _signed(vertex: Vertex, minus: bool) -> Vertex:
    if not minus:
        return vertex
    return Constant(-vertex.value) if is_number(vertex) else apply_to(elementwise.negative, vertex)


def _not_minus_infinity(vertex: Apply) -> Vertex | None:
    """The guard of logsumexp against entries that are all ``-inf``: none are in the example."""
    if vertex.operation is not elementwise.where:
        return None
    condition, _, x = vertex.operands
    if not is_operation(condition, elementwise.equal) or saw(_any, condition):
        return None
    tested, infinity = condition.operands
    return x if tested is x and is_number(infinity, -np.inf) else None


def _is_diagonal(value: Any) -> bool:
    return np.array_equal(value, np.eye(*value.shape, dtype=bool))


def _any(value: Any) -> bool:
    return bool(np.any(value))


#: The rules, in the order in which they are tried.
MASKS: tuple[Rule, ...] = (
    _number_last,
    _or_false,
    _not_minus_infinity,
    _as_mask,
    _as_floats,
    _scaled_where,
    _sum_of_wheres,
    _merged_wheres,
)
