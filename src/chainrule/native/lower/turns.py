"""A loop as native code has it: numbers that turns hand on, and one array of all that is kept.

In the body of a `Turns` there are operations on single numbers, and single entries of arrays,
``x[3 + 2 * t]``. Its result is one array, in which lie, one after the other, the tapes that are
read, and of what is only read after the last turn that one number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.core.kinds import astype
from chainrule.core.placeholder import Placeholder
from chainrule.graph.graph import Apply, Input, Vertex
from chainrule.graph.loops.affine import Affine, Counter, Integer, at, plus
from chainrule.graph.loops.loop import Carry, Kept, Loop
from chainrule.graph.placeholder import make, reshaped
from chainrule.operations.indexing import getitem

__all__ = ["Part", "Tape", "Turns", "Until", "ends"]


@dataclass(frozen=True, eq=False)
class Part:
    """A part of what a loop makes: a tape, or, where it is not ``whole``, its last entry."""

    kept: Kept
    offset: int
    whole: bool


@dataclass(frozen=True, eq=False)
class Until:
    """How a loop ends that counts its turns.

    It ends with the first turn whose ``condition`` is not ``answer``, or after ``most``. Its result
    is the number of turns, those before its own included (-1 if it was interrupted), and then the
    nearest number of turns that there may be. ``where`` is the user's line that asks.
    """

    condition: Vertex
    answer: bool
    first: int
    least: int
    most: int
    where: str = field(default="", compare=False)


class Turns(Loop):
    """A loop over single numbers, with one operand for each of its variables.

    Attributes:
        layout: what its result consists of.
        dtype: that of all of them.
        size: of the result.
        most: the number of turns, or the most that there may be.
        counts: the variables that hold the numbers of turns on which this one's depends.
        until: how it ends, if it is to count its turns.
    """

    def __init__(
        self,
        counter: Counter,
        turns: Integer,
        invariants: Iterable[Input],
        carried: Iterable[Carry],
        kept: Sequence[tuple[Kept, bool]],
        dtype: np.dtype[Any],
        most: int,
        counts: Mapping[Counter, Input],
        until: Until | None = None,
    ) -> None:
        super().__init__(counter, turns, invariants, carried, (), [k for k, _ in kept])
        self.dtype, self.most, self.counts, self.until = dtype, most, dict(counts), until
        self.layout: list[Part] = []
        self.size = 0
        for one, whole in kept if until is None else ():
            self.layout.append(Part(one, self.size, whole))
            self.size += one.leading + most if whole else 1
        if until is not None:
            self.size = 2

    def _compute(self, *operands: Any) -> Any:
        tapes = super()._compute(*operands)
        found = [t if p.whole else t[-1:] for t, p in zip(tapes, self.layout, strict=True)]
        return np.concatenate([np.asarray(t, self.dtype) for t in found])

    def applied(self, operands: Sequence[Any]) -> Apply:
        """Return the loop as a vertex."""
        value = Placeholder((self.size,), self.dtype)
        return Apply(self, tuple(operands), {}, value)


@dataclass(frozen=True, eq=False)
class Tape(Sequence[Vertex]):
    """A tape that is a part of what a loop makes."""

    made: Vertex  # by a `Turns`; in a body, the variable that stands for it
    part: Part
    turns: int  # or the most that there may be
    shape: tuple[int, ...]  # of what it holds, outside of loops: an array may have one entry

    def __len__(self) -> int:
        return self.part.kept.leading + self.turns

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, Affine):
            return reshaped(self.at(index), self.shape)
        return reshaped(self.at(range(len(self))[index]), self.shape)

    def at(self, index: Integer) -> Vertex:
        """Return one entry, as a number."""
        kept = self.part.kept.result
        at = plus(index, self.part.offset) if self.part.whole else self.part.offset
        if kept.dtype == self.made.dtype:
            return Apply(getitem, (self.made,), {"index": (at,)}, kept.value)
        stored = make(getitem, [self.made], self.made.dtype, (), index=(at,))
        return Apply(astype, (stored,), {"dtype": kept.dtype}, kept.value)


def ends(integer: Integer, corners: Iterable[Mapping[Counter, int]]) -> tuple[int, int]:
    """Return the least and the largest that an integer is, at the ends of the loops around it."""
    found = [at(integer, corner) for corner in corners]
    return min(found), max(found)
