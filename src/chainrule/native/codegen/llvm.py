"""One kernel as LLVM IR: a loop over rows, and in each row one loop per phase over its entries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from chainrule.graph.graph import Apply, Vertex
from chainrule.native.codegen.loop_ir import (
    Accumulate,
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
    Phase,
    Row,
    Start,
    Statement,
    Store,
    Total,
    Value,
)
from chainrule.native.codegen.loops import FEW, ONE_BY_ONE, Body, Carried, Loop
from chainrule.native.codegen.pointers import PARALLEL, Apart, Pointers, from_start
from chainrule.native.codegen.reductions import Sum, combine, neutral
from chainrule.native.ir.access import Access
from chainrule.native.ir.buffers import Buffer, load, store
from chainrule.native.ir.elements import TABLE
from chainrule.native.ir.moving import moves
from chainrule.native.ir.text import Code, constant, memory_type, register_type

__all__ = ["Emitted", "write"]


#: Sets bytes of scratch memory aside for one step.
Reserve: TypeAlias = "Callable[[int], Buffer]"


@dataclass
class Emitted:
    """The text of a kernel, and what the pipeline needs to know of it.

    Attributes:
        text: what follows the parameters. Kernels that compute the same elsewhere have the same.
        parameters: in parentheses.
        given: where it does so, if it is told: its parameters after the first ones.
        rows: how many there are, a number for each axis; None for a kernel without rows, which has
            no parameters for them.
        work: entries times operations, roughly nanoseconds on one core.
    """

    text: str
    parameters: str
    given: list[Buffer] | None
    rows: tuple[int, ...] | None
    work: int
    functions: set[tuple[str, str]] = field(default_factory=set)
    declarations: set[str] = field(default_factory=set)
    sums: list[Sum] = field(default_factory=list)
    calls_apart: list[tuple[str, str]] = field(default_factory=list)  # outside of loops

    def definition(self, name: str, attributes: str) -> str:
        """Return the function, under a name."""
        return f"define internal void @{name}{self.parameters}{attributes}{self.text}"


def write(
    kernel: LoopNest,
    buffers: dict[Vertex, Buffer],
    reserve: Reserve,
    parts: int,
    is_told: bool = True,
) -> Emitted:
    """Write a kernel, a function ``void(ptr buffers, i64 begin, i64 end, i64 part, ptr at0 ...)``.

    It computes the rows from begin to end; ``part`` numbers the threads, of which there may be as
    many as ``parts``. What follows are the places in memory, if there is one thread and the kernel
    is to be told them.
    """
    return _Writer(kernel, buffers, reserve, parts, is_told and parts == 1).write()


@dataclass
class _Scope:
    """Where statements are written, and in which registers the values of that place are.

    ``column`` is the register that counts the entries of a row, in a loop over them.
    """

    code: Code
    registers: dict[Value, str]
    column: str = ""


class _Writer:
    def __init__(
        self,
        kernel: LoopNest,
        buffers: dict[Vertex, Buffer],
        reserve: Reserve,
        parts: int,
        is_told: bool,
    ) -> None:
        self.kernel = kernel
        self.nest = kernel.nest
        self.buffers = buffers
        self.reserve = reserve
        self.parts = parts
        self.registers: dict[Value, str] = {}  # of what is computed once, or once per row
        self.entry = _Scope(Code("e", apart=True), self.registers)
        # One more than there are phases: what comes after the last loop.
        count = len(kernel.phases) + 1
        self.rows = [_Scope(Code(f"r{k}_", apart=True), self.registers) for k in range(count)]
        rows, entries = self.nest.rows, self.nest.columns
        self.loops = [
            Loop(k, rows, entries, not any(map(self._changes, phase.entries)))
            for k, phase in enumerate(kernel.phases)
        ]
        self.pointers = Pointers(self.nest, self.entry.code, self.rows[0].code, is_told)
        self.apart = Apart(_written(kernel) if self.nest.columns <= 64 else [])
        self.kept: dict[Row, str] = {}
        self.sums: list[Sum] = []
        self.totals: dict[Vertex, str] = {}

    def write(self) -> Emitted:
        self._make()
        for statement in self.kernel.before:
            self._statement(statement, self.entry)
        for number, phase in enumerate(self.kernel.phases):
            for statement in phase.row:
                self._statement(statement, self.rows[number])
            self._entries(phase, number)
        return self._assemble()

    # Memory.

    def _make(self) -> None:
        """Find room for what is kept of a row, and for what this thread adds into."""
        scratch = ""
        if self.kernel.scratch_bytes:
            own = self.reserve(self.kernel.scratch_bytes * self.parts)
            scratch = self.pointers.part(own, self.kernel.scratch_bytes)
        for made in self.kernel.made:
            if isinstance(made, Row):
                place = f"getelementptr i8, ptr {scratch}, i64 {made.offset}"
                self.kept[made] = self.entry.code.let(place)
            elif isinstance(made, Total):
                self.totals[made.vertex] = self._total(made)

    def _total(self, total: Total) -> str:
        """Return the pointer to what this thread adds into: the result, or a copy of its own."""
        vertex = total.vertex
        operation, dtype, size = vertex.operation, vertex.dtype, vertex.size
        if self.parts == 1:
            self.sums.append(Sum(operation, dtype, size, self.buffers[vertex], None))
            return self.pointers.base(self.buffers[vertex])
        step = -(-size * dtype.itemsize // 64) * 64
        copies = self.reserve(step * self.parts)
        self.sums.append(Sum(operation, dtype, size, self.buffers[vertex], copies, step))
        return self.pointers.part(copies, step)

    def _pointer(
        self, base: str, dtype: np.dtype[Any], strides: tuple[int, ...], scope: _Scope
    ) -> str:
        """Return the pointer to an entry, given the strides over the axes of the space."""
        kind, walk = memory_type(dtype), self.nest.walk(strides)
        row = self.pointers.row(base, kind, walk)
        return self.pointers.entry(row, kind, walk, scope.code, scope.column)

    def _place(self, access: Access, strides: tuple[int, ...], scope: _Scope) -> str:
        """Return the pointer to an entry of an array."""
        dtype, buffer = access.base.dtype, self.buffers[access.base]
        size = max(dtype.itemsize, 1)
        base = self.pointers.base(Buffer(buffer.index, buffer.offset + access.offset * size))
        return self._pointer(base, dtype, strides, scope)

    def _kept(self, row: Row, scope: _Scope) -> str:
        """Return the pointer to where a later phase will find a value of this one."""
        kind = memory_type(row.vertex.dtype)
        place = f"getelementptr {kind}, ptr {self.kept[row]}, i64 {scope.column}"
        return scope.code.let(place)

    def _mark(self, base: Vertex, scope: _Scope) -> str:
        """Return metadata for an access to an array, in the loop over a row or outside."""
        return PARALLEL + self.apart.mark(base) if scope.column else ""

    # Values.

    def _register(self, value: Value, scope: _Scope) -> str:
        if isinstance(value, Number):
            return constant(value.value, value.dtype)
        return scope.registers.get(value) or self.registers[value]

    def _computed(self, value: Value, scope: _Scope) -> str:
        """Write what computes a value; return its register."""
        code = scope.code
        if isinstance(value, Load):
            pointer = self._place(value.access, value.strides, scope)
            return load(code, pointer, value.dtype, self._mark(value.access.base, scope))
        if isinstance(value, Kept):
            return load(code, self._kept(value.row, scope), value.dtype, PARALLEL)
        if isinstance(value, Gather):
            return self._gather(value, scope)
        if isinstance(value, Convert):
            operand = self._register(value.operand, scope)
            return code.convert(operand, value.operand.dtype, value.dtype)
        assert isinstance(value, Element)
        operands = [self._register(x, scope) for x in value.operands]
        used = value.operands[-1].dtype if value.operands else value.dtype
        element = TABLE[value.vertex.operation]
        return element.write(code, operands, used, value.vertex.params)

    def _gather(self, value: Gather, scope: _Scope) -> str:
        code, access, kind = scope.code, value.access, memory_type(value.dtype)
        pointer = self._place(access, value.strides, scope)
        for part, n, stride in zip(value.index, access.size, access.strides, strict=True):
            if part is None or isinstance(part, int):
                continue
            register = self._register(part, scope)
            index, inside = from_start(code, register, part.dtype, n)
            index = code.let(f"select i1 {inside}, i64 {index}, i64 0")
            offset = code.let(f"mul i64 {index}, {stride}")
            pointer = code.let(f"getelementptr {kind}, ptr {pointer}, i64 {offset}")
        return load(code, pointer, value.dtype, self._mark(access.base, scope))

    # Statements.

    def _statement(self, statement: Statement, scope: _Scope) -> None:
        """Write a statement that needs no register which goes from one entry to the next."""
        if isinstance(statement, Let):
            scope.registers[statement.value] = self._computed(statement.value, scope)
        elif isinstance(statement, Store):
            register = self._register(statement.value, scope)
            pointer = self._place(statement.access, statement.strides, scope)
            mark = self._mark(statement.access.base, scope)
            store(scope.code, register, pointer, statement.value.dtype, mark)
        elif isinstance(statement, Keep):
            register = self._register(statement.value, scope)
            pointer = self._kept(statement.row, scope)
            store(scope.code, register, pointer, statement.value.dtype, PARALLEL)
        elif isinstance(statement, Combine):
            self._combine(statement, self._register(statement.value, scope), scope)
        else:
            assert isinstance(statement, Start)  # its loop starts with the neutral value

    def _combine(self, statement: Combine, register: str, scope: _Scope) -> None:
        vertex, dtype = statement.vertex, statement.value.dtype
        pointer = self._pointer(self.totals[vertex], dtype, statement.strides, scope)
        # Of several inner axes some may go and others stay: then entries share their places.
        mark = "" if self.nest.is_inner(statement.gone) else self._mark(vertex, scope)
        before = load(scope.code, pointer, dtype, mark)
        after = combine(scope.code, vertex.operation, dtype, before, register)
        store(scope.code, after, pointer, dtype, mark)

    # Loops over the entries of a row.

    def _entries(self, phase: Phase, number: int) -> None:
        """Write what a phase does with each entry, and what becomes of the row's sums."""
        loop = self.loops[number]
        if self.nest.columns:
            self._body(phase, loop.slow)
            if loop.repeats and loop.slow.has_fast_path:
                self._body(phase, loop.with_fast_path())
        carried = [x for x in phase.entries if self._is_carried(x)]
        for k, statement in enumerate(carried):
            reduction, dtype = _reduction(statement), statement.value.dtype
            empty = neutral(reduction.operation, dtype)
            total = loop.result(k) if self.nest.columns else empty
            if isinstance(statement, Accumulate):
                self.registers[statement.accumulator] = total
            else:
                self._combine(statement, total, self.rows[number + 1])

    def _changes(self, statement: Statement) -> bool:
        """Tell whether a statement changes what it reads, so that its loop must not run twice."""
        if isinstance(statement, Store):
            return statement.rereads
        return isinstance(statement, Combine) and not self._is_carried(statement)

    def _is_carried(self, statement: Statement) -> TypeGuard[Accumulate | Combine]:
        """Tell whether a statement reduces all entries of a row to one number."""
        if isinstance(statement, Combine):
            return not self.nest.is_inner(a for a in statement.axes if a is not None)
        return isinstance(statement, Accumulate)

    def _body(self, phase: Phase, body: Body) -> None:
        scope = _Scope(body.code, {}, body.column)
        for statement in phase.entries:
            if self._is_carried(statement):
                reduction, dtype = _reduction(statement), statement.value.dtype
                carried = body.name_of_sum()
                register = self._register(statement.value, scope)
                total = combine(body.code, reduction.operation, dtype, carried, register)
                start = neutral(reduction.operation, dtype)
                body.carried.append(Carried(carried, register_type(dtype), start, total))
            else:
                self._statement(statement, scope)

    # The whole.

    def _assemble(self) -> Emitted:
        length = self._length()
        turn: list[str] = []
        for row, loop in zip(self.rows, self.loops, strict=False):
            turn += row.code.lines
            turn += loop.lines(length, not moves(self.nest.inner))
        turn += self.rows[-1].code.lines
        given = self.pointers.given
        has_rows = bool(self.nest.outer) or given is None
        rows = ["i64 %begin", "i64 %end", "i64 %part"] if has_rows else []
        places = [f"ptr %at{k}" for k in range(len(given or ()))]
        parameters = ", ".join(["ptr %buffers", *rows, *places])
        before = [line for loop in self.loops for line in loop.before()]
        lines = [
            " {",
            "entry:",
            *self.entry.code.lines,
            *before,
            *(self._for_each_row(turn) if has_rows else turn),
            "  ret void",
            "}",
        ]
        bodies = [body.code for loop in self.loops for body in loop.bodies]
        codes = [self.entry.code, *bodies, *(row.code for row in self.rows)]
        operations = sum(len(loop.slow.code.lines) for loop in self.loops)
        expensive = sum(len(loop.functions) for loop in self.loops)
        return Emitted(
            "\n".join(lines),
            f"({parameters})",
            given,
            self.nest.outer if has_rows else None,
            self.nest.rows * self.nest.columns * (operations + 10 * expensive) // 20,
            set().union(*(code.functions for code in codes)),
            self.apart.declarations.union(*(code.declarations for code in codes)),
            self.sums,
            [call for code in codes for call in code.calls_apart],
        )

    def _for_each_row(self, turn: list[str]) -> list[str]:
        hints = f", !llvm.loop {ONE_BY_ONE}" if self.nest.columns > FEW else ""
        return [
            "  %any = icmp ult i64 %begin, %end",
            "  br i1 %any, label %head, label %done",
            "head:",
            "  %row = phi i64 [ %begin, %entry ], [ %next, %tail ]",
            *turn,
            "  br label %tail",
            "tail:",
            "  %next = add nuw i64 %row, 1",
            "  %more = icmp ult i64 %next, %end",
            f"  br i1 %more, label %head, label %done{hints}",
            "done:",
        ]

    def _length(self) -> str:
        """Return the number of entries in this row: the last block may be shorter."""
        if moves(self.nest.inner):
            code, total = self.entry.code, ""
            for n in self.nest.inner:
                own = self.pointers.length(n)
                total = code.let(f"mul nuw i64 {total}, {own}") if total else own
            return total
        if not self.nest.block:
            return str(self.nest.columns)
        block, whole = self.nest.block, self.nest.inner[0]
        index, row = self.pointers.indices()[-1], self.rows[0].code
        start = row.let(f"mul i64 {index}, {block}")
        rest = row.let(f"sub i64 {whole}, {start}")
        full = row.let(f"icmp ugt i64 {rest}, {block}")
        return row.let(f"select i1 {full}, i64 {block}, i64 {rest}")


def _written(kernel: LoopNest) -> list[Vertex]:
    """Return the vertices whose memory a kernel writes."""
    statements = [x for phase in kernel.phases for x in (*phase.row, *phase.entries)]
    arrays = [x.access.base for x in statements if isinstance(x, Store)]
    totals = [made.vertex for made in kernel.made if isinstance(made, Total)]
    return list(dict.fromkeys([*arrays, *totals]))


def _reduction(statement: Accumulate | Combine) -> Apply:
    """Return what a statement computes a part of."""
    if isinstance(statement, Combine):
        return statement.vertex
    return statement.accumulator.vertex
