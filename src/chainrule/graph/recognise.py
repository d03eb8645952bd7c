"""Rules that replace what a person writes in several operations by the one operation it is.

``1 / (1 + exp(-x))`` is a sigmoid: its gradient is ``(1 - y) * y``, which five rules of calculus,
applied blindly, do not show. So is ``exp(x) / sum(exp(x))`` a softmax. What such formulas look like
is said in `patterns`.
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
    is_operation,
    topological,
)
from chainrule.graph.patterns import logsumexp_argument, sigmoid_argument, softmax_argument
from chainrule.graph.rewrite import Rule
from chainrule.operations import elementwise, reduction

__all__ = [
    "RECOGNITION",
    "as_logsumexp",
    "as_softmax",
    "chosen_by",
    "is_second_variable",
    "recognised_as_a_whole",
]


#: The comparison that tells where the first operand is the result.
_WINS = {elementwise.maximum: elementwise.greater, elementwise.minimum: elementwise.less}


def _as_sigmoid(vertex: Apply) -> Vertex | None:
    """``1 / (1 + exp(-x))`` and ``exp(x) / (1 + exp(x))``."""
    found = sigmoid_argument(vertex)
    if found is None:
        return None
    x = apply_to(elementwise.negative, found.x) if found.negative else found.x
    return Apply(elementwise.sigmoid, (x,), {}, vertex.value)


def as_softmax(vertex: Apply) -> Apply | None:
    """``exp(x) / sum(exp(x))``."""
    found = softmax_argument(vertex)
    if found is None:
        return None
    x, total = found
    return Apply(reduction.softmax, (x,), {"axis": total.params.get("axis")}, vertex.value)


def as_logsumexp(vertex: Apply) -> Apply | None:
    """``log(sum(exp(x)))``."""
    found = logsumexp_argument(vertex)
    if found is None:
        return None
    x, total = found
    return Apply(reduction.logsumexp, (x,), total.params, vertex.value)


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
    if is_operation(root, elementwise.subtract):
        x, total = root.operands
        total = _as_finite_logsumexp(total)
        if is_operation(total, reduction.logsumexp) and total.operands[0] is x:
            axis = total.params.get("axis")
            if total.params.get("keepdims") or axis is None:
                return Apply(reduction.log_softmax, (x,), {"axis": axis}, root.value)
    return _as_finite_logsumexp(root)


def _as_finite_logsumexp(vertex: Vertex) -> Vertex:
    if not isinstance(vertex, Apply) or not np.all(np.isfinite(vertex.value)):
        return vertex
    return as_logsumexp(vertex) or vertex


#: Rules for a graph that is about to be differentiated; they expect shared vertices.
RECOGNITION: tuple[Rule, ...] = (
    _as_sigmoid,
    as_softmax,
    _as_square,
)
