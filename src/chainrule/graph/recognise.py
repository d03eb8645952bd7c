"""Rules that replace what a person writes in several operations by the one operation it is.

``1 / (1 + exp(-x))`` is a sigmoid: its gradient is ``(1 - y) * y``, which five rules of calculus,
applied blindly, do not show. So is ``exp(x) / sum(exp(x))`` a softmax. What such formulas look like
is said in `patterns`.
"""

from __future__ import annotations

from chainrule.graph.finite import all_finite
from chainrule.graph.graph import Apply, Constant, Vertex, apply_to, is_operation
from chainrule.graph.looks import saw
from chainrule.graph.patterns import as_logsumexp, as_softmax, sigmoid_argument
from chainrule.graph.rewrite import Rule
from chainrule.graph.stabilise.roots import root_of_variance
from chainrule.operations import elementwise, softmax

__all__ = ["RECOGNITION", "recognised_as_a_whole"]


def _as_sigmoid(vertex: Apply) -> Vertex | None:
    """``1 / (1 + exp(-x))`` and ``exp(x) / (1 + exp(x))``."""
    found = sigmoid_argument(vertex)
    if found is None:
        return None
    x = apply_to(elementwise.negative, found.x) if found.negative else found.x
    return Apply(elementwise.sigmoid, (x,), {}, vertex.value)


def _as_square(vertex: Apply) -> Vertex | None:
    """``x * x``."""
    if vertex.operation is elementwise.multiply and vertex.operands[0] is vertex.operands[1]:
        return Apply(elementwise.power, (vertex.operands[0], Constant(2)), {}, vertex.value)
    return None


def recognised_as_a_whole(root: Vertex) -> Vertex:
    """Recognise ``log(sum(exp(x)))`` and ``x - log(sum(exp(x)))`` where that is all there is.

    Their gradients refer to their own values: ``exp(x - y)`` and ``g - exp(y) * sum(g)``.
    """
    if is_operation(root, elementwise.subtract):
        x, total = root.operands
        total = _as_finite_logsumexp(total)
        if is_operation(total, softmax.logsumexp) and total.operands[0] is x:
            axis = total.params.get("axis")
            if total.params.get("keepdims") or axis is None:
                return Apply(softmax.log_softmax, (x,), {"axis": axis}, root.value)
    return _as_finite_logsumexp(root)


def _as_finite_logsumexp(vertex: Vertex) -> Vertex:
    if not isinstance(vertex, Apply) or not saw(all_finite, vertex):
        return vertex
    return as_logsumexp(vertex) or vertex


#: Rules for a graph that is about to be differentiated; they expect shared vertices.
RECOGNITION: tuple[Rule, ...] = (
    _as_sigmoid,
    as_softmax,
    _as_square,
    root_of_variance,
)
