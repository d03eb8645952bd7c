"""Loops that stay loops: a graph of primitives is folded, and its loops over numbers are kept.

Everything else is given back turn by turn, as it was: loops over arrays, loops in loops, and short
ones, which are faster so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from chainrule.graph.graph import Apply, Vertex, copied, topological
from chainrule.graph.loops.affine import Counter, plus
from chainrule.graph.loops.extrapolate import NotAlikeError, Turns, extrapolated
from chainrule.graph.loops.loop import Loop, element, tape
from chainrule.graph.loops.unfold import value_at
from chainrule.graph.loops.vertices import fold
from chainrule.native.lower.loop_body import NotNumbersError, turns_of
from chainrule.native.lower.parts import joined
from chainrule.native.lower.roles import Role, role_of
from chainrule.native.lower.tapes import together
from chainrule.native.lower.turns import Tape

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
    folded = fold(outputs)
    lowering = _Lowering(topological(folded))
    return lowering.outputs(folded) if lowering.count else list(outputs)


def of_long_loops(
    graphs: Sequence[Sequence[Vertex]], leaves: Mapping[Vertex, Vertex], turns: Turns
) -> list[Vertex]:
    """Do the same to a graph of long loops, of which there are graphs with few turns.

    Args:
        graphs: the outputs of each.
        leaves: for each input and captured array of each graph, the first graph's.
        turns: how many there were, and how many there are.

    Raises:
        NotAlikeError: the graphs differ by more than the number of turns, or their loops are no
            loops here.
    """
    whole = extrapolated([fold(outputs) for outputs in graphs], leaves, turns)
    lowering = _Lowering(topological(whole))
    if lowering.unrolled:
        raise NotAlikeError("a loop of operations that native code has no loops for")
    return lowering.outputs(whole)


#: What stands for a vertex of the folded graph: of a loop, its tapes.
_Known: TypeAlias = "Any"


class _Lowering:
    """Goes through a folded graph.

    Attributes:
        known: what each vertex has become.
        count: how many loops there are.
        unrolled: how many others there were.
    """

    def __init__(self, vertices: Sequence[Vertex]) -> None:
        self.known: dict[Vertex, _Known] = {}
        self.count = self.unrolled = 0
        whole = _read_whole(vertices)
        for vertex in vertices:
            if not isinstance(vertex, Apply):
                self.known[vertex] = vertex
                continue
            operands = [self.known[x] for x in vertex.operands]
            if isinstance(vertex.operation, Loop):
                self.known[vertex] = self._loop(vertex.operation, operands, whole.get(vertex, {}))
            else:
                self.known[vertex] = _turn(vertex, operands, vertex.params, {})

    def _loop(self, loop: Loop, operands: list[_Known], whole: Mapping[int, bool]) -> _Known:
        if isinstance(loop.turns, int) and loop.turns * len(loop.body) > _SHORTEST:
            try:
                made, parts = turns_of(loop, operands, whole)
            except NotNumbersError:
                pass
            else:
                self.count += 1
                shapes = [kept.result.shape for kept in loop.kept]
                return [
                    Tape(made, part, loop.turns, shape)
                    for part, shape in zip(parts, shapes, strict=True)
                ]
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
