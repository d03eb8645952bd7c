"""Loops that go on until a condition fails, printed as ``while``: for any number of turns.

The function is run a few times more: once with its loops watched, which then begin and end alike,
and with a few numbers of turns that they are told. What is the same in all these runs, but for
integers that grow with the number of turns, is the code for every number of turns.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.counted import Doubt
from chainrule.graph.loops.affine import Counter
from chainrule.graph.open_code import Asked, Site
from chainrule.graph.open_counts import CountingWatch
from chainrule.graph.open_loops import OpenLoop, Watch
from chainrule.graph.trace import Guard
from chainrule.staged.loops.general import UnlikeError, generalized
from chainrule.staged.loops.until import Until
from chainrule.staged.partition import LONG
from chainrule.staged.program import Program
from chainrule.staged.staged import Staged
from chainrule.staged.verify import difference
from chainrule.staged.write import Recorded, printed, record, write

__all__ = ["opened"]

_MOST = 4  # loops that are printed so
_MORE_ASKED = 1_000  # questions, than in twice the run
_TURNS = LONG + 1  # that they are told to have; in one run each of them has one turn more


def opened(
    recorded: Recorded,
    f: Callable[..., Any],
    kwargs: Mapping[str, Any],
    argnums: int | Sequence[int] | None,
) -> tuple[Staged | None, str]:
    """Print the loops of a run that go on until a condition fails as ``while``.

    Returns:
        The code, None where there are no such loops or they cannot be printed so, and why not.
    """
    endings, guards = _endings(recorded.trace.guards)
    if not endings:
        return None, ""
    asked = {guard.asked for guard in recorded.trace.guards if guard.asked is not None}

    def run(turns: Sequence[int], before: Sequence[OpenLoop] | None = None) -> Recorded:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            watch = Watch(endings, asked, turns)
            if before is not None:
                watch = CountingWatch(endings, asked, turns, before)
            watch.most_asked = 2 * len(recorded.trace.guards) + _MORE_ASKED
            found = record(f, recorded.args, kwargs, argnums, stable=False, watch=watch)
        if watch.fault:
            raise UnlikeError(watch.fault)
        if turns and [loop.stays for loop in watch.loops] != list(turns):
            raise UnlikeError("its condition does not decide alone how many turns it has")
        return found

    try:
        staged = _opened(recorded, run)
        found = difference(staged, recorded)
        if found is None:
            return staged, ""
        reason = found.text
    except UnlikeError as error:
        reason = str(error)
    except Doubt as doubt:
        reason = str(doubt)
    except Exception as error:  # of the user's function, in turns that it does not have
        reason = f"with another number of turns it raises {error!r}"
    return None, "\n".join(f"{str(guard.location).removesuffix(':')}: {reason}" for guard in guards)


def _endings(guards: Sequence[Guard]) -> tuple[dict[Site, Asked], list[Guard]]:
    """Return the questions at which loops have ended."""
    endings: dict[Site, Asked] = {}
    found: list[Guard] = []
    for guard in guards:
        asked = guard.asked
        if asked is not None and bool(guard.outcome) is not asked.stays:
            if asked.site not in endings:
                found.append(guard)
            endings[asked.site] = asked
    return endings, found


def _opened(recorded: Recorded, run: Callable[..., Recorded]) -> Staged:
    watched = run(())
    loops = watched.trace.loops
    if not loops:
        raise UnlikeError("it does not ask the same before each turn")
    if len(loops) > _MOST:
        raise UnlikeError(f"loops that run {len(loops)} times, each with its own number of turns")
    told = [[_TURNS + (k == n) for k in range(len(loops))] for n in range(-1, len(loops))]
    runs = [run(turns) for turns in told]
    run(told[0], runs[0].trace.loops)
    limits = [loop.limit for loop in loops]
    if any([loop.limit for loop in x.trace.loops] != limits for x in runs):
        raise UnlikeError("another loop's number of turns tells how many it may have")
    programs = [printed(x) for x in runs]
    turns = [loop.stays for loop in loops]
    program, named = printed(watched)
    is_long = min(turns) >= LONG
    if is_long:
        told.insert(0, turns)
        programs.insert(0, (program, named))
    else:
        more = [_TURNS + 2 + k for k in range(len(loops))]
        told.insert(1, more)
        programs.insert(1, printed(run(more)))
        told[0], told[1], programs[0], programs[1] = told[1], told[0], programs[1], programs[0]
    general = programs[0][0]
    try:
        _open([x for x, _ in programs], told, loops, by_question=True)
    except UnlikeError:
        _open([x for x, _ in programs], told, loops, by_question=False)
    if is_long:
        return Staged(watched.trace, general, named)
    plain = write(recorded)
    return Staged(recorded.trace, plain.program, plain.gradient_name, general)


def _open(
    programs: Sequence[Program],
    told: Sequence[Sequence[int]],
    loops: Sequence[OpenLoop],
    by_question: bool,
) -> None:
    """Print the first of some programs for any number of turns."""
    codes = [code for x in programs if (code := x.folded(by_question)) is not None]
    if len(codes) < len(programs):
        raise UnlikeError("its turns are not the same")
    counters = [Counter("turns") for _ in loops]
    generalized(codes, told, counters)
    limits = [loop.limit for loop in loops]
    programs[0].open(codes[0], [Until(*x) for x in zip(counters, told[0], limits, strict=True)])
