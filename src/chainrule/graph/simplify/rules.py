"""The rules of simplification in the order in which they are tried, and the pass itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.core.kinds import Linear, broadcast_to
from chainrule.graph.graph import Apply, Constant, Vertex, is_float, is_number
from chainrule.graph.rewrite import Rule, instead, rewrite, share
from chainrule.graph.simplify.algebra import ALGEBRA, EXACT
from chainrule.graph.simplify.guarded_products import GUARDED_PRODUCTS, GUARDS
from chainrule.graph.simplify.masks import MASKS
from chainrule.graph.simplify.shapes import SHAPES, drop_shape, takes_all, undo
from chainrule.graph.simplify.sums import without_cancelling_terms
from chainrule.operations import elementwise, indexing
from chainrule.operations import shape as shapes

__all__ = ["SIMPLIFICATION", "TIDYING", "TIDYING_OF_LOOPS", "as_given", "simplify"]


def _tidy_shape(vertex: Apply) -> Vertex | None:
    """A move that changes nothing, as `np.cross` makes them of vectors; a reshape of a reshape."""
    if vertex.operation not in (shapes.reshape, shapes.transpose, broadcast_to):
        return None
    return drop_shape(vertex) or (undo(vertex) if vertex.operation is shapes.reshape else None)


def _tidy_zero(vertex: Apply) -> Vertex | None:
    """The 0 that a sum over a loop starts from, or ends with, and a sum of no terms."""
    if vertex.operation not in (elementwise.add, elementwise.subtract):
        return None
    a, b = vertex.operands
    if isinstance(a, Apply) and _is_nothing(b):
        return instead(vertex, a)
    plus = vertex.operation is elementwise.add
    return instead(vertex, b) if plus and isinstance(b, Apply) and _is_nothing(a) else None


def _is_nothing(x: Vertex) -> bool:
    """Tell whether a vertex is the number 0, or 0 because nothing is added up in it."""
    if not isinstance(x, Apply):
        return is_number(x, 0)
    if not isinstance(x.operation, Linear) or not x.size:
        return False
    return any(y.size == 0 for y in x.operands) and not np.any(x.value)


def _float_start(vertex: Apply) -> Vertex | None:
    """The 0 that a sum over a loop starts from, as the float that the sum is."""
    zero = vertex.operands[0]
    if vertex.operation is not elementwise.add or not is_number(zero, 0) or not is_float(vertex):
        return None
    if type(zero.value) is float:
        return None
    return Apply(vertex.operation, (Constant(0.0), *vertex.operands[1:]), {}, vertex.value)


def _tidy_write(vertex: Apply) -> Vertex | None:
    """``a[:] = f(a)`` makes a new array of every entry."""
    if vertex.operation is not indexing.set_at or not takes_all(vertex.params["index"]):
        return None
    _, new = vertex.operands
    return instead(vertex, new) if isinstance(new, Apply) and not new.operation.view else None


#: Rules for code as a person wrote it: they leave out only what nobody writes.
TIDYING: tuple[Rule, ...] = (_tidy_shape, _tidy_zero, _tidy_write)
#: Rules for a loop that stays one: its first turn is like the others.
TIDYING_OF_LOOPS: tuple[Rule, ...] = tuple(
    _float_start if rule is _tidy_zero else rule for rule in TIDYING
)
#: The rules of `simplify`.
SIMPLIFICATION: tuple[Rule, ...] = (*ALGEBRA, *MASKS, *GUARDED_PRODUCTS, *SHAPES)


def simplify(
    outputs: Sequence[Vertex], *more: Rule, written: Sequence[Vertex] = ()
) -> list[Vertex]:
    """Apply all rules, and those given, until nothing changes; and cancel terms of sums.

    ``written`` are vertices that a person wrote: their sums stay as they are.
    """
    outputs = _settled(outputs, more)
    if without_cancelling_terms(outputs, ()) == outputs:
        return outputs
    settled = _settled([*outputs, *written], more)  # what has become of what was written, too
    outputs, written = settled[: len(outputs)], settled[len(outputs) :]
    return _settled(without_cancelling_terms(outputs, written), more)


def as_given(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Leave out what changes no bit of any value: moves, guards and factors that do nothing."""
    return share(rewrite(share(outputs), (*EXACT, *GUARDS, *SHAPES)))


def _settled(outputs: Sequence[Vertex], rules: Sequence[Rule]) -> list[Vertex]:
    """Apply all rules until nothing changes."""
    outputs = list(outputs)
    for _ in range(3):  # sharing what the rules built lets them see more
        before = outputs
        outputs = share(rewrite(share(outputs), (*rules, *SIMPLIFICATION)))
        if outputs == before:
            break
    return outputs
