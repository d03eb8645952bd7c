"""One forward and backward pass of a loss, by layer: every signal and every gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import Array
from chainrule.core.backward import backward_everywhere
from chainrule.core.node import Node
from chainrule.explain.activations import Activation, activations
from chainrule.explain.observation import Observation
from chainrule.graph.tracing import trace
from chainrule.nn.context import Context, Evaluation, Training, initial_state
from chainrule.nn.module import modules, parameters
from chainrule.nn.random import key

__all__ = ["Layer", "Probe", "Subject", "rms"]


def rms(x: Any) -> float:
    """Return the root of the mean square of all entries."""
    x = np.asarray(x, dtype=np.float64)
    return float(np.sqrt(np.mean(np.abs(x) ** 2))) if x.size else 0.0


@dataclass
class Subject:
    """What is looked at: a model, its loss, and how they are called.

    Attributes:
        model: a tree of parameters.
        loss: ``loss(model, *batch)``, or with a context behind it.
        context: whether the loss takes one.
        state: running statistics.
    """

    model: Any
    loss: Callable[..., Any]
    context: bool
    state: Any = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.state = self.state or initial_state(self.model)

    def value(self, batch: Sequence[Any], training: bool = False, seed: int = 0) -> float:
        """Return the loss on a batch."""
        found = self.call(self.model, *batch, training=training, seed=seed)
        if found is None or np.size(found) != 1:
            got = "None" if found is None else f"an array of shape {np.shape(found)}"
            raise TypeError(f"the loss returns one number, as np.mean does: got {got}")
        return float(np.asarray(found).reshape(()))

    def call(self, model: Any, *batch: Any, training: bool = True, seed: int = 0) -> Any:
        """Call the loss of a model, as in training or as in prediction."""
        if not self.context:
            return self.loss(model, *batch)
        return self.loss(model, *batch, self.make_context(model, training, seed))

    def make_context(self, model: Any, training: bool, seed: int = 0) -> Context:
        """Return the context of a forward pass."""
        if training:
            return Training(model, self.state, key(seed))
        return Evaluation(model, self.state, key(seed))


@dataclass
class Layer:
    """The part of a run that one layer's parameters make.

    Attributes:
        path: of the module, or of the parameter where there is none.
        weights: its parameters: path, node, value.
        nodes: what is computed with them, up to the next layer, in order.
    """

    path: str
    weights: list[tuple[str, Node, Any]] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)

    @property
    def weight(self) -> Any:
        """The largest parameter."""
        return max((value for _, _, value in self.weights), key=np.size)

    @property
    def unit_axis(self) -> int:
        """The axis of a signal along which its units lie.

        Channels come first after the batch; of ``W @ x`` examples are the last axis.
        """
        _, largest, value = max(self.weights, key=lambda weight: np.size(weight[2]))
        if np.ndim(value) >= 3:
            return 1
        made = self.product(largest)
        return -2 if made is not None and not made.entrywise and made.left else -1

    def product(self, weight: Node) -> Product | None:
        """Return the first product with a weight, None if there is none."""
        same = {weight}  # the weight, reshaped or transposed
        for node in self.nodes:
            if node.operation.moves and node.parents[0] in same:
                same.add(node)
            elif len(node.parents) == 2 and any(p in same for p in node.parents):
                return Product(node, tuple(p in same for p in node.parents))
        return None

    def rows_are_units(self, weight: Node, value: Any) -> bool:
        """Tell whether a unit's weights are a row of a matrix, as in ``W @ x``, or a column."""
        made = self.product(weight)
        if made is None or made.entrywise:
            return False
        used = np.asarray(made.node.operands[0 if made.own[0] else 1])
        turned = np.shape(used) != np.shape(value) or not np.array_equal(used, value)
        return made.left != (turned and np.array_equal(used, np.transpose(value)))


@dataclass(frozen=True)
class Product:
    """Where a weight meets a signal.

    Attributes:
        node: the product.
        own: which of its operands the weight is.
    """

    node: Node
    own: tuple[bool, ...]

    @property
    def left(self) -> bool:
        """Whether the weight stands on the left."""
        return self.own[0]

    @property
    def entrywise(self) -> bool:
        """Whether it is no sum of products."""
        return bool(self.node.operation.entrywise)

    @property
    def signal(self) -> float:
        """The size of what it is multiplied with."""
        return max(rms(x) for x, own in zip(self.node.operands, self.own, strict=True) if not own)


class Probe:
    """A loss on a batch, with the gradient of every node.

    Args:
        subject: the model and its loss.
        batch: the arrays.
        training: as in training, or as in prediction.
    """

    def __init__(self, subject: Subject, batch: Sequence[Any], training: bool = True) -> None:
        def loss(model: Any, *batch: Any) -> Any:
            return subject.call(model, *batch, training=training)

        self.subject = subject
        self.batch = batch
        with np.errstate(all="ignore"):
            self.trace = trace(loss, (subject.model, *batch))
            output = self.trace.output
            gradients: dict[Node, Any] = {}
            if type(output) is Array:
                inputs = [a.node for a in self.trace.inputs if a.node is not None]
                seed = np.ones_like(output.value)[()]
                gradients, _ = backward_everywhere([(output, seed)], inputs)
        self.run = Observation(self.trace, gradients)
        self.value = float(np.asarray(output.value if type(output) is Array else output))

    @cached_property
    def parameters(self) -> list[tuple[str, Node | None, Any]]:
        """Path, node and value of each parameter."""
        names = _dotted(self.subject.model)
        found = [a for a in self.trace.arguments if a.position == 0]
        return [(name, a.node, a.value) for name, a in zip(names, found, strict=True)]

    def gradient(self, node: Node | None) -> Any:
        """Return the gradient of a node, None where the loss does not depend on it."""
        return None if node is None else self.run.gradients.get(node)

    def owners(self) -> dict[str, str]:
        """Return for each parameter the path of its module."""
        return _owners(self.subject.model)

    @cached_property
    def _layout(self) -> tuple[list[Layer], dict[Node, Layer]]:
        """The layers in the order in which they are reached, and the layer of each node."""
        owners = self.owners()
        by_node: dict[Node, Layer] = {}
        layers: dict[str, Layer] = {}
        for name, node, value in self.parameters:
            if node is not None and node in self.run.reached:
                path = owners.get(name, name)
                layer = layers.setdefault(path, Layer(path))
                layer.weights.append((name, node, value))
                by_node[node] = layer
        depth: dict[str, int] = {}
        for node in self.run.live:
            parents = [p for p in node.parents if p is not None]
            leaves = [p for p in parents if not p.parents and p in by_node]
            known = [by_node[p] for p in (leaves or parents) if p in by_node]
            if known:
                layer = max(known, key=lambda each: depth.setdefault(each.path, len(depth)))
                by_node[node] = layer
                layer.nodes.append(node)
        reached = sorted(layers.values(), key=lambda each: depth.get(each.path, len(depth)))
        return reached, by_node

    @property
    def layers(self) -> list[Layer]:
        """The layers in the order in which they are reached."""
        return self._layout[0]

    def layer(self, node: Node) -> Layer | None:
        """Return the layer that a node belongs to, None if no parameter has a part in it."""
        return self._layout[1].get(node)

    def layer_of(self, node: Node) -> str:
        """Return the path of that layer, an empty one where there is none."""
        layer = self.layer(node)
        return "" if layer is None else layer.path

    def line(self, node: Node) -> str:
        """Return the line of user code that made a node."""
        location = self.run.location(node)
        return "" if location is None else str(location)

    @cached_property
    def activations(self) -> list[Activation]:
        """The activation functions, as far as parameters have a part in their input."""
        return [a for a in activations(self.run) if self.layer_of(a.source)]

    def through_time(self, layer: Layer) -> tuple[Node, list[float]] | None:
        """Return the one operation of all turns, and the RMS of the gradient by what enters each.

        None where there is no such operation: the turns are nodes.
        """
        return None

    def hidden(self) -> Iterator[Activation]:
        """Yield the activation functions behind which there are further parameters."""
        last = self.layers[-1].path if self.layers else ""
        for activation in self.activations:
            if self.layer_of(activation.node) != last:
                yield activation

    @cached_property
    def output(self) -> Node | None:
        """The last signal that a parameter makes: what the loss compares with the targets."""
        if not self.layers or not self.layers[-1].nodes:
            return None
        last = self.layers[-1]
        leaves = {node for _, node, _ in last.weights}
        made = [n for n in last.nodes if any(p in leaves for p in n.parents)]
        return made[-1] if made else None


def _dotted(model: Any) -> list[str]:
    return list(parameters(model)) if trees.is_container(model) else ["model"]


def _owners(model: Any) -> dict[str, str]:
    """Return for each parameter of a module the module's path."""
    found = {}
    for path, module in modules(model):
        prefix = f"{path}." if path else ""
        for name in vars(module):
            found[f"{prefix}{name}"] = path or type(module).__name__
    return found
