"""The backward pass: which nodes it visits, and whether on plain values or on Arrays.

The visits themselves are `chainrule.core.chain_rule`. There are no levels: every transform
differentiates with respect to fresh nodes of its own, so nested derivatives cannot confuse one
another. When nothing outside can depend on the result, rules run on plain values and no nodes are
made; otherwise the same rules run on Arrays and thereby record the derivative.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence, Set
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from chainrule.core.array import Array
from chainrule.core.captured import check_unchanged
from chainrule.core.chain_rule import chain_rule
from chainrule.core.counted import seeds
from chainrule.core.node import Node
from chainrule.core.placeholder import Placeholder
from chainrule.core.reach import dependent, is_recorded, own_nodes, reach

__all__ = [
    "Attempt",
    "Derive",
    "are_finite",
    "attempt_backward",
    "backward",
    "backward_everywhere",
]

_ndarray = np.ndarray
_float64 = np.float64


class Attempt(NamedTuple):
    """What the rules give, and whether they met nothing infinite on the way.

    Where they did, a zero may be one that was made of 0 * inf.
    """

    derivatives: list[Any]
    sure: bool


#: Derives outputs by nodes; the third argument asks for a derivative that is recorded.
Derive: TypeAlias = Callable[[Sequence[Array], Sequence[Node], bool], Attempt]


def backward(
    starts: Sequence[tuple[Array, Any]], inputs: Sequence[Node], recorded: bool = False
) -> list[Any]:
    """Pull upstream gradients back to the inputs.

    Args:
        starts: pairs of an output and its upstream gradient.
        inputs: nodes to differentiate with respect to.
        recorded: record the derivative even if nothing outside can depend on it.

    Returns:
        One gradient per input: None where no start depends on it; an Array where the result itself
        can be differentiated further, else a plain value.
    """
    return attempt_backward(starts, inputs, recorded).derivatives


def attempt_backward(
    starts: Sequence[tuple[Array, Any]], inputs: Sequence[Node], recorded: bool = False
) -> Attempt:
    """Do what `backward` does, and tell whether all went well."""
    checked = None
    for node in inputs:
        if node.recording is not checked:
            checked = node.recording
            check_unchanged(checked)
    results: dict[Node, Any] = dict.fromkeys(inputs)
    own = own_nodes(starts, inputs)
    if own is not None:
        nodes: list[Node] = [*reversed(own), *inputs]
        wanted = None
    else:
        nodes, outside = reach([y.node for y, _ in starts], inputs)
        recorded = recorded or is_recorded(nodes, inputs, outside, [g for _, g in starts])
        if outside:
            nodes = dependent(nodes, inputs)
        wanted = set(nodes)
    if recorded:
        begun = seeds([g for _, g in starts])
        starts = [(y, g) for (y, _), g in zip(starts, begun, strict=True)]
    sure = _sweep(nodes, wanted, starts, results, recorded)
    for y, _ in starts:
        sure = sure and _is_finite(y)
    return Attempt([results[node] for node in inputs], sure)


def backward_everywhere(
    starts: Sequence[tuple[Array, Any]], inputs: Sequence[Node], recorded: bool = False
) -> tuple[dict[Node, Any], bool]:
    """Return the gradient of every node between the starts and the inputs, ends included.

    They are plain values, or Arrays where they are ``recorded``. Also returned is whether all went
    well.
    """
    nodes, outside = reach([y.node for y, _ in starts], inputs)
    if outside:
        nodes = dependent(nodes, inputs)
    results: dict[Node, Any] = {}
    sure = _sweep(nodes, set(nodes), starts, results, recorded, every=True)
    return results, sure and are_finite(y for y, _ in starts)


def _sweep(
    nodes: list[Node],
    wanted: Set[Node] | None,
    starts: Sequence[tuple[Array, Any]],
    results: dict[Node, Any],
    recorded: bool,
    every: bool = False,
) -> bool:
    """Visit the nodes, latest first, and leave the gradients of inputs (or of all) in results.

    Gradients flow to the wanted nodes alone; None stands for all. Tells whether nothing infinite
    was met.
    """
    if not recorded:
        with np.errstate(all="ignore"):  # inf and NaN in local gradients are reported by explain
            chain_rule(nodes, wanted, starts, results, False, every, False)
            if are_finite(results.values()):
                return True
            # 0 * inf may be among the reasons: go again, with the rules that look out for it.
            for node in results:
                results[node] = None
            chain_rule(nodes, wanted, starts, results, False, every, True)
        return False
    met: list[Any] = []
    with np.errstate(all="ignore", invalid="call", call=lambda *error: met.append(error)):
        chain_rule(nodes, wanted, starts, results, True, every, True)
    return not met and are_finite(results.values())


def are_finite(derivatives: Iterable[Any]) -> bool:
    """Tell whether all entries are finite; False may be a false alarm (squares that overflow).

    Nobody is asked to compute what is deferred, or not kept.
    """
    return all(map(_is_finite, derivatives))


def _is_finite(g: Any) -> bool:
    kind = type(g)
    if kind is float or kind is _float64:
        return math.isfinite(g)
    if kind is Array:
        if isinstance(g.held, Placeholder):
            return True
        examples = g.node and g.node.recording.examples
        return _is_finite(g.held if examples is None else examples(g))
    if isinstance(g, _ndarray):
        if not g.flags.forc:
            return math.isfinite(abs(np.add.reduce(g, axis=None)))
        return math.isfinite(abs(g.dot(g) if g.ndim == 1 else np.vdot(g, g)))
    return g is None or math.isfinite(abs(g))
