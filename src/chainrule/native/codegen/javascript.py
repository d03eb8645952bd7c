"""One kernel as JavaScript, for pages in which one changes the inputs and watches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from chainrule.graph.graph import Vertex
from chainrule.native.codegen.javascript_elements import element
from chainrule.native.codegen.loop_ir import (
    Accumulate,
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
    Number,
    Row,
    Start,
    Statement,
    Store,
    Value,
)
from chainrule.native.ir.access import Access
from chainrule.native.ir.combining import COMBINING

__all__ = [
    "INDENT",
    "Memory",
    "array_type",
    "converted",
    "entry",
    "kernel_lines",
    "literal",
    "loop",
]

INDENT = "  "


class Memory(Protocol):
    """Where a program keeps its arrays."""

    def name(self, vertex: Vertex) -> str:
        """Return the typed array that is a vertex's memory."""

    def scratch(self, size: int) -> str:
        """Return a new typed array that a kernel has for itself."""


def kernel_lines(kernel: LoopNest, memory: Memory) -> list[str]:
    """Write a kernel as a block."""
    return _Writer(kernel, memory).lines()


class _Writer:
    def __init__(self, kernel: LoopNest, memory: Memory) -> None:
        self.kernel, self.memory = kernel, memory
        self.outer, self.inner = kernel.nest.axes
        self.known: dict[Value, str] = {}
        self.rows: dict[Row, str] = {}

    def lines(self) -> list[str]:
        kernel = self.kernel
        lines = [line for made in kernel.made for line in self._made(made)]
        lines += self._statements(kernel.before)
        body: list[str] = []
        for phase in kernel.phases:
            body += self._statements(phase.row)
            entries = self._statements(phase.entries)
            body += self._loop(self.inner, entries) if entries else []
        return ["{", *_indented([*lines, *self._loop(self.outer, body)]), "}"]

    def _loop(self, axes: Sequence[int], body: list[str]) -> list[str]:
        for axis in reversed(axes):
            body = loop(_axis(axis), self.kernel.space[axis], body)
        return body

    def _made(self, made: Any) -> Iterable[str]:
        if isinstance(made, Row):
            size = int(np.prod([self.kernel.space[axis] for axis in self.inner]))
            self.rows[made] = self.memory.scratch(size)
        elif not isinstance(made, Array):
            start = literal(COMBINING[made.vertex.operation].start)
            yield f"{self.memory.name(made.vertex)}.fill({start});"

    # Statements.

    def _statements(self, statements: Iterable[Statement]) -> list[str]:
        return [line for statement in statements for line in self._statement(statement)]

    def _statement(self, statement: Statement) -> Iterable[str]:
        if isinstance(statement, Let):
            name = self._name()
            text = self._computed(statement.value)
            self.known[statement.value] = name
            yield f"const {name} = {text};"
        elif isinstance(statement, Start):
            name = self.known[statement.accumulator] = self._name()
            start = literal(COMBINING[statement.accumulator.operation].start)
            yield f"let {name} = {start};"
        elif isinstance(statement, Accumulate):
            accumulator = statement.accumulator
            place = self.known[accumulator]
            value = self._value(statement.value)
            total = COMBINING[accumulator.operation].javascript.format(place, value)
            yield f"{place} = {_rounded(total, accumulator.dtype)};"
        elif isinstance(statement, Keep):
            yield f"{self._kept(statement.row)} = {self._value(statement.value)};"
        elif isinstance(statement, Store):
            place = self._entry(statement.access, statement.strides)
            yield f"{place} = {self._value(statement.value)};"
        else:
            assert isinstance(statement, Combine)
            at = _sum([_times(n, _axis(axis)) for axis, n in enumerate(statement.strides)])
            place = f"{self.memory.name(statement.vertex)}[{at}]"
            text = COMBINING[statement.vertex.operation].javascript
            yield f"{place} = {text.format(place, self._value(statement.value))};"

    # Values.

    def _name(self) -> str:
        return f"a{len(self.known)}"

    def _value(self, value: Value) -> str:
        return literal(value.value) if isinstance(value, Number) else self.known[value]

    def _computed(self, value: Value) -> str:
        if isinstance(value, Load):
            return self._entry(value.access, value.strides)
        if isinstance(value, Kept):
            return self._kept(value.row)
        if isinstance(value, Convert):
            return converted(self._value(value.operand), value.operand.dtype, value.dtype)
        if isinstance(value, Gather):
            return self._gather(value)
        assert isinstance(value, Element)
        return element(value.vertex, [self._value(x) for x in value.operands])

    def _entry(self, access: Access, strides: Sequence[int], more: Sequence[str] = ()) -> str:
        at = _sum([*more, *(_times(n, _axis(axis)) for axis, n in enumerate(strides))])
        return f"{self.memory.name(access.base)}[{_sum([at, _number(access.offset)])}]"

    def _gather(self, value: Gather) -> str:
        """Write an entry at indices; one out of range stands for the first."""
        access = value.access
        more = []
        for part, n, stride in zip(value.index, access.size, access.strides, strict=True):
            if part is not None and not isinstance(part, int):
                more.append(_times(stride, f"within({self._value(part)}, {n})"))
        return self._entry(access, value.strides, more)

    def _kept(self, row: Row) -> str:
        at = "0"
        for axis in self.inner:
            at = _sum(
                [_times(self.kernel.space[axis], f"({at})" if "+" in at else at), _axis(axis)]
            )
        return f"{self.rows[row]}[{at}]"


def entry(name: str, access: Access, index: Sequence[str]) -> str:
    """Write an entry of an array at an index."""
    at = [_times(n, k) for n, k in zip(access.strides, index, strict=True)]
    return f"{name}[{_sum([*at, _number(access.offset)])}]"


def loop(axis: str, count: int, body: list[str]) -> list[str]:
    """Write a loop."""
    return [f"for (let {axis} = 0; {axis} < {count}; {axis}++) {{", *_indented(body), "}"]


def literal(value: Any) -> str:
    """Write a number so that it can stand anywhere."""
    number = value.item() if isinstance(value, (np.generic, np.ndarray)) else value
    if isinstance(number, bool):
        return str(int(number))
    if number != number:
        return "NaN"
    if number in (np.inf, -np.inf):
        return "Infinity" if number > 0 else "(-Infinity)"
    text = repr(number)
    return f"({text})" if text.startswith("-") else text


def converted(text: str, old: np.dtype[Any], new: np.dtype[Any]) -> str:
    """Write a number in another dtype, as ``astype`` gives it."""
    if new.kind == "b":
        return f"({text} !== 0 ? 1 : 0)"
    if new.kind in "iu" and old.kind == "f":
        return f"Math.trunc({text})"
    return _rounded(text, new)


def array_type(dtype: np.dtype[Any]) -> str:
    """Return the class of typed arrays that holds numbers of a dtype."""
    return "Float32Array" if dtype == np.float32 else "Float64Array"


def _rounded(text: str, dtype: np.dtype[Any]) -> str:
    return f"Math.fround({text})" if dtype == np.float32 else text


def _number(offset: Any) -> str:
    assert isinstance(offset, int)
    return str(offset)


def _sum(terms: Iterable[str]) -> str:
    return " + ".join(term for term in terms if term not in ("", "0")) or "0"


def _times(count: int, index: str) -> str:
    if not count or index == "0":
        return ""
    return index if count == 1 else f"{count} * {index}"


def _axis(axis: int) -> str:
    return f"i{axis}"


def _indented(lines: Iterable[str]) -> list[str]:
    return [INDENT + line for line in lines]
