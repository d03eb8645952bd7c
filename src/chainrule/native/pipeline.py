"""From a program to machine code: scheduled, laid out in memory, written as LLVM IR, compiled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.graph.graph import Apply, Vertex, copied
from chainrule.graph.loops.extrapolate import NotAlikeError
from chainrule.native.codegen import reductions, scatter
from chainrule.native.codegen.build import loops_of
from chainrule.native.codegen.llvm import Emitted, write
from chainrule.native.codegen.loop_ir import LoopNest
from chainrule.native.codegen.loops import METADATA
from chainrule.native.codegen.turns import turns_loop, write_turns
from chainrule.native.entry.layout import Layout, guard_of, renumbered, slot_of
from chainrule.native.ir import math
from chainrule.native.ir.buffers import Buffer, address, load
from chainrule.native.ir.text import Code, is_native
from chainrule.native.lower.gather import checks
from chainrule.native.lower.looped import of_long_loops, with_loops
from chainrule.native.lower.primitives import as_primitives
from chainrule.native.lower.roles import Role
from chainrule.native.lower.turns import Turns
from chainrule.native.matmul import blas, product
from chainrule.native.record.program import Program
from chainrule.native.results import Results, results_of
from chainrule.native.runtime import interrupts, threads
from chainrule.native.schedule.fusion import Kernel, Schedule, schedule
from chainrule.native.schedule.memory import Memory
from chainrule.native.schedule.survey import Survey

__all__ = ["Built", "Call", "NotNativeError", "build"]

# Rough nanoseconds of work from which on other threads may run, and signals are looked for.
_WORTH_UNLOCKING = 50_000
_WORTH_SHARING = 60_000  # rough nanoseconds of work from which on threads share a kernel
_MANY = 500  # vertices up to which LLVM may make one function of all kernels


class NotNativeError(Exception):
    """A program holds values that have no place in the memory of machine code, such as objects."""


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
    results: Results
    arena_bytes: int
    work: int  # rough nanoseconds
    flops: int
    checks: list[Vertex]  # whether indices are in range, in memory

    @property
    def layout(self) -> Layout:
        """What the code takes and gives."""
        program, which = self.program, self.results.numbers
        outputs = [program.outputs[which.index(k)].value for k in range(len(self.results.distinct))]
        captured = [*(constant.value for constant in program.captured), *self.fixed]
        return Layout(
            inputs=tuple(slot_of(leaf.value) for leaf in program.inputs),
            captured=tuple(map(slot_of, captured)),
            outputs=tuple(map(slot_of, outputs)),
            guards=tuple(guard_of(seen) for _, seen in program.guards),
            arena_bytes=self.arena_bytes,
            releases_lock=self.work > _WORTH_UNLOCKING,
            structure=None if program.structure is None else renumbered(program.structure, which),
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
        NotNativeError: a value in it is neither a number nor a truth, or one that the function
            takes, gives or looks at is a single number that registers do not hold.
        NotAlikeError: it was recorded in few turns, from which all do not follow.
    """
    return _Builder(program, parts or threads.count()).build()


def _has_memory(dtype: np.dtype[Any]) -> bool:
    """Tell whether arrays of a dtype may lie in memory, for NumPy to compute with."""
    return dtype.kind in "iubfc" and dtype.isnative


def _lowered(program: Program) -> tuple[Results, list[Vertex]]:
    """Return the results of a program in terms of primitives, and all that is to be computed.

    Raises:
        NotAlikeError: the recordings of long loops have not one program in common.
    """
    family = program.family
    members = [program, *(family.programs if family is not None else ())]
    results, *others = [results_of(member) for member in members]
    # Whether all indices were in range; see `chainrule.native.lower.gather`.
    graphs = [
        [*own.vertices, *checks(own.vertices, {*member.captured})]
        for own, member in zip([results, *others], members, strict=True)
    ]
    if family is None:
        return results, with_loops(graphs[0])
    if any(other.numbers != results.numbers for other in others):
        raise NotAlikeError("another number of results")
    leaves: dict[Vertex, Vertex] = {}
    for member in members:
        leaves |= zip(member.inputs, program.inputs, strict=True)
        leaves |= zip(member.captured, program.captured, strict=True)
    asked = zip(*(member.conditions for member in members), strict=True)
    conditions = [[as_primitives(graph) for graph in graphs] for graphs in asked]
    vertices, guards = of_long_loops(graphs, conditions, leaves, family)
    first = len(results.distinct)
    for trips, guard in zip(family.trips, guards, strict=True):
        vertices[first + trips.guard] = copied(guard)
    return results, vertices


def _counts(vertex: Vertex) -> bool:
    """Tell whether a vertex is a loop that counts its turns."""
    operation = vertex.operation if isinstance(vertex, Apply) else None
    return isinstance(operation, Turns) and operation.until is not None


class _Builder:
    def __init__(self, program: Program, parts: int) -> None:
        self.program = program
        self.parts = parts
        results, vertices = _lowered(program)
        self.plan = schedule(vertices)
        self.counting = [x for x in self.plan.roles if _counts(x)]
        count = len(results.vertices)
        wanted, self.checks = self.plan.outputs[:count], self.plan.outputs[count:]
        self.results = results.renewed(wanted)
        for vertex in self.plan.roles:
            if not _has_memory(vertex.dtype):
                raise NotNativeError(f"{vertex} has dtype {vertex.dtype}")
        for vertex in [*program.inputs, *program.outputs, *(guard for guard, _ in program.guards)]:
            if not (isinstance(vertex.value, np.ndarray) or is_native(vertex.dtype)):
                raise NotNativeError(f"{vertex} is a number of dtype {vertex.dtype}")
        leaves: list[Vertex] = [*program.inputs, *program.captured]
        known = set(leaves)
        self.fixed = [
            vertex
            for vertex, role in self.plan.roles.items()
            if role is Role.MEMORY and vertex not in known
        ]
        self.memory = Memory([*leaves, *self.fixed, *wanted], self.plan)
        for check in (*self.checks, *self.counting):
            self.memory.keep(check)
        self.code: list[str] = []
        self.functions: set[tuple[str, str]] = set()
        self.calls_apart: list[tuple[str, str]] = []
        self.products: set[tuple[str, str]] = set()
        self.declarations: set[str] = set()
        self.count = 0  # of products
        self.work = 0
        self.flops = 0

    def build(self) -> Built:
        steps = self._steps()
        if self.counting and (self.checks or any(isinstance(step, Call) for step in steps)):
            raise NotAlikeError("turns that are counted between calls of NumPy")
        ir = self._module(steps)
        return Built(
            self.program,
            ir,
            steps,
            self.plan,
            self.memory.buffers,
            [np.ascontiguousarray(vertex.value) for vertex in self.fixed],
            self.results,
            self.memory.arena_bytes,
            self.work,
            self.flops,
            self.checks,
        )

    # The order of steps.

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
        for k, step in enumerate(self.plan.steps):
            if self.work - ended > _WORTH_UNLOCKING:
                self._end(segment, steps)
                ended = self.work
            made = step.roots if isinstance(step, Kernel) else [step]
            for vertex in made:
                self.memory.place(vertex)
            if isinstance(step, Kernel):
                segment += self._kernel(f"kernel{k}", surveys[k])
            elif self.plan.roles[step] is Role.PRODUCT and product.has_room(step):
                segment += self._product(step)
            elif self.plan.roles[step] is Role.SCATTER:
                segment += self._scatter(step)
            elif self.plan.roles[step] is Role.LOOP:
                segment += self._turns(step)
            elif self.plan.roles[step] is not Role.JOIN:
                self._end(segment, steps)
                steps.append(Call(step))
            for vertex in [*leaving.get(k, []), *(v for v in made if v not in last)]:
                self.memory.free(vertex)
        self._end(segment, steps)
        return steps

    def _bases(self, step: Apply) -> set[Vertex]:
        return {self.plan.memory(self.plan.viewed(x)[0]).base for x in step.operands}

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
        parts = self.parts if survey.nest.rows >= 2 * self.parts and survey.size >= 8192 else 1
        loops = loops_of(survey)
        emitted = self._written(name, loops, parts)
        if parts > 1 and emitted.work < _WORTH_SHARING:
            parts = 1
            emitted = self._written(name, loops, parts)
        self.code.append(emitted.text)
        self.functions |= emitted.functions
        self.calls_apart += emitted.calls_apart
        self.declarations |= emitted.declarations
        self.work += emitted.work
        code = Code(f"{emitted.name}.")
        for total in emitted.sums:
            reductions.fill(code, total, parts)
        if parts > 1:
            call = f"call void @cr.parallel(ptr @{emitted.name}, ptr %buffers, "
            code.add(f"{call}i64 {emitted.rows}, i64 {parts})")
        else:
            code.add(f"call void @{emitted.name}(ptr %buffers, i64 0, i64 {emitted.rows}, i64 0)")
        for total in emitted.sums:
            reductions.combine_copies(code, total, parts)
        self.declarations |= code.declarations
        return code.lines

    def _written(self, name: str, loops: LoopNest, parts: int) -> Emitted:
        """Write a kernel; what memory it has for itself is free afterwards."""
        taken: list[Buffer] = []

        def reserve(size: int) -> Buffer:
            taken.append(self.memory.reserve(size))
            return taken[-1]

        is_one_of_many = len(self.plan.placed) > _MANY
        emitted = write(name, loops, self.memory.buffers, reserve, parts, is_one_of_many)
        for buffer in taken:
            self.memory.release(buffer)
        return emitted

    def _product(self, vertex: Apply) -> list[str]:
        self.count += 1
        code = Code(f"product{self.count}.")
        work = product.flops(vertex) // 20
        self.flops += product.flops(vertex)
        self.work += work
        parts = self.parts if work >= _WORTH_SHARING else 1
        a, b = self.plan.accesses(vertex)
        c = self.plan.memory(vertex)
        self.products |= product.emit(a, b, c, self.memory.pointer, parts, code)
        self.declarations |= code.declarations
        return code.lines

    def _scatter(self, vertex: Apply) -> list[str]:
        name = f"scatter{len(self.code)}"
        self.code.append(scatter.definition(name, vertex))
        self.work += vertex.operands[1].size * 2
        code = Code(f"{name}.")
        read = self.plan.accesses(vertex)[1:]
        pointers = [
            f"ptr {self.memory.pointer(code, access)}"
            for access in (self.plan.memory(vertex), *read)
        ]
        code.add(f"call void @{name}({', '.join(pointers)})")
        return code.lines

    def _turns(self, vertex: Apply) -> list[str]:
        name = f"turns{len(self.code)}"
        emitted = write_turns(name, turns_loop(vertex, self.plan), self.memory.buffers)
        self.code.append(emitted.text)
        self.work += emitted.work
        self.functions |= emitted.functions
        self.declarations |= emitted.declarations
        return [f"  call void @{name}(ptr %buffers)"]

    # The whole.

    def _in_range(self) -> list[str]:
        """Return 0, or 1 where an index was out of range."""
        code, ok = Code("check"), "true"
        for vertex in self.checks:
            pointer = address(code, self.memory.buffers[vertex])
            found = load(code, pointer, np.dtype(bool))
            ok = code.let(f"and i1 {ok}, {found}")
        failed = code.let(f"xor i1 {ok}, true")
        code.add(f"ret i32 {code.let(f'zext i1 {failed} to i32')}")
        return code.lines

    def _stopped(self) -> list[str]:
        """Return as ``%stopped`` whether a signal has ended the counting of turns."""
        code, found = Code("stop"), "false"
        for vertex in self.counting:
            pointer = address(code, self.memory.buffers[vertex])
            count = load(code, pointer, vertex.dtype)
            negative = code.let(f"icmp slt i64 {count}, 0")
            found = code.let(f"or i1 {found}, {negative}")
        return [*code.lines, f"  %stopped = or i1 {found}, false"] if self.counting else []

    def _module(self, steps: list[str | Call]) -> str:
        segments = [step for step in steps if isinstance(step, str)]
        parts = [
            *sorted(self.declarations),
            math.definitions(sorted(self.functions), self.calls_apart),
            blas.definitions(sorted(self.products)),
            threads.DECLARATION,
            interrupts.DECLARATION,
            *self.code,
            interrupts.run(segments, self._in_range(), self._stopped()),
            METADATA,
        ]
        return "\n".join(parts)
