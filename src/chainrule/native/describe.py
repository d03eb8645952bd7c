"""What a program became, in words: the steps of its schedule, and how much work they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from chainrule.graph.graph import Apply, Vertex
from chainrule.native.listing import listing
from chainrule.native.lower.array_loop import ArrayLoop
from chainrule.native.lower.roles import Role
from chainrule.native.lower.turns import Turns
from chainrule.native.pipeline import Built
from chainrule.native.record.program import Program
from chainrule.native.schedule.plan import Kernel, Schedule

__all__ = ["describe", "rewritten"]


def describe(built: Built) -> dict[str, Any]:
    """Return rewritten graph, schedule and loops as text, and counts of what a run does."""
    lines = list(_steps(built.schedule))
    lines += [f"written turn by turn: {reason}" for reason in built.results.unrolled]
    lines.append(f"scratch memory: {built.arena_bytes:,} bytes")
    moved = [*built.real.inputs, *built.real.captured, *_written(built)]
    program = rewritten(built)
    return {
        "rewritten": program.text(),
        "schedule": "\n".join(lines),
        "loops": listing(built, program),
        "kernels": len(built.schedule.steps) + len(_carried_on(built.schedule)),
        "flops": built.flops,
        "bytes": sum(vertex.nbytes for vertex in moved),
    }


def _steps(plan: Schedule) -> Iterable[str]:
    """Write the steps of a schedule, those of a loop's body below it."""
    for step in plan.steps:
        if isinstance(step, Kernel):
            if step.product is not None:
                yield _product(step.product)
            yield _kernel(step)
        elif plan.roles[step] is Role.PRODUCT:
            yield _product(step)
        elif plan.roles[step] is Role.TRANSFORM:
            yield f"lines    {step.operation.name} -> {_kind(step)}"
        elif step in plan.bodies:
            assert isinstance(step.operation, ArrayLoop)
            made = ", ".join(map(_kind, plan.results[step]))
            yield f"loop     {step.operation.turns} turns -> {made}"
            yield from (f"  {line}" for line in _steps(plan.bodies[step]))
        elif isinstance(step.operation, Turns):
            yield f"loop     {step.operation.turns} turns -> {_kind(step)}"
        elif plan.roles[step] in (Role.JOIN, Role.SCATTER):
            yield f"in place {step.operation.name} -> {_kind(step)}"
        else:
            yield f"{_called(step)} -> {_kind(step)}"


def _written(built: Built) -> Iterable[Vertex]:
    """Yield what is written, each part of an array by itself."""
    for vertex in built.schedule.stored - _carried_on(built.schedule):
        role = built.schedule.roles[vertex]
        if role is Role.SCATTER:
            assert isinstance(vertex, Apply)
            yield vertex.operands[1]
        elif role is not Role.JOIN:
            yield vertex


def _carried_on(plan: Schedule) -> set[Vertex]:
    """Return the products that have an epilogue: only a few of their rows are in memory."""
    kernels = (step for step in plan.steps if isinstance(step, Kernel))
    return {kernel.product for kernel in kernels if kernel.product is not None}


def rewritten(built: Built) -> Program:
    """Return the program in terms of primitives."""
    results = tuple(built.results.distinct[number] for number in built.results.numbers)
    guards = zip(built.results.guards, built.real.guards, strict=True)
    return replace(
        built.real, outputs=results, guards=tuple((vertex, seen) for vertex, (_, seen) in guards)
    )


def _kernel(kernel: Kernel) -> str:
    over = " x ".join(map(str, kernel.space)) or "one number"
    made = ", ".join(f"{root.operation.name} {_size(root)}" for root in kernel.roots)
    rows = "" if kernel.inner is None else ", row by row"
    name = "kernel  " if kernel.product is None else "epilogue"
    return f"{name} over {over}{rows} -> {made}"


def _product(step: Apply) -> str:
    a, b = (_size(x) for x in step.operands)
    return f"product  {a} @ {b} -> {_kind(step)}"


def _called(step: Apply) -> str:
    """Say what is called: a function of NumPy's, or Python code, such as a solver's."""
    call = step.params.get("call")
    return f"numpy    {step.operation.name}" if call is None else f"python   {call.name}"


def _kind(vertex: Apply) -> str:
    return f"{_size(vertex)} {vertex.dtype}"


def _size(vertex: Vertex) -> str:
    return "(" + ", ".join(map(str, vertex.shape)) + ")"
