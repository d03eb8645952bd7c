"""The function that a person differentiates: its true values and gradients, and what they would be.

They come from one trace of the function. From other values for some of its variables it can be
replayed, and from other gradients for some of them the chain rule can be continued: that is how a
mistake is told apart from what follows from it.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.core.array import Array, shape_of
from chainrule.core.node import Node
from chainrule.core.reach import ancestors
from chainrule.core.saved import as_numpy
from chainrule.core.source import Location
from chainrule.errors import ArgumentError, NonScalarOutputError
from chainrule.explain.reviews.compare import Paths, close, is_telling
from chainrule.graph.trace import Argument, Trace
from chainrule.graph.tracing import trace

__all__ = ["Flow", "Reference", "Use"]

_MOST_NODES = 5000  # beyond which values are not looked up among all nodes


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a node's value, as operand k of a consumer, and what flows back along it."""

    consumer: Node
    operand: int
    part: Any


@dataclass(slots=True)
class Flow:
    """The gradients of one backward pass, and the contributions that each is the sum of.

    Where a gradient was overridden, ``gradients`` holds what it should have been; what flows on
    from there is the override's.
    """

    gradients: dict[Node, Any] = field(default_factory=dict)
    used: dict[Node, Any] = field(default_factory=dict)
    uses: dict[Node, list[Use]] = field(default_factory=dict)

    def paths(self, node: Node) -> Paths:
        """Return the contributions to a node's gradient."""
        return Paths(self.gradients[node], [use.part for use in self.uses.get(node, [])])


class Reference:
    """The traced function: nodes, values, names, gradients."""

    def __init__(
        self, f: Callable[..., Any], args: Sequence[Any], argnums: int | Sequence[int] | None = None
    ) -> None:
        with np.errstate(all="ignore"):
            traced = trace(f, args)
        traced.end()
        self.trace: Trace = traced
        self.name = str(getattr(f, "__name__", "f"))
        self.arguments: list[Argument] = traced.inputs
        chosen = {argnums} if isinstance(argnums, int) else None if argnums is None else {*argnums}
        count = len(args)
        self.wanted = [
            a for a in self.arguments if chosen is None or {a.position, a.position - count} & chosen
        ]
        self.output = self._output_node(traced.output)
        given = {a.node: a.value for a in traced.arguments if a.node is not None}  # labels, too
        self.values: dict[Node, Any] = {
            **given,
            **{node: node.output for node in traced.nodes},
        }
        self.order = list(self.values)
        self.place = {node: k for k, node in enumerate(self.order)}
        self.consumers: dict[Node, list[tuple[Node, int]]] = {}
        for node in traced.nodes:
            for k, parent in enumerate(node.parents):
                if parent is not None:
                    self.consumers.setdefault(parent, []).append((node, k))
        self.names = self._names(f)
        self.own_names = {n for nodes in self.names.values() for n in nodes}
        self.flow = self.flow_with(self.values, {})
        self.upstream_arguments = self._reachable_arguments()

    def _output_node(self, output: Any) -> Node:
        if not isinstance(output, Array):
            raise ArgumentError(
                f"{self.name} does not depend on its arguments, so there is nothing to review"
            )
        if shape_of(output.value) != ():
            raise NonScalarOutputError(
                f"review needs a function whose value is one number, {self.name} returned shape "
                f"{shape_of(output.value)}: sum or average it"
            )
        node: Node = output.node
        return node

    def _names(self, f: Callable[..., Any]) -> dict[str, list[Node]]:
        """Map variables to their nodes; a helper's own variables stand behind the function's."""
        code = getattr(f, "__code__", None)
        own: dict[str, list[Node]] = {}
        helpers: dict[str, list[Node]] = {}
        for a in self.arguments:
            if a.node is not None:
                own.setdefault(a.name, []).append(a.node)
        for node in self.trace.nodes:
            note = self.trace.notes.get(node)
            if note is None or note.name is None:
                continue
            mine = code is None or note.location.function == code.co_name
            (own if mine else helpers).setdefault(note.name, []).append(node)
        for name, nodes in helpers.items():
            own.setdefault(name, nodes)
        if not any(self.output in nodes for nodes in own.values()):
            for name in (self.name, "f", "loss", "L"):
                if name.isidentifier() and name not in own:
                    own[name] = [self.output]
        return own

    def _reachable_arguments(self) -> dict[Node, frozenset[Node]]:
        above: dict[Node, frozenset[Node]] = {}
        for node in self.order:
            if node.parents:
                parents = [p for p in node.parents if p is not None]
                above[node] = frozenset().union(*(above[p] for p in parents))
            else:
                above[node] = frozenset({node})
        return above

    def is_on_path(self, node: Node) -> bool:
        """Tell whether the output depends on a node."""
        return node in self.flow.gradients

    def gradient(self, node: Node) -> Any:
        """Return the true gradient of a node; zeros where the output does not depend on it."""
        if self.is_on_path(node):
            return self.flow.gradients[node]
        return np.zeros(shape_of(self.values[node]))[()]

    def paths(self, node: Node) -> Paths:
        """Return the true contributions to a node's gradient."""
        return self.flow.paths(node) if self.is_on_path(node) else Paths(self.gradient(node), [])

    def with_value(self, value: Any) -> list[Node]:
        """Return the nodes that have a value, if it is special enough to tell by."""
        return self._with(self.order, value, self.values)

    def with_gradient(self, value: Any) -> list[Node]:
        """Return the nodes that have a gradient, without the arguments."""
        return self._with(self.trace.nodes, value, self.flow.gradients)

    def _with(self, nodes: Sequence[Node], value: Any, table: Mapping[Node, Any]) -> list[Node]:
        if len(self.order) > _MOST_NODES or not is_telling(value):
            return []
        return [n for n in nodes if self.is_on_path(n) and close(value, table[n])]

    # Words for messages.

    def label(self, node: Node) -> str:
        """Say what a node is in the function: its variable, or the line that computes it."""
        for name, nodes in self.names.items():
            if node in nodes:
                return name
        place = self.location(node)
        return f"a part of `{place.text}`" if place and place.text else node.operation.name

    def location(self, node: Node) -> Location | None:
        """Return the line of the function that made a node."""
        note = self.trace.notes.get(node)
        return note.location if note else None

    # What if.

    def replay(self, overrides: Mapping[Node, Any]) -> dict[Node, Any]:
        """Return every node's value, where some values are given."""
        if not overrides:
            return self.values
        values: dict[Node, Any] = {}
        changed: set[Node] = set()
        for node in self.order:
            if node in overrides:
                values[node] = overrides[node]
                changed.add(node)
            elif not changed.isdisjoint(node.parents):
                values[node] = self.compute(node, values)
                changed.add(node)
            else:
                values[node] = self.values[node]
        return values

    def value_with(self, node: Node, overrides: Mapping[Node, Any]) -> Any:
        """Return one node's value, where some values are given."""
        first = min((self.place[n] for n in overrides), default=len(self.order))
        between, stack = set(), [node]
        while stack:
            n = stack.pop()
            if n not in between and n not in overrides and self.place[n] > first:
                between.add(n)
                stack += [p for p in n.parents if p is not None]
        changed = dict(overrides)
        values = ChainMap(changed, self.values)
        for n in sorted(between, key=self.place.__getitem__):
            if not changed.keys().isdisjoint(n.parents):
                changed[n] = self.compute(n, values)
        return values[node]

    def compute(self, node: Node, values: Mapping[Node, Any]) -> Any:
        """Return a node's value from those of its parents; its own where they do not fit."""
        operands = _operands(node, values)
        with np.errstate(all="ignore"):
            for given in (operands, as_numpy(operands)):
                try:
                    return node.operation.compute(*given, **node.params)
                except (ZeroDivisionError, OverflowError, ValueError, TypeError, IndexError):
                    continue
        return self.values[node]

    def flow_with(
        self, values: Mapping[Node, Any], overrides: Mapping[Node, Any], until: Node | None = None
    ) -> Flow:
        """Run the backward pass from these values, with these gradients in place of its own.

        It ends where the gradient of ``until`` is complete.
        """
        flow = Flow()
        one = np.asarray(self.values[self.output]).dtype.type(1)
        running: dict[Node, Any] = {self.output: 1.0 if one.dtype == np.float64 else one}
        for node in reversed(self.order):
            g = running.pop(node, None)
            if g is None:
                continue
            flow.gradients[node] = g
            if node is until:
                break
            g = flow.used[node] = overrides.get(node, g)
            for k, parent in enumerate(node.parents):
                if parent is None:
                    continue
                part = pull(node, k, g, values)
                if part is None:
                    continue
                flow.uses.setdefault(parent, []).append(Use(node, k, part))
                running[parent] = _sum(running.get(parent), part)
        return flow

    def pull_stage(
        self,
        start: Node,
        g: Any,
        target: Node,
        values: Mapping[Node, Any],
        boundaries: Iterable[Node],
        local: tuple[Node, Any] | None = None,
    ) -> Any:
        """Return what an upstream gradient of start contributes to target, within one stage.

        Paths that cross another of the boundaries do not count. ``local`` is a node, and what
        stands in place of its local gradient.
        """
        ends = set(boundaries) - {start}
        order = ancestors([start], ends)
        inside = set(order) - {target}
        running: dict[Node, Any] = {start: g}
        other, factor = local or (None, None)
        for node in reversed(order):
            upstream = running.get(node)
            if upstream is None or node is target:
                continue
            for k, parent in enumerate(node.parents):
                if parent is not None and (parent in inside or parent is target):
                    own = node is other
                    part = upstream * factor if own else pull(node, k, upstream, values)
                    if part is not None:
                        running[parent] = _sum(running.get(parent), part)
        return running.get(target)

    def next_boundaries(self, node: Node, boundaries: Iterable[Node]) -> list[Node]:
        """Return the boundaries that use a node's value without another boundary between."""
        ends, found = set(boundaries), []
        seen, stack = {node}, [node]
        while stack:
            for consumer, _ in self.consumers.get(stack.pop(), []):
                if consumer in seen:
                    continue
                seen.add(consumer)
                if consumer in ends:
                    if consumer in self.flow.gradients:
                        found.append(consumer)
                else:
                    stack.append(consumer)
        return sorted(found, key=lambda n: n.birth)

    def stage(self, node: Node, boundaries: Iterable[Node]) -> tuple[set[Node], set[Node]]:
        """Return the nodes that a boundary is computed with, itself included, and their inputs."""
        ends = set(boundaries) - {node}
        inside, inputs, stack = {node}, set(), [node]
        while stack:
            for parent in stack.pop().parents:
                if parent is None or parent in inside:
                    continue
                if parent in ends or not parent.parents:
                    inputs.add(parent)
                else:
                    inside.add(parent)
                    stack.append(parent)
        return inside, inputs


def _sum(held: Any, part: Any) -> Any:
    """Add what comes along one more path; a person's gradient of another shape may not fit."""
    if held is None:
        return part
    try:
        return held + part
    except ValueError:
        return held


def _operands(node: Node, values: Mapping[Node, Any]) -> list[Any]:
    return [
        x if parent is None else values[parent]
        for x, parent in zip(node.operands, node.parents, strict=True)
    ]


def pull(node: Node, k: int, g: Any, values: Mapping[Node, Any]) -> Any:
    """Return what flows back to operand k of a node; None for nothing, or where g does not fit."""
    operation = node.operation
    if not operation.differentiable:
        return None
    operands, output = _operands(node, values), values[node]
    with np.errstate(all="ignore"):
        try:
            return operation.pull(k, g, operands, output, node.params)
        except (ZeroDivisionError, OverflowError):
            pass
        except (ValueError, TypeError, IndexError):
            return None
        try:
            g, output, *operands = as_numpy([g, output, *operands])
            return operation.pull(k, g, operands, output, node.params)
        except (ValueError, TypeError, IndexError, ArithmeticError):
            return None
