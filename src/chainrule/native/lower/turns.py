"""A loop as native code has it: numbers that turns hand on, and one array of all that is kept.

In the body of a `Turns` there are operations on single numbers, and single entries of arrays,
``x[3 + 2 * t]``. Its result is one array, in which lie, one after the other, the tapes that are
read, and of what is only read after the last turn that one number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.kinds import astype
from chainrule.core.placeholder import Placeholder
from chainrule.graph.graph import Apply, Input, Vertex
from chainrule.graph.loops.affine import Affine, Counter, Integer, plus
from chainrule.graph.loops.loop import Carry, Kept, Loop
from chainrule.graph.placeholder import make, reshaped
from chainrule.operations.indexing import getitem

__all__ = ["Part", "Tape", "Turns", "ends"]


@dataclass(frozen=True, eq=False)
class Part:
    """A part of what a loop makes: a tape, or, where it is not ``whole``, its last entry."""

    kept: Kept
    offset: int
    whole: bool


class Turns(Loop):
    """A loop over single numbers; one operand for each of its variables, with the first ``lag``.

    Attributes:
        layout: what its result consists of.
        dtype: that of all of them.
        size: of the result.
    """

    turns: int

    def __init__(
        self,
        counter: Counter,
        turns: int,
        invariants: Iterable[Input],
        carried: Iterable[Carry],
        kept: Sequence[tuple[Kept, bool]],
        dtype: np.dtype[Any],
    ) -> None:
        super().__init__(counter, turns, invariants, carried, (), [k for k, _ in kept])
        self.dtype = dtype
        self.layout: list[Part] = []
        self.size = 0
        for one, whole in kept:
            self.layout.append(Part(one, self.size, whole))
            self.size += one.leading + turns if whole else 1

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
    turns: int
    shape: tuple[int, ...]  # of what it holds, outside of loops: an array may have one entry

    def __len__(self) -> int:
        return self.part.kept.leading + self.turns

    def __getitem__(self, index: Any) -> Any:
        return reshaped(self.at(range(len(self))[index]), self.shape)

    def at(self, index: Integer) -> Vertex:
        """Return one entry, as a number."""
        kept = self.part.kept.result
        at = plus(index, self.part.offset) if self.part.whole else self.part.offset
        if kept.dtype == self.made.dtype:
            return Apply(getitem, (self.made,), {"index": (at,)}, kept.value)
        stored = make(getitem, [self.made], self.made.dtype, (), index=(at,))
        return Apply(astype, (stored,), {"dtype": kept.dtype}, kept.value)


def ends(integer: Integer, turns: int) -> tuple[int, int] | None:
    """Return an integer in the first and the last turn; None if it depends on other counters."""
    if not isinstance(integer, Affine):
        return integer, integer
    first, growth = integer.first, integer.growth
    if isinstance(first, Affine) or isinstance(growth, Affine):
        return None
    return first, first + growth * (turns - 1)
