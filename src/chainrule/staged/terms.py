"""The terms of a gradient, and where each of them is added."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from chainrule.graph.graph import Apply, Vertex, apply_to, is_operation
from chainrule.graph.rewrite import same_kind
from chainrule.graph.simplify import sums
from chainrule.graph.simplify.sums import Term
from chainrule.operations.elementwise import add, divide, multiply, negative, subtract
from chainrule.operations.indexing import scatter_add
from chainrule.staged.statements import is_scatter
from chainrule.staged.writes import Write

__all__ = ["Terms", "change_of_entries", "mentions", "sorted_terms", "terms_of"]


def terms_of(gradient: Vertex) -> list[Term]:
    """Take a sum apart where a term of it is written at an index."""
    found = sums.terms_of(gradient)
    return found if any(is_scatter(term.vertex) for term in found) else [Term(1, gradient)]


def mentions(part: Vertex, x: Vertex, named: Collection[Vertex]) -> bool:
    """Tell whether x stands in what is written for a vertex, where some have names."""
    seen, stack = {part}, [part]
    while stack:
        vertex = stack.pop()
        if vertex is x:
            return True
        if isinstance(vertex, Apply) and vertex not in named:
            stack += [y for y in vertex.operands if y not in seen]
            seen.update(vertex.operands)
    return False


# What a write gives to the gradient of what it is written into.


class Terms(NamedTuple):
    """Terms added ``apart`` from the entries that are written, to these alone, or to both."""

    apart: list[Term]
    here: list[Term]
    across: list[Term]


def sorted_terms(write: Write, terms: Iterable[Term], named: Collection[Vertex]) -> Terms:
    """Sort terms by the entries that they are added to; ``named`` are found in a variable."""
    found = Terms([], [], [])
    for term in terms:
        part = term.vertex
        if part in named or not is_operation(part, scatter_add):
            found.across.append(term)
            continue
        inner, *arrays = part.operands
        index = part.params["index"]
        if not write.adds and write.is_at(index, tuple(arrays)):
            found.here.append(Term(term.sign, inner))
        elif write.meets(index, arrays):
            found.across.append(term)
        else:
            found.apart.append(term)
    return found


def change_of_entries(here: Sequence[Term], received: Vertex) -> tuple[str, Vertex | None]:
    """Return the operator, and what stands behind it, that gives entries their new gradient.

    None where they keep the one that they have, which is ``received``.
    """
    rest = [term for term in here if term != Term(1, received)]
    if len(rest) < len(here):
        return "+=", _sum(rest) if rest else None
    total = _sum(rest)
    if is_operation(total, multiply, divide) and same_kind(total, received):
        a, b = total.operands
        if a is received:
            return f"{total.operation.symbol}=", b
        if b is received and total.operation is multiply:
            return "*=", a
    return "=", total


def _sum(terms: Sequence[Term]) -> Vertex:
    (sign, total), *rest = terms
    if sign < 0:
        total = apply_to(negative, total)
    for sign, part in rest:
        total = apply_to(add if sign > 0 else subtract, total, part)
    return total
