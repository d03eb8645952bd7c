"""Loops that stay loops: a graph of primitives is folded, and its loops over numbers are kept.

Everything else is given back turn by turn, as it was: loops over arrays, loops in loops, and short
ones, which are faster so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from chainrule.core.kinds import astype
from chainrule.graph.graph import Apply, Constant, Vertex, copied, is_operation, topological
from chainrule.graph.loops.affine import Affine, Counter, plus
from chainrule.graph.loops.bounds import all_there
from chainrule.graph.loops.extrapolate import NotAlikeError, extrapolated
from chainrule.graph.loops.loop import Loop, element, tape
from chainrule.graph.loops.unfold import value_at
from chainrule.graph.loops.vertices import fold
from chainrule.native.lower.angles import angles_together
from chainrule.native.lower.loop_body import (
    Counted,
    NotNumbersError,
    counting,
    entry_at,
    turns_of,
)
from chainrule.native.lower.one_loop import in_one_loop
from chainrule.native.lower.parts import joined
from chainrule.native.lower.roles import Role, role_of
from chainrule.native.lower.tapes import together
from chainrule.native.lower.turns import Tape, Turns, Until
from chainrule.native.lower.until import Ending, count_of, endings, fewest, guard_of, safe_count_of
from chainrule.native.record.program import Family
from chainrule.operations import shape as shapes
from chainrule.operations.indexing import getitem

__all__ = ["of_long_loops", "with_loops"]

# Numbers computed by a program up to which it is not looked for loops, and operations in all turns
# of a loop up to which these are written one by one: LLVM is as quick with them, or quicker.
_FEWEST = 256
_SHORTEST = 64


def with_loops(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Return a graph in which loops over numbers are loops.

    Each output stays one that is computed, into memory of its own.
    """
    numbers = sum(isinstance(x, Apply) and not x.shape for x in topological(outputs))
    if numbers <= _FEWEST:
        return list(outputs)
    folded = in_one_loop(angles_together(fold(outputs)))
    lowering = _Lowering(topological(folded))
    return lowering.outputs(folded) if lowering.kept else list(outputs)


def of_long_loops(
    graphs: Sequence[Sequence[Vertex]],
    asked: Sequence[Sequence[Sequence[Vertex]]],
    leaves: Mapping[Vertex, Vertex],
    family: Family,
) -> tuple[list[Vertex], list[Vertex]]:
    """Do the same to a graph of long loops, of which there are graphs with few turns.

    Args:
        graphs: the outputs of each.
        asked: for each loop that ends when a condition fails and for each graph, what was asked.
        leaves: for each input and captured array of each graph, the first graph's.
        family: how many turns there were, and how many there are.

    Returns:
        The outputs, and for each loop that ends when a condition fails the guard that it has no
        more turns than it may have.

    Raises:
        NotAlikeError: the graphs differ by more than the number of turns, or their loops are no
            loops here.
    """
    whole = extrapolated([fold(outputs) for outputs in graphs], leaves, family.turns)
    found = endings(asked, leaves, family)
    least = fewest(whole, found) if found else {}
    if not found and not all_there(whole, {}):
        raise NotAlikeError("turns that read what is not there")
    lowering = _Lowering([])
    guards = [lowering.count(x, least[x.trips.counter]) for x in found]
    whole = in_one_loop(angles_together(whole))
    lowering.add(topological(whole))
    if lowering.unrolled:
        raise NotAlikeError("a loop of operations that native code has no loops for")
    return lowering.outputs(whole), guards


#: What stands for a vertex of the folded graph: of a loop, its tapes.
_Known: TypeAlias = "Any"


class _Lowering:
    """Goes through a folded graph.

    Attributes:
        known: what each vertex has become.
        kept: how many loops there are.
        unrolled: how many others there were.
        counts: the numbers of turns that only the running program knows.
    """

    def __init__(self, vertices: Sequence[Vertex]) -> None:
        self.known: dict[Vertex, _Known] = {}
        self.kept = self.unrolled = 0
        self.counts: dict[Counter, Counted] = {}
        self.add(vertices)

    def add(self, vertices: Sequence[Vertex]) -> None:
        """Go through further vertices, operands first."""
        whole = _read_whole(vertices)
        for vertex in vertices:
            if vertex in self.known:
                continue
            if not isinstance(vertex, Apply):
                self.known[vertex] = vertex
                continue
            operands = [self.known[x] for x in vertex.operands]
            if isinstance(vertex.operation, Loop):
                self.known[vertex] = self._loop(vertex.operation, operands, whole.get(vertex, {}))
            else:
                made = _turn(vertex, operands, vertex.params, {})
                self.known[vertex] = self._with_counts(made) if self.counts else made

    def count(self, ending: Ending, least: int) -> Vertex:
        """Count the turns of a loop that ends when a condition fails; return the guard for it."""
        self.add(topological(ending.loop.operands))
        operands = [self.known[x] for x in ending.loop.operands]
        trips, loop = ending.trips, ending.loop.operation
        assert isinstance(loop, Loop)
        until = Until(Constant(True), trips.answer, ending.first, least, trips.most, trips.where)
        try:
            counted = counting(loop, operands, ending.which, until)
        except NotNumbersError:
            raise NotAlikeError("a condition that is not computed of numbers alone") from None
        safe = safe_count_of(counted)
        self.counts[trips.counter] = Counted(safe, least, trips.most)
        self.add(topological(ending.before))
        before = [self.known[x] for x in ending.before]
        return guard_of(count_of(counted), ending, before, least)

    def _with_counts(self, vertex: _Known) -> _Known:
        """Read at an index that only the running program knows."""
        if not is_operation(vertex, getitem, astype, shapes.reshape):
            return vertex
        index = vertex.params.get("index")
        if type(index) is tuple and len(index) == 1 and isinstance(index[0], Affine):
            return entry_at(vertex.operands[0], index[0], self.counts)
        inner = self._with_counts(vertex.operands[0])
        return vertex if inner is vertex.operands[0] else replace(vertex, operands=(inner,))

    def _loop(self, loop: Loop, operands: list[_Known], whole: Mapping[int, bool]) -> _Known:
        counted = bool(self.counts)
        if counted or (isinstance(loop.turns, int) and loop.turns * len(loop.body) > _SHORTEST):
            try:
                made, parts = turns_of(loop, operands, whole, self.counts)
            except NotNumbersError:
                pass
            else:
                self.kept += 1
                assert isinstance(made.operation, Turns)
                return [
                    Tape(made, part, made.operation.most, kept.result.shape)
                    for part, kept in zip(parts, loop.kept, strict=True)
                ]
        if not isinstance(loop.turns, int):
            raise NotAlikeError("a loop of operations that native code has no loops for")
        self.unrolled += 1
        return loop.run(operands, {}, _turn)

    def outputs(self, wanted: Iterable[Vertex]) -> list[Vertex]:
        """Return what some vertices have become, each one that is computed."""
        found = [self.known[x] for x in wanted]
        return [copied(x) if role_of(x) is Role.VIEW else x for x in found]


def _read_whole(vertices: Iterable[Vertex]) -> dict[Vertex, dict[int, bool]]:
    """Tell for each tape of each loop whether more than its last entry is read."""
    found: dict[Vertex, dict[int, bool]] = {}
    tapes: dict[Vertex, tuple[Vertex, int]] = {}
    for vertex in vertices:
        if not isinstance(vertex, Apply):
            continue
        if vertex.operation is tape:
            which = vertex.params["which"]
            tapes[vertex] = vertex.operands[0], which
            found.setdefault(vertex.operands[0], {}).setdefault(which, False)
            continue
        for x in vertex.operands:
            if x not in tapes:
                continue
            loop, which = tapes[x]
            assert isinstance(loop, Apply)
            assert isinstance(loop.operation, Loop)
            last = plus(loop.operation.turns, loop.operation.kept[which].leading - 1)
            if vertex.operation is not element or vertex.params["turns"] != (last,):
                found[loop][which] = True
    return found


def _turn(
    vertex: Vertex,
    operands: list[_Known],
    params: Mapping[str, Any],
    counters: Mapping[Counter, int],
) -> _Known:
    """Return what a vertex is outside of a native loop, or in one turn of another loop."""
    if not isinstance(vertex, Apply):
        return vertex
    if vertex.operation in (tape, element):
        return vertex.operation.compute(*operands, **params)
    made = Apply(vertex.operation, tuple(operands), params, value_at(vertex, counters))
    return together(made) if vertex.operation is joined else made
