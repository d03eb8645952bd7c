"""What is folded: a sequence of steps, each of a kind, with what it reads and its integers.

Folding does not know what a step is. The operations of a graph are steps (`chainrule.graph.loops.
vertices`), and so are the statements of printed code.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

__all__ = ["Carried", "Kinds", "Outer", "Own", "Pattern", "Ref", "Slot", "Step", "Table"]


class Ref(NamedTuple):
    """What a step reads: another step, or a leaf, which comes from outside and has the number ~k.

    Of a folded step, ``parts`` says which step of the body is meant (and which step of the body of
    that one, if it is folded, too), ``turns`` in which turn; None stands for all of them. The turn
    before the first is what the loop was given to begin with.
    """

    step: int
    parts: tuple[int, ...] = ()
    turns: tuple[int | None, ...] = ()

    def below(self, outer: Ref) -> Ref:
        """Return the same place inside of another."""
        if not self.parts:
            return outer
        return Ref(outer.step, outer.parts + self.parts, outer.turns + self.turns)


class Own(NamedTuple):
    """A slot that reads a step of the same turn; if that is a loop, a part of it.

    ``given`` are the dimensions in which it is read at one turn, not at all of them, counted from
    the last (-1).
    """

    part: int
    parts: tuple[int, ...]
    given: tuple[int, ...]


class Carried(NamedTuple):
    """A slot that reads a step of ``lag`` turns before; ``first`` counts the refs to begin with."""

    part: int
    parts: tuple[int, ...]
    given: tuple[int, ...]
    lag: int
    first: int


class Outer(NamedTuple):
    """A slot that reads ``refs[which]`` of the loop, in some dimensions at changing turns."""

    which: int
    given: tuple[int, ...]


class Table(NamedTuple):
    """A slot that reads another ref in each turn: ``refs[first]``, ``refs[first + 1]`` ..."""

    first: int


Slot: TypeAlias = "Own | Carried | Outer | Table"


@dataclass(frozen=True, slots=True)
class Pattern:
    """The body of a folded step.

    Attributes:
        steps: those of the first turn.
        slots: for each of them, what it reads.

    The integers of the folded step are: the number of turns; then for each integer of each of
    ``steps`` its value in the first turn, and how much it grows from turn to turn; then the same
    for the turns that slots read at.
    """

    steps: tuple[Step, ...]
    slots: tuple[tuple[Slot, ...], ...]


@dataclass(slots=True, eq=False)
class Step:
    """One step. Those of the same kind differ in what they read and in their integers alone.

    ``place`` is where it stands in the source, in the order in which it runs; None if unknown. It
    only decides where a turn begins.
    """

    kind: int
    refs: list[Ref]
    ints: tuple[int, ...]
    content: Any
    place: int | None = field(default=None)

    @property
    def pattern(self) -> Pattern | None:
        """The body, where this is a loop."""
        return self.content if isinstance(self.content, Pattern) else None

    @property
    def turns(self) -> int:
        """The number of turns of a loop."""
        return self.ints[0]


class Kinds:
    """Numbers for kinds: equal ones have the same."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def number(self, kind: Hashable) -> int:
        """Return the number of a kind."""
        return self._numbers.setdefault(kind, len(self._numbers))
