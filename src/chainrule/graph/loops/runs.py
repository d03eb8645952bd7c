"""Where turns may be: places in a sequence of kinds that repeat with some period.

It is a guess, made in time linear in the sequence for each period: what repeats is then looked at
in detail (`chainrule.graph.loops.fold`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from chainrule.graph.loops.steps import Step

__all__ = ["periods", "repeats"]

_NEAR = 64  # steps back up to which what a step reads belongs to its looks


def periods(steps: Sequence[Step], least: int) -> list[int]:
    """Return the periods that some loop of at least so many turns may have, the shortest first.

    The distance from a step to the last one that looked like it is the period wherever a body has
    a step that looks like no other of it.
    """
    votes: Counter[int] = Counter()
    last: dict[tuple[object, ...], int] = {}
    before = -1
    for k, step in enumerate(steps):
        near: list[object] = [before, step.kind]
        exact: list[object] = []
        least_near = max(k - _NEAR, 0)
        looks = [tuple(near)]
        for at, parts, _ in step.refs:
            # A part of a loop is at no distance: it is read at one turn after the other.
            is_near = at >= least_near and not parts
            if exact or not is_near:
                exact = exact or near.copy()
                exact.append(k - at if is_near else (at, parts))
            near.append(k - at if is_near else 0)
        # What turns read may be near to all of them or to some, or may tell the steps apart.
        looks += [tuple(x) for x in (near, exact) if step.refs and x]
        for one in looks:
            if one in last:
                votes[k - last[one]] += 1
            last[one] = k
        before = step.kind
    return sorted(p for p, n in votes.items() if n >= least - 1 and p * least <= len(steps))


def repeats(
    kinds: NDArray[np.int64], free: NDArray[np.bool_], period: int, turns: int
) -> Iterator[tuple[int, int]]:
    """Yield the longest stretches of free steps that repeat, so many turns or more."""
    same = kinds[period:] == kinds[:-period]
    taken = np.cumsum(~free)
    same &= free[:-period] & (taken[period:] == taken[:-period])
    padded = np.zeros(len(same) + 2, bool)
    padded[1:-1] = same
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    end = 0
    for start, stop in edges.reshape(-1, 2).tolist():
        start = max(start, end)  # the next stretch may begin in the last turn of this one
        if stop - start >= (turns - 1) * period:
            end = stop + period
            yield start, end
