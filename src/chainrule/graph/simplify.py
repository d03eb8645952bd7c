"""Algebra: rules that make a gradient as short as a person would write it.

Every rule is a function of one vertex. It returns a simpler vertex of the same value, shape and
dtype, or None where it has nothing to say. The vertices that it compares are expected to be shared,
so that the same computation is the same object.
"""

from __future__ import annotations

from chainrule.core.kinds import guarded_multiply, identity
from chainrule.graph.choices import CHOICES
from chainrule.graph.graph import (
    Apply,
    Constant,
    Vertex,
    apply_to,
    evaluate,
    is_number,
    is_operation,
)
from chainrule.graph.guarded import GUARDED
from chainrule.graph.moves import MOVES, drop_shape, undo
from chainrule.graph.rewrite import Rule, instead, rewrite, share
from chainrule.operations import elementwise
from chainrule.operations import shape as shapes

__all__ = ["SIMPLIFICATION", "TIDYING", "simplify"]

_FOLDED = frozenset(
    {
        elementwise.negative,
        elementwise.add,
        elementwise.subtract,
        elementwise.multiply,
        elementwise.power,
        elementwise.floor_divide,
    }
)


_SAME = (elementwise.positive, identity)


def _fold(vertex: Apply) -> Vertex | None:
    """Compute what is made of numbers alone; a quotient stays, as ``1 / 32`` says more."""
    if vertex.operation not in _FOLDED or not all(is_number(x) for x in vertex.operands):
        return None
    return Constant(evaluate(vertex.operation, [x.value for x in vertex.operands], vertex.params))


def _drop_one(vertex: Apply) -> Vertex | None:
    """``x * 1``, ``1 * x``, ``x / 1``, ``x ** 1`` and ``+x``."""
    operation = vertex.operation
    if operation in (elementwise.multiply, guarded_multiply):
        a, b = vertex.operands
        if is_number(b, 1):
            return instead(vertex, a)
        if is_number(a, 1):
            return instead(vertex, b)
        return None
    if operation in (elementwise.divide, elementwise.power):
        a, b = vertex.operands
        return instead(vertex, a) if is_number(b, 1) else None
    return instead(vertex, vertex.operands[0]) if operation in _SAME else None


def _drop_zero(vertex: Apply) -> Vertex | None:
    """``x + 0``, ``0 + x``, ``x - 0`` and ``0 - x``."""
    if vertex.operation not in (elementwise.add, elementwise.subtract):
        return None
    a, b = vertex.operands
    if is_number(b, 0):
        return instead(vertex, a)
    if is_number(a, 0):
        if vertex.operation is elementwise.add:
            return instead(vertex, b)
        return instead(vertex, apply_to(elementwise.negative, b))
    return None


def _drop_sign(vertex: Apply) -> Vertex | None:
    """``--x``, ``-(a - b)``, ``a + -b`` and ``a - -b``."""
    operation = vertex.operation
    if operation is elementwise.negative:
        (x,) = vertex.operands
        if is_operation(x, elementwise.negative):
            return x.operands[0]
        if is_operation(x, elementwise.subtract):
            a, b = x.operands
            return apply_to(elementwise.subtract, b, a)
    elif operation in (elementwise.add, elementwise.subtract):
        a, b = vertex.operands
        if is_operation(b, elementwise.negative):
            opposite = elementwise.subtract if operation is elementwise.add else elementwise.add
            return apply_to(opposite, a, b.operands[0])
        if operation is elementwise.add and is_operation(a, elementwise.negative):
            return apply_to(elementwise.subtract, b, a.operands[0])
    return None


def _divided(vertex: Apply) -> Vertex | None:
    """``x * (1 / y)`` is ``x / y``."""
    if vertex.operation is not elementwise.multiply:
        return None
    for x, inverse in (vertex.operands, vertex.operands[::-1]):
        if is_operation(inverse, elementwise.divide) and is_number(inverse.operands[0], 1):
            return instead(vertex, apply_to(elementwise.divide, x, inverse.operands[1]))
    return None


def _twice(vertex: Apply) -> Vertex | None:
    """``a + a``."""
    if vertex.operation is elementwise.add and vertex.operands[0] is vertex.operands[1]:
        return instead(vertex, apply_to(elementwise.multiply, Constant(2), vertex.operands[0]))
    return None


def _times_zero(vertex: Apply) -> Vertex | None:
    """``0 * x``, as the derivative of ``x**0`` has it."""
    if vertex.operation not in (elementwise.multiply, guarded_multiply):
        return None
    for x in vertex.operands:
        if is_number(x, 0) and not vertex.shape:
            return Constant(vertex.value) if vertex.value == 0 else None
    return None


def _tidy_reshape(vertex: Apply) -> Vertex | None:
    """A reshape that changes nothing, or that another one follows."""
    if vertex.operation is not shapes.reshape:
        return None
    return drop_shape(vertex) or undo(vertex)


def _tidy_start(vertex: Apply) -> Vertex | None:
    """The 0 that a sum over a loop starts from."""
    if vertex.operation is not elementwise.add or not is_number(vertex.operands[0], 0):
        return None
    rest = vertex.operands[1]
    return instead(vertex, rest) if isinstance(rest, Apply) else None


def _tidy_transpose(vertex: Apply) -> Vertex | None:
    """A transpose that leaves every axis in its place, as `np.cross` makes of vectors."""
    return drop_shape(vertex) if vertex.operation is shapes.transpose else None


#: Rules for code as a person wrote it: they leave out only what nobody writes.
TIDYING: tuple[Rule, ...] = (_tidy_reshape, _tidy_start, _tidy_transpose)
#: The rules of `simplify`, in the order in which they are tried.
SIMPLIFICATION: tuple[Rule, ...] = (
    _fold,
    _drop_one,
    _drop_zero,
    _drop_sign,
    _divided,
    _twice,
    _times_zero,
    *CHOICES,
    *GUARDED,
    *MOVES,
)


def simplify(outputs: list[Vertex], *more: Rule) -> list[Vertex]:
    """Apply all rules, and those given, until nothing changes."""
    for _ in range(3):  # sharing what the rules built lets them see more
        before = outputs
        outputs = share(rewrite(share(outputs), (*more, *SIMPLIFICATION)))
        if outputs == before:
            break
    return outputs
