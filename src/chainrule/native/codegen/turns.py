"""A loop over turns: from its vertex to a loop as data, and that as LLVM IR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.graph.graph import Apply, Vertex
from chainrule.graph.loops.affine import Affine, Integer, affine, plus
from chainrule.native.codegen.loop_ir import (
    Convert,
    Element,
    Entry,
    Handed,
    Let,
    Number,
    Put,
    TurnsLoop,
    TurnStatement,
    Value,
)
from chainrule.native.ir.access import Access
from chainrule.native.ir.buffers import Buffer, address, load, store
from chainrule.native.ir.elements import TABLE, operand_dtypes
from chainrule.native.ir.text import Code, constant, memory_type, register_type
from chainrule.native.lower.roles import Role, number, role_of
from chainrule.native.lower.turns import Turns
from chainrule.native.schedule.fusion import Schedule
from chainrule.operations.indexing import getitem

__all__ = ["EmittedTurns", "turns_loop", "write_turns"]


# --- as data ------------------------------------------------------------------------------------


def turns_loop(vertex: Apply, plan: Schedule) -> TurnsLoop:
    """Return a loop over turns as data."""
    return _Builder(vertex, plan).build()


class _Builder:
    def __init__(self, vertex: Apply, plan: Schedule) -> None:
        assert isinstance(vertex.operation, Turns)
        self.vertex, self.loop, self.plan = vertex, vertex.operation, plan
        self.before: list[TurnStatement] = []
        self.body: list[TurnStatement] = []
        self.known: dict[Vertex, Value] = {}
        self.arrays: dict[Vertex, Vertex] = {}  # what variables of the body stand for

    def build(self) -> TurnsLoop:
        loop, rest = self.loop, iter(self.vertex.operands)
        for x in loop.invariants:
            given = next(rest)
            if x.shape:
                self.arrays[x] = given
            else:
                self.known[x] = self._loaded(given)
        first: dict[Any, list[Value]] = {}
        for carry in loop.carried:
            dtype = carry.input.dtype
            given_first = [self._loaded(next(rest)) for _ in range(carry.lag)]
            first[carry] = [_converted(x, dtype, self.before) for x in given_first]
            self.known[carry.input] = Handed(dtype, carry.lag)
        after: list[TurnStatement] = []
        for part in loop.layout:
            if part.whole and part.kept.carry is not None:
                for k, value in enumerate(first[part.kept.carry]):
                    stored = _converted(value, loop.dtype, self.before)
                    self.before.append(Put(part.offset + k, stored))
        for vertex in loop.body:
            if vertex not in self.known and vertex not in self.arrays:
                self.known[vertex] = self._value(vertex)
        for part in loop.layout:
            statements = self.body if part.whole else after
            value = _converted(self.known[part.kept.result], loop.dtype, statements)
            at: Integer = part.offset
            if part.whole:
                at = plus(affine(0, 1, loop.counter), part.offset + part.kept.leading)
            statements.append(Put(at, value))
        handed = []
        for carry in loop.carried:
            register = self.known[carry.input]
            assert isinstance(register, Handed)
            handed.append((register, first[carry], self.known[carry.result]))
        return TurnsLoop(self.vertex, loop.turns, self.before, handed, self.body, after)

    def _loaded(self, given: Vertex) -> Value:
        """Return a number from outside of the loop."""
        if self.plan.roles[given] is Role.NUMBER:
            return Number(number(given), given.dtype)
        entry = Entry(given, self._access(given), ())
        self.before.append(Let(entry))
        return entry

    def _access(self, given: Vertex) -> Access:
        access = self.plan.access(given)
        assert access is not None
        return access

    def _value(self, vertex: Vertex) -> Value:
        """Compute a vertex of the body."""
        if role_of(vertex) is Role.NUMBER:
            return Number(number(vertex), vertex.dtype)
        assert isinstance(vertex, Apply)
        value: Value
        if vertex.operation is getitem:
            array = self.arrays[vertex.operands[0]]
            value = Entry(array, self._access(array), vertex.params["index"])
        else:
            operands = [
                Number(number(x), dtype)
                if role_of(x) is Role.NUMBER
                else _converted(self.known[x], dtype, self.body)
                for x, dtype in zip(vertex.operands, operand_dtypes(vertex), strict=True)
            ]
            value = Element(vertex, 0, tuple(operands))
        self.body.append(Let(value))
        return value


def _converted(value: Value, dtype: np.dtype[Any], statements: list[TurnStatement]) -> Value:
    if value.dtype == dtype:
        return value
    if isinstance(value, Number):
        return Number(value.value, dtype)
    converted = Convert(value, dtype)
    statements.append(Let(converted))
    return converted


# --- as LLVM IR ---------------------------------------------------------------------------------


@dataclass
class EmittedTurns:
    """The text of a loop, and what the pipeline needs to know of it."""

    text: str
    work: int
    functions: set[tuple[str, str]] = field(default_factory=set)
    declarations: set[str] = field(default_factory=set)


def write_turns(name: str, loop: TurnsLoop, buffers: Mapping[Vertex, Buffer]) -> EmittedTurns:
    """Write a loop over turns, a function ``void(ptr buffers)``."""
    return _Writer(name, loop, buffers).write()


class _Writer:
    def __init__(self, name: str, loop: TurnsLoop, buffers: Mapping[Vertex, Buffer]) -> None:
        self.name, self.loop, self.buffers = name, loop, buffers
        self.entry, self.turn, self.end = Code("e"), Code("t"), Code("d")
        self.registers: dict[Value, str] = {}
        self.bases: dict[Vertex, str] = {}

    def write(self) -> EmittedTurns:
        loop, phis = self.loop, []
        for statement in loop.before:
            self._statement(statement, self.entry)
        for k, (handed, _, _) in enumerate(loop.handed):
            self.registers[handed] = f"%c{k}.0"
        for statement in loop.body:
            self._statement(statement, self.turn)
        for k, (handed, first, result) in enumerate(loop.handed):
            kind = register_type(handed.dtype)
            later = [f"%c{k}.{j}" for j in range(1, handed.lag)]
            later.append(self._register(result))
            for j, (x, after) in enumerate(zip(first, later, strict=True)):
                before = self._register(x)
                phis.append(f"  %c{k}.{j} = phi {kind} [ {before}, %entry ], [ {after}, %turn ]")
        for statement in loop.after:
            self._statement(statement, self.end)
        lines = [
            f"define internal void @{self.name}(ptr %buffers) noinline {{",
            "entry:",
            *self.entry.lines,
            "  br label %turn",
            "turn:",
            "  %t = phi i64 [ 0, %entry ], [ %t.next, %turn ]",
            *phis,
            *self.turn.lines,
            "  %t.next = add nuw nsw i64 %t, 1",
            f"  %more = icmp ult i64 %t.next, {loop.turns}",
            "  br i1 %more, label %turn, label %end",
            "end:",
            *self.end.lines,
            "  ret void",
            "}",
        ]
        codes = [self.entry, self.turn, self.end]
        steps = len(self.turn.lines) + 30 * len(self.turn.functions)
        return EmittedTurns(
            "\n".join(lines),
            loop.turns * steps // 2,
            set().union(*(code.functions for code in codes)),
            set().union(*(code.declarations for code in codes)),
        )

    def _statement(self, statement: TurnStatement, code: Code) -> None:
        if isinstance(statement, Let):
            self.registers[statement.value] = self._computed(statement.value, code)
            return
        made = self.loop.vertex
        pointer = self._pointer(made, statement.place, code)
        store(code, self._register(statement.value), pointer, made.dtype)

    def _register(self, value: Value) -> str:
        if isinstance(value, Number):
            return constant(value.value, value.dtype)
        return self.registers[value]

    def _computed(self, value: Value, code: Code) -> str:
        if isinstance(value, Entry):
            pointer = self._pointer(value.access.base, value.place, code)
            return load(code, pointer, value.dtype)
        if isinstance(value, Convert):
            return code.convert(self._register(value.operand), value.operand.dtype, value.dtype)
        assert isinstance(value, Element)
        operands = [self._register(x) for x in value.operands]
        used = value.operands[-1].dtype if value.operands else value.dtype
        return TABLE[value.vertex.operation].write(code, operands, used, value.vertex.params)

    def _pointer(self, base: Vertex, place: Integer, code: Code) -> str:
        """Write the pointer to an entry of the memory of a vertex."""
        if base not in self.bases:
            self.bases[base] = address(self.entry, self.buffers[base])
        index = str(place)
        if isinstance(place, Affine):
            index = code.let(f"mul nsw i64 %t, {place.growth}")
            index = code.let(f"add nsw i64 {index}, {place.first}")
        kind = memory_type(base.dtype)
        return code.let(f"getelementptr {kind}, ptr {self.bases[base]}, i64 {index}")
