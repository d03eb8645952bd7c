"""Long loops recorded in few of their turns.

In a function that is recorded for compiling, what loops go through is ours
(`chainrule.native.record.iterables`). A long one ends after a few turns, and hands out numbers
(`chainrule.core.counted`) that raise `Doubt` when somebody looks at them. Between turns the state
of the running code is compared: as long as it is alike, all further turns do the same.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Mapping
from types import CodeType, FrameType
from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.core.counted import SETTLED, Counted, Doubt, Fixed, Tally, grows_evenly
from chainrule.core.node import Leaf, Node
from chainrule.core.operation import Operation
from chainrule.core.recording import Recording
from chainrule.core.source import user_location
from chainrule.graph.code import collects, is_inside
from chainrule.native.record.branches import Branches, Fork, Site
from chainrule.native.record.conditions import Conditions, Forced, Place
from chainrule.native.record.plans import FEW, LONG, NESTED, Nested, Replanned, is_worth, plans_of
from chainrule.native.record.state import State, alike, are_handed_on, state_of
from chainrule.native.record.variables import Unset
from chainrule.operations import elementwise

__all__ = ["Shortener", "Turns"]

_MOST_TRIED = 10_000  # turns in which numbers of a loop are looked at
#: What makes constants of constants, forwards and backwards, that are multiples or quotients.
_RATIONAL = (elementwise.add, elementwise.subtract, elementwise.multiply, elementwise.divide)


class Shortener:
    """Ends the long loops of a run early.

    Args:
        plan: by the number of turns that a loop has, how many are recorded; is added to. None to
            record all of them.
        forced: what is answered where loops ask whether they are to go on.
        whole: where loops are that such an answer ends.
        forks: where both answers are given to what loops ask.
        few: in how many turns a long loop is recorded.
        lifts: record what derivatives begin with, too, where turns are left out. What follows from
            it may be another constant in each turn, of which nobody knows the next one.
        nests: end loops of fewer turns, too; None to find out whether that is worth while.
        lengths: how many turns loops have, of which the plan is made; None where it is given.
        varies: whether a loop has another number of turns in each turn of a long one around it.

    Attributes:
        branches: the ways through turns that are recorded.
        conditions: what loops ask, and what is answered.
        changes: says what outside of the function has changed, None for nothing.
        constants: numbers of loops that operations took as constants.
        base: the frame that calls the function.
        recording: of the run.
        lifted: constants that are recorded: arrays of which each turn of a loop reads another
            entry, and what derivatives begin with.
        long: turns up to which a loop is recorded in full.
        open: loops that run, the outermost first, where it is to be found out whether that is worth
            while.
        has_seeds: whether derivatives began with constants that are not recorded.
        uncounted: code in which no loop counts, by its id: a hash of code takes long.
        doubts: why the turns that are left out may do something else, though nothing tells it.
        cut: by the loop and the number of its turns, in how many it is recorded, if it is cut.
        has_slices: whether numbers of loops are bounds of slices.
        has_plain_rows: whether a loop that is cut goes through an argument or a constant, which are
            arrays of NumPy's where nothing is recorded.
    """

    def __init__(
        self,
        plan: dict[int, int] | None,
        forced: Mapping[Place, Forced] | None = None,
        whole: frozenset[Hashable] = frozenset(),
        forks: frozenset[Fork] = frozenset(),
        few: int = FEW[0],
        lifts: bool = False,
        nests: bool | None = False,
        lengths: frozenset[int] | None = None,
        varies: bool = False,
    ) -> None:
        self.nests, self.lengths, self.varies = nests, lengths, varies
        self.long = NESTED if nests else LONG
        self.open: list[Turns] = []
        self.lifts, self.has_seeds = lifts, False
        self.shortens = plan is not None
        self.few = few
        self.plan = {} if plan is None else plan
        self.whole = whole
        self.branches = Branches(forks, _PASSING, self.shortens)
        self.conditions = Conditions(self.shortens, forced or {}, self.state, self.branches)
        self.changes: Callable[[], str | None] = lambda: None
        self.constants: dict[Hashable, Counted] = {}
        self.base: FrameType | None = None
        self.recording: Recording | None = None
        self.lifted: dict[Node, Any] = {}
        self.uncounted: dict[int, CodeType] = {}
        self.doubts: dict[str, None] = {}
        self.cut: dict[tuple[Site, int], int] = {}
        self.has_slices = self.has_plain_rows = False

    def let_go(self) -> None:
        """Forget the run: its frame holds this, and all nodes, which would be collected late."""
        self.base = self.recording = None
        self.changes = lambda: None

    def recorded(self, turns: int) -> int:
        """Return in how many turns a loop is recorded.

        Raises:
            Replanned: others have been recorded in as many, and should not have been.
        """
        if self.lengths is None:
            return self.plan.setdefault(turns, self.few + turns % 2)
        lengths = self.lengths | {turns}
        base, *_ = plans_of(sorted(lengths), self.few, self.varies)
        planned = dict(zip(sorted(lengths), base, strict=True))
        if any(planned[n] != count for n, count in self.plan.items()):
            raise Replanned(lengths, self.varies)
        self.lengths = lengths
        return self.plan.setdefault(turns, planned[turns])

    def sees_varying(self) -> None:
        """Take notice that a loop has other numbers of turns in other turns of one around it.

        Raises:
            Replanned: that one is recorded in too few turns.
        """
        if not self.varies and self.lengths is not None:
            raise Replanned(self.lengths, True)
        self.varies = True

    def enters(self, turns: Turns, frame: FrameType) -> None:
        """Take notice that a loop begins that is recorded in full.

        Raises:
            Nested: it is in others, and all of them are worth being ended.
        """
        self.open = [x for x in self.open if x.contains(frame)]
        self.open.append(turns)
        if is_worth([x.turns for x in self.open]):
            raise Nested

    def state(self, frame: FrameType) -> State:
        """Return what the next turn of a loop depends on.

        Raises:
            Doubt: that cannot be seen.
        """
        changed = self.changes()
        if changed is not None:
            raise Doubt(changed)
        return state_of(frame, (*_PASSING, Unset))

    def doubt(self, reason: str) -> None:
        """Take notice of what only a comparison with all turns can tell to be right."""
        location = user_location()
        self.doubts[reason if location is None else f"{location}\n    {reason}"] = None

    def check_constants(self) -> None:
        """Make sure that numbers of loops that operations took grow evenly in all turns.

        Raises:
            Doubt: one does not, as ``i % 50``, and the turns that are recorded do not show it.
        """
        for number in self.constants.values():
            if number.of is not None and not _is_even(number.of, number.series.turns):
                raise Doubt("a number of the loop that does not grow evenly")

    def numbers(self, run: range) -> Turns:
        """Return what a loop over a range goes through that is in code of this library."""
        return Turns(self, len(run), lambda turns, k: turns.number(run[k], run.__getitem__))

    def lift(self, array: Array) -> None:
        """Record what is done with a constant array.

        Raises:
            Doubt: it has other names.
        """
        plain = array.origin is None and not array.views and array.dtype.kind in "fiub"
        if self.recording is None or not plain:
            raise Doubt("a constant array is read at the loop's number, and is a view or has some")
        leaf = Leaf(self.recording)
        self.lifted[leaf] = np.array(array.value)
        array.node = leaf

    def seed(self, value: Any) -> Any:
        """Return what a derivative begins with, recorded where that is wanted."""
        if self.recording is None or type(value) is Array or value is None:
            return value
        if not self.lifts or not (self.plan or self.conditions.forced):
            self.has_seeds = True
            return value
        leaf = Leaf(self.recording)
        if type(value) is np.ndarray:
            value = value.copy()  # which the user may write into later
        self.lifted[leaf] = value
        return Array(value, leaf)


def _is_even(of: Callable[[int], Any], turns: int) -> bool:
    """Tell whether numbers grow by as much from turn to turn, or by a factor."""
    tried = np.unique(np.linspace(0, turns - 1, min(turns, _MOST_TRIED)).astype(np.int64))
    values = np.array([of(k) for k in tried.tolist()], float)
    first, step = values[0], float(of(1)) - values[0]
    if np.allclose(values, first + step * tried, rtol=1e-12, atol=1e-12 * abs(values).max()):
        return True
    with np.errstate(all="ignore"):
        return bool(first and np.allclose(values, first * (1 + step / first) ** tried, rtol=1e-9))


class Turns:
    """The turns of one loop, as its statement goes through them.

    Args:
        shortener: ends it.
        turns: how many there are.
        item: given the turns and a number, the item.
        varies: whether there are other numbers of turns in other turns of a loop around it.
        differs: there where the items may be anything, so that all turns are recorded: whether
            there are more or fewer of them by now.

    Attributes:
        site: where its statement is.
    """

    site: Site
    test: Array | None = None  # of ``while`` loops
    running: FrameType | None = None
    goes_through_argument = False

    def __init__(
        self,
        shortener: Shortener,
        turns: int,
        item: Callable[[Turns, int], Any],
        varies: bool = False,
        differs: Callable[[], bool] | None = None,
    ) -> None:
        self.shortener, self.turns, self.item = shortener, turns, item
        self.varies, self.differs = varies, differs
        self.outcomes: dict[Hashable, Any] = {}
        self.at = 0
        self.end = turns
        self.is_plain = self.is_short = self.is_open = self.collects = False
        self.frame = 0
        self._states: list[State] = []

    def __iter__(self) -> Turns:
        return self

    def __next__(self) -> Any:
        frame = sys._getframe(1)
        branches = self.shortener.branches
        if not self.at and not self.is_open:
            self.is_open = True
            self._begin(frame)
        elif branches.again(self, frame):
            return self.item(self, self.at - 1)
        if self.is_short and self.at >= SETTLED:
            self._compare(frame)
        if self.differs is not None and self.differs():
            raise Doubt("a list that changes while a loop goes through it")
        if self.at >= self.end:
            self.is_open = False
            raise StopIteration
        branches.turn_begins(self, frame)
        self.at += 1
        return self.item(self, self.at - 1)

    def _begin(self, frame: FrameType) -> None:
        self.site, self.frame = (frame.f_code, frame.f_lasti), id(frame)
        self.shortener.conditions.begins(self)
        self.shortener.branches.begins(self, frame)
        self.collects = collects(frame)
        few = self.turns <= self.shortener.long or not self.shortener.shortens
        whole = few or self.collects or self.differs is not None
        if self.varies:
            self.shortener.doubt("a loop with another number of turns in turns of the one around")
            self.shortener.sees_varying()
        self.is_plain = not self.varies and whole
        self.is_short = not self.varies and not whole
        if self.site in self.shortener.whole:
            self.is_plain = self.is_short = False
        ours = not self.collects and self.differs is None
        if self.is_plain and ours and self.shortener.nests is None:
            self.shortener.enters(self, frame)
        if self.is_short:
            self.end = self.shortener.recorded(self.turns)
            self.shortener.cut[self.site, self.turns] = self.end
            self.shortener.has_plain_rows |= self.goes_through_argument

    def _compare(self, frame: FrameType) -> None:
        """Raise if a turn has left another state than the one before."""
        now = self.shortener.state(frame)
        if self._states and not alike(self._states[-1].parts, now.parts):
            raise Doubt("what the loop hands on differs by turn")
        self._states.append(now)
        if self.at >= self.end:
            if not are_handed_on(self._states):
                self.shortener.doubt("what the loop hands on goes from variable to variable")
            self._states.clear()  # they hold nodes, and this is freed late

    def lift(self, array: Array) -> None:
        """Record what is done with a constant array, of which each turn reads another entry."""
        self.shortener.lift(array)

    def index(self, number: Counted, in_slice: bool) -> None:
        """Take notice of an index: folding sees what it is in each turn."""
        if not grows_evenly(number.key):
            self.shortener.doubt("an index that need not grow by as much in each turn")
        self.shortener.has_slices |= in_slice

    def contains(self, frame: FrameType) -> bool:
        """Tell whether a frame is in the middle of a turn."""
        return self.frame == id(frame) and is_inside(frame, self.site[1])

    def use(self, number: Counted, operation: Operation) -> None:
        """Take notice that an operation takes a number as a constant."""
        self.shortener.constants[number.key] = number
        if operation not in _RATIONAL or not grows_evenly(number.key):
            self.shortener.doubt("a number that need not grow by as much in each turn")

    def ends(
        self, number: Counted, name: str, compare: Callable[..., bool], other: Any, frame: FrameType
    ) -> bool | None:
        """Answer where a loop compares its number to end; None elsewhere."""
        return None

    def number(self, value: int, of: Callable[[int], int] | None) -> Any:
        """Return the loop's number in this turn."""
        if self.is_plain:
            return value
        return Counted(value, ("turn",), of, self, self.at - 1)


_PASSING = (Turns, Tally, Fixed)  # what belongs to loops themselves
