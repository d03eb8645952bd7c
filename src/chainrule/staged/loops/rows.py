"""What a statement reads of one turn of a loop after the other: ``np.stack(hs)``."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from chainrule.staged.loops.tree import Site, Source, Value
from chainrule.staged.partition import LONG

__all__ = ["read_in_a_row"]


def read_in_a_row(site: Site) -> set[int]:
    """Return which of the sources of a statement are those, if they are many."""
    statement = site.step.content
    number = itertools.count()
    reads = [next(number) if p.is_read else -1 for p in statement.places]
    found: set[int] = set()
    for row in statement.series:
        places = [(reads[at], _turn(site.sources[reads[at]])) for at in row]
        for way in (1, -1):
            found.update(k for many in _evenly(places, way) for k in many)
    return found


def _evenly(places: Sequence[tuple[int, tuple[Site, int] | None]], way: int) -> Iterator[list[int]]:
    """Yield what is read of one turn after the other, or before it, if it is much."""
    start = 0
    for end in range(1, len(places) + 1):
        last = places[end - 1][1]
        here = places[end][1] if end < len(places) else None
        if last is None or here != (last[0], last[1] + way):
            if end - start >= LONG:
                yield [k for k, _ in places[start:end]]
            start = end


def _turn(source: Source) -> tuple[Site, int] | None:
    """Return which turn of a loop a statement is read in, outside of it."""
    if not isinstance(source, Value) or len(source.turns) != 1 or source.lag:
        return None
    turn = source.turns[0]
    return (source.site, turn) if isinstance(turn, int) else None
