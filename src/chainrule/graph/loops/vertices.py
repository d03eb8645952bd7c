"""Folding a graph: its operations are the steps, and each loop becomes a vertex."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.graph.graph import Apply, Constant, Vertex, topological
from chainrule.graph.loops.affine import skeleton
from chainrule.graph.loops.body import Body, Parts, Tape, UnevenTapesError, read
from chainrule.graph.loops.fold import fold_steps
from chainrule.graph.loops.steps import Kinds, Ref, Step

__all__ = ["fold"]


def fold(outputs: Sequence[Vertex], order: Sequence[Vertex] | None = None) -> list[Vertex]:
    """Fold a graph: turns that are the same become the turns of a `Loop`.

    It is returned as it is where turns hand on what several loops have left, in a different way.

    Args:
        outputs: what is wanted.
        order: the operations that they need, in the order of the run; if not given, the order in
            which they are needed.
    """
    graph = _Graph(topological(outputs) if order is None else order)
    folded = fold_steps(graph.steps, graph.kinds, graph.constants)
    where = {x: folded.where[k] for k, x in enumerate(graph.applications)}
    values = {ref: vertex.value for vertex, ref in where.items()}
    refs = [where[x] if isinstance(x, Apply) else graph.ref(x) for x in outputs]
    try:
        return _Folded(folded.steps, graph.leaves, values, refs).vertices(refs)
    except UnevenTapesError:
        return list(outputs)


class _Graph:
    """The steps of a graph, and its leaves."""

    def __init__(self, order: Sequence[Vertex]) -> None:
        self.kinds = Kinds()
        self.steps: list[Step] = []
        self.applications: list[Apply] = []
        self.leaves: list[Vertex] = []
        self.constants: set[int] = set()
        self.refs: dict[Vertex, Ref] = {}
        self._known: dict[Any, Ref] = {}
        for vertex in order:
            if isinstance(vertex, Apply):
                self._step(vertex)

    def _step(self, vertex: Apply) -> None:
        ints: list[int] = []
        params = skeleton(vertex.params, ints) if vertex.params else ()
        known, shape = self.refs, vertex.shape
        refs = [known.get(x) or self.ref(x) for x in vertex.operands]
        looks = type(vertex.value), vertex.dtype, len(shape), len(refs)
        known[vertex] = Ref(len(self.steps))
        self.applications.append(vertex)
        number = self.kinds.number((vertex.operation, params, *looks))
        self.steps.append(Step(number, refs, (*ints, *shape), vertex))

    def ref(self, vertex: Vertex) -> Ref:
        """Return the step or leaf that a vertex is."""
        if vertex in self.refs:
            return self.refs[vertex]
        key: Any = vertex
        if isinstance(vertex, Constant):
            value = vertex.value
            key = id(value) if isinstance(value, np.ndarray) else (type(value), repr(value))
        if key not in self._known:
            self._known[key] = Ref(~len(self.leaves))
            if isinstance(vertex, Constant):
                self.constants.add(len(self.leaves))
            self.leaves.append(vertex)
        self.refs[vertex] = self._known[key]
        return self.refs[vertex]


class _Folded:
    """Makes vertices of folded steps."""

    def __init__(
        self,
        steps: Sequence[Step],
        leaves: Sequence[Vertex],
        values: Mapping[Ref, Any],
        outputs: Iterable[Ref],
    ) -> None:
        self.leaves, self.values = leaves, values
        self.tapes: dict[Vertex, Tape] = {}
        self.made: dict[tuple[int, Parts], Vertex] = {}
        wanted: list[dict[Parts, None]] = [{} for _ in steps]
        for ref in (*outputs, *(ref for step in steps for ref in step.refs)):
            if ref.step >= 0:
                wanted[ref.step][ref.parts] = None
        for k, step in enumerate(steps):
            refs = [self._at(ref) for ref in step.refs]
            if step.pattern is None:
                vertex = step.content
                self.made[k, ()] = Apply(vertex.operation, tuple(refs), vertex.params, vertex.value)
                continue
            body = Body(step, step.ints, refs, wanted[k], self.tapes)
            self.made.update({(k, parts): x for parts, x in body.kept.items()})

    def vertices(self, refs: Iterable[Ref]) -> list[Vertex]:
        """Return the vertices at some places."""
        return [self._at(ref) for ref in refs]

    def _at(self, ref: Ref) -> Vertex:
        if ref.step < 0:
            return self.leaves[~ref.step]
        vertex = read(self.made[ref.step, ref.parts], ref.turns, self.tapes)
        if ref.parts and ref in self.values:
            assert isinstance(vertex, Apply)
            return Apply(vertex.operation, vertex.operands, vertex.params, self.values[ref])
        return vertex
