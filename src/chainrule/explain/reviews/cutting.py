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
    return _Cut(reference, steps, nodes).segments()


class _Cut:
    def __init__(self, reference: Reference, steps: Sequence[Step], nodes: Sequence[Node]) -> None:
        self.reference, self.steps, self.nodes = reference, steps, nodes
        self.found: dict[int, list[Node]] = {}

    def segments(self) -> list[Segment]:
        segments: list[Segment] = []
        current = Segment(self.steps[0].name, self._first())
        for k, step in enumerate(self.steps):
            turned = self._turned(k, current)
            if turned is not None:
                segments.append(current)
                step = Step(step.time, step.line, step.name, step.value, fresh=True)
                current = Segment(step.name, turned)
            current.steps.append(step)
            current.complete = self.reference.paths(current.node).complete(step.value)
        return [*segments, *_ended(self.reference, current, self.nodes)]

    def _whose(self, k: int) -> list[Node]:
        """Return the nodes whose gradient a step is, the last first."""
        if k not in self.found:
            value, gradient = self.steps[k].value, self.reference.gradient
            self.found[k] = [n for n in reversed(self.nodes) if close(value, gradient(n))]
        return self.found[k]

    def _first(self) -> Node:
        """Return the node whose gradient a variable becomes first, else the last of its shape."""
        for k in range(len(self.steps)):
            for node in self._whose(k):
                return node
        shape, values = np.shape(self.steps[-1].value), self.reference.values
        fitting = [n for n in self.nodes if shape_of(values[n]) == shape]
        return (fitting or list(self.nodes))[-1]

    def _turned(self, k: int, current: Segment) -> Node | None:
        """Return the node that a variable becomes the gradient of with a step."""
        step, paths = self.steps[k], self.reference.paths(current.node)
        if not current.steps or paths.complete(step.value):
            return None
        if current.complete:
            return self._next(k, current)
        again = any(s.line == step.line for s in current.steps)
        if again and len(self.nodes) > 1 and not paths.masks(step.value):  # the next turn of a loop
            return self._next(k, current)
        return None

    def _next(self, k: int, current: Segment) -> Node | None:
        """Return the node that a variable turns to: whose gradient it is after some lines."""
        reference = self.reference
        for j in range(k, len(self.steps)):
            if j > k and self.steps[j].fresh:
                break  # what it was going to be, it was before
            for node in self._whose(j):
                if node is not current.node and reference.is_on_path(node):
                    return node
        # Nothing agrees, so this is a mistake on the way to what the node was computed from.
        rest = [n for n in self.nodes if n is not current.node and reference.is_on_path(n)]
        earlier = [n for n in rest if n.birth < current.node.birth]
        if earlier and current.node.parents:
            return max(earlier, key=lambda n: n.birth)
        inside, _ = reference.stage(current.node, reference.own_names)
        shape = np.shape(self.steps[k].value)
        near = [
            n
            for n in inside - {current.node}
            if reference.is_on_path(n) and shape_of(reference.values[n]) == shape
        ]
        return max(near, key=lambda n: n.birth, default=None)


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
