"""Which variables of the printed code may share their memory, so that a write is done in place.

A write gives an array another value; in a recorded run that is another variable. In the code it may
be the same one again, unless somebody reads later, in the forward pass or in the backward pass, an
entry as it was before. Who reads what, and when, is known: a triangular solve reads the entries
that it has solved for, and these are never written again.

Where an entry is read as it was before, it is found in the array that was copied, if nothing had
been written there since: one copy at the beginning serves a loop that scales row after row.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from chainrule.graph.graph import Apply, Input, Vertex
from chainrule.operations.indexing import index_parts
from chainrule.staged.partition import Partition
from chainrule.staged.steps import Step
from chainrule.staged.writes import Place, is_fresh, owner, reads

__all__ = ["Sharing", "Storage", "sharing"]


class Storage(NamedTuple):
    """Where a written variable lives.

    ``other`` is the variable whose name it has, None for a name of its own; ``copies`` tells that
    the array has to be copied first, for it is somebody else's or is read later.
    """

    other: Input | None
    copies: bool


class Sharing(NamedTuple):
    """The storage of each written variable, and what is read elsewhere than in its own variable."""

    storage: dict[Input, Storage]
    moved: dict[Vertex, Input]


def sharing(partition: Partition, steps: Iterable[Step]) -> Sharing:
    """Decide for each variable that a write makes where it lives.

    Args:
        partition: the forward pass.
        steps: the backward pass.
    """
    readers = _readers(partition, steps)
    fresh = {  # what NumPy makes without axes is a number as a rule, and cannot be written into
        a.variable
        for a in partition.assignments
        if a.write is None and a.variable.ndim and is_fresh(a.expression)
    }
    memories: dict[Input, _Memory] = {}
    found = Sharing({}, {})
    for position, assignment in enumerate(partition.assignments):
        write, new = assignment.write, assignment.variable
        if write is None:
            continue
        old = write.old
        memory: _Memory | None = None
        if isinstance(old, Input):
            memory = memories.get(old)
            if memory is None:
                memory = _Memory(old, old in fresh)
                memory.add(readers.get(old, ()))
            memory.forget(position)
            if assignment.renames or not memory.is_free(write.place, found):
                memory = _Memory(new, True, memory)
                found.storage[new] = Storage(None, True)
            elif memory.owned:
                found.storage[new] = Storage(memory.variable, False)
            else:
                found.storage[new] = Storage(memory.variable, True)
                memory = memory.copy(new)
        else:
            memory = _Memory(new, True)
            found.storage[new] = Storage(None, True)
        memory.write(write.place)
        memory.add(readers.get(new, ()))
        memories[new] = memory
    return found


_serial = itertools.count()


@dataclass(frozen=True, eq=False, slots=True)
class _Reader:
    """Some entries are read, at some position; the backward pass comes after all of them."""

    position: float
    place: Place
    by: Apply | None


def _readers(partition: Partition, steps: Iterable[Step]) -> dict[Input, list[_Reader]]:
    """Return who reads each variable, by its own name or by that of a view of it."""
    views: dict[Input, tuple[Input, Place]] = {}
    for assignment in partition.assignments:
        base, place = owner(assignment.expression)
        if assignment.write is None and isinstance(base, Input):
            views[assignment.variable] = views.get(base, (base, place))
    found: dict[Input, list[_Reader]] = {}

    def note(vertices: Iterable[Vertex], position: float) -> None:
        for variable, place, by in reads(vertices):
            found.setdefault(variable, []).append(_Reader(position, place, by))
            if variable in views:
                base, shown = views[variable]
                found.setdefault(base, []).append(_Reader(position, shown, None))

    for position, assignment in enumerate(partition.assignments):
        write = assignment.write
        note([assignment.expression] if write is None else write.reads(), position)
        if write is not None and isinstance(write.old, Input):  # it may have to copy all of it
            found.setdefault(write.old, []).append(_Reader(position, ..., None))
    for check in partition.checks:
        note([check.expression], check.before - 0.5)
    note([partition.output], math.inf)
    for step in steps:
        write = step.assignment.write
        if write is not None:
            note(write.arrays, math.inf)
            if step.entries is not None:
                views[step.entries] = step.assignment.variable, write.place
        note((gradient for _, gradient in step.gradients), math.inf)
    return found


class _Memory:
    """An array of the printed code, and who is to read it.

    Args:
        variable: the first one that is held in it.
        owned: whether it may be written into.
        source: the array that it was copied from, None where it was made.
    """

    def __init__(self, variable: Input, owned: bool, source: _Memory | None = None) -> None:
        self.variable = variable
        self.owned = owned
        self.source = source
        self.writes = 0
        self.at_copy = 0 if source is None else source.writes
        self.written = np.zeros(variable.shape, bool)
        self.counts = np.zeros(variable.shape, np.intp)  # how often each entry is to be read
        self.readers: dict[int | None, set[_Reader]] = {}  # by the first number of the index
        self.ends: list[tuple[float, int, _Reader]] = []
        self.is_kept = False

    def add(self, readers: Iterable[_Reader]) -> None:
        """Note who is to read the array."""
        for reader in readers:
            self.counts[reader.place] += 1
            self.readers.setdefault(self._first(reader.place), set()).add(reader)
            if reader.position < math.inf:
                heapq.heappush(self.ends, (reader.position, next(_serial), reader))

    def copy(self, variable: Input) -> _Memory:
        """Return a copy of the same name, which all readers to come read instead."""
        made = _Memory(variable, True, self)
        made.add({reader for readers in self.readers.values() for reader in readers})
        return made

    def forget(self, position: float) -> None:
        """Take leave of those who have read by now."""
        while self.ends and self.ends[0][0] <= position:
            self._remove(heapq.heappop(self.ends)[2])

    def _remove(self, reader: _Reader) -> None:
        readers = self.readers.get(self._first(reader.place), set())
        if reader in readers:
            readers.remove(reader)
            self.counts[reader.place] -= 1

    def write(self, place: Place) -> None:
        """Note that entries are written."""
        self.written[place] = True
        self.writes += 1

    def is_free(self, place: Place, found: Sharing) -> bool:
        """Tell whether nobody reads entries as they are now, or all who do can read the source."""
        if self.is_kept:
            return False
        if not np.any(self.counts[place]):
            return True
        readers = list(self._readers_of(place))
        source = self.source
        if source is None or source.writes != self.at_copy:
            return False
        if not all(x.by is not None and not np.any(self.written[x.place]) for x in readers):
            return False
        source.is_kept = True
        found.storage[self.variable] = Storage(None, True)
        for reader in readers:
            assert reader.by is not None
            found.moved[reader.by] = source.variable
            self._remove(reader)
        return True

    def _readers_of(self, place: Place) -> Iterator[_Reader]:
        here = np.zeros(self.variable.shape, bool)
        here[place] = True
        first = self._first(place)
        lists = self.readers if first is None else (first, None)
        for key in lists:
            yield from (x for x in self.readers.get(key, ()) if np.any(here[x.place]))

    def _first(self, place: Place) -> int | None:
        parts = index_parts(place)
        first = parts[0] if parts else None
        return first % self.variable.shape[0] if isinstance(first, int) else None
