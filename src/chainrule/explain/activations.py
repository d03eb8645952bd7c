"""Recognising activation functions in a trace, whichever way the user wrote them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.array import Node
from chainrule.explain.numbers import is_scalar

__all__ = ["Activation", "activations"]


@dataclass(frozen=True, slots=True)
class Activation:
    """One use of an activation function.

    Args:
        kind: ``"sigmoid"``, ``"tanh"`` or ``"relu"``.
        node: the node whose output is the function's value.
        source: the node of its input; None for a sigmoid written with other than ``-x`` inside.
        input: the value of the input.
    """

    kind: str
    node: Node
    source: Node | None
    input: Any

    @property
    def slope(self) -> Any:
        """Absolute derivative at each entry, as a share of the largest that the function has."""
        y = np.asarray(self.node.output, dtype=float)
        if self.kind == "sigmoid":
            return 4 * y * (1 - y)
        if self.kind == "tanh":
            return 1 - y * y
        return np.asarray(self.input) > 0


def activations(nodes: Iterable[Node]) -> Iterator[Activation]:
    """Yield the activation functions among the nodes, in their order."""
    for node in nodes:
        found = _sigmoid(node) or _tanh(node) or _relu(node)
        if found is not None:
            yield found


def _is(node: Node | None, *names: str) -> bool:
    return node is not None and bool(node.parents) and node.operation.name in names


def _is_number(value: Any, number: float) -> bool:
    return is_scalar(value) and not isinstance(value, np.ndarray) and bool(value == number)


def _is_constant(node: Node, k: int, number: float) -> bool:
    """Tell whether operand k is this number, or an array full of it, and no node."""
    if node.parents[k] is not None:
        return False
    value = node.operands[k]
    return _is_number(value, number) or (
        isinstance(value, np.ndarray) and bool(np.all(value == number))
    )


def _other(node: Node, number: float) -> Node | None:
    """Return the node that is combined with a number: x in ``1 + x`` and ``x + 1``."""
    if len(node.parents) != 2:
        return None
    if _is_constant(node, 0, number):
        return node.parents[1]
    return node.parents[0] if _is_constant(node, 1, number) else None


# Sigmoid: scipy's expit, 1 / (1 + exp(-x)), its other spellings, and exp(x) / (1 + exp(x)).


def _sigmoid(node: Node) -> Activation | None:
    if _is(node, "sigmoid"):
        return Activation("sigmoid", node, node.parents[0], node.operands[0])
    if _is(node, "divide"):
        numerator, denominator = node.parents
        if numerator is None and not _is_constant(node, 0, 1):
            return None
    elif _is(node, "reciprocal") or (_is(node, "power") and _is_constant(node, 1, -1)):
        numerator, denominator = None, node.parents[0]
    else:
        return None
    power = _other(denominator, 1) if _is(denominator, "add") and denominator else None
    if power is None or not _is(power, "exp"):
        return None
    exponent = power.parents[0]
    if numerator is None:
        if _is(exponent, "negative") and exponent is not None:
            return Activation("sigmoid", node, exponent.parents[0], exponent.operands[0])
        return Activation("sigmoid", node, None, -power.operands[0])
    if numerator is power or (_is(numerator, "exp") and numerator.parents[0] is exponent):
        return Activation("sigmoid", node, exponent, power.operands[0])
    return None


def _tanh(node: Node) -> Activation | None:
    if not _is(node, "tanh"):
        return None
    return Activation("tanh", node, node.parents[0], node.operands[0])


# ReLU: np.maximum(x, 0), np.where(x > 0, x, 0), x * (x > 0), np.clip(x, 0, None).


def _relu(node: Node) -> Activation | None:
    x: Node | None = None
    if _is(node, "maximum", "fmax"):
        x = _other(node, 0)
    elif _is(node, "where"):
        x = _relu_of_where(node)
    elif _is(node, "multiply"):
        left, right = node.parents
        if _tells_positive(left, right):
            x = right
        elif _tells_positive(right, left):
            x = left
    elif _is(node, "clip") and _is_constant(node, 1, 0):
        high = node.operands[2]
        if node.parents[2] is None and (high is None or _is_number(high, np.inf)):
            x = node.parents[0]
    if x is None:
        return None
    value = next(v for v, p in zip(node.operands, node.parents, strict=True) if p is x)
    return Activation("relu", node, x, value)


def _relu_of_where(node: Node) -> Node | None:
    condition, chosen, otherwise = node.parents
    if _is_constant(node, 2, 0) and _tells_positive(condition, chosen):
        return chosen
    if _is_constant(node, 1, 0) and _tells_positive(condition, otherwise, opposite=True):
        return otherwise
    return None


def _tells_positive(condition: Node | None, x: Node | None, opposite: bool = False) -> bool:
    """Tell whether a condition is ``x > 0``, ``x >= 0`` or ``0 < x``; or the opposite of these."""
    if _is(condition, "astype") and condition is not None:
        condition = condition.parents[0]
    if x is None or condition is None or len(condition.parents) != 2:
        return False
    above = ("greater", "greater_equal")
    below = ("less", "less_equal")
    if condition.parents[0] is x and _is_constant(condition, 1, 0):
        return _is(condition, *(below if opposite else above))
    if condition.parents[1] is x and _is_constant(condition, 0, 0):
        return _is(condition, *(above if opposite else below))
    return False
