"""Recordings of one function with several numbers of turns of its loops."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Protocol

from chainrule.core.array import Array
from chainrule.core.counted import Doubt
from chainrule.graph.code import line_of
from chainrule.graph.loops.affine import Counter
from chainrule.graph.loops.alike import are_equal
from chainrule.graph.loops.extrapolate import NotAlikeError, Turns
from chainrule.native.record.branches import LEAVES, Fork, Refused, Site
from chainrule.native.record.conditions import Asking, Enough, Forced
from chainrule.native.record.plans import FEW, Nested, Replanned, plans_of
from chainrule.native.record.program import Family, Trips
from chainrule.native.record.recorded import Recorded, Run
from chainrule.native.record.short import Shortener

__all__ = ["MOST_TURNS", "Relatives", "in_full", "relatives"]

#: How many turns a loop may have that ends when a condition fails: there is memory for so many of
#: what the backward pass reads. A call that needs more is recorded anew, with the next number.
MOST_TURNS = (1_000, 30_000, 1_000_000)

_COMPARED = 1  # the number of the run whose result is compared
_MOST_LOOPS = 3  # numbers of turns that loops may have, each of which takes a recording


class Recorder(Protocol):
    """Records a function."""

    def __call__(self, shortener: Shortener | None, defers: bool = True) -> Run:
        """Record it.

        Args:
            shortener: ends loops early; None to record all turns.
            defers: compute of large arrays what somebody looks at, and no more.
        """


@dataclasses.dataclass(frozen=True, slots=True)
class Relatives:
    """Runs of a function that are the same but for the number of turns of its loops.

    Attributes:
        runs: the first one, one with more turns for each of the loops, and where the number of
            turns is not known one that tells whether what follows from these is right.
        turns: how many there were, and how many there are.
        loops: those that end when a condition fails, as they were in the first run.
        whole: a run with all turns, if there was one.
        few: in how many turns loops were recorded.
        has_guards: whether there are conditions in loops of which one way was recorded, and both
            might be.
        has_seeds: whether derivatives began with constants, which might be recorded.
        nests: whether loops are ended that are worth it only in one another.
        doubts: why all turns might do something else, though nothing tells it.
        cut: the loops that are ended in the run that is `compared`, with their turns, and after
            how many.
        has_slices: whether numbers of loops are bounds of slices.
        has_plain_rows: whether a loop that is ended goes through an array of NumPy's, which
            nobody ends where nothing is recorded.
    """

    runs: tuple[Run, ...]
    turns: Turns
    loops: tuple[Asking, ...]
    whole: Run | None
    few: int
    has_guards: bool = False
    has_seeds: bool = False
    nests: bool = False
    doubts: tuple[str, ...] = ()
    cut: Mapping[tuple[Site, int], int] = dataclasses.field(default_factory=dict)
    has_slices: bool = False
    has_plain_rows: bool = False

    @property
    def compared(self) -> Run:
        """The run whose result is compared with that of the function itself in as few turns."""
        return self.runs[_COMPARED]

    def typed(self, expected: Any, most: int) -> Recorded:
        """Give the programs the types that the function itself returns.

        Args:
            expected: what it returned.
            most: how many turns a loop may have that ends when a condition fails.

        Raises:
            NotFaithful: it returned something of another structure.
            NotAlikeError: the programs are not alike.
        """
        first, *others = [run.typed(expected) for run in self.runs]
        if any(other.guards.keys != first.guards.keys for other in others):
            raise NotAlikeError("Python looks at something else")
        if self.loops and not all(_are_alike(run.leaves, self.runs[0].leaves) for run in self.runs):
            raise NotAlikeError("it returns a constant that depends on how many turns there are")
        counters = [n for n in self.turns.wanted if isinstance(n, Counter)]
        trips = [
            Trips(
                counter,
                asking.answers[0],
                guard,
                min(most, asking.most or most),
                str(first.guards.locations[guard] or ""),
            )
            for counter, asking, guard in zip(
                counters, self.loops, first.guards.counts, strict=True
            )
        ]
        family = Family(tuple(other.program for other in others), self.turns, tuple(trips))
        program = dataclasses.replace(first.program, family=family)
        return dataclasses.replace(first, program=program)


def _are_alike(leaves: Sequence[Any], others: Sequence[Any]) -> bool:
    """Tell whether what is not computed of two results is the same."""
    return len(leaves) == len(others) and all(
        (type(a) is Array and type(b) is Array) or (type(a) is type(b) and are_equal(a, b))
        for a, b in zip(leaves, others, strict=True)
    )


def relatives(
    record: Recorder,
    all_ways: bool,
    notes: dict[str, None],
    few: int = FEW[0],
    lifts: bool = False,
    nests: bool = True,
) -> Run | Relatives:
    """Record a function, in few turns of its loops where that tells all.

    Args:
        record: records it.
        all_ways: at all conditions in loops record both ways; else where they come out otherwise
            from turn to turn.
        notes: is told why it was recorded otherwise.
        few: in how many turns of its loops.
        lifts: record what derivatives begin with, too, where turns are left out.
        nests: end loops of few turns, too, where many are in one another.
    """
    attempts = _Attempts(record, all_ways, notes, lifts, None if nests and few == FEW[0] else False)
    return attempts.short(few) or attempts.full()


def in_full(record: Recorder, all_ways: bool, notes: dict[str, None]) -> Run:
    """Do the same, and record all turns."""
    return _Attempts(record, all_ways, notes).full()


class _Attempts:
    """Records a function until both ways are recorded where that is possible, and nowhere else."""

    def __init__(
        self,
        record: Recorder,
        all_ways: bool,
        notes: dict[str, None],
        lifts: bool = False,
        nests: bool | None = False,
    ) -> None:
        self.nests = nests
        self.record, self.all_ways, self.notes, self.lifts = record, all_ways, notes, lifts
        self.forks: frozenset[Fork] = frozenset()
        self.refused: frozenset[Fork] = frozenset()

    def short(self, few: int) -> Run | Relatives | None:
        """Record few turns; None if these do not tell all."""
        found = self._short(few)
        if self.nests and not isinstance(found, Relatives):
            self.nests = False
            found = self._short(few)
        return found

    def _short(self, few: int) -> Run | Relatives | None:
        lengths: frozenset[int] = frozenset()
        varies = False
        while True:
            forks, lifts, nests = self.forks, self.lifts, self.nests
            shortener = Shortener({}, {}, frozenset(), forks, few, lifts, nests, lengths, varies)
            lengths, varies = frozenset(), False
            whole = None
            try:
                try:
                    first = self.record(shortener)
                except Enough:
                    first = None
                if self._finds_more(shortener):
                    continue
                whole = None if shortener.plan else first
                shortener.check_constants()
                loops = [asking for asking in shortener.conditions.asked if asking.is_loop]
                if whole is not None and not loops:
                    return whole
                found = _relatives(self.record, shortener, first, loops)
                guarded = shortener.branches.to_fork(all_ways=True) - self.forks - self.refused
                return dataclasses.replace(found, has_guards=bool(guarded), nests=bool(self.nests))
            except Nested:
                self.nests = True
                continue
            except Replanned as plan:
                lengths, varies = plan.lengths, plan.varies
                continue
            except Refused as refusal:
                failed = self._refused(refusal)
            except Doubt as doubt:
                if self._finds_more(shortener):
                    continue
                self._note(f"all turns are recorded: {doubt}", doubt.location)
                return whole
            except Exception:
                failed = shortener.branches.pending
                if not failed:
                    if whole is None and not shortener.plan:
                        raise
                    return whole
            self._without(failed)

    def full(self) -> Run:
        """Record all turns."""
        while True:
            shortener = Shortener(None, forks=self.forks)
            try:
                run = self.record(shortener)
                if not self._finds_more(shortener):
                    return run
                continue
            except Refused as refusal:
                failed = self._refused(refusal)
            except Doubt:
                failed = frozenset()
            except Exception:
                failed = shortener.branches.pending
            if not failed:  # which raises the same, if it is not due to what was left out
                return self.record(None)
            self._without(failed)

    def _refused(self, refusal: Refused) -> frozenset[Fork]:
        """Return the forks at which both ways cannot be recorded, and say so."""
        if str(refusal) != LEAVES:
            for (code, offset), _ in refusal.forks:
                self._note(f"both ways are not recorded: {refusal}", line_of(code, offset))
        return refusal.forks

    def _note(self, what: str, where: object) -> None:
        self.notes[what if where is None else f"{where}\n    {what}"] = None

    def _finds_more(self, shortener: Shortener) -> bool:
        further = shortener.branches.to_fork(self.all_ways) - self.forks - self.refused
        self.forks |= further
        return bool(further)

    def _without(self, failed: frozenset[Fork]) -> None:
        self.forks -= failed
        self.refused |= failed


def _relatives(
    record: Recorder,
    shortener: Shortener,
    first: Run | None,
    loops: Sequence[Asking],
) -> Relatives:
    around = [asking.turns for asking in loops if asking.turns is not None]
    whole: frozenset[Hashable] = frozenset(turns.site for turns in around)
    lengths = sorted(set(shortener.plan) - {turns.turns for turns in around})
    if len(lengths) + len(loops) > _MOST_LOOPS:
        raise Doubt("there are more loops than are worth it")
    if shortener.nests and shortener.varies:
        raise Doubt("loops in one another have other numbers of turns in each turn")
    plans = plans_of(lengths, shortener.few, shortener.varies, len(loops))
    is_base = [shortener.plan[n] for n in lengths] == plans[0] and not loops
    runs = [first] if first is not None and is_base else []
    seen = [shortener]
    base = len(seen) - len(runs)  # which of these the first run was ended by
    for plan in plans[len(runs) :]:
        asked = dict(zip(lengths, plan, strict=False))
        forced = {
            asking.place: Forced(asking.answers[0], n)
            for asking, n in zip(loops, plan[len(lengths) :], strict=True)
        }
        forks, few_turns, lifts = shortener.branches.forks, shortener.few, shortener.lifts
        nests = bool(shortener.nests)
        shorter = Shortener(dict(asked), forced, whole, forks, few_turns, lifts, nests)
        # The second is compared with the function itself, in as few turns, if it tells all.
        is_sure = not loops and not any(each.doubts for each in seen) and not forks
        runs.append(record(shorter, not (is_sure and len(runs) == _COMPARED)))
        seen.append(shorter)
        if len(runs) == 1 and loops:
            found = {asking.place: asking for asking in shorter.conditions.asked}
            if any(asking.place not in found for asking in loops):
                raise Doubt("a loop does not come to pass")
            further = [x for x in found.values() if x.place not in forced and x.is_loop]
            if first is None and (further or shorter.plan.keys() != asked.keys()):
                return _relatives(record, shorter, None, [*loops, *further])
            loops = [found[asking.place] for asking in loops]
        if shorter.plan != asked:
            raise Doubt("the lengths of loops depend on the turns of others")
    wanted: tuple[int | Counter, ...] = (
        *lengths,
        *(Counter(f"n{k}" if k else "n") for k in range(len(loops))),
    )
    turns = Turns(tuple(map(tuple, plans)), wanted)
    doubts = {doubt: None for each in seen for doubt in each.doubts}
    if shortener.branches.forks:
        doubts["a condition in a loop comes out in several ways"] = None
    return Relatives(
        tuple(runs),
        turns,
        tuple(loops),
        None if shortener.plan else first,
        shortener.few,
        has_seeds=any(each.has_seeds for each in seen),
        doubts=tuple(doubts),
        cut=seen[base + _COMPARED].cut if len(runs) > _COMPARED else {},
        has_slices=any(each.has_slices for each in seen),
        has_plain_rows=any(each.has_plain_rows for each in seen),
    )
