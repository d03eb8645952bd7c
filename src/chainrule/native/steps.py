"""The steps of a schedule as LLVM IR: kernels, products, loops, and what comes between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from chainrule.graph.graph import Apply, Vertex
from chainrule.native.codegen import array_loop, epilogue, reductions, scatter
from chainrule.native.codegen.build import loops_of
from chainrule.native.codegen.llvm import Emitted, write
from chainrule.native.codegen.loop_ir import LoopNest
from chainrule.native.codegen.turns import turns_loop, write_turns
from chainrule.native.fourier import lines as fourier
from chainrule.native.ir.buffers import Buffer, address, integer
from chainrule.native.ir.moving import moves, this_turn
from chainrule.native.ir.text import Code
from chainrule.native.lower.array_loop import ArrayLoop
from chainrule.native.lower.lapack import Routine
from chainrule.native.lower.roles import Role
from chainrule.native.lower.transforms import lines_of
from chainrule.native.lower.windows import nested_product
from chainrule.native.matmul import product
from chainrule.native.matmul.chunks import chunks
from chainrule.native.schedule.memory import Memory
from chainrule.native.schedule.plan import Kernel, Schedule
from chainrule.native.schedule.survey import Survey

__all__ = ["WORTH_UNLOCKING", "Call", "Module", "Steps"]

# Rough nanoseconds of work from which on other threads may run, and signals are looked for.
WORTH_UNLOCKING = 50_000
_WORTH_SHARING = 60_000  # rough nanoseconds of work from which on threads share a kernel
_WORTH_A_CALL = 100  # rough nanoseconds
_MANY = 500  # vertices up to which LLVM may make one function of all kernels


@dataclass(frozen=True)
class Call:
    """An operation that NumPy computes, between two segments of machine code."""

    vertex: Apply


@dataclass
class Module:
    """What is written into one library.

    Attributes:
        parts: how many threads may share a kernel.
        is_whole: whether it runs as a whole, and nobody outside calls the functions of its steps.
        code: definitions of functions.
        functions: the functions of `chainrule.native.ir.math` that they call.
        calls_apart: those that they call outside of loops over entries, as often as they do.
        products: the functions of BLAS that they call.
        declarations: what else they refer to.
        work: rough nanoseconds.
        flops: multiplications and additions in products.
    """

    parts: int
    is_whole: bool
    code: list[str] = field(default_factory=list)
    functions: set[tuple[str, str]] = field(default_factory=set)
    calls_apart: list[tuple[str, str]] = field(default_factory=list)
    products: set[tuple[str, str]] = field(default_factory=set)
    declarations: set[str] = field(default_factory=set)
    work: int = 0
    flops: int = 0
    _count: int = 0
    # Names of kernels and where they are among the definitions, by their text.
    _kernels: dict[str, tuple[str, int]] = field(default_factory=dict)

    def kernel(self, emitted: Emitted, is_one_of_many: bool) -> str:
        """Write a kernel, unless there is one of the same text; return its name.

        One that is called from several places is not moved there, nor is one of many, which would
        take LLVM long. A short one is written again: a call would take as long as it does. All
        others are moved to where they are called before anything else is done with them: LLVM
        would do so in the end, after it had optimised them on their own.
        """
        self.functions |= emitted.functions
        self.declarations |= emitted.declarations
        self.work += emitted.work
        name, is_short = self.name("kernel"), emitted.work < _WORTH_A_CALL
        known, place = self._kernels.setdefault(emitted.text, (name, len(self.code)))
        if known != name and not is_short:
            self.code[place] = emitted.definition(known, " noinline")
            return known
        how = " noinline" if is_one_of_many else " alwaysinline"
        self.code.append(emitted.definition(name, how))
        self.calls_apart += emitted.calls_apart
        return name

    def name(self, kind: str) -> str:
        """Return a name that nothing else has."""
        self._count += 1
        return f"{kind}{self._count}"


class Steps:
    """Writes the steps of a schedule, and those of the loops in it.

    Args:
        plan: the schedule.
        memory: hands out memory for it.
        module: where it is written.
        watch: where long loops look for signals; None for loops in loops.
        commits: the step from which on arguments are written over; None if none is.

    Attributes:
        committed: the number of functions before that step.
    """

    def __init__(
        self,
        plan: Schedule,
        memory: Memory,
        module: Module,
        watch: array_loop.Watch | None = None,
        commits: int | None = None,
    ) -> None:
        self.plan, self.memory, self.module, self.watch = plan, memory, module, watch
        self._commits, self.committed = commits, 0

    def write(self) -> list[str | Call]:
        """Write functions ``void(ptr buffers)``; return their names, and the calls in between."""
        surveys = {
            k: Survey(step, self.plan)
            for k, step in enumerate(self.plan.steps)
            if isinstance(step, Kernel)
        }
        reads = [
            self._loads(surveys[k]) if isinstance(step, Kernel) else self._bases(step)
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
            if k == self._commits:
                self._end(segment, steps)
                self.committed = len(steps)
            if self.module.work - ended > WORTH_UNLOCKING:
                self._end(segment, steps)
                ended = self.module.work
            made = self.plan.made(step)
            over = self._written_over(step)
            if over is not None and last[over] == k:
                self.memory.hand_on(over, made[0])
            for vertex in made:
                self.memory.place(vertex)
            if isinstance(step, Kernel):
                segment += self._kernel(surveys[k])
            elif self.plan.roles[step] is Role.PRODUCT and product.has_room(step):
                segment += self._product(step)
            elif self.plan.roles[step] is Role.TRANSFORM:
                segment += self._transform(step)
            elif self.plan.roles[step] is Role.SCATTER:
                segment += self._scatter(step)
            elif step in self.plan.bodies:
                segment += self._loop(step)
            elif self.plan.roles[step] is Role.LOOP:
                segment += self._turns(step)
            elif self.plan.roles[step] is not Role.JOIN:
                self._end(segment, steps)
                steps.append(Call(step))
            for vertex in [*leaving.get(k, []), *(v for v in made if v not in last)]:
                self.memory.free(vertex)
        self._end(segment, steps)
        return steps

    def _loads(self, survey: Survey) -> list[Vertex]:
        """Return what a kernel reads, and the product that it goes on with."""
        product = survey.kernel.product
        return survey.loads if product is None else [*survey.loads, *self._bases(product)]

    def _bases(self, step: Apply) -> list[Vertex]:
        return [self.plan.memory(self.plan.viewed(x)[0]).base for x in step.operands]

    def _written_over(self, step: Kernel | Apply) -> Vertex | None:
        """Return the operand in whose memory a step may be computed."""
        if isinstance(step, Kernel) or not isinstance(step.operation, Routine):
            return None
        k = step.operation.over
        if k is None or self._bases(step).count(step.operands[k]) != 1:
            return None
        return step.operands[k]

    def _end(self, segment: list[str], steps: list[str | Call]) -> None:
        """Make a function of the lines that came together."""
        if not segment:
            return
        name = self.module.name("segment")
        # One place calls it, but Python does where it calls NumPy in between.
        linkage, how = ("internal ", "alwaysinline ") if self.module.is_whole else ("", "")
        head = f"define {linkage}void @{name}(ptr %buffers) {how}{{"
        self.module.code += [head, *segment, "  ret void", "}"]
        steps.append(name)
        segment.clear()

    # Steps.

    def _kernel(self, survey: Survey) -> list[str]:
        if survey.kernel.product is not None:
            return self._epilogue(survey, survey.kernel.product)
        module, loops = self.module, loops_of(survey)
        enough = survey.nest.rows >= 2 * module.parts and survey.size >= 8192
        enough = enough and not survey.nest.moves
        parts = module.parts if enough else 1
        emitted = self._written(loops, parts, self.memory.buffers)
        if parts > 1 and emitted.work < _WORTH_SHARING:
            parts = 1
            emitted = self._written(loops, parts, self.memory.buffers)
        name = module.kernel(emitted, len(self.plan.placed) > _MANY)
        code = Code(f"{module.name('step')}.")
        count = None if emitted.rows is None else _product(code, emitted.rows)
        return self._shared(emitted, name, count, parts, code)

    def _epilogue(self, survey: Survey, vertex: Apply) -> list[str]:
        """Write a product and the kernel that goes on with its rows."""
        module, memory, loops = self.module, self.memory, loops_of(survey)
        name = module.name("rows")
        code = Code(f"{name}.")
        work = product.flops(vertex) // 20
        parts = module.parts if work >= _WORTH_SHARING else 1
        a, b = self.plan.accesses(vertex)
        ahead = survey.walked_like(vertex)
        rows = [vertex.shape[1] * access.base.dtype.itemsize for access in ahead]
        chunked = chunks(a, b, rows, parts, code)
        own = memory.reserve(epilogue.room(vertex, chunked) * parts)
        buffers = {**memory.buffers, vertex: Buffer(memory.entries)}
        emitted = self._written(loops, parts, buffers, is_told=False)
        kernel = module.kernel(emitted, len(self.plan.placed) > _MANY)
        text, declarations = epilogue.definition(
            name,
            vertex,
            chunked,
            (memory.at(a), memory.at(b)),
            [memory.at(access) for access in ahead[: chunked.ahead]],
            own,
            (kernel, loops.nest.rows // vertex.shape[0]),
            memory.entries,
        )
        memory.release(own)
        module.flops += product.flops(vertex)
        module.work += work
        module.declarations |= declarations
        module.code.append(text)
        return self._shared(emitted, name, str(chunked.count), parts, code)

    def _shared(
        self, emitted: Emitted, name: str, count: str | None, parts: int, code: Code
    ) -> list[str]:
        """Write the call of a kernel, which threads may share; begin and end its sums.

        Args:
            emitted: the kernel.
            name: the function that is called.
            count: of its rows, or chunks; None if it has no parameters for them.
            parts: how many threads share it.
            code: what stands before the call.
        """
        for total in emitted.sums:
            reductions.fill(code, total, parts)
        if parts > 1:
            code.add(f"call void @cr.parallel(ptr @{name}, ptr %buffers, i64 {count}, i64 {parts})")
        else:
            given = [f"ptr {address(code, place)}" for place in emitted.given or ()]
            own = [] if count is None else ["i64 0", f"i64 {count}", "i64 0"]
            code.add(f"call void @{name}({', '.join(['ptr %buffers', *own, *given])})")
        for total in emitted.sums:
            reductions.combine_copies(code, total, parts)
        self.module.declarations |= code.declarations
        return code.lines

    def _written(
        self, loops: LoopNest, parts: int, buffers: dict[Vertex, Buffer], is_told: bool = True
    ) -> Emitted:
        """Write a kernel; what memory it has for itself is free afterwards."""
        taken: list[Buffer] = []

        def reserve(size: int) -> Buffer:
            taken.append(self.memory.reserve(size))
            return taken[-1]

        emitted = write(loops, buffers, reserve, parts, is_told)
        for buffer in taken:
            self.memory.release(buffer)
        return emitted

    def _product(self, vertex: Apply) -> list[str]:
        code = Code(f"{self.module.name('product')}.")
        work = product.flops(vertex) // 20
        self.module.flops += product.flops(vertex)
        self.module.work += work
        parts = self.module.parts if work >= _WORTH_SHARING else 1
        a, b = self.plan.accesses(vertex)
        c = self.plan.memory(vertex)
        if vertex.operation is nested_product:
            product.emit_nested(a, b, c, self.memory.pointer, parts, code)
        else:
            self.module.products |= product.emit(a, b, c, self.memory.pointer, parts, code)
        self.module.declarations |= code.declarations
        return code.lines

    def _transform(self, vertex: Apply) -> list[str]:
        lines, name = lines_of(vertex), self.module.name("transform")
        assert lines is not None
        (given,), made = self.plan.accesses(vertex), self.plan.memory(vertex)
        assert made.is_contiguous
        rows, work = fourier.rows(lines), fourier.work(lines)
        parts = self.module.parts
        if rows < parts or work < _WORTH_SHARING:
            parts = 1
        code = Code("p")
        room = self.memory.reserve(max(parts * fourier.scratch_bytes(lines), 1))
        pointers = [self.memory.pointer(code, given), self.memory.pointer(code, made)]
        pointers.append(address(code, room))
        text, declarations = fourier.definition(name, lines, code.lines, *pointers)
        self.memory.release(room)
        self.module.code.append(text)
        self.module.declarations |= declarations
        self.module.work += work
        if parts > 1:
            return [f"  call void @cr.parallel(ptr @{name}, ptr %buffers, i64 {rows}, i64 {parts})"]
        return [f"  call void @{name}(ptr %buffers, i64 0, i64 {rows}, i64 0)"]

    def _scatter(self, vertex: Apply) -> list[str]:
        name = self.module.name("scatter")
        self.module.code.append(scatter.definition(name, vertex))
        self.module.work += vertex.operands[1].size * 2
        code = Code(f"{name}.")
        read = self.plan.accesses(vertex)[1:]
        pointers = [
            f"ptr {self.memory.pointer(code, access)}"
            for access in (self.plan.memory(vertex), *read)
        ]
        code.add(f"call void @{name}({', '.join(pointers)})")
        return code.lines

    def _turns(self, vertex: Apply) -> list[str]:
        name = self.module.name("turns")
        loop, is_one_of_many = turns_loop(vertex, self.plan), len(self.plan.placed) > _MANY
        emitted = write_turns(name, loop, self.memory.buffers, is_one_of_many)
        self.module.code.append(emitted.text)
        self.module.work += emitted.work
        self.module.functions |= emitted.functions
        self.module.declarations |= emitted.declarations
        return [f"  call void @{name}(ptr %buffers)"]

    def _loop(self, vertex: Apply) -> list[str]:
        """Write a loop over arrays: its body is a function that finds in the table where it is."""
        loop, module = vertex.operation, self.module
        assert isinstance(loop, ArrayLoop)
        name, before = module.name("loop"), module.work
        frame = array_loop.Frame(name, vertex, self.plan, self.memory)
        body = Steps(frame.body, self.memory.within(frame.body, frame.known), module).write()
        turn = module.work - before + 10
        module.work = before + turn * loop.most
        watch = self.watch if turn * loop.most > WORTH_UNLOCKING else None
        every = -(-WORTH_UNLOCKING // turn)
        steps = [step for step in body if isinstance(step, str)]
        module.code.append(frame.definition(steps, watch, every))
        module.declarations |= frame.declarations
        frame.release()
        return [f"  call void @{name}(ptr %buffers)"]


def _product(code: Code, lengths: Sequence[int]) -> str:
    """Write how many rows there are in this turn."""
    total = str(math.prod(n for n in lengths if not moves([n])))
    for n in lengths:
        if moves([n]):
            own = integer(code, this_turn(n))
            total = own if total == "1" else code.let(f"mul nuw i64 {total}, {own}")
    return total
