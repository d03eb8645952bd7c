"""From a program to a plan: scheduled, laid out in memory, written as LLVM IR, compiled."""

from __future__ import annotations

import math as numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chainrule.core.kinds import astype, identity
from chainrule.graph.graph import Apply, Vertex, dtype_of, shape
from chainrule.native import blas, interrupts, math, product, scatter, threads
from chainrule.native.arena import Arena
from chainrule.native.gather import checks
from chainrule.native.kernel import COMBINE, Sum, write
from chainrule.native.layout import Guard, Layout, Slot, Structure
from chainrule.native.loops import METADATA
from chainrule.native.pointers import Buffer, load
from chainrule.native.primitives import as_primitives
from chainrule.native.program import Program
from chainrule.native.roles import Access, Role, contiguous, memory_of, role_of, viewed
from chainrule.native.schedule import Kernel, Schedule, schedule
from chainrule.native.survey import Survey
from chainrule.native.text import Code, constant, is_native, memory_type

__all__ = ["Built", "Call", "NotNativeError", "build"]

# Rough nanoseconds of work from which on other threads may run, and signals are looked for.
_WORTH_UNLOCKING = 50_000
_WORTH_SHARING = 60_000  # rough nanoseconds of work from which on threads share a kernel


class NotNativeError(Exception):
    """A program holds values that machine code does not know: complex numbers, objects."""


@dataclass(frozen=True)
class Call:
    """An operation that NumPy computes, between two segments of machine code."""

    vertex: Apply


@dataclass
class Built:
    """What `build` made: segments of machine code in one library, and the calls between them.

    ``steps`` are names of functions ``void(ptr buffers)`` and calls, in order; where there is no
    call, ``@run`` does it all, and looks for signals between the functions. ``buffers`` tells where
    each stored vertex lies.
    """

    program: Program
    ir: str
    steps: list[str | Call]
    schedule: Schedule
    buffers: dict[Vertex, Buffer]
    fixed: list[np.ndarray[Any, Any]]  # arrays that rules made, after the captured ones
    wanted: list[Apply]  # distinct results, then guards
    results: list[int]  # which result each output of the program is
    count: int  # of distinct results
    arena_bytes: int
    work: int  # rough nanoseconds
    flops: int
    checks: list[Vertex]  # whether indices are in range, in memory

    @property
    def layout(self) -> Layout:
        """What the code takes and gives."""
        program = self.program
        first = {result: k for k, result in reversed(list(enumerate(self.results)))}
        outputs = [program.outputs[first[k]].value for k in range(self.count)]
        return Layout(
            inputs=tuple(_slot(leaf.value) for leaf in program.inputs),
            captured=tuple(_slot(x) for x in [*(c.value for c in program.captured), *self.fixed]),
            outputs=tuple(map(_slot, outputs)),
            guards=tuple(_guard(seen) for _, seen in program.guards),
            arena_bytes=self.arena_bytes,
            releases_lock=self.work > _WORTH_UNLOCKING,
            structure=None
            if program.structure is None
            else _renumbered(program.structure, self.results),
        )

    @property
    def calls(self) -> list[Call]:
        """The operations that NumPy computes."""
        return [step for step in self.steps if isinstance(step, Call)]


def build(program: Program, parts: int | None = None) -> Built:
    """Schedule and write a program.

    Args:
        program: what was recorded.
        parts: how many threads may share a kernel; None for as many as there are.

    Raises:
        NotNativeError: a value in it is neither a real number nor a truth.
    """
    return _Builder(program, parts or threads.count()).build()


class _Builder:
    def __init__(self, program: Program, parts: int) -> None:
        self.program = program
        self.parts = parts
        guards = [_as_guard(vertex) for vertex, _ in program.guards]
        outputs = as_primitives([*program.outputs, *guards])
        computed: dict[Vertex, Apply] = {}
        for vertex in outputs:
            if vertex not in computed:
                computed[vertex] = _computed(vertex)
        given = [
            _for_slot(computed[vertex], output)
            for vertex, output in zip(outputs, program.outputs, strict=False)
        ]
        self.distinct = list(dict.fromkeys(given))
        self.results = [self.distinct.index(vertex) for vertex in given]
        # A guard may be an output, too, and still has a place of its own.
        self.wanted = [*self.distinct, *(_copy(vertex) for vertex in outputs[len(given) :])]
        # Whether all indices were in range; see `chainrule.native.gather`.
        self.checks = checks(self.wanted, {*program.captured})
        self.plan = schedule([*self.wanted, *self.checks])
        for vertex in self.plan.roles:
            if not is_native(dtype_of(vertex.value)):
                raise NotNativeError(f"{vertex} has dtype {dtype_of(vertex.value)}")
        known = {*program.inputs, *program.captured}
        self.fixed = [
            vertex
            for vertex, role in self.plan.roles.items()
            if role is Role.MEMORY and vertex not in known
        ]
        self.arena = Arena()
        self.buffers: dict[Vertex, Buffer] = {}
        self.code: list[str] = []
        self.functions: set[tuple[str, str]] = set()
        self.products: set[tuple[str, str]] = set()
        self.declarations: set[str] = set()
        self.count = 0  # of products
        self.work = 0
        self.flops = 0

    def build(self) -> Built:
        leaves = [*self.program.inputs, *self.program.captured, *self.fixed]
        first = len(leaves)
        for k, leaf in enumerate(leaves):
            self.buffers[leaf] = Buffer(k)
        for k, vertex in enumerate(self.wanted):
            self.buffers[vertex] = Buffer(first + k)
        self.arena_index = first + len(self.wanted)
        for check in self.checks:
            self.buffers[check] = Buffer(self.arena_index, self.arena.take(_bytes(check)))
        steps = self._steps()
        ir = self._module(steps)
        return Built(
            self.program,
            ir,
            steps,
            self.plan,
            self.buffers,
            [np.ascontiguousarray(vertex.value) for vertex in self.fixed],
            self.wanted,
            self.results,
            len(self.distinct),
            self.arena.size,
            self.work,
            self.flops,
            self.checks,
        )

    # Memory.

    def _steps(self) -> list[str | Call]:
        surveys = {
            k: Survey(step, self.plan)
            for k, step in enumerate(self.plan.steps)
            if isinstance(step, Kernel)
        }
        reads = [
            surveys[k].loads if isinstance(step, Kernel) else self._bases(step)
            for k, step in enumerate(self.plan.steps)
        ]
        last = {vertex: k for k, bases in enumerate(reads) for vertex in bases}
        leaving: dict[int, list[Vertex]] = {}
        for vertex, k in last.items():
            leaving.setdefault(k, []).append(vertex)
        steps: list[str | Call] = []
        segment: list[str] = []
        ended = 0  # the work up to the end of the last segment
        places: dict[Vertex, int] = {}
        for k, step in enumerate(self.plan.steps):
            if self.work - ended > _WORTH_UNLOCKING:
                self._end(segment, steps)
                ended = self.work
            made = step.roots if isinstance(step, Kernel) else [step]
            for vertex in made:
                self._place(vertex, places)
            if isinstance(step, Kernel):
                segment += self._kernel(f"kernel{k}", surveys[k])
            elif self.plan.roles[step] is Role.PRODUCT and product.has_room(step):
                segment += self._product(step)
            elif self.plan.roles[step] is Role.SCATTER:
                segment += self._scatter(step)
            elif self.plan.roles[step] is not Role.JOIN:
                self._end(segment, steps)
                steps.append(Call(step))
            for vertex in [*leaving.get(k, []), *(v for v in made if v not in last)]:
                if vertex in places:
                    self.arena.give(places.pop(vertex))
        self._end(segment, steps)
        return steps

    def _place(self, vertex: Vertex, places: dict[Vertex, int]) -> None:
        """Give a vertex memory: a part of an array that it is a part of, or of the arena."""
        if vertex in self.buffers:
            return
        target = self.plan.targets.get(vertex)
        if target is not None:
            self._place(target.base, places)
            whole = self.buffers[target.base]
            offset = target.offset * dtype_of(vertex.value).itemsize
            self.buffers[vertex] = Buffer(whole.index, whole.offset + offset)
            return
        places[vertex] = self.arena.take(_bytes(vertex))
        self.buffers[vertex] = Buffer(self.arena_index, places[vertex])

    def _bases(self, step: Apply) -> set[Vertex]:
        return {viewed(x, self.plan.stored)[0] for x in step.operands}

    def _end(self, segment: list[str], steps: list[str | Call]) -> None:
        """Make a function of the lines that came together."""
        if not segment:
            return
        name = f"segment{len(steps)}"
        self.code += [f"define void @{name}(ptr %buffers) {{", *segment, "  ret void", "}"]
        steps.append(name)
        segment.clear()

    # Steps.

    def _kernel(self, name: str, survey: Survey) -> list[str]:
        taken: list[int] = []

        def reserve(size: int) -> Buffer:
            taken.append(self.arena.take(size))
            return Buffer(self.arena_index, taken[-1])

        parts = 1
        if survey.nest.rows >= 2 * self.parts and survey.size >= 8192:
            parts = self.parts
        emitted = write(name, survey, self.buffers, reserve, parts)
        if parts > 1 and emitted.work < _WORTH_SHARING:
            for offset in taken:
                self.arena.give(offset)
            taken.clear()
            parts = 1
            emitted = write(name, survey, self.buffers, reserve, parts)
        for offset in taken:
            self.arena.give(offset)
        self.code.append(emitted.text)
        self.functions |= emitted.functions
        self.declarations |= emitted.declarations
        self.work += emitted.work
        code = Code(f"{emitted.name}.")
        for total in emitted.sums:
            self._fill(code, total, parts)
        if parts > 1:
            call = f"call void @cr.parallel(ptr @{emitted.name}, ptr %buffers, "
            code.add(f"{call}i64 {emitted.rows}, i64 {parts})")
        else:
            code.add(f"call void @{emitted.name}(ptr %buffers, i64 0, i64 {emitted.rows}, i64 0)")
        for total in emitted.sums:
            if total.copies is not None:
                self._gather(code, total, parts)
        return code.lines

    def _product(self, vertex: Apply) -> list[str]:
        self.count += 1
        code = Code(f"product{self.count}.")
        self.flops += product.flops(vertex)
        self.work += product.flops(vertex) // 20
        self.products.add(product.emit(vertex, self.plan.stored, self._pointer, code))
        return code.lines

    def _scatter(self, vertex: Apply) -> list[str]:
        name = f"scatter{len(self.code)}"
        g, *indices = vertex.operands[1:]
        self.code.append(scatter.definition(name, vertex))
        self.work += numbers.prod(shape(g)) * 2
        code = Code(f"{name}.")
        accesses = [contiguous(vertex), *(memory_of(x, self.plan.stored) for x in (g, *indices))]
        pointers = [f"ptr {self._pointer(code, access)}" for access in accesses if access]
        code.add(f"call void @{name}({', '.join(pointers)})")
        return code.lines

    def _pointer(self, code: Code, access: Access) -> str:
        buffer = self.buffers[access.base]
        offset = buffer.offset + access.offset * dtype_of(access.base.value).itemsize
        return self._address(code, Buffer(buffer.index, offset))

    def _address(self, code: Code, buffer: Buffer) -> str:
        slot = code.let(f"getelementptr ptr, ptr %buffers, i64 {buffer.index}")
        base = code.let(f"load ptr, ptr {slot}")
        if not buffer.offset:
            return base
        return code.let(f"getelementptr i8, ptr {base}, i64 {buffer.offset}")

    def _result(self) -> list[str]:
        """Return 0, or 1 where an index was out of range."""
        code, ok = Code("check"), "true"
        for vertex in self.checks:
            pointer = self._address(code, self.buffers[vertex])
            found = load(code, pointer, np.dtype(bool), False)
            ok = code.let(f"and i1 {ok}, {found}")
        failed = code.let(f"xor i1 {ok}, true")
        code.add(f"ret i32 {code.let(f'zext i1 {failed} to i32')}")
        return code.lines

    # Sums that rows add into.

    def _fill(self, code: Code, total: Sum, parts: int) -> None:
        kind = memory_type(total.dtype)
        start = constant(COMBINE[total.name][2], total.dtype)
        if total.dtype.kind == "b":
            start = "1" if start == "true" else "0"
        target = total.result if total.copies is None else total.copies
        for part in range(parts if total.copies is not None else 1):
            offset = target.offset + part * total.step
            pointer = self._address(code, Buffer(target.index, offset))
            code.add(f"call void @cr.fill.{kind}(ptr {pointer}, i64 {total.size}, {kind} {start})")
        self.declarations.add(_FILL.format(kind=kind))

    def _gather(self, code: Code, total: Sum, parts: int) -> None:
        kind = memory_type(total.dtype)
        assert total.copies is not None
        copies = self._address(code, total.copies)
        result = self._address(code, total.result)
        name = f"cr.gather.{total.name}.{kind}"
        code.add(
            f"call void @{name}(ptr {result}, ptr {copies}, i64 {total.size}, i64 {total.step}, "
            f"i64 {parts})"
        )
        self.declarations.add(_gather(name, total))

    def _module(self, steps: list[str | Call]) -> str:
        segments = [step for step in steps if isinstance(step, str)]
        parts = [
            *sorted(self.declarations),
            math.definitions(sorted(self.functions)),
            blas.definitions(sorted(self.products)),
            threads.DECLARATION,
            interrupts.DECLARATION,
            *self.code,
            interrupts.run(segments, self._result()),
            METADATA,
        ]
        return "\n".join(parts)


_FILL = """\
define internal void @cr.fill.{kind}(ptr %to, i64 %count, {kind} %value) {{
entry:
  %some = icmp ne i64 %count, 0
  br i1 %some, label %loop, label %done
loop:
  %k = phi i64 [ 0, %entry ], [ %next, %loop ]
  %at = getelementptr {kind}, ptr %to, i64 %k
  store {kind} %value, ptr %at
  %next = add nuw i64 %k, 1
  %more = icmp ult i64 %next, %count
  br i1 %more, label %loop, label %done
done:
  ret void
}}"""


def _gather(name: str, total: Sum) -> str:
    """Write the function that combines the copies of a sum."""
    kind = memory_type(total.dtype)
    floating, integer, _ = COMBINE[total.name]
    if total.name in ("max", "min"):
        suffix = "f64" if kind == "double" else "f32"
        combine = f"call {kind} @llvm.{floating}.{suffix}({kind} %sum, {kind} %value)"
    else:
        combine = f"{floating if total.dtype.kind == 'f' else integer} {kind} %sum, %value"
    return f"""\
define internal void @{name}(ptr %to, ptr %copies, i64 %count, i64 %step, i64 %parts) {{
entry:
  %some = icmp ne i64 %count, 0
  br i1 %some, label %loop, label %done
loop:
  %k = phi i64 [ 0, %entry ], [ %next, %last ]
  %first = getelementptr {kind}, ptr %copies, i64 %k
  %start = load {kind}, ptr %first
  br label %parts.loop
parts.loop:
  %part = phi i64 [ 1, %loop ], [ %part.next, %body ]
  %sum = phi {kind} [ %start, %loop ], [ %new, %body ]
  %more.parts = icmp ult i64 %part, %parts
  br i1 %more.parts, label %body, label %last
body:
  %offset = mul i64 %part, %step
  %copy = getelementptr i8, ptr %first, i64 %offset
  %value = load {kind}, ptr %copy
  %new = {combine}
  %part.next = add nuw i64 %part, 1
  br label %parts.loop
last:
  %at = getelementptr {kind}, ptr %to, i64 %k
  store {kind} %sum, ptr %at
  %next = add nuw i64 %k, 1
  %more = icmp ult i64 %next, %count
  br i1 %more, label %loop, label %done
done:
  ret void
}}"""


def _slot(value: Any) -> Slot:
    if type(value) is float:
        return Slot("float", np.dtype(np.float64))
    kind: Literal["array", "scalar"] = "array" if isinstance(value, np.ndarray) else "scalar"
    return Slot(kind, dtype_of(value), np.shape(value))


def _guard(seen: bool | int | float) -> Guard:
    if isinstance(seen, bool):
        return "bool", seen
    return ("int", seen) if isinstance(seen, int) else ("float", seen)


def _renumbered(structure: Structure, results: Sequence[int]) -> Structure:
    if isinstance(structure, int):
        return results[structure]
    return tuple(_renumbered(part, results) for part in structure)


def _for_slot(vertex: Apply, output: Vertex) -> Apply:
    """Widen a whole number to the eight bytes of its slot."""
    dtype = dtype_of(output.value)
    if isinstance(output.value, np.ndarray) or dtype.kind not in "iu" or dtype.itemsize == 8:
        return vertex
    wide = np.dtype(f"{dtype.kind}8")
    return Apply(astype, (vertex,), {"dtype": wide}, np.asarray(output.value).astype(wide)[()])


def _as_guard(vertex: Vertex) -> Vertex:
    """Return what a guard compares, as eight bytes."""
    dtype = np.dtype(np.float64 if dtype_of(vertex.value).kind == "f" else np.int64)
    value = np.asarray(vertex.value).astype(dtype)
    return Apply(astype, (vertex,), {"dtype": dtype}, value)


def _computed(vertex: Vertex) -> Apply:
    """Make a result something that is computed, into memory of its own."""
    if isinstance(vertex, Apply) and role_of(vertex) not in (Role.VIEW, Role.NUMBER):
        return vertex
    return _copy(vertex)


def _copy(vertex: Vertex) -> Apply:
    return Apply(identity, (vertex,), {}, vertex.value)


def _bytes(vertex: Vertex) -> int:
    return numbers.prod(shape(vertex)) * dtype_of(vertex.value).itemsize
