"""A loop over turns: from its vertex to a loop as data, and that as LLVM IR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.graph.graph import Apply, Vertex
from chainrule.graph.loops.affine import Affine, Counter, Integer, affine, plus
from chainrule.native.codegen.loop_ir import (
    Convert,
    Element,
    Ends,
    Entry,
    Handed,
    Let,
    Number,
    Put,
    TurnsLoop,
    TurnStatement,
    Value,
)
from chainrule.native.codegen.loops import SELDOM
from chainrule.native.ir import math
from chainrule.native.ir.access import Access
from chainrule.native.ir.buffers import Buffer, address, load, store
from chainrule.native.ir.elements import TABLE, operand_dtypes
from chainrule.native.ir.text import Code, constant, memory_type, register_type
from chainrule.native.lower.roles import Role, number, role_of
from chainrule.native.lower.turns import Turns
from chainrule.native.schedule.plan import Schedule
from chainrule.operations.indexing import getitem

__all__ = ["EmittedTurns", "turns_loop", "write_turns"]

_USUAL = 100  # turns that are expected where only the running program knows their number
_BETWEEN_LOOKS = 1 << 16  # turns between two looks for signals


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
        counts = {counter: self.known[x] for counter, x in loop.counts.items()}
        ends = None
        if loop.until is not None:
            until = loop.until
            condition = self.known[until.condition]
            ends = Ends(condition, until.answer, until.first, until.least, until.most, until.where)
        return TurnsLoop(
            *(self.vertex, loop.turns, counts, self.before, handed, self.body, after, ends)
        )

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


def write_turns(
    name: str, loop: TurnsLoop, buffers: Mapping[Vertex, Buffer], is_one_of_many: bool
) -> EmittedTurns:
    """Write a loop over turns, a function ``void(ptr buffers)``.

    It is moved to its caller before LLVM does anything else, but one of many stays, and one that
    ends by a condition: there, registers would be kept for what comes before and after.
    """
    stays = is_one_of_many or loop.ends is not None
    return _Writer(name, loop, buffers).write("noinline" if stays else "alwaysinline")


class _OneByOne(Code):
    """The code of turns each of which waits for the one before.

    Args:
        prefix: of its names.
        differs: whether turns differ by conditions, so that gradients are zero now and then.
    """

    def __init__(self, prefix: str, differs: bool) -> None:
        super().__init__(prefix)
        if not differs:
            self.seldom = f", !prof {SELDOM}"  # no turn waits for a branch
        self.measured: set[str] = set()  # operands of functions with branches

    def call(self, name: str, kind: str, operands: Sequence[str]) -> str:
        """Write a call of a function, with a branch to its fast path if there is one."""
        if name not in math.HAVE_FAST_PATH:
            return super().call(name, kind, operands)
        return super().call(f"{name}_either", kind, [self._fenced(x, kind) for x in operands])

    def _fenced(self, operand: str, kind: str) -> str:
        """Write an operand so that LLVM does not know it for that of another function.

        It would make one branch of both, and a vector of what they return: whoever waits for the
        sine of an angle would wait for its cosine.
        """
        if operand not in self.measured:
            self.measured.add(operand)
            return operand
        fence = f"@llvm.arithmetic.fence.{'f64' if kind == 'double' else 'f32'}"
        self.declarations.add(f"declare {kind} {fence}({kind})")
        return self.let(f"call {kind} {fence}({kind} {operand})")


class _Writer:
    def __init__(self, name: str, loop: TurnsLoop, buffers: Mapping[Vertex, Buffer]) -> None:
        self.name, self.loop, self.buffers = name, loop, buffers
        self.entry, self.end = Code("e"), Code("d")
        self.turn = _OneByOne("t", self._differs()) if loop.handed else Code("t")
        self.registers: dict[Value, str] = {}
        self.bases: dict[Vertex, str] = {}
        own = loop.vertex.operation
        assert isinstance(own, Turns)
        self.counters: dict[Counter, str] = {own.counter: "%t"}

    def write(self, how: str) -> EmittedTurns:
        loop, phis = self.loop, []
        for statement in loop.before:
            self._statement(statement, self.entry)
        self.counters |= {c: self._register(x) for c, x in loop.counts.items()}
        for k, (handed, _, _) in enumerate(loop.handed):
            self.registers[handed] = f"%c{k}.0"
        for statement in loop.body:
            self._statement(statement, self.turn)
        latch = "%turn" if loop.ends is None else "%next"
        for k, (handed, first, result) in enumerate(loop.handed):
            kind = register_type(handed.dtype)
            later = [f"%c{k}.{j}" for j in range(1, handed.lag)]
            later.append(self._register(result))
            for j, (x, after) in enumerate(zip(first, later, strict=True)):
                before = self._register(x)
                phis.append(f"  %c{k}.{j} = phi {kind} [ {before}, %entry ], [ {after}, {latch} ]")
        ending = self._counted() if loop.ends is None else self._counting(loop.ends)
        lines = [
            f"define internal void @{self.name}(ptr %buffers) {how} {{",
            "entry:",
            *self.entry.lines,
            "  br label %turn",
            "turn:",
            f"  %t = phi i64 [ 0, %entry ], [ %t.next, {latch} ]",
            *phis,
            *self.turn.lines,
            "  %t.next = add nuw nsw i64 %t, 1",
            *ending,
            "  ret void",
            "}",
        ]
        codes = [self.entry, self.turn, self.end]
        steps = len(self.turn.lines) + 30 * len(self.turn.functions)
        turns = loop.turns if isinstance(loop.turns, int) and loop.ends is None else _USUAL
        return EmittedTurns(
            "\n".join(lines),
            turns * steps // 2,
            set().union(*(code.functions for code in codes)),
            set().union(*(code.declarations for code in codes)),
        )

    def _differs(self) -> bool:
        """Tell whether what turns do depends on a condition."""
        lets = (x for x in self.loop.body if isinstance(x, Let))
        return any(x.value.dtype.kind == "b" for x in lets)

    def _counted(self) -> list[str]:
        """Write the end of a loop of so many turns."""
        for statement in self.loop.after:
            self._statement(statement, self.end)
        turns = self._integer(self.loop.turns, self.entry)
        return [
            f"  %more = icmp ult i64 %t.next, {turns}",
            "  br i1 %more, label %turn, label %end",
            "end:",
            *self.end.lines,
        ]

    def _counting(self, ends: Ends) -> list[str]:
        """Write the end of a loop that counts its turns, and looks for signals meanwhile."""
        self.entry.add("%asked = alloca i64")
        self.entry.add("store i64 0, ptr %asked")
        made = self.loop.vertex
        base = address(self.entry, self.buffers[made])
        condition = self._register(ends.condition)
        same = "true" if ends.answer else "false"
        ended, stopped = Code("d"), Code("s")
        passed = ended.let("select i1 %same, i64 1, i64 0")  # it is one turn more at least
        count = ended.let(f"add i64 %t, {ends.first}")
        count = ended.let(f"add i64 {count}, {passed}")
        low = ended.let(f"icmp slt i64 {count}, {ends.least}")
        safe = ended.let(f"select i1 {low}, i64 {ends.least}, i64 {count}")
        high = ended.let(f"icmp sgt i64 {safe}, {ends.most}")
        safe = ended.let(f"select i1 {high}, i64 {ends.most}, i64 {safe}")
        for code, values in ((ended, (count, safe)), (stopped, ("-1", str(ends.least)))):
            for k, value in enumerate(values):
                pointer = code.let(f"getelementptr i64, ptr {base}, i64 {k}")
                code.add(f"store i64 {value}, ptr {pointer}")
        return [
            f"  %same = icmp eq i1 {condition}, {same}",
            f"  %inside = icmp ule i64 %t.next, {ends.most - ends.first}",
            "  %more = and i1 %same, %inside",
            "  br i1 %more, label %look, label %end",
            "look:",
            f"  %rest = and i64 %t.next, {_BETWEEN_LOOKS - 1}",
            "  %due = icmp eq i64 %rest, 0",
            "  br i1 %due, label %ask, label %next",
            "ask:",
            "  %interrupted = call i1 @cr.interrupted(ptr %asked)",
            "  br i1 %interrupted, label %stop, label %next",
            "next:",
            "  br label %turn",
            "stop:",
            *stopped.lines,
            "  ret void",
            "end:",
            *ended.lines,
        ]

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
        index = self._integer(place, code)
        kind = memory_type(base.dtype)
        return code.let(f"getelementptr {kind}, ptr {self.bases[base]}, i64 {index}")

    def _integer(self, integer: Integer, code: Code) -> str:
        """Write an integer, which may grow with the turns."""
        if not isinstance(integer, Affine):
            return str(integer)
        first, growth = self._integer(integer.first, code), self._integer(integer.growth, code)
        counter = self.counters[integer.counter]
        grown = code.let(f"mul nsw i64 {counter}, {growth}")
        return code.let(f"add nsw i64 {grown}, {first}")
