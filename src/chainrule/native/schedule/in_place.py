"""Which arrays are changed in place, and what has to be done before.

An update gives another *version* of an array, its base. All versions of an array lie in one memory,
its *storage*, as long as each reader of a version comes before the update that writes over what it
reads. So vertices are brought into an order in which readers come first, updates as late as they
can. A reader that needs the update itself gets a copy of what it reads, made before. Where these
copies are no less work than a copy of the base, the base is copied, and the copy is changed.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeGuard

import numpy as np

from chainrule.graph.graph import Apply, Vertex, copied, topological
from chainrule.graph.rewrite import with_operands
from chainrule.native.ir.access import Access, contiguous
from chainrule.native.ir.moving import moves
from chainrule.native.lower.array_loop import ArrayLoop, result
from chainrule.native.lower.movement import sliced
from chainrule.native.lower.parts import (
    FixedPlace,
    Place,
    apart,
    base_of,
    box,
    everywhere,
    is_fixed,
    slices,
    window,
    within,
)
from chainrule.native.lower.roles import (
    Role,
    expected_access,
    followed,
    is_alias,
    role_of,
)
from chainrule.operations.indexing import getitem, index_parts

__all__ = ["Versions", "in_place"]

_NEAR = 64  # operations up to which a part is looked through for reads of what it writes over
_FEW = 4  # parts that are compared with readers one by one

_Memory = np.ndarray[Any, Any]


@dataclass
class Versions:
    """Vertices in an order in which updates come after what has to come before.

    Attributes:
        outputs: as they were given.
        order: all vertices, operands first.
        roles: what each of them is.
        after: for parts and updates, what else has to be done before they are written.
        targets: where the vertices lie that share the memory of the last version of an array.
        places: of parts, their places in these arrays.
        rereads: parts that are computed from the entries that they are written over.
    """

    outputs: list[Vertex]
    order: list[Vertex] = field(default_factory=list)
    roles: dict[Vertex, Role] = field(default_factory=dict)
    after: dict[Vertex, list[Vertex]] = field(default_factory=dict)
    targets: dict[Vertex, Access] = field(default_factory=dict)
    places: dict[Vertex, Place] = field(default_factory=dict)
    rereads: set[Vertex] = field(default_factory=set)


def in_place(outputs: Sequence[Vertex], free: Sequence[Vertex] = ()) -> Versions:
    """Decide where updates are written, and give each part a vertex that nothing else uses.

    Args:
        outputs: what is wanted, each in memory of its own.
        free: inputs whose memory may be written over.
    """
    return _Planner(outputs, free).plan()


@dataclass(eq=False)
class _Reader:
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
class _Storage:
    """Memory that versions of an array share. Nothing is ever in ``memory``: it tells overlaps."""

    memory: _Memory
    newest: Vertex
    readers: list[_Reader] = field(default_factory=list)


class _Planner:
    """Goes through given vertices; ``new`` is what they have become, as far as it has come."""

    def __init__(self, outputs: Sequence[Vertex], free: Sequence[Vertex]) -> None:
        self.given = topological(outputs)
        self.free = set(free)
        self.roles = {vertex: role_of(vertex) for vertex in self.given}
        self.result = Versions(list(outputs))
        self.final = set(outputs)
        self.new: dict[Vertex, Vertex] = {}
        self.users: dict[Vertex, list[Apply]] = {}
        for vertex in self.given:
            if isinstance(vertex, Apply):
                for x in dict.fromkeys(vertex.operands):
                    self.users.setdefault(x, []).append(vertex)
        self.updates = {x for x in self.given if self.roles[x] in (Role.JOIN, Role.SCATTER)}
        bases = (base_of(x) for x in self.updates)
        self.changed: set[Vertex] = self.updates | {x for x in bases if x is not None}
        self.loops = {x for x in self.given if _is_loop(x)}
        for loop in self.loops:
            self.changed.update(self._states(loop))
        self.ends = {x: end for x in self.given if (end := _end(x)) is not None}
        self.changed.update(self.ends)
        self.begun: dict[Vertex, list[_Storage]] = {}  # for each loop, what its states lie in
        self.reads: dict[Vertex, list[tuple[Apply, Vertex, bool, list[Apply]]]] = {}
        self.storages: dict[Vertex, _Storage] = {}
        self.shared: dict[Vertex, tuple[_Storage, Access]] = {}

    def plan(self) -> Versions:
        result = self.result
        self._find_readers()
        for vertex in self._ordered():
            if vertex in self.updates:
                assert isinstance(vertex, Apply)
                self._update(vertex)
            elif vertex in self.loops:
                assert isinstance(vertex, Apply)
                self._loop(vertex)
            elif vertex in self.ends:
                assert isinstance(vertex, Apply)
                self._end(vertex)
            else:
                self._add(with_operands(vertex, self.new), vertex)
            if vertex in self.changed:
                self._note(vertex)
        result.outputs = [self.new[vertex] for vertex in result.outputs]
        result.targets = {
            vertex: replace(access, base=storage.newest)
            for vertex, (storage, access) in self.shared.items()
            if vertex is not storage.newest
        }
        return result

    def _add(self, vertex: Vertex, old: Vertex | None = None) -> None:
        """Append a vertex, which may take the place of an old one."""
        self.result.order.append(vertex)
        self.result.roles[vertex] = role_of(vertex) if old is None else self.roles[old]
        if old is not None:
            self.new[old] = vertex

    # The order.

    def _ordered(self) -> Iterable[Vertex]:
        """Yield operands before what uses them, and updates only where nothing else can be next."""
        number = {vertex: k for k, vertex in enumerate(self.given)}
        waits = {
            vertex: len(set(vertex.operands)) if isinstance(vertex, Apply) else 0
            for vertex in self.given
        }
        plain = [k for vertex, k in number.items() if not waits[vertex]]
        updates: list[int] = []
        while plain or updates:
            vertex = self.given[heapq.heappop(plain) if plain else self._next(updates)]
            yield vertex
            for user in self.users.get(vertex, ()):
                waits[user] -= 1
                if not waits[user]:
                    late = user in self.updates or user in self.loops
                    heapq.heappush(updates if late else plain, number[user])

    def _next(self, updates: list[int]) -> int:
        """Take an update that writes over nothing which is read later, or else the first."""
        for k in heapq.nsmallest(_FEW, updates):
            vertex = self.given[k]
            assert isinstance(vertex, Apply)
            over = self._within(vertex) if vertex in self.loops else self._over(vertex)
            if all(reader.user in self.new for reader in over):
                updates.remove(k)
                heapq.heapify(updates)
                return k
        return heapq.heappop(updates)

    # Readers.

    def _find_readers(self) -> None:
        """Find what uses arrays that are changed, or views of them."""
        for vertex in self.given:
            if not isinstance(vertex, Apply) or self.roles[vertex] is Role.VIEW:
                continue
            base = base_of(vertex)
            for k, x in enumerate(vertex.operands):
                array, chain = x, []
                while self.roles[array] is Role.VIEW:
                    assert isinstance(array, Apply)
                    chain.append(array)
                    array = array.operands[0]
                if array in self.changed:
                    is_base = k == 0 and base is not None
                    self.reads.setdefault(array, []).append((vertex, x, is_base, chain[::-1]))

    def _note(self, vertex: Vertex) -> None:
        """Note a version of an array, and its readers."""
        if vertex not in self.storages:
            memory = np.empty(vertex.shape, np.int8)
            self.storages[vertex] = _Storage(memory, self.new[vertex])
        storage = self.storages[vertex]
        for user, operand, is_base, chain in self.reads.get(vertex, ()):
            access = followed(contiguous(vertex), chain)
            assert access is not None or not operand.size
            if access is not None:
                fixed = isinstance(access.offset, int) and not moves(access.size)
                seen = access.of(storage.memory) if fixed else None
                place, is_place = _place(vertex, chain)
                reader = _Reader(user, operand, is_base, access, seen, place, is_place)
                storage.readers.append(reader)

    def _over(self, update: Apply) -> list[_Reader]:
        """Return the readers of what an update writes over in the storage of its base."""
        base = base_of(update)
        storage = None if base is None else self.storages.get(base)
        if storage is None:
            return []
        readers = [x for x in storage.readers if not (x.is_base and x.user is update)]
        if self.roles[update] is Role.SCATTER or not readers:
            return readers
        places = update.params["places"][1:]
        moving = not all(map(is_fixed, places)) or any(x.seen is None for x in readers)
        if moving or len(places) <= _FEW:
            return [x for x in readers if any(x.meets(storage.memory, place) for place in places)]
        written = np.zeros(storage.memory.shape, bool)
        for place in places:
            written[slices(place)] = True
        return [x for x in readers if x.access.of(written).any()]

    def _within(self, loop: Apply) -> list[_Reader]:
        """Return the readers of what a loop changes."""
        states = self.storages.get
        storages = dict.fromkeys(x for x in map(states, self._states(loop)) if x is not None)
        return [x for storage in storages for x in storage.readers if x.user is not loop]

    @staticmethod
    def _states(loop: Apply) -> tuple[Vertex, ...]:
        """Return what the states of a loop begin with."""
        assert isinstance(loop.operation, ArrayLoop)
        return loop.operands[: len(loop.operation.states)]

    # Updates.

    def _update(self, vertex: Apply) -> None:
        """Write an update into the storage of its base, or into one of its own."""
        base = base_of(vertex)
        storage = None if base is None else self.storages.get(base)
        if base is None:
            self._write(vertex, list(vertex.operands), vertex.params["places"], None)
            return
        if storage is None or not self._is_free(base, storage):
            self._copy(vertex)
            return
        over = self._over(vertex)
        same, work = self._same_entries(vertex, over, storage)
        late = dict.fromkeys(reader.operand for reader in over if reader.user not in self.new)
        if sum(x.size for x in late) + work >= _work_of_copy(vertex):
            self._copy(vertex)
            return
        before = [self.new[x.user] for x in over if x.user in self.new and x not in same]
        operands = [self.new[base], *vertex.operands[1:]]
        for x in late:
            snapshot = copied(self.new[x])
            self._add(snapshot)
            self.new[x] = snapshot
            before.append(snapshot)
        done = set(over)
        storage.readers = [reader for reader in storage.readers if reader not in done]
        new = self._write(vertex, operands, vertex.params.get("places", ()), storage, before)
        parts = dict(zip(vertex.operands, new.operands, strict=True))
        self.result.rereads |= {parts[x] for x in same.values()}

    def _is_free(self, base: Vertex, storage: _Storage) -> bool:
        """Tell whether the memory of a base may be written."""
        own = self.roles[base] not in (Role.NUMBER, Role.MEMORY, Role.VIEW) or base in self.free
        return own and base not in self.final and storage.newest is self.new[base]

    def _copy(self, vertex: Apply) -> None:
        """Write an update of which the base stays as it is."""
        base, *rest = vertex.operands
        x = self.new[base]
        places = vertex.params.get("places", ())
        if len(rest) > 1 or not places or not _is_most(places[1], vertex):
            copy = copied(x)
            self._add(copy)
            self._write(vertex, [copy, *rest], places, None)
            return
        around: list[Vertex] = []
        assert is_fixed(places[1])
        regions = list(_around(places[1], vertex.shape))
        for region in regions:
            around.append(sliced(x, slices(region)))
            self._add(around[-1])
        self._write(vertex, [*rest, *around], [places[1], *regions], None)

    def _write(
        self,
        vertex: Apply,
        operands: Sequence[Vertex],
        places: Sequence[Place],
        storage: _Storage | None,
        before: Sequence[Vertex] = (),
    ) -> Apply:
        """Write an update; the first operand has its memory already if it is the base."""
        parts = [self.new.get(x, x) for x in operands]
        whole = contiguous(vertex)
        if storage is None:
            storage = _Storage(np.empty(vertex.shape, np.int8), vertex)
        joins = self.roles[vertex] is Role.JOIN
        first = 0 if joins and places[0] != everywhere(vertex.shape) else 1
        after = [*parts[:first], *before]
        shared = [(x, whole) for x in parts[:first]]
        params: Mapping[str, Any] = vertex.params
        if joins:
            for k in range(first, len(parts)):
                parts[k] = copied(parts[k])
                self._add(parts[k])
                self.result.after[parts[k]] = after
                shared.append((parts[k], within(places[k], whole)))
            params = {"places": tuple(places), "shape": vertex.shape}
        new = Apply(vertex.operation, tuple(parts), params, vertex.value)
        self.result.after[new] = after
        if joins:
            self.result.places |= dict(zip(parts[first:], places[first:], strict=True))
        self._add(new, vertex)
        storage.newest = new
        self.storages[vertex] = storage
        for x, access in [*shared, (new, whole)]:
            self.shared[x] = storage, access
        return new

    # Loops, which change what their states begin with.

    def _loop(self, vertex: Apply) -> None:
        """Let the states of a loop lie in memory that nothing else needs any more."""
        operands = list(vertex.operands)
        states = self._states(vertex)
        before: list[Vertex] = []
        begun: list[_Storage] = []
        for k, x in enumerate(operands):
            is_state = k < len(states)
            storage = self.storages.get(x)
            if is_state and storage is not None and self._is_own(vertex, x, storage):
                before += [
                    self.new[reader.user] for reader in storage.readers if reader.user is not vertex
                ]
                storage.readers = []
                operands[k] = self.new[x]
                begun.append(storage)
                continue
            operands[k] = self.new[x]
            in_memory = self.roles[x] not in (Role.NUMBER, Role.VIEW)
            if is_state or not (in_memory or self._is_whole(x)):
                operands[k] = copied(self.new[x])
                self._add(operands[k])
            if is_state:
                begun.append(_Storage(np.empty(x.shape, np.int8), operands[k]))
                self.shared[operands[k]] = begun[-1], contiguous(x)
        new = Apply(vertex.operation, tuple(operands), vertex.params, vertex.value)
        self.result.after[new] = before
        self._add(new, vertex)
        self.begun[vertex] = begun

    def _is_own(self, loop: Apply, state: Vertex, storage: _Storage) -> bool:
        """Tell whether a loop may change the memory of what a state of it begins with."""
        if not self._is_free(state, storage) or loop.operands.count(state) > 1:
            return False
        return all(
            reader.user in self.new or (reader.user is loop and reader.operand is state)
            for reader in storage.readers
        )

    def _is_whole(self, x: Vertex) -> bool:
        """Tell whether a view is of entries that lie one after the other in memory."""
        access = None if self.roles[x] is Role.NUMBER else expected_access(x)
        return access is not None and access.is_contiguous

    def _end(self, vertex: Apply) -> None:
        """Note what a state of a loop is in the end: it lies where it began."""
        storage = self.begun[self.ends[vertex]][vertex.params["which"]]
        self._add(with_operands(vertex, self.new), vertex)
        new = self.new[vertex]
        self.shared.setdefault(storage.newest, (storage, contiguous(vertex)))
        self.shared[new] = storage, contiguous(vertex)
        storage.newest = new
        self.storages[vertex] = storage

    # Parts that are computed from what they are written over.

    def _same_entries(
        self, vertex: Apply, over: Sequence[_Reader], storage: _Storage
    ) -> tuple[dict[_Reader, Vertex], int]:
        """Find readers of the very entries that a part is written over, one by one, and no others.

        Returns:
            these, each with the part; and the number of entries in parts that have to be computed
            elsewhere first, since they are computed from what they are written over otherwise.
        """
        found: dict[_Reader, Vertex] = {}
        work = 0
        if self.roles[vertex] is Role.SCATTER or not over:
            return found, work
        pairs = list(zip(vertex.operands[1:], vertex.params["places"][1:], strict=True))
        users = {reader.user for reader in over}
        for part, place in pairs:
            near = self._near(part)
            if users.isdisjoint(near):
                continue
            mine = [reader for reader in over if reader.user in near]
            # A single entry is written when all that it is computed from has been read; that must
            # not be what another part is written over, perhaps before.
            others = [other for _, other in pairs if other is not place]
            same = [
                reader
                for reader in mine
                if (
                    reader.is_alike(storage.memory, place)
                    or (part.size == 1 and not any(reader.meets(storage.memory, x) for x in others))
                )
                and self._ends_in(part, reader.user, near, vertex)
            ]
            found |= dict.fromkeys(same, part)
            work += part.size if len(same) < len(mine) else 0
        return found, work

    def _near(self, part: Vertex) -> set[Vertex]:
        """Return what a part is computed from, entry by entry, in a few operations."""
        near: set[Vertex] = set()
        stack = [part]
        while stack and len(near) < _NEAR:
            x = stack.pop()
            if x in near or not isinstance(x, Apply):
                continue
            if self.roles[x] is Role.ELEMENT or (self.roles[x] is Role.VIEW and is_alias(x)):
                near.add(x)
                stack += x.operands
        return near

    def _ends_in(self, part: Vertex, start: Vertex, near: set[Vertex], update: Apply) -> bool:
        """Tell whether nothing needs what is computed from some vertex but a part of an update."""
        stack = [start]
        seen: set[Vertex] = set()
        while stack:
            x = stack.pop()
            if x in seen:
                continue
            seen.add(x)
            if x not in near or x.size != part.size or x in self.final:
                return False
            for user in self.users.get(x, ()):
                if user is not update:
                    stack.append(user)
                elif x is not part or update.operands.count(x) > 1:
                    return False
        return True


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


def _is_loop(vertex: Vertex) -> TypeGuard[Apply]:
    """Tell a loop over arrays."""
    return isinstance(vertex, Apply) and isinstance(vertex.operation, ArrayLoop)


def _end(vertex: Vertex) -> Apply | None:
    """Return the loop of which a vertex is a state in the end."""
    if not isinstance(vertex, Apply) or vertex.operation is not result:
        return None
    (loop,) = vertex.operands
    assert _is_loop(loop)
    assert isinstance(loop.operation, ArrayLoop)
    return loop if vertex.params["which"] < len(loop.operation.states) else None


def _are_alike(a: _Memory, b: _Memory) -> bool:
    """Tell whether two views show the same entries in the same order."""
    if a.__array_interface__["data"][0] != b.__array_interface__["data"][0]:
        return False
    first, second = (
        [(n, stride) for n, stride in zip(x.shape, x.strides, strict=True) if n != 1]
        for x in (a, b)
    )
    return first == second


def _work_of_copy(update: Apply) -> int:
    """Return how many entries are copied where the base of an update stays as it is."""
    places = update.params.get("places", ())
    most = len(places) == 2 and _is_most(places[1], update)
    return update.size - (math.prod(map(len, places[1])) if most else 0)


def _is_most(place: Place, vertex: Vertex) -> bool:
    """Tell whether a place is a box of at least half of all entries."""
    return (
        is_fixed(place)
        and all(k.step == 1 for k in place)
        and 2 * math.prod(map(len, place)) >= vertex.size
    )


def _around(place: FixedPlace, size: Sequence[int]) -> Iterable[FixedPlace]:
    """Return the boxes around a box."""
    whole = list(box([0] * len(size), size))
    for k, own in enumerate(place):
        for side in (range(own.start), range(own.stop, size[k])):
            if side:
                yield (*whole[:k], side, *whole[k + 1 :])
        whole[k] = own
