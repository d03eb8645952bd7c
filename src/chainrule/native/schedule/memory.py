"""Where the vertices of a schedule lie: in the buffers that a run is given, and in its arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainrule.graph.graph import Vertex
from chainrule.native.ir.access import Access
from chainrule.native.ir.buffers import Buffer, address
from chainrule.native.ir.moving import Word
from chainrule.native.ir.text import Code
from chainrule.native.schedule.arena import Arena
from chainrule.native.schedule.plan import Schedule

__all__ = ["Memory"]


class Memory:
    """Hands out memory for vertices while the steps of a schedule are written, one after the other.

    Attributes:
        buffers: where each vertex lies that has had memory so far.
    """

    def __init__(self, given: Sequence[Vertex], plan: Schedule) -> None:
        self.buffers = {vertex: Buffer(k) for k, vertex in enumerate(given)}
        self.words: list[Word] = []  #: entries of the table after the arena
        self._plan = plan
        self._arena = Arena()
        self._index = len(given)  # the arena comes after what is given
        self._places: dict[Vertex, Buffer] = {}

    def within(self, plan: Schedule, known: Mapping[Vertex, Buffer]) -> Memory:
        """Return the memory of a loop's body, for which some vertices have their places already."""
        inner = Memory([], plan)
        inner.words, inner._arena, inner._index = self.words, self._arena, self._index
        inner.buffers = {**self.buffers, **known}
        return inner

    def word(self, word: Word) -> Word:
        """Give a word its place in the table."""
        word.index = self._index + 1 + len(self.words)
        self.words.append(word)
        return word

    @property
    def entries(self) -> int:
        """How many entries the table has so far."""
        return self._index + 1 + len(self.words)

    @property
    def arena_bytes(self) -> int:
        """How large the arena has to be."""
        return self._arena.size

    def keep(self, vertex: Vertex) -> None:
        """Give a vertex a place of the arena for good."""
        self.buffers[vertex] = self.reserve(vertex.nbytes)

    def place(self, vertex: Vertex) -> None:
        """Give a vertex memory: a part of an array that it is a part of, or of the arena."""
        if vertex in self.buffers:
            return
        target = self._plan.versions.targets.get(vertex)
        if target is not None:
            self.place(target.base)
            self.buffers[vertex] = self.at(target)
            return
        self.buffers[vertex] = self._places[vertex] = self.reserve(vertex.nbytes)

    def hand_on(self, old: Vertex, new: Vertex) -> None:
        """Give a vertex the memory of one that nothing else needs, if it has such memory."""
        has_own = new in self.buffers or new in self._plan.versions.targets
        if old in self._places and not has_own and old.nbytes == new.nbytes:
            self.buffers[new] = self._places[new] = self._places.pop(old)

    def free(self, vertex: Vertex) -> None:
        """Let the place of a vertex be used again, if it has one that nobody else needs."""
        if vertex in self._places:
            self.release(self._places.pop(vertex))

    def reserve(self, size: int) -> Buffer:
        """Set bytes of the arena aside."""
        return Buffer(self._index, self._arena.take(size))

    def release(self, buffer: Buffer) -> None:
        """Give back what was set aside."""
        assert isinstance(buffer.offset, int)
        self._arena.give(buffer.offset)

    def pointer(self, code: Code, access: Access) -> str:
        """Write the pointer to the first entry of an access."""
        return address(code, self.at(access))

    def at(self, access: Access) -> Buffer:
        """Return where the first entry of an access lies."""
        whole = self.buffers[access.base]
        offset = access.offset * access.base.dtype.itemsize
        return Buffer(whole.index, whole.offset + offset)
