"""`Loop`: turns that are the same, as one operation of a graph with a body of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Input, Vertex, evaluate, topological
from chainrule.graph.loops.affine import Counter, Integer, at, filled

__all__ = ["Application", "Carry", "Kept", "Loop", "compute", "element", "tape", "walk"]

#: Makes what stands for a vertex in certain turns: (vertex, what stands for its operands,
#: parameters, turns) -> that.
Application: TypeAlias = (
    "Callable[[Vertex, list[Any], Mapping[str, Any], Mapping[Counter, int]], Any]"
)


@dataclass(frozen=True, eq=False, slots=True)
class Carry:
    """A value that turns hand on: what ``result`` was ``lag`` turns before.

    The loop takes ``lag`` operands for it: what it is in the first turns.
    """

    input: Input
    result: Vertex
    lag: int


@dataclass(frozen=True, eq=False, slots=True)
class Kept:
    """A value of the body that is read after the loop, by its *tape*: what it was in each turn.

    The tape begins with the operands of ``carry``, where it is one that is carried.
    """

    result: Vertex
    carry: Carry | None = None

    @property
    def leading(self) -> int:
        """How many entries of the tape come before the first turn."""
        return 0 if self.carry is None else self.carry.lag


class Loop(Operation):
    """So many turns of a body, which is a graph.

    Its operands are, in this order: one for each of ``invariants``; for each of ``carried`` as many
    as its lag; for each of ``tables`` one for each turn. Its result is the tuple of its tapes, one
    for each of ``kept``. `tape` takes one of them, and `element` reads it.

    Integers in the body (parameters of operations, extents of placeholders, the number of turns of
    a loop in it) may be `Affine` in the counters of this loop and of those around it. Values in the
    body are those of the first turn, arrays as placeholders.

    Attributes:
        counter: counts the turns.
        turns: how many.
        invariants: variables of the body that are the same in all turns.
        carried: those that come from turns before.
        tables: those that are given for each turn.
        kept: what is read after the loop.
        body: all vertices of a turn, operands first.
    """

    def __init__(
        self,
        counter: Counter,
        turns: Integer,
        invariants: Iterable[Input],
        carried: Iterable[Carry],
        tables: Iterable[Input],
        kept: Iterable[Kept],
    ) -> None:
        super().__init__("loop", self._compute, numpy=())
        self.counter, self.turns = counter, turns
        self.invariants, self.carried = tuple(invariants), tuple(carried)
        self.tables, self.kept = tuple(tables), tuple(kept)
        results = [*(c.result for c in self.carried), *(k.result for k in self.kept)]
        self.body = topological(results)

    def run(
        self, operands: Iterable[Any], counters: Mapping[Counter, int], application: Application
    ) -> tuple[list[Any], ...]:
        """Go through the turns and return the tapes.

        Args:
            operands: what stands for them.
            counters: in which turns the loops around this one are.
            application: what is done at each vertex.
        """
        turns = at(self.turns, counters)
        rest = iter(operands)
        fixed: dict[Vertex, Any] = {x: next(rest) for x in self.invariants}
        ahead = [deque(next(rest) for _ in range(c.lag)) for c in self.carried]
        tables = [[next(rest) for _ in range(turns)] for _ in self.tables]
        first = dict(zip(self.carried, map(list, ahead), strict=True))
        tapes = [[] if k.carry is None else first[k.carry] for k in self.kept]
        for turn in range(turns):
            known = dict(fixed)
            for carry, values in zip(self.carried, ahead, strict=True):
                known[carry.input] = values.popleft()
            for x, column in zip(self.tables, tables, strict=True):
                known[x] = column[turn]
            walk(self.body, known, {**counters, self.counter: turn}, application)
            for carry, values in zip(self.carried, ahead, strict=True):
                values.append(known[carry.result])
            for kept, written in zip(self.kept, tapes, strict=True):
                written.append(known[kept.result])
        return tuple(tapes)

    def _compute(self, *operands: Any) -> Any:
        return self.run(operands, {}, _evaluated)


#: One of the tapes of a loop.
tape = Operation("tape", lambda tapes, which: tapes[which], numpy=())


def _element(values: Any, turns: Sequence[int | None]) -> Any:
    if not turns:
        return values
    if turns[0] is None:
        return [_element(inner, turns[1:]) for inner in values]
    return _element(values[turns[0]], turns[1:])


#: What a tape holds of one turn; of a tape of tapes, of one turn of each of the loops.
element = Operation("element", _element, numpy=())


def walk(
    vertices: Iterable[Vertex],
    known: dict[Vertex, Any],
    counters: Mapping[Counter, int],
    application: Application,
) -> None:
    """Go through a graph, operands first, in certain turns of the loops around it.

    Args:
        vertices: the graph.
        known: what stands for some vertices; is filled with what stands for the others.
        counters: the turns.
        application: makes what stands for a vertex that is no part of a loop.
    """
    for vertex in vertices:
        if vertex in known:
            continue
        if not isinstance(vertex, Apply):
            known[vertex] = application(vertex, [], {}, counters)
            continue
        operands = [known[x] for x in vertex.operands]
        if isinstance(vertex.operation, Loop):
            known[vertex] = vertex.operation.run(operands, counters, application)
            continue
        params = filled(vertex.params, lambda x: at(x, counters)) if vertex.params else {}
        if vertex.operation in (tape, element):
            known[vertex] = vertex.operation.compute(*operands, **params)
        else:
            known[vertex] = application(vertex, operands, params, counters)


def compute(outputs: Sequence[Vertex], inputs: Mapping[Input, Any]) -> list[Any]:
    """Compute a graph with NumPy, for other values of its inputs than those of the run."""
    known: dict[Vertex, Any] = dict(inputs.items())
    walk(topological(outputs), known, {}, _evaluated)
    return [known[output] for output in outputs]


def _evaluated(
    vertex: Vertex, operands: list[Any], params: Mapping[str, Any], _: Mapping[Counter, int]
) -> Any:
    if isinstance(vertex, Apply):
        return evaluate(vertex.operation, operands, params)
    return vertex.value
