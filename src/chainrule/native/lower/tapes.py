"""Entries of a loop's tape that become parts of an array: those side by side are one part."""

from __future__ import annotations

from dataclasses import replace

from chainrule.graph.graph import Apply, Vertex, copied
from chainrule.graph.placeholder import make
from chainrule.native.lower.parts import Place
from chainrule.native.lower.turns import Turns
from chainrule.operations import shape as shapes
from chainrule.operations.indexing import getitem

__all__ = ["together"]


def together(vertex: Apply) -> Apply:
    """Return an array that consists of parts, `joined`, as one of fewer parts."""
    found: list[tuple[Vertex, Place] | _Run] = []
    for part, place in zip(vertex.operands, vertex.params["places"], strict=True):
        entry = _entry(part) if len(place) == 1 == len(place[0]) else None
        if entry is None:
            found.append((part, place))
            continue
        source, index = entry
        last = found[-1] if found else None
        if not isinstance(last, _Run) or not last.takes(source, index, place[0].start):
            found.append(_Run(source, index, place[0].start))
    pairs = [x.part() if isinstance(x, _Run) else x for x in found]
    params = {**vertex.params, "places": tuple(place for _, place in pairs)}
    return replace(vertex, operands=tuple(part for part, _ in pairs), params=params)


class _Run:
    """Entries one after the other, in what a loop makes and in the array they are parts of."""

    def __init__(self, source: Vertex, index: int, place: int) -> None:
        self.source, self.index, self.place = source, index, place
        self.length = 1
        self.steps = (0, 0)

    def takes(self, source: Vertex, index: int, place: int) -> bool:
        """Take another entry, if it is the next one."""
        n = self.length
        steps = (index - self.index, place - self.place)
        if n == 1:
            fits = abs(steps[0]) == 1 == abs(steps[1])
        else:
            fits = steps == (n * self.steps[0], n * self.steps[1])
        if source is not self.source or not fits:
            return False
        if n == 1:
            self.steps = steps
        self.length += 1
        return True

    def part(self) -> tuple[Vertex, Place]:
        """Return all of them as one part, and its place, from its first entry to its last."""
        n, (step, growth) = self.length, self.steps
        index, place = self.index, self.place
        if growth < 0:
            index, place, step = index + (n - 1) * step, place - (n - 1), -step
        stop = index + n * step if n > 1 else index + 1
        entries = slice(index, stop if stop >= 0 else None, step or 1)
        made = make(getitem, [self.source], self.source.dtype, (n,), index=(entries,))
        return copied(made), (range(place, place + n),)


def _entry(part: Vertex) -> tuple[Vertex, int] | None:
    """Return the array of a loop that a part is an entry of, and which one."""
    while isinstance(part, Apply) and part.operation is shapes.reshape:
        part = part.operands[0]
    if not isinstance(part, Apply) or part.operation is not getitem or part.shape:
        return None
    source = part.operands[0]
    if not isinstance(source, Apply) or not isinstance(source.operation, Turns):
        return None
    return source, part.params["index"][0]
