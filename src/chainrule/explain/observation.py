"""One run as the searches for trouble see it: every value, every gradient, and who uses what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.core.node import Node
from chainrule.core.reach import ancestors
from chainrule.core.saved import as_numpy
from chainrule.core.source import Location
from chainrule.graph.trace import Trace

__all__ = ["Finding", "Observation", "pull"]


@dataclass(frozen=True)
class Finding:
    """Something that a person should know about one place in the code.

    Args:
        kind: ``"saturated"``, ``"silent"``, ``"zero gradient"``, ``"vanishing"``, ``"exploding"``,
            ``"nan"`` or ``"inf"``.
        stage: the variable that it is about: a stage's or an argument's name.
        line: the line of the user's file, where known.
        message: what it means and what to do, in a sentence or two.
        advice: the end of the message, which is the same for all findings of its sort.
        backward: whether it arises in the backward pass.
        numbers: the measurements behind the message.
        is_of_loop: whether it is about all turns of a loop.
    """

    kind: str
    stage: str
    line: int | None
    message: str
    advice: str = ""
    backward: bool = False
    numbers: Mapping[str, Any] = field(default_factory=dict)
    is_of_loop: bool = False
    node: Node | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line is not None else ""
        return f"{where}{self.message}"


@dataclass
class Observation:
    """A trace with the gradient of every node.

    Args:
        trace: the forward pass.
        gradients: plain gradients by node, from `chainrule.core.backward.backward_everywhere`.
        names: what the variable of a node is called; by default what the trace noted.
    """

    trace: Trace
    gradients: Mapping[Node, Any]
    names: Mapping[Node, str] = field(default_factory=dict)

    @cached_property
    def output(self) -> Node | None:
        """The node of the result, None where that depends on no input."""
        output = self.trace.output
        return output.node if type(output) is Array else None

    @cached_property
    def live(self) -> list[Node]:
        """The nodes that the result depends on, in their order, inputs left out."""
        return sorted((n for n in self.reached if n.parents), key=lambda node: node.birth)

    @cached_property
    def reached(self) -> set[Node]:
        """The nodes that the result depends on, inputs and itself included."""
        return set() if self.output is None else set(ancestors([self.output]))

    @cached_property
    def dependent(self) -> set[Node]:
        """The nodes that depend on an argument that gradients are taken by, these included."""
        found = {a.node for a in self.trace.inputs if a.node is not None}
        for node in self.live:
            if any(parent in found for parent in node.parents):
                found.add(node)
        return found

    @cached_property
    def consumers(self) -> dict[Node, list[tuple[Node, int]]]:
        """For each node the live nodes that use it, with the number of the operand."""
        found: dict[Node, list[tuple[Node, int]]] = {}
        for node in self.live:
            for k, parent in enumerate(node.parents):
                if parent is not None:
                    found.setdefault(parent, []).append((node, k))
        return found

    @cached_property
    def _stages(self) -> dict[Node, str]:
        """The variable that each node goes into: its own, or that of the next named node."""
        names = {a.node: a.name for a in self.trace.arguments if a.node is not None}
        stages: dict[Node, str] = {}
        for node in reversed(self.live):
            name = self.names.get(node) or self._noted_name(node)
            if name is None:
                users = self.consumers.get(node)
                name = stages[users[0][0]] if users else "value"
            stages[node] = name
        stages.update({node: self.names.get(node, name) for node, name in names.items()})
        return stages

    def _noted_name(self, node: Node) -> str | None:
        note = self.trace.notes.get(node)
        return None if note is None else note.name

    def name(self, node: Node) -> str:
        """Return the variable that a node goes into."""
        return self._stages.get(node, "value")

    def has_own_name(self, node: Node) -> bool:
        """Tell whether the user stored this node to a variable."""
        return self._noted_name(node) is not None

    def is_named(self, node: Node) -> bool:
        """Tell whether a node is a variable itself."""
        return node in self.names or self._noted_name(node) is not None or not node.parents

    def location(self, node: Node) -> Location | None:
        """Return the line of user code that made a node."""
        note = self.trace.notes.get(node)
        return None if note is None else note.location

    def place(self, node: Node) -> str:
        """Describe where a node was made, for a message."""
        location = self.location(node)
        if location is None:
            return f"`{node.operation.name}`"
        return f"`{location.text}`" if location.text else f"line {location.lineno}"

    def finding(self, kind: str, node: Node, what: str, advice: str = "", **more: Any) -> Finding:
        """Make a finding about a node, of what is the matter and what to do."""
        message = f"{what} {advice}" if advice else what
        location = self.location(node)
        line = None if location is None else location.lineno
        return Finding(kind, self.name(node), line, message, advice, node=node, **more)


def pull(node: Node, k: int, g: Any) -> Any:
    """Return the gradient of operand k of a node, as the backward pass computes it; 0 for None."""
    with np.errstate(all="ignore"):
        try:
            part = node.operation.pull(k, g, node.operands, node.output, node.params)
        except (ZeroDivisionError, OverflowError):
            g, output = as_numpy([g, node.output])
            part = node.operation.pull(k, g, as_numpy(node.operands), output, node.params)
    return 0.0 if part is None else part
