"""Recognising what a person writes in several operations and differentiates as one.

``1 / (1 + exp(-x))`` is a sigmoid: its gradient is ``(1 - y) * y``, which five rules of calculus,
applied blindly, do not show. So is ``exp(x) / sum(exp(x))`` a softmax.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.graph.graph import (
    Apply,
    Constant,
    Input,
    Vertex,
    apply_to,
    is_number,
    is_operation,
    topological,
)
from chainrule.graph.rewrite import Rule
from chainrule.operations import elementwise, reduction

__all__ = [
    "RECOGNITION",
    "chosen_by",
    "is_second_variable",
    "recognised_as_a_whole",
]


_WINS = {elementwise.maximum: elementwise.greater, elementwise.minimum: elementwise.less}


def _as_sigmoid(vertex: Apply) -> Vertex | None:
    """``1 / (1 + exp(-x))`` and ``exp(x) / (1 + exp(x))``."""
    if vertex.operation is not elementwise.divide:
        return None
    numerator, denominator = vertex.operands
    if not isinstance(denominator, Apply) or denominator.operation is not elementwise.add:
        return None
    left, right = denominator.operands
    power = right if is_number(left, 1) else left if is_number(right, 1) else None
    if not isinstance(power, Apply) or power.operation is not elementwise.exp:
        return None
    (exponent,) = power.operands
    if is_number(numerator, 1):
        if is_operation(exponent, elementwise.negative):
            return _of(vertex, exponent.operands[0])
        return _of(vertex, apply_to(elementwise.negative, exponent))
    if numerator is power:
        return _of(vertex, exponent)
    return None


def _of(vertex: Apply, x: Vertex) -> Apply | None:
    if x.dtype != vertex.dtype:
        return None
    return Apply(elementwise.sigmoid, (x,), {}, vertex.value)


def _as_softmax(vertex: Apply) -> Vertex | None:
    """``exp(x) / exp(x).sum(axis, keepdims=True)``."""
    if vertex.operation is not elementwise.divide:
        return None
    powers, total = vertex.operands
    if not (isinstance(powers, Apply) and powers.operation is elementwise.exp):
        return None
    if not (isinstance(total, Apply) and total.operation is reduction.sum):
        return None
    axis = total.params.get("axis")
    kept = total.params.get("keepdims") or axis is None
    if total.operands[0] is not powers or not kept or not powers.shape:
        return None
    return Apply(reduction.softmax, powers.operands, {"axis": axis}, vertex.value)


def _as_square(vertex: Apply) -> Vertex | None:
    """``x * x``."""
    if vertex.operation is elementwise.multiply and vertex.operands[0] is vertex.operands[1]:
        return Apply(elementwise.power, (vertex.operands[0], Constant(2)), {}, vertex.value)
    return None


def is_second_variable(vertex: Vertex, operands: Sequence[Vertex]) -> bool:
    """Tell whether a vertex is the second of two operands, and the first is not a constant."""
    first, second = operands
    constant = not any(isinstance(x, Input) for x in topological([first]))
    return not constant and vertex.value is second.value is not first.value


def chosen_by(output: Vertex, root: Vertex) -> Rule:
    """Make the rule that compares the output of a maximum or minimum rather than its operand.

    With ``h = maximum(a, 0)``, ``h > 0`` says what ``a > 0`` says, without computing a again.
    """

    def rule(vertex: Apply) -> Vertex | None:
        if not isinstance(root, Apply) or root.operation not in _WINS:
            return None
        if vertex.operation is not _WINS[root.operation]:
            return None
        winner, other = vertex.operands
        if not isinstance(winner, Apply) or winner is output:
            return None
        if is_second_variable(winner, root.operands):  # where both are equal, it is the winner
            return None
        if not all(any(x.value is y.value for y in root.operands) for x in vertex.operands):
            return None
        return Apply(vertex.operation, (output, other), {}, vertex.value)

    return rule


def recognised_as_a_whole(root: Vertex) -> Vertex:
    """Recognise ``log(sum(exp(x)))`` and ``x - log(sum(exp(x)))`` where that is all there is.

    Their gradients refer to their own values: ``exp(x - y)`` and ``g - exp(y) * sum(g)``.
    """
    if is_operation(root, elementwise.log):
        return _as_logsumexp(root) or root
    if is_operation(root, elementwise.subtract):
        x, total = root.operands
        total = (_as_logsumexp(total) if is_operation(total, elementwise.log) else None) or total
        if is_operation(total, reduction.logsumexp) and total.operands[0] is x:
            axis = total.params.get("axis")
            if total.params.get("keepdims") or axis is None:
                return Apply(reduction.log_softmax, (x,), {"axis": axis}, root.value)
    return root


def _as_logsumexp(log: Apply) -> Apply | None:
    (total,) = log.operands
    if not is_operation(total, reduction.sum):
        return None
    (powers,) = total.operands
    if not is_operation(powers, elementwise.exp) or not powers.shape:
        return None
    if not np.all(np.isfinite(log.value)):
        return None
    return Apply(reduction.logsumexp, powers.operands, total.params, log.value)


#: Rules for a graph that is about to be differentiated; they expect shared vertices.
RECOGNITION: tuple[Rule, ...] = (
    _as_sigmoid,
    _as_softmax,
    _as_square,
)
