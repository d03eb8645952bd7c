"""Of loops in a loop often the last turns alone are read: then these are all that is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.graph.graph import Apply, Vertex
from chainrule.graph.loops.affine import Affine
from chainrule.graph.loops.affine import Integer as Growing
from chainrule.graph.loops.loop import Loop, element
from chainrule.native.ir.moving import Integer, put
from chainrule.native.lower.reads import Read, path_of
from chainrule.native.lower.turn_places import Places, UnrollError

__all__ = ["Narrowed"]


class Narrowed:
    """Decides what is kept of the loops of a graph.

    Args:
        places: what integers are in the graph.
        reads: for each tape of each loop, at which turns it is read.
    """

    def __init__(self, places: Places, reads: dict[tuple[Vertex, int], list[Read]]) -> None:
        self.places, self.reads = places, reads
        self._gone: dict[tuple[Vertex, int], int] = {}  # loops of which the last turn is kept

    def narrow(self, vertex: Apply, which: int, inside: Places) -> tuple[Vertex, bool]:
        """Return what is to be kept of a loop in order to read one of its tapes.

        That is the tape of the last turns of loops in it, where only these are read.

        Args:
            vertex: the loop.
            which: the tape.
            inside: what integers are in its body.

        Returns:
            the vertex of the body that is kept, and whether of all turns.
        """
        loop = vertex.operation
        assert isinstance(loop, Loop)
        kept, word = loop.kept[which], inside.around[-1].word
        wanted, reads = kept.result, self.reads.get((vertex, which), [])
        known = self._full(reads)
        gone = 0
        while known and wanted.value is None:
            last = _last_of(wanted, inside)
            if last is None or not all(
                len(read) > 1 and put(last[0], word, read[0] - kept.leading) == read[1]
                for read in known
            ):
                break
            gone += 1
            wanted = Apply(element, (wanted,), {"turns": (last[1],)}, last[2])
            known = [[read[0], *read[2:]] for read in known]
        self._gone[vertex, which] = gone
        end = self.places.integer(loop.turns) + (kept.leading - 1)
        whole = known is None or any(read != [end] for read in known)
        return wanted, whole

    def left(self, vertex: Apply, turns: list[Integer | None]) -> list[Integer | None]:
        """Leave out the turns of loops of which the last one is all that is kept."""
        path = path_of(vertex)
        gone = 0 if path is None else self._gone.get((path.loop, path.which), 0)
        if not gone or path is None:
            return turns
        before = len(path.turns) - len(turns)
        return [k for n, k in enumerate(turns, before) if not 1 <= n <= gone]

    def _full(self, reads: Sequence[Read]) -> list[list[Integer]] | None:
        """Return the turns that are read where each read is of one turn of all loops."""
        found = []
        for read in reads:
            turns = [k for k in read or () if k is not None]
            if read is None or len(turns) < len(read):
                return None
            found.append([self.places.integer(k) for k in turns])
        return found


def _last_of(vertex: Vertex, places: Places) -> tuple[Integer, Growing, Any] | None:
    """Return the last turn of the first loop that a tape has turns of.

    It comes in terms of words and of counters, with what the tape holds of one turn, if that is no
    tape.
    """
    path = path_of(vertex)
    if path is None or None in path.turns:
        return None
    loops = path.loops()
    if len(loops) <= len(path.turns):
        return None
    inner, leading = loops[len(path.turns)]
    turn = _plus(inner.turns, leading - 1)
    deeper = len(loops) > len(path.turns) + 1
    try:
        return places.integer(turn), turn, None if deeper else path.entry()
    except UnrollError:
        return None


def _plus(value: Growing, more: int) -> Growing:
    if isinstance(value, Affine):
        return Affine(_plus(value.first, more), value.growth, value.counter)
    return value + more
