"""The last turn of a backward pass, made whole: no value changes.

Where a loop begins with a constant (``h = np.zeros(8)``), its first turn has no gradient to hand
on, and so the last turn of the backward pass lacks some statements that all others have. With them
it is a turn like the others, and what they give is read by nobody.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from chainrule.core.placeholder import Placeholder
from chainrule.staged.lines import Line
from chainrule.staged.loops.statement import Statement
from chainrule.staged.loops.tidy import Pair, Printed
from chainrule.staged.partition import LONG

__all__ = ["made_whole"]


def made_whole(pairs: Sequence[Pair], bases: dict[str, str | None]) -> list[Pair]:
    """Add what the last turns of backward passes lack.

    Args:
        pairs: the statements.
        bases: what the user calls each variable; is added to.
    """
    groups = [
        list(group)
        for _, group in itertools.groupby(pairs, lambda pair: (id(pair[0].stage), pair[0].backward))
    ]
    kinds: dict[object, list[list[Pair]]] = {}
    for group in groups:
        printed = group[0][0]
        if printed.backward and printed.stage is not None and printed.location is not None:
            name = bases.get(printed.stage.name)
            kinds.setdefault((printed.location, name), []).append(group)
    turns = [found[-3:] for found in kinds.values() if len(found) >= LONG]
    known: dict[str, str] = {}
    for _, before, last in turns:
        for one, other in _matched(before, last, bases):
            if other is not None:
                known.update(_renamed(one[1], other[1]))
    for earlier, before, last in turns:
        end = next(k for k, group in enumerate(groups) if group is last) + 1
        _complete(earlier, before, last, known, bases, _read_in(groups[end:]))
    return [pair for group in groups for pair in group]


def _matched(
    before: Sequence[Pair], last: Sequence[Pair], bases: Mapping[str, str | None]
) -> Iterator[tuple[Pair, Pair | None]]:
    """Yield the statements of one turn with their counterparts in the next, None for none."""
    rest = list(last)
    for pair in before:
        if rest and _looks(rest[0], bases) == _looks(pair, bases):
            yield pair, rest.pop(0)
        else:
            yield pair, None


def _looks(pair: Pair, bases: Mapping[str, str | None]) -> object:
    _, statement = pair
    kinds = tuple("value" if p.is_read else p.kind for p in statement.places)
    defines = statement.defines
    return statement.pieces, kinds, None if defines is None else bases.get(defines, defines)


def _renamed(one: Statement, other: Statement) -> dict[str, str]:
    """Return the variables of a statement with those of another in their places."""
    return {
        p.value: q.value
        for p, q in zip(one.places, other.places, strict=True)
        if isinstance(p.value, str) and isinstance(q.value, str)
    }


def _read_in(groups: Sequence[Sequence[Pair]]) -> set[object]:
    """Return the variables that some statements read."""
    places = (p for group in groups for _, statement in group for p in statement.places)
    return {p.value for p in places if p.kind in ("read", "update")}


def _complete(
    earlier: Sequence[Pair],
    before: Sequence[Pair],
    last: list[Pair],
    known: dict[str, str],
    bases: dict[str, str | None],
    later: set[object],
) -> None:
    """Add to a turn what the two before it have, and it lacks: not what changes what is read."""
    matched = list(_matched(before, last, bases))
    alike = [_looks(pair, bases) for pair in earlier] == [_looks(pair, bases) for pair in before]
    lacks = [pair for pair, other in matched if other is None]
    if not alike or not lacks or len(lacks) + len(last) != len(before):
        return
    whole: list[Pair] = []
    for k, ((pair, other), first) in enumerate(zip(matched, earlier, strict=True)):
        new = other if other is not None else _next(pair, first, last[0][0], known, bases)
        after = [x for _, x in matched[k:] if x is not None]
        if new is None or (other is None and _changes(new[1], later | _read_in([after]))):
            return
        whole.append(new)
    last[:] = whole


def _changes(statement: Statement, variables: Collection[object]) -> bool:
    return any(p.kind == "update" and p.value in variables for p in statement.places)


def _next(
    pair: Pair,
    first: Pair,
    beside: Printed,
    known: dict[str, str],
    bases: dict[str, str | None],
) -> Pair | None:
    """Return what comes after two statements; None where that cannot be told."""
    printed, statement = pair
    texts: list[str] = []
    for place, old in zip(statement.places, first[1].places, strict=True):
        text = statement.text.encode()[place.start : place.end].decode()
        if place.kind == "int":
            text = str(2 * place.value - old.value)
        elif place.kind == "write":
            text = known[place.value] = _fresh(place.value, bases)
        elif isinstance(place.value, str):
            if place.value not in known and place.value != old.value:
                return None
            text = known.get(place.value, place.value)
        elif (place.kind, place.value) != (old.kind, old.value):
            return None
        texts.append(text)
    part = printed.part
    shape = tuple(2 * n - m for n, m in zip(printed.shape, first[0].shape, strict=True))
    if min(shape, default=0) < 0:
        return None
    if isinstance(part, Line) and beside.stage is not None:
        value = part.value if shape == printed.shape else Placeholder(shape, part.value.dtype)
        part = replace(part, stage=beside.stage, value=value)
    return (
        Printed(statement.filled(texts).text, beside.stage, part, backward=True),
        statement.filled(texts),
    )


def _fresh(name: str, bases: dict[str, str | None]) -> str:
    """Take a name for another variable that the user calls as this one."""
    base = bases.get(name)
    new = next(n for k in itertools.count(1) if (n := f"{base or 't'}_{k}_") not in bases)
    bases[new] = base
    return new
