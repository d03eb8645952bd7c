"""Small changes that let turns be alike, and their variables have one name; no value changes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chainrule.core.array import shape_of
from chainrule.staged.lines import Line, Stage
from chainrule.staged.loops.statement import Statement

__all__ = ["Printed", "tidied"]


@dataclass(slots=True, eq=False)
class Printed:
    """A statement of the printed function.

    ``stage`` is that which it is a part of, or whose gradients it computes (``backward``), or that
    which it comes before; ``part`` the stage or line whose main statement it is.
    """

    text: str
    stage: Stage | None = None
    part: Stage | Line | None = None
    backward: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that is printed beside it."""
        return () if self.part is None else shape_of(self.part.value)


#: A statement as it is printed, and taken apart.
Pair: TypeAlias = "tuple[Printed, Statement]"


def tidied(pairs: Sequence[Pair], bases: Mapping[str, str | None]) -> list[Pair]:
    """Prepare statements for folding.

    Args:
        pairs: the statements.
        bases: what the user calls each variable, None for those without a name.
    """
    found: list[Pair] = []
    for (_, backward), group in itertools.groupby(
        _without_aliases(pairs, bases), lambda pair: (id(pair[0].stage), pair[0].backward)
    ):
        lines = list(group)
        found += _last(lines, bases) if backward else _written_in_place(lines)
    return found


def _without_aliases(pairs: Sequence[Pair], bases: Mapping[str, str | None]) -> list[Pair]:
    """Leave out gradients that are another one's, and are not added to.

    They are the same in all turns: what ``loss = loss + ...`` hands on.
    """
    changed = {s.defines for _, s in pairs if any(p.kind == "update" for p in s.places)}
    names: dict[str, str] = {}
    found = []
    for printed, unchanged in pairs:
        statement = unchanged.renamed(names)
        if printed.backward and [p.kind for p in statement.places] == ["write", "read"]:
            new, old = (p.value for p in statement.places)
            alike = bases.get(new) is not None and bases.get(new) == bases.get(old)
            if statement.pieces == ("", " = ", "") and alike and not {new, old} & changed:
                names[new] = old
                continue
        found.append((printed, statement))
    return found


def _written_in_place(lines: list[Pair]) -> list[Pair]:
    """Let what is written into a copy be computed from the copy: it is the same until then."""
    for k in range(1, len(lines)):
        copy, write = lines[k - 1][1], lines[k][1]
        kinds = [p.kind for p in copy.places]
        if kinds == ["write", "read"] and copy.pieces == ("", " = ", ".copy()"):
            new, old = (p.value for p in copy.places)
            if write.defines == new:
                lines[k] = (lines[k][0], write.renamed({old: new}))
    return lines


def _last(lines: list[Pair], bases: Mapping[str, str | None]) -> list[Pair]:
    """Let the gradient of a variable that a stage gives a new value be the last of the stage.

    The lines of one stage do not depend on one another, but the new gradient takes the name of the
    one that the others read.
    """
    for k, (_, statement) in enumerate(lines):
        name = statement.defines
        base = None if name is None else bases.get(name)
        if base is None or not any(p.kind == "write" for p in statement.places):
            continue
        end = k + 1
        while end < len(lines) and lines[end][1].defines == name:
            end += 1  # what fills it in
        read = {p.value for _, s in lines[end:] for p in s.places if p.kind in ("read", "update")}
        if name not in read and any(bases.get(x) == base for x in read):
            return [*_last([*lines[:k], *lines[end:]], bases), *lines[k:end]]
    return lines
