"""Conditions inside loops that come out otherwise from turn to turn: both ways are recorded.

Python goes one way through a turn, but a loop's body is one for all turns. So where a ``for`` loop
comes to the end of a turn that has asked such a condition, it hands out the same item again, with
everything as it was, and the other answer; a ``while`` loop is told again to go on. What each way
has left becomes a choice, `where`, and the next turn begins with that. What both ways compute is
one node (`Branches.known`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from chainrule.core.array import Array
from chainrule.core.counted import Doubt
from chainrule.core.node import Node
from chainrule.core.recording import Recording
from chainrule.graph.exits import exit_at
from chainrule.graph.rewrite import frozen
from chainrule.native.record.changing import Held
from chainrule.native.record.supposed import Supposition
from chainrule.native.record.variables import Beginning, Left
from chainrule.native.record.whiles import While
from chainrule.operations.elementwise import not_equal

if TYPE_CHECKING:
    from chainrule.native.record.short import Turns

__all__ = ["LEAVES", "Branches", "Fork", "Refused", "Site"]

#: Where a loop or a condition is: code, and the number of an instruction.
Site: TypeAlias = "tuple[CodeType, int]"
#: A place of the code that asks a condition, and the innermost loop around it.
Fork: TypeAlias = "tuple[Site, Site]"

_MOST_WAYS = 16  # through one turn
_MOST_ASKED = 2_000  # questions of code that would not run by itself, which might never end
#: Why both ways cannot be recorded of what ends a loop.
LEAVES = "one way through a turn leaves the loop"
_TOO_MANY = "there are more ways through a turn than are worth it"
_SMALL = 16_384  # bytes of constants that are compared


class Refused(Doubt):
    """Both ways cannot be recorded at some forks."""

    def __init__(self, reason: str, forks: Iterable[Fork]) -> None:
        super().__init__(reason)
        self.forks = frozenset(forks)


@dataclass(frozen=True, slots=True)
class _Decision:
    """A condition in a turn, what it was, and what was answered."""

    fork: Fork
    condition: Array
    found: bool
    answer: bool


@dataclass(slots=True)
class _Turn:
    """A turn that is gone through in several ways.

    Attributes:
        beginning: what it begins with.
        answers: what is answered first, in this way.
        path: the decisions of this way so far.
        ways: those that are done, with what they have left.
        apart: how many arrays and lists had been set apart.
    """

    beginning: Beginning
    apart: int
    answers: list[bool] = field(default_factory=list)
    path: list[_Decision] = field(default_factory=list)
    ways: list[tuple[list[_Decision], Left]] = field(default_factory=list)


class Branches:
    """What is asked inside the loops of a run, and which of it is answered in both ways.

    Args:
        forks: where.
        passing: types of what belongs to loops themselves.
        shortens: whether few turns of long loops are recorded.
    """

    def __init__(
        self, forks: frozenset[Fork], passing: tuple[type, ...], shortens: bool = False
    ) -> None:
        self.forks = forks
        self.passing = passing
        self.shortens = shortens
        self._loops = {loop for _, loop in forks}
        self._running: list[Turns | While] = []
        self._asked: dict[int, list[tuple[Fork, bool]]] = {}  # in the running turn of a loop
        self._came_out: dict[Fork, set[bool]] = {}
        self._in_short: set[Fork] = set()
        self._turns: dict[int, _Turn] = {}
        self._known: dict[Any, Node] = {}
        self._apart: list[Held] = []  # with what they held
        self._recording: Recording | None = None
        self._supposition = Supposition(self._doubt)
        self._is_forced = False
        self._questions = 0

    # What loops tell.

    def begins(self, turns: Turns | While, frame: FrameType) -> None:
        """Take notice of a loop."""
        self._leave(frame)
        self._running = [x for x in self._running if x.is_open]
        self._running.append(turns)
        self._asked.pop(id(turns), None)

    def ending_at(self, frame: FrameType) -> While | None:
        """Return the loop that asks whether it goes on; None if this is no such question."""
        found = exit_at(frame.f_code, frame.f_lasti)
        if found is None:
            return None
        region, site = found.region, (frame.f_code, found.region.head)
        self._leave(frame)
        for loop in self._running:
            if not isinstance(loop, While) or loop.running is not frame:
                continue
            if loop.is_open and loop.site == site:  # at one question of several
                return loop if loop.exit is found else None
        if region.returns and not self.is_running(frame, region.around):
            return None
        loop = While(frame, found, self.shortens)
        self.begins(loop, frame)
        return loop

    def is_running(self, frame: FrameType, head: int | None) -> bool:
        """Tell whether a ``for`` loop with this head is one whose turns are known here."""
        return any(x.is_open and x.frame == id(frame) and x.site[1] == head for x in self._running)

    def answered(self, loop: While, answer: bool) -> None:
        """Take notice of whether a ``while`` loop goes on."""
        if answer == loop.stays:
            self.turn_begins(loop, loop.running)
        else:
            loop.is_open = False

    def _leave(self, frame: FrameType) -> None:
        """Close the ``while`` loops that code has left, otherwise than at the end of a turn.

        Raises:
            Refused: one way through a turn has.
        """
        for loop in self._running:
            if loop.running is frame and loop.is_open and not loop.contains(frame):
                loop.is_open = False
                turn = self._turns.pop(id(loop), None)
                if turn is not None and (turn.path or turn.ways):
                    raise Refused(LEAVES, {x.fork for x in self._decisions(turn)})

    def turn_begins(self, turns: Turns | While, frame: FrameType) -> None:
        """Take notice of a turn, before its item is handed out."""
        if turns.site in self._loops:
            try:
                self._turns[id(turns)] = _Turn(Beginning(frame, self.passing), len(self._apart))
            except Doubt as doubt:
                raise Refused(str(doubt), self._of(turns)) from None

    def again(self, turns: Turns | While, frame: FrameType) -> bool:
        """Tell at the end of a turn whether it is to be gone through in yet another way."""
        self._leave(frame)
        for fork, found in self._asked.pop(id(turns), ()):
            self._came_out.setdefault(fork, set()).add(found)
            if turns.is_short:
                self._in_short.add(fork)
        turn = self._turns.get(id(turns))
        if turn is None or not turn.path:
            self._end(turns)
            return False
        self._check_apart()
        try:
            turn.ways.append((turn.path, turn.beginning.left(turns.test)))
            turn.beginning.put_back()
            answers, turn.path = _next(turn.path), []
            self._suppose()
            if answers is not None:
                if len(turn.ways) == _MOST_WAYS:
                    raise Doubt(_TOO_MANY)
                turn.answers = answers
                return True
            left = _merged(turn.beginning, turn.ways, 0)
            turn.beginning.go_on(left)
            turns.test = left.test
        except Refused:
            raise
        except Doubt as doubt:
            raise Refused(str(doubt), self.pending) from None
        apart = [*(held.of for held in self._apart[turn.apart :]), *left.apart]
        self._apart[turn.apart :] = map(Held, apart)
        self._end(turns)
        return False

    def _check_apart(self) -> None:
        """Make sure that nothing has been written that other names stand for in the user's run.

        Raises:
            Refused: one has.
        """
        for held in self._apart:
            if not held.is_current():
                kind = "an array" if type(held.of) is Array else f"a {type(held.of).__name__}"
                raise Refused(f"{kind} is written that is another one in one way", self.forks)

    def _end(self, turns: Turns | While) -> None:
        self._turns.pop(id(turns), None)
        if not self._turns:
            self._known.clear()
            self._questions = 0

    # What conditions tell.

    def asks(self) -> None:
        """Take notice of a question.

        Raises:
            Refused: a way through a turn that the code does not go by itself has many of them.
        """
        if self._turns and self._recording is not None and self._recording.supposes:
            self._questions += 1
            if self._questions > _MOST_ASKED:
                raise self._doubt("one way through a turn may never end")

    def answer(self, array: Array, found: bool, frame: FrameType) -> bool | None:
        """Answer a condition that both answers are given to; None if it is no such one."""
        turns = self._around(frame)
        if turns is None:
            return None
        fork = (frame.f_code, frame.f_lasti), turns.site
        turn = self._turns.get(id(turns))
        if turn is None or fork not in self.forks:
            self._asked.setdefault(id(turns), []).append((fork, found))
            return None
        number = len(turn.path)
        if number == _MOST_WAYS:
            raise Refused(_TOO_MANY, self.pending)
        # The same order in all turns, whatever is found, so that all have the same graph.
        answer = turn.answers[number] if number < len(turn.answers) else True
        condition = array
        if array.dtype != np.dtype(bool):
            condition = not_equal(array, 0)
        if condition.shape:
            raise Refused("a condition that is an array", {fork})
        turn.path.append(_Decision(fork, condition, found, answer))
        self._recording = array.node.recording
        self._suppose()
        return answer

    def forced(self, recording: Recording) -> None:
        """Take notice of an answer that was made up, which may end a loop: nothing is as it was."""
        self._is_forced, self._recording = True, recording
        self._suppose()

    def _suppose(self) -> None:
        """Tell the recording whether code runs that would not by itself."""
        if self._recording is not None:
            self._recording.supposes = self._is_forced or any(
                x.answer != x.found for turn in self._turns.values() for x in turn.path
            )
            self._supposition.set(self._recording.supposes)

    def _doubt(self, reason: str) -> Doubt:
        return Refused(reason, self.pending) if self.pending else Doubt(reason)

    def stop(self, error: BaseException | None = None) -> None:
        """Take notice that the code runs no longer, and of the error that ended it.

        Raises:
            Doubt: only code that does not run by itself would have ended the program.
        """
        self._supposition.set(False)
        supposed = self._recording is not None and self._recording.supposes
        if supposed and isinstance(error, SystemExit):
            raise self._doubt("one way through a turn ends the program") from None

    def asked(self, frame: FrameType) -> int | None:
        """Return how often the running turn of a loop has asked a condition; None of no loop."""
        turns = self._around(frame)
        if turns is None or type(turns) is While:
            return None
        fork = (frame.f_code, frame.f_lasti), turns.site
        return sum(other == fork for other, _ in self._asked.get(id(turns), ()))

    def known(self, node: Node) -> Node:
        """Return the node of the same value that another way through a turn has made."""
        if not self._turns:
            return node
        constants = tuple(
            _constant(value) if parent is None else id(parent)
            for value, parent in zip(node.operands, node.parents, strict=True)
        )
        return self._known.setdefault((node.operation, constants, frozen(node.params)), node)

    # What is to be known afterwards.

    @property
    def pending(self) -> frozenset[Fork]:
        """The forks in turns that have not come to their end."""
        return frozenset(x.fork for turn in self._turns.values() for x in self._decisions(turn))

    @staticmethod
    def _decisions(turn: _Turn) -> list[_Decision]:
        return [*turn.path, *(decision for path, _ in turn.ways for decision in path)]

    def to_fork(self, all_ways: bool) -> frozenset[Fork]:
        """Return conditions that did not end a loop, and that may come out in both ways.

        Args:
            all_ways: whether all of them may; else those that did, and those in loops of which few
                turns were recorded.
        """
        return frozenset(
            fork
            for fork, outcomes in self._came_out.items()
            if all_ways or len(outcomes) == 2 or fork in self._in_short
        )

    def finish(self) -> None:
        """Make sure that no turn has been left in its middle.

        Raises:
            Refused: one has.
        """
        self._check_apart()
        if self.pending:
            raise Refused(LEAVES, self.pending)

    def _of(self, turns: Turns | While) -> frozenset[Fork]:
        return frozenset(fork for fork in self.forks if fork[1] == turns.site)

    def _around(self, frame: FrameType | None) -> Turns | While | None:
        """Return the innermost loop that code runs in."""
        running = {x.frame for x in self._running if x.is_open}
        while frame is not None and running:
            if id(frame) in running:
                inside = [
                    x
                    for x in self._running
                    if x.frame == id(frame) and x.is_open and not x.collects and x.contains(frame)
                ]
                if inside:
                    return max(inside, key=lambda x: (x.site[1], isinstance(x, While)))
            frame = frame.f_back
        return None


def _next(path: Sequence[_Decision]) -> list[bool] | None:
    """Return the answers that lead to the next way, depth first; None if there is none."""
    for k in range(len(path) - 1, -1, -1):
        if path[k].answer:
            return [*(x.answer for x in path[:k]), False]
    return None


def _merged(beginning: Beginning, ways: Sequence[tuple[list[_Decision], Left]], depth: int) -> Left:
    """Make one of what several ways have left that share so many decisions."""
    if len(ways) == 1:
        return ways[0][1]
    condition = ways[0][0][depth].condition
    yes = [way for way in ways if way[0][depth].answer]
    no = [way for way in ways if not way[0][depth].answer]
    return beginning.chosen(
        condition, _merged(beginning, yes, depth + 1), _merged(beginning, no, depth + 1)
    )


def _constant(value: Any) -> Any:
    is_large = isinstance(value, np.ndarray) and value.nbytes > _SMALL
    return id(value) if is_large else frozen(value)
