"""What a loss makes of the model's output: softmaxes, and what it compares with the targets."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.node import Node
from chainrule.diagnose.probe import Probe
from chainrule.operations import elementwise, softmax
from chainrule.operations.arithmetic import subtract

__all__ = [
    "Softmax",
    "after_output",
    "classes_of",
    "compared",
    "differences",
    "softmaxes",
    "unmoved",
]

#: Operations that take logits: a softmax, or its logarithm, is inside of them.
_OF_LOGITS = frozenset({softmax.log_softmax, softmax.softmax, softmax.logsumexp})
#: What is written around an output so that its logarithm is finite.
_BARELY = frozenset(
    {elementwise.add, elementwise.maximum, elementwise.minimum, elementwise.clip}
    | {elementwise.absolute}
)


def classes_of(probe: Probe) -> int | None:
    """Return the number of classes of a loss that takes logits, None for other losses."""
    found = softmaxes(probe, probe.run.live)
    return int(found[-1].entering[0].shape[-1]) if found else None


@dataclass(frozen=True)
class Softmax:
    """A softmax, or its logarithm, however it is written.

    Attributes:
        node: the operation, or the exponential, that its logits go into.
        entering: the logits; behind them what they were before something was subtracted, so that
            their exponentials are finite.
        entered: the node that made them.
    """

    node: Node
    entering: tuple[Any, ...]
    entered: Node


def softmaxes(probe: Probe, nodes: Collection[Node]) -> list[Softmax]:
    """Return the softmaxes among some nodes, in their order."""
    found = []
    for node in sorted(nodes, key=lambda n: n.birth):
        if node.operation in _OF_LOGITS:
            found.append(Softmax(node, (_input(node),), unmoved(node.parents[0]) or node))
        elif node.operation is elementwise.exp and _is_shared_out(probe, node):
            before = node.parents[0]
            shifted = before is not None and before.operation is elementwise.subtract
            whole = (_input(before),) if before is not None and shifted else ()
            source = before.parents[0] if before is not None and shifted else before
            found.append(Softmax(node, (_input(node), *whole), unmoved(source) or node))
    return found


def _is_shared_out(probe: Probe, node: Node) -> bool:
    """Tell whether exponentials are added up along the last axis of a matrix, or of more axes."""
    e = np.asarray(node.output)
    if e.ndim < 2 or e.shape[-1] < 2:
        return False
    users = [user for user, _ in probe.run.consumers.get(node, []) if user.operation.reduces]
    sums = [np.asarray(user.output) for user in users]
    return any(s.size == e.size // e.shape[-1] and np.allclose(s.ravel(), _rows(e)) for s in sums)


def _rows(e: Any) -> Any:
    return e.sum(axis=-1).ravel()


def after_output(probe: Probe) -> set[Node]:
    """Return the nodes that are made of the model's output, itself included."""
    found: set[Node] = set()
    if probe.output is None:
        return found
    found.add(probe.output)
    for node in probe.run.live:
        if any(parent in found for parent in node.parents):
            found.add(node)
    return found


def unmoved(node: Node | None, output: Node | None = None) -> Node | None:
    """Return what the entries of a node are from, as far as they are only moved, or some taken.

    Args:
        node: where they are.
        output: where to stop; up to there what keeps a logarithm finite is seen through, too.
    """
    while node is not None and node is not output and node.parents:
        moved = node.operation.moves or (output is not None and node.operation in _BARELY)
        if not moved:
            break
        node = next((p for p in node.parents if p is not None), None)
    return node


def compared(probe: Probe, y: Any) -> Node | None:
    """Return what the loss compares with the targets, None where these are no numbers."""
    for node, made in differences(probe, y):
        if np.asarray(node.operands[1 - made]).dtype.kind == "f":
            return node.parents[made]
    return None


def differences(probe: Probe, y: Any) -> Iterator[tuple[Node, int]]:
    """Yield where the targets are subtracted, or subtracted from: and which operand is not they.

    A product with them compares nothing: a likelihood has one.
    """
    if y.dtype.kind != "f" or not y.size:
        return
    after = after_output(probe)
    for node in probe.run.live:
        if node.operation is not subtract or len(node.operands) != 2:
            continue
        for made, parent in enumerate(node.parents):
            other = np.asarray(node.operands[1 - made])
            if parent in after and other.size == y.size and _same(other, y):
                yield node, made


def _same(a: Any, b: Any) -> bool:
    return bool(np.allclose(a.ravel(), b.ravel(), equal_nan=True))


def _input(node: Node) -> Any:
    return np.asarray(node.operands[0], dtype=np.float64)
