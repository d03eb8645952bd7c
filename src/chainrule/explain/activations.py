"""Recognising activation functions in a trace by what they do, whichever way they were written.

A node may be a function of one other node, entry by entry: ``1 / (1 + np.exp(-h))`` of ``h``,
``h * (h > 0)`` too. Such a function is computed anew at a few points and compared with sigmoid,
tanh and ReLU there. So every spelling is recognised, and nothing that only looks like one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.array import is_complex, shape_of
from chainrule.core.node import Node
from chainrule.explain.measures import slope
from chainrule.explain.observation import Observation
from chainrule.operations import elementwise
from chainrule.operations.indexing import set_at

__all__ = ["RANGES", "Activation", "activations", "at_points"]

#: Between what the values of a kind of function are.
RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, math.inf)}
_MOST_STEPS = 16  # operations that an activation function is written with
#: Where functions are compared. Not in order, so that sorting is not taken for doing nothing.
_PROBES = np.array([0.5, -3.0, 12.0, -0.25, 1.0, 30.0, -1.0, 2.0, -30.0, 5.0, -12.0])
_FAR = np.array([-31.0, -30.0, 30.0, 31.0])
_FLAT = 0.01  # a slope below it does not come back
_SCALES = (1.0, -1.0, 0.5, -0.5, 2.0, -2.0)
#: What sigmoid and tanh cannot be written without.
_EXPONENTIAL = frozenset(
    {
        elementwise.exp,
        elementwise.exp2,
        elementwise.expm1,
        elementwise.power,
        elementwise.float_power,
        elementwise.sigmoid,
        elementwise.tanh,
        elementwise.sinh,
        elementwise.cosh,
        elementwise.logaddexp,
        elementwise.logaddexp2,
    }
)


@dataclass(frozen=True, slots=True)
class Activation:
    """One use of an activation function: the output is ``kind(scale * input)``.

    Args:
        kind: ``"sigmoid"``, ``"tanh"`` or ``"relu"``.
        node: the node whose output is the function's value.
        source: the node of its input.
        input: the value of the input.
        scale: what the input is multiplied with.
    """

    kind: str
    node: Node
    source: Node
    input: Any
    scale: float = 1.0

    @property
    def slope(self) -> Any:
        """Absolute derivative at each entry, as a share of the largest that the function has."""
        with np.errstate(over="ignore"):
            return slope(self.kind, self.scale * np.asarray(self.input, dtype=float))


def activations(run: Observation) -> Iterator[Activation]:
    """Yield the activation functions of a run, in the order of their nodes.

    Those are left out that are a part of how another one is written, or that a larger function
    undoes: ``h * sigmoid(h)`` is not flat where its sigmoid is. What the user gave a name counts.
    """
    found: dict[Node, Activation] = {}
    for node in run.live:
        if not _is_entrywise(node):
            continue
        for chain, kinds, source, value in _functions(run, node, found):
            activation = _recognised(chain, kinds, source, value)
            for inner in [n for n in chain[1:] if n in found]:
                if activation is not None or _is_undone(inner, chain, source):
                    del found[inner]
            if activation is not None:
                found[node] = activation
                break
    yield from found.values()


def _is_entrywise(node: Node) -> bool:
    if not node.parents:
        return False
    return node.operation.entrywise or node.operation is set_at


def _functions(
    run: Observation, node: Node, found: dict[Node, Activation]
) -> Iterator[tuple[list[Node], set[str], Node, Any]]:
    """Yield the nodes that a node is a function of, with their values, nearest first.

    With each come the nodes in between, latest first, and the kinds of function that can be
    written with their operations. Named activations are not looked into.
    """
    frontier: dict[Node, Any] = {node: node.output}
    chain: list[Node] = []
    kinds: set[str] = set()
    while len(chain) < _MOST_STEPS:
        last = max(frontier, key=lambda n: n.birth)
        if not _is_entrywise(last) or (last in found and run.has_own_name(last)):
            return
        del frontier[last]
        chain.append(last)
        operation = last.operation
        if operation in _EXPONENTIAL:
            kinds |= {"sigmoid", "tanh"}
        choice = operation.selects or operation is set_at or not operation.differentiable
        if operation.kinked or choice:
            kinds.add("relu")
        found_here = zip(last.parents, last.operands, strict=True)
        frontier |= {parent: x for parent, x in found_here if parent is not None}
        if not frontier:
            return
        if kinds and len(frontier) == 1:
            ((source, value),) = frontier.items()
            if shape_of(value) == shape_of(node.output):
                yield chain, kinds, source, value


def _recognised(chain: list[Node], kinds: set[str], source: Node, value: Any) -> Activation | None:
    fitting = [(kind, scale) for kind, scale in _fitting(chain[0], value) if kind in kinds]
    if not fitting:
        return None
    y: Any = _computed(chain, source, _PROBES).get(chain[0])
    if shape_of(y) != _PROBES.shape:
        return None
    for kind, scale in fitting:
        if np.allclose(y, _expected(kind, scale * _PROBES, y), rtol=1e-5, atol=1e-6):
            return Activation(kind, chain[0], source, value, scale)
    return None


def _expected(kind: str, x: Any, y: Any) -> Any:
    if kind == "tanh":
        return np.tanh(x)
    if kind == "sigmoid":
        return (1 + np.tanh(x / 2)) / 2
    ceiling = float(np.max(y))  # a ReLU may have one
    return np.clip(x, 0, ceiling) if ceiling > 0 else np.nan


def _fitting(node: Node, value: Any) -> Iterator[tuple[str, float]]:
    """Yield what a node can be of a value by their first entries: a cheap test."""
    if not np.size(value) or is_complex(value) or is_complex(node.output):
        return
    x, y = float(np.asarray(value).flat[0]), float(np.asarray(node.output).flat[0])
    unknown = not (math.isfinite(x) and math.isfinite(y))
    for scale in _SCALES:
        z = scale * x
        if unknown or abs(y - math.tanh(z)) < 1e-3:
            yield "tanh", scale
        if unknown or abs(y - (1 + math.tanh(z / 2)) / 2) < 1e-3:
            yield "sigmoid", scale
        if abs(scale) == 1 and (unknown or (0 < y <= z * 1.001 if z > 0 else y == 0)):
            yield "relu", scale


def at_points(node: Node, source: Node, points: Any) -> Any:
    """Return what a node is at points of a source, None if it is no function of that, by entry.

    Entries may have been moved, or some of them taken, on the way.
    """
    chain: list[Node] = []
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if here is source or here in chain:
            continue
        if not (here.operation.moves or _is_entrywise(here)) or len(chain) == _MOST_STEPS:
            return None
        chain.append(here)
        waiting += [p for p in here.parents[: 1 if here.operation.moves else None] if p is not None]
    chain.sort(key=lambda n: n.birth, reverse=True)
    found: Any = _computed(chain, source, points).get(node)
    return found if shape_of(found) == shape_of(points) else None


def _computed(chain: list[Node], source: Node, points: Any) -> dict[Node, Any]:
    """Compute the nodes at other points of the source, as far as they depend on it alone."""
    values: dict[Node, Any] = {source: points}
    with np.errstate(all="ignore"):
        for node in reversed(chain):
            origin = node.parents[0] if node.operation.moves else None
            if origin in values:
                values[node] = values[origin]
                continue
            try:
                operands = [
                    _one_number(x) if parent is None else values[parent]
                    for x, parent in zip(node.operands, node.parents, strict=True)
                ]
                values[node] = node.operation.compute(*operands, **node.params)
            except Exception:  # whatever it is, it is no function of one number
                break
    return values


def _one_number(x: Any) -> Any:
    """Return the number that an array is full of, the array itself where it holds several."""
    if isinstance(x, np.ndarray) and x.size and bool((x == x.flat[0]).all()):
        return x.flat[0]
    return x


def _is_undone(inner: Node, chain: list[Node], source: Node) -> bool:
    """Tell whether a function is steep far away, on a side on which its part is flat."""
    values = _computed(chain, source, _FAR)
    steep = []
    for node in (chain[0], inner):
        y: Any = values.get(node)
        if shape_of(y) != _FAR.shape:
            return False
        steep.append(np.abs(np.diff(y)[::2]) > _FLAT)
    return bool((steep[0] & ~steep[1]).any())
