"""A loop over arrays as LLVM IR: a function that calls its body, turn after turn.

The body is made of functions ``void(ptr buffers)`` like those outside of loops. What moves with the
turns it finds in the table: the turn itself, from which it reckons where an entry of a tape lies;
and for a state that is not changed in place, two pointers, to what it was and to what it will be,
which are exchanged after each turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from chainrule.graph.graph import Apply, Vertex
from chainrule.native.ir.buffers import Buffer, address, integer, load, slot
from chainrule.native.ir.moving import Word, moving
from chainrule.native.ir.text import Code
from chainrule.native.lower.array_loop import ArrayLoop, Until
from chainrule.native.runtime import interrupts
from chainrule.native.schedule.memory import Memory
from chainrule.native.schedule.plan import Schedule

__all__ = ["Frame", "Watch"]

#: The words by which a loop looks for signals: when it last did, and whether one has ended the run.
Watch: TypeAlias = tuple[Word, Word]

_COPY = "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)"


class Frame:
    """Where the vertices of a body lie, and the loop around it.

    Attributes:
        body: the schedule of a turn.
        known: where its variables and results lie.
        declarations: what the definition refers to.
    """

    def __init__(self, name: str, vertex: Apply, plan: Schedule, memory: Memory) -> None:
        assert isinstance(vertex.operation, ArrayLoop)
        self.name, self.loop, self.memory = name, vertex.operation, memory
        self.body = plan.bodies[vertex]
        self.known: dict[Vertex, Buffer] = {}
        self.declarations: set[str] = set()
        self.reserved: list[Buffer] = []
        self.swaps: list[tuple[Word, Word, Buffer, Buffer, int]] = []
        self.copies: list[tuple[Buffer, Buffer, int]] = []
        loop = self.loop
        memory.word(loop.turn)
        if loop.until is not None:
            memory.word(loop.until.word)
        operands = iter([self._operand(x, plan) for x in vertex.operands])
        outputs = iter(self.body.outputs)
        self.counter: Buffer | None = None
        made = {x.params["which"]: memory.at(plan.memory(x)) for x in plan.results[vertex]}
        for k, state in enumerate(loop.states):
            home = next(operands)
            self._state(state.input, next(outputs), home)
            if loop.until is not None and loop.until.count == k:
                self.counter = home
        for which, tape in enumerate(loop.tapes, len(loop.states)):
            size = tape.result.nbytes
            whole = made.get(which) or self._reserve(size * (tape.leading + loop.most))
            here = Buffer(whole.index, whole.offset + moving(loop.turn, size))
            for k in range(tape.leading):
                place = Buffer(whole.index, whole.offset + k * size)
                self.copies.append((place, next(operands), size))
            if tape.input is not None:
                self.known[tape.input] = here
            self.known[next(outputs)] = Buffer(here.index, here.offset + tape.leading * size)
        for which, last in enumerate(loop.lasts, len(loop.states) + len(loop.tapes)):
            self.known[next(outputs)] = made.get(which) or self._reserve(last.nbytes)
        for x in loop.invariants:
            self.known[x] = next(operands)

    def _operand(self, vertex: Vertex, plan: Schedule) -> Buffer:
        access = plan.access(vertex)
        assert access is not None
        return self.memory.at(access)

    def _reserve(self, size: int) -> Buffer:
        self.reserved.append(self.memory.reserve(size))
        return self.reserved[-1]

    def _state(self, variable: Vertex, output: Vertex, home: Buffer) -> None:
        """Find a place for a state: in place where the body writes over what it was."""
        target = self.body.versions.targets.get(variable)
        if target is not None and target.base is output:
            self.known[variable] = self.known[output] = home
            return
        old, new = (self.memory.word(Word(name)) for name in ("old", "new"))
        self.known[variable], self.known[output] = Buffer(old.index), Buffer(new.index)
        if target is not None:
            self.known[target.base] = self.known[variable]
        size = variable.nbytes
        self.swaps.append((old, new, home, self._reserve(size), size))

    def release(self) -> None:
        """Let what the loop needed for itself be used again."""
        for buffer in self.reserved:
            self.memory.release(buffer)

    def definition(self, steps: Sequence[str], watch: Watch | None, every: int) -> str:
        """Write ``void(ptr buffers)``.

        Args:
            steps: the functions that make up a turn.
            watch: where it looks for signals, if it does.
            every: after how many turns.
        """
        loop, entry, turn, end = self.loop, Code("e"), Code("t"), Code("d")
        for place, given, size in self.copies:
            self._copy(entry, place, given, size)
        for old, new, home, other, _ in self.swaps:
            entry.add(f"store ptr {address(entry, home)}, ptr {slot(entry, old)}")
            entry.add(f"store ptr {address(entry, other)}, ptr {slot(entry, new)}")
        turns = integer(entry, loop.turns)
        entry.add(f"%some = icmp sgt i64 {turns}, 0")
        turn.add(f"store i64 %turn.k, ptr {slot(turn, loop.turn)}")
        for step in steps:
            turn.add(f"call void @{step}(ptr %buffers)")
        done = Code("f")
        until, last = loop.until, turns
        if until is not None:
            assert self.counter is not None
            output = self.known[self.body.outputs[until.condition]]
            condition = load(turn, address(turn, output), np.dtype(bool))
            turn.add(f"%same = icmp eq i1 {condition}, {str(until.answer).lower()}")
            last = "%turn.next"
            self._tell(done, until)
        for old, new, _, _, _ in self.swaps:
            first, second = slot(turn, old), slot(turn, new)
            was, will = turn.let(f"load ptr, ptr {first}"), turn.let(f"load ptr, ptr {second}")
            turn.add(f"store ptr {will}, ptr {first}")
            turn.add(f"store ptr {was}, ptr {second}")
        marks = [slot(entry, word) for word in watch or ()]
        for _, _, home, other, size in self.swaps:
            self._copy(end, home, other, size)
        lines = [
            f"define internal void @{self.name}(ptr %buffers) noinline {{",
            "entry:",
            *entry.lines,
            "  br i1 %some, label %turn, label %done",
            "turn:",
            f"  %turn.k = phi i64 [ 0, %entry ], [ %turn.next, %{'go.on' if watch else 'turn'} ]",
            *turn.lines,
            "  %turn.next = add nuw nsw i64 %turn.k, 1",
            *(interrupts.between_turns(marks[0], marks[1], every) if marks else []),
            f"  %turn.inside = icmp ult i64 %turn.next, {turns}",
            f"  %turn.more = and i1 %turn.inside, {'true' if until is None else '%same'}",
            "  br i1 %turn.more, label %turn, label %end",
            "end:",
            f"  %odd = trunc i64 {last} to i1",
            "  br i1 %odd, label %back, label %done",
            "back:",
            *end.lines,
            "  br label %done",
            "done:",
            *done.lines,
            "  ret void",
            "}",
        ]
        return "\n".join(lines)

    def _tell(self, code: Code, until: Until) -> None:
        """Write how many turns were counted where all that comes later looks."""
        assert self.counter is not None
        count = load(code, address(code, self.counter), np.dtype(np.int64))
        low = code.let(f"icmp slt i64 {count}, {until.least}")
        safe = code.let(f"select i1 {low}, i64 {until.least}, i64 {count}")
        high = code.let(f"icmp sgt i64 {safe}, {until.most}")
        safe = code.let(f"select i1 {high}, i64 {until.most}, i64 {safe}")
        more = code.let(f"sub i64 {safe}, {until.least}")
        code.add(f"store i64 {more}, ptr {slot(code, until.word)}")

    def _copy(self, code: Code, to: Buffer, given: Buffer, size: int) -> None:
        self.declarations.add(_COPY)
        places = f"ptr {address(code, to)}, ptr {address(code, given)}"
        code.add(f"call void @llvm.memcpy.p0.p0.i64({places}, i64 {size}, i1 false)")
