"""Whether a loop may be told any number of turns: what it does with the integers that count them.

In a run of its own these integers are numbers that know their loop. They may stand in arithmetic
and in indices, where the code can say what they are in any turn; whoever looks at them in another
way might do something else in a later turn than in the few that are recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from types import FrameType
from typing import Any

from chainrule.core.array import Array
from chainrule.core.counted import Counted, Doubt
from chainrule.core.operation import Operation
from chainrule.graph.open_code import Asked, Site, is_limit
from chainrule.graph.open_loops import OpenLoop, Watch
from chainrule.operations import indexing

__all__ = ["CountingWatch"]

_TURNS = 10_000  # for which a comparison must come out alike


class CountingWatch(Watch):
    """Watches what loops do with integers that they change.

    Args:
        endings: the question at which each loop ends.
        asked: what else is asked of recorded values.
        turns: how often each loop is to be told to go on.
        before: the loops as they ran before.
    """

    def __init__(
        self,
        endings: Mapping[Site, Asked],
        asked: Collection[Asked],
        turns: Sequence[int],
        before: Sequence[OpenLoop],
    ) -> None:
        super().__init__(endings, asked, turns)
        self._before = before
        self._series: dict[tuple[int, str], _Series] = {}

    def turn_begins(
        self, loop: OpenLoop, names: Collection[str], frame: FrameType, changes: dict[str, Any]
    ) -> None:
        """Put numbers that know the loop in the place of integers."""
        loop.heads[loop.turn] = {}
        if loop.number >= len(self._before):
            return
        limit = "" if loop.limit is None else loop.limit.name
        counts = self._numbers(loop, limit) if limit else None
        if limit and (counts is None or counts.step != 1):
            self.fault = self.fault or f"{limit} does not count its turns by one"
        for name, value in self._before[loop.number].heads.get(loop.turn, {}).items():
            series = self._numbers(loop, name)
            if series is not None and series.value(loop.turn) == value:
                changes[name] = series.number(loop.turn)

    def is_counted(self, loop: OpenLoop, name: str, value: Any, changes: dict[str, Any]) -> None:
        """Do the same with what a ``for`` hands out."""
        series = self._numbers(loop, name)
        if series is not None and type(value) is int and series.value(loop.turn) == value:
            changes[name] = series.number(loop.turn)

    def _numbers(self, loop: OpenLoop, name: str) -> _Series | None:
        """Return what a variable is in all turns; None if it is the same in all of them."""
        if (loop.number, name) not in self._series:
            if loop.number >= len(self._before):
                return None
            heads = self._before[loop.number].heads
            values = {k: head[name] for k, head in heads.items() if name in head}
            steps = {values[k + 1] - x for k, x in values.items() if k + 1 in values}
            if len(values) < 3 or steps == {0} or not steps:
                return None
            if len(steps) > 1:
                self.fault = self.fault or f"{name} does not grow evenly"
                return None
            ((first, value), *_) = values.items()
            (step,) = steps
            limit = loop.limit
            turns = _TURNS if limit is None else max(limit.end - limit.first, 0)
            self._series[loop.number, name] = _Series(name, value - step * first, step, turns)
        return self._series[loop.number, name]


class _Series:
    """What a variable is, turn by turn."""

    def __init__(self, name: str, first: int, step: int, turns: int) -> None:
        self.site = name
        self.first, self.step, self.turns = first, step, turns
        self.outcomes: dict[Hashable, Any] = {}

    def value(self, turn: int) -> int:
        """Return what it is in one turn."""
        return self.first + self.step * turn

    def number(self, turn: int) -> Counted:
        """Return the number that stands for it in one turn."""
        return Counted(self.value(turn), ("turn", self.site), self.value, self, turn)

    def use(self, number: Counted, operation: Operation) -> None:
        """See that a number that an operation takes grows evenly, or the code cannot say it.

        Raises:
            Doubt: it does not.
        """
        of = number.of
        if of is None:
            raise Doubt("a number of several loops")
        first, second = of(0), of(1)
        for turn in (2, 3, 5, 9, 11, 17, 33, 65, 101, 257, 1_001, 10_001, 10**6, 10**9):
            if of(turn) != first + (second - first) * turn:
                raise Doubt("a number of the loop that does not grow evenly")

    def index(self, number: Counted, in_slice: bool) -> None:
        """Do the same with an index."""
        self.use(number, indexing.getitem)

    def lift(self, array: Array) -> None:
        """Refuse that each turn reads another entry of a constant array.

        Raises:
            Doubt: in any case.
        """
        raise Doubt("each turn reads another entry of a constant array")

    def ends(
        self, number: Counted, name: str, compare: Callable[..., bool], other: Any, frame: FrameType
    ) -> bool | None:
        """Answer where code compares the number to end the loop; None elsewhere."""
        return compare(number.value, other) if is_limit(frame) else None
