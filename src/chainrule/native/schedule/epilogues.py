"""Kernels that go on with the rows of a product while these are in the cache.

What a product makes is often read by one kernel alone, entry by entry: a bias is added to it, or
it is a gradient by which parameters are updated. Then the kernel is the *epilogue* of the product:
some rows are multiplied, the kernel computes its own of them, and the next rows take their place in
memory. So the product as a whole is never written, nor read.

The product is computed later than it would be, so nothing on the way there may write over what it
multiplies; nor may the kernel, whose first rows are done before the last ones are multiplied.
"""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.graph.graph import Apply, Vertex
from chainrule.native.lower.roles import Role
from chainrule.native.lower.windows import nested_product
from chainrule.native.matmul import product
from chainrule.native.schedule.plan import Kernel, Schedule
from chainrule.native.schedule.survey import Survey

__all__ = ["make_epilogues"]


def make_epilogues(plan: Schedule, donors: Mapping[Vertex, Vertex]) -> None:
    """Make epilogues of kernels: a product is then no step of its own.

    Args:
        plan: the schedule, which is changed; so are those of the bodies of loops.
        donors: for results that are written over arguments, these.
    """
    for body in plan.bodies.values():
        make_epilogues(body, {})
    products = [step for step in plan.steps if isinstance(step, Apply) and _pays(step, plan)]
    if not products:
        return
    surveys = {k: Survey(x, plan) for k, x in enumerate(plan.steps) if isinstance(x, Kernel)}
    shared = {access.base for access in plan.versions.targets.values()}
    for step in products:
        readers = [
            k
            for k, other in enumerate(plan.steps)
            if step in (surveys[k].loads if k in surveys else _read(other, plan))
        ]
        if step in plan.outputs or step in shared or len(readers) != 1:
            continue
        k = readers[0]
        kernel = plan.steps[k]
        if not isinstance(kernel, Kernel) or kernel.product is not None:
            continue
        between = plan.steps[plan.steps.index(step) + 1 : k + 1]
        written = {x for other in between for x in _written(other, plan, donors)}
        if written.isdisjoint(_read(step, plan)) and _goes_by_rows(surveys[k], step):
            kernel.product, kernel.inner = step, kernel.inner or 1
    carried = {step.product for step in plan.steps if isinstance(step, Kernel)}
    plan.steps[:] = [step for step in plan.steps if isinstance(step, Kernel) or step not in carried]


def _pays(step: Apply, plan: Schedule) -> bool:
    """Tell whether a step is a product that may have an epilogue, and is large enough for it."""
    if plan.roles[step] is not Role.PRODUCT or step.operation is nested_product:
        return False
    return step not in plan.versions.targets and product.pays_by_rows(*plan.accesses(step))


def _read(step: Kernel | Apply, plan: Schedule) -> set[Vertex]:
    """Return the arrays whose memory a step that is no kernel reads."""
    assert isinstance(step, Apply)
    return {plan.memory(plan.viewed(x)[0]).base for x in step.operands}


def _written(step: Kernel | Apply, plan: Schedule, donors: Mapping[Vertex, Vertex]) -> set[Vertex]:
    """Return the arrays whose memory a step writes."""
    bases = {plan.memory(x).base for x in plan.made(step)}
    if not isinstance(step, Kernel) and step in plan.bodies:
        bases |= _read(step, plan)  # its states may lie there
    return bases | {donors[x] for x in bases if x in donors}


def _goes_by_rows(survey: Survey, read: Apply) -> bool:
    """Tell whether a kernel can go along the rows of a product that it reads, from the first on."""
    plan, space, (m, n) = survey.plan, survey.kernel.space, read.shape
    if len(space) < 2 or space[0] != m or survey.nest.moves or survey.kernel.inner == 0:
        return False
    picked = (plan.access(x.operands[0]) for x, _ in survey.walked if isinstance(x, Apply))
    if any(access is not None and access.base is read for access in picked):
        return False
    for (x, _), (step, *within) in survey.strides.items():
        access = plan.access(x)
        if access is None or access.base is not read:
            continue
        reach = sum((k - 1) * stride for k, stride in zip(space[1:], within, strict=True))
        first = access.offset
        if step != n or min(within) < 0 or not isinstance(first, int) or not 0 <= first < n - reach:
            return False
    return all(x.vertex in plan.whole or 0 in x.axes for x in survey.roots)
