"""Recordings of one function with several numbers of turns of its long loops."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from chainrule.core.counted import Doubt
from chainrule.graph.loops.extrapolate import NotAlikeError, Turns
from chainrule.native.record.program import Family
from chainrule.native.record.run import Recorded, Run
from chainrule.native.record.short import APART, FIRST, Shortener

__all__ = ["Relatives", "relatives"]

_MOST_LENGTHS = 3  # numbers of turns that long loops may have, each of which takes a recording


@dataclasses.dataclass(frozen=True, slots=True)
class Relatives:
    """Runs of a function that are the same but for the number of turns of its long loops.

    Attributes:
        runs: the first one, one with a turn more for each number of turns, and one that tells
            whether what follows from these is right.
        turns: how many there were, and how many there are.
    """

    runs: tuple[Run, ...]
    turns: Turns

    def typed(self, expected: Any) -> Recorded:
        """Give the programs the types that the function itself returns.

        Raises:
            NotFaithful: it returned something of another structure.
            NotAlikeError: the programs are not alike.
        """
        first, *others = [run.typed(expected) for run in self.runs]
        if any(other.guards.keys != first.guards.keys for other in others):
            raise NotAlikeError("Python looks at something else")
        family = Family(tuple(other.program for other in others), self.turns)
        program = dataclasses.replace(first.program, family=family)
        return dataclasses.replace(first, program=program)


def relatives(record: Callable[[Shortener | None], Run]) -> Run | Relatives:
    """Record a function, in few turns of its long loops where that tells all.

    Args:
        record: records it; given what ends loops early.
    """
    shortener = Shortener({})
    try:
        first = record(shortener)
        lengths = sorted(shortener.plan)
        if not lengths:
            return first
        if len(lengths) <= _MOST_LENGTHS:
            return _recorded(record, lengths, first if len(lengths) == 1 else None)
    except Doubt:
        pass
    except Exception:
        if not shortener.plan:
            raise
    return record(None)  # which raises the same, if it is not due to the turns that are left out


def _recorded(
    record: Callable[[Shortener | None], Run], lengths: list[int], first: Run | None
) -> Relatives:
    # With as many turns more or less as make up pairs: some loops do another thing every second
    # turn, ``a, b = b, step(a)``.
    base = [FIRST + APART * k + n % 2 for k, n in enumerate(lengths)]
    plans = [base]
    plans += [[n + 2 * (k == j) for j, n in enumerate(base)] for k in range(len(base))]
    plans.append([n + 4 for n in base])
    runs = [] if first is None else [first]
    for plan in plans[len(runs) :]:
        shortener = Shortener(dict(zip(lengths, plan, strict=True)))
        runs.append(record(shortener))
        if sorted(shortener.plan) != lengths:
            raise Doubt("the lengths of loops depend on the turns of others")
    return Relatives(tuple(runs), Turns(tuple(map(tuple, plans)), tuple(lengths)))
