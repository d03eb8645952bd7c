"""A node: one application of an operation, with what its backward pass will need.

A node keeps the values that a rule may ask for and no others: a value that no rule asks for is
freed as soon as the user's code lets go of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from chainrule.core.operation import Operation
from chainrule.core.recording import Recording

__all__ = ["Leaf", "Node", "births"]

#: Returns the number of the next node.
births = itertools.count(1).__next__
_NO_PARAMS: Mapping[str, Any] = {}


class Node:
    """One application of an operation.

    ``parents[k]`` is the node of operand k, or None where that is a constant; ``operands[k]`` is
    its value and ``output`` the node's own, or a `Placeholder` where no rule needs them. ``birth``
    numbers all nodes in the order in which they were made, which is a topological order.
    """

    __slots__ = ("birth", "operands", "operation", "output", "params", "parents", "recording")

    operation: Operation

    def __init__(
        self,
        operation: Operation | None,
        parents: tuple[Node | None, ...],
        operands: tuple[Any, ...],
        output: Any,
        params: Mapping[str, Any],
        recording: Recording,
    ) -> None:
        self.operation = operation  # type: ignore[assignment]  # None in a Leaf alone
        self.parents = parents
        self.operands = operands
        self.output = output
        self.params = params
        self.recording = recording
        self.birth = births()

    @property
    def is_shaped_by_values(self) -> bool:
        """Whether the shape depends on values that are recorded, as that of ``x[x > 0]`` does."""
        if not self.parents or self.operation.shaped_by is None:
            return False
        return any(self.parents[k] is not None for k in self.operation.shaping(self.operands))

    def __reduce__(self) -> Any:
        """Let go of the past: in the pickle of printed code, a node only says which one it is.

        An Array, whose history would be lost, refuses to be pickled.
        """
        return _without_past, ()


class Leaf(Node):
    """A node without a past: an input. ``grad`` is filled by ``Array.backward``."""

    __slots__ = ("grad",)

    def __init__(self, recording: Recording) -> None:
        self.operation = None  # type: ignore[assignment]
        self.parents = self.operands = ()
        self.output = None
        self.params = _NO_PARAMS
        self.recording = recording
        self.birth = births()
        self.grad: Any = None


def _without_past() -> Leaf:
    return Leaf(Recording())
