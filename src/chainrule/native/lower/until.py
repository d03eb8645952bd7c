"""Loops that go on until a condition fails: how many turns they have is counted first.

A loop that computes what the condition needs, and no more, counts the turns. All other loops, the
backward pass's above all, then know how many turns they have, as a number in memory. Tapes have
room for the most that there may be; a run with more is recorded anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.core.kinds import astype
from chainrule.core.placeholder import Placeholder
from chainrule.graph.graph import Apply, Constant, Vertex, is_operation
from chainrule.graph.loops.affine import Counter, at
from chainrule.graph.loops.bounds import all_there
from chainrule.graph.loops.extrapolate import NotAlikeError, Turns, extrapolated
from chainrule.graph.loops.loop import Loop, element, tape
from chainrule.graph.loops.vertices import fold
from chainrule.graph.placeholder import boolean, both, make, reshaped
from chainrule.native.record.program import Family, Trips
from chainrule.operations import elementwise
from chainrule.operations.indexing import getitem

__all__ = ["Ending", "count_of", "endings", "fewest", "guard_of", "safe_count_of"]

_TRIED = 12  # numbers of turns, of which the fewest that fit are the least that a loop may have
_INTEGER = np.dtype(np.int64)


@dataclass(frozen=True, eq=False)
class Ending:
    """What a loop asks before each turn, as a loop of its own.

    Attributes:
        loop: it computes the condition.
        which: the tape that holds the condition.
        first: how many turns there are before the first one of this loop ends.
        trips: how many turns there may be.
        before: what is asked before those turns but the very first, which has a guard of its own.
    """

    loop: Apply
    which: int
    first: int
    trips: Trips
    before: tuple[Vertex, ...]


def _ending(
    asked: Sequence[Sequence[Vertex]], leaves: Mapping[Vertex, Vertex], turns: Turns, trips: Trips
) -> Ending:
    """Return the loop that computes a condition.

    Args:
        asked: for each number of turns, what was asked before each turn, and after the last.
        leaves: for each input and captured array of each graph, the first graph's.
        turns: how many there were.
        trips: how many there may be.

    Raises:
        NotAlikeError: it is no loop.
    """
    folded = map(fold, asked)
    found = [(conditions, _last(conditions)) for conditions in folded]
    firsts = {first for _, (_, first) in found}
    if len(firsts) != 1:
        raise NotAlikeError("conditions that are not computed alike")
    first = firsts.pop()
    wanted = [[vertex, *conditions[1:first]] for conditions, (vertex, _) in found]
    last, *before = extrapolated(wanted, leaves, turns)
    assert isinstance(last, Apply)
    kept = last.operands[0]
    assert isinstance(kept, Apply)
    loop = kept.operands[0]
    assert isinstance(loop, Apply)
    return Ending(loop, kept.params["which"], first, trips, tuple(before))


def endings(
    asked: Sequence[Sequence[Sequence[Vertex]]], leaves: Mapping[Vertex, Vertex], family: Family
) -> list[Ending]:
    """Return what each loop asks that ends when a condition fails.

    Args:
        asked: for each of them and for each number of turns, what was asked.
        leaves: for each input and captured array of each graph, the first graph's.
        family: how many turns there were, and how many there may be.

    Raises:
        NotAlikeError: it is no loop.
    """
    return [
        _ending(graph, leaves, family.turns, trips)
        for graph, trips in zip(asked, family.trips, strict=True)
    ]


def _last(conditions: Sequence[Vertex]) -> tuple[Vertex, int]:
    """Return the last condition, a loop's, and how many come before those of this loop.

    What is asked after the last turn may stand behind the loop, for the rest of that turn is not
    computed. With one turn more it is in the loop.
    """
    if not is_operation(conditions[-1], element):
        conditions = conditions[:-1]
    last = conditions[-1]
    if not is_operation(last, element) or not is_operation(last.operands[0], tape):
        raise NotAlikeError("a condition that no loop computes")
    source = last.operands[0]
    vertex = source.operands[0]
    assert isinstance(vertex, Apply)
    loop = vertex.operation
    assert isinstance(loop, Loop)
    kept = loop.kept[source.params["which"]]
    first = len(conditions) - at(loop.turns, {})
    for k, condition in enumerate(conditions[first:]):
        if not is_operation(condition, element) or condition.operands != last.operands:
            raise NotAlikeError("a condition of another loop")
        if condition.params["turns"] != (k + kept.leading,):
            raise NotAlikeError("a condition of another turn")
    if first < 0 or kept.result.dtype != np.dtype(bool):
        raise NotAlikeError("a condition that is no boolean")
    return last, first


def fewest(outputs: Sequence[Vertex], endings: Sequence[Ending]) -> dict[Counter, int]:
    """Return the least number of turns with which a graph has all that it reads.

    Raises:
        NotAlikeError: there is none.
    """
    for n in range(1, _TRIED):
        counters = {e.trips.counter: max(n, e.first) for e in endings}
        if all_there(outputs, counters):
            most = {e.trips.counter: e.trips.most for e in endings}
            if min(most.values()) >= max(counters.values()) and all_there(outputs, most):
                return counters
    raise NotAlikeError("turns that read what is not there")


def count_of(counted: Vertex) -> Vertex:
    """Return how many turns were counted."""
    return make(getitem, [counted], _INTEGER, (), index=(0,))


def safe_count_of(counted: Vertex) -> Vertex:
    """Return a number of turns that memory has room for: that one, if it has."""
    return make(getitem, [counted], _INTEGER, (), index=(1,))


def guard_of(count: Vertex, ending: Ending, before: Iterable[Vertex], least: int) -> Vertex:
    """Return whether there are as many turns as there may be, as a guard compares it.

    Args:
        count: how many were counted.
        ending: of the loop.
        before: what has become of what is asked before the turns that are counted.
        least: how many there are at least.
    """
    fits = both(
        boolean(elementwise.greater_equal, count, Constant(least)),
        boolean(elementwise.less_equal, count, Constant(ending.trips.most)),
    )
    for condition in before:
        goes_on = reshaped(condition, ())
        if not ending.trips.answer:
            goes_on = boolean(elementwise.logical_not, goes_on)
        fits = both(fits, goes_on)
    return Apply(astype, (fits,), {"dtype": _INTEGER}, Placeholder((), _INTEGER))
