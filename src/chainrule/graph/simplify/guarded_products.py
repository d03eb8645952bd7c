"""Rules about products in which a zero upstream gradient stops an infinite local one.

The rules of the operations guard every product that could need it; what is left when these rules
are through are the guards that do something.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.kinds import broadcast_to, guarded_multiply
from chainrule.graph.finite import always_finite
from chainrule.graph.graph import Apply, Constant, Vertex, apply_to, is_number, is_operation
from chainrule.graph.looks import saw
from chainrule.graph.rewrite import Rule, instead
from chainrule.graph.simplify.masks import masked
from chainrule.operations import elementwise

__all__ = ["GUARDED_PRODUCTS", "GUARDS", "as_plain_product"]


def as_plain_product(vertex: Apply) -> Vertex | None:
    """``guarded_multiply`` as ``*``: for where no zero can meet an infinite local gradient."""
    if vertex.operation is not guarded_multiply:
        return None
    return apply_to(elementwise.multiply, *vertex.operands[::-1])


def _needs_no_guard(vertex: Apply) -> Vertex | None:
    """A number that is not 0 stops nothing, and what is always finite needs no stop."""
    if vertex.operation is not guarded_multiply:
        return None
    g, local = vertex.operands
    if is_number(g, 0):
        zero = Apply(broadcast_to, (Constant(0.0),), {"shape": vertex.shape}, vertex.value)
        return instead(vertex, zero if vertex.shape else Constant(vertex.value))
    return as_plain_product(vertex) if is_number(g) or always_finite(local) else None


def _guarded_where(vertex: Apply) -> Vertex | None:
    """``where(c, g, 0) * local`` is ``where(c, g * local, 0)``, in which nothing can be 0 * inf."""
    if vertex.operation is not guarded_multiply:
        return None
    choice, local = vertex.operands
    found = masked(choice)
    if found is None:
        return None
    condition, g = found
    product = apply_to(elementwise.multiply, g, local)
    if not saw(_finite_where, condition, product):
        return None
    return Apply(elementwise.where, (condition, product, Constant(0.0)), {}, vertex.value)


def _finite_where(condition: Any, x: Any) -> bool:
    return bool(np.all(np.isfinite(np.where(condition, x, 0.0))))


def _equal(a: Any, b: Any) -> bool:
    return np.allclose(a, b, rtol=1e-12, atol=0.0, equal_nan=True)


def _chosen(vertex: Apply) -> Vertex | None:
    """A product that a mask guards is a choice: ``where(c, local, 0)``."""
    if vertex.operation is not guarded_multiply:
        return None
    mask, local = vertex.operands
    if mask.dtype.kind != "b" or local.dtype != vertex.dtype:
        return None
    return Apply(elementwise.where, (mask, local, Constant(0.0)), {}, vertex.value)


def _cancelled_divisor(vertex: Apply) -> Vertex | None:
    """``(g * x) * (n / x)`` is ``g * n``, unless x is 0 in the example where g is not."""
    if vertex.operation is not guarded_multiply:
        return None
    product, local = vertex.operands
    if not is_operation(product, elementwise.multiply):
        return None
    if not is_operation(local, elementwise.divide):
        return None
    above, below = local.operands
    for x, g in (product.operands, product.operands[::-1]):
        if x is below:
            new = apply_to(guarded_multiply, g, above)
            same = new.shape == vertex.shape and saw(_equal, new, vertex)
            return instead(vertex, new) if same else None
    return None


def _sum_of_guarded(vertex: Apply) -> Vertex | None:
    """``g * a + g * b`` is ``g * (a + b)``: one guard does for both."""
    if vertex.operation not in (elementwise.add, elementwise.subtract):
        return None
    for x in vertex.operands:
        if not is_operation(x, guarded_multiply):
            continue
        first, second = (_factor(y, x.operands[0]) for y in vertex.operands)
        if first is not None and second is not None and _are_numbers(first, second):
            total = apply_to(vertex.operation, first, second)
            return instead(vertex, apply_to(guarded_multiply, x.operands[0], total))
    return None


def _are_numbers(*vertices: Vertex) -> bool:
    """Tell whether none is a mask: those do not add up as numbers do."""
    return all(x.dtype.kind != "b" for x in vertices)


def _factor(vertex: Vertex, g: Vertex) -> Vertex | None:
    """Return what a product with g is made of besides."""
    if vertex is g:
        return Constant(1)
    if is_operation(vertex, guarded_multiply):
        return vertex.operands[1] if vertex.operands[0] is g else None
    if is_operation(vertex, elementwise.multiply) and g in vertex.operands:
        a, b = vertex.operands
        return b if a is g else a
    return None


#: The rules, in the order in which they are tried.
GUARDED_PRODUCTS: tuple[Rule, ...] = (
    _needs_no_guard,
    _cancelled_divisor,
    _guarded_where,
    _chosen,
    _sum_of_guarded,
)
#: Those of them that only leave guards out.
GUARDS: tuple[Rule, ...] = (_needs_no_guard,)
