"""Sums of products as products of sums: the rows of ``A @ B``, added up, are those of A times B.

The gradient by what was subtracted from the rows of a matrix, or added to them, before a product is
of this kind. A product that only its sum needs is then one of a vector. Terms are added in another
order, as in any reduction. Near overflow, where a sum of rows is infinite and the products are not,
the gradient is inf or NaN; so sums of one's own, which are not of a gradient, stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.core.kinds import unbroadcast
from chainrule.graph.graph import Apply, Vertex, is_operation, topological
from chainrule.graph.placeholder import like, make, reduce
from chainrule.graph.rewrite import uses, with_operands
from chainrule.native.lower.roles import Role, reduced_axes, role_of
from chainrule.operations import contraction, elementwise, reduction

__all__ = ["summed_early"]


def summed_early(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Add up rows, or columns, before they are multiplied where nothing else needs the product."""
    order = topological(outputs)
    if not any(is_operation(x, unbroadcast) for x in order):
        return list(outputs)
    count = uses(outputs)
    done: dict[Vertex, Vertex] = {}
    for vertex in order:
        new = with_operands(vertex, done)
        if is_operation(vertex, unbroadcast) and _is_alone(vertex, count):
            assert isinstance(new, Apply)
            new = _summed(new)
        done[vertex] = new
    return [done[vertex] for vertex in outputs]


def _is_alone(vertex: Apply, count: dict[Vertex, int]) -> bool:
    """Tell whether a sum is all that needs the product which it is of."""
    (x,) = vertex.operands
    same = x.dtype == vertex.dtype
    while is_operation(x, elementwise.negative) and count[x] == 1:
        (x,) = x.operands
    is_product = is_operation(x, contraction.matmul) and role_of(x) is Role.PRODUCT
    return same and is_product and count[x] == 1


def _summed(vertex: Apply) -> Vertex:
    (x,) = vertex.operands
    if is_operation(x, elementwise.negative):
        inner = Apply(vertex.operation, x.operands, vertex.params, vertex.value)
        return Apply(elementwise.negative, (_summed(inner),), {}, vertex.value)
    assert isinstance(x, Apply)
    a, b = x.operands
    rows, columns = x.ndim - 2, x.ndim - 1
    gone, _ = reduced_axes(vertex)
    if min(a.ndim, b.ndim) < 2 or not {rows, columns} & {*gone}:
        return vertex
    if rows in gone:
        a = reduce(reduction.sum, a, (rows,))
    if columns in gone:
        b = reduce(reduction.sum, b, (columns,))
    size = (*a.shape[:-1], b.shape[-1])
    product = make(contraction.matmul, [a, b], x.dtype, size)
    batch = tuple(k for k in gone if k < rows)
    return like(reduce(reduction.sum, product, batch) if batch else product, vertex)
