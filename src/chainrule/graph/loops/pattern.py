"""A loop as one step: what of its turns is the same, and what changes from one to the next."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Iterator, Sequence

from chainrule.graph.loops.steps import Carried, Kinds, Outer, Own, Pattern, Ref, Slot, Step, Table

__all__ = ["beginning", "growing", "initial", "initial_within", "loop_of", "pattern_of"]


def pattern_of(items: Sequence[Step], own: int, period: int, kinds: Kinds) -> Step:
    """Make one step of turns that are the same.

    Args:
        items: the steps of all turns, whole ones.
        own: the number of the first of them.
        period: how many are a turn.
        kinds: gives the loop its kind.
    """
    made = _Pattern(own, period, len(items) // period)
    numbers: list[int] = []
    slots: list[tuple[Slot, ...]] = []
    for part in range(period):
        column = items[part::period]
        first, second = column[:2]
        for a, b in zip(first.ints, second.ints, strict=True):
            numbers += [a, b - a]
        rows = zip(*(step.refs for step in column), strict=True)
        slots.append(tuple(made.slot(list(refs)) for refs in rows))
    pattern = Pattern(tuple(items[:period]), tuple(slots))
    whole = made.turns if made.has_table else None
    ints = (made.turns, *numbers, *made.ints)
    return loop_of(pattern, ints, made.refs, whole, items[0].place, kinds)


def loop_of(
    pattern: Pattern,
    ints: tuple[int, ...],
    refs: list[Ref],
    whole: int | None,
    place: int | None,
    kinds: Kinds,
) -> Step:
    """Make a folded step; ``whole`` is its number of turns where it has a table of so many."""
    kind = ("loop", tuple(step.kind for step in pattern.steps), pattern.slots, whole)
    return Step(kinds.number(kind), refs, ints, pattern, place)


class _Pattern:
    """What the slots of a body read, while it is found."""

    def __init__(self, own: int, period: int, turns: int) -> None:
        self.own, self.period, self.turns = own, period, turns
        self.refs: list[Ref] = []
        self.ints: list[int] = []
        self.has_table = False
        self._places: dict[tuple[Ref, ...], int] = {}

    def slot(self, refs: list[Ref]) -> Slot:
        """Find what a slot reads in all turns."""
        at = refs[-1].step - self.own
        if at >= 0:
            turn, part = divmod(at, self.period)
            lag = self.turns - 1 - turn
            given = _dimensions(turn is not None for turn in refs[-1].turns)
            self._turns(refs[lag:], given)
            if not lag:
                return Own(part, refs[-1].parts, given)
            return Carried(part, refs[-1].parts, given, lag, self._place(refs[:lag]))
        if all(ref == refs[0] for ref in refs):
            return Outer(self._place(refs[:1]), ())
        if refs[0].step >= 0 and all(ref.step == refs[0].step for ref in refs):
            # From the first dimension on in which the turn changes: what is outside of that is one.
            pairs = zip(refs[0].turns, refs[1].turns, strict=True)
            changes = itertools.accumulate((a != b for a, b in pairs), operator.or_)
            known = (turn is not None for turn in refs[0].turns)
            changing = [a and b for a, b in zip(changes, known, strict=True)]
            given = _dimensions(changing)
            turns = zip(changing, refs[0].turns, strict=True)
            whole = tuple(None if changes else turn for changes, turn in turns)
            self._turns(refs, given)
            return Outer(self._place([refs[0]._replace(turns=whole)]), given)
        self.has_table = True
        return Table(self._place(refs))

    def _place(self, refs: list[Ref]) -> int:
        key = tuple(refs)
        if key not in self._places:
            self._places[key] = len(self.refs)
            self.refs += refs
        return self._places[key]

    def _turns(self, refs: list[Ref], dimensions: Sequence[int]) -> None:
        """Note at which turns a slot reads: the first, and how it grows."""
        for k in dimensions:
            first, second = refs[0].turns[k], refs[-1 if len(refs) == 1 else 1].turns[k]
            assert first is not None
            assert second is not None
            self.ints += [first, second - first]


def _dimensions(given: Iterable[bool]) -> tuple[int, ...]:
    """Return which dimensions are so, counted from the last: folding adds some in front."""
    flags = list(given)
    return tuple(k - len(flags) for k, flag in enumerate(flags) if flag)


def initial(loop: Step, parts: tuple[int, ...], turn: int | None) -> Ref | None:
    """Return what stands for a step of a loop in a turn before the first (-1, -2 ...)."""
    slot = beginning(loop, parts)
    if slot is None or turn is None or not -slot.lag <= turn < 0:
        return None
    return loop.refs[slot.first + slot.lag + turn]


def beginning(loop: Step, parts: tuple[int, ...]) -> Carried | None:
    """Return the slot that says what a carried step of a loop is before the first turn."""
    assert loop.pattern is not None
    for slot in (slot for slots in loop.pattern.slots for slot in slots):
        if isinstance(slot, Carried) and (slot.part, *slot.parts) == parts:
            return slot
    return None


def growing(slot: Slot, ints: Iterator[int]) -> tuple[tuple[int, int], ...]:
    """Take the turns that a slot reads at from the integers of a loop."""
    count = 0 if isinstance(slot, Table) else len(slot.given)
    return tuple((next(ints), next(ints)) for _ in range(count))


def initial_within(loop: Step, ref: Ref) -> Ref | None:
    """Return what stands for a step of an inner loop in a turn before the first of that.

    Args:
        loop: the outer loop.
        ref: a step of a loop in it, in a turn of both.
    """
    pattern = loop.pattern
    if pattern is None or len(ref.parts) != 2 or None in ref.turns:
        return None
    part, inner = ref.parts
    turn, before = (u for u in ref.turns if u is not None)
    carried = beginning(pattern.steps[part], (inner,))
    if carried is None or not -carried.lag <= before < 0:
        return None
    wanted = carried.first + carried.lag + before
    rest = iter(loop.ints[1 + 2 * sum(len(step.ints) for step in pattern.steps) :])
    given = [[growing(slot, rest) for slot in row] for row in pattern.slots][part][wanted]
    slot = pattern.slots[part][wanted]
    lag = slot.lag if isinstance(slot, Carried) else 0
    if isinstance(slot, Carried) and turn < lag:
        return loop.refs[slot.first + turn]
    if isinstance(slot, Table):
        return loop.refs[slot.first + turn]
    places = dict(zip(slot.given, (a + b * (turn - lag) for a, b in given), strict=True))
    if isinstance(slot, Outer):
        outer = loop.refs[slot.which]
        turns = [places.get(k - len(outer.turns), u) for k, u in enumerate(outer.turns)]
        return outer._replace(turns=tuple(turns))
    inside = [places.get(k - len(slot.parts)) for k in range(len(slot.parts))]
    return Ref(ref.step, (slot.part, *slot.parts), (turn - lag, *inside))
