"""Gathers: what an index means, and whether it is in range.

``x[i, :, j]`` has a *slot* for each array of indices; along the other axes x is walked through
whole. Code that reads or writes such entries stays within the array whatever the indices are. That
they are in range is checked once, in kernels of their own: where one is not, the code reports an
error, and the function itself is run, which raises NumPy's.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.kinds import astype
from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Constant, Vertex, topological
from chainrule.graph.placeholder import boolean, both, make
from chainrule.operations import elementwise, reduction
from chainrule.operations.indexing import getitem, join_index, set_at
from chainrule.operations.slot import SLOT

__all__ = [
    "WHOLE",
    "IndexedAxes",
    "accumulated",
    "assigned",
    "checks",
    "gather_of",
    "indexed_axes",
]

WHOLE = slice(None)


def _accumulated(base: Any, g: Any, *arrays: Any, index: Any) -> Any:
    result = np.array(base)
    np.add.at(result, join_index(index, arrays), g)
    return result


#: ``base`` with the entries of g added where an index says.
accumulated = Operation("accumulated", _accumulated)
#: ``base`` with the entries of g in the places that an index says; the last one stays.
assigned = Operation("assigned", set_at.compute)


@dataclass(frozen=True)
class IndexedAxes:
    """Which axis is which, in ``result = x[index]``.

    Attributes:
        slots: the axes of x that have an array of indices.
        start: the first axis of the result that these arrays have.
        width: how many axes these arrays have, broadcast.
        walked: for each axis of x, the axis of the result that walks along it, or None for a slot.
    """

    slots: tuple[int, ...]
    start: int
    width: int
    walked: tuple[int | None, ...]


def indexed_axes(index: Any, indices: Sequence[Vertex], ndim: int) -> IndexedAxes | None:
    """Read an index of slots and whole axes; None for any other."""
    if not isinstance(index, tuple) or len(index) != ndim or not indices:
        return None
    if not all(part is SLOT or (type(part) is slice and part == WHOLE) for part in index):
        return None
    if any(x.dtype.kind not in "iu" for x in indices):
        return None
    slots = tuple(k for k, part in enumerate(index) if part is SLOT)
    together = slots == tuple(range(slots[0], slots[0] + len(slots)))
    start = slots[0] if together else 0
    width = len(np.broadcast_shapes(*(x.shape for x in indices)))
    places = iter(k for k in range(ndim + width) if not start <= k < start + width)
    walked = tuple(None if k in slots else next(places) for k in range(ndim))
    return IndexedAxes(slots, start, width, walked)


def gather_of(vertex: Apply) -> IndexedAxes | None:
    """Return which axes a vertex reads by arrays of indices, if that is what it does."""
    if vertex.operation is not getitem or len(vertex.operands) < 2:
        return None
    x, *indices = vertex.operands
    return indexed_axes(vertex.params["index"], indices, x.ndim)


def checks(outputs: Sequence[Vertex], captured: Set[Vertex]) -> list[Vertex]:
    """Return vertices that tell whether indices are in range, one for each array and length.

    Constant indices other than ``captured`` arrays cannot change, and are looked at here and now.
    """
    found: dict[tuple[Vertex, int], Vertex] = {}
    for vertex in topological(outputs):
        if not isinstance(vertex, Apply):
            continue
        known = gather_of(vertex)
        size, indices = vertex.operands[0].shape if vertex.operands else (), vertex.operands[1:]
        if vertex.operation in (accumulated, assigned):
            indices = vertex.operands[2:]
            known = indexed_axes(vertex.params["index"], indices, len(size))
        if known is None:
            continue
        for axis, index in zip(known.slots, indices, strict=True):
            key = index, size[axis]
            if key not in found and not _is_known(index, size[axis], captured):
                found[key] = _in_range(index, size[axis])
    return list(found.values())


def _is_known(index: Vertex, length: int, captured: Set[Vertex]) -> bool:
    """Tell whether indices are in range once and for all."""
    while isinstance(index, Apply) and (index.operation.moves or index.operation is astype):
        index = index.operands[0]
    if not isinstance(index, Constant) or index in captured:
        return False
    value = np.asarray(index.value)
    return bool(np.all((value >= -length) & (value < length)))


def _in_range(index: Vertex, length: int) -> Apply:
    below = boolean(elementwise.less, index, Constant(length))
    test: Vertex = below
    if index.dtype.kind == "i":
        test = both(boolean(elementwise.greater_equal, index, Constant(-length)), below)
    return make(reduction.all, [test], np.dtype(bool), (), axis=None, keepdims=False)
