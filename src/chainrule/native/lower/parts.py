"""Arrays that are written part by part: ``joined``.

Each part is computed by a kernel straight into its place. Where the first part is a whole array, a
*base*, the others are written over its entries: this is how ``x[i] = v`` is lowered. Whether the
base is changed in its own memory or copied is decided later, by `chainrule.native.schedule`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Vertex
from chainrule.graph.placeholder import make
from chainrule.native.ir.access import Access
from chainrule.native.lower.gather import accumulated, assigned

__all__ = ["Place", "base_of", "box", "everywhere", "joined", "slices", "updated", "within"]

#: Entries of an array, by the indices along each of its axes.
Place: TypeAlias = "tuple[range, ...]"


def slices(place: Place) -> tuple[slice, ...]:
    """Return a place as an index."""
    return tuple(
        slice(k.start, k.stop)
        if k.step == 1
        else slice(k.start, k.stop if k.stop >= 0 else None, k.step)
        for k in place
    )


def _joined(*parts: Any, places: Sequence[Place], shape: tuple[int, ...]) -> Any:
    result = np.empty(shape, np.result_type(*parts))
    for part, place in zip(parts, places, strict=True):
        result[slices(place)] = part
    return result


#: An array that consists of others, each in its place. They leave no gap; where two share entries,
#: the first is the base, an array as large as the whole, and the other is written over it.
joined = Operation("joined", _joined)


def everywhere(size: Sequence[int]) -> Place:
    """Return the place of all entries of an array."""
    return tuple(map(range, size))


def box(starts: Sequence[int], size: Sequence[int]) -> Place:
    """Return the place of an array in a larger one."""
    return tuple(range(k, k + n) for k, n in zip(starts, size, strict=True))


def updated(base: Vertex, piece: Vertex, place: Place) -> Vertex:
    """Return an array with other entries in some place."""
    size = base.shape
    if place == everywhere(size):
        return piece
    places = (everywhere(size), place)
    return make(joined, [base, piece], base.dtype, size, places=places, shape=size)


def base_of(vertex: Vertex) -> Vertex | None:
    """Return the array that a vertex is, apart from entries that it changes; None if it is none."""
    if not isinstance(vertex, Apply):
        return None
    if vertex.operation in (accumulated, assigned):
        return vertex.operands[0]
    is_update = (
        vertex.operation is joined
        and len(vertex.operands) > 1
        and vertex.params["places"][0] == everywhere(vertex.shape)
    )
    return vertex.operands[0] if is_update else None


def within(place: Place, whole: Access) -> Access:
    """Return where the entries of a place lie."""
    pairs = list(zip(place, whole.strides, strict=True))
    return replace(
        whole,
        offset=whole.offset + sum(k.start * stride for k, stride in pairs),
        strides=tuple(k.step * stride for k, stride in pairs),
        size=tuple(map(len, place)),
    )
