"""The graph of a run as a circuit: what is drawn, before anyone says where.

A gate stands for one operation. Constants are part of their gate (``+1``, ``*-1``, ``1/x``), as
one draws it by hand. Every vertex carries the value that leaves it and the gradient that comes
back, and every wire the local gradient at the gate that it enters.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.node import Node
from chainrule.core.operation import Operation
from chainrule.explain.numbers import brief, is_scalar, norm
from chainrule.explain.observation import Observation, pull
from chainrule.operations.elementwise import float_power

__all__ = ["Circuit", "Group", "Lead", "Vertex", "Whole", "circuit"]


@dataclass(slots=True)
class Lead:
    """A wire into a gate.

    ``local`` is the gate's local gradient by this operand: for numbers the derivative, for arrays
    the factor by which the gradient's norm changes; None where no gradient flows.
    """

    source: int
    local: float | None
    exact: bool


@dataclass(slots=True)
class Vertex:
    """An input or a gate. ``group`` is the number of its stage in the circuit, None for inputs.

    ``node`` is None for what has no value: the operation that raised an error.
    """

    node: Node | None
    label: str
    group: int | None
    value: Any
    gradient: Any
    leads: list[Lead] = field(default_factory=list)

    @property
    def is_input(self) -> bool:
        """Tell whether it has no past."""
        return self.group is None


@dataclass(slots=True)
class Group:
    """A stage: its name and code ('' where it has none), and its vertices, its result last.

    ``body`` are the lines of a loop, which is one vertex, and ``variables`` what it gives values.
    """

    name: str
    text: str
    vertices: list[int] = field(default_factory=list)
    body: Sequence[str] = ()
    variables: Collection[str] = ()


@dataclass(slots=True)
class Circuit:
    """Vertices in an order in which every wire leads onwards; the last one is the result."""

    title: str
    vertices: list[Vertex]
    groups: list[Group]


class Whole(NamedTuple):
    """A loop that is drawn as one vertex: its head, its body, and the nodes of all its turns."""

    head: str
    body: tuple[str, ...]
    nodes: frozenset[Node]


def circuit(
    run: Observation,
    stages: Mapping[Node, tuple[str, str]],
    title: str,
    loops: Sequence[Whole] = (),
) -> Circuit:
    """Build the circuit of a run.

    Args:
        run: trace and gradients.
        stages: name and code of each stage, by the node whose value it is.
        title: what the picture shows.
        loops: those that are drawn as one vertex.
    """
    whole = {node: loop for loop in loops for node in loop.nodes}
    order = _order(run, whole)
    if order is None:
        return circuit(run, stages, title)
    closing = _closing_nodes(run, stages, whole)
    groups: list[Group] = []
    group_of: dict[Node, int] = {}
    vertices: list[Vertex] = []
    number: dict[Node, int] = {}
    captured = _captured_names(run)
    for argument in run.trace.arguments:
        if argument.node is not None and argument.node in run.reached:
            number[argument.node] = len(vertices)
            gradient = run.gradients.get(argument.node)
            vertices.append(Vertex(argument.node, argument.name, None, argument.value, gradient))
    for item in order:
        if isinstance(item, Whole):
            _add_loop(item, run, stages, vertices, groups, number)
            continue
        node = item
        last = closing[node]
        if last not in group_of:
            group_of[last] = len(groups)
            groups.append(Group(*stages.get(last, ("", ""))))
        group = group_of[last]
        groups[group].vertices.append(len(vertices))
        number[node] = len(vertices)
        gradient = run.gradients.get(node) if node.operation.differentiable else None
        label = symbol(node.operation, node.parents, node.operands, captured)
        vertex = Vertex(node, label, group, node.output, gradient)
        for k, parent in enumerate(node.parents):
            if parent is not None:
                local, exact = _local(node, k, gradient, _flows(run, parent))
                vertex.leads.append(Lead(number[parent], local, exact))
        vertices.append(vertex)
    return Circuit(title, vertices, groups)


def _order(run: Observation, whole: Mapping[Node, Whole]) -> list[Node | Whole] | None:
    """Order nodes and loops so that each comes after what it is made of.

    None where a loop is made of something that is made of its turns.
    """
    needs: dict[Node | Whole, dict[Node | Whole, None]] = {}
    for node in run.live:
        here = whole.get(node, node)
        found = needs.setdefault(here, {})
        for parent in node.parents:
            if parent is not None and parent.parents and whole.get(parent, parent) is not here:
                found[whole.get(parent, parent)] = None
    order: list[Node | Whole] = []
    done: set[Node | Whole] = set()
    above: set[Node | Whole] = set()
    for start in needs:
        stack = [(start, iter(needs[start]))]
        while stack:
            here, rest = stack[-1]
            if here not in done:
                missing = next((x for x in rest if x not in done), None)
                if missing is not None:
                    if missing in above:
                        return None
                    above.add(missing)
                    stack.append((missing, iter(needs[missing])))
                    continue
                done.add(here)
                order.append(here)
            stack.pop()
    return order


def _add_loop(
    loop: Whole,
    run: Observation,
    stages: Mapping[Node, tuple[str, str]],
    vertices: list[Vertex],
    groups: list[Group],
    number: dict[Node, int],
) -> None:
    """Add a loop as one vertex, and its results behind it where there are several."""
    inside = [node for node in run.live if node in loop.nodes]
    sources = dict.fromkeys(
        parent
        for node in inside
        for parent in node.parents
        if parent is not None and parent not in loop.nodes
    )
    leads = [Lead(number[source], None, False) for source in sources]
    results = [
        node
        for node in inside
        if node is run.output or any(x not in loop.nodes for x, _ in run.consumers.get(node, ()))
    ]
    alone = results[0] if len(results) == 1 else None
    value = None if alone is None else alone.output
    gradient = None if alone is None else run.gradients.get(alone)
    at = len(vertices)
    vertices.append(Vertex(inside[-1], loop.head, len(groups), value, gradient, leads))
    text = "\n".join([loop.head, *loop.body])
    variables = dict.fromkeys(stages[node][0] for node in inside if node in stages)
    groups.append(Group(loop.head, text, [at], loop.body, variables))
    for node in results:
        number[node] = at
        if node is not alone:
            name = stages[node][0] if node in stages else symbol(node.operation, (), (), {})
            number[node] = len(vertices)
            gradient = run.gradients.get(node)
            lead = [Lead(at, None, False)]
            vertices.append(Vertex(node, name, len(groups), node.output, gradient, lead))
            groups.append(Group("", "", [number[node]]))


def _closing_nodes(
    run: Observation, stages: Mapping[Node, tuple[str, str]], whole: Mapping[Node, Whole]
) -> dict[Node, Node]:
    """Find for each node the one that closes its stage.

    A node that all its users have in common with one stage belongs to it. So every stage has one
    way out, and stages cannot depend on each other in a circle.
    """
    closing: dict[Node, Node] = {}
    for node in reversed(run.live):
        ends = {closing[user] for user, _ in run.consumers.get(node, [])}
        alone = node in stages or node in whole or len(ends) != 1 or not ends.isdisjoint(whole)
        closing[node] = node if alone else ends.pop()
    return closing


def _flows(run: Observation, node: Node) -> bool:
    """Tell whether a node has a gradient that means something: comparisons have none."""
    return node in run.gradients and (not node.parents or node.operation.differentiable)


def _local(node: Node, k: int, gradient: Any, flows: bool) -> tuple[float | None, bool]:
    """Return the local gradient by operand k, and whether it is a derivative (else a ratio)."""
    if gradient is None or not flows or not node.operation.differentiable:
        return None, False
    if is_scalar(node.output) and is_scalar(node.operands[k]):
        one = (
            np.ones((), np.asarray(node.output).dtype)[()] if hasattr(node.output, "dtype") else 1.0
        )
        return float(pull(node, k, one)), True
    upstream = norm(gradient)
    if not upstream or not math.isfinite(upstream):
        return None, False
    return norm(pull(node, k, gradient)) / upstream, False


def _captured_names(run: Observation) -> Mapping[int, str]:
    names = dict(run.trace.constant_names)
    for argument in run.trace.arguments:
        if argument.node is None and isinstance(argument.value, np.ndarray):
            names[id(argument.value)] = argument.name
    return names


# Symbols.


def symbol(
    operation: Operation,
    parents: Sequence[object | None],
    operands: Sequence[Any],
    names: Mapping[int, str],
) -> str:
    """Return what is written in a gate, its constant operand included.

    Args:
        operation: of the gate.
        parents: where each operand comes from; None for a constant.
        operands: their values.
        names: of arrays, by id.
    """
    sign = operation.glyph or operation.symbol or operation.name
    if len(parents) != 2 or all(p is not None for p in parents):
        return sign
    at = 0 if parents[0] is None else 1
    constant = _constant(operands[at], names)
    if operation.symbol is None and operation is not float_power:
        return f"{sign} {constant}" if constant and operation.glyph else sign
    if not constant:
        return sign
    if at == 1 or operation.commutes:
        return f"{sign}{constant}"
    return f"{constant}{sign}x" if len(constant) < 6 else f"{constant}{sign}"


def _constant(value: Any, names: Mapping[int, str]) -> str:
    if is_scalar(value):
        if isinstance(value, (bool, int, np.integer, np.bool_)):
            return str(value)
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 1e6 else f"{number:.4g}"
    return names.get(id(value), "")


def wire_text(value: Any) -> str:
    """Write what flows along a wire: a number, or an array's shape and norm; '' for nothing."""
    if value is None:
        return ""
    if is_scalar(value):
        return brief(value)
    return f"{_shape(value)} {norm_text(value)}"


def norm_text(value: Any) -> str:
    """Write an array's norm, or a number."""
    if is_scalar(value):
        return brief(value)
    if np.asarray(value).dtype == bool:
        return f"{int(np.sum(value))} True"
    return f"‖{brief(norm(value))}‖"


def _shape(value: Any) -> str:
    return "×".join(map(str, np.shape(value)))
