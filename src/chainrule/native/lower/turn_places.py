"""Integers and indices in the body of a loop, in terms of the words that count the turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.graph.loops.affine import Affine, Counter
from chainrule.graph.loops.affine import Integer as Growing
from chainrule.native.ir.moving import Integer, Word, moving
from chainrule.native.lower.parts import Place, Stretch
from chainrule.operations.indexing import index_parts

__all__ = ["Around", "Places", "UnrollError", "put"]


class UnrollError(Exception):
    """Why a loop is given back turn by turn."""


@dataclass(frozen=True)
class Around:
    """A loop around: what counts its turns, and how many there are."""

    counter: Counter
    word: Word
    turns: Integer


class Places:
    """What integers are in a body, given the loops around, outer ones first."""

    def __init__(self, around: tuple[Around, ...]) -> None:
        self.around = around

    def size(self, shape: Sequence[Growing]) -> tuple[int, ...]:
        """Return a shape, which must be the same in all turns."""
        found = [self.integer(n) for n in shape]
        size = tuple(n for n in found if isinstance(n, int))
        if len(size) < len(found):
            raise UnrollError("an array in it has another length in each turn")
        return size

    def integer(self, value: Growing) -> Integer:
        """Return an integer in terms of words of the table."""
        if not isinstance(value, Affine):
            return value
        growth = self.integer(value.growth)
        word = next((x.word for x in self.around if x.counter is value.counter), None)
        if not isinstance(growth, int) or word is None:
            raise UnrollError("an index in it does not grow evenly")
        return self.integer(value.first) + moving(word, growth)

    def ends(self, value: Integer) -> tuple[int, int]:
        """Return the least and the greatest that an integer is in any turn."""
        found = []
        for sign in (1, -1):
            end = value
            for loop in reversed(self.around):
                factor = _factor(end, loop.word)
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
                size.append(len(place[-1]))
            elif type(part) in (int, Affine):
                place.append(_from(self._inside(part, n), 1, 1))
            else:
                raise UnrollError("an index in it is an array")
        return tuple(place), tuple(size)

    def _stretch(self, part: slice, n: int) -> range | Stretch:
        step = 1 if part.step is None else self.integer(part.step)
        if not isinstance(step, int) or step == 0:
            raise UnrollError("a slice in it does not grow evenly")
        ends: list[Integer] = [0, n] if step > 0 else [n - 1, -1]
        for k, end in enumerate((part.start, part.stop)):
            if end is not None:
                ends[k] = self._inside(end, n, k)
        length = ends[1] - ends[0]
        if not isinstance(length, int):
            raise UnrollError("a slice in it has another length in each turn")
        return _from(ends[0], max(-(-length // step), 0), step)

    def _inside(self, part: Growing, n: int, beyond: int = 0) -> Integer:
        """Return an index counted from the first entry."""
        found = self.integer(part)
        low, high = self.ends(found)
        if high < 0:
            found, low, high = found + n, low + n, high + n
        if low < 0 or high >= n + beyond:
            raise UnrollError("an index in it counts from both ends")
        return found


def _factor(value: Integer, word: Word) -> int:
    return 0 if isinstance(value, int) else dict(value.terms).get(word, 0)


def put(value: Integer, word: Word, by: Integer) -> Integer:
    """Return an integer with something else in the place of a word."""
    return value + (by - moving(word)) * _factor(value, word)


def _from(start: Integer, length: int, step: int) -> range | Stretch:
    if isinstance(start, int):
        return range(start, start + length * step, step)
    return Stretch(start, length, step)
