"""Integers and indices in the body of a loop, in terms of the words that count the turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.graph.graph import Vertex
from chainrule.graph.loops.affine import Affine, Counter
from chainrule.graph.loops.affine import Integer as Growing
from chainrule.native.ir.moving import (
    Integer,
    Moving,
    Word,
    extent,
    moving,
    put,
    this_turn,
)
from chainrule.native.lower.parts import Place, Stretch, lengths
from chainrule.operations.indexing import index_parts

__all__ = ["Around", "Places", "UnrollError"]


class UnrollError(Exception):
    """Why a loop is given back turn by turn."""


@dataclass(frozen=True)
class Around:
    """A loop around: what counts its turns, and how many there are.

    A number of turns that only the running program knows is like one, outside of all loops: it is
    ``first`` and more, so that its word is one of ``turns``. It lies in ``counted``.
    """

    counter: Counter
    word: Word
    turns: Integer
    first: int = 0
    counted: Vertex | None = None


class Places:
    """What integers are in a body, given the loops around, outer ones first."""

    def __init__(self, around: tuple[Around, ...]) -> None:
        self.around = around

    def size(self, shape: Sequence[Growing]) -> tuple[int, ...]:
        """Return a shape, in which an axis whose length moves has an extent."""
        found = [self.integer(n) for n in shape]
        counted = {x.word for x in self.around if x.counted is not None}
        if any(counted.intersection(dict(n.terms)) for n in found if isinstance(n, Moving)):
            raise UnrollError("an array is as long as a loop has turns that nobody knows before")
        return tuple(extent(n, self.ends(n)[1]) for n in found)

    def integer(self, value: Growing) -> Integer:
        """Return an integer in terms of words of the table."""
        if not isinstance(value, Affine):
            return value
        growth = self.integer(value.growth)
        loop = next((x for x in self.around if x.counter is value.counter), None)
        if not isinstance(growth, int) or loop is None:
            raise UnrollError("an index in it does not grow evenly")
        return self.integer(value.first) + growth * loop.first + moving(loop.word, growth)

    def ends(self, value: Integer) -> tuple[int, int]:
        """Return the least and the greatest that an integer is in any turn."""
        if isinstance(value, int):
            return value, value
        found: list[int] = []
        for sign in (1, -1):
            end: Integer = value
            for loop in reversed(self.around):
                factor = 0 if isinstance(end, int) else dict(end.terms).get(loop.word, 0)
                end = put(end, loop.word, 0 if factor * sign >= 0 else loop.turns - 1)
            assert isinstance(end, int)
            found.append(end)
        return found[0], found[1]

    def place(self, index: Any, shape: Sequence[int]) -> tuple[Place, tuple[int, ...]]:
        """Return the place that an index means, and the shape of what is there."""
        parts = list(index_parts(index))
        missing = len(shape) - sum(part is not None and part is not Ellipsis for part in parts)
        at = parts.index(Ellipsis) if Ellipsis in parts else len(parts)
        parts[at : at + 1] = [slice(None)] * missing
        rest = iter(shape)
        place: list[range | Stretch] = []
        size: list[int] = []
        for part in parts:
            if part is None:
                size.append(1)
                continue
            n = next(rest)
            if isinstance(part, slice):
                place.append(self._stretch(part, n))
                size += lengths(place[-1:])
            elif type(part) in (int, Affine):
                place.append(self._from(self._inside(part, n), 1, 1))
            else:
                raise UnrollError("an index in it is an array")
        return tuple(place), tuple(size)

    def turned(self, shape: Sequence[int], axes: Sequence[int]) -> Place:
        """Return the place of all entries of an array, in reverse along some axes."""
        return tuple(
            self._from(this_turn(n) - 1, this_turn(n), -1)
            if k in axes
            else self._from(0, this_turn(n), 1)
            for k, n in enumerate(shape)
        )

    def _stretch(self, part: slice, n: int) -> range | Stretch:
        step = 1 if part.step is None else self.integer(part.step)
        if not isinstance(step, int) or step == 0:
            raise UnrollError("a slice in it does not grow evenly")
        last = this_turn(n)
        ends: list[Integer] = [0, last] if step > 0 else [last - 1, -1]
        for k, end in enumerate((part.start, part.stop)):
            if end is not None:
                ends[k] = self._inside(end, n, beyond=k or step > 0)
        length = ends[1] - ends[0] if step > 0 else ends[0] - ends[1]
        if isinstance(length, int):
            length = max(-(-length // abs(step)), 0)
        elif abs(step) != 1 or self.ends(length)[0] < 0:
            raise UnrollError("a slice in it has a length that does not grow evenly")
        return self._from(ends[0], length, step)

    def _inside(self, part: Growing, n: int, beyond: int | bool = 0) -> Integer:
        """Return an index counted from the first entry."""
        found, last = self.integer(part), this_turn(n)
        if self.ends(found)[1] < 0:
            found = found + last
        if self.ends(found)[0] < 0 or self.ends(last - found)[0] <= -beyond:
            raise UnrollError("an index in it counts from both ends")
        return found

    def _from(self, start: Integer, length: Integer, step: int) -> range | Stretch:
        if isinstance(start, int) and isinstance(length, int):
            return range(start, start + length * step, step)
        return Stretch(start, extent(length, self.ends(length)[1]), step)


def _factor(value: Integer, word: Word) -> int:
    return 0 if isinstance(value, int) else dict(value.terms).get(word, 0)
