"""A run again, as one graph: every value, gradient and local gradient, as functions of the inputs.

The nodes of the run are copied onto fresh leaves, and the backward pass through the copies is
recorded: the library's own rules, applied to Arrays. So what a page computes for other inputs comes
from the rows of the operations, as every gradient does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.core.backward import backward_everywhere
from chainrule.core.node import Leaf, Node
from chainrule.core.reach import ancestors
from chainrule.core.recording import Recording
from chainrule.core.saved import as_numpy, lift
from chainrule.explain.numbers import is_scalar
from chainrule.explain.observation import Observation
from chainrule.graph.graph import Constant, Input, Vertex, from_nodes

__all__ = ["Replay"]


class Replay:
    """The values, gradients and local gradients of a run, as vertices of one graph.

    Args:
        run: the run.

    Attributes:
        inputs: the arguments that hold floats, in their order.
    """

    def __init__(self, run: Observation) -> None:
        self._run = run
        self._recording = Recording(note=lambda node, value: None, every_guard=True)
        self._copies: dict[Node, Node] = {}
        self._values: dict[Node, Any] = {}  # of the arguments
        self._made: dict[Node, Vertex] = {}  # of copies, and what was computed with them
        self.inputs: list[Input] = []
        for argument in run.trace.arguments:
            if argument.node is not None:
                leaf = self._copies[argument.node] = Leaf(self._recording)
                self._values[argument.node] = argument.value
                self.inputs.append(Input(argument.name, argument.value))
                self._made[leaf] = self.inputs[-1]
        self._copy(ancestors(self._wanted()))
        self._gradients = self._backward()

    def _wanted(self) -> list[Node]:
        run = self._run
        return [*run.reached, *(guard.node for guard in run.trace.guards)]

    def _copy(self, nodes: Iterable[Node]) -> None:
        for node in sorted(nodes, key=lambda node: node.birth):
            if node in self._copies or not node.parents:
                continue
            parents = tuple(self._copies.get(x) if x is not None else None for x in node.parents)
            self._copies[node] = Node(
                node.operation, parents, node.operands, node.output, node.params, self._recording
            )

    def _backward(self) -> dict[Node, Any]:
        """Return the recorded gradient of every copy."""
        run = self._run
        if run.output is None:
            return {}
        value = run.output.output if run.output.parents else run.trace.output.value
        seed = np.ones_like(value)[()] if hasattr(value, "dtype") else 1.0
        inputs = [self._copies[a.node] for a in run.trace.inputs if a.node is not None]
        start = Array(value, self._copies[run.output])
        return backward_everywhere([(start, seed)], inputs, recorded=True)[0]

    # What is asked for.

    def array(self, node: Node) -> Array:
        """Return the value of a node, to be computed with: what is made of it is recorded."""
        return Array(self._values.get(node, node.output), self._copies[node])

    def gradient_array(self, node: Node) -> Any:
        """Return the gradient of a node, to be computed with; None where none flows."""
        return self._gradients.get(self._copies[node]) if node in self._copies else None

    def value(self, node: Node) -> Vertex:
        """Return the value of a node."""
        return self.vertex(self.array(node))

    def gradient(self, node: Node) -> Vertex | None:
        """Return the gradient of a node; None where none flows."""
        found = self._gradients.get(self._copies[node])
        return None if found is None else self.vertex(found)

    def local(self, node: Node, k: int) -> Vertex | None:
        """Return the local gradient of a gate of numbers by operand k."""
        value = node.output
        one = np.ones((), value.dtype)[()] if hasattr(value, "dtype") else 1.0
        return self._pulled(node, k, one)

    def contribution(self, node: Node, k: int) -> Vertex | None:
        """Return what a gate adds to the gradient of operand k."""
        upstream = self._gradients.get(self._copies[node])
        return None if upstream is None else self._pulled(node, k, upstream)

    def _pulled(self, node: Node, k: int, g: Any) -> Vertex | None:
        copy = self._copies[node]
        operands = [lift(x, p) for x, p in zip(copy.operands, copy.parents, strict=True)]
        output = lift(copy.output, copy)
        pull = copy.operation.pull
        with np.errstate(all="ignore"):
            try:
                part = pull(k, g, operands, output, copy.params)
            except (ZeroDivisionError, OverflowError, ValueError):
                g, output = as_numpy([g, output])
                part = pull(k, g, as_numpy(operands), output, copy.params)
        return None if part is None else self.vertex(part)

    def vertex(self, value: Any) -> Vertex:
        """Return what was computed with arrays of the run, as a vertex of the graph."""
        if type(value) is not Array or value.node is None:
            return Constant(value.value if type(value) is Array else value, literal=True)
        (vertex,) = from_nodes([value.node], {}, made=self._made)
        return vertex

    def is_number(self, node: Node, k: int) -> bool:
        """Tell whether a gate makes a number of operand k, a number."""
        return is_scalar(node.output) and is_scalar(node.operands[k])
