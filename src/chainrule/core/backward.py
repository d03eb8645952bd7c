"""The backward pass: local gradient times upstream gradient, from late to early, summed at forks.

``backward`` is the whole of it. There are no levels: every transform differentiates with respect to
fresh nodes of its own, so nested derivatives cannot confuse one another. When nothing outside can
depend on the result, rules run on plain values and no nodes are made; otherwise the same rules run
on Arrays and thereby record the derivative.
"""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from operator import attrgetter
from typing import Any

import numpy as np

from chainrule.core.array import Absent, Array, Leaf, Node, shape_of, value_of
from chainrule.core.captured import check_unchanged
from chainrule.core.recording import Recording, check_running, has_ended

__all__ = [
    "as_numpy",
    "backward",
    "backward_everywhere",
    "backward_into_leaves",
    "is_recorded",
    "lift",
    "reach",
]

_ndarray = np.ndarray
_birth = attrgetter("birth")


def reach(starts: Sequence[Node], inputs: Sequence[Node]) -> tuple[list[Node], bool]:
    """Collect the nodes between some nodes and the inputs, latest first.

    Returns the nodes, inputs included where they are reached, and whether the starts also depend
    on anything outside: a node that is older than the inputs, or a leaf that is not one of them.
    """
    first = min((node.birth for node in inputs), default=0)
    stack = list(starts)
    seen = set(stack)
    found = []
    outside = False
    ends = set(inputs)
    while stack:
        node = stack.pop()
        if node in ends:
            found.append(node)
        elif node.birth < first or not node.parents:
            outside = outside or not has_ended(node.recording)
        else:
            found.append(node)
            for parent in node.parents:
                if parent is not None and parent not in seen:
                    seen.add(parent)
                    stack.append(parent)
    found.sort(key=_birth, reverse=True)
    return found, outside


def backward(starts: Sequence[tuple[Array, Any]], inputs: Sequence[Node]) -> list[Any]:
    """Pull upstream gradients back to the inputs.

    Args:
        starts: pairs of an output and its upstream gradient.
        inputs: nodes to differentiate with respect to.

    Returns:
        One gradient per input: None where no start depends on it; an Array where the result itself
        can be differentiated further, else a plain value.
    """
    for recording in {node.recording for node in inputs}:
        check_unchanged(recording)
    results: dict[Node, Any] = dict.fromkeys(inputs)
    own = _own_nodes(starts, inputs)
    if own is not None:
        _sweep([*reversed(own), *inputs], None, starts, results, False)
    else:
        nodes, outside = reach([y.node for y, _ in starts], inputs)
        recorded = is_recorded(nodes, inputs, outside, [g for _, g in starts])
        if outside:
            nodes = _dependent(nodes, inputs)
        _sweep(nodes, set(nodes), starts, results, recorded)
    return [results[node] for node in inputs]


def _own_nodes(starts: Sequence[tuple[Array, Any]], inputs: Sequence[Node]) -> list[Node] | None:
    """Return all nodes of the recording that everything belongs to, if there is such a one.

    A node belongs to the outermost recording that it depends on, so nothing outside is reached.
    """
    if not inputs:
        return None
    recording = inputs[0].recording
    if recording.nodes is None or not all(
        node.recording is recording and not node.parents for node in inputs
    ):
        return None
    for y, g in starts:
        if y.node.recording is not recording or type(g) is Array:
            return None
    return recording.nodes


def backward_everywhere(
    starts: Sequence[tuple[Array, Any]], inputs: Sequence[Node]
) -> dict[Node, Any]:
    """Return the plain gradient of every node between the starts and the inputs, ends included."""
    nodes, outside = reach([y.node for y, _ in starts], inputs)
    if outside:
        nodes = _dependent(nodes, inputs)
    results: dict[Node, Any] = {}
    _sweep(nodes, set(nodes), starts, results, False, every=True)
    return results


def _sweep(
    nodes: list[Node],
    wanted: Set[Node] | None,
    starts: Sequence[tuple[Array, Any]],
    results: dict[Node, Any],
    recorded: bool,
    every: bool = False,
) -> None:
    """Visit the nodes, latest first, and leave the gradients of inputs (or of all) in results.

    Gradients flow to the wanted nodes alone; None stands for all.
    """
    with np.errstate(all="ignore"):  # inf and NaN in local gradients are reported by explain
        if not recorded:
            _visit(nodes, wanted, starts, results, False, every, False)
            if all(map(_is_finite, results.values())):
                return
            # 0 * inf may be among the reasons: go again, with the rules that look out for it.
            for node in results:
                results[node] = None
        _visit(nodes, wanted, starts, results, recorded, every, True)


def _is_finite(g: Any) -> bool:
    """Tell whether all entries are finite; False may be a false alarm (squares that overflow)."""
    if type(g) is _ndarray:
        return math.isfinite(np.vdot(g, g) if g.flags.forc else np.add.reduce(g, axis=None))
    return g is None or math.isfinite(g)


def _visit(
    nodes: list[Node],
    wanted: Set[Node] | None,
    starts: Sequence[tuple[Array, Any]],
    results: dict[Node, Any],
    recorded: bool,
    every: bool,
    guarded: bool,
) -> None:
    gradients: dict[Node, Any] = {}
    for y, g in starts:
        held = gradients.get(y.node)
        gradients[y.node] = g if held is None else held + g
    mine: set[Node] = set()  # nodes whose gradient is an array made here, free to add into
    for node in nodes:
        g = gradients.pop(node, None)
        if g is None:
            continue
        if every or node in results:
            results[node] = g
            if not every:
                continue
        operation = node.operation
        if not node.parents or not operation.differentiable:
            continue
        operands: Sequence[Any] = node.operands
        output = node.output
        if recorded:
            operands = [lift(x, p) for x, p in zip(operands, node.parents, strict=True)]
            output = lift(output, node)
        pull = operation.pull if guarded else operation.pull_fast
        for k, parent in enumerate(node.parents):
            if parent is None or (wanted is not None and parent not in wanted):
                continue
            if k == 0 and operation.scatter is not None and not recorded:
                _scatter(operation, parent, g, operands, node.params, gradients, mine)
                continue
            try:
                part = pull(k, g, operands, output, node.params)
            except (ZeroDivisionError, OverflowError, ValueError):
                g, output = as_numpy([g, output])
                operands = as_numpy(operands)
                part = pull(k, g, operands, output, node.params)
            if part is None:
                continue
            held = gradients.get(parent)
            if held is None:
                gradients[parent] = part
            elif parent in mine and type(part) is not Array:
                held += part
            else:
                total = gradients[parent] = held + part
                if type(total) is _ndarray:
                    mine.add(parent)
                else:
                    mine.discard(parent)


def _scatter(
    operation: Any,
    parent: Node,
    g: Any,
    operands: Sequence[Any],
    params: Any,
    gradients: dict[Node, Any],
    mine: set[Node],
) -> None:
    """Add the pullback of an indexing operation in place, without a zero array for each."""
    operand, *indices = operands
    held = gradients.get(parent)
    if held is None:
        held = np.zeros(operand.shape, operand.dtype)
    elif parent not in mine:
        held = np.array(held)
    gradients[parent] = held
    mine.add(parent)
    operation.scatter(held, g, *indices, **params)


def lift(value: Any, node: Node | None) -> Any:
    """Give a saved value its history back, so that a rule which uses it is recorded."""
    if node is None or type(value) is Absent or value is None or has_ended(node.recording):
        return value
    return Array(value, node)


def is_recorded(
    nodes: Sequence[Node], inputs: Sequence[Node], outside: bool, seeds: Sequence[Any]
) -> bool:
    """Tell whether the derivative must be recorded, because something may ask for its own."""
    return (
        outside
        # Inputs that stand for outer arrays have a past of their own, so the result has one too.
        or any(node.parents for node in inputs)
        or any(type(seed) is Array for seed in seeds)
        or bool(nodes and _is_noted(nodes[0].recording))
    )


def as_numpy(values: Sequence[Any]) -> list[Any]:
    """Turn Python floats, which raise where NumPy's give inf or NaN, into NumPy's."""

    def convert(value: Any) -> Any:
        if type(value) is Array:
            return Array(convert(value.value), value.node)
        return np.float64(value) if type(value) is float else value

    return [convert(value) for value in values]


def _is_noted(recording: Recording) -> bool:
    return recording.note is not None and not has_ended(recording)


def _dependent(nodes: list[Node], inputs: Sequence[Node]) -> list[Node]:
    """Keep the nodes that depend on an input."""
    dependent = set(inputs)
    for node in reversed(nodes):
        if any(parent in dependent for parent in node.parents):
            dependent.add(node)
    return [node for node in nodes if node in dependent]


def backward_into_leaves(y: Array, gradient: Any) -> None:
    """Add the gradient of y into ``grad`` of every leaf that it depends on.

    Raises:
        EndedRecordingError: y was made by a function under a transform that has returned.
    """
    check_running(y.node)
    stack = [y.node]
    leaves = {y.node} if isinstance(y.node, Leaf) else set()
    seen = set(stack)
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                stack.append(parent)
                if isinstance(parent, Leaf) and not has_ended(parent.recording):
                    leaves.add(parent)
    inputs = sorted(leaves, key=_birth)
    for leaf, g in zip(inputs, backward([(y, gradient)], inputs), strict=True):
        if g is not None:
            g = value_of(g)
            if leaf.grad is None:
                leaf.grad = np.array(g) if shape_of(g) else g
            else:
                leaf.grad = leaf.grad + g
