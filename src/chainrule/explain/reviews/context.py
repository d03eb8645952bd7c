"""Where a mistake was made: what should have come to a node, and the values that were at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.core.node import Node
from chainrule.explain.reviews.reference import Reference

__all__ = ["Context", "Path"]


@dataclass(frozen=True, slots=True)
class Path:
    """What should have come to a node: from one stage and its upstream gradient, or altogether.

    A stage begins at ``start`` and goes back to the node without crossing ``boundaries``, the nodes
    that the person has variables for. ``through`` says which path it is where no stage does.
    """

    want: Any
    start: Node | None = None
    upstream: Any = None
    boundaries: frozenset[Node] = frozenset()
    through: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """The node whose gradient is wrong, the values in force, and the person's variables."""

    reference: Reference
    node: Node
    values: Mapping[Node, Any]
    variables: Mapping[str, Any]  # of the forward pass, the person's
    gradients: Mapping[str, Any]  # the person's
    gradient_names: Mapping[Node, str]

    def gradient_name(self, node: Node) -> str:
        """Say what the person calls, or would call, the gradient of a node."""
        if node is self.reference.output and node not in self.gradient_names:
            return "the result itself"
        label = self.reference.label(node)
        named = f"d{label}" if label.isidentifier() else f"the gradient of {label}"
        return self.gradient_names.get(node) or named

    def pulled(
        self,
        path: Path,
        values: Mapping[Node, Any] | None = None,
        upstream: Any = None,
        local: tuple[Node, Any] | None = None,
    ) -> Any:
        """Return what comes along a path if values or gradients on it were others."""
        assert path.start is not None
        upstream = path.upstream if upstream is None else upstream
        if self.node is path.start:
            return upstream
        values = self.values if values is None else values
        return self.reference.pull_stage(
            path.start, upstream, self.node, values, path.boundaries, local
        )

    def stage(self, path: Path) -> tuple[set[Node], set[Node]]:
        """Return the nodes of a path's stage, and the nodes that go into it."""
        assert path.start is not None
        return self.reference.stage(path.start, path.boundaries)
