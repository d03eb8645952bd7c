"""What a loop reads of an array that it writes, where nothing writes over that later, or before.

``x[i] = (b[i] - L[i, :i] @ x[:i]) / L[i, i]`` reads entries that stay what they are: the backward
pass finds them in what x is in the end. What ``x[i] += L[i + 1:, i] @ x[i + 1:]`` reads is found in
what x was in the beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from chainrule.graph.graph import Apply, Vertex
from chainrule.native.ir.moving import Integer, Word, moving, put, this_turn
from chainrule.native.lower.array_loop import ArrayLoop, result
from chainrule.native.lower.parts import Place, base_of, joined, lengths
from chainrule.native.lower.turn_places import Around, Places

__all__ = ["Write", "Written", "ends_of", "is_unchanged", "writes_between"]


class Write(NamedTuple):
    """A place that is written in each turn of some loops, outer ones first.

    Of each axis it is the first index, and the one after the last.
    """

    ends: tuple[tuple[Integer, Integer], ...]
    around: tuple[Around, ...]


#: What each loop writes into each of its states; None where that is not known.
Written = Mapping[Vertex, "list[list[Write] | None]"]


def writes_between(newer: Vertex, older: Vertex, written: Written) -> list[Write] | None:
    """Return what is written into an array from one version to a newer one, if that is known."""
    found: list[Write] = []
    while not _are_same(newer, older):
        if not isinstance(newer, Apply):
            return None
        base = base_of(newer)
        if newer.operation is joined and base is not None:
            found += [Write(ends_of(place), ()) for place in newer.params["places"][1:]]
            newer = base
            continue
        loop = newer.operands[0] if newer.operation is result else None
        if not isinstance(loop, Apply) or not isinstance(loop.operation, ArrayLoop):
            return None
        which = newer.params["which"]
        inner = written[loop][which] if which < len(loop.operation.states) else None
        if inner is None:
            return None
        found += inner
        newer = loop.operands[which]
    return found


def _are_same(a: Vertex, b: Vertex) -> bool:
    """Tell whether two vertices are one, or the same result of a loop."""
    if a is b or not isinstance(a, Apply) or not isinstance(b, Apply):
        return a is b
    return (
        a.operation is b.operation
        and a.operation in (result, joined)
        and a.operands == b.operands
        and a.params == b.params
    )


def is_unchanged(
    read: Place,
    within: tuple[Around, ...],
    same_turn: Iterable[Write],
    all_writes: Iterable[Write],
    around: tuple[Around, ...],
    since: bool = False,
) -> bool:
    """Tell whether nothing writes over what was read, in this turn or in later ones.

    Args:
        read: the place.
        within: loops in the body in whose turns it was read.
        same_turn: what is written later in a turn, or before.
        all_writes: what is written in a turn.
        around: the loop, after those around it.
        since: ask whether nothing has written there before, in this turn or in earlier ones.
    """
    own = around[-1]
    more, this = Word("more"), moving(own.word)
    other_turn = this - 1 - moving(more) if since else this + 1 + moving(more)
    others = Around(own.counter, more, this if since else own.turns - 1 - this)
    now = Write(ends_of(read), (*around, *within))
    then = now._replace(around=(*now.around, others))
    return all(_apart(now, _renamed(write)) for write in same_turn) and all(
        _apart(then, _renamed(write, own.word, other_turn)) for write in all_writes
    )


def _renamed(write: Write, word: Word | None = None, by: Integer = 0) -> Write:
    """Return a write with words of its own, and something else in the place of a word."""
    pairs: list[tuple[Word, Integer]] = [] if word is None else [(word, by)]
    around = []
    for loop in write.around:
        fresh = Word(loop.word.name)
        around.append(Around(loop.counter, fresh, _put(loop.turns, pairs)))
        pairs.append((loop.word, moving(fresh)))
    ends = tuple((_put(a, pairs), _put(b, pairs)) for a, b in write.ends)
    return Write(ends, tuple(around))


def _put(value: Integer, pairs: Iterable[tuple[Word, Integer]]) -> Integer:
    for word, by in pairs:
        value = put(value, word, by)
    return value


def _apart(read: Write, write: Write) -> bool:
    """Tell whether two places have no entry in common in any turn; the first is in outer loops."""
    places = Places((*read.around, *write.around))
    return any(
        places.ends(begin - last)[0] >= 0 or places.ends(first - end)[0] >= 0
        for (first, last), (begin, end) in zip(read.ends, write.ends, strict=True)
    )


def ends_of(place: Place) -> tuple[tuple[Integer, Integer], ...]:
    """Return of each axis of a place the first index, and the one after the last."""
    found: list[tuple[Integer, Integer]] = []
    for k, n in zip(place, lengths(place), strict=True):
        last = k.start + (this_turn(n) - 1) * k.step
        found.append((k.start, last + 1) if k.step > 0 else (last, k.start + 1))
    return tuple(found)
