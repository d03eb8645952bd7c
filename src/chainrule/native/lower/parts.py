"""Arrays that are written part by part: joined ones, and those in which entries are changed.

Each part is computed by a kernel straight into its place, together with what it is computed from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from chainrule.graph.graph import Apply, Vertex, copied, topological
from chainrule.native.ir.access import Access, contiguous
from chainrule.native.lower.gather import accumulated, assigned, joined

__all__ = ["targets", "with_own_parts"]


def _count_of_parts(vertex: Apply) -> int:
    if vertex.operation is joined:
        return len(vertex.operands)
    return 1 if vertex.operation in (accumulated, assigned) else 0


def with_own_parts(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Let the parts of arrays be vertices that nothing else uses; nothing may be shared later."""
    done: dict[Vertex, Vertex] = {}
    for vertex in topological(outputs):
        new = vertex
        if isinstance(vertex, Apply):
            operands = [done[x] for x in vertex.operands]
            for k in range(_count_of_parts(vertex)):
                x = operands[k]
                operands[k] = copied(x)
            if any(a is not b for a, b in zip(operands, vertex.operands, strict=True)):
                new = Apply(vertex.operation, tuple(operands), vertex.params, vertex.value)
        done[vertex] = new
    return [done[vertex] for vertex in outputs]


def targets(steps: Iterable[object]) -> Mapping[Vertex, Access]:
    """Return where the parts of arrays are to be written."""
    found: dict[Vertex, Access] = {}
    for step in steps:
        if not isinstance(step, Apply):
            continue
        whole = contiguous(step)
        zero = (0,) * len(whole.size)
        starts = step.params["starts"] if step.operation is joined else [zero]
        for part, start in zip(step.operands[: _count_of_parts(step)], starts, strict=False):
            offset = sum(k * stride for k, stride in zip(start, whole.strides, strict=True))
            found[part] = replace(whole, offset=offset, size=part.shape)
    return found
