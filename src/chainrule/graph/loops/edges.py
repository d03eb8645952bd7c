"""Turns at the edges of a loop of loops, where an inner loop has none, one or two turns.

Such an inner loop is not seen as one: its statements stand there once, or not at all, while other
loops beside it are seen. But what the turn before the first of the outer loop (or after the last)
would be is known, and if that is what stands there, it is a turn of the loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chainrule.graph.loops.pattern import beginning, growing, initial_within, loop_of
from chainrule.graph.loops.steps import Carried, Kinds, Outer, Own, Pattern, Ref, Slot, Step

__all__ = ["Edge", "edge", "with_turn_after", "with_turn_before"]


class _NoTurnError(Exception):
    """There can be no such turn."""


@dataclass(eq=False)
class _Before:
    """What a turn before the first reads of the one before it: whatever that is."""

    ref: Ref | None = None


@dataclass(frozen=True)
class _Part:
    """A place in the turn itself, where None stands for all turns of an inner loop."""

    parts: tuple[int, ...]
    turns: tuple[int | None, ...]


_Source: TypeAlias = "Ref | _Before | _Part"


class Edge:
    """What a turn of a loop would be.

    Args:
        loop: the loop; there are loops in it.
        at: its number.
        turn: which turn; -1 for the one before the first.
        base: the number of the first step of it.
        least: how many turns an inner loop has that is seen as one.

    Attributes:
        steps: kind, integers and sources of each step.
        places: where in the loop each of them is.
    """

    def __init__(self, loop: Step, at: int, turn: int, base: int, least: int) -> None:
        self.at, self.base, self.least = at, base, least
        self.steps: list[tuple[int, tuple[int, ...], list[_Source]]] = []
        self.places: dict[tuple[tuple[int, ...], tuple[int, ...]], int] = {}
        self.before: dict[tuple[Slot, tuple[tuple[int, int], ...]], _Before] = {}
        self._inputs: dict[object, tuple[Step, list[_Source]]] = {}
        assert loop.pattern is not None
        self._expand(loop, loop.pattern, loop.ints[1:], list(loop.refs), (), (turn,))

    def _expand(
        self,
        loop: Step,
        pattern: Pattern,
        ints: Sequence[int],
        sources: list[_Source],
        parts: tuple[int, ...],
        turns: tuple[int, ...],
    ) -> None:
        turn = turns[-1]
        rest = iter(ints)
        own = [tuple(next(rest) + next(rest) * turn for _ in step.ints) for step in pattern.steps]
        rows = [[(slot, growing(slot, rest)) for slot in row] for row in pattern.slots]
        for part, (step, row) in enumerate(zip(pattern.steps, rows, strict=True)):
            here = (*parts, part)
            read = [self._source(slot, given, sources, parts, turns) for slot, given in row]
            if step.pattern is None or own[part][0] >= self.least:
                self.places[here, turns] = self.base + len(self.steps)
                self.steps.append((step.kind, own[part], read))
                continue
            if own[part][0] < 0:
                raise _NoTurnError
            self._inputs[here, turns] = (step, read)
            for inner in range(own[part][0]):
                self._expand(step, step.pattern, own[part][1:], read, here, (*turns, inner))

    def _source(
        self,
        slot: Slot,
        given: tuple[tuple[int, int], ...],
        sources: list[_Source],
        parts: tuple[int, ...],
        turns: tuple[int, ...],
    ) -> _Source:
        turn = turns[-1]
        if isinstance(slot, Outer):
            return self._filled(sources[slot.which], slot.given, [a + b * turn for a, b in given])
        if not isinstance(slot, (Own, Carried)):
            raise _NoTurnError
        lag = slot.lag if isinstance(slot, Carried) else 0
        places: list[int | None] = [None] * len(slot.parts)
        for k, (first, growth) in zip(slot.given, given, strict=True):
            places[k] = first + growth * (turn - lag)
        if isinstance(slot, Own):
            return self._at(_Part((*parts, slot.part, *slot.parts), (*turns, *places)))
        if parts and turn < lag:
            return sources[slot.first + turn]
        made = ((*parts, slot.part, *slot.parts), (*turns[:-1], turn - lag, *places))
        if parts:
            return self._at(_Part(*made))
        if turn < 0:
            return self.before.setdefault((slot, given), _Before())
        return Ref(self.at, *made)

    def _filled(self, source: _Source, given: Sequence[int], turns: Sequence[int]) -> _Source:
        if not given:
            return source
        if isinstance(source, _Before):
            raise _NoTurnError
        places = list(source.turns)
        for k, turn in zip(given, turns, strict=True):
            places[k] = turn
        if isinstance(source, Ref):
            return source._replace(turns=tuple(places))
        return self._at(_Part(source.parts, tuple(places)))

    def _at(self, part: _Part) -> _Source:
        """Return the step at a place in the turn."""
        for depth in range(1, len(part.parts)):
            outer = part.parts[:depth], part.turns[:depth]
            if outer in self.places:  # it is in a loop that is a step itself
                return Ref(self.places[outer], part.parts[depth:], part.turns[depth:])
        turns = tuple(turn for turn in part.turns if turn is not None)
        if len(turns) < len(part.turns):
            return part
        if (part.parts, turns) in self.places:
            return Ref(self.places[part.parts, turns])
        inputs = self._inputs.get((part.parts[:-1], turns[:-1]))
        if inputs is None or turns[-1] >= 0:
            raise _NoTurnError
        loop, sources = inputs
        slot = beginning(loop, part.parts[-1:])
        if slot is None or -turns[-1] > slot.lag:
            raise _NoTurnError
        return sources[slot.first + slot.lag + turns[-1]]

    def is_like(self, steps: Sequence[Step], known: Sequence[Step]) -> bool:
        """Tell whether some steps are this turn; ``known`` are all those before them."""
        for step, (kind, ints, sources) in zip(steps, self.steps, strict=True):
            if step.kind != kind or step.ints != ints or len(step.refs) != len(sources):
                return False
            for ref, source in zip(step.refs, sources, strict=True):
                if isinstance(source, _Before):
                    if source.ref is None:
                        source.ref = ref
                    source = source.ref
                if source != ref and not (
                    isinstance(source, Ref)
                    and 0 <= source.step < len(known)
                    and initial_within(known[source.step], source) == ref
                ):
                    return False
        return True

    def made(self, slot: Carried, given: tuple[tuple[int, int], ...]) -> _Source:
        """Return what the first turn reads of this one, which comes before it."""
        places: list[int | None] = [None] * len(slot.parts)
        for k, (first, growth) in zip(slot.given, given, strict=True):
            places[k] = first - growth
        return self._at(_Part((slot.part, *slot.parts), (-1, *places)))


def edge(loop: Step, at: int, turn: int, base: int, least: int) -> Edge | None:
    """Return what a turn of a loop would be, None if there can be no such turn."""
    if loop.pattern is None or all(step.pattern is None for step in loop.pattern.steps):
        return None
    try:
        found = Edge(loop, at, turn, base, least)
    except _NoTurnError:
        return None
    return found if found.steps else None


def with_turn_after(loop: Step) -> Step:
    """Return a loop with one turn more."""
    ints = (loop.turns + 1, *loop.ints[1:])
    return Step(loop.kind, loop.refs, ints, loop.content, loop.place)


def with_turn_before(loop: Step, before: Edge, kinds: Kinds) -> Step | None:
    """Return a loop that begins one turn earlier, None if it does not go on from that turn."""
    pattern = loop.pattern
    assert pattern is not None
    pairs = list(zip(loop.ints[1::2], loop.ints[2::2], strict=True))
    ints = [loop.turns + 1, *(n for first, growth in pairs for n in (first - growth, growth))]
    rest = iter(loop.ints[1 + 2 * sum(len(step.ints) for step in pattern.steps) :])
    refs: list[Ref] = []
    places: dict[tuple[Ref, ...], int] = {}

    def place(some: Sequence[Ref]) -> int:
        if tuple(some) not in places:
            places[tuple(some)] = len(refs)
            refs.extend(some)
        return places[tuple(some)]

    slots: list[tuple[Slot, ...]] = []
    for row in pattern.slots:
        new: list[Slot] = []
        for slot in row:
            given = growing(slot, rest)
            if isinstance(slot, Outer):
                new.append(slot._replace(which=place([loop.refs[slot.which]])))
            elif isinstance(slot, Carried):
                old = loop.refs[slot.first : slot.first + slot.lag]
                read = before.before.get((slot, given))
                if read is None or read.ref is None or before.made(slot, given) != old[-1]:
                    return None
                new.append(slot._replace(first=place([read.ref, *old[:-1]])))
            else:
                new.append(slot)
        slots.append(tuple(new))
    if any(ref.step >= before.base for ref in refs):
        return None
    return loop_of(Pattern(pattern.steps, tuple(slots)), tuple(ints), refs, None, loop.place, kinds)
