"""The changes of one gradient variable, cut where it becomes the gradient of another node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.node import Node
from chainrule.explain.reviews.compare import close
from chainrule.explain.reviews.reference import Reference
from chainrule.explain.reviews.run import MISSING
from chainrule.explain.reviews.segments import Segment, Step

__all__ = ["cut"]


def cut(reference: Reference, steps: Sequence[Step], nodes: Sequence[Node]) -> list[Segment]:
    """Return the segments of a variable that may stand for the gradients of these nodes.

    After ``dh = dscores @ W2.T``, the line ``dh[h <= 0] = 0`` makes dh the gradient of what the
    ReLU was applied to.
    """
    segments: list[Segment] = []
    current = Segment(steps[0].name, _first(reference, steps, nodes))
    for k, step in enumerate(steps):
        turned = _turned(reference, steps[k:], current, nodes)
        if turned is not None:
            segments.append(current)
            step = Step(step.time, step.line, step.name, step.value, fresh=True)
            current = Segment(step.name, turned)
        current.steps.append(step)
        current.complete = reference.paths(current.node).complete(step.value)
    return [*segments, *_ended(reference, current, nodes)]


def _ended(reference: Reference, last: Segment, nodes: Sequence[Node]) -> list[Segment]:
    """Let a variable that ends as the gradient of an argument stand for that one.

    A copy that the function makes of its argument has the same gradient, and the same name.
    """
    end = last.steps[-1]
    for argument in reference.arguments:
        node = argument.node
        if node is None or node not in nodes or node is last.node:
            continue
        if close(end.value, reference.gradient(node)):
            if last.complete or len(last.steps) == 1:
                return [replace(last, node=node, complete=True)]
            whole = Segment(last.name, node, [replace(end, before=MISSING)], complete=True)
            return [replace(last, steps=last.steps[:-1]), whole]
    return [last]


def _first(reference: Reference, steps: Sequence[Step], nodes: Sequence[Node]) -> Node:
    """Return the node whose gradient a variable becomes first, else the last of its shape."""
    for step in steps:
        for node in reversed(nodes):
            if close(step.value, reference.gradient(node)):
                return node
    fitting = [n for n in nodes if shape_of(reference.values[n]) == np.shape(steps[-1].value)]
    return (fitting or list(nodes))[-1]


def _turned(
    reference: Reference, steps: Sequence[Step], current: Segment, nodes: Sequence[Node]
) -> Node | None:
    """Return the node that a variable becomes the gradient of with the first of these steps."""
    step, paths = steps[0], reference.paths(current.node)
    if not current.steps or paths.complete(step.value):
        return None
    if current.complete:
        return _next(reference, steps, current, nodes)
    again = any(s.line == step.line for s in current.steps)
    if again and len(nodes) > 1 and not paths.masks(step.value):  # the next turn of a loop
        return _next(reference, steps, current, nodes)
    return None


def _next(
    reference: Reference, steps: Sequence[Step], current: Segment, nodes: Sequence[Node]
) -> Node | None:
    """Return the node that a variable turns to: the one whose gradient it is after some lines."""
    rest = [n for n in nodes if n is not current.node and reference.is_on_path(n)]
    for k, step in enumerate(steps):
        if k and step.fresh:
            break  # what it was going to be, it was before
        for node in reversed(rest):
            if close(step.value, reference.flow.gradients[node]):
                return node
    # Nothing agrees, so this is a mistake on the way to what the node was computed from.
    earlier = [n for n in rest if n.birth < current.node.birth]
    if earlier and current.node.parents:
        return max(earlier, key=lambda n: n.birth)
    inside, _ = reference.stage(current.node, reference.own_names)
    near = [
        n
        for n in inside - {current.node}
        if reference.is_on_path(n) and shape_of(reference.values[n]) == np.shape(steps[0].value)
    ]
    return max(near, key=lambda n: n.birth, default=None)
