"""Variables under names of their own: which gradients they were meant to be.

``delta`` may simply have the value of a gradient. And ``da = dh * (1 - h)`` may be the gradient of
something that the function has no name for: if what is computed from it is wrong, and comes out
right once it stands for the gradient of some node, then it was meant to be that gradient, and the
mistake is in its line.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.node import Node
from chainrule.explain.reviews.compare import close, precise
from chainrule.explain.reviews.names import is_called_gradient
from chainrule.explain.reviews.reference import Flow, Reference
from chainrule.explain.reviews.segments import Flows, Segment, Step

__all__ = ["bind_by_value", "infer_gradients", "infer_value"]

_MOST_SEGMENTS = 30  # that are found, one after the other
_MOST_CHANGES = 200  # of unnamed variables that are tried
_MOST_NODES = 200  # that are tried for each of them
_MOST_VALUES = 20  # of the forward pass that are tried for a wrong one


def bind_by_value(
    reference: Reference,
    segments: list[Segment],
    loose: Sequence[Step],
    forward_times: Sequence[int],
) -> tuple[list[Step], list[Step]]:
    """Bind changes under other names that have the value of a gradient.

    Returns the changes that stay loose: of the backward and of the forward pass.
    """
    first = min((s.steps[0].time for s in segments), default=math.inf)
    last_value = max((time for time in forward_times if time < first), default=-1)
    backward: list[Step] = []
    forward: list[Step] = []
    for step in sorted(loose, key=lambda step: step.time):
        called = is_called_gradient(step.name)
        if not (step.time > first or (called and step.time > last_value)):
            forward.append(step)
        elif nodes := reference.with_gradient(step.value):
            segments.append(Segment(step.name, nodes[0], [step], complete=True, by_value=True))
        else:
            backward.append(step)
    return backward, forward


def infer_gradients(flows: Flows, loose: Sequence[Step]) -> set[int]:
    """Bind unnamed changes that explain wrong gradients; return the times of these changes."""
    taken: set[int] = set()
    loose = [*loose, *(step for s in flows.segments if s.by_value for step in s.steps)]
    loose.sort(key=lambda step: step.time)
    since = 0  # what came before is known not to be explained, and what is found does not change it
    for _ in range(_MOST_SEGMENTS):
        wrong = [s for s in sorted(flows.segments, key=lambda s: s.end) if not s.complete]
        wrong = [s for s in wrong if s.end >= since]
        found = next(filter(None, (_explained(flows, s, loose, taken) for s in wrong)), None)
        if found is None:
            break
        since = min(step.time for segment in found for step in segment.steps)
        taken |= {step.time for segment in found for step in segment.steps}
        flows.segments[:] = [s for s in flows.segments if not (s.by_value and s.end in taken)]
        flows.segments += [s for s in found if s not in flows.segments]
    return taken


def _explained(
    flows: Flows, segment: Segment, loose: Sequence[Step], taken: set[int]
) -> list[Segment]:
    """Return segments from which a wrong gradient follows, [] if there are none."""
    steps = [s for s in loose if s.time < segment.end and s.time not in taken]
    if not (steps or segment.steps[1:]) or flows.explains(segment):
        return []
    reference = flows.reference
    overrides = flows.overrides(segment)
    near = _region(reference, segment.node, overrides)
    for flow, values in flows.at(segment):
        paths, last = flow.paths(segment.node), segment.steps[-1]
        adds = last.added is not None and paths.masks(last.added)
        own = [s for s in segment.steps[:-1] if s.line != last.line and not adds]
        own = [s for s in own if not paths.masks(s.value)]
        for step in [*reversed(steps[-_MOST_CHANGES:]), *reversed(own)]:
            node = _stands_for(step, segment, flow, values, near, reference, overrides)
            if node is None:
                continue
            if step in own:  # the variable goes on from one gradient to another
                before = segment.steps[: segment.steps.index(step) + 1]
                del segment.steps[: len(before)]
                first = segment.steps[0]
                segment.steps[0] = Step(first.time, first.line, first.name, first.value)
                return [Segment(segment.name, node, before)]
            return [Segment(step.name, node, [step], scale=segment.scale)]
        for step in reversed(steps[-_MOST_CHANGES:]):
            if _is_contribution(step, segment, flow):
                first = segment.steps[0]
                rest = Step(first.time, first.line, first.name, first.value, step.value)
                segment.steps[0:1] = [step, rest]
                return [segment]
    return _turned(flows, segment)


def _is_contribution(step: Step, segment: Segment, flow: Flow) -> bool:
    """Tell whether a wrong gradient is the sum of this and of what the other paths contribute."""
    lacking = _difference(segment.value, flow.gradients[segment.node])
    uses = flow.uses.get(segment.node, [])
    if lacking is None or len(uses) < 2:
        return False
    value = segment.scaled(step.value)
    return any(
        not close(value, use.part)
        and (change := _difference(value, use.part)) is not None
        and _agree(change, lacking, segment.value)
        for use in uses
    )


def _turned(flows: Flows, segment: Segment) -> list[Segment]:
    """Find that a variable, which is wrong already, turns into the gradient of an operand."""
    reference, last = flows.reference, segment.steps[-1]
    inside, inputs = reference.stage(segment.node, reference.own_names)
    for step in segment.steps[:-1]:
        for node in sorted((inside | inputs) - {segment.node}, key=lambda n: -n.birth):
            upstream = segment.scaled(step.value)
            if np.shape(upstream) != shape_of(reference.values[segment.node]):
                break
            g = reference.pull_stage(segment.node, upstream, node, flows.values[-1], inputs)
            if g is not None and np.any(g) and close(segment.value, g):
                before = segment.steps[: segment.steps.index(step) + 1]
                first = segment.steps[len(before)]
                after = [Step(first.time, first.line, first.name, first.value)]
                after += segment.steps[len(before) + 1 :]
                segment.steps = before
                return [Segment(segment.name, node, after, scale=segment.scale)]
        if step.line == last.line:
            break
    return []


def infer_value(
    reference: Reference, node: Node, found: Any, theirs: Mapping[Node, Any], loose: Sequence[Step]
) -> tuple[Step, Node] | None:
    """Return the earlier change that a wrong value of the forward pass follows from, and of what.

    ``theirs`` are the person's values of other nodes.
    """
    inside, _ = reference.stage(node, reference.own_names)
    for step in reversed(loose[-_MOST_VALUES:]):
        for inner in inside - {node}:
            right = reference.values[inner]
            if np.shape(step.value) != np.shape(right) or close(step.value, right):
                continue
            if close(found, reference.value_with(node, {**theirs, inner: step.value})):
                return step, inner
    return None


def _region(reference: Reference, node: Node, ends: Mapping[Node, Any]) -> list[Node]:
    """Return what is computed from a node, up to where the person has gradients, farthest first."""
    seen, queue = {node}, [node]
    for start in queue:
        for consumer, _ in reference.consumers.get(start, []):
            if consumer not in seen and consumer not in ends and len(seen) <= _MOST_NODES:
                seen.add(consumer)
                queue.append(consumer)
    return [n for n in reversed(queue[1:]) if n in reference.flow.gradients]


def _stands_for(
    step: Step,
    segment: Segment,
    flow: Flow,
    values: Mapping[Node, Any],
    near: Sequence[Node],
    reference: Reference,
    ends: Mapping[Node, Any],
) -> Node | None:
    """Return the node whose gradient a change must be for a wrong gradient to follow from it."""
    lacking = _difference(segment.value, flow.gradients[segment.node])
    if lacking is None:
        return None
    for node in near:
        value = _shaped(segment.scaled(step.value), shape_of(reference.values[node]))
        if value is None or node not in flow.used or close(value, flow.used[node]):
            continue
        change = _difference(value, flow.used[node])
        part = reference.pull_stage(node, change, segment.node, values, ends)
        if part is not None and _agree(part, lacking, segment.value):
            return node
    return None


def _agree(a: Any, b: Any, size: Any) -> bool:
    """Tell whether two differences agree within the precision of what they are differences of."""
    return np.shape(a) == np.shape(b) and close(np.add(size, a)[()], np.add(size, b)[()])


def _difference(a: Any, b: Any) -> Any:
    return np.subtract(a, b)[()] if np.shape(a) == np.shape(b) else None


def _shaped(value: Any, shape: tuple[int, ...]) -> Any:
    try:
        return np.broadcast_to(precise(value), shape)[()]
    except ValueError:
        return None
