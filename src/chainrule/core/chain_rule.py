"""The chain rule: local gradient times upstream gradient, from late to early, summed at forks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from typing import Any, TypeAlias

import numpy as np

from chainrule.core.array import Array
from chainrule.core.node import Node
from chainrule.core.saved import as_numpy, lift

__all__ = ["chain_rule"]

_ndarray = np.ndarray
_Sums: TypeAlias = dict[Node, Any]  # the gradients so far


def chain_rule(
    nodes: Sequence[Node],
    wanted: Set[Node] | None,
    starts: Sequence[tuple[Array, Any]],
    results: dict[Node, Any],
    recorded: bool,
    every: bool,
    guarded: bool,
) -> None:
    """Visit the nodes, latest first, and leave gradients in results.

    Args:
        nodes: latest first, so that a node's gradient is complete when its turn comes.
        wanted: the nodes that gradients flow to; None for all.
        starts: pairs of an output and its upstream gradient.
        results: its keys are the nodes whose gradient is asked for.
        recorded: whether the rules run on Arrays, and so record the derivative.
        every: whether the gradient of every node is asked for.
        guarded: whether a zero upstream gradient stops even an infinite local one.
    """
    gradients: _Sums = {}
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
        if operation.together:
            _pull_together(node, g, operands, output, wanted, guarded, gradients, mine)
            continue
        pull = operation.pull if guarded else operation.pull_fast
        params = node.params
        part: Any
        in_place = operation.in_place and not recorded
        pairs: Iterable[tuple[int, Node | None]] = enumerate(node.parents)
        if in_place and operation.clear is not None:
            # What was written gets its entries before zeros take their place.
            pairs = (1, node.parents[1]), (0, node.parents[0])
        for k, parent in pairs:
            if parent is None or (wanted is not None and parent not in wanted):
                continue
            if in_place and k == 0 and operation.scatter is not None:
                _scatter(node, parent, g, operands, gradients, mine)
                continue
            if in_place and k == 0 and type(g) is _ndarray:
                part = g if node in mine and not every else np.array(g)
                operation.clear(part, *operands[2:], **params)  # type: ignore[misc]
                if parent not in gradients:
                    mine.add(parent)
                    gradients[parent] = part
                    continue
            else:
                try:
                    part = pull(k, g, operands, output, params)
                except (ZeroDivisionError, OverflowError, ValueError):
                    g, output = as_numpy([g, output])
                    operands = as_numpy(operands)
                    part = pull(k, g, operands, output, params)
                if in_place and type(part) is _ndarray and np.may_share_memory(part, g):
                    part = part.copy()
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


def _pull_together(
    node: Node,
    g: Any,
    operands: Sequence[Any],
    output: Any,
    wanted: Set[Node] | None,
    guarded: bool,
    gradients: _Sums,
    mine: set[Node],
) -> None:
    """Let an operation add to the gradients of all its operands at once."""
    parents = node.parents
    asked = [p is not None and (wanted is None or p in wanted) for p in parents]
    first = [p is not None and p not in parents[:k] for k, p in enumerate(parents)]
    sums = [gradients.get(p) if new else None for p, new in zip(parents, first, strict=True)]  # type: ignore[arg-type]
    operation = node.operation
    found = operation.pull_together(sums, asked, g, operands, output, node.params, guarded)
    for parent, total, is_asked, new in zip(parents, found, asked, first, strict=True):
        if parent is None or not is_asked or total is None:
            continue
        held = gradients.get(parent)
        if not new and held is not None:
            total = held + total
        if total is not held:
            gradients[parent] = total
            mine.discard(parent)


def _scatter(
    node: Node, parent: Node, g: Any, operands: Sequence[Any], gradients: _Sums, mine: set[Node]
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
    node.operation.scatter(held, g, *indices, **node.params)  # type: ignore[misc]
