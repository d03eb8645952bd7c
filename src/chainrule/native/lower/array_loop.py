"""A loop over arrays as native code has it: a body that works on memory, turn after turn.

Its body is a graph of primitives whose inputs lie in memory: of arrays that are the same in all
turns, of *states*, which a turn takes from the turn before it, and of *tapes*, which have a place
for each turn. What moves with the turns is a `Word` of the table of pointers: the places of
`chainrule.native.lower.parts`, and how many turns a loop in the body has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Input, Vertex
from chainrule.graph.placeholder import make
from chainrule.native.ir.moving import Integer, Word

__all__ = ["ArrayLoop", "State", "Taped", "Until", "result", "result_of"]


@dataclass(frozen=True, eq=False, slots=True)
class State:
    """A value that each turn hands on to the next: ``input`` is what ``result`` was before."""

    input: Input
    result: Vertex


@dataclass(frozen=True, eq=False, slots=True)
class Taped:
    """A value of which all turns are kept, one after the other.

    Where turns hand it on, ``input`` is what ``result`` was ``leading`` turns before, and the tape
    begins with so many operands of the loop.
    """

    result: Vertex
    input: Input | None = None
    leading: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Until:
    """How a loop ends that counts turns: after the first whose condition is not ``answer``.

    Attributes:
        condition: which of its results is the condition.
        answer: what it is until then.
        count: which of its states counts.
        word: says to all that comes later how many turns there are: by how much it is more than
            ``least``. It stays in the bounds whatever was counted, as memory does.
        least: how many there are at least.
        most: and at most.
    """

    condition: int
    answer: bool
    count: int
    word: Word
    least: int
    most: int


class ArrayLoop(Operation):
    """A loop whose turns work on memory.

    Its operands are, in this order: for each state what it begins with; for each tape its leading
    entries; one for each of ``invariants``. Its results are, by number: for each state what it is
    in the end; the tapes; for each of ``lasts`` its value in the last turn.

    Attributes:
        turn: the word that counts the turns.
        turns: how many there are, which may move with the turns of loops around.
        most: how many there are at most.
        states: what turns hand on.
        tapes: what is kept of all turns.
        lasts: what is read after the last turn alone.
        invariants: arrays and numbers that are the same in all turns.
        until: how it ends, if not after so many turns.
    """

    def __init__(
        self,
        turn: Word,
        turns: Integer,
        most: int,
        states: Sequence[State],
        tapes: Sequence[Taped],
        lasts: Sequence[Vertex],
        invariants: Sequence[Input],
        until: Until | None = None,
    ) -> None:
        super().__init__("loop", _no_value, numpy=())
        self.turn, self.turns, self.most = turn, turns, most
        self.states, self.tapes, self.lasts = tuple(states), tuple(tapes), tuple(lasts)
        self.invariants, self.until = tuple(invariants), until

    @property
    def results(self) -> list[Vertex]:
        """What a turn computes: the next states, entries of tapes, and what is read in the end."""
        return [*(x.result for x in self.states), *(x.result for x in self.tapes), *self.lasts]

    def applied(self, operands: Sequence[Vertex]) -> Apply:
        """Return the loop as a vertex; it has no value of its own."""
        return make(self, operands, np.dtype(bool), ())


def _no_value(*operands: Any) -> Any:
    raise NotImplementedError("a loop over arrays is machine code alone")


#: One of the results of a loop over arrays.
result = Operation("result", _no_value)


def result_of(loop: Apply, which: int) -> Apply:
    """Return a result of a loop over arrays."""
    operation = loop.operation
    assert isinstance(operation, ArrayLoop)
    value = operation.results[which]
    size = value.shape
    tape = which - len(operation.states)
    if 0 <= tape < len(operation.tapes):
        size = (operation.tapes[tape].leading + operation.most, *map(int, size))
    return make(result, [loop], value.dtype, size, which=which)
