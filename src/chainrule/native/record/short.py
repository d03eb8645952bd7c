"""Long loops recorded in few of their turns.

In a function that is recorded for compiling, ``range``, ``enumerate``, ``zip`` and ``reversed`` are
ours, where a ``for`` statement goes through what they return, and so is the iteration over recorded
arrays. A long one ends after a few turns, and hands out numbers (`chainrule.core.counted`) that
raise `Doubt` when somebody looks at them. Between turns the state of the running code is compared:
as long as it is alike, all further turns do the same.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.core.counted import SETTLED, Counted, Doubt, Fixed, Tally
from chainrule.core.node import Leaf, Node
from chainrule.core.recording import Recording
from chainrule.graph.code import collects, is_inside, running
from chainrule.native.record.branches import Branches, Fork, Site
from chainrule.native.record.conditions import Conditions, Forced, Place
from chainrule.native.record.plans import FEW, LONG, NESTED, Nested, Replanned, is_worth, plans_of
from chainrule.native.record.state import alike, state_of
from chainrule.native.record.variables import Unset

__all__ = ["NAMES", "Shortener", "Turns"]

_MOST_TRIED = 10_000  # turns in which numbers of a loop are looked at
#: Names of what loops go through that is ours to end.
NAMES = ("range", "enumerate", "zip", "reversed")


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
        self.names: Mapping[str, Callable[..., Any]] = {
            name: _builtin(name, self) for name in NAMES
        }

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

    def state(self, frame: FrameType) -> list[Any]:
        """Return what the next turn of a loop depends on.

        Raises:
            Doubt: that cannot be seen.
        """
        changed = self.changes()
        if changed is not None:
            raise Doubt(changed)
        return state_of(frame, (*_PASSING, Unset))

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

    def rows(self, array: Array) -> Iterator[Any] | None:
        """Return what a loop over the rows of an array goes through; None if it is no loop."""
        frame = sys._getframe(2)
        if running(frame) != "GET_ITER":
            return None
        found = _items(self, array)
        return None if found is None else Turns(self, found.count, found.item)

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


def _builtin(name: str, shortener: Shortener) -> Callable[..., Any]:
    """Return what recorded code sees in place of a builtin: the same, but in loops."""
    original = getattr(builtins, name)
    make = _MAKERS[name]

    def replacement(*args: Any, **kwargs: Any) -> Any:
        if running(sys._getframe(1), 1) == "GET_ITER":
            turns = make(shortener, *args, **kwargs)
            if turns is not None:
                return turns
        return original(*args, **kwargs)

    return replacement


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
        self._before: list[Any] | None = None

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

    def _compare(self, frame: FrameType) -> None:
        """Raise if a turn has left another state than the one before."""
        now = self.shortener.state(frame)
        if self._before is not None and not alike(self._before, now):
            raise Doubt("what the loop hands on differs by turn")
        self._before = now

    def lift(self, array: Array) -> None:
        """Record what is done with a constant array, of which each turn reads another entry."""
        self.shortener.lift(array)

    def index(self, number: Counted) -> None:
        """Take notice of an index: folding sees what it is in each turn."""

    def contains(self, frame: FrameType) -> bool:
        """Tell whether a frame is in the middle of a turn."""
        return self.frame == id(frame) and is_inside(frame, self.site[1])

    def use(self, number: Counted) -> None:
        """Take notice that an operation takes a number as a constant."""
        self.shortener.constants[number.key] = number

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


def _of_range(shortener: Shortener, *args: Any) -> Turns | None:
    counted = any(type(x) is Counted for x in args)
    run = range(*(x.value if type(x) is Counted else x for x in args))
    of = None if counted else run.__getitem__
    return Turns(shortener, len(run), lambda turns, k: turns.number(run[k], of), counted)


def _of_enumerate(shortener: Shortener, iterable: Any, start: int = 0) -> Turns | None:
    found = _items(shortener, iterable)
    if found is None or type(start) is not int:
        return None
    run = range(start, start + found.count)

    def both(turns: Turns, k: int) -> tuple[Any, Any]:
        return turns.number(run[k], run.__getitem__), found.item(turns, k)

    return Turns(shortener, found.count, both, differs=found.differs)


def _of_zip(shortener: Shortener, *iterables: Any, strict: bool = False) -> Turns | None:
    found = [_items(shortener, x) for x in iterables]
    known = [x for x in found if x is not None]
    if not known or len(known) < len(found) or len({x.count for x in known}) > 1:
        return None

    def side_by_side(turns: Turns, k: int) -> tuple[Any, ...]:
        return tuple(x.item(turns, k) for x in known)

    lists = [x.differs for x in known if x.differs is not None]
    differs = (lambda: any(changed() for changed in lists)) if lists else None
    return Turns(shortener, known[0].count, side_by_side, differs=differs)


def _of_reversed(shortener: Shortener, sequence: Any) -> Turns | None:
    found = _items(shortener, sequence[::-1] if type(sequence) is range else sequence)
    if found is None:
        return None
    count, item = found.count, found.item
    if type(sequence) is range:
        return Turns(shortener, count, item)
    return Turns(
        shortener, count, lambda turns, k: item(turns, count - 1 - k), differs=found.differs
    )


_PASSING = (Turns, Tally, Fixed)  # what belongs to loops themselves

_MAKERS: dict[str, Callable[..., Turns | None]] = {
    "range": _of_range,
    "enumerate": _of_enumerate,
    "zip": _of_zip,
    "reversed": _of_reversed,
}


@dataclass(frozen=True, slots=True)
class _Items:
    """How many items a sequence has, how they are found, and whether a list has changed."""

    count: int
    item: Callable[[Turns, int], Any]
    differs: Callable[[], bool] | None = None


def _items(shortener: Shortener, sequence: Any) -> _Items | None:
    """Return the items of a sequence; None if it may be any."""
    if type(sequence) in (list, tuple):
        count = len(sequence)
        return _Items(count, lambda turns, k: sequence[k], lambda: len(sequence) != count)
    if type(sequence) is range:
        of = sequence.__getitem__
        return _Items(len(sequence), lambda turns, k: turns.number(of(k), of))
    if type(sequence) is Array and sequence.shape:
        if sequence.node is None:
            if not shortener.shortens or sequence.shape[0] <= shortener.long:
                return None
            shortener.lift(sequence)
        return _Items(sequence.shape[0], lambda turns, k: sequence[k])
    return None
