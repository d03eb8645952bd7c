"""Gradients of formulas that fail for large or small numbers: computed once more, in stable form.

``np.log(np.sum(np.exp(x)))`` overflows at 1000, and its gradient with it, though that is an
ordinary number. Compiled code rewrites such formulas before it runs (`chainrule.graph.stabilise`).
Here the same rules serve a backward pass that met something infinite: what was recorded becomes a
graph, is rewritten, and what was rewritten is computed anew. The user's function is not run again,
and where everything is finite nothing is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.core.backward import backward
from chainrule.core.node import Leaf, Node
from chainrule.core.placeholder import Placeholder
from chainrule.core.reach import reach
from chainrule.core.recording import Recording
from chainrule.graph.chosen_zeros import NotKept, evaluated_by_choices
from chainrule.graph.graph import Apply, Input, Vertex, evaluate, from_nodes, topological
from chainrule.graph.stabilise.rules import stabilised
from chainrule.graph.stabilise.scaled import root_of_sum_of_squares

__all__ = ["stable_gradients"]

_MOST_NODES = 20_000  # beyond it, rewriting would take seconds


def stable_gradients(
    starts: Sequence[tuple[Array, Any]],
    inputs: Sequence[Node],
    values: Sequence[Any],
    gradients: list[Any],
) -> list[Any]:
    """Return gradients whose entries are finite wherever a stable form is known.

    They are what compiled code computes. Entries for which no stable form is finite stay, but for
    zeros that met infinity though no choice made them: where the output is infinite, too, they are
    NaN.

    Args:
        starts: pairs of an output and its upstream gradient.
        inputs: the nodes that the gradients are by.
        values: the values of the inputs.
        gradients: what the rules gave; None where there is none.
    """
    nodes, outside = reach([y.node for y, _ in starts], inputs)
    if outside or len(nodes) > _MOST_NODES or not all(map(_is_finite, values)):
        return gradients
    copies = _copied(reversed(nodes), inputs)
    again = [(Array(y.value, copies[y.node]), g) for y, g in starts if y.node in copies]
    try:
        derived = backward(again, [copies[node] for node in inputs], recorded=True)
    except Exception:  # a rule of the user's may be for plain values alone, and has served already
        return gradients
    wanted = [k for k, g in enumerate(derived) if type(g) is Array]
    known: dict[Node, Vertex] = {
        copies[node]: Input(f"x{k}", value)
        for k, (node, value) in enumerate(zip(inputs, values, strict=True))
    }
    before = from_nodes([derived[k].node for k in wanted], known)
    after = stabilised(before, _is_real, root_of_sum_of_squares)
    try:
        outputs = _evaluated(after, kept=set(topological(before)))
    except NotKept:
        return gradients
    found = list(gradients)
    overflowed = not all(_is_finite(y.value) for y, _ in starts)
    try:
        strict = evaluated_by_choices(after) if overflowed else outputs
    except NotKept:
        strict = outputs
    for k, new, known_to_be in zip(wanted, outputs, strict, strict=True):
        if np.shape(new) == np.shape(gradients[k]):
            better = np.where(np.isfinite(new), new, gradients[k])
            # A plausible 0 would stop a training without a word.
            lost = np.equal(better, 0) & np.isnan(known_to_be)
            found[k] = np.where(lost, np.nan, better).astype(better.dtype)[()]
    return found


def _copied(nodes: Iterable[Node], inputs: Sequence[Node]) -> dict[Node, Node]:
    """Copy nodes, earliest first, into a recording of their own: theirs may have ended."""
    recording = Recording()
    copies: dict[Node, Node] = {node: Leaf(recording) for node in inputs}
    for node in nodes:
        if node not in copies:
            parents = tuple(None if p is None else copies.get(p) for p in node.parents)
            copies[node] = Node(
                node.operation, parents, node.operands, node.output, node.params, recording
            )
    return copies


def _evaluated(outputs: Sequence[Vertex], kept: set[Vertex]) -> list[Any]:
    """Compute vertices, but for those whose value was kept."""
    values: dict[Vertex, Any] = {}
    stack = list(outputs)
    while stack:
        vertex = stack[-1]
        if vertex in values:
            stack.pop()
            continue
        if not isinstance(vertex, Apply) or vertex in kept:
            if not isinstance(vertex.value, Placeholder):
                values[vertex] = vertex.value
                stack.pop()
                continue
            if not isinstance(vertex, Apply):
                raise NotKept
        missing = [x for x in vertex.operands if x not in values]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        values[vertex] = evaluate(
            vertex.operation, [values[x] for x in vertex.operands], vertex.params
        )
    return [values[output] for output in outputs]


def _is_finite(value: Any) -> bool:
    return bool(np.all(np.isfinite(value)))


def _is_real(dtype: np.dtype[Any]) -> bool:
    return dtype.kind != "c"
