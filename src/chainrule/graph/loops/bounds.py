"""Whether all that loops read is there: each index at both ends of every loop around it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from chainrule.graph.graph import Apply, Vertex, topological
from chainrule.graph.loops.affine import Counter, Integer, at
from chainrule.graph.loops.loop import Loop, element, tape

__all__ = ["all_there", "at_ends"]


def all_there(outputs: Iterable[Vertex], counters: Mapping[Counter, int], fewest: int = 1) -> bool:
    """Tell whether every loop has a turn, and every tape the entries that are read.

    Args:
        outputs: of the graph.
        counters: the numbers of turns that only the running program knows.
        fewest: 0 to tell no more than whether something is sure to be missing: loops may have no
            turn, and what cannot be reckoned may be there.
    """
    return _Reading(fewest).fits(topological(outputs), [dict(counters)])


def at_ends(
    counter: Counter, turns: Integer, corners: Sequence[Mapping[Counter, int]]
) -> Iterator[dict[Counter, int]]:
    """Yield the first and the last turn of a loop, at each of some turns of the loops around it."""
    for corner in corners:
        for turn in {0, at(turns, corner) - 1}:
            yield {**corner, counter: turn}


class _Reading:
    def __init__(self, fewest: int) -> None:
        self.fewest = fewest
        self.loops: dict[Vertex, Loop] = {}
        #: For each dimension of a tape: what counts the turns of the loop, how many there are, and
        #: the entries before the first.
        self.lengths: dict[Vertex, tuple[tuple[Counter, Integer, int], ...]] = {}

    def fits(self, vertices: Iterable[Vertex], corners: Sequence[Mapping[Counter, int]]) -> bool:
        return all(self._fits(x, corners) for x in vertices if isinstance(x, Apply))

    def _fits(self, vertex: Apply, corners: Sequence[Mapping[Counter, int]]) -> bool:
        operation = vertex.operation
        if isinstance(operation, Loop):
            if any(at(operation.turns, corner) < self.fewest for corner in corners):
                return False
            corners = [corner for corner in corners if at(operation.turns, corner)]
            self.loops[vertex] = operation
            for x, given in zip(operation.invariants, vertex.operands, strict=False):
                if given in self.lengths:
                    self.lengths[x] = self.lengths[given]
            inner = list(at_ends(operation.counter, operation.turns, corners))
            return self.fits(operation.body, inner)
        if operation is tape:
            loop = self.loops[vertex.operands[0]]
            kept = loop.kept[vertex.params["which"]]
            inner_ones = self.lengths.get(kept.result, ())
            self.lengths[vertex] = ((loop.counter, loop.turns, kept.leading), *inner_ones)
        elif operation is element:
            lengths = self.lengths.get(vertex.operands[0], ())
            turns = vertex.params["turns"]
            if not all(self._are_there(turns, lengths, corner) for corner in corners):
                return False
            left = [each for each, turn in itertools.zip_longest(lengths, turns) if turn is None]
            if left:
                self.lengths[vertex] = tuple(left)
        return True

    def _are_there(
        self,
        turns: Sequence[Integer | None],
        lengths: Sequence[tuple[Counter, Integer, int]],
        corner: Mapping[Counter, int],
    ) -> bool:
        """Tell whether a tape has entries of these turns, in one turn of the loops around."""
        kept = dict(corner)
        for turn, (counter, length, leading) in zip(turns, lengths, strict=False):
            if turn is None:
                continue
            k = at(turn, corner)
            try:
                end = at(length, kept) + leading
            except KeyError:  # as many as a turn says that is chosen elsewhere
                return not self.fewest
            if not 0 <= k < end:
                return False
            kept[counter] = k - leading
        return True
