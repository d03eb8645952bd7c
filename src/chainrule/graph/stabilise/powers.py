"""Factors as powers of sigmoids.

``exp(x)``, ``1 + exp(x)``, a sigmoid and one minus a sigmoid are products of powers of two numbers
between 0 and 1: p = sigmoid(x) and q = sigmoid(-x) = 1 - p. For instance ``exp(x)`` is p / q, and
``1 + exp(x)`` is 1 / q.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from chainrule.core.kinds import Elementwise
from chainrule.graph.graph import Apply, Vertex, is_number, is_operation
from chainrule.graph.patterns import one_plus, sigmoid_argument, unsigned
from chainrule.operations import elementwise

__all__ = ["Powers", "complement", "powers_of", "sigmoid_in"]


def _complement(power: Any, share: Any) -> Any:
    return elementwise.where(power > 1.0, 1.0 - share, power * share)


#: ``1 - y`` of ``y = 1 / (1 + power)``, without a cancellation. Its gradient is all by the power.
complement = Elementwise(
    "complement",
    _complement,
    d=(lambda power, share, y: share * share, 0),
    singular=True,
    formula=_complement,
)


class Powers(NamedTuple):
    """``sigmoid(x)**p * sigmoid(-x)**q``."""

    x: Vertex
    p: int
    q: int

    @property
    def of_minus(self) -> Powers:
        """The same with -x for x."""
        return Powers(self.x, self.q, self.p)


def powers_of(vertex: Vertex) -> Powers | None:
    """Read a factor as powers of sigmoids."""
    if not isinstance(vertex, Apply):
        return None
    operation = vertex.operation
    if operation is elementwise.exp:
        return _powers_in(vertex.operands[0], 1, -1)
    if operation in (elementwise.sigmoid, elementwise.divide):
        return sigmoid_in(vertex)
    whole = None
    if operation is complement:
        whole = vertex.operands[1]
    elif operation is elementwise.subtract:
        one, y = vertex.operands
        whole = y if is_number(one, 1) else None
    elif operation is elementwise.add:
        more = one_plus(vertex)
        if more is None or not isinstance(more, Apply):
            return None
        if more.operation is elementwise.exp:
            return _powers_in(more.operands[0], 0, -1)
        whole = more.operands[0] if more.operation is elementwise.negative else None
    share = None if whole is None else sigmoid_in(whole)
    return None if share is None else share.of_minus


def sigmoid_in(vertex: Vertex) -> Powers | None:
    """Read ``sigmoid(x)`` or ``1 / (1 + exp(x))``."""
    if is_operation(vertex, elementwise.sigmoid):
        return _powers_in(vertex.operands[0], 1, 0)
    found = sigmoid_argument(vertex)
    if found is None or not isinstance(vertex, Apply) or not is_number(vertex.operands[0], 1):
        return None
    return Powers(found.x, 0, 1) if found.negative else Powers(found.x, 1, 0)


def _powers_in(argument: Vertex, p: int, q: int) -> Powers:
    x, negative = unsigned(argument)
    return Powers(x, q, p) if negative else Powers(x, p, q)
