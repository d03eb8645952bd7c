"""One kernel as Python with loops, for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np

from chainrule.core.kinds import identity
from chainrule.graph.graph import Apply, Vertex
from chainrule.native.codegen.loop_ir import (
    Accumulate,
    Accumulator,
    Array,
    Combine,
    Convert,
    Element,
    Gather,
    Keep,
    Kept,
    Let,
    Load,
    LoopNest,
    Made,
    Number,
    Row,
    Start,
    Statement,
    Value,
)
from chainrule.native.ir.combining import COMBINING
from chainrule.native.ir.moving import this_turn
from chainrule.native.lower.parts import Place, Stretch, is_basic, lengths, window
from chainrule.native.schedule.survey import Axes
from chainrule.operations import indexing
from chainrule.operations import shape as shapes

__all__ = ["INDENT", "Names", "applied", "kernel_lines", "literal"]

INDENT = "    "


class Names(Protocol):
    """What a program calls its vertices."""

    @property
    def numbers(self) -> Mapping[Vertex, str]:
        """The numbers of those that are computed."""

    def memory(self, vertex: Vertex) -> str:
        """Write what is in memory, or a view of it."""

    def is_new(self, vertex: Vertex) -> bool:
        """Tell whether nothing has been written into the memory of a vertex yet."""

    def place(self, vertex: Vertex) -> Place | None:
        """Return where in the memory of another array a vertex is written, if it is a part."""


def kernel_lines(kernel: LoopNest, names: Names) -> list[str]:
    """Write a kernel.

    Entries that are read stand where they are used, and conversions are left out.
    """
    return _Writer(kernel, names).lines()


class _Writer:
    def __init__(self, kernel: LoopNest, names: Names) -> None:
        self.kernel, self.names = kernel, names
        self.outer, self.inner = kernel.nest.axes
        self.known: dict[Value, str] = {}

    def lines(self) -> list[str]:
        kernel, block = self.kernel, self.kernel.nest.block
        made = [line for made in kernel.made for line in self._made(made)]
        before = self._statements(kernel.before)
        loop = self._loop(self.outer)
        within = self._loop(self.inner, f"  # in blocks of {block}" if block else "")
        body: list[str] = []
        for phase in kernel.phases:
            body += self._statements(phase.row)
            entries = self._statements(phase.entries)
            body += [*within, *_indented(entries, within)] if entries else []
        return [*made, *before, *loop, *_indented(body, loop)]

    def _loop(self, axes: list[int], remark: str = "") -> list[str]:
        lengths = [self.kernel.space[axis] for axis in axes]
        if not axes:
            return []
        over = f"range({lengths[0]})" if len(axes) == 1 else f"ndindex{tuple(lengths)}"
        return [f"for {', '.join(map(_axis, axes))} in {over}:{remark}"]

    # Memory.

    def _made(self, made: Made) -> Iterable[str]:
        if isinstance(made, Row):
            yield f"{self._row(made)} = empty({tuple(self.kernel.space[a] for a in self.inner)})"
            return
        is_new = self.names.is_new(made.vertex)
        memory, size = self.names.memory(made.vertex), made.vertex.shape
        if isinstance(made, Array):
            size = made.whole.shape
            if size and is_new:
                yield f"{memory} = empty({size}, {_dtype(made.vertex)})"
            return
        start = COMBINING[made.vertex.operation].start
        filled = f"full({size}, {start}, {_dtype(made.vertex)})" if size else str(start)
        yield f"{memory} = {filled}"

    def _row(self, row: Row) -> str:
        return f"row_of_{self._name(row)}"

    def _kept(self, row: Row) -> str:
        return self._row(row) + _index(tuple(self.inner))

    def _name(self, value: Row | Element | Gather | Accumulator) -> str:
        """Name a value; one vertex may be there more than once, along other axes."""
        again = f"_{value.place}" if value.place else ""
        return f"v{self.names.numbers[value.vertex]}{again}"

    # Statements.

    def _statements(self, statements: Iterable[Statement]) -> list[str]:
        return [line for statement in statements for line in self._statement(statement)]

    def _statement(self, statement: Statement) -> Iterable[str]:
        if isinstance(statement, Let):
            yield from self._let(statement.value)
        elif isinstance(statement, Start):
            accumulator = statement.accumulator
            self.known[accumulator] = self._name(accumulator)
            yield f"{self._name(accumulator)} = {COMBINING[accumulator.operation].start}"
        elif isinstance(statement, Accumulate):
            accumulator = statement.accumulator
            update = COMBINING[accumulator.operation].text
            yield update.format(self._name(accumulator), self._value(statement.value))
        elif isinstance(statement, Keep):
            yield f"{self._kept(statement.row)} = {self._value(statement.value)}"
        else:
            vertex = statement.vertex
            place = self.names.place(vertex)
            index = [_entry(axis) for axis in statement.axes]
            if place is not None:
                index = [_moved(*pair) for pair in zip(index, place, strict=True)]
            entry = self.names.memory(vertex) + (f"[{', '.join(index)}]" if index else "")
            update = "{0} = {1}"
            if isinstance(statement, Combine):
                update = COMBINING[vertex.operation].text
            yield update.format(entry, self._value(statement.value))

    def _let(self, value: Value) -> Iterable[str]:
        if isinstance(value, Load):
            self.known[value] = self.names.memory(value.array) + _index(value.axes)
        elif isinstance(value, Kept):
            self.known[value] = self._kept(value.row)
        elif isinstance(value, Convert):
            self.known[value] = self._value(value.operand)
        else:
            assert isinstance(value, (Element, Gather))
            if isinstance(value, Gather):
                text = self._gather(value)
            else:
                text = applied(value.vertex, [self._value(x) for x in value.operands])
                if value.operands and text == self._value(value.operands[0]):
                    self.known[value] = text
                    return
            self.known[value] = self._name(value)
            yield f"{self._name(value)} = {text}"

    def _gather(self, value: Gather) -> str:
        parts = (
            _entry(part) if part is None or isinstance(part, int) else self._value(part)
            for part in value.index
        )
        return f"{self.names.memory(value.vertex.operands[0])}[{', '.join(parts)}]"

    def _value(self, value: Value) -> str:
        return literal(value.value) if isinstance(value, Number) else self.known[value]


def _indented(lines: Iterable[str], under: list[str]) -> list[str]:
    return [(INDENT if under else "") + line for line in lines]


def _axis(axis: int) -> str:
    return "ijklmn"[axis] if axis < 6 else f"i{axis}"


def _entry(axis: int | None) -> str:
    return "0" if axis is None else _axis(axis)


def _moved(index: str, line: range | Stretch) -> str:
    """Write an index along a part as one along the whole array."""
    if len(line) == 1 or index == "0":
        return str(line.start)
    if line.step < 0:
        return f"{line.start} - {_times(-line.step, index)}"
    text = _times(line.step, index)
    return f"{text} + {line.start}" if line.start else text


def _window(place: Place) -> str:
    """Write a place that moves as an index."""
    parts, back = [], []
    for k in place:
        last, low = this_turn(lengths([k])[0]) - 1, k.start
        if k.step < 0:
            low = k.start + last * k.step
        high = low + (last * abs(k.step) + 1)
        parts.append(f"{low}:{high}" + (f":{abs(k.step)}" if abs(k.step) != 1 else ""))
        back.append("::-1" if k.step < 0 else ":")
    turned = f"[{', '.join(back)}]" if "::-1" in back else ""
    return f"[{', '.join(parts)}]{turned}"


def _times(step: int, index: str) -> str:
    return index if step == 1 else f"{step} * {index}"


def _index(axes: Axes) -> str:
    return f"[{', '.join(map(_entry, axes))}]" if axes else ""


def _dtype(vertex: Vertex) -> str:
    return repr(vertex.dtype.name)


def literal(value: Any) -> str:
    """Write a number so that it can stand anywhere."""
    text = repr(value.item() if isinstance(value, (np.generic, np.ndarray)) else value)
    return f"({text})" if text.startswith("-") else text


def applied(vertex: Apply, given: list[str]) -> str:
    """Write an operation on operands that are written."""
    operation, params = vertex.operation, vertex.params
    if operation is identity:
        return given[0]
    if operation.symbol and not params:
        sign = operation.symbol
        return f"{sign}{given[0]}" if len(given) == 1 else f"{given[0]} {sign} {given[1]}"
    if operation is shapes.transpose and not params.get("axes"):
        return f"{given[0]}.T"
    if operation is window:
        return given[0] + _window(params["place"])
    if operation is indexing.getitem:
        index = params["index"] if isinstance(params["index"], tuple) else (params["index"],)
        if is_basic(index):
            return f"{given[0]}[{', '.join(map(_part, index))}]"
    return f"{operation.name}({', '.join([*given, *_written(params)])})"


def _part(part: Any) -> str:
    """Write a part of an index."""
    if part is Ellipsis:
        return "..."
    if not isinstance(part, slice):
        return repr(part)
    ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
    return ":".join(ends if ends[2] else ends[:2])


def _written(params: Mapping[str, Any]) -> Iterable[str]:
    for name, value in params.items():
        yield f"{name}={value.name!r}" if isinstance(value, np.dtype) else f"{name}={value!r}"
