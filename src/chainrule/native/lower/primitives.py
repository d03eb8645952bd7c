"""Rewriting a graph into what kernels are made of: entries, moves, reductions and matrix products.

The rules look at shapes and dtypes alone, never at values but those of constants, which are part of
the code: it must be right for other numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.core.kinds import guarded_multiply, identity, real
from chainrule.core.operation import Operation
from chainrule.core.placeholder import Placeholder
from chainrule.graph.formula import by_formula
from chainrule.graph.graph import (
    Apply,
    Constant,
    Vertex,
    copied,
    is_operation,
)
from chainrule.graph.placeholder import full, make
from chainrule.graph.rewrite import (
    about,
    only_of,
    passed,
    rewrite,
    same_kind,
    share,
    with_operands,
)
from chainrule.graph.stabilise.rules import stabilised
from chainrule.native.ir.elements import lowered
from chainrule.native.ir.text import is_native
from chainrule.native.lower import contractions, correlations, movement, updates
from chainrule.native.lower.early_gather import gathered_early
from chainrule.native.lower.early_sums import summed_early
from chainrule.native.lower.forwarding import forwarded
from chainrule.native.lower.gather import gather_of
from chainrule.native.lower.masked import of_masked
from chainrule.native.lower.put_back import without_empty_updates
from chainrule.native.lower.roles import Role, expected_access, is_alias, number, role_of
from chainrule.native.lower.turned import lines_together
from chainrule.native.lower.windows import nested_product
from chainrule.native.matmul import product
from chainrule.operations import contraction, elementwise
from chainrule.operations import shape as shapes

__all__ = ["as_primitives"]

_LARGE = 2**17  # bytes of a matrix that is read for longer than its indices are compared


def as_primitives(outputs: Sequence[Vertex], stable: bool = True) -> list[Vertex]:
    """Return the same computation in terms of fewer operations.

    Args:
        outputs: what is computed.
        stable: put stable forms in the place of formulas that fail for large or small numbers.
    """
    given = lines_together(without_empty_updates(outputs))
    given = stabilised(given, is_native) if stable else share(given)
    return passed(given, _lowered, summed_early, gathered_early, forwarded, _readable)


def _lowered(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Rewrite numbers that registers hold: NumPy computes all others."""
    products = (_plain_product, of_masked, _of_unit_vectors, _root, _square_of_reciprocal)
    return rewrite(outputs, [only_of(is_native, *products, _primitive)])


def _readable(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Copy what cannot be read where it lies, and read no large identity matrix."""
    return rewrite(outputs, [_by_indices, _in_order])


def _primitive(vertex: Apply) -> Vertex | None:
    if _is_nothing(vertex):
        return full(0, vertex.dtype, vertex.shape)
    rule = _RULES.get(vertex.operation)
    if rule is not None:
        return rule(vertex)
    return None if lowered(vertex) else by_formula(vertex)


def _is_nothing(vertex: Apply) -> bool:
    """Tell whether an array has no entries; indices that pick none might still be out of range."""
    if 0 not in vertex.shape or not is_native(vertex.dtype):
        return False
    return role_of(vertex) is not Role.NUMBER and not any(
        x.dtype.kind in "biu" and x.shape for x in vertex.operands
    )


#: What leaves real numbers as they are.
_UNCHANGED = frozenset({identity, elementwise.positive, elementwise.conjugate, real})


@about(*_UNCHANGED, elementwise.multiply, guarded_multiply)
def _plain_product(vertex: Apply) -> Vertex | None:
    """``x * 1``, and guards where the upstream gradient is a number but 0, or the local one is."""
    operation = vertex.operation
    if operation in _UNCHANGED:
        (x,) = vertex.operands
        return x if same_kind(x, vertex) else None
    for k, x in enumerate(vertex.operands):
        other = vertex.operands[1 - k]
        if role_of(x) is Role.NUMBER and number(x) == 1 and same_kind(other, vertex):
            return other
    first, second = vertex.operands
    if operation is guarded_multiply and (
        (role_of(first) is Role.NUMBER and number(first) != 0)
        or (role_of(second) is Role.NUMBER and _is_finite(number(second), vertex))
    ):
        return Apply(elementwise.multiply, (second, first), {}, vertex.value)
    return None


def _is_finite(x: Any, vertex: Apply) -> bool:
    """Tell whether a number is finite in the dtype of a vertex."""
    with np.errstate(over="ignore"):
        return bool(np.isfinite(np.asarray(x).astype(vertex.dtype)))


@about(contraction.matmul)
def _of_unit_vectors(vertex: Apply) -> Vertex | None:
    """``(I * d) @ b`` has the rows of b, times d: what a Jacobian begins with."""
    if any(x.ndim != 2 for x in vertex.operands):
        return None
    a, b = vertex.operands
    if _is_identity(a):
        return b if same_kind(b, vertex) else None
    if not is_operation(a, elementwise.multiply, guarded_multiply):
        return None
    first, second = a.operands
    d = second if _is_identity(first) else first if _is_identity(second) else None
    if d is None or d.shape != a.shape[1:]:
        return None
    rows = (d.size, 1)
    column = Apply(shapes.reshape, (d,), {"shape": rows}, Placeholder(rows, d.dtype))
    return Apply(elementwise.multiply, (column, b), {}, vertex.value)


def _is_identity(x: Vertex) -> bool:
    if not isinstance(x, Constant) or not x.literal or x.ndim != 2 or x.shape[0] != x.shape[1]:
        return False
    return isinstance(x.value, np.ndarray) and np.array_equal(x.value, np.eye(len(x.value)))


def _by_indices(vertex: Apply) -> Vertex | None:
    """Tell the entries of a large identity matrix by their indices: it is not read from memory."""
    found: dict[Vertex, Vertex] = {
        x: _diagonal_of_ones(x)
        for x in vertex.operands
        if isinstance(x, Constant) and x.ndim == 2 and x.nbytes >= _LARGE and _is_identity(x)
    }
    if not found or not vertex.operation.entrywise or not lowered(vertex):
        return None
    return with_operands(vertex, found)


def _diagonal_of_ones(x: Vertex) -> Vertex:
    ones = full(1, x.dtype, x.shape[:1])
    diagonal = make(shapes.embed_diagonal, [ones], x.dtype, x.shape, shape=x.shape)
    found = updates.RULES[shapes.embed_diagonal](diagonal)
    assert found is not None
    return found


@about(elementwise.power)
def _root(vertex: Apply) -> Vertex | None:
    """``x ** 0.5`` of an array is its square root in NumPy: NaN for -inf, and -0 for -0."""
    if not vertex.ndim:
        return None
    x, exponent = vertex.operands
    if role_of(exponent) is not Role.NUMBER or number(exponent) != 0.5 or not same_kind(x, vertex):
        return None
    return Apply(elementwise.sqrt, (x,), {}, vertex.value)


@about(elementwise.divide)
def _square_of_reciprocal(vertex: Apply) -> Vertex | None:
    """``-y / x`` with ``y = 1 / x`` is ``-(y * y)``: the gradient of a quotient without another.

    So it is a few instructions away from the value that is stored anyway.
    """
    top, below = vertex.operands
    negated = is_operation(top, elementwise.negative)
    y = top.operands[0] if is_operation(top, elementwise.negative) else top
    if not is_operation(y, elementwise.divide) or not same_kind(y, vertex):
        return None
    one, x = y.operands
    if x is not below or role_of(one) is not Role.NUMBER or number(one) != 1:
        return None
    square = Apply(elementwise.multiply, (y, y), {}, vertex.value)
    return Apply(elementwise.negative, (square,), {}, vertex.value) if negated else square


def _reshape(vertex: Apply) -> Vertex | None:
    """Give the entries their order in memory first, where a view of them has another."""
    (x,) = vertex.operands
    if role_of(x) is not Role.VIEW or is_alias(vertex):
        return None
    access = expected_access(x)
    if access is not None and access.is_contiguous:
        return None
    return Apply(vertex.operation, (copied(x),), vertex.params, vertex.value)


def _in_order(vertex: Apply) -> Vertex | None:
    """Copy what a product, or the code that adds entries, cannot read where it lies."""
    if vertex.operation is shapes.reshape:
        return _reshape(vertex)
    role = role_of(vertex)
    if role is Role.PRODUCT:
        a, b = (None if role_of(x) is Role.NUMBER else expected_access(x) for x in vertex.operands)
        nested = vertex.operation is nested_product
        fits: tuple[bool, ...] = product.nested_readable(a, b) if nested else product.readable(a, b)
    elif role is Role.TRANSFORM:
        fits = (_is_contiguous(vertex.operands[0]),)
    elif role is Role.SCATTER:  # to the first operand entries are added
        fits = (True, *map(_is_contiguous, vertex.operands[1:]))
    elif gather_of(vertex) is not None and vertex.operands[0].size:
        fits = (
            role_of(vertex.operands[0]) is not Role.NUMBER,
            *(True for _ in vertex.operands[1:]),
        )
    else:
        return None
    operands = tuple(x if fit else copied(x) for x, fit in zip(vertex.operands, fits, strict=True))
    if operands == vertex.operands:
        return None
    return Apply(vertex.operation, operands, vertex.params, vertex.value)


def _is_contiguous(x: Vertex) -> bool:
    access = None if role_of(x) is Role.NUMBER else expected_access(x)
    return access is not None and access.is_contiguous


_RULES: dict[Operation, Callable[[Apply], Vertex | None]] = {
    **contractions.RULES,
    **correlations.RULES,
    **movement.RULES,
    **updates.RULES,
    contraction.matmul: contractions.matrices,
}
