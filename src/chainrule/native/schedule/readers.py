"""What reads the versions of arrays that are changed, and which entries of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from chainrule.graph.graph import Apply, Vertex
from chainrule.native.ir.access import Access, contiguous
from chainrule.native.ir.moving import moves
from chainrule.native.lower.parts import (
    Place,
    apart,
    base_of,
    everywhere,
    is_fixed,
    slices,
    window,
)
from chainrule.native.lower.roles import Role, followed, is_alias
from chainrule.operations.indexing import getitem, index_parts

__all__ = ["FEW", "Reader", "Storage", "note", "over", "reads_of"]

FEW = 4  # parts that are compared with readers one by one

_Memory = np.ndarray[Any, Any]
#: What reads an array: the user, what it reads, whether that is its base, and the views between.
Read: TypeAlias = tuple[Apply, Vertex, bool, list[Apply]]


@dataclass(eq=False)
class Reader:
    """What uses a version of an array, or a view of one.

    Attributes:
        user: what it is.
        operand: what it reads.
        is_base: whether the operand is what the user is an update of.
        access: where the entries lie that it reads.
        seen: these entries; None where they move with the turns of a loop.
        place: a place that they are in.
        is_place: whether they are all entries of that place, in order.
    """

    user: Apply
    operand: Vertex
    is_base: bool
    access: Access
    seen: _Memory | None
    place: Place
    is_place: bool

    def meets(self, memory: _Memory, place: Place) -> bool:
        """Tell whether it may read an entry of a place."""
        if self.seen is None or not is_fixed(place):
            return not apart(self.place, place)
        return np.shares_memory(self.seen, memory[slices(place)])

    def is_alike(self, memory: _Memory, place: Place) -> bool:
        """Tell whether it reads the very entries of a place, in order."""
        if self.seen is None or not is_fixed(place):
            return self.is_place and self.place == place
        return _are_alike(self.seen, memory[slices(place)])


@dataclass(eq=False)
class Storage:
    """Memory that versions of an array share. Nothing is ever in ``memory``: it tells overlaps."""

    memory: _Memory
    newest: Vertex
    readers: list[Reader] = field(default_factory=list)


def reads_of(
    given: Sequence[Vertex], roles: Mapping[Vertex, Role], changed: Collection[Vertex]
) -> dict[Vertex, list[Read]]:
    """Find what uses arrays that are changed, or views of them."""
    reads: dict[Vertex, list[Read]] = {}
    for vertex in given:
        if not isinstance(vertex, Apply) or roles[vertex] is Role.VIEW:
            continue
        base = base_of(vertex)
        for k, x in enumerate(vertex.operands):
            array, chain = x, []
            while roles[array] is Role.VIEW:
                assert isinstance(array, Apply)
                chain.append(array)
                array = array.operands[0]
            if array in changed:
                is_base = k == 0 and base is not None
                reads.setdefault(array, []).append((vertex, x, is_base, chain[::-1]))
    return reads


def note(vertex: Vertex, storage: Storage, reads: Sequence[Read]) -> None:
    """Note the readers of a version of an array."""
    for user, operand, is_base, chain in reads:
        access = followed(contiguous(vertex), chain)
        assert access is not None or not operand.size
        if access is not None:
            fixed = isinstance(access.offset, int) and not moves(access.size)
            seen = access.of(storage.memory) if fixed else None
            place, is_place = _place(vertex, chain)
            reader = Reader(user, operand, is_base, access, seen, place, is_place)
            storage.readers.append(reader)


def over(update: Apply, storage: Storage, scatters: bool) -> list[Reader]:
    """Return the readers of what an update writes over in the storage of its base."""
    readers = [x for x in storage.readers if not (x.is_base and x.user is update)]
    if scatters or not readers:
        return readers
    places = update.params["places"][1:]
    moving = not all(map(is_fixed, places)) or any(x.seen is None for x in readers)
    if moving or len(places) <= FEW:
        return [x for x in readers if any(x.meets(storage.memory, place) for place in places)]
    written = np.zeros(storage.memory.shape, bool)
    for place in places:
        written[slices(place)] = True
    return [x for x in readers if x.access.of(written).any()]


def _place(array: Vertex, chain: Sequence[Apply]) -> tuple[Place, bool]:
    """Return a place in an array that some views are of, and whether they are of all of it."""
    size = array.shape
    place: Place = everywhere(size)
    if chain and chain[0].operation is window:
        place, chain = chain[0].params["place"], chain[1:]
    elif chain and chain[0].operation is getitem:  # a basic one, as it is a view
        place, chain = _indexed(chain[0], size), chain[1:]
    return place, all(map(is_alias, chain))


def _indexed(vertex: Apply, size: Sequence[int]) -> Place:
    """Return the place that a basic index means."""
    parts = [part for part in index_parts(vertex.params["index"]) if part is not None]
    at = parts.index(Ellipsis) if Ellipsis in parts else len(parts)
    missing = len(size) - sum(part is not Ellipsis for part in parts)
    parts[at : at + 1] = [slice(None)] * missing
    return tuple(
        range(n)[part] if type(part) is slice else range(n)[part % n :][:1]
        for part, n in zip(parts, size, strict=True)
    )


def _are_alike(a: _Memory, b: _Memory) -> bool:
    """Tell whether two views show the same entries in the same order."""
    if a.__array_interface__["data"][0] != b.__array_interface__["data"][0]:
        return False
    first, second = (
        [(n, stride) for n, stride in zip(x.shape, x.strides, strict=True) if n != 1]
        for x in (a, b)
    )
    return first == second
