"""The loops of one kernel as data: what is computed where, for any language that has loops.

A `LoopNest` is a loop over rows. In each row it goes through *phases*, each of which does something
once per row and then goes over the entries of the row. It says in terms of vertices and axes which
entry is meant, and how far entries lie apart; how this is written is the business of a printer:
`chainrule.native.codegen.llvm` and `chainrule.native.codegen.python`. Loops that stay loops are
`TurnsLoop`, and have their own printers (`turns`, `turns_python`).

A *value* is one number. `Let` computes it where it stands, for all that follow in the same list, in
the loops inside, and in later phases if it was computed once per row. `Number` needs no `Let`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Vertex
from chainrule.graph.loops.affine import Counter, Integer, plus, times
from chainrule.native.ir.access import Access
from chainrule.native.schedule.space import Nest
from chainrule.native.schedule.survey import Axes

__all__ = [
    "Accumulate",
    "Accumulator",
    "Array",
    "Combine",
    "Convert",
    "Element",
    "Ends",
    "Entry",
    "Gather",
    "Handed",
    "Keep",
    "Kept",
    "Let",
    "Load",
    "LoopNest",
    "Made",
    "Number",
    "Phase",
    "Put",
    "Row",
    "Start",
    "Statement",
    "Store",
    "Total",
    "TurnStatement",
    "TurnsLoop",
    "Value",
]


# --- memory that a kernel makes ---------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Array:
    """The memory of a vertex, in which entries are stored; it may be a part of a ``whole``."""

    vertex: Apply
    whole: Vertex


@dataclass(frozen=True, eq=False)
class Total:
    """The memory of a reduction over rows; it begins with what changes nothing."""

    vertex: Apply


@dataclass(frozen=True, eq=False)
class Row:
    """A row of scratch memory, in which a value is kept from one phase to later ones.

    Attributes:
        vertex: whose value it is.
        place: see `Element`.
        offset: where it begins in the scratch memory of the kernel, in bytes.
    """

    vertex: Vertex
    place: int
    offset: int


Made: TypeAlias = Array | Total | Row


# --- values -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Number:
    """A constant."""

    value: Any
    dtype: np.dtype[Any]


@dataclass(frozen=True, eq=False)
class Load:
    """An entry of an array in memory.

    Attributes:
        array: what is in memory, or a view of it.
        axes: for each axis of the array, the axis of the space along which it is walked; None
            where it stays at the first entry.
        access: where the entries lie.
        strides: how many entries further a step along each axis of the space is.
    """

    array: Vertex
    axes: Axes
    access: Access
    strides: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the array."""
        return self.array.dtype


@dataclass(frozen=True, eq=False)
class Gather:
    """The entry of an array at some indices; one that is out of range stands for the first.

    Attributes:
        vertex: the gather.
        place: see `Element`.
        index: for each axis of the array a value, or an axis of the space along which it is
            walked; None where it stays at the first entry.
        access: where the entries of the array lie.
        strides: how many entries further a step along each axis of the space is.
    """

    vertex: Apply
    place: int
    index: tuple[Value | int | None, ...]
    access: Access
    strides: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the array."""
        return self.vertex.dtype


@dataclass(frozen=True, eq=False)
class Element:
    """An operation on single entries.

    Attributes:
        vertex: the application of the operation.
        place: which of the places of the vertex in this kernel it is, counted from 0: its value
            may be there more than once, along other axes.
        operands: in the dtypes that the operation takes.
    """

    vertex: Apply
    place: int
    operands: tuple[Value, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the result."""
        return self.vertex.dtype


@dataclass(frozen=True, eq=False)
class Convert:
    """A value in another dtype, as ``astype`` gives it."""

    operand: Value
    dtype: np.dtype[Any]


@dataclass(frozen=True, eq=False)
class Kept:
    """What an earlier phase kept for this entry."""

    row: Row

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of what was kept."""
        return self.row.vertex.dtype


@dataclass(frozen=True, eq=False)
class Accumulator:
    """A number into which the entries of a row are reduced. After the loop it is a value.

    Attributes:
        vertex: the reduction.
        place: see `Element`.
    """

    vertex: Apply
    place: int

    @property
    def operation(self) -> Operation:
        """What makes one number of two."""
        return self.vertex.operation

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the result."""
        return self.vertex.dtype


@dataclass(frozen=True, eq=False)
class Entry:
    """An entry of an array, in a loop over turns.

    Attributes:
        array: what is in memory, or a view of it.
        access: where its entries lie.
        index: along each axis; it may grow with the turns.
    """

    array: Vertex
    access: Access
    index: tuple[Integer, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the array."""
        return self.array.dtype

    @property
    def place(self) -> Integer:
        """How many entries after the beginning of the memory it lies."""
        assert isinstance(self.access.offset, int)
        at: Integer = self.access.offset
        for k, stride in zip(self.index, self.access.strides, strict=True):
            at = plus(times(k, stride), at)
        return at


@dataclass(frozen=True, eq=False)
class Handed:
    """A number that turns hand on, in a register: what a value was ``lag`` turns before."""

    dtype: np.dtype[Any]
    lag: int


Value: TypeAlias = Number | Load | Gather | Element | Convert | Kept | Accumulator | Entry | Handed


# --- statements -------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Let:
    """Compute a value."""

    value: Value


@dataclass(frozen=True, eq=False)
class Store:
    """Write a value to its entry of an array that the kernel makes, or changes.

    ``axes``, ``access`` and ``strides`` are those of `Load`.

    Attributes:
        rereads: whether the value is computed from what is in its place before.
    """

    vertex: Apply
    axes: Axes
    access: Access
    strides: tuple[int, ...]
    value: Value
    rereads: bool


@dataclass(frozen=True, eq=False)
class Keep:
    """Write a value to its entry of a row of scratch memory."""

    row: Row
    value: Value


@dataclass(frozen=True, eq=False)
class Start:
    """Let an accumulator begin, with what changes nothing."""

    accumulator: Accumulator


@dataclass(frozen=True, eq=False)
class Accumulate:
    """Reduce an entry of a row into an accumulator."""

    accumulator: Accumulator
    value: Value


@dataclass(frozen=True, eq=False)
class Combine:
    """Reduce a value into an entry of the memory of a reduction over rows.

    ``axes`` and ``strides`` are those of `Load`.

    Attributes:
        gone: the axes of the space that are reduced.
    """

    vertex: Apply
    axes: Axes
    strides: tuple[int, ...]
    gone: frozenset[int]
    value: Value


@dataclass(frozen=True, eq=False)
class Put:
    """Write a value to the entry of what a loop over turns makes, at an index that may grow."""

    place: Integer
    value: Value


Statement: TypeAlias = Let | Store | Keep | Start | Accumulate | Combine
TurnStatement: TypeAlias = Let | Put


# --- the whole --------------------------------------------------------------------------------


@dataclass
class Phase:
    """One pass over a row: what is done once, and then with each of its entries."""

    row: list[Statement] = field(default_factory=list)
    entries: list[Statement] = field(default_factory=list)


@dataclass
class LoopNest:
    """A kernel.

    Attributes:
        space: the lengths of the axes of the iteration space.
        nest: which axes run over rows and which over the entries of a row.
        made: the memory that it makes, in the order of use.
        before: what is computed once.
        phases: what is done in each row.
        scratch_bytes: the scratch memory that the rows need which are kept.
    """

    space: tuple[int, ...]
    nest: Nest
    made: list[Made]
    before: list[Statement]
    phases: list[Phase]
    scratch_bytes: int


@dataclass(frozen=True, eq=False)
class Ends:
    """How a loop ends that counts its turns; see `chainrule.native.lower.turns.Until`."""

    condition: Value
    answer: bool
    first: int
    least: int
    most: int
    where: str = ""


@dataclass
class TurnsLoop:
    """A loop whose turns come one after the other, over numbers in registers.

    Attributes:
        vertex: what it makes.
        turns: how many, or the most that there may be if it counts them.
        counts: numbers of turns that only the running program knows.
        before: what is done once.
        handed: what turns hand on; with each, the ``lag`` values that it begins with, the first
            turn's first, and what a turn makes of it.
        body: what is done in each turn.
        after: what is done once.
        ends: how it ends, if it is to count its turns, which is then what it makes.
    """

    vertex: Apply
    turns: Integer
    counts: dict[Counter, Value]
    before: list[TurnStatement]
    handed: list[tuple[Handed, list[Value], Value]]
    body: list[TurnStatement]
    after: list[TurnStatement]
    ends: Ends | None = None
