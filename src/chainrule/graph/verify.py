"""A verifier: what must be true of every graph, before and after every pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.core.array import Array, dtype_of, shape_of
from chainrule.core.operation import OPERATIONS
from chainrule.graph.graph import Apply, Vertex, evaluate, topological

__all__ = ["GraphError", "equivalent", "verify"]


class GraphError(AssertionError):
    """A graph is not what a graph must be: a bug in the pass that made it."""


def verify(outputs: Sequence[Vertex]) -> None:
    """Check that no operation has the name of another, and that values are plain and what they say.

    Raises:
        GraphError: naming the vertex and what is wrong with it.
    """
    for vertex in topological(outputs):
        if isinstance(vertex.value, Array):
            raise GraphError(f"{vertex!r} holds a recorded Array")
        if not isinstance(vertex, Apply):
            continue
        if OPERATIONS.get(vertex.operation.name, vertex.operation) is not vertex.operation:
            raise GraphError(f"{vertex!r}: another operation has this name")
        found = evaluate(vertex.operation, [x.value for x in vertex.operands], vertex.params)
        if not _same(found, vertex.value):
            raise GraphError(f"{vertex!r} holds {vertex.value!r}, but computes {found!r}")


def equivalent(before: Sequence[Vertex], after: Sequence[Vertex]) -> None:
    """Check that a pass kept every output's value, shape and dtype.

    Raises:
        GraphError: naming the output that changed.
    """
    for k, (old, new) in enumerate(zip(before, after, strict=True)):
        if not _same(new.value, old.value):
            raise GraphError(f"output {k} was {old.value!r} and became {new.value!r}")


def _same(found: object, expected: object) -> bool:
    if shape_of(found) != shape_of(expected):
        return False
    dtype = dtype_of(expected)
    if dtype_of(found) != dtype:
        return False
    tolerance = 1e-4 if dtype.itemsize < 8 else 1e-9
    return bool(np.allclose(found, expected, rtol=tolerance, atol=tolerance, equal_nan=True))  # type: ignore[arg-type]
