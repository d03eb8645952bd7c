"""One kernel as LLVM IR: a loop over rows, and in each row one loop per phase over its entries.

A value is written where it belongs: before all loops if it is the same everywhere, once per row, or
once per entry.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from chainrule.graph.graph import Apply, Vertex
from chainrule.native.codegen.loops import Carried, Phase
from chainrule.native.codegen.pointers import PARALLEL, Apart, Pointers, from_start
from chainrule.native.codegen.reductions import Sum, combine, neutral
from chainrule.native.ir.access import Access
from chainrule.native.ir.buffers import Buffer, load, store
from chainrule.native.ir.elements import TABLE, operand_dtypes
from chainrule.native.ir.text import Code, constant, memory_type, register_type
from chainrule.native.lower.gather import picks
from chainrule.native.lower.roles import Role, memory_of, number
from chainrule.native.schedule.survey import Axes, Item, Root, Survey

__all__ = ["Emitted", "write"]

_SHORT = 64  # entries up to which LLVM may unroll a row

#: Sets bytes of scratch memory aside for one step.
Reserve: TypeAlias = "Callable[[int], Buffer]"


@dataclass
class Emitted:
    """The text of a kernel, and what the pipeline needs to know of it."""

    name: str
    text: str
    rows: int
    work: int  # entries times operations, roughly nanoseconds on one core
    functions: set[tuple[str, str]] = field(default_factory=set)
    declarations: set[str] = field(default_factory=set)
    sums: list[Sum] = field(default_factory=list)


def write(
    name: str, survey: Survey, buffers: dict[Vertex, Buffer], reserve: Reserve, parts: int
) -> Emitted:
    """Write a kernel, a function ``void(ptr buffers, i64 begin, i64 end, i64 part)``.

    It computes the rows from begin to end; ``part`` numbers the threads, of which there may be as
    many as ``parts``.
    """
    return _Writer(name, survey, buffers, reserve, parts).write()


class _Writer:
    def __init__(
        self,
        name: str,
        survey: Survey,
        buffers: dict[Vertex, Buffer],
        reserve: Reserve,
        parts: int,
    ) -> None:
        self.name = name
        self.survey = survey
        self.plan = survey.plan
        self.nest = survey.nest
        self.buffers = buffers
        self.reserve = reserve
        self.parts = parts
        self.entry = Code("e")
        # One more than there are phases: what comes after the last loop.
        self.phases = [Phase(k, Code(f"r{k}_"), Code(f"i{k}_")) for k in range(survey.last + 2)]
        self.pointers = Pointers(self.nest, self.entry, self.phases[0].row)
        self.scratch = ""
        if survey.scratch_bytes:
            own = reserve(survey.scratch_bytes * parts)
            self.scratch = self.pointers.part(own, survey.scratch_bytes)
        short = self.nest.columns <= _SHORT
        self.apart = Apart([root.vertex for root in survey.roots] if short else [])
        self.sums: list[Sum] = []
        self.once: dict[Item, str] = {}
        self.per_row: dict[Item, str] = {}
        self.per_entry: list[dict[Item, str]] = [{} for _ in self.phases]

    # Values.

    def value(self, vertex: Vertex, axes: Axes, phase: Phase, within: str) -> str:
        """Write a value, or find it written, for use in a phase: in its loop, or before it."""
        place = self.survey.place(vertex, axes)
        key = vertex, axes
        if place == "entry":
            code, memo = self.entry, self.once
        elif place == "row":
            code, memo = self.phases[self.survey.phases[key]].row, self.per_row
        else:
            assert within == "inner", (vertex, axes)
            code, memo = phase.inner, self.per_entry[phase.number]
        if key in memo:
            return memo[key]
        role = self.plan.roles[vertex]
        kept = place == "inner" and key in self.survey.spilled
        if kept and self.survey.phases[key] < phase.number:
            memo[key] = load(code, self._kept(key, code), vertex.dtype, PARALLEL)
        elif key in self.survey.strides:
            access = memory_of(vertex, self.plan.stored)
            assert access is not None
            place_in = self._pointer(access, self.survey.strides[key], place, key, code)
            mark = self._mark(access.base, place == "inner")
            memo[key] = load(code, place_in, vertex.dtype, mark)
        elif role is Role.GATHER:
            assert isinstance(vertex, Apply)
            memo[key] = self._gather(vertex, axes, place, code, phase, within)
        elif role is Role.REDUCTION:
            assert isinstance(vertex, Apply)
            assert not self.survey.gone(vertex), f"{vertex} was used before it was reduced"
            (item,) = self.survey.operands(vertex, axes)
            memo[key] = code.convert(
                self._register(*item, phase, within),
                item[0].dtype,
                vertex.dtype,
            )
        elif role is Role.VIEW:
            assert isinstance(vertex, Apply)
            (item,) = self.survey.operands(vertex, axes)
            memo[key] = self._register(*item, phase, within)
        else:
            assert isinstance(vertex, Apply)
            memo[key] = self._element(vertex, axes, code, phase, within)
        return memo[key]

    def _register(self, x: Vertex, axes: Axes, phase: Phase, within: str) -> str:
        if self.plan.roles[x] is Role.NUMBER:
            return constant(number(x), x.dtype)
        return self.value(x, axes, phase, within)

    def _element(self, vertex: Apply, axes: Axes, code: Code, phase: Phase, within: str) -> str:
        wanted = operand_dtypes(vertex)
        registers = []
        for (x, theirs), dtype in zip(self.survey.operands(vertex, axes), wanted, strict=True):
            if self.plan.roles[x] is Role.NUMBER:
                registers.append(constant(number(x), dtype))
            else:
                register = self.value(x, theirs, phase, within)
                registers.append(code.convert(register, x.dtype, dtype))
        element = TABLE[vertex.operation.name]
        used = wanted[-1] if wanted else vertex.dtype
        return element.write(code, registers, used, vertex.params)

    # Memory.

    def _pointer(
        self, access: Access, strides: tuple[int, ...], place: str, key: object, code: Code
    ) -> str:
        """Return the pointer to an entry, given the strides over the axes of the space."""
        dtype = access.base.dtype
        kind = memory_type(dtype)
        buffer = self.buffers[access.base]
        size = max(dtype.itemsize, 1)
        pointer = self.pointers.base(Buffer(buffer.index, buffer.offset + access.offset * size))
        walk = self.nest.walk(strides)
        if place != "entry":
            pointer = self.pointers.row(pointer, kind, walk, ("load", access.base, key))
        if place == "inner":
            pointer = self.pointers.entry(pointer, kind, walk, code)
        return pointer

    def _gather(
        self, vertex: Apply, axes: Axes, place: str, code: Code, phase: Phase, within: str
    ) -> str:
        """Read the entry that indices pick; one that is out of range picks the first."""
        access, known = memory_of(vertex.operands[0], self.plan.stored), picks(vertex)
        assert access is not None
        assert known is not None
        key = vertex, axes
        kind = memory_type(vertex.dtype)
        pointer = self._pointer(access, self.survey.walked[key], place, key, code)
        for item, axis in zip(self.survey.operands(vertex, axes), known.slots, strict=True):
            register = self._register(*item, phase, within)
            n, stride = access.size[axis], access.strides[axis]
            index, inside = from_start(code, register, item[0].dtype, n)
            index = code.let(f"select i1 {inside}, i64 {index}, i64 0")
            offset = code.let(f"mul i64 {index}, {stride}")
            pointer = code.let(f"getelementptr {kind}, ptr {pointer}, i64 {offset}")
        return load(code, pointer, vertex.dtype, self._mark(access.base, place == "inner"))

    def _mark(self, base: Vertex, inner: bool) -> str:
        """Return metadata for an access to an array, in the loop over a row or outside."""
        return PARALLEL + self.apart.mark(base) if inner else ""

    def _kept(self, item: Item, code: Code) -> str:
        """Return the pointer to where a later phase will find a value of this one."""
        offset, kind = self.survey.spilled[item], memory_type(item[0].dtype)
        row = self.entry.let(f"getelementptr i8, ptr {self.scratch}, i64 {offset}")
        return code.let(f"getelementptr {kind}, ptr {row}, i64 %column")

    # Phases.

    def write(self) -> Emitted:
        """Write all phases, and put them together."""
        for phase in self.phases[:-1]:
            self._write_phase(phase)
        return self._assemble()

    def _write_phase(self, phase: Phase) -> None:
        survey = self.survey
        for root in survey.roots:
            key = root.vertex, root.axes
            if root.vertex in self.plan.whole:
                if survey.added[root.vertex] == phase.number:
                    self._whole(root.vertex, phase)
            elif survey.phases[key] == phase.number:
                self._store(root, phase)
        for item in survey.spilled:
            if survey.phases[item] == phase.number:
                register = self.value(*item, phase, "inner")
                pointer = self._kept(item, phase.inner)
                store(phase.inner, register, pointer, item[0].dtype, PARALLEL)
        for item, own in survey.phases.items():
            vertex = item[0]
            if (
                own == phase.number + 1
                and self.plan.roles[vertex] is Role.REDUCTION
                and isinstance(vertex, Apply)
                and vertex not in self.plan.whole
                and item not in survey.strides
                and survey.gone(vertex)
            ):
                self.per_row[item] = self._carry(vertex, phase)

    def _store(self, root: Root, phase: Phase) -> None:
        vertex, axes = root.vertex, root.axes
        walk = self.nest.walk(self.survey.own_strides(root))
        dtype = vertex.dtype
        kind = memory_type(dtype)
        inner = self.nest.is_inner(a for a in axes if a is not None)
        code = phase.inner if inner else phase.row
        register = self.value(vertex, axes, phase, "inner" if inner else "row")
        base = self.pointers.base(self.buffers[vertex])
        pointer = self.pointers.row(base, kind, walk, ("store", vertex))
        if inner:
            pointer = self.pointers.entry(pointer, kind, walk, code)
        store(code, register, pointer, dtype, self._mark(vertex, inner))

    def _operand(self, reduction: Apply, phase: Phase, within: str, code: Code) -> str:
        """Write what a reduction reduces, as the dtype of its result."""
        (x,) = reduction.operands
        register = self._register(x, self.survey.domain(reduction), phase, within)
        return code.convert(register, x.dtype, reduction.dtype)

    def _carry(self, reduction: Apply, phase: Phase) -> str:
        """Reduce over the entries of a row; return the register of the result."""
        dtype = reduction.dtype
        kind, code = register_type(dtype), phase.inner
        name = reduction.operation.name
        start = neutral(name, dtype)
        if not self.nest.columns:
            return start
        carried = f"%sum{phase.number}_{len(phase.carried)}"
        register = self._operand(reduction, phase, "inner", code)
        total = combine(code, name, dtype, carried, register)
        phase.carried.append(Carried(carried, kind, start, total))
        return total

    def _whole(self, reduction: Apply, phase: Phase) -> None:
        """Reduce over rows, into memory that the rows have in common."""
        dtype = reduction.dtype
        kind, gone = memory_type(dtype), self.survey.gone(reduction)
        domain = {a for a in self.survey.domain(reduction) if a is not None}
        root = Root(reduction, self.plan.placed[reduction].axes)
        walk = self.nest.walk(self.survey.own_strides(root))
        size = math.prod(reduction.shape)
        name = reduction.operation.name
        base = self._sum_base(reduction, name, dtype, size)
        pointer = self.pointers.row(base, kind, walk, ("sum", reduction))
        # Of several inner axes some may go and others stay: then entries share their places.
        summed, kept = self.nest.is_inner(gone), self.nest.is_inner(domain - gone)
        if kept:
            code, phase.adds = phase.inner, True
            total = self._operand(reduction, phase, "inner", code)
            pointer = self.pointers.entry(pointer, kind, walk, code)
        elif summed:
            total, code = self._carry(reduction, phase), self.phases[phase.number + 1].row
        else:
            code = phase.row
            total = self._operand(reduction, phase, "row", code)
        mark = self._mark(reduction, kept and not summed)
        before = load(code, pointer, dtype, mark)
        after = combine(code, name, dtype, before, total)
        store(code, after, pointer, dtype, mark)

    def _sum_base(self, reduction: Apply, name: str, dtype: np.dtype[Any], size: int) -> str:
        """Return the pointer to what this thread adds into: the result, or a copy of its own."""
        if self.parts == 1:
            self.sums.append(Sum(name, dtype, size, self.buffers[reduction], None))
            return self.pointers.base(self.buffers[reduction])
        step = -(-size * dtype.itemsize // 64) * 64
        copies = self.reserve(step * self.parts)
        self.sums.append(Sum(name, dtype, size, self.buffers[reduction], copies, step))
        return self.pointers.part(copies, step)

    def _assemble(self) -> Emitted:
        parameters = "ptr %buffers, i64 %begin, i64 %end, i64 %part"
        lines = [f"define internal void @{self.name}({parameters}) {{", "entry:"]
        lines += self.entry.lines
        lines += [line for phase in self.phases for line in phase.before()]
        lines += ["  %any = icmp ult i64 %begin, %end", "  br i1 %any, label %head, label %done"]
        lines += ["head:", "  %row = phi i64 [ %begin, %entry ], [ %next, %tail ]"]
        length = self._length()
        for phase in self.phases:
            lines += phase.row.lines
            lines += phase.loop(length) if self.nest.columns else []
        lines += ["  br label %tail", "tail:", "  %next = add nuw i64 %row, 1"]
        lines += ["  %more = icmp ult i64 %next, %end", "  br i1 %more, label %head, label %done"]
        lines += ["done:", "  ret void", "}"]
        inners = [phase.inner for phase in self.phases]
        codes = [self.entry, *inners, *(phase.row for phase in self.phases)]
        operations = sum(len(code.lines) for code in inners)
        expensive = sum(len(code.functions) for code in inners)
        return Emitted(
            self.name,
            "\n".join(lines),
            self.nest.rows,
            self.nest.rows * self.nest.columns * (operations + 10 * expensive) // 20,
            set().union(*(code.functions for code in codes)),
            self.apart.declarations.union(*(code.declarations for code in codes)),
            self.sums,
        )

    def _length(self) -> str:
        """Return the number of entries in this row: the last block may be shorter."""
        if not self.nest.block:
            return str(self.nest.columns)
        block, whole = self.nest.block, self.nest.inner[0]
        index, row = self.pointers.indices()[-1], self.phases[0].row
        start = row.let(f"mul i64 {index}, {block}")
        rest = row.let(f"sub i64 {whole}, {start}")
        full = row.let(f"icmp ugt i64 {rest}, {block}")
        return row.let(f"select i1 {full}, i64 {block}, i64 {rest}")
