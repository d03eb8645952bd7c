"""Parts of formulas that the stabilising rules look for."""

from __future__ import annotations

import math

from chainrule.core.kinds import broadcast_to, guarded_multiply, identity, stopped
from chainrule.graph.graph import Apply, Vertex, is_number, is_operation
from chainrule.graph.phantom import axes_of, is_float
from chainrule.operations import elementwise, reduction
from chainrule.operations import shape as shapes

__all__ = ["exponent", "factors", "is_laid_over", "one_plus", "summed_exponent"]


def one_plus(vertex: Vertex) -> Vertex | None:
    """Return x of ``1 + x``."""
    if not is_operation(vertex, elementwise.add):
        return None
    a, b = vertex.operands
    other = b if is_number(a, 1) else a if is_number(b, 1) else None
    return other if other is not None and other.shape == vertex.shape else None


def exponent(vertex: Vertex | None) -> Vertex | None:
    """Return x of ``exp(x)``."""
    if vertex is None or not is_operation(vertex, elementwise.exp):
        return None
    return vertex.operands[0]


def factors(vertex: Vertex) -> tuple[Vertex, Vertex] | None:
    """Return the two factors of a product, guarded or not."""
    if is_operation(vertex, elementwise.multiply, guarded_multiply):
        a, b = vertex.operands
        return a, b
    return None


def is_laid_over(vertex: Vertex, total: Apply) -> bool:
    """Tell whether each entry of what was reduced meets its own result.

    The vertex is the result with axes added, dropped or repeated; it meets what was reduced by
    broadcasting, so that its last axis is laid over the last one.
    """
    whole, reduced = total.operands[0].shape, axes_of(total)
    places = _places(vertex, total)
    if places is None or len(places) > len(whole):
        return False
    places = (None,) * (len(whole) - len(places)) + places
    return all(
        place is None if k in reduced else place == k or n == 1
        for k, (n, place) in enumerate(zip(whole, places, strict=True))
    )


def _places(vertex: Vertex, total: Apply) -> tuple[int | None, ...] | None:
    """Return which axis of what was reduced each axis is; None for one of a repeated entry."""
    if vertex is total:
        axes, count = axes_of(total), total.operands[0].ndim
        if total.params.get("keepdims"):
            return tuple(None if k in axes else k for k in range(count))
        return tuple(k for k in range(count) if k not in axes)
    if not isinstance(vertex, Apply) or vertex.operation not in _SPREADING:
        return None
    x = vertex.operands[-1]
    places, old, new = _places(x, total), x.shape, vertex.shape
    if places is None:
        return None
    operation = vertex.operation
    if operation is shapes.expand_dims:
        added = {k % len(new) for k in vertex.params["axis"]}
        rest = iter(places)
        return tuple(None if k in added else next(rest) for k in range(len(new)))
    if operation is broadcast_to:
        places = tuple(
            place if n == m else None
            for place, n, m in zip(places, old, new[len(new) - len(old) :], strict=True)
        )
        return (None,) * (len(new) - len(old)) + places
    return places if old == new else None  # where(y == -inf, 0, y)


_SPREADING = frozenset({shapes.expand_dims, broadcast_to, elementwise.where})


def _is_shifted(x: Vertex, axes: tuple[int, ...]) -> bool:
    """Tell whether somebody has already subtracted the largest entry."""
    if not is_operation(x, elementwise.subtract):
        return False
    value, peak = x.operands
    while isinstance(peak, Apply) and peak.operation in _SAME_PEAK:
        is_where = peak.operation is elementwise.where  # where(finite, peak, 0)
        peak = peak.operands[1 if is_where else 0]
    return is_operation(peak, reduction.max) and axes_of(peak) == axes and peak.operands[0] is value


_SAME_PEAK = frozenset(
    {shapes.expand_dims, broadcast_to, shapes.reshape, stopped, identity, elementwise.where}
)


def summed_exponent(vertex: Vertex) -> Vertex | None:
    """Return x of ``sum(exp(x))``, if nobody has made sure that it does not overflow."""
    if not is_operation(vertex, reduction.sum) or not vertex.operands[0].shape:
        return None
    x = exponent(vertex.operands[0])
    if x is None or not is_float(x) or not math.prod(x.shape) or x.dtype != vertex.dtype:
        return None
    return None if _is_shifted(x, axes_of(vertex)) else x
