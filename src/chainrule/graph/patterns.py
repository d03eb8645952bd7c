"""Patterns: what people write in several operations that are one idea, found in a graph.

``1 / (1 + exp(-x))`` is a sigmoid of x, ``exp(x) / sum(exp(x))`` a softmax. Both the derivation of
printed code (`recognise`) and the stabilising rules (`stabilise`) look for them. A pattern looks at
one vertex and returns the parts that matter, or None; vertices are expected to be shared, so that
the same computation is the same object.
"""

from __future__ import annotations

from typing import NamedTuple

from chainrule.core.kinds import broadcast_to, guarded_multiply, identity, stopped
from chainrule.graph.graph import Apply, Vertex, axes_of, is_float, is_number, is_operation
from chainrule.graph.rewrite import same_kind
from chainrule.operations import elementwise, reduction, softmax
from chainrule.operations import shape as shapes

__all__ = [
    "Negatable",
    "as_logsumexp",
    "as_softmax",
    "exponent",
    "factors",
    "is_laid_over",
    "is_shifted",
    "one_plus",
    "root_of",
    "sigmoid_argument",
    "spread_sum",
    "squared",
    "summed_exponent",
    "unsigned",
]


class Negatable(NamedTuple):
    """``x``, or ``-x`` where ``negative`` is True."""

    x: Vertex
    negative: bool


def unsigned(vertex: Vertex) -> Negatable:
    """Read a vertex as x or -x."""
    if is_operation(vertex, elementwise.negative):
        return Negatable(vertex.operands[0], True)
    return Negatable(vertex, False)


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


def sigmoid_argument(vertex: Vertex) -> Negatable | None:
    """Return x of ``1 / (1 + exp(-x))`` and ``exp(x) / (1 + exp(x))``."""
    if not is_operation(vertex, elementwise.divide):
        return None
    numerator, denominator = vertex.operands
    power = one_plus(denominator)
    y = exponent(power)
    if y is None or not same_kind(y, vertex):
        return None
    x, negative = unsigned(y)
    if is_number(numerator, 1):
        return Negatable(x, not negative)
    return Negatable(x, negative) if numerator is power else None


def factors(vertex: Vertex) -> tuple[Vertex, Vertex] | None:
    """Return the two factors of a product, guarded or not."""
    if is_operation(vertex, elementwise.multiply, guarded_multiply):
        a, b = vertex.operands
        return a, b
    return None


def root_of(vertex: Vertex) -> Vertex | None:
    """Return x of ``sqrt(x)`` and ``x ** 0.5``."""
    if is_operation(vertex, elementwise.power) and not is_number(vertex.operands[1], 0.5):
        return None
    return vertex.operands[0] if is_operation(vertex, elementwise.sqrt, elementwise.power) else None


def squared(vertex: Vertex) -> Vertex | None:
    """Return x of ``x * x``, ``x**2`` and ``square(x)``."""
    if is_operation(vertex, elementwise.multiply):
        a, b = vertex.operands
        return a if a is b else None
    if is_operation(vertex, elementwise.power):
        x, exponent = vertex.operands
        return x if is_number(exponent, 2) else None
    return vertex.operands[0] if is_operation(vertex, elementwise.square) else None


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


def spread_sum(vertex: Vertex) -> Apply | None:
    """Return the sum that a vertex is, or that it repeats along further axes."""
    while is_operation(vertex, broadcast_to, shapes.expand_dims):
        (vertex,) = vertex.operands
    return vertex if is_operation(vertex, reduction.sum) else None


def as_logsumexp(vertex: Apply) -> Apply | None:
    """``log(sum(exp(x)))`` as `logsumexp`."""
    if not is_operation(vertex, elementwise.log):
        return None
    (total,) = vertex.operands
    x = summed_exponent(total)
    if x is None or not isinstance(total, Apply):
        return None
    return Apply(softmax.logsumexp, (x,), total.params, vertex.value)


def as_softmax(vertex: Apply) -> Apply | None:
    """``exp(x) / sum(exp(x))`` as `softmax`."""
    if not is_operation(vertex, elementwise.divide):
        return None
    powers, spread = vertex.operands
    total = spread_sum(spread)
    if total is None or total.operands[0] is not powers or not is_laid_over(spread, total):
        return None
    if powers.shape != vertex.shape:  # the sum was repeated along an axis of length 1
        return None
    x = summed_exponent(total)
    if x is None:
        return None
    return Apply(softmax.softmax, (x,), {"axis": total.params.get("axis")}, vertex.value)


def is_shifted(x: Vertex, axes: tuple[int, ...]) -> bool:
    """Tell whether x is a difference from its largest entry, whose exponentials are at most 1."""
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
    """Return x of ``sum(exp(x))``."""
    if not is_operation(vertex, reduction.sum):
        return None
    x = exponent(vertex.operands[0])
    if x is None or not is_float(x) or not x.shape or x.dtype != vertex.dtype:
        return None
    return x if x.size else None
