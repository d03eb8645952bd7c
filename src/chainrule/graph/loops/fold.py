"""Folding: turns that are the same become one step, a loop.

Two turns are the same where each step of one is of the kind of its counterpart, and where

- what it reads of its own turn or of turns before is at the same distance;
- what it reads from outside is the same, or a constant, or another turn of an earlier loop, or
  (of a list) another input;
- each of its integers grows by as much from turn to turn.

The shortest turns are folded first. A loop is then a step like any other, its number of turns one
of its integers, so that loops of loops are found by the same means, triangular ones among them.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from chainrule.graph.loops.edges import edge, with_turn_after, with_turn_before
from chainrule.graph.loops.pattern import initial, pattern_of
from chainrule.graph.loops.runs import periods, repeats
from chainrule.graph.loops.steps import Kinds, Ref, Step

__all__ = ["LEAST", "Folded", "fold_steps"]

LEAST = 4  # turns of a loop, if nothing else is said


class Folded(NamedTuple):
    """A folded sequence, and where in it each of the former steps is."""

    steps: list[Step]
    where: list[Ref]


def fold_steps(
    steps: Sequence[Step], kinds: Kinds, constants: Collection[int] = (), least: int = LEAST
) -> Folded:
    """Fold a sequence of steps as far as it goes.

    Args:
        steps: they read earlier ones, and leaves.
        kinds: what their kinds are numbered by.
        constants: the leaves of which each turn may have its own.
        least: how many turns a loop has, three or more.
    """
    folder = _Folder(kinds, constants, least)
    folded = list(steps)
    where = [Ref(k) for k in range(len(steps))]
    while (further := folder.fold(folded)) is not None:
        folded = further.steps
        where = [_moved(ref, further.where) for ref in where]
    return Folded(folded, where)


def _moved(ref: Ref, where: Sequence[Ref]) -> Ref:
    if ref.step < 0:
        return ref
    return ref.below(where[ref.step]) if ref.parts else where[ref.step]


class _Folder:
    def __init__(self, kinds: Kinds, constants: Collection[int], least: int) -> None:
        self.kinds = kinds
        self.constants = constants
        self.least = least

    def fold(self, steps: list[Step]) -> Folded | None:
        """Fold what can be folded without looking into loops; None if there is nothing."""
        claims = self._claims(steps)
        if not claims:
            return None
        result = Folded([], [])
        done = 0
        for start, stop, period in claims:
            start, stop = self._widened(steps, max(start, done), stop, period, done)
            self._keep(self._after(steps[done:start], result), result)
            done = stop - len(self._region(steps[start:stop], period, result))
        self._keep(self._after(steps[done:], result), result)
        return result if len(result.steps) < len(steps) else None

    def _claims(self, steps: list[Step]) -> list[tuple[int, int, int]]:
        """Return stretches that have a loop in them, with its period, in order."""
        kinds = np.array([step.kind for step in steps], np.int64)
        free = np.ones(len(steps), bool)
        claims = []
        for period in periods(steps, self.least):
            for start, stop in list(repeats(kinds, free, period, self.least)):
                runs = self._runs(steps, steps[start:stop], start, period)
                if runs:
                    claims.append((start, stop, period))
                for first, end in runs:
                    # Whole turns: what is left of one may belong to the next loop.
                    first += start
                    first += _rotation(steps[first : start + end], first, period, self.least)
                    free[first : first + (start + end - first) // period * period] = False
        return sorted(claims)

    def _widened(
        self, steps: Sequence[Step], start: int, stop: int, period: int, done: int
    ) -> tuple[int, int]:
        """Return a claim with what was claimed at its ends for others, which left it.

        What comes before a loop, or after it, may look like a part of another turn of it, as the
        first turn of the next loop does, of which it is then missing.
        """
        while start > done and steps[start - 1].kind == steps[start - 1 + period].kind:
            start -= 1
        end = min(stop + period, len(steps))
        while start + period <= stop < end and steps[stop].kind == steps[stop - period].kind:
            stop += 1
        return start, max(start, stop)

    def _keep(self, steps: Sequence[Step], result: Folded) -> None:
        """Take steps over as they are."""
        for step in steps:
            step = self._read(step, result)
            result.where.append(Ref(len(result.steps)))
            result.steps.append(step)

    def _read(self, step: Step, result: Folded) -> Step:
        refs = [_moved(ref, result.where) for ref in step.refs]
        return Step(step.kind, refs, step.ints, step.content, step.place)

    def _ahead(self, steps: Sequence[Step], base: int, result: Folded) -> list[Step]:
        """Read steps that come next as if none of them were folded."""
        count = len(result.where)
        result.where.extend(Ref(base + k) for k in range(len(steps)))
        items = [self._read(step, result) for step in steps]
        del result.where[count:]
        return items

    def _region(self, steps: Sequence[Step], period: int, result: Folded) -> Sequence[Step]:
        """Fold the loops of one period in a stretch; return what is left behind the last."""
        while True:
            # Numbers as if nothing of the stretch were folded; what is folded starts it anew.
            steps = self._after(steps, result)
            base = len(result.steps)
            near = 4 * self.least * period  # where the first loop ends, most likely
            while True:
                items = self._ahead(steps[:near], base, result)
                runs = self._runs(result.steps, items, base, period)
                if near >= len(steps) or (runs and runs[0][1] < len(items)):
                    break
                near *= 2
            if not runs:
                return steps
            start, stop = runs[0]
            start += _rotation(items[start:stop], base + start, period, self.least)
            turns = (stop - start) // period
            self._keep(steps[:start], result)
            stop = start + turns * period
            loop = pattern_of(items[start:stop], base + start, period, self.kinds)
            at, earlier = self._append(loop, result)
            result.where.extend(
                Ref(at, (k % period,), (k // period + earlier,)) for k in range(stop - start)
            )
            steps = steps[stop:]

    def _append(self, loop: Step, result: Folded) -> tuple[int, int]:
        """Append a loop, with the turns before it that are turns of it; tell how many these are."""
        taken: dict[int, tuple[tuple[int, ...], tuple[int, ...]]] = {}
        earlier = 0
        while (before := edge(loop, 0, -1, 0, self.least)) is not None:
            base = len(result.steps) - len(before.steps)
            before = edge(loop, base, -1, base, self.least) if base >= 0 else None
            if before is None or not before.is_like(result.steps[base:], result.steps):
                break
            longer = with_turn_before(loop, before, self.kinds)
            if longer is None:
                break
            loop = longer
            for (parts, turns), number in before.places.items():
                taken[number] = parts, (-1 - earlier, *turns[1:])
            del result.steps[base:]
            earlier += 1
        at = len(result.steps)
        result.steps.append(loop)
        if taken:
            for k, ref in enumerate(result.where):
                if ref.step in taken:
                    parts, (turn, *inner) = taken[ref.step]
                    result.where[k] = ref.below(Ref(at, parts, (turn + earlier, *inner)))
        return at, earlier

    def _after(self, steps: Sequence[Step], result: Folded) -> Sequence[Step]:
        """Take what is a further turn of the loop before it; return the other steps."""
        while steps and result.steps and result.steps[-1].pattern is not None:
            loop, at = result.steps[-1], len(result.steps) - 1
            after = edge(loop, at, loop.turns, at + 1, self.least)
            if after is None or len(after.steps) > len(steps):
                break
            read = self._ahead(steps[: len(after.steps)], at + 1, result)
            if not after.is_like(read, result.steps):
                break
            result.steps[-1] = with_turn_after(loop)
            result.where.extend(Ref(at, *place) for place in after.places)
            steps = steps[len(read) :]
        return steps

    def _runs(
        self, known: list[Step], items: list[Step], base: int, period: int
    ) -> list[tuple[int, int]]:
        """Return the stretches in which every turn is the same as the one before.

        Args:
            known: the steps before these, by number.
            items: the steps in which to look, of the numbers from ``base`` on.
            base: as above.
            period: how many steps a turn has.
        """
        found: list[tuple[int, int]] = []
        start, at = 0, period
        while at < len(items):
            fault = self._fault(known, items, base, start, at, period)
            if not fault:
                at += 1
                continue
            free = 0
            if at - start >= self.least * period:
                found.append((start, at))
                free = at
            start = max(at - fault * period + 1, free)
            at = start + period
        if len(items) - start >= self.least * period:
            found.append((start, len(items)))
        return found

    def _fault(
        self, known: list[Step], items: list[Step], base: int, start: int, at: int, period: int
    ) -> int:
        """Return how many turns back the one is that a step does not agree with; 0 for none."""
        new, old = items[at], items[at - period]
        older = items[at - 2 * period] if at - 2 * period >= start else None
        if new.kind != old.kind:
            return 1
        if older is not None and not new.ints == old.ints == older.ints:
            for x, y, z in zip(new.ints, old.ints, older.ints, strict=True):
                if x - y != y - z:
                    return 2
        own = base + start
        for k, a in enumerate(new.refs):
            b = old.refs[k]
            c = None if older is None else older.refs[k]
            if a.step >= own:
                fault = _fault_inside(a, b, c, own, period)
            elif b.step >= own:
                fault = 1
            elif c is None or a == b == c:
                fault = 0
            else:
                fault = self._fault_outside(a, b, c)
                if fault and older is not None:
                    taken = _takes_beginning((new, old, older), k, known, items, base)
                    fault = 0 if taken else fault
            if fault:
                return fault
        return 0

    def _fault_outside(self, a: Ref, b: Ref, c: Ref) -> int:
        """Return the same for what is read from outside: now, the turn before, and before that."""
        if _even(a, b, c):
            return 0
        if all(x.step < 0 for x in (a, b, c)):
            if all(~x.step in self.constants for x in (a, b, c)):
                return 0
            return 0 if len({a, b, c}) == 3 else 2  # inputs, another one in each turn
        return 2


def _fault_inside(a: Ref, b: Ref, c: Ref | None, own: int, period: int) -> int:
    """Return the same for what is read of the loop itself, whose first step is ``own``."""
    if a.step - b.step == period and a.parts == b.parts:
        return 0 if c is None or c.step < own or _even(a, b, c) else 2
    # Before the first turn there was what the loop begins with.
    return 1 if b.step >= own or a.step - period >= own else 0


def _even(a: Ref, b: Ref, c: Ref) -> bool:
    """Tell whether a place moves evenly through the turns of a loop, from c to b to a."""
    if c.step < 0 or a.step - b.step != b.step - c.step or not a.parts == b.parts == c.parts:
        return False
    if not a.parts:  # whole steps
        return True
    for x, y, z in zip(a.turns, b.turns, c.turns, strict=True):
        if x is None or y is None or z is None:
            if not x is y is z:
                return False
        elif x - y != y - z:
            return False
    return True


def _takes_beginning(
    turns: tuple[Step, Step, Step], k: int, known: list[Step], items: list[Step], base: int
) -> bool:
    """Take what an earlier loop began with for the turn of it that comes before its first."""
    a, b, c = (step.refs[k] for step in turns)
    if len(b.parts) != 1:
        return False
    if a._replace(turns=b.turns) == b:
        odd, missing = turns[2], _beyond(a, b)
    elif c._replace(turns=b.turns) == b:
        odd, missing = turns[0], _beyond(c, b)
    else:
        return False
    if missing is None:
        return False
    loop = items[b.step - base] if b.step >= base else known[b.step]
    if initial(loop, b.parts, missing.turns[0]) != odd.refs[k]:
        return False
    odd.refs[k] = missing
    return True


def _beyond(a: Ref, b: Ref) -> Ref | None:
    """Return the place that comes next after a and b."""
    turns = []
    for x, y in zip(a.turns, b.turns, strict=True):
        if x is None or y is None:
            return None
        turns.append(2 * y - x)
    return b._replace(turns=tuple(turns))


def _rotation(items: list[Step], base: int, period: int, least: int) -> int:
    """Choose at which step a turn begins.

    Where the source is known it is where it goes back. Otherwise it is where most turns are whole,
    and where the least is carried from turn to turn.
    """
    begin = _back(items[:period])
    if begin is not None and len(items) - begin >= least * period:
        return begin
    later = len(items) % period  # up to so many steps later there are as many whole turns
    if not later:
        return 0
    reach = list(range(period))
    first = len(items) - period
    for k in range(period):
        for ref in items[first + k].refs:
            if ref.step >= base:
                part = (ref.step - base) % period
                reach[part] = max(reach[part], part + first + k - (ref.step - base))
    ends, parts, offsets = np.array(reach), np.arange(period), np.arange(later + 1)[:, None]
    live = np.sum((ends - offsets) // period - (parts - offsets) // period, axis=1)
    return int(np.argmin(live))


def _back(turn: list[Step]) -> int | None:
    """Return the step at which the source goes back furthest, None if it is not known."""
    places = [step.place for step in turn if step.place is not None]
    if len(places) < len(turn) or len(set(places)) == 1:
        return None
    moves = [b - a for a, b in itertools.pairwise([places[-1], *places])]
    return moves.index(min(moves))
