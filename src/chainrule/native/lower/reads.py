"""Which turns of the loops of a folded graph are read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

from chainrule.graph.graph import Apply, Vertex
from chainrule.graph.loops.affine import Integer
from chainrule.graph.loops.loop import Loop, element, tape

__all__ = ["Path", "Read", "path_of", "reads_of"]

#: The turns at which a tape is read, of one loop in another; None stands for reading all of it.
Read: TypeAlias = "tuple[Integer | None, ...] | None"


class Path(NamedTuple):
    """Where a tape, or what is read of one, comes from."""

    loop: Apply
    which: int
    turns: tuple[Integer | None, ...]

    def loops(self) -> list[tuple[Loop, int]]:
        """Return the loops that the tape has turns of, with the leading entries of each."""
        found: list[tuple[Loop, int]] = []
        path: Path | None = self._replace(turns=())
        while path is not None:
            loop = path.loop.operation
            assert isinstance(loop, Loop)
            kept = loop.kept[path.which]
            found.append((loop, kept.leading))
            path = path_of(kept.result) if kept.result.value is None else None
        return found

    def entry(self) -> Any:
        """Return the value that stands for what the tape holds of one turn of all loops."""
        path = self
        while True:
            loop = path.loop.operation
            assert isinstance(loop, Loop)
            kept = loop.kept[path.which].result
            if kept.value is not None:
                return kept.value
            inner = path_of(kept)
            assert inner is not None
            path = inner


def path_of(vertex: Vertex) -> Path | None:
    """Return where a tape or an element comes from; None if not from a loop of this graph."""
    turns: tuple[Integer | None, ...] = ()
    while isinstance(vertex, Apply) and vertex.operation is element:
        own = vertex.params["turns"]
        if None in own and turns:
            return None
        turns = (*own, *turns)
        vertex = vertex.operands[0]
    if not isinstance(vertex, Apply) or vertex.operation is not tape:
        return None
    (loop,) = vertex.operands
    return Path(loop, vertex.params["which"], turns) if isinstance(loop, Apply) else None


def reads_of(
    vertices: Iterable[Vertex], results: Iterable[Vertex]
) -> dict[tuple[Vertex, int], list[Read]]:
    """Tell for each tape of each loop of a graph at which turns it is read."""
    found: dict[tuple[Vertex, int], list[Read]] = {}
    vertices = list(vertices)
    for vertex in vertices:
        if not isinstance(vertex, Apply):
            continue
        if vertex.operation is element and vertex.value is not None:
            path = path_of(vertex)
            if path is not None:
                found.setdefault((path.loop, path.which), []).append(path.turns)
            else:
                _note_whole(vertex.operands[0], found)
        elif vertex.operation not in (tape, element):
            for x in vertex.operands:
                _note_whole(x, found)
    for x in results:
        _note_whole(x, found)
    return found


def _note_whole(vertex: Vertex, found: dict[tuple[Vertex, int], list[Read]]) -> None:
    """Note that all of a tape is read, if it is one."""
    while isinstance(vertex, Apply) and vertex.operation is element and vertex.value is None:
        vertex = vertex.operands[0]
    if isinstance(vertex, Apply) and vertex.operation is tape and vertex.value is None:
        found.setdefault((vertex.operands[0], vertex.params["which"]), []).append(None)
