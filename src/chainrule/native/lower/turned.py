"""Between transforms, arrays lie as the lines of the transforms do.

A transform along another axis than the last brings its lines together, and puts them back. Where
what comes after it works on entries alone, or is another transform of the same lines, they may as
well stay together: the entries are computed in that order, *turned*, and nothing is put back but
what somebody wants as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from chainrule.core.kinds import broadcast_to
from chainrule.graph.graph import Apply, Vertex, is_operation, topological
from chainrule.graph.placeholder import make, reshaped, transposed
from chainrule.native.lower.transforms import Transform, across, lines_of
from chainrule.operations import indexing, reduction
from chainrule.operations import shape as shapes

__all__ = ["lines_together"]

_Layout: TypeAlias = "tuple[int, int]"


def lines_together(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Return the same computation, with lines left together between transforms."""
    order = topological(outputs)
    if not any(isinstance(x, Apply) and _goes_across(x) for x in order):
        return list(outputs)
    turns = _Turns(order)
    turns.ask(outputs)
    return [turns.plain(x) for x in outputs]


def _goes_across(vertex: Apply) -> bool:
    """Tell whether a vertex is a transform of lines that do not lie together."""
    if not isinstance(vertex.operation, Transform):
        return False
    lines = lines_of(vertex)
    return lines is not None and lines.after > 1


class _Turns:
    """Turns what may be turned.

    Args:
        order: all vertices, operands first.

    Attributes:
        layout: of each vertex that may be turned, the axis that the lines are along, and how many
            axes come after all of the lines': one where both parts of complex numbers lie there.
        wanted: whether a vertex is wanted turned, or as it is, or both.
    """

    def __init__(self, order: Sequence[Vertex]) -> None:
        self.order = order
        self.layout: dict[Vertex, _Layout] = {}
        self.wanted: dict[Vertex, set[bool]] = {x: set() for x in order}
        self.done: dict[tuple[Vertex, bool], Vertex] = {}
        for vertex in order:
            if isinstance(vertex, Apply):
                found = self._found(vertex)
                if found is not None:
                    self.layout[vertex] = found

    def _found(self, vertex: Apply) -> _Layout | None:
        """Return how a vertex may be turned."""
        operation, operands = vertex.operation, vertex.operands
        if _goes_across(vertex):
            return _axis_of(vertex), int(operation.makes_pairs)  # type: ignore[attr-defined]
        if operation.entrywise:  # what has fewer axes is broadcast along the first ones
            operands = tuple(x for x in operands if x.ndim == vertex.ndim)
        known = {self.layout[x] for x in operands if x in self.layout}
        if len(known) != 1:
            return None
        ((axis, after),) = known
        if operation.entrywise:
            whole = [x for x in operands if x.shape == vertex.shape and not _is_spread(x)]
            own = [x for x in whole if x in self.layout]
            return (axis, after) if own and 2 * len(own) >= len(whole) else None
        if _is_part(vertex) and after == 1:
            return axis, 0
        is_stacked = operation is shapes.stack and _is_last(vertex) and after == 0
        return (axis, 1) if is_stacked and all(x in self.layout for x in operands) else None

    def ask(self, outputs: Sequence[Vertex]) -> None:
        """Find out what is wanted turned, and what as it is."""
        for x in outputs:
            self.wanted[x].add(False)
        for vertex in reversed(self.order):
            if isinstance(vertex, Apply):
                for x, turned in zip(vertex.operands, self._uses(vertex), strict=True):
                    self.wanted[x].add(turned)

    def _uses(self, vertex: Apply) -> list[bool]:
        """Tell of each operand whether it is read turned."""
        layout, operation, params = self.layout.get(vertex), vertex.operation, vertex.params
        if isinstance(operation, Transform) and layout is not None:
            given = layout[0], int(operation.takes_pairs)
            return [self.layout.get(x) == given for x in vertex.operands]
        if operation is reduction.sum and params.get("axis") is None and not params.get("keepdims"):
            return [x in self.layout for x in vertex.operands]
        if layout is None or True not in self.wanted[vertex]:
            return [False for _ in vertex.operands]
        is_whole = [not operation.entrywise or x.ndim == vertex.ndim for x in vertex.operands]
        return [
            x in self.layout and fits for x, fits in zip(vertex.operands, is_whole, strict=True)
        ]

    # What comes of it.

    def plain(self, vertex: Vertex) -> Vertex:
        """Return a vertex as it is."""
        for x in topological([vertex]):
            self._make(x)
        return self.done[vertex, False]

    def _make(self, vertex: Vertex) -> None:
        for turned in sorted(self.wanted[vertex], reverse=True):
            if (vertex, turned) not in self.done:
                self.done[vertex, turned] = self._made(vertex, turned)

    def _made(self, vertex: Vertex, turned: bool) -> Vertex:
        if not isinstance(vertex, Apply):
            return vertex
        if not turned and (vertex, True) in self.done:
            order = _order(vertex, self.layout[vertex])
            inverse = tuple(order.index(k) for k in range(len(order)))
            return transposed(self.done[vertex, True], inverse)
        uses = self._uses(vertex)
        operands = [self.done[x, use] for x, use in zip(vertex.operands, uses, strict=True)]
        if isinstance(vertex.operation, Transform) and vertex in self.layout:
            return across(vertex, operands[0], (not uses[0], not turned))
        if not turned:
            return Apply(vertex.operation, tuple(operands), vertex.params, vertex.value)
        order = _order(vertex, self.layout[vertex])
        size = tuple(vertex.shape[k] for k in order)
        params = vertex.params
        if vertex.operation.entrywise:
            operands = [
                x if use else self._broadcast(x, vertex, order)
                for x, use in zip(operands, uses, strict=True)
            ]
        elif vertex.operation is shapes.stack:
            params = {**params, "axis": vertex.ndim - 1}
        return make(vertex.operation, operands, vertex.dtype, size, **params)

    @staticmethod
    def _broadcast(x: Vertex, vertex: Apply, order: tuple[int, ...]) -> Vertex:
        """Turn what is broadcast to what is turned."""
        if not x.shape:
            return x
        return transposed(reshaped(x, (1,) * (vertex.ndim - x.ndim) + x.shape), order)


def _axis_of(vertex: Apply) -> int:
    """Return the axis that the lines of a transform are along."""
    operation, (x,) = vertex.operation, vertex.operands
    assert isinstance(operation, Transform)
    axis: int = vertex.params.get("axis", -1)
    return axis % (x.ndim - operation.takes_pairs)


def _order(vertex: Vertex, layout: _Layout) -> tuple[int, ...]:
    """Return the axes of a vertex with that of the lines behind the others."""
    axis, after = layout
    first, last = range(vertex.ndim - after), range(vertex.ndim - after, vertex.ndim)
    return (*(k for k in first if k != axis), axis, *last)


def _is_spread(vertex: Vertex) -> bool:
    """Tell whether a vertex repeats a number."""
    return is_operation(vertex, broadcast_to) and not vertex.operands[0].shape


def _is_part(vertex: Apply) -> bool:
    """Tell whether a vertex is the real or the imaginary part of what is in memory."""
    index = vertex.params.get("index")
    return (
        is_operation(vertex, indexing.getitem)
        and type(index) is tuple
        and len(index) == 2
        and index[0] is ...
        and type(index[1]) is int
        and len(vertex.operands) == 1
    )


def _is_last(vertex: Apply) -> bool:
    """Tell whether arrays are stacked along a new last axis."""
    return bool(vertex.params["axis"] % vertex.ndim == vertex.ndim - 1)
