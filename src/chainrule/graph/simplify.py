"""Algebra: rules that make a gradient as short as a person would write it.

Every rule is a function of one vertex. It returns a simpler vertex of the same value, shape and
dtype, or None where it has nothing to say. The vertices that it compares are expected to be shared,
so that the same computation is the same object.
"""

from __future__ import annotations

import math

import numpy as np

from chainrule.core.kinds import Elementwise, broadcast_to
from chainrule.graph.graph import (
    Apply,
    Constant,
    Vertex,
    apply_to,
    dtype_of,
    evaluate,
    is_number,
    shape,
)
from chainrule.graph.recognise import is_operation
from chainrule.graph.rewrite import Rule, rewrite, share
from chainrule.operations import contraction, elementwise, reduction
from chainrule.operations import shape as shapes

__all__ = [
    "SIMPLIFICATION",
    "TIDYING",
    "always_finite",
    "as_plain_product",
    "same_kind",
    "simplify",
]

_MOVES = frozenset({"expand_dims", "squeeze", "reshape", "transpose", "swapaxes", "flip", "roll"})
_FOLDED = frozenset({"negative", "add", "subtract", "multiply", "power", "floor_divide"})


def same_kind(new: Vertex, old: Vertex) -> bool:
    """Tell whether a vertex may stand for another: the same shape and dtype."""
    return shape(new) == shape(old) and dtype_of(new.value) == dtype_of(old.value)


def _instead(old: Apply, new: Vertex) -> Vertex | None:
    return new if same_kind(new, old) else None


# Numbers.


def _fold(vertex: Apply) -> Vertex | None:
    """Compute what is made of numbers alone; a quotient stays, as ``1 / 32`` says more."""
    if vertex.operation.name not in _FOLDED or not all(is_number(x) for x in vertex.operands):
        return None
    return Constant(evaluate(vertex.operation, [x.value for x in vertex.operands], vertex.params))


def _drop_one(vertex: Apply) -> Vertex | None:
    """``x * 1``, ``1 * x``, ``x / 1``, ``x ** 1`` and ``+x``."""
    name = vertex.operation.name
    if name in ("multiply", "guarded_multiply"):
        a, b = vertex.operands
        if is_number(b, 1):
            return _instead(vertex, a)
        if is_number(a, 1):
            return _instead(vertex, b)
        return None
    by_one = name in ("divide", "power") and is_number(vertex.operands[1], 1)
    if by_one or name in ("positive", "identity"):
        return _instead(vertex, vertex.operands[0])
    return None


def _drop_zero(vertex: Apply) -> Vertex | None:
    """``x + 0``, ``0 + x``, ``x - 0`` and ``0 - x``."""
    if vertex.operation.name not in ("add", "subtract"):
        return None
    a, b = vertex.operands
    if is_number(b, 0):
        return _instead(vertex, a)
    if is_number(a, 0):
        if vertex.operation.name == "add":
            return _instead(vertex, b)
        return _instead(vertex, apply_to(elementwise.negative, b))
    return None


def _drop_sign(vertex: Apply) -> Vertex | None:
    """``--x``, ``-(a - b)``, ``a + -b`` and ``a - -b``."""
    name = vertex.operation.name
    if name == "negative":
        (x,) = vertex.operands
        if is_operation(x, "negative"):
            return x.operands[0]
        if is_operation(x, "subtract"):
            a, b = x.operands
            return apply_to(elementwise.subtract, b, a)
    elif name in ("add", "subtract"):
        a, b = vertex.operands
        if is_operation(b, "negative"):
            opposite = elementwise.subtract if name == "add" else elementwise.add
            return apply_to(opposite, a, b.operands[0])
        if name == "add" and is_operation(a, "negative"):
            return apply_to(elementwise.subtract, b, a.operands[0])
    return None


def _twice(vertex: Apply) -> Vertex | None:
    """``a + a``."""
    if vertex.operation.name == "add" and vertex.operands[0] is vertex.operands[1]:
        return _instead(vertex, apply_to(elementwise.multiply, Constant(2), vertex.operands[0]))
    return None


# Shapes.


def _drop_shape(vertex: Apply) -> Vertex | None:
    """Moves that leave everything where it is: reshape to the same shape, cast to the same type."""
    name = vertex.operation.name
    if name in ("reshape", "broadcast_to", "unbroadcast", "astype", "squeeze", "expand_dims"):
        return _instead(vertex, vertex.operands[0])
    if name in ("getitem", "scatter_add") and vertex.params["index"] == ():
        return _instead(vertex, vertex.operands[0])
    if name == "transpose" and vertex.params.get("axes") == tuple(range(len(shape(vertex)))):
        return vertex.operands[0]
    return None


def _undo(vertex: Apply) -> Vertex | None:
    """Two moves in a row: ``x.T.T``, a reshape of a reshape."""
    if not vertex.operands or not isinstance(inner := vertex.operands[0], Apply):
        return None
    names = vertex.operation.name, inner.operation.name
    if names == ("reshape", "reshape") or names == ("broadcast_to", "broadcast_to"):
        return apply_to(vertex.operation, inner.operands[0], **vertex.params)
    axes = vertex.params.get("axis"), inner.params.get("axis")
    if set(names) == {"squeeze", "expand_dims"} and axes[0] == axes[1]:
        return _instead(vertex, inner.operands[0])
    if names == ("swapaxes", "swapaxes") and vertex.params == inner.params:
        return inner.operands[0]
    if names == ("transpose", "transpose"):
        ndim = len(shape(vertex))
        first = inner.params.get("axes") or tuple(reversed(range(ndim)))
        second = vertex.params.get("axes") or tuple(reversed(range(ndim)))
        if tuple(first[k] for k in second) == tuple(range(ndim)):
            return inner.operands[0]
    return None


def _plain_transpose(vertex: Apply) -> Vertex | None:
    """Swapping the axes of a matrix is ``.T``."""
    if len(shape(vertex)) != 2 or vertex.operation.name not in ("swapaxes", "transpose"):
        return None
    if vertex.operation.name == "transpose" and vertex.params.get("axes") in (None, (0, 1)):
        return None
    return Apply(shapes.transpose, vertex.operands, {}, vertex.value)


def _as_sums(vertex: Apply) -> Vertex | None:
    """Undo a broadcast by ``sum``: over the axes in front, then over those of length 1."""
    if vertex.operation.name != "unbroadcast":
        return None
    (x,) = vertex.operands
    wanted = vertex.params["shape"]
    extra = len(shape(x)) - len(wanted)
    if not wanted:
        return Apply(reduction.sum, (x,), {"axis": None}, vertex.value)
    if extra > 0:
        x = apply_to(reduction.sum, x, axis=tuple(range(extra)))
    ones = tuple(k for k, (m, n) in enumerate(zip(shape(x), wanted, strict=True)) if n == 1 != m)
    if ones:
        x = apply_to(reduction.sum, x, axis=ones, keepdims=True)
    return x


def _drop_broadcast(vertex: Apply) -> Vertex | None:
    """Leave to NumPy's own broadcasting what it does anyway."""
    if not isinstance(vertex.operation, Elementwise) and vertex.operation is not elementwise.where:
        return None
    whole = shape(vertex)
    for k, x in enumerate(vertex.operands):
        if not isinstance(x, Apply):
            continue
        if x.operation is broadcast_to:
            inner = x.operands[0]
        elif x.operation is shapes.expand_dims:
            axis = x.params["axis"]
            if sorted(axis) != list(range(len(axis))):  # only axes in front come by themselves
                continue
            inner = x.operands[0]
        else:
            continue
        operands = (*vertex.operands[:k], inner, *vertex.operands[k + 1 :])
        if np.broadcast_shapes(*map(shape, operands)) == whole:
            return Apply(vertex.operation, operands, vertex.params, vertex.value)
        if x.operation is broadcast_to and len(whole) == len(shape(x)):
            smaller = apply_to(vertex.operation, *operands, **vertex.params)
            return Apply(broadcast_to, (smaller,), {"shape": whole}, vertex.value)
    return None


def _moved_constant(vertex: Apply) -> Vertex | None:
    """A move of an array whose entries are all the same number is another such array."""
    if vertex.operation.name not in _MOVES or not isinstance(x := vertex.operands[0], Apply):
        return None
    if x.operation is not broadcast_to:
        return None
    (inner,) = x.operands
    if vertex.operation is broadcast_to or is_operation(inner, "expand_dims"):
        return None
    if shape(inner) != ():
        return None
    return Apply(broadcast_to, (inner,), {"shape": shape(vertex)}, vertex.value)


def _broadcast_leading(vertex: Apply) -> Vertex | None:
    """Axes in front come by themselves in a broadcast."""
    if vertex.operation is not broadcast_to or not is_operation(vertex.operands[0], "expand_dims"):
        return None
    inner = vertex.operands[0]
    axis = inner.params["axis"]
    if sorted(axis) != list(range(len(axis))):
        return None
    operands = inner.operands
    return Apply(broadcast_to, operands, vertex.params, vertex.value)


def _as_outer(vertex: Apply) -> Vertex | None:
    """``a[:, None] * b`` of two vectors."""
    if vertex.operation.name != "multiply" or len(shape(vertex)) != 2:
        return None
    for a, b in (vertex.operands, vertex.operands[::-1]):
        column = is_operation(a, "expand_dims") and a.params["axis"] == (1,)
        if column and isinstance(a, Apply) and len(shape(b)) == 1:
            return Apply(contraction.outer, (a.operands[0], b), {}, vertex.value)
    return None


# Choices.


def _without_ties(vertex: Apply) -> Vertex | None:
    """The gradient of maximum and minimum, where no two operands are equal in the example.

    Where they are, each gets a half; the shorter code gives one of them nothing.
    """
    if vertex.operation.name != "where":
        return None
    ties, half, rest = vertex.operands
    if not is_number(half, 0.5) or not is_operation(ties, "equal") or np.any(ties.value):
        return None
    return rest if isinstance(rest, Apply) and not rest.operation.differentiable else None


def _without_tie_count(vertex: Apply) -> Vertex | None:
    """The gradient of max and min along an axis, where each has one winner in the example."""
    if vertex.operation.name != "divide":
        return None
    ties = vertex.operands[1]
    while is_operation(ties, "astype") or is_operation(ties, "expand_dims"):
        ties = ties.operands[0]
    if not is_operation(ties, "count_nonzero") or not np.all(ties.value == 1):
        return None
    if not is_operation(ties.operands[0], "equal"):
        return None
    return _instead(vertex, vertex.operands[0])


def _as_mask(vertex: Apply) -> Vertex | None:
    """``where(c, 1, 0) * g`` is ``c * g``."""
    if vertex.operation.name != "multiply":
        return None
    for k in (0, 1):
        x, other = vertex.operands[k], vertex.operands[1 - k]
        if not is_operation(x, "where") or is_operation(other, "where"):
            continue
        condition, one, zero = x.operands
        if is_number(one, 1) and is_number(zero, 0) and dtype_of(condition.value).kind == "b":
            new = apply_to(elementwise.multiply, other, condition)
            return _instead(vertex, new)
    return None


# Guards.


def as_plain_product(vertex: Apply) -> Vertex | None:
    """``guarded_multiply`` as ``*``: for where no zero can meet an infinite local gradient."""
    if vertex.operation.name != "guarded_multiply":
        return None
    return apply_to(elementwise.multiply, *vertex.operands[::-1])


def _guarded_choice(vertex: Apply) -> Vertex | None:
    """``where(c, g, 0) * local`` is ``where(c, g * local, 0)``, in which nothing can be 0 * inf."""
    if vertex.operation.name != "guarded_multiply":
        return None
    choice, local = vertex.operands
    if not is_operation(choice, "where"):
        return None
    condition, g, zero = choice.operands
    if not is_number(zero, 0):
        return None
    product = apply_to(elementwise.multiply, g, local)
    if not np.all(np.isfinite(np.where(condition.value, product.value, 0.0))):
        return None
    return Apply(elementwise.where, (condition, product, zero), {}, vertex.value)


def _times_zero(vertex: Apply) -> Vertex | None:
    """``0 * x``, as the derivative of ``x**0`` has it."""
    if vertex.operation.name not in ("multiply", "guarded_multiply"):
        return None
    for x in vertex.operands:
        if is_number(x, 0) and not shape(vertex):
            return Constant(vertex.value) if vertex.value == 0 else None
    return None


def _needs_no_guard(vertex: Apply) -> Vertex | None:
    """A number is finite, and so is a power of x with a whole exponent above 0."""
    if vertex.operation.name != "guarded_multiply":
        return None
    return as_plain_product(vertex) if always_finite(vertex.operands[1]) else None


def always_finite(x: Vertex) -> bool:
    """Tell whether a vertex is finite wherever what it is made of is finite (and not huge)."""
    if not isinstance(x, Apply):
        return not isinstance(x, Constant) or bool(np.all(np.isfinite(x.value)))
    name = x.operation.name
    if name in ("add", "subtract", "multiply", "negative", "sin", "cos", "tanh", "broadcast_to"):
        return all(always_finite(operand) for operand in x.operands)
    if name == "divide":
        return always_finite(x.operands[0]) and _never_zero(x.operands[1])
    if name == "power" and is_number(x.operands[1]):
        exponent = x.operands[1].value
        whole = exponent >= 0 and exponent == math.floor(exponent)
        return whole and always_finite(x.operands[0])
    return False


def _never_zero(x: Vertex) -> bool:
    return isinstance(x, Constant) and bool(np.all(x.value))


def _tidy_reshape(vertex: Apply) -> Vertex | None:
    """A reshape that changes nothing, or that another one follows."""
    if vertex.operation.name != "reshape":
        return None
    return _drop_shape(vertex) or _undo(vertex)


def _tidy_start(vertex: Apply) -> Vertex | None:
    """The 0 that a sum over a loop starts from."""
    if vertex.operation.name != "add" or not is_number(vertex.operands[0], 0):
        return None
    rest = vertex.operands[1]
    return _instead(vertex, rest) if isinstance(rest, Apply) else None


#: Rules for code as a person wrote it: they leave out only what nobody writes.
TIDYING: tuple[Rule, ...] = (_tidy_reshape, _tidy_start)
#: The rules of `simplify`, in the order in which they are tried.
SIMPLIFICATION: tuple[Rule, ...] = (
    _fold,
    _drop_one,
    _drop_zero,
    _drop_sign,
    _twice,
    _drop_shape,
    _undo,
    _plain_transpose,
    _as_sums,
    _without_ties,
    _without_tie_count,
    _as_mask,
    _times_zero,
    _needs_no_guard,
    _guarded_choice,
    _drop_broadcast,
    _moved_constant,
    _broadcast_leading,
    _as_outer,
)


def simplify(outputs: list[Vertex], *more: Rule) -> list[Vertex]:
    """Apply all rules, and those given, until nothing changes."""
    for _ in range(3):  # sharing what the rules built lets them see more
        before = outputs
        outputs = share(rewrite(share(outputs), (*more, *SIMPLIFICATION)))
        if outputs == before:
            break
    return outputs
