"""Sums whose terms cancel: ``0.5 + 0.5 / a - 0.5 / a`` is ``0.5``.

The gradients that arrive at a value by several paths are added up, and some of them may cancel.
Terms are recognised as the same by the factors that they are products of, in whichever order.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import NamedTuple

import numpy as np

from chainrule.core.kinds import broadcast_to, guarded_multiply
from chainrule.graph.graph import (
    Apply,
    Vertex,
    apply_to,
    is_float,
    is_number,
    is_operation,
    topological,
)
from chainrule.graph.rewrite import instead, with_operands
from chainrule.graph.simplify.algebra import zeros_like
from chainrule.operations import elementwise

__all__ = ["Term", "terms_of", "without_cancelling_terms"]

_ROUNDING = 4 * float(np.finfo(np.float64).eps)


def without_cancelling_terms(outputs: Sequence[Vertex], kept: Collection[Vertex]) -> list[Vertex]:
    """Leave out the terms of sums that cancel.

    Args:
        outputs: a graph, its vertices shared.
        kept: sums that are not taken apart, since a person wrote them: ``(1 + x) - 1`` may be there
            to round.
    """
    done: dict[Vertex, Vertex] = {}
    atoms = set(kept)  # with what they have become
    inner = _terms_alone(outputs, atoms)
    for vertex in topological(outputs):
        new = with_operands(vertex, done)
        if vertex in atoms:
            atoms.add(new)
        elif vertex not in inner and _is_sum(new):
            assert isinstance(new, Apply)
            new = _shortened(new, atoms) or new
        done[vertex] = new
    return [done[output] for output in outputs]


def _is_sum(vertex: Vertex) -> bool:
    return is_operation(vertex, elementwise.add, elementwise.subtract)


def _terms_alone(outputs: Sequence[Vertex], atoms: Collection[Vertex]) -> set[Vertex]:
    """Return the sums that are used only as terms of others, with which they are looked at."""
    as_terms: set[Vertex] = set()
    otherwise = set(outputs)
    for vertex in topological(outputs):
        if isinstance(vertex, Apply):
            (as_terms if _is_sum(vertex) and vertex not in atoms else otherwise).update(
                vertex.operands
            )
    return {x for x in as_terms - otherwise if _is_sum(x)}


class Term(NamedTuple):
    """One term of a sum, and whether it is added (1) or subtracted (-1)."""

    sign: int
    vertex: Vertex


def _shortened(total: Apply, atoms: Collection[Vertex]) -> Vertex | None:
    """Return a sum without the terms that cancel, None if none do."""
    terms = terms_of(total, atoms)
    if not all(is_float(term.vertex) or is_number(term.vertex) for term in terms):
        return None  # masks do not add up as numbers do
    same: dict[Hashable, list[tuple[int, float]]] = {}
    for k, (sign, vertex) in enumerate(terms):
        coefficient, factors = _taken_apart(vertex)
        same.setdefault(factors, []).append((k, sign * coefficient))
    gone = {k for group in same.values() for k in _cancelling(group)}
    if not gone:
        return None
    rest = [term for k, term in enumerate(terms) if k not in gone]
    if not rest:
        return instead(total, zeros_like(total))
    new = _added(rest)
    if new.shape != total.shape:
        new = apply_to(broadcast_to, new, shape=total.shape)
    return instead(total, new)


def terms_of(total: Vertex, atoms: Collection[Vertex] = ()) -> list[Term]:
    """Take a sum apart, but for some atoms, in the order in which it is written."""
    terms: list[Term] = []
    stack = [Term(1, total)]
    while stack:
        sign, vertex = stack.pop()
        if is_operation(vertex, elementwise.negative):
            stack.append(Term(-sign, vertex.operands[0]))
        elif isinstance(vertex, Apply) and _is_sum(vertex) and vertex not in atoms:
            a, b = vertex.operands
            minus = vertex.operation is elementwise.subtract
            stack += [Term(-sign if minus else sign, b), Term(sign, a)]
        else:
            terms.append(Term(sign, vertex))
    return terms


def _taken_apart(term: Vertex) -> tuple[float, Hashable]:
    """Return the coefficient of a product, and something that is equal for the same factors."""
    coefficient = 1.0
    exponents: dict[Hashable, int] = {}
    stack = [(term, 1)]
    while stack:
        x, exponent = stack.pop()
        if is_number(x) and not is_number(x, 0):
            with np.errstate(all="ignore"):
                coefficient *= float(np.float64(x.value) ** exponent)
        elif is_operation(x, elementwise.negative):
            coefficient *= (-1) ** exponent
            stack.append((x.operands[0], exponent))
        elif is_operation(x, elementwise.multiply, guarded_multiply):
            stack += [(factor, exponent) for factor in x.operands]
        elif is_operation(x, elementwise.divide):
            stack += [(x.operands[0], exponent), (x.operands[1], -exponent)]
        elif is_operation(x, elementwise.power) and _is_integer(x.operands[1]):
            stack.append((x.operands[0], exponent * x.operands[1].value))
        else:
            factor: Hashable = x
            if is_operation(x, elementwise.subtract):  # a - b is the same up to its sign as b - a
                first, second = sorted(x.operands, key=id)
                factor = (first, second)
                coefficient *= (-1) ** exponent if first is x.operands[1] else 1
            exponents[factor] = exponents.get(factor, 0) + exponent
    if not 0 < abs(coefficient) < np.inf:
        return 1.0, term
    return coefficient, frozenset(item for item in exponents.items() if item[1])


def _is_integer(vertex: Vertex) -> bool:
    return is_number(vertex) and type(vertex.value) is int


def _cancelling(group: Sequence[tuple[int, float]]) -> set[int]:
    """Return which terms with the same factors cancel: all of them, or some in pairs."""
    coefficients = [coefficient for _, coefficient in group]
    if abs(sum(coefficients)) <= _ROUNDING * sum(map(abs, coefficients)):
        return {k for k, _ in group}
    gone: set[int] = set()
    unpaired: dict[float, list[int]] = {}
    for k, coefficient in group:
        opposite = unpaired.get(-coefficient)
        if opposite:
            gone |= {k, opposite.pop()}
        else:
            unpaired.setdefault(coefficient, []).append(k)
    return gone


def _added(terms: Sequence[Term]) -> Vertex:
    (sign, total), *rest = terms
    if sign < 0:
        total = apply_to(elementwise.negative, total)
    for sign, vertex in rest:
        total = apply_to(elementwise.add if sign > 0 else elementwise.subtract, total, vertex)
    return total
