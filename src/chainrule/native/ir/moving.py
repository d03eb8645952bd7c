"""Integers that move with the turns of loops around the code: offsets, numbers of turns."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = ["Integer", "Moving", "Word", "moving"]


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
