"""What loops leave that fill arrays entry by entry: the entries, and one vertex for the array.

``a[i] = v`` and then ``a[i]`` is v: what was stored goes straight to what loads it (store-to-load
forwarding). Where nothing reads an array between two updates, they are one. Sums of gradients that
are scattered into one array are such updates, too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from chainrule.graph.graph import Apply, Constant, Vertex, is_operation, topological
from chainrule.graph.placeholder import full, make, reshaped
from chainrule.graph.rewrite import same_kind, uses, with_operands
from chainrule.native.ir.access import contiguous
from chainrule.native.lower.movement import sliced
from chainrule.native.lower.parts import (
    FixedPlace,
    base_of,
    box,
    is_fixed,
    joined,
    slices,
)
from chainrule.native.lower.roles import Role, followed, number, role_of, viewed
from chainrule.operations import elementwise
from chainrule.operations import shape as shapes
from chainrule.operations.indexing import getitem

__all__ = ["forwarded"]

_FEW = 4  # boxes that nobody writes up to which each is copied by itself
_FARTHEST = 64  # updates of many entries up to which one entry is looked for


def forwarded(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Let reads see what was written, and make one update of several."""
    if not any(base_of(vertex) is not None for vertex in topological(outputs)):
        return list(outputs)
    return _merged(_read(outputs))


class _History:
    """What was written into an array, by versions: that of the root is 0."""

    def __init__(self, root: Vertex) -> None:
        self.root = root
        self.newest = root
        self.count = 0
        self._entries: dict[int, list[tuple[int, Vertex]]] = {}  # by their place in memory
        self._wide: list[tuple[int, FixedPlace, Vertex]] = []  # updates of several entries
        self.written = np.zeros(root.shape, bool)

    def write(self, vertex: Apply) -> None:
        """Note an update of the newest version."""
        self.newest = vertex
        self.count += 1
        for piece, place in zip(vertex.operands[1:], vertex.params["places"][1:], strict=True):
            self.written[slices(place)] = True
            if piece.size == 1:
                flat = np.ravel_multi_index([k.start for k in place], vertex.shape)
                self._entries.setdefault(int(flat), []).append((self.count, piece))
            else:
                self._wide.append((self.count, place, vertex))

    def read(self, version: int, flat: int) -> tuple[Vertex, bool] | None:
        """Return the value of an entry in some version, or what to read it from, and False."""
        found = self._entries.get(flat, [])
        k = bisect_right(found, version, key=lambda item: item[0])
        since, value = found[k - 1] if k else (0, None)
        at = np.unravel_index(flat, self.root.shape)
        last = bisect_right(self._wide, version, key=lambda item: item[0])
        for n in range(last - 1, -1, -1):
            own, place, vertex = self._wide[n]
            if own <= since:
                break
            if last - n > _FARTHEST:
                return None
            if all(i in axis for i, axis in zip(at, place, strict=True)):
                return vertex, False
        return (self.root, False) if value is None else (value, True)


def _read(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Let reads of single entries see what was written."""
    done: dict[Vertex, Vertex] = {}
    versions: dict[Vertex, tuple[_History, int]] = {}
    for vertex in topological(outputs):
        new = with_operands(vertex, done)
        if isinstance(new, Apply):
            if role_of(new) is Role.VIEW:
                new = _entry(new, versions)
            elif new is not vertex and is_operation(vertex, elementwise.add):
                new = _without_zero(new, vertex)
            elif _is_update(new):
                base = new.operands[0]
                history, _ = versions.get(base, (None, 0))
                if history is None or history.newest is not base:
                    history = _History(base)
                    versions[base] = history, 0
                history.write(new)
                versions[new] = history, history.count
        done[vertex] = new
    return [done[vertex] for vertex in outputs]


def _without_zero(vertex: Apply, old: Apply) -> Vertex:
    """Return the other operand of a sum where one is an entry that nobody has written yet."""
    for k, x in enumerate(vertex.operands):
        other = vertex.operands[1 - k]
        new = x is not old.operands[k] and role_of(x) is Role.NUMBER and number(x) == 0
        if new and same_kind(other, vertex):
            return other
    return vertex


def _entry(vertex: Apply, versions: dict[Vertex, tuple[_History, int]]) -> Vertex:
    """Return what a view of an array that was written has, as far as that is known."""
    base, chain = viewed(vertex)
    access = followed(contiguous(base), chain) if base in versions else None
    if access is None or not isinstance(access.offset, int):
        return vertex
    history, version = versions[base]
    known = role_of(history.root) is Role.NUMBER
    if vertex.size != 1:
        if known and not access.of(history.written).any():
            return full(number(history.root), vertex.dtype, vertex.shape)
        return vertex
    found = history.read(version, access.offset)
    if found is None:
        return vertex
    value, is_value = found
    if is_value:
        return _shaped(value, vertex)
    if value is history.root and known:
        entry = Constant(vertex.dtype.type(number(value)))
        return _shaped(entry, vertex)
    if isinstance(value, Constant) and value.literal:
        return _shaped(Constant(np.asarray(value.value).reshape(-1)[access.offset]), vertex)
    if value is base:
        return vertex
    at = tuple(int(k) for k in np.unravel_index(access.offset, value.shape))
    return _shaped(make(getitem, [value], value.dtype, (), index=at), vertex)


def _shaped(value: Vertex, vertex: Apply) -> Vertex:
    """Give the value of an entry the shape of what reads it."""
    while isinstance(value, Apply) and value.operation is shapes.reshape:
        (value,) = value.operands
    return reshaped(value, vertex.shape)


# Updates that follow each other.


class _Group:
    """Updates of one array that nothing reads in between; their places are apart."""

    def __init__(self, base: Vertex) -> None:
        self.base = base
        self.pieces: dict[FixedPlace, Vertex] = {}
        self._written = np.zeros(base.shape, bool)

    def take(self, update: Apply) -> bool:
        """Take another update in, unless it writes over a part of what was written."""
        pairs = list(zip(update.operands[1:], update.params["places"][1:], strict=True))
        for _, place in pairs:
            if place not in self.pieces and self._written[slices(place)].any():
                return False
        for piece, place in pairs:
            self.pieces[place] = piece
            self._written[slices(place)] = True
        return True

    def whole(self, vertex: Apply) -> Vertex:
        """Return all of them as one, a vertex like the last of them."""
        pieces, places = tuple(self.pieces.values()), tuple(self.pieces)
        if not self._written.all():
            left = self._left()
            if left is None:
                pieces, places = (self.base, *pieces), (_all(vertex), *places)
            else:
                pieces += tuple(sliced(self.base, slices(place)) for place in left)
                places += tuple(left)
        if len(pieces) == 1 and places[0] == _all(vertex):
            return pieces[0]
        return Apply(joined, pieces, {"places": places, "shape": vertex.shape}, vertex.value)

    def _left(self) -> list[FixedPlace] | None:
        """Return the few boxes of entries that nobody writes where the base itself cannot be."""
        if role_of(self.base) not in (Role.NUMBER, Role.MEMORY):
            return None
        lines = self._written.reshape(len(self._written), -1)
        some = lines.any(axis=1)
        if not np.array_equal(some, lines.all(axis=1)):
            return None
        ends = np.flatnonzero(np.diff(some, prepend=True, append=True))
        if len(ends) > 2 * _FEW:
            return None
        whole = _all(self.base)
        return [(range(int(a), int(b)), *whole[1:]) for a, b in ends.reshape(-1, 2)]


def _all(array: Vertex) -> FixedPlace:
    return box([0] * array.ndim, array.shape)


def _merged(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Make one update of those between which nothing reads the array."""
    count = uses(outputs)
    order = topological(outputs)
    passed = {  # bases that nothing else needs
        vertex.operands[0]
        for vertex in order
        if _is_update(vertex) and isinstance(vertex, Apply) and count[vertex.operands[0]] == 1
    }
    done: dict[Vertex, Vertex] = {}
    groups: dict[Vertex, _Group] = {}
    for vertex in order:
        if not _is_update(vertex):
            done[vertex] = with_operands(vertex, done)
            continue
        assert isinstance(vertex, Apply)
        base = vertex.operands[0]
        pieces = tuple(done[x] for x in vertex.operands[1:])
        group = groups.pop(base, None)
        update = Apply(joined, (base, *pieces), vertex.params, vertex.value)
        if group is None or not group.take(update):
            if group is not None:
                assert isinstance(base, Apply)
                done[base] = group.whole(base)
            group = _Group(done[base])
            group.take(update)
        if vertex in passed:
            groups[vertex] = group
        else:
            done[vertex] = group.whole(vertex)
    return [done[vertex] for vertex in outputs]


def _is_update(vertex: Vertex) -> bool:
    """Tell an update at places that do not move."""
    return (
        isinstance(vertex, Apply)
        and vertex.operation is joined
        and base_of(vertex) is not None
        and all(map(is_fixed, vertex.params["places"]))
    )
