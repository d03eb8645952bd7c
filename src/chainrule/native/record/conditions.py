"""Loops that end when a condition fails: what Python is told when it asks an Array, turn by turn.

``while abs(f) > tol`` asks once in each turn, at one place of the code, and gets the same answer
until the last time; so does ``if abs(f) < tol: break`` in a ``for`` loop. A run finds such places.
Further runs are then made with answers that let the loop have as many turns as are wanted, whatever
the numbers say.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeAlias

from chainrule.core.counted import LOOPS, SETTLED, Doubt
from chainrule.core.source import is_internal
from chainrule.graph.code import position
from chainrule.native.record.state import State, alike

if TYPE_CHECKING:
    from chainrule.core.array import Array
    from chainrule.native.record.branches import Branches
    from chainrule.native.record.short import Turns

__all__ = ["BRANCHED", "Asking", "Conditions", "Enough", "Forced", "Place"]

#: A place of the code, and which of the loops there: how many have ended there before.
Place: TypeAlias = "tuple[Hashable, int]"

#: Stands for the place of an answer that says nothing about the run.
BRANCHED: tuple[Place, int] = ((None, 0), -1)

_FEWEST = 2  # turns from which on a loop is recorded as one
_ENOUGH = 60  # answers after which a run is over in which none of them is given


class Enough(Doubt):
    """A loop has had more turns than are worth recording."""

    def __init__(self) -> None:
        super().__init__("there are more turns than are worth recording")


@dataclass(frozen=True, slots=True)
class Forced:
    """What is answered at a place: so many times the same, and then the other."""

    answer: bool
    times: int


@dataclass(slots=True)
class Asking:
    """What was asked at a place, by one loop.

    Attributes:
        place: where.
        answers: what was answered.
        turns: of the ``for`` loop around it, if it was left by the last answer.
        handed: how many turns that had begun by then.
        is_cut: whether that loop was ended early, before there was a last answer.
    """

    place: Place
    frame: int
    answers: list[bool] = field(default_factory=list)
    turns: Turns | None = None
    handed: int = 0
    is_cut: bool = False
    before: list[Any] | None = None

    @property
    def is_loop(self) -> bool:
        """Whether all answers but the last were the same, as far as the run went."""
        first, *rest = self.answers
        if rest and rest[-1] != first:
            rest.pop()
        elif not self.is_cut and len(rest) < _ENOUGH:
            return False
        return len(rest) + 1 >= _FEWEST and set(rest) <= {first}

    @property
    def most(self) -> int | None:
        """How often the same may be answered before the ``for`` loop around it ends by itself."""
        if self.turns is None:
            return None
        return self.turns.turns - (self.handed - (len(self.answers) - 1))


class Conditions:
    """What was asked in a run, and what is answered.

    Args:
        counts: whether loops are looked for that end when a condition fails.
        forced: what is answered at some places, whatever the numbers say.
        state: returns what the next turn depends on.
        branches: those conditions that both answers are given to.
    """

    def __init__(
        self,
        counts: bool,
        forced: Mapping[Place, Forced],
        state: Callable[[FrameType], State],
        branches: Branches,
    ) -> None:
        self.counts = counts
        self.forced = forced
        self.state = state
        self.branches = branches
        self.asked: list[Asking] = []
        self._latest: tuple[Place, int] | None = None
        self._open: dict[tuple[Hashable, int], Asking] = {}
        self._ended: dict[Hashable, int] = {}
        self._running: list[Turns] = []

    def begins(self, turns: Turns) -> None:
        """Take notice of a ``for`` loop."""
        self._running.append(turns)

    def __call__(self, array: Array, found: bool) -> tuple[Array, bool]:
        """Answer what an Array is asked for, and return the one that the answer is of."""
        frame = sys._getframe(2)
        self._latest = None
        if is_internal(frame.f_code) and frame.f_code not in LOOPS:
            return array, found
        self.branches.asks()
        loop = self.branches.ending_at(frame)
        if loop is None:
            branch = self.branches.answer(array, found, frame)
            if branch is not None:
                self._latest = BRANCHED
                return array, branch
        else:
            loop.test = array
            if self.branches.again(loop, frame):
                self._latest = BRANCHED
                return array, loop.stays
            if loop.test is not array:
                array = loop.test
                found = bool(array.value)
        answer = self._answer(array, found, frame)
        if loop is not None:
            self.branches.answered(loop, answer)
        return array, answer

    def _answer(self, array: Array, found: bool, frame: FrameType) -> bool:
        if not self.counts:
            return found
        asking = self._asking(frame)
        number = len(asking.answers)
        forced = self.forced.get(asking.place)
        answer = found
        if forced is not None:
            answer = forced.answer if number < forced.times else not forced.answer
            if answer != found:
                self.branches.forced(array.node.recording)
            if number >= SETTLED:
                now = self.state(frame).parts
                if asking.before is not None and not alike(asking.before, now):
                    raise Doubt("what the loop hands on differs by turn")
                asking.before = now
        asking.answers.append(answer)
        if not self.forced and number >= _ENOUGH and answer == asking.answers[0]:
            in_turn = self.branches.asked(frame)
            if in_turn is None or in_turn > _ENOUGH:
                raise Enough
        if forced is not None:
            self._latest = asking.place, number
        if answer != asking.answers[0]:
            self._end(asking, frame)
        return answer

    def _asking(self, frame: FrameType) -> Asking:
        code = frame.f_code
        site = code, position(code, frame.f_lasti)
        key = site, id(frame)
        if key not in self._open:
            place = site, self._ended.setdefault(site, 0)
            self._open[key] = Asking(place, id(frame))
            self.asked.append(self._open[key])
        return self._open[key]

    def _end(self, asking: Asking, frame: FrameType) -> None:
        site, _ = asking.place
        self._ended[site] += 1
        del self._open[site, id(frame)]
        around = [x for x in self._running if x.frame == id(frame) and x.is_open]
        if around:
            asking.turns, asking.handed = around[-1], around[-1].at

    def taken(self) -> tuple[Place, int] | None:
        """Return the place and the number of the last answer, once; None if it was not forced.

        It is `BRANCHED` where the program is that of both answers.
        """
        latest, self._latest = self._latest, None
        return latest

    def finish(self) -> None:
        """Let go of the ``for`` loops that a last answer has not left."""
        for asking in self.asked:
            turns = asking.turns
            if turns is not None and (turns.at != asking.handed or not turns.is_open):
                asking.turns = None
        for asking in self._open.values():
            if asking.place in self.forced:
                raise Doubt("a loop that ends otherwise")
            for turns in self._running:
                ended = turns.is_short and not turns.is_open and turns.frame == asking.frame
                asked = len(asking.answers)  # once more where a ``while`` asks before it counts
                if ended and turns.at in (asked, asked - (turns.running is not None)):
                    asking.turns, asking.is_cut = turns, True
