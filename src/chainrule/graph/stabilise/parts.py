"""Parts of formulas that the stabilising rules look for."""

from __future__ import annotations

import math

from chainrule.graph.graph import Apply, Vertex, dtype_of, is_number, shape
from chainrule.graph.phantom import axes_of, is_float
from chainrule.graph.recognise import is_operation

__all__ = ["exponent", "factors", "is_spread", "one_plus", "summed_exponent"]


def one_plus(vertex: Vertex) -> Vertex | None:
    """Return x of ``1 + x``."""
    if not is_operation(vertex, "add"):
        return None
    a, b = vertex.operands
    other = b if is_number(a, 1) else a if is_number(b, 1) else None
    return other if other is not None and shape(other) == shape(vertex) else None


def exponent(vertex: Vertex | None) -> Vertex | None:
    """Return x of ``exp(x)``."""
    return vertex.operands[0] if vertex is not None and is_operation(vertex, "exp") else None


def factors(vertex: Vertex) -> tuple[Vertex, Vertex] | None:
    """Return the two factors of a product, guarded or not."""
    if is_operation(vertex, "multiply") or is_operation(vertex, "guarded_multiply"):
        a, b = vertex.operands
        return a, b
    return None


def _without_spreading(vertex: Vertex, total: Apply) -> Vertex:
    """Undo what spreads something of the shape of a reduction over its operand, as far as it goes.

    With ``total = sum(x, axis=1)`` that is `broadcast_to` of `expand_dims` along axis 1.
    """
    whole = shape(total.operands[0])
    if is_operation(vertex, "broadcast_to") and shape(vertex) == whole:
        vertex = vertex.operands[0]
    if not total.params.get("keepdims") and is_operation(vertex, "expand_dims"):
        return vertex.operands[0] if tuple(vertex.params["axis"]) == axes_of(total) else vertex
    return vertex


def is_spread(vertex: Vertex, total: Apply) -> bool:
    """Tell whether a vertex is a reduction, laid over its operand."""
    return _without_spreading(vertex, total) is total and (
        vertex is not total or bool(total.params.get("keepdims")) or not shape(total)
    )


def _is_shifted(x: Vertex, axes: tuple[int, ...]) -> bool:
    """Tell whether somebody has already subtracted the largest entry."""
    if not is_operation(x, "subtract"):
        return False
    value, peak = x.operands
    while isinstance(peak, Apply) and peak.operation.name in _SAME_PEAK:
        peak = peak.operands[1 if peak.operation.name == "where" else 0]  # where(finite, peak, 0)
    return is_operation(peak, "max") and axes_of(peak) == axes and peak.operands[0] is value


_SAME_PEAK = frozenset(
    {"expand_dims", "broadcast_to", "reshape", "stop_gradient", "identity", "where"}
)


def summed_exponent(vertex: Vertex) -> Vertex | None:
    """Return x of ``sum(exp(x))``, if nobody has made sure that it does not overflow."""
    if not is_operation(vertex, "sum") or not shape(vertex.operands[0]):
        return None
    x = exponent(vertex.operands[0])
    if (
        x is None
        or not is_float(x)
        or not math.prod(shape(x))
        or dtype_of(x.value) != dtype_of(vertex.value)
    ):
        return None
    return None if _is_shifted(x, axes_of(vertex)) else x
