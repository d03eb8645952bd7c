"""Axes whose length moves with the turns, when some turns are computed at once.

In ``x[t:]`` and ``x[:t]`` one end moves, by an index a turn. What several turns have in common is
one part; the rest, of as many indices as there are turns, is a triangle, in which a condition says
what belongs to a turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import numpy as np

from chainrule.native.ir.moving import Extent, Integer, Moving, Word, extent, put
from chainrule.native.lower.independent import DependentError, factor
from chainrule.native.lower.parts import Place, Stretch, stretch

__all__ = ["Part", "Ragged", "Turns", "axis_of"]


class Part(Enum):
    """A part of an axis whose length moves: all that some turn has, or a half of that."""

    ALL = auto()
    COMMON = auto()
    TRIANGLE = auto()


@dataclass(frozen=True)
class Turns:
    """The turns that are computed at once: so many from a first one on, maybe the last one first.

    Attributes:
        word: counts the turns of the loop that there was.
        first: the number of the first.
        count: how many there are.
        backwards: whether their axis begins with the last.
        block: the word that counts blocks of turns, and how many of these there are.
    """

    word: Word
    first: Integer
    count: int
    backwards: bool = False
    block: tuple[Word, int] | None = None

    def at(self, value: Integer, turn: Integer) -> Integer:
        """Return an integer in one of them."""
        return put(value, self.word, self.first + turn)

    def length(self, value: Integer) -> int:
        """Return a length as an entry of a shape."""
        if isinstance(value, int):
            return value
        if self.block is None:
            raise DependentError
        word, blocks = self.block
        ends = [put(value, word, k) for k in (0, blocks - 1)]
        most = max(n for n in ends if isinstance(n, int))
        return extent(value, most)


@dataclass(frozen=True)
class Ragged:
    """How an axis moves: its first index by so many a turn, its length by so many."""

    start: int
    length: int

    @classmethod
    def of(cls, part: Stretch, word: Word) -> Ragged:
        """Return how an axis of a place moves."""
        assert isinstance(part.length, Extent)
        found = cls(factor(part.start, word), factor(part.length.now, word))
        one_end = found.start in (0, -found.length) and abs(found.length) == 1
        if part.step != 1 or not one_end:
            raise DependentError
        return found

    def stretch(self, part: Stretch, which: Part, turns: Turns) -> range | Stretch:
        """Return the indices of a part."""
        assert isinstance(part.length, Extent)
        last = turns.count - 1
        first = turns.at(part.start, last if self.start < 0 else 0)
        if which is Part.TRIANGLE and not self.start:
            first = first + self.all(part.length.now, turns) - turns.count
        elif which is Part.COMMON and self.start:
            first = first + turns.count
        return stretch(first, self.size(part.length.now, which, turns), 1)

    def all(self, length: Moving, turns: Turns) -> Integer:
        """Return the greatest length that some of the turns have."""
        return turns.at(length, turns.count - 1 if self.length > 0 else 0)

    def size(self, length: Moving, which: Part, turns: Turns) -> int:
        """Return the length of a part."""
        if which is Part.TRIANGLE:
            return turns.count
        whole = self.all(length, turns)
        return turns.length(whole if which is Part.ALL else whole - turns.count)

    def within(self, length: Moving, which: Part, turns: Turns) -> range | Stretch:
        """Return the indices of a part of what lies along all of an axis."""
        start: Integer = 0
        if self.start and which is Part.COMMON:
            start = turns.count
        elif not self.start and which is Part.TRIANGLE:
            start = self.all(length, turns) - turns.count
        return stretch(start, self.size(length, which, turns), 1)

    def missing(self, turns: Turns) -> np.ndarray[Any, Any]:
        """Return how many indices of the triangle each turn has not."""
        turn = np.arange(turns.count)
        less = turn[::-1] if self.length > 0 else turn
        return less[::-1] if turns.backwards else less

    def inside(self, turns: Turns) -> np.ndarray[Any, Any]:
        """Tell for each turn, along the first axis, which indices of the triangle it has."""
        less, index = self.missing(turns)[:, None], np.arange(turns.count)
        return index >= less if self.start else index < turns.count - less

    def entry(self, which: int, turns: Turns) -> np.ndarray[Any, Any]:
        """Tell for each turn where in the triangle its first index is, or one after that."""
        if not self.start or which:
            raise DependentError
        found: np.ndarray[Any, Any] = np.arange(turns.count) == self.missing(turns)[:, None]
        return found


def axis_of(shape: Place | Sequence[int], word: Word) -> int | None:
    """Return the axis of a shape, or of a place, whose length moves with the turns."""
    lengths = [part.length if isinstance(part, Stretch) else part for part in shape]
    found = [k for k, n in enumerate(lengths) if isinstance(n, Extent) and factor(n.now, word)]
    if len(found) > 1:
        raise DependentError
    return found[0] if found else None
