"""Which zeros a choice made: only those keep what is infinite away.

``where(x > 0, log(x), 0)`` has gradient 0 where x is negative, for the choice says so. Another zero
says nothing of the kind: in the gradient of ``log(f(x))`` with a value that overflows, ``1 / inf``
is 0, and 0 times infinity any number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core.kinds import Linear, guarded_multiply
from chainrule.core.placeholder import Placeholder
from chainrule.graph.graph import Apply, Constant, Vertex, evaluate, topological
from chainrule.operations import elementwise

__all__ = ["evaluated_by_choices"]


def evaluated_by_choices(outputs: Sequence[Vertex]) -> list[Any]:
    """Compute vertices where guards stop nothing but at zeros that a choice made.

    Values that were kept serve where no such guard comes before them. None stands for what cannot
    be known: no node kept a value that it takes.
    """
    values: dict[Vertex, Any] = {}  # None where it cannot be known
    chosen: dict[Vertex, Any] = {}
    other: set[Vertex] = set()  # what is not what it was
    for vertex in topological(outputs):
        value = None if isinstance(vertex.value, Placeholder) else vertex.value
        if isinstance(vertex, Apply):
            known = [values[x] for x in vertex.operands]
            if not other.isdisjoint(vertex.operands):
                value = None
                other.add(vertex)
            if value is None and all(x is not None for x in known):
                value = evaluate(vertex.operation, known, vertex.params)
            if vertex.operation is guarded_multiply and value is not None:
                lost = _lost(known, chosen[vertex.operands[0]])
                if np.any(lost):
                    value = np.where(lost, np.nan, value)[()]
                    other.add(vertex)
        values[vertex] = value
        if isinstance(vertex, Constant) or np.asarray(value).dtype.kind == "b":
            chosen[vertex] = False if value is None else np.equal(value, 0)
        elif isinstance(vertex, Apply):
            chosen[vertex] = _chosen(vertex, values, [chosen[x] for x in vertex.operands])
        else:
            chosen[vertex] = False
    return [values[output] for output in outputs]


def _lost(operands: Sequence[Any], chosen: Any) -> Any:
    """Return where a zero stopped something infinite though no choice made it."""
    g, local = operands
    if g is None or local is None:  # the product was kept, and what it is made of was not
        return False
    return np.equal(g, 0) & ~np.isfinite(local) & ~np.asarray(chosen)


def _chosen(vertex: Apply, values: dict[Vertex, Any], marks: Sequence[Any]) -> Any:
    """Return where a vertex is 0 because a choice said so."""
    operation = vertex.operation
    if operation in (elementwise.multiply, guarded_multiply):
        return np.logical_or(*marks)
    if operation in (elementwise.add, elementwise.subtract):
        return np.logical_and(*marks)
    if operation in (elementwise.divide, elementwise.negative):
        return marks[0]
    if operation is elementwise.where:
        condition = values[vertex.operands[0]]
        return False if condition is None else np.where(condition, marks[1], marks[2])
    if isinstance(operation, Linear) and np.any(marks[0]):  # a sum, a copy: zeros of zeros
        shape = vertex.operands[0].shape
        rest = (1.0 - np.broadcast_to(marks[0], shape))[()]
        others = [values[x] for x in vertex.operands[1:]]
        if any(x is None for x in others):
            return False
        return np.equal(evaluate(operation, [rest, *others], vertex.params), 0)
    return False
