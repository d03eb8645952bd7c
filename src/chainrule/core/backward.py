"""The backward pass: which nodes it visits, and whether on plain values or on Arrays.

The visits themselves are `chainrule.core.chain_rule`. There are no levels: every transform
differentiates with respect to fresh nodes of its own, so nested derivatives cannot confuse one
another. When nothing outside can depend on the result, rules run on plain values and no nodes are
made; otherwise the same rules run on Arrays and thereby record the derivative.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence, Set
from typing import Any, TypeAlias

import numpy as np

from chainrule.core.array import Array
from chainrule.core.captured import check_unchanged
from chainrule.core.chain_rule import chain_rule
from chainrule.core.node import Node
from chainrule.core.reach import dependent, is_recorded, own_nodes, reach

__all__ = ["backward", "backward_everywhere"]

#: Given starts, inputs and the gradients that the rules gave: gradients that may be better.
Repair: TypeAlias = "Callable[[Sequence[tuple[Array, Any]], Sequence[Node], list[Any]], list[Any]]"

_ndarray = np.ndarray


def backward(
    starts: Sequence[tuple[Array, Any]],
    inputs: Sequence[Node],
    recorded: bool = False,
    repair: Repair | None = None,
) -> list[Any]:
    """Pull upstream gradients back to the inputs.

    Args:
        starts: pairs of an output and its upstream gradient.
        inputs: nodes to differentiate with respect to.
        recorded: record the derivative even if nothing outside can depend on it.
        repair: asked where an output, or a plain gradient at the first attempt, is not finite.

    Returns:
        One gradient per input: None where no start depends on it; an Array where the result itself
        can be differentiated further, else a plain value.
    """
    for recording in {node.recording for node in inputs}:
        check_unchanged(recording)
    results: dict[Node, Any] = dict.fromkeys(inputs)
    own = own_nodes(starts, inputs)
    if own is not None:
        finite = _sweep([*reversed(own), *inputs], None, starts, results, recorded)
    else:
        nodes, outside = reach([y.node for y, _ in starts], inputs)
        recorded = recorded or is_recorded(nodes, inputs, outside, [g for _, g in starts])
        if outside:
            nodes = dependent(nodes, inputs)
        finite = _sweep(nodes, set(nodes), starts, results, recorded)
    gradients = [results[node] for node in inputs]
    if repair is None or recorded or (finite and all(_is_finite(y.value) for y, _ in starts)):
        return gradients
    return repair(starts, inputs, gradients)


def backward_everywhere(
    starts: Sequence[tuple[Array, Any]], inputs: Sequence[Node]
) -> dict[Node, Any]:
    """Return the plain gradient of every node between the starts and the inputs, ends included."""
    nodes, outside = reach([y.node for y, _ in starts], inputs)
    if outside:
        nodes = dependent(nodes, inputs)
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
) -> bool:
    """Visit the nodes, latest first, and leave the gradients of inputs (or of all) in results.

    Gradients flow to the wanted nodes alone; None stands for all. Tells whether plain gradients
    were finite at the first attempt.
    """
    with np.errstate(all="ignore"):  # inf and NaN in local gradients are reported by explain
        if not recorded:
            chain_rule(nodes, wanted, starts, results, False, every, False)
            if all(map(_is_finite, results.values())):
                return True
            # 0 * inf may be among the reasons: go again, with the rules that look out for it.
            for node in results:
                results[node] = None
        chain_rule(nodes, wanted, starts, results, recorded, every, True)
    return False


def _is_finite(g: Any) -> bool:
    """Tell whether all entries are finite; False may be a false alarm (squares that overflow)."""
    if isinstance(g, _ndarray):
        return math.isfinite(abs(np.vdot(g, g) if g.flags.forc else np.add.reduce(g, axis=None)))
    return g is None or math.isfinite(abs(g))
