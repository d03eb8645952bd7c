"""Loops over arrays that go on until a condition fails: how many turns they have is counted first.

It is as with loops over numbers (`chainrule.native.lower.until`): a loop computes what the
condition needs, and counts. To all others the number of turns is what a turn of a loop around them
would be, which moves places and numbers of turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainrule.graph.graph import Apply, Vertex, topological
from chainrule.graph.loops.extrapolate import NotAlikeError, extrapolated
from chainrule.graph.loops.loop import Kept, Loop
from chainrule.native.lower.rolled import Ends, Graph, Rolled, folded, never
from chainrule.native.lower.turn_places import UnrollError
from chainrule.native.lower.until import Ending, endings, fewest, guard_of
from chainrule.native.record.program import Family

__all__ = ["rolled_until"]

_MANY = 4096  # operations in all turns of another loop up to which these are written one by one


def rolled_until(
    graphs: Sequence[Sequence[Vertex]],
    asked: Sequence[Sequence[Sequence[Vertex]]],
    leaves: Mapping[Vertex, Vertex],
    family: Family,
) -> tuple[Rolled, list[Vertex]]:
    """Return a graph in which loops over arrays are loops, given graphs with few turns.

    Args:
        graphs: the outputs of each.
        asked: for each loop that ends when a condition fails and for each graph, what was asked.
        leaves: for each input and captured array of each graph, the first graph's.
        family: how many turns there were, and how many there are.

    Returns:
        The graph, and for each loop that ends when a condition fails the guard that it has as many
        turns as it may have.

    Raises:
        NotAlikeError: the graphs differ by more than the number of turns, or their loops are no
            loops here.
    """
    whole = extrapolated([folded(outputs) for outputs in graphs], leaves, family.turns)
    found = endings(asked, leaves, family)
    least = fewest(whole, found)
    every = [*whole, *(y for x in found for y in (x.loop, *x.before))]
    graph = Graph(topological(every), every, (), _MANY, never)
    try:
        guards = [_guard(graph, x, least[x.trips.counter]) for x in found]
        graph.convert(topological(whole))
        return Rolled([graph.found(x) for x in whole], graph.unrolled), guards
    except UnrollError as reason:
        raise NotAlikeError(str(reason)) from None


def _guard(graph: Graph, ending: Ending, least: int) -> Vertex:
    """Count the turns of a loop; return the guard for it."""
    loop, trips = ending.loop.operation, ending.trips
    assert isinstance(loop, Loop)
    kept = loop.kept[ending.which]
    if kept.carry is not None or loop.tables:
        raise NotAlikeError("a condition that turns hand on")
    ends = Ends(trips.answer, ending.first, least, trips.most, trips.counter)
    asks = trips.most - ending.first + 1
    alone = Loop(loop.counter, asks, loop.invariants, loop.carried, (), [Kept(kept.result)])
    graph.convert(topological(ending.loop.operands))
    count = graph.counting(Apply(alone, ending.loop.operands), ends)
    graph.convert(topological(ending.before))
    return guard_of(count, ending, [graph.found(x) for x in ending.before], least)
