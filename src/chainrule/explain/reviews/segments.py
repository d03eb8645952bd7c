"""Gradient variables as they change, and what the chain rule makes of the values they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.node import Node
from chainrule.explain.reviews.reference import Flow, Reference
from chainrule.explain.reviews.run import MISSING, Change

__all__ = ["Flows", "Segment", "Step"]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One change of a gradient variable."""

    time: int
    line: int
    name: str
    value: Any
    before: Any = MISSING
    fresh: bool = False  # the line did not look at the value before

    @classmethod
    def of(cls, time: int, change: Change) -> Step:
        """Return a change of a variable as a step."""
        return cls(time, change.line, change.shown, change.value, change.before, change.fresh)

    @property
    def added(self) -> Any:
        """What the line added to the value before; None where that makes no sense."""
        if self.before is MISSING:
            return self.value
        try:
            with np.errstate(all="ignore"):
                return np.subtract(self.value, self.before)[()]
        except ValueError:
            return None


@dataclass(slots=True, eq=False)
class Segment:
    """Changes of one variable while it stands for the gradient of one node.

    ``scale`` is the constant by which a person's gradients are off until it is made up for at the
    end, as where the 1/N of a mean is left to the last lines. ``by_value`` is set where the
    variable is not called after the node, but has the value of its gradient.
    """

    name: str
    node: Node
    steps: list[Step] = field(default_factory=list)
    complete: bool = False
    scale: float = 1.0
    by_value: bool = False

    @property
    def end(self) -> int:
        """The time of the last change."""
        return self.steps[-1].time

    @property
    def value(self) -> Any:
        """The last value, as a gradient of the function itself."""
        return self.scaled(self.steps[-1].value)

    def scaled(self, value: Any) -> Any:
        """Return a value of this variable as a gradient of the function itself."""
        return value if self.scale == 1.0 or value is MISSING else value / self.scale

    @property
    def scaled_steps(self) -> list[Step]:
        """The steps, with their values as gradients of the function itself."""
        if self.scale == 1.0:
            return self.steps
        return [
            Step(s.time, s.line, s.name, self.scaled(s.value), self.scaled(s.before))
            for s in self.steps
        ]


class Flows:
    """Backward passes that go on from the person's gradients.

    There is one over the true values, and one over the person's where those differ.
    """

    def __init__(
        self,
        reference: Reference,
        segments: list[Segment],
        forward_wrong: Sequence[tuple[int, Change, Node]],
    ) -> None:
        self.reference, self.segments = reference, segments
        theirs = {
            node: change.value
            for _, change, node in forward_wrong
            if np.shape(change.value) == shape_of(reference.values[node])
        }
        self.values = [reference.values] + ([reference.replay(theirs)] if theirs else [])

    def overrides(self, segment: Segment) -> dict[Node, Any]:
        """Return the gradients that the person had when the last line of a segment ran."""
        latest: dict[Node, tuple[int, Any]] = {}
        for other in self.segments:
            if other is segment or other.node is segment.node:
                continue
            for step in other.steps:
                if step.time < segment.end:
                    known = latest.get(other.node)
                    if known is None or known[0] < step.time:
                        latest[other.node] = step.time, other.scaled(step.value)
        return {node: value for node, (_, value) in latest.items()}

    def at(self, segment: Segment) -> list[tuple[Flow, Mapping[Node, Any]]]:
        """Return the backward passes that may have led to a segment, with the values of each."""
        overrides = self.overrides(segment)
        flows = [
            (self.reference.flow_with(v, overrides, until=segment.node), v) for v in self.values
        ]
        return [(flow, values) for flow, values in flows if segment.node in flow.gradients]

    def explains(self, segment: Segment) -> bool:
        """Tell whether a gradient is right from the person's own earlier values."""
        flows = self.at(segment)
        return any(flow.paths(segment.node).complete(segment.value) for flow, _ in flows)
