"""Stable forms that cost more than what was written: for where a computation has failed already.

So compiled code does without them. All of them are right for derivatives of any order: they are put
in the place of a formula before it is differentiated.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from chainrule.graph.graph import Apply, Vertex, axes_of, is_float, is_number, is_operation
from chainrule.graph.patterns import root_of, squared
from chainrule.graph.placeholder import element, like, literal, make, reduce
from chainrule.graph.rewrite import Rule, same_kind
from chainrule.graph.stabilise.powers import powers_of
from chainrule.operations import contraction, elementwise, norms, reduction, softmax

__all__ = ["SCALED"]

_SELF_PRODUCTS = (contraction.matmul, contraction.dot, contraction.inner, contraction.vdot)


def _sigmoid(vertex: Apply) -> Vertex | None:
    """``1 / (1 + exp(-x))`` as the one function it is, whose derivatives do not overflow."""
    found = None if vertex.operation is elementwise.sigmoid else powers_of(vertex)
    if found is None or {found.p, found.q} != {0, 1} or not same_kind(found.x, vertex):
        return None
    x = found.x if found.p else element(elementwise.negative, found.x)
    return Apply(elementwise.sigmoid, (x,), {}, vertex.value)


def _log_of_product(vertex: Apply) -> Vertex | None:
    """``log(c * exp(x))`` is ``log(c) + x``, of densities and their products."""
    if vertex.operation is not elementwise.log or not is_float(vertex):
        return None
    (product,) = vertex.operands
    if is_operation(product, elementwise.exp):
        (x,) = product.operands
        return x if same_kind(x, vertex) else None
    if not is_operation(product, elementwise.multiply, elementwise.divide):
        return None
    if not _has_exponential(product) or not same_kind(product, vertex):
        return None
    divided = product.operation is elementwise.divide
    a, b = (element(elementwise.log, x, dtype=vertex.dtype) for x in product.operands)
    combine = elementwise.subtract if divided else elementwise.add
    return Apply(combine, (a, b), {}, vertex.value)


def _log_of_sum(vertex: Apply) -> Vertex | None:
    """``log(a * exp(x) + b * exp(y))`` by `logaddexp`, and of a whole sum by `logsumexp`.

    With a negative term it is NaN, where what was written need not be.
    """
    if vertex.operation is not elementwise.log or not is_float(vertex):
        return None
    (total,) = vertex.operands
    if is_operation(total, elementwise.add) and any(map(_has_exponential, total.operands)):
        logs = [element(elementwise.log, x, dtype=vertex.dtype) for x in total.operands]
        found = element(elementwise.logaddexp, *logs, dtype=vertex.dtype)
        return like(found, vertex) if found.shape == vertex.shape else None
    if not is_operation(total, reduction.sum, reduction.prod):
        return None
    (terms,) = total.operands
    if not terms.shape or not terms.size or not is_float(terms):
        return None
    logs_of_terms = element(elementwise.log, terms)
    if total.operation is reduction.prod:
        return Apply(reduction.sum, (logs_of_terms,), total.params, vertex.value)
    if not _has_exponential(terms) or is_operation(terms, elementwise.exp):
        return None
    return Apply(softmax.logsumexp, (logs_of_terms,), total.params, vertex.value)


def _has_exponential(vertex: Vertex) -> bool:
    """Tell whether a vertex is an exponential, or a product with one."""
    while is_operation(vertex, elementwise.multiply, elementwise.divide):
        first, vertex = vertex.operands
        if _has_exponential(first):
            return True
    return is_operation(vertex, elementwise.exp)


def _root_of_squares(vertex: Apply) -> Vertex | None:
    """``sqrt(x * x + y * y + 1)`` by `hypot`."""
    total = root_of(vertex)
    if total is None or not is_float(vertex):
        return None
    legs: list[Vertex] = []
    terms = [total]
    while terms:
        term = terms.pop()
        leg = squared(term)
        if leg is not None:
            legs.append(leg)
        elif is_operation(term, elementwise.add):
            terms += term.operands
        elif is_number(term) and term.value >= 0:
            legs.append(literal(math.sqrt(term.value)))
        else:
            return None
    if len(legs) < 2 or any(x.dtype != vertex.dtype for x in legs if x.shape):
        return None
    root = legs.pop()
    while legs:
        root = element(elementwise.hypot, legs.pop(), root, dtype=vertex.dtype)
    return like(root, vertex) if root.shape == vertex.shape else None


class _Squares(NamedTuple):
    """A sum of squares of x, which ``reduced`` sums, divided by a number of terms."""

    x: Vertex
    terms: float
    reduced: Apply


def _size(vertex: Apply) -> Vertex | None:
    """``sqrt(sum(x * x))``, `norm` and `std` by `size`."""
    found = _squares(vertex)
    if found is None:
        return None
    x, terms, reduced = found
    if not is_float(x) or x.dtype != vertex.dtype or not x.size or terms <= 0:
        return None
    params = {name: reduced.params[name] for name in ("axis", "keepdims") if name in reduced.params}
    size = make(norms.size, [x], x.dtype, vertex.shape, **params)
    if terms == 1:
        return like(size, vertex)
    return like(element(elementwise.multiply, literal(1 / math.sqrt(terms)), size), vertex)


def _squares(vertex: Apply) -> _Squares | None:
    """Return of what squares something is the root of the sum, or of the mean."""
    operation, params = vertex.operation, vertex.params
    if operation is norms.norm:
        (x,) = vertex.operands
        axes = params.get("axis")
        order = params.get("ord")
        ndim = x.ndim if axes is None else len(axes)
        is_euclidean = order is None or (order == 2 and ndim == 1) or order == "fro"
        return _Squares(x, 1, vertex) if is_euclidean else None
    if operation is reduction.std:
        (x,) = vertex.operands
        axes = axes_of(vertex)
        mean = reduce(reduction.mean, x, axes)
        freedom = reduction.count(x, axes) - params.get("ddof", 0)
        return _Squares(element(elementwise.subtract, x, mean), freedom, vertex)
    total, terms = root_of(vertex), 1.0
    if total is None:
        return None
    if is_operation(total, elementwise.divide) and is_number(total.operands[1]):
        total, count = total.operands
        terms = float(count.value)
    if is_operation(total, *_SELF_PRODUCTS):
        first, second = total.operands
        return _Squares(first, terms, total) if first is second and first.ndim == 1 else None
    if not is_operation(total, reduction.sum, reduction.mean):
        return None
    leg = squared(total.operands[0])
    if leg is None or not leg.ndim:
        return None
    if total.operation is reduction.mean:
        terms *= reduction.count(leg, axes_of(total))
    return _Squares(leg, terms, total)


#: Rules that are tried before all others.
SCALED: tuple[Rule, ...] = (
    _sigmoid,
    _log_of_product,
    _log_of_sum,
    _root_of_squares,
    _size,
)
