"""Results that take the memory of arguments which the caller has given up: buffer donation.

A result is written over an argument in the same kernel that reads it, or after its last reader. So
the steps that write over arguments are moved behind all that reads these, and behind all that may
yet show that the run is in vain: whatever ends a run early finds the arguments as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from chainrule.graph.graph import Apply, Vertex
from chainrule.native.codegen.build import loops_of
from chainrule.native.codegen.loop_ir import Let, Load, LoopNest, Store
from chainrule.native.lower.roles import Role
from chainrule.native.schedule.plan import Kernel, Schedule
from chainrule.native.schedule.survey import Survey

__all__ = ["donate"]

#: What is done before a signal is looked for.
_QUICK = (Role.PRODUCT, Role.TRANSFORM, Role.JOIN, Role.SCATTER)


@dataclass(frozen=True, eq=False)
class _Step:
    """A step, its number in the schedule, and the arrays whose memory it reads and writes."""

    step: Kernel | Apply
    number: int
    reads: set[Vertex]
    writes: set[Vertex]


def donate(plan: Schedule, donors: Mapping[Vertex, Vertex], first: Iterable[Vertex]) -> int | None:
    """Let results be written over arguments, if that can be done for all of them.

    Args:
        plan: a schedule, whose steps are brought into another order.
        donors: for each result that is to take an argument's memory, the argument.
        first: what has to be known before anything is written over.

    Returns:
        The number of the first step that writes over an argument; None where that cannot be, and
        the schedule is as it was.
    """
    kept, movers = _apart(plan, donors)
    if {x for mover in movers for x in mover.writes} != set(donors):
        return None
    plan.versions.rereads.update(donors)  # which decides in which phase of a kernel they are stored
    order = _ordered(kept, movers, plan, donors, {plan.memory(x).base for x in first})
    fine = all(_goes_in_place(mover.step, plan, donors) for mover in movers)
    if not fine or not all(_is_sound(order, order.index(x), donors) for x in movers):
        plan.versions.rereads.difference_update(donors)
        return None
    plan.steps[:] = [step.step for step in order]
    return min(map(order.index, movers))


def _ordered(
    kept: Sequence[_Step],
    movers: Sequence[_Step],
    plan: Schedule,
    donors: Mapping[Vertex, Vertex],
    needed: set[Vertex],
) -> list[_Step]:
    """Return all steps, those that write over arguments as early as they may."""
    firm = [step for step in kept if step.writes & needed or not _is_quick(step.step, plan)]
    after: dict[int, list[_Step]] = {}
    for mover in movers:
        over = {donors[x] for x in mover.writes}
        waits = [step for step in kept if step.reads & over or step.number <= mover.number]
        place = max((kept.index(step) for step in (*firm, *waits)), default=-1)
        after.setdefault(place, []).append(mover)
    order = after.get(-1, [])
    for k, step in enumerate(kept):
        order = [*order, step, *after.get(k, [])]
    return order


def _apart(plan: Schedule, donors: Mapping[Vertex, Vertex]) -> tuple[list[_Step], list[_Step]]:
    """Return the steps without what is written over arguments, and kernels of nothing else."""
    kept: list[_Step] = []
    movers: list[_Step] = []
    for number, step in enumerate(plan.steps):
        if not isinstance(step, Kernel):
            reads = {plan.memory(plan.viewed(x)[0]).base for x in step.operands}
            kept.append(_Step(step, number, reads, _written(step, plan)))
            continue
        for into, is_mover in ((kept, False), (movers, True)):
            roots = [x for x in step.roots if (x in donors) is is_mover]
            if roots:
                part = replace(step, roots=roots)
                reads = set(Survey(part, plan).loads)
                into.append(_Step(part, number, reads, _written(part, plan)))
    return kept, movers


def _written(step: Kernel | Apply, plan: Schedule) -> set[Vertex]:
    return {plan.memory(x).base for x in plan.made(step)}


def _is_quick(step: Kernel | Apply, plan: Schedule) -> bool:
    return isinstance(step, Kernel) or plan.roles[step] in _QUICK


def _goes_in_place(kernel: Kernel | Apply, plan: Schedule, donors: Mapping[Vertex, Vertex]) -> bool:
    """Tell whether a kernel reads of what it writes over the entries that it writes, before."""
    assert isinstance(kernel, Kernel)
    survey = Survey(kernel, plan)
    outer = set(range(len(kernel.space) if kernel.inner is None else kernel.inner))
    for root in survey.roots:
        if root.vertex in plan.whole or root.vertex in plan.versions.targets:
            return False
        if not outer <= set(root.axes):  # it is written anew in each turn of a loop
            return False
        donor, own = donors[root.vertex], survey.own_strides(root)
        picked = [v.operands[0] for v, _ in survey.walked if isinstance(v, Apply)]
        if any(_lies_in(x, donor, plan) for x in picked):
            return False
        if any(s != own for (x, _), s in survey.strides.items() if _lies_in(x, donor, plan)):
            return False
    return _reads_first(loops_of(survey), donors)


def _lies_in(vertex: Vertex, donor: Vertex, plan: Schedule) -> bool:
    access = plan.access(vertex)
    return access is not None and access.base is donor


def _reads_first(loops: LoopNest, donors: Mapping[Vertex, Vertex]) -> bool:
    """Tell whether nothing is read, in a turn, after it was written over."""
    written: set[Vertex] = set()
    phases = [statement for phase in loops.phases for statement in (*phase.row, *phase.entries)]
    for statement in (*loops.before, *phases):
        if isinstance(statement, Let) and isinstance(statement.value, Load):
            if statement.value.access.base in written:
                return False
        elif isinstance(statement, Store):
            written.add(donors[statement.vertex])
    return True


def _is_sound(order: Sequence[_Step], place: int, donors: Mapping[Vertex, Vertex]) -> bool:
    """Tell whether a step that was moved, and those that it passed, still find what they read."""
    mover = order[place]
    over = {donors[x] for x in mover.writes}
    passed = [step for step in order[:place] if step.number > mover.number]
    return not (
        any(step.reads & over for step in order[place + 1 :])
        or any(step.writes & mover.reads or step.reads & mover.writes for step in passed)
    )
