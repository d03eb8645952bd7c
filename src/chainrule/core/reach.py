"""Reachability: which nodes lie between the inputs and the outputs, and who else may need them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from operator import attrgetter
from typing import Any

from chainrule.core.array import Array
from chainrule.core.node import Node
from chainrule.core.recording import Recording, has_ended

__all__ = ["ancestors", "dependent", "is_recorded", "own_nodes", "reach"]

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


def ancestors(nodes: Iterable[Node], ends: Container[Node] = ()) -> list[Node]:
    """Return some nodes and all that they were computed from, in the order of their making.

    What is beyond the ends is left out, and the ends with it.
    """
    seen = set(nodes)
    stack = list(seen)
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and parent not in seen and parent not in ends:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=_birth)


def own_nodes(starts: Sequence[tuple[Array, Any]], inputs: Sequence[Node]) -> list[Node] | None:
    """Return all nodes of the recording that everything belongs to, if there is such a one.

    A node belongs to the outermost recording that it depends on, so nothing outside is reached.
    """
    if not inputs:
        return None
    recording = inputs[0].recording
    if recording.nodes is None:
        return None
    for node in inputs:
        if node.parents or node.recording is not recording:
            return None
    for y, g in starts:
        if y.node.recording is not recording or type(g) is Array:
            return None
    return recording.nodes


def dependent(nodes: list[Node], inputs: Sequence[Node]) -> list[Node]:
    """Keep the nodes that depend on an input."""
    found = set(inputs)
    for node in reversed(nodes):
        if any(parent in found for parent in node.parents):
            found.add(node)
    return [node for node in nodes if node in found]


def is_recorded(
    nodes: Sequence[Node], inputs: Sequence[Node], outside: bool, seeds: Sequence[Any]
) -> bool:
    """Tell whether the derivative must be recorded, because something may ask for its own."""
    return (
        outside
        # Inputs that stand for outer arrays have a past of their own, so the result has one too.
        or any(node.parents for node in inputs)
        or any(type(seed) is Array for seed in seeds)
        or bool(nodes and _is_observed(nodes[0].recording))
    )


def _is_observed(recording: Recording) -> bool:
    return recording.note is not None and not has_ended(recording)
