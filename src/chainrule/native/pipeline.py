"""From a program to machine code: scheduled, laid out in memory, written as LLVM IR, compiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.placeholder import is_array
from chainrule.graph.graph import Apply, Constant, Vertex
from chainrule.graph.loops.extrapolate import NotAlikeError
from chainrule.native.codegen.array_loop import Watch
from chainrule.native.codegen.loops import METADATA
from chainrule.native.donation import donate
from chainrule.native.entry.layout import Layout, bits, guard_of, renumbered, slot_of
from chainrule.native.ir import math
from chainrule.native.ir.buffers import Buffer, address, load
from chainrule.native.ir.moving import Word
from chainrule.native.ir.text import Code, is_native
from chainrule.native.lower.array_loop import ArrayLoop
from chainrule.native.lower.pairs import in_pairs
from chainrule.native.lower.roles import Role, role_of
from chainrule.native.lower.turns import Turns
from chainrule.native.lowered import lowered
from chainrule.native.matmul import blas, product
from chainrule.native.record.program import Program
from chainrule.native.results import Results
from chainrule.native.runtime import interrupts, threads
from chainrule.native.schedule.epilogues import make_epilogues
from chainrule.native.schedule.fusion import schedule
from chainrule.native.schedule.memory import Memory
from chainrule.native.schedule.plan import Schedule
from chainrule.native.steps import WORTH_UNLOCKING, Call, Module, Steps

__all__ = ["Built", "Call", "NotNativeError", "build"]


class NotNativeError(Exception):
    """A program holds values that have no place in the memory of machine code, such as objects."""


@dataclass
class Built:
    """What `build` made: segments of machine code in one library, and the calls between them.

    ``real`` is the program as it was built, of real numbers alone.
    ``steps`` are names of functions ``void(ptr buffers)`` and calls, in order; where there is no
    call, ``@run`` does it all, and looks for signals between the functions. ``buffers`` tells where
    each stored vertex lies.
    """

    program: Program
    real: Program
    ir: str
    steps: list[str | Call]
    schedule: Schedule
    buffers: dict[Vertex, Buffer]
    fixed: list[np.ndarray[Any, Any]]  # arrays that rules made, after the captured ones
    results: Results
    arena_bytes: int
    words: int  # entries of the table that loops need
    work: int  # rough nanoseconds
    flops: int
    checks: list[Vertex]  # whether indices are in range, in memory
    donors: dict[int, int]  # for results that are written over inputs, the numbers of these

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
            releases_lock=self.work > WORTH_UNLOCKING,
            structure=None if program.structure is None else renumbered(program.structure, which),
            words=self.words,
            arguments=program.arguments,
            donors=self.donors,
        )

    @property
    def calls(self) -> list[Call]:
        """The operations that NumPy computes."""
        return [step for step in self.steps if isinstance(step, Call)]


def build(
    program: Program, parts: int | None = None, donors: Mapping[int, int] | None = None
) -> Built:
    """Schedule and write a program.

    Args:
        program: what was recorded.
        parts: how many threads may share a kernel; None for as many as there are.
        donors: for outputs, by number, the numbers of inputs whose memory they may take: of all of
            them, or of none where that cannot be.

    Raises:
        NotNativeError: a value in it is neither a number nor a boolean, or one that the function
            takes, gives or looks at is a single number that registers do not hold.
        NotAlikeError: it was recorded in few turns, from which all do not follow.
    """
    return _Builder(program, parts or threads.count(), donors or {}).build()


def _has_memory(dtype: np.dtype[Any]) -> bool:
    """Tell whether arrays of a dtype may lie in memory, for NumPy to compute with."""
    return dtype.kind in "iubfc" and dtype.isnative


def _counts(vertex: Vertex) -> bool:
    """Tell whether a vertex is a loop that counts its turns."""
    operation = vertex.operation if isinstance(vertex, Apply) else None
    return isinstance(operation, Turns) and operation.until is not None


def _is_ending(vertex: Vertex) -> bool:
    """Tell whether a vertex is a loop over arrays that counts its turns."""
    operation = vertex.operation if isinstance(vertex, Apply) else None
    return isinstance(operation, ArrayLoop) and operation.until is not None


class _Builder:
    def __init__(self, program: Program, parts: int, donors: Mapping[int, int]) -> None:
        self.given, self.program = program, in_pairs(program)
        self.parts = parts
        results, vertices = lowered(self.program)
        self.plan = schedule(vertices)
        self.counting = [x for x in self.plan.roles if _counts(x)]
        self.ends = any(map(_is_ending, self.plan.roles))
        count = len(results.vertices)
        wanted, self.checks = self.plan.outputs[:count], self.plan.outputs[count:]
        self.results = results.renewed(wanted)
        for vertex in self.plan.vertices():
            if not _has_memory(vertex.dtype):
                raise NotNativeError(f"{vertex} has dtype {vertex.dtype}")
        seen = [guard for guard, _ in self.program.guards]
        for vertex in [*self.program.inputs, *self.program.outputs, *seen]:
            in_memory = is_array(vertex.value) and _has_memory(vertex.dtype)
            if not (in_memory or is_native(vertex.dtype)):
                raise NotNativeError(f"{vertex} has dtype {vertex.dtype}")
        leaves: list[Vertex] = [*self.program.inputs, *self.program.captured]
        known = set(leaves)
        self.fixed = [
            vertex
            for vertex in self.plan.vertices()
            if isinstance(vertex, Constant)
            and role_of(vertex) is Role.MEMORY
            and vertex not in known
        ]
        self.memory = Memory([*leaves, *self.fixed, *wanted], self.plan)
        for check in (*self.checks, *self.counting):
            self.memory.keep(check)
        self.module = Module(parts, self._is_whole())
        self.donors = {self.results.numbers[k]: given for k, given in donors.items()}
        self.commits = self._donated(wanted) if len(self.donors) == len(donors) > 0 else None
        self._make_epilogues(wanted)

    def build(self) -> Built:
        watch = self.watch = self._watch()
        writer = Steps(self.plan, self.memory, self.module, watch, self.commits)
        steps = writer.write()
        apart = self.checks or any(isinstance(step, Call) for step in steps)
        if (self.counting or self.ends) and apart:
            raise NotAlikeError("turns that are counted between calls of NumPy")
        ir = self._module(steps, writer.committed)
        return Built(
            self.given,
            self.program,
            ir,
            steps,
            self.plan,
            self.memory.buffers,
            [np.ascontiguousarray(vertex.value) for vertex in self.fixed],
            self.results,
            self.memory.arena_bytes,
            len(self.memory.words),
            self.module.work,
            self.module.flops,
            self.checks,
            {} if self.commits is None else self.donors,
        )

    def _donated(self, wanted: Sequence[Vertex]) -> int | None:
        """Let results take the memory of inputs; return the first step that writes there."""
        calls = any(role is Role.CALL for role in self.plan.roles.values())
        if self.counting or self.ends or calls:
            return None
        count = len(self.results.distinct)
        donors: dict[Vertex, Vertex] = {
            wanted[k]: self.program.inputs[given] for k, given in self.donors.items()
        }
        return donate(self.plan, donors, [*wanted[count:], *self.checks])

    def _make_epilogues(self, wanted: Sequence[Vertex]) -> None:
        """Let kernels go on with the rows of products, which are no steps of their own then."""
        first = None if self.commits is None else self.plan.steps[self.commits]
        given = {} if first is None else self.donors
        make_epilogues(self.plan, {wanted[k]: self.program.inputs[x] for k, x in given.items()})
        if first is not None:
            self.commits = next(k for k, step in enumerate(self.plan.steps) if step is first)

    def _is_whole(self) -> bool:
        """Tell whether all of it is machine code: Python does nothing between segments."""
        calls = any(
            role is Role.CALL or (role is Role.PRODUCT and not product.has_room(vertex))  # type: ignore[arg-type]
            for vertex, role in self.plan.roles.items()
        )
        return not (calls or self.checks)

    def _watch(self) -> Watch | None:
        """Return where loops look for signals: nowhere if Python does so between segments."""
        if not (self.module.is_whole and self.plan.bodies):
            return None
        return self.memory.word(Word("asked")), self.memory.word(Word("stopped"))

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

    def _commits(self) -> list[str]:
        """Return as ``%commits`` whether the guards are met, and all indices in range."""
        code, ok = Code("commit"), "true"
        for vertex, (_, seen) in zip(self.results.guards, self.program.guards, strict=True):
            found = load(code, address(code, self.memory.buffers[vertex]), np.dtype(np.int64))
            same = code.let(f"icmp eq i64 {found}, {bits(guard_of(seen))}")
            ok = code.let(f"and i1 {ok}, {same}")
        for check in self.checks:
            found = load(code, address(code, self.memory.buffers[check]), np.dtype(bool))
            ok = code.let(f"and i1 {ok}, {found}")
        return [*code.lines, f"  %commits = and i1 {ok}, true"]

    def _module(self, steps: list[str | Call], committed: int) -> str:
        watch = None if self.watch is None else (self.watch[0].index, self.watch[1].index)
        segments = [step for step in steps if isinstance(step, str)]
        parts = [
            *sorted(self.module.declarations),
            math.definitions(sorted(self.module.functions), self.module.calls_apart),
            blas.definitions(sorted(self.module.products)),
            threads.DECLARATION,
            interrupts.DECLARATION,
            *self.module.code,
            interrupts.run(
                segments,
                self._in_range(),
                watch,
                self._stopped(),
                None if self.commits is None else (committed, self._commits()),
            ),
            METADATA,
        ]
        return "\n".join(parts)
