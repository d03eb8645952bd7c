"""A root of a sum of squares, scaled: right for any size of number, at the cost of another pass.

So compiled code does without it, and it serves where a computation has failed already.
"""

from __future__ import annotations

from chainrule.graph.graph import Apply, Vertex, axes_of, is_float, is_operation
from chainrule.graph.patterns import squared
from chainrule.graph.placeholder import boolean, element, like, literal, reduce
from chainrule.operations import elementwise, reduction

__all__ = ["root_of_sum_of_squares"]


def root_of_sum_of_squares(vertex: Apply) -> Vertex | None:
    """``sqrt(sum(x * x))`` is ``m * sqrt(sum((x / m)**2))`` with ``m = max(abs(x))``."""
    if vertex.operation is not elementwise.sqrt:
        return None
    (total,) = vertex.operands
    if not is_operation(total, reduction.sum):
        return None
    x = squared(total.operands[0])
    axes = axes_of(total)
    if x is None or not is_float(x) or x.dtype != vertex.dtype or not x.ndim:
        return None
    if is_operation(x, elementwise.divide) and is_operation(x.operands[1], elementwise.where):
        return None  # it has been scaled
    largest = reduce(reduction.max, element(elementwise.absolute, x), axes)
    some = boolean(elementwise.greater, largest, literal(0))
    scale = element(elementwise.where, some, largest, literal(1), dtype=x.dtype)
    scaled = element(elementwise.square, element(elementwise.divide, x, scale))
    root = element(elementwise.sqrt, reduce(reduction.sum, scaled, axes))
    return like(element(elementwise.multiply, scale, root), vertex)
