"""What the turns of a loop read and write at places that move with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.graph.graph import Apply, Vertex
from chainrule.graph.loops.affine import Affine, filled
from chainrule.graph.placeholder import cast, full, reshaped
from chainrule.native.lower.movement import repeated_to
from chainrule.native.lower.parts import Place, lengths, taken, updated
from chainrule.native.lower.turn_places import Places
from chainrule.operations import indexing
from chainrule.operations import shape as shapes
from chainrule.operations.indexing import getitem

__all__ = ["at_turn", "is_growing"]


def is_growing(params: Mapping[str, Any]) -> bool:
    """Tell whether some integer in parameters differs from turn to turn."""
    found = []

    def note(value: Any) -> Any:
        found.append(isinstance(value, Affine))
        return value

    filled(params, note)
    return any(found)


def at_turn(vertex: Apply, places: Places) -> Vertex | None:
    """Return what reads or writes at a place that moves; None for what does neither."""
    operation, operands = vertex.operation, vertex.operands
    if operation is getitem and len(operands) == 1:
        (x,) = operands
        place, _ = places.place(vertex.params["index"], x.shape)
        return _taken(x, place, vertex)
    if operation is shapes.flip:
        (x,) = operands
        axis = vertex.params.get("axis")
        axes = range(x.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
        return _taken(x, places.turned(x.shape, [k % x.ndim for k in axes]), vertex)
    if operation is indexing.set_at and len(operands) == 2:
        x, piece = operands
        place, size = places.place(vertex.params["index"], x.shape)
        piece = reshaped(piece, piece.shape[max(piece.ndim - len(size), 0) :])
        piece = repeated_to(cast(piece, vertex.dtype), size)
        if x.dtype == vertex.dtype:
            return updated(x, reshaped(piece, lengths(place)), place)
    if operation is indexing.scatter_add and len(operands) == 1 and vertex.dtype.kind != "b":
        (piece,) = operands
        place, _ = places.place(vertex.params["index"], vertex.shape)
        zeros = full(0, vertex.dtype, vertex.shape)
        return updated(zeros, reshaped(piece, lengths(place)), place)
    return None


def _taken(x: Vertex, place: Place, vertex: Apply) -> Vertex:
    made = reshaped(taken(x, place), vertex.shape)
    if isinstance(made, Apply):
        return Apply(made.operation, made.operands, made.params, vertex.value)
    return made
