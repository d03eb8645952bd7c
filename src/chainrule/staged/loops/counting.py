"""Loop variables: what they are called, what they count, and integers written by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chainrule.graph.loops.affine import Affine, Counter, Integer

__all__ = ["Counting", "Sum", "composed", "fitted", "written"]


class Sum(dict[tuple[str, ...], int]):
    """A sum of products of loop variables: ``{("i",): 2, (): -1}`` is ``2 * i - 1``."""

    def plus(self, other: Mapping[tuple[str, ...], int], factor: int = 1) -> Sum:
        """Return this and so many times another."""
        found = Sum(self)
        for key, number in other.items():
            found[key] = found.get(key, 0) + factor * number
        return Sum({key: number for key, number in found.items() if number})

    def times(self, other: Mapping[tuple[str, ...], int]) -> Sum:
        """Return a product."""
        found = Sum()
        for a, x in self.items():
            for b, y in other.items():
                found = found.plus({tuple(sorted(a + b)): x * y})
        return found

    def __str__(self) -> str:
        ordered = sorted(self.items(), key=lambda term: (term[1] < 0, not term[0], term[0]))
        text = ""
        for variables, number in ordered:
            size = abs(number)
            term = " * ".join(variables) if variables else str(size)
            if variables and size != 1:
                term = f"{size} * {term}"
            if text:
                text += f" - {term}" if number < 0 else f" + {term}"
            else:
                text = f"-{term}" if number < 0 else term
        return text or "0"


@dataclass(frozen=True)
class Counting:
    """A loop variable: what it is in the first turn, and whether it goes down from there."""

    name: str
    first: Integer
    down: bool

    def range(self, first: Sum, count: Sum) -> str:
        """Write what the loop goes through: where it begins, and in how many turns."""
        if self.down:
            low, high = first.plus(count, -1).plus({(): 1}), first.plus({(): 1})
        else:
            low, high = first, first.plus(count)
        text = f"range({high})" if not low else f"range({low}, {high})"
        return f"reversed({text})" if self.down else text


def written(integer: Integer, known: Mapping[Counter, Counting]) -> Sum:
    """Write an integer by the variables of the loops around it."""
    if not isinstance(integer, Affine):
        return Sum({(): integer} if integer else {})
    counting = known[integer.counter]
    variable = Sum({(counting.name,): 1})
    turn = variable.plus(written(counting.first, known), -1)
    if counting.down:
        turn = Sum().plus(turn, -1)
    return written(integer.first, known).plus(written(integer.growth, known).times(turn))


def composed(
    integer: Integer, turns: Mapping[Counter, Sum], known: Mapping[Counter, Counting]
) -> Sum:
    """Write an integer as it is in other turns than those of the loops around."""
    if not isinstance(integer, Affine) or integer.counter not in turns:
        return written(integer, known)
    first, growth = (composed(n, turns, known) for n in (integer.first, integer.growth))
    return first.plus(growth.times(turns[integer.counter]))


def fitted(
    values: Iterable[tuple[Sequence[int], int]], counters: Sequence[Counter]
) -> tuple[Integer, int] | None:
    """Fit what a variable was in each turn: ``first`` by the outer counters, and its steps.

    Args:
        values: pairs of turns (of the loops from the outermost to this one) and the value.
        counters: of these loops.
    """
    known = {tuple(turns): value for turns, value in values}
    if not known:
        return None
    slopes = []
    for k in range(len(counters)):
        steps = (
            known[after] - value
            for turns, value in known.items()
            if (after := (*turns[:k], turns[k] + 1, *turns[k + 1 :])) in known
        )
        slopes.append(next(steps, 0))

    def reached(turns: Sequence[int]) -> int:
        return sum(a * b for a, b in zip(slopes, turns, strict=True))

    start = next(value - reached(turns) for turns, value in known.items())
    if any(value != start + reached(turns) for turns, value in known.items()):
        return None
    first: Integer = start
    for slope, counter in zip(slopes[:-1], counters[:-1], strict=True):
        first = Affine(first, slope, counter) if slope else first
    return first, slopes[-1]
