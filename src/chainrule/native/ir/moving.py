"""Integers that move with the turns of loops around the code: offsets, numbers of turns, lengths.

An `Extent` is the length of an axis that moves. It is the most that the length is in any turn to
whoever lays arrays out in memory: entries lie as far apart as if all were as long as that. It is
the length in this turn to whoever goes over the axis. Two are equal if they are so in every turn.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = [
    "Extent",
    "Integer",
    "Moving",
    "Word",
    "extent",
    "moves",
    "moving",
    "put",
    "put_in",
    "this_turn",
]


@dataclass(eq=False, slots=True)
class Word:
    """An entry of the table of pointers that holds a loop's turn, or a pointer that moves.

    Which one it is (`index`) is known when memory is handed out.
    """

    name: str
    index: int = -1
    _number: int = field(default_factory=itertools.count().__next__)

    @property
    def number(self) -> int:
        """Orders the words of an integer."""
        return self._number

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Moving:
    """``constant + factor * word + ...``; no factor is 0, and no word is there twice.

    >>> t = Word("t")
    >>> n = 3 + 2 * Moving(1, ((t, 4),))
    >>> n, n - Moving(0, ((t, 8),)), n == 5 + moving(t, 8)
    (5 + 8 * t, 5, True)
    """

    constant: int
    terms: tuple[tuple[Word, int], ...]

    def __add__(self, other: Integer) -> Integer:
        if isinstance(other, int):
            return Moving(self.constant + other, self.terms)
        terms = dict(self.terms)
        for word, factor in other.terms:
            terms[word] = terms.get(word, 0) + factor
        return _made(self.constant + other.constant, terms)

    __radd__ = __add__

    def __mul__(self, factor: int) -> Integer:
        return _made(self.constant * factor, {word: n * factor for word, n in self.terms})

    __rmul__ = __mul__

    def __sub__(self, other: Integer) -> Integer:
        return self + other * -1

    def __rsub__(self, other: int) -> Integer:
        return self * -1 + other

    def __repr__(self) -> str:
        terms = [f"{word}" if n == 1 else f"{n} * {word}" for word, n in self.terms]
        return " + ".join([*([str(self.constant)] if self.constant else []), *terms])


Integer: TypeAlias = int | Moving


def moving(word: Word, factor: int = 1) -> Integer:
    """Return a multiple of a word."""
    return _made(0, {word: factor})


def _made(constant: int, terms: Mapping[Word, int]) -> Integer:
    left = tuple(sorted(((w, n) for w, n in terms.items() if n), key=lambda term: term[0].number))
    return Moving(constant, left) if left else constant


def put(value: Integer, word: Word, by: Integer) -> Integer:
    """Return an integer with something else in the place of a word."""
    factor = 0 if isinstance(value, int) else dict(value.terms).get(word, 0)
    if isinstance(value, int) or not factor:
        return value
    rest = tuple(term for term in value.terms if term[0] is not word)
    return (Moving(value.constant, rest) if rest else value.constant) + by * factor


class Extent(int):
    """The length of an axis that moves: an integer, which is the most that it is in any turn.

    >>> t = Word("t")
    >>> n = Extent(8, Moving(1, ((t, 1),)))
    >>> n, 2 * n, n == 8, n == Extent(9, 1 + moving(t))
    (1 + t, 16, False, True)
    """

    now: Moving

    def __new__(cls, most: int, now: Moving) -> Extent:
        """Make one that is never taken for the length 1, which goes with any other."""
        self = super().__new__(cls, max(most, 2))
        self.now = now
        return self

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Extent) and self.now == other.now

    def __ne__(self, other: Any) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.now)

    def __repr__(self) -> str:
        return repr(self.now)

    def __str__(self) -> str:
        return repr(self.now)

    def __format__(self, spec: str) -> str:
        return format(repr(self.now), spec)


def extent(length: Integer, most: int) -> int:
    """Return a length as an entry of a shape."""
    if isinstance(length, int):
        return length
    return Extent(most, length) if most > 0 else 0


def this_turn(n: int) -> Integer:
    """Return how long an axis is in this turn."""
    return n.now if isinstance(n, Extent) else n


def moves(size: Iterable[int]) -> bool:
    """Tell whether some axis of a shape has another length in each turn."""
    return any(isinstance(n, Extent) for n in size)


def put_in(size: Iterable[int], word: Word, by: Integer) -> tuple[int, ...]:
    """Return a shape with something else in the place of a word."""
    return tuple(extent(put(n.now, word, by), int(n)) if isinstance(n, Extent) else n for n in size)
