"""Unfolding: the graph that was folded, with every turn of every loop by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chainrule.core.placeholder import Placeholder
from chainrule.graph.graph import Apply, Vertex, evaluate, topological
from chainrule.graph.loops.affine import Counter, at, filled
from chainrule.graph.loops.loop import walk

__all__ = ["unfold", "value_at"]


def unfold(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Return a graph without loops that computes the same, operation by operation."""
    known: dict[Vertex, Any] = {}
    walk(topological(outputs), known, {}, _vertex)
    return [known[output] for output in outputs]


def _vertex(
    vertex: Vertex,
    operands: list[Vertex],
    params: Mapping[str, Any],
    counters: Mapping[Counter, int],
) -> Vertex:
    if not isinstance(vertex, Apply):
        return vertex
    values = [x.value for x in operands]
    if any(isinstance(x, Placeholder) for x in values):
        value = value_at(vertex, counters)
    else:
        value = evaluate(vertex.operation, values, params)
    return Apply(vertex.operation, tuple(operands), params, value)


def value_at(vertex: Vertex, counters: Mapping[Counter, int]) -> Any:
    """Return the value of a vertex, or the placeholder that stands for it, in certain turns."""
    value = vertex.value
    if not isinstance(value, Placeholder):
        return value
    return Placeholder(filled(value.shape, lambda n: at(n, counters)), value.dtype)
