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
from chainrule.native.lower.array_loop import ArrayLoop, result
from chainrule.native.lower.movement import sliced
from chainrule.native.lower.parts import (
    FixedPlace,
    Place,
    base_of,
    box,
    everywhere,
    is_fixed,
    slices,
    within,
)
from chainrule.native.lower.roles import (
    Role,
    expected_access,
    role_of,
)
from chainrule.native.schedule.readers import FEW, Reader, Storage, note, over, reads_of
from chainrule.native.schedule.rereads import Rereads

__all__ = ["Versions", "in_place"]


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
        self.begun: dict[Vertex, list[Storage]] = {}  # for each loop, what its states lie in
        self.reads = reads_of(self.given, self.roles, self.changed)
        self.rereads = Rereads(self.roles, self.users, self.final)
        self.storages: dict[Vertex, Storage] = {}
        self.shared: dict[Vertex, tuple[Storage, Access]] = {}

    def plan(self) -> Versions:
        result = self.result
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
        for k in heapq.nsmallest(FEW, updates):
            vertex = self.given[k]
            assert isinstance(vertex, Apply)
            readers = self._within(vertex) if vertex in self.loops else self._over(vertex)
            if all(reader.user in self.new for reader in readers):
                updates.remove(k)
                heapq.heapify(updates)
                return k
        return heapq.heappop(updates)

    # Readers.

    def _note(self, vertex: Vertex) -> None:
        """Note a version of an array, and its readers."""
        if vertex not in self.storages:
            memory = np.empty(vertex.shape, np.int8)
            self.storages[vertex] = Storage(memory, self.new[vertex])
        note(vertex, self.storages[vertex], self.reads.get(vertex, ()))

    def _over(self, update: Apply) -> list[Reader]:
        """Return the readers of what an update writes over in the storage of its base."""
        base = base_of(update)
        storage = None if base is None else self.storages.get(base)
        return [] if storage is None else over(update, storage, self.roles[update] is Role.SCATTER)

    def _within(self, loop: Apply) -> list[Reader]:
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
        readers = self._over(vertex)
        same, work = self.rereads.of(vertex, readers, storage)
        late = dict.fromkeys(reader.operand for reader in readers if reader.user not in self.new)
        if sum(x.size for x in late) + work >= _work_of_copy(vertex):
            self._copy(vertex)
            return
        before = [self.new[x.user] for x in readers if x.user in self.new and x not in same]
        operands = [self.new[base], *vertex.operands[1:]]
        for x in late:
            snapshot = copied(self.new[x])
            self._add(snapshot)
            self.new[x] = snapshot
            before.append(snapshot)
        done = set(readers)
        storage.readers = [reader for reader in storage.readers if reader not in done]
        new = self._write(vertex, operands, vertex.params.get("places", ()), storage, before)
        parts = dict(zip(vertex.operands, new.operands, strict=True))
        self.result.rereads |= {parts[x] for x in same.values()}

    def _is_free(self, base: Vertex, storage: Storage) -> bool:
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
        storage: Storage | None,
        before: Sequence[Vertex] = (),
    ) -> Apply:
        """Write an update; the first operand has its memory already if it is the base."""
        parts = [self.new.get(x, x) for x in operands]
        whole = contiguous(vertex)
        if storage is None:
            storage = Storage(np.empty(vertex.shape, np.int8), vertex)
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
        begun: list[Storage] = []
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
                begun.append(Storage(np.empty(x.shape, np.int8), operands[k]))
                self.shared[operands[k]] = begun[-1], contiguous(x)
        new = Apply(vertex.operation, tuple(operands), vertex.params, vertex.value)
        self.result.after[new] = before
        self._add(new, vertex)
        self.begun[vertex] = begun

    def _is_own(self, loop: Apply, state: Vertex, storage: Storage) -> bool:
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
