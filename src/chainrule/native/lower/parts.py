"""Arrays that are written part by part: ``joined``.

Each part is computed by a kernel straight into its place. Where the first part is a whole array, a
*base*, the others are written over its entries: this is how ``x[i] = v`` is lowered. Whether the
base is changed in its own memory or copied is decided later, by `chainrule.native.schedule`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Vertex
from chainrule.graph.placeholder import make
from chainrule.native.ir.access import Access
from chainrule.native.ir.moving import Extent, Integer, Moving, moves
from chainrule.native.lower.gather import accumulated, assigned
from chainrule.operations.indexing import getitem

__all__ = [
    "FixedPlace",
    "Place",
    "Stretch",
    "apart",
    "base_of",
    "box",
    "everywhere",
    "fixed_place",
    "is_basic",
    "is_fixed",
    "joined",
    "lengths",
    "slices",
    "stretch",
    "taken",
    "updated",
    "window",
    "within",
]


@dataclass(frozen=True)
class Stretch:
    """Indices along an axis, like a range, that move with the turns of a loop.

    The length may move, too: it is then an `Extent`, and ``len`` gives the most that it is.
    """

    start: Integer
    length: int
    step: int = 1

    def __len__(self) -> int:
        return int(self.length)


#: Entries of an array, by the indices along each of its axes.
FixedPlace: TypeAlias = "tuple[range, ...]"
Place: TypeAlias = "tuple[range | Stretch, ...]"


def lengths(place: Sequence[range | Stretch]) -> tuple[int, ...]:
    """Return the shape of what is in a place."""
    return tuple(k.length if isinstance(k, Stretch) else len(k) for k in place)


def stretch(start: Integer, length: int, step: int) -> range | Stretch:
    """Return indices along an axis: a range if they are the same in all turns."""
    if isinstance(start, int) and not isinstance(length, Extent):
        return range(start, start + length * step, step)
    return Stretch(start, length, step)


def is_fixed(place: Place) -> TypeGuard[FixedPlace]:
    """Tell whether a place is the same in all turns."""
    return not any(isinstance(k, Stretch) for k in place)


def apart(first: Place, second: Place) -> bool:
    """Tell whether two places have no entry in common in any turn, as far as that is known."""
    return any(map(_are_apart, first, second))


def _are_apart(a: range | Stretch, b: range | Stretch) -> bool:
    distance = b.start - a.start
    if isinstance(distance, Moving):
        return False
    own, other = (range(k, k + len(x) * x.step, x.step) for k, x in ((0, a), (distance, b)))
    if not own or not other:
        return True
    low, high = (
        max(min(own[0], own[-1]), min(other[0], other[-1])),
        min(max(own[0], own[-1]), max(other[0], other[-1])),
    )
    if low > high:
        return True
    return abs(own.step) == abs(other.step) and bool(distance % own.step)


def slices(place: FixedPlace) -> tuple[slice, ...]:
    """Return a fixed place as an index."""
    return tuple(
        slice(k.start, k.stop)
        if k.step == 1
        else slice(k.start, k.stop if k.stop >= 0 else None, k.step)
        for k in place
    )


def _joined(*parts: Any, places: Sequence[FixedPlace], shape: tuple[int, ...]) -> Any:
    result = np.empty(shape, np.result_type(*parts))
    for part, place in zip(parts, places, strict=True):
        result[slices(place)] = part
    return result


#: An array that consists of others, each in its place. They leave no gap; where two share entries,
#: the first is the base, an array as large as the whole, and the other is written over it.
joined = Operation("joined", _joined)


def _window(x: Any, place: Place) -> Any:
    if not is_fixed(place):
        raise ValueError("a place that moves has no entries outside of its loop")
    return x[slices(place)]


#: The entries of a place that moves with the turns of loops: a view.
window = Operation("window", _window)


def taken(x: Vertex, place: Place) -> Vertex:
    """Return the entries of a place, as they were written if that is known."""
    while isinstance(x, Apply) and x.operation is joined and len(x.operands) == 2:
        own, other = x.params["places"]
        if own != everywhere(x.shape):
            break
        if other == place:
            return x.operands[1]
        if not apart(other, place):
            break
        x = x.operands[0]
    size = lengths(place)
    if place == everywhere(x.shape):
        return x
    if not is_fixed(place) or moves(x.shape):
        return make(window, [x], x.dtype, size, place=place)
    return make(getitem, [x], x.dtype, size, index=slices(place))


def everywhere(size: Sequence[int]) -> Place:
    """Return the place of all entries of an array."""
    return tuple(Stretch(0, n) if isinstance(n, Extent) else range(n) for n in size)


def is_basic(parts: tuple[Any, ...]) -> bool:
    """Tell whether an index gives a view."""
    return all(type(part) in (int, slice) or part is None or part is Ellipsis for part in parts)


def fixed_place(index: Any, size: Sequence[int]) -> FixedPlace | None:
    """Return what a basic index picks of an array of some shape; None if it is another index."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if not is_basic(tuple(parts)):
        return None
    at = parts.index(Ellipsis) if Ellipsis in parts else len(parts)
    missing = len(size) - sum(part is not None and part is not Ellipsis for part in parts)
    parts[at : at + 1] = [slice(None)] * missing
    whole = (part for part in parts if part is not None)
    return tuple(
        range(n)[part] if type(part) is slice else range(n)[part % n :][:1]
        for part, n in zip(whole, size, strict=True)
    )


def box(starts: Sequence[int], size: Sequence[int]) -> FixedPlace:
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
    offset = sum((k.start * stride for k, stride in pairs), whole.offset)
    return whole.view(tuple(k.step * stride for k, stride in pairs), lengths(place), offset)
