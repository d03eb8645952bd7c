"""Lists of operands: an operation that takes what a tape holds, one entry after the other.

The gradient of an array that a loop reads entry by entry is put together of such entries. With
another number of turns there are as many more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.graph.graph import Apply, Vertex
from chainrule.graph.loops.loop import element

__all__ = ["Listing", "NotListedError", "Run", "listing", "moved"]

_FEWEST = 3


class NotListedError(Exception):
    """Vertices do not differ in the number of entries of one tape alone."""


@dataclass(frozen=True, slots=True)
class Run:
    """The longest stretch of operands that are entries of one tape, at even distances.

    Attributes:
        vertex: whose operands they are.
        start: the first of them.
        count: how many there are.
    """

    vertex: Apply
    start: int
    count: int

    def entry(self, k: int) -> Apply:
        """Return one of them."""
        found = self.vertex.operands[self.start + k]
        assert isinstance(found, Apply)
        return found

    def turn(self, k: int) -> int:
        """Return at which turn one of them is read."""
        turn: int = self.entry(k).params["turns"][0]
        return turn


@dataclass(frozen=True, slots=True)
class Listing:
    """The same operation with lists of several lengths.

    Attributes:
        runs: the list of each.
        head: how many operands come before it.
        operands: those before it, the tape, and those behind it, of each.
    """

    runs: list[Run]
    head: int
    operands: list[tuple[Vertex, ...]]


def listing(same: Sequence[Apply]) -> Listing:
    """Return what operations have in common that differ in the length of a list.

    Raises:
        NotListedError: they differ in more than that.
    """
    runs = [_longest(x) for x in same]
    head = runs[0].start
    tails = {len(run.vertex.operands) - run.start - run.count for run in runs}
    if {run.start for run in runs} != {head} or len(tails) != 1:
        raise NotListedError
    for run in runs:
        _check_even(run)
    tapes = tuple(run.entry(0).operands[0] for run in runs)
    before = zip(*(x.operands[:head] for x in same), strict=True)
    behind = zip(*(run.vertex.operands[head + run.count :] for run in runs), strict=True)
    return Listing(runs, head, [*before, tapes, *behind])


def _longest(vertex: Apply) -> Run:
    best = Run(vertex, 0, 0)
    start = 0
    turns = [_turn(x) for x in vertex.operands]
    for k, turn in enumerate(turns):
        last = turns[k - 1] if k else None
        goes_on = k > start and turn is not None and last is not None and turn[0] is last[0]
        if goes_on and k - start >= 2:
            first, second = turns[start], turns[start + 1]
            goes_on = turn[1] - last[1] == second[1] - first[1]  # type: ignore[index]
        if not goes_on:
            start = k
        if turn is not None and k + 1 - start > best.count:
            best = Run(vertex, start, k + 1 - start)
    if best.count < _FEWEST:
        raise NotListedError
    return best


def _turn(x: Vertex) -> tuple[Vertex, int] | None:
    """Return the tape and the turn that an entry is of."""
    if not isinstance(x, Apply) or x.operation is not element:
        return None
    turns = x.params["turns"]
    return (x.operands[0], turns[0]) if len(turns) == 1 and type(turns[0]) is int else None


def _check_even(run: Run) -> None:
    """Make sure that what belongs to each entry moves evenly along the list."""
    for value in run.vertex.params.values():
        if type(value) is tuple and len(value) == len(run.vertex.operands):
            part = value[run.start : run.start + run.count]
            if any(moved(part[0], part[1], k) != x for k, x in enumerate(part)):
                raise NotListedError


def moved(first: Any, second: Any, k: int) -> Any:
    """Return what comes so many places behind the first, if what moves does so evenly.

    Raises:
        NotListedError: it is nothing that moves.
    """
    if type(first) is int:
        return first + k * (second - first)
    if type(first) is tuple:
        return tuple(moved(a, b, k) for a, b in zip(first, second, strict=True))
    if type(first) in (range, slice):
        bounds = ((first.start, second.start), (first.stop, second.stop), (first.step, second.step))
        return type(first)(*(moved(a, b, k) for a, b in bounds))
    if first != second:
        raise NotListedError
    return first
