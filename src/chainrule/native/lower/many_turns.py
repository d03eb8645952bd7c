"""What moves with the turns of a loop when several are computed at once: lengths and places.

The turns are an axis. An index that is a turn's own is the whole of it; an axis whose length moves
is taken in parts (`chainrule.native.lower.ragged`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chainrule.graph.graph import Apply, Constant, Vertex, is_operation
from chainrule.graph.placeholder import element, reshaped
from chainrule.native.ir.moving import Extent, Integer, Moving, extent, put
from chainrule.native.lower.array_loop import ArrayLoop
from chainrule.native.lower.independent import (
    DependentError,
    changes_with,
    factor,
    own_axis,
)
from chainrule.native.lower.parts import (
    Place,
    Stretch,
    joined,
    lengths,
    stretch,
    window,
)
from chainrule.native.lower.ragged import Part, Ragged, Turns, axis_of
from chainrule.native.lower.roles import is_alias
from chainrule.operations import elementwise
from chainrule.operations import shape as shapes

__all__ = ["ManyTurns", "shaped", "with_axis"]

_SHAPING = (shapes.reshape, shapes.expand_dims, shapes.squeeze)


class ManyTurns:
    """Lengths and places for some turns of a loop, or for all of them.

    Args:
        loop: the loop.
        vertices: those of its body.
        some: which turns; None for all.
    """

    def __init__(
        self,
        loop: ArrayLoop,
        vertices: Sequence[Vertex],
        some: Turns | None,
    ) -> None:
        self.loop, self.word, self.some = loop, loop.turn, some
        self.turns = extent(loop.turns, loop.most) if some is None else some.count
        self.first: Integer = 0 if some is None else some.first
        self.last: Integer = loop.turns - 1 if some is None else some.first + (some.count - 1)
        self.moving: set[Vertex] = {x.input for x in loop.states}
        self.ragged: dict[Moving, Ragged] = {}
        self.conditions: list[Constant] = []
        for x in vertices:
            if not isinstance(x, Apply):
                continue
            if self._moves(x) or any(y in self.moving for y in x.operands):
                self.moving.add(x)
        self.backwards = self._signs(vertices) < 0
        if some is not None:
            self.some = replace(some, backwards=self.backwards)

    def _moves(self, vertex: Apply) -> bool:
        """Tell whether a vertex reads or writes an index that is another one in each turn."""
        places = [vertex.params["place"]] if vertex.operation is window else []
        if vertex.operation is joined:
            places += vertex.params["places"]
        for place in places:
            axis = axis_of(place, self.word)
            if axis is not None:
                self._note(place[axis])
            if not {own_axis(place, self.word), axis}.issuperset(changes_with(place, self.word)):
                raise DependentError  # a window that slides
        if axis_of(vertex.shape, self.word) is not None and self.some is None:
            raise DependentError
        return any(own_axis(place, self.word) is not None for place in places)

    def _note(self, part: Any) -> None:
        """Note how an axis moves; all that are as long have to do so alike."""
        moves = Ragged.of(part, self.word)
        if self.ragged.setdefault(part.length.now, moves) != moves:
            raise DependentError

    def _signs(self, vertices: Sequence[Vertex]) -> int:
        """Return how many places grow with the turns, less those that shrink."""
        found = 0
        for x in vertices:
            for part in x.params["place"] if is_operation(x, window) else ():
                if isinstance(part, Stretch):
                    found += (by := factor(part.start, self.word)) > 0
                    found -= by < 0
        return found

    def size(self, shape: tuple[int, ...], part: Part) -> tuple[int, ...]:
        """Return the shape of a part of what has a shape in a turn."""
        axis = axis_of(shape, self.word)
        if axis is None:
            return shape
        moves, some = self.moves_of(n := shape[axis])
        length = moves.size(n.now, part, some)  # type: ignore[attr-defined]
        return (*shape[:axis], length, *shape[axis + 1 :])

    def place(self, place: Place, part: Part) -> Place:
        """Return a part of a place."""
        axis = axis_of(place, self.word)
        if axis is None:
            return place
        own = place[axis]
        assert isinstance(own, Stretch)
        moves, some = self.moves_of(own.length)
        found = moves.stretch(own, part, some)
        return (*place[:axis], found, *place[axis + 1 :])

    def along(self, place: Place, part: Part = Part.ALL) -> Place:
        """Return the place that all turns read or write, each of which has an index of its own."""
        axis = own_axis(place, self.word)
        if axis is None:
            raise DependentError
        by = factor(place[axis].start, self.word)
        start = put(place[axis].start, self.word, self.last if self.backwards else self.first)
        own = stretch(start, self.turns, -by if self.backwards else by)
        return self.place((*place[:axis], own, *place[axis + 1 :]), part)

    def _inside(self, shape: Sequence[int], at: int, axis: int) -> Vertex:
        """Return which entries of a triangle turns have, along their axis and one that moves."""
        moves, some = self.moves_of(shape[axis])
        return self.condition(moves.inside(some), len(shape), at, axis)

    def moves_of(self, n: int) -> tuple[Ragged, Turns]:
        """Return how an axis of some length moves, with the turns that are done."""
        assert isinstance(n, Extent)
        if self.some is None or n.now not in self.ragged:
            raise DependentError
        return self.ragged[n.now], self.some

    def condition(self, found: Any, ndim: int, at: int, axis: int) -> Constant:
        """Return a condition along the axis of turns, which comes first, and one that moves."""
        own = axis + (at <= axis)
        size = [1] * (ndim + 1)
        size[at], size[own] = found.shape
        condition = Constant((found.T if own < at else found).reshape(size).copy(), literal=True)
        self.conditions.append(condition)
        return condition

    def kept(self, x: Vertex, shape: Sequence[int], at: int, otherwise: Vertex) -> Vertex:
        """Return something else where the triangle has no entry of a turn."""
        axis = axis_of(shape, self.word)
        assert axis is not None
        condition = self._inside(shape, at, axis)
        return element(elementwise.where, condition, x, otherwise, dtype=x.dtype)

    def kept_before(self, new: Vertex, place: Place, axis: int, before: Vertex) -> Vertex:
        """Return what was there before where the triangle has no entry of a turn."""
        size = lengths(place)
        condition = self._inside((*size[:axis], *size[axis + 1 :]), axis, self._ragged(size, axis))
        return element(elementwise.where, condition, new, before, dtype=new.dtype)

    def _ragged(self, size: Sequence[int], without: int) -> int:
        axis = axis_of(size, self.word)
        assert axis is not None
        return axis - (axis > without)

    def parts(self, place: Place | Sequence[int]) -> tuple[Part, ...]:
        """Return the parts of which a place, or what has some shape, consists."""
        axis = axis_of(place, self.word)
        if axis is None:
            return (Part.ALL,)
        size = [x if isinstance(x, int) else lengths([x])[0] for x in place]
        alone = self.size(tuple(size), Part.COMMON)[axis] == 0
        return (Part.TRIANGLE,) if alone else (Part.TRIANGLE, Part.COMMON)


def shaped(x: Vertex, size: tuple[int, ...]) -> Vertex:
    """Return a vertex with axes of length 1 elsewhere, without a detour over other shapes."""
    while isinstance(x, Apply) and x.operation in _SHAPING and is_alias(x):
        x = x.operands[0]
    return reshaped(x, size)


def with_axis(size: Sequence[int], at: int, length: int) -> tuple[int, ...]:
    """Return a shape with one axis more."""
    return (*size[:at], length, *size[at:])
