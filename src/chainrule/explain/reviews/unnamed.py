"""Gradients that are not what their names say: under other names, or off by a constant."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.node import Node
from chainrule.explain.reviews.compare import close, ratio
from chainrule.explain.reviews.names import is_called_gradient
from chainrule.explain.reviews.scene import is_telling
from chainrule.explain.reviews.segments import Segment, Step
from chainrule.explain.reviews.truth import Truth

__all__ = ["bind_by_value", "find_scales"]

_MOST_NODES = 5000  # beyond which values are not looked up among all nodes


def find_scales(truth: Truth, segments: Sequence[Segment]) -> None:
    """Find gradients that are all off by a constant which the arguments' make up for."""
    arguments = {a.node for a in truth.arguments}
    ends = {s.node: s for s in segments if s.node in arguments}
    for segment in segments:
        if segment.complete or segment.node in arguments:
            continue
        k = ratio(segment.value, truth.gradient(segment.node))
        if k is None or np.size(segment.value) < 2:
            continue
        offs = [
            ratio(ends[a].value, truth.gradient(a))
            for a in truth.upstream_arguments[segment.node] & ends.keys()
        ]
        common = Counter(round(off, 9) for off in offs if off is not None)
        if not common:
            continue
        off = max(common, key=lambda r: (common[r], r == 1.0, r))
        earlier = [ratio(s.value, truth.gradient(segment.node)) for s in segment.steps[:-1]]
        if any(r is not None and abs(off - r) <= 1e-6 * abs(r) for r in earlier):
            continue  # it was in line with them, and went on to be another gradient
        if (off == 1.0 or common[off] > 1) and abs(off - k) > 1e-6 * abs(k):
            segment.scale, segment.complete = k / off, off == 1.0
    scales = [s for s in segments if s.scale != 1.0]
    for segment in segments:
        if not segment.complete and segment.scale == 1.0 and segment.node not in arguments:
            before = [s for s in scales if s.end < segment.end]
            segment.scale = before[-1].scale if before else 1.0


def bind_by_value(
    truth: Truth, segments: list[Segment], loose: Sequence[Step], forward_times: Sequence[int]
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
        elif (node := _gradient_like(truth, segments, step.value)) is not None:
            segments.append(Segment(step.name, node, [step], complete=True, by_value=True))
        else:
            backward.append(step)
    return backward, forward


def _gradient_like(truth: Truth, segments: Sequence[Segment], value: Any) -> Node | None:
    """Return the node within the function that has a gradient of this value."""
    if len(truth.order) > _MOST_NODES or not is_telling(value):
        return None
    shape = np.shape(value)
    same = [
        node
        for node in truth.trace.nodes
        if node in truth.flow.gradients
        and shape_of(truth.values[node]) == shape
        and close(value, truth.gradient(node))
    ]
    reached = {s.node for s in segments}
    return next((n for n in same if n in truth.own_names and n not in reached), None) or next(
        iter(same), None
    )
