"""What was recorded once, noted again as computed from other nodes, at the same values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.core.apply import Given, apply
from chainrule.core.array import Array
from chainrule.core.elementwise import identity
from chainrule.core.node import Leaf, Node
from chainrule.core.placeholder import Placeholder
from chainrule.core.reach import ancestors
from chainrule.core.recording import Recording, has_ended

__all__ = ["Retrace", "fresh"]


class Retrace:
    """How an Array was computed from a node, and from what is older than that.

    Nodes are copied, for whoever observes a run may change them.

    Attributes:
        parameters: what is older, and the value of each: a placeholder where no rule asked for it.
    """

    def __init__(self, y: Array, start: Node) -> None:
        self.parameters: dict[Node, Any] = {}
        self._end, self._value = y.node, y.value
        if y.node.birth < start.birth:
            self.parameters[y.node] = y.value
        older: set[Node] = set()
        stack, seen = [y.node], {y.node}
        while stack:
            node = stack.pop()
            for x, parent in zip(node.operands, node.parents, strict=True):
                if parent is None or parent is start or has_ended(parent.recording):
                    continue
                if parent.birth < start.birth:
                    older.add(parent)
                    if type(self.parameters.get(parent)) in (type(None), Placeholder):
                        self.parameters[parent] = x
                elif parent not in seen:
                    seen.add(parent)
                    stack.append(parent)
        self._steps = [
            (node, node.operation, node.operands, node.parents, node.output, node.params)
            for node in ancestors([y.node], {start, *older})
        ]

    def again(self, into: Mapping[Node, Any]) -> Any:
        """Return what is computed as the Array is, from others in the place of nodes.

        Nothing is computed: for each node there is an Array, or a plain value, that is equal to it.
        """
        made = dict(into)
        for node, operation, operands, parents, output, params in self._steps:
            if node in made:
                continue
            given = [
                x if parent is None else made.get(parent, x)
                for x, parent in zip(operands, parents, strict=True)
            ]
            if any(type(x) is Array for x in given):
                made[node] = apply(operation, Given(output), given, params)
        return made.get(self._end, self._value)


def fresh(value: Any) -> Array:
    """Return a new input with this value; that of an Array is derived by the Array, too."""
    if type(value) is Array:
        made: Array = apply(identity, Given(value.value), (value,))
        return made
    return Array(value, Leaf(Recording()))
