"""Numbers that go with others: what a derivation gives, by the numbers of what is derived.

Stages of a loop differ in their indices, bounds and lengths. Which numbers of a gradient follow
which of these is learnt from a few of the stages, and said of another one only where all that is
known of those gives one answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple, TypeAlias

__all__ = ["Growth", "Number"]

Number: TypeAlias = "int | float"
Column: TypeAlias = "tuple[Number, ...]"


class _Rule(NamedTuple):
    """What a number is: ``factor`` times the given one at ``leader``, if there is one, and more."""

    leader: int | None
    factor: Number
    rest: Number

    def applied(self, given: Sequence[Number]) -> Number:
        """Return the number that goes with those that are given."""
        return self.rest if self.leader is None else self.factor * given[self.leader] + self.rest


class Growth:
    """Numbers ``given`` in some samples, and those that were ``found`` with them.

    >>> growth = Growth()
    >>> growth.add([7, 10], [7, 8, 10])
    >>> growth.add([6, 10], [6, 7, 10])
    >>> growth.of([3, 10])
    [3, 4, 10]
    >>> growth.of([3, 9]) is None  # what comes of another second number is not known
    True
    """

    def __init__(self) -> None:
        self.given: list[Sequence[Number]] = []
        self.found: list[Sequence[Number]] = []
        self._known: dict[tuple[Number, ...], Sequence[Number]] = {}
        self._leaders: list[int] = []  # of the given numbers that grow in their own way
        self._followers: list[tuple[int, _Rule]] = []
        self._rules: list[_Rule] | None = []

    def add(self, given: Sequence[Number], found: Sequence[Number]) -> None:
        """Learn from one more sample."""
        self.given.append(given)
        self.found.append(found)
        self._known[tuple(given)] = found
        columns = list(zip(*self.given, strict=True))
        self._leaders, self._followers = [], []
        for k, column in enumerate(columns):
            rule = self._rule(columns, column)
            if rule is None:
                self._leaders.append(k)
            else:
                self._followers.append((k, rule))
        rules = [self._rule(columns, column) for column in zip(*self.found, strict=True)]
        known = [rule for rule in rules if rule is not None]
        self._rules = known if len(known) == len(rules) else None

    @property
    def is_regular(self) -> bool:
        """Tell whether all that was found follows what was given."""
        return self._rules is not None

    def of(self, given: Sequence[Number]) -> Sequence[Number] | None:
        """Return what goes with some numbers, None where that cannot be said yet."""
        found = self._known.get(tuple(given))
        if found is not None or len(self.given) < 2 or self._rules is None:
            return found
        if any(given[k] != rule.applied(given) for k, rule in self._followers):
            return None
        return [rule.applied(given) for rule in self._rules]

    def _rule(self, columns: Sequence[Column], column: Column) -> _Rule | None:
        """Find the leader that a column follows."""
        if all(x == column[0] for x in column):
            return _Rule(None, 0, column[0])
        for k in self._leaders:
            leader = columns[k]
            if isinstance(column[0], float) or isinstance(leader[0], float):
                if type(column[0]) is type(leader[0]):
                    for sign in (1, -1):
                        if all(x == sign * y for x, y in zip(column, leader, strict=True)):
                            return _Rule(k, sign, 0)
                continue
            factor = _slope(column, leader)
            if factor is not None:
                return _Rule(k, factor, column[0] - factor * leader[0])
        return None


def _slope(column: Column, leader: Column) -> int | None:
    """Return how much a column of integers grows as another one grows by 1."""
    steps = [(x - column[0], y - leader[0]) for x, y in zip(column, leader, strict=True)]
    x, y = next(step for step in steps if step[1])
    factor = Fraction(int(x), int(y))
    if factor.denominator > 1 or any(a != factor * b for a, b in steps):
        return None
    return int(factor)
