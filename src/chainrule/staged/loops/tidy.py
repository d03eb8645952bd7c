"""Small changes that let turns be alike, and their variables have one name; no value changes."""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from chainrule.staged.lines import Line, Stage, Test
from chainrule.staged.loops.statement import Statement, parsed
from chainrule.staged.partition import LONG

__all__ = ["Printed", "tidied"]


@dataclass(slots=True, eq=False)
class Printed:
    """A statement of the printed function.

    ``stage`` is that which it is a part of, or whose gradients it computes (``backward``), or that
    which it comes before; ``part`` the stage or line whose main statement it is; ``test`` what it
    asserts.
    """

    text: str
    stage: Stage | None = None
    part: Stage | Line | None = None
    backward: bool = False
    test: Test | None = None

    @property
    def location(self) -> tuple[str, int] | None:
        """The user's line that it comes from."""
        where = None if self.stage is None else self.stage.location
        return None if where is None else where[:2]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that is printed beside it."""
        return () if self.part is None else self.part.shape


#: A statement as it is printed, and taken apart.
Pair: TypeAlias = "tuple[Printed, Statement]"


def tidied(pairs: Sequence[Pair], bases: Mapping[str, str | None]) -> list[Pair]:
    """Prepare statements for folding.

    Args:
        pairs: the statements.
        bases: what the user calls each variable, None for those without a name.
    """
    found: list[Pair] = []
    pairs = _begun_before(_without_aliases(pairs, bases), bases)
    for (_, backward), group in itertools.groupby(
        pairs, lambda pair: (id(pair[0].stage), pair[0].backward)
    ):
        lines = list(group)
        found += _last(lines, bases) if backward else lines
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


def _begun_before(pairs: list[Pair], bases: Mapping[str, str | None]) -> list[Pair]:
    """Let what the first turn of a loop alone does stand before the loop.

    That is ``dW = ...`` where the others have ``dW += ...``, an array of zeros that all of them add
    to, a copy that all of them write into.
    """
    alike: Counter[object] = Counter(_looks(p, s, bases) for p, s in pairs)
    turns: dict[object, set[int]] = {}
    for printed, _ in pairs:
        turns.setdefault(printed.location, set()).add(id(printed.stage))
    found: list[Pair] = []
    start = 0  # of the statements that stand in loops
    backward = False
    for printed, statement in pairs:
        in_loop = len(turns[printed.location]) >= LONG
        if not in_loop or printed.backward != backward:
            start, backward = len(found) + (not in_loop), printed.backward
        total = None
        if in_loop and alike[_looks(printed, statement, bases)] == 1:
            first = _first(printed, statement, found[start:], bases)
            if first is not None:
                found[start:] = [(printed, s.renamed(first)) for printed, s in found[start:]]
                found.insert(
                    start, (Printed(printed.text, None, printed.part, backward), statement)
                )
                start += 1
                continue
            total = _as_sum(printed, statement)
        if total is not None and alike[_looks(printed, total, bases)] > 1:
            found.insert(start, _zero(printed, statement))
            start += 1
            statement = total
        found.append((printed, statement))
    return found


def _first(
    printed: Printed, statement: Statement, before: list[Pair], bases: Mapping[str, str | None]
) -> dict[str, str] | None:
    """Return what is to be renamed where a statement is to come first; None if it cannot.

    It can if it makes an array of zeros, or a copy of what nothing before it has written into: what
    is read of the one is the same in the other.
    """
    if _is_zeros(printed):
        return {}
    if [p.kind for p in statement.places] != ["write", "read"]:
        return None
    new, old = (p.value for p in statement.places)
    if statement.pieces != ("", " = ", ".copy()") or bases.get(new) != bases.get(old):
        return None
    return None if any(s.defines == old for _, s in before) else {old: new}


def _looks(printed: Printed, statement: Statement, bases: Mapping[str, str | None]) -> object:
    """Return what is alike in statements that do the same in different turns."""
    return printed.backward, printed.location, statement.pieces, bases.get(statement.defines or "")


def _is_zeros(printed: Printed) -> bool:
    line = printed.part
    return isinstance(line, Line) and line.expression == f"np.zeros_like({line.of})"


def _as_sum(printed: Printed, statement: Statement) -> Statement | None:
    """Return the first contribution to a gradient as an addition to it."""
    line = printed.part
    if not isinstance(line, Line) or line.of is None or line.text != statement.text:
        return None
    if not line.target.isidentifier():  # entries that are written get theirs anew
        return None
    expression, operator = line.expression.removesuffix(".copy()"), "+="
    if expression.startswith("-") and _is_term(expression):
        expression, operator = expression[1:], "-="
    variables = {p.value for p in statement.places if isinstance(p.value, str)}
    return parsed(f"{line.target} {operator} {expression}", variables)


def _is_term(expression: str) -> bool:
    """Tell whether a sign in front is that of the whole expression."""
    (statement,) = ast.parse(expression).body
    assert isinstance(statement, ast.Expr)
    node: ast.expr = statement.value
    while isinstance(node, ast.BinOp) and not isinstance(node.op, (ast.Add, ast.Sub)):
        node = node.left
    return isinstance(node, ast.UnaryOp)


def _zero(printed: Printed, statement: Statement) -> Pair:
    line = printed.part
    assert isinstance(line, Line)
    zero = f"np.zeros_like({line.of})" if printed.shape else "0.0"
    text = f"{line.target} = {zero}"
    return Printed(text, backward=True), parsed(text, {line.target, str(line.of)})


def _last(lines: list[Pair], bases: Mapping[str, str | None]) -> list[Pair]:
    """Let the gradient of a variable that a stage gives a new value be the last of the stage.

    The lines of one stage do not depend on one another, but for what is changed in place after it
    was read; the new gradient takes the name of the one that the others read.
    """
    for k, (_, statement) in enumerate(lines):
        name = statement.defines
        base = None if name is None else bases.get(name)
        if base is None or not (statement.is_sum or statement.places[0].kind == "write"):
            continue
        end = k + 1
        while end < len(lines) and lines[end][1].defines == name:
            end += 1  # what fills it in
        used = [p for _, s in lines[end:] for p in s.places if p.kind in ("read", "update")]
        read = {p.value for p in used if p.kind == "read" or not statement.is_sum}
        changed = {s.defines for _, s in lines[end:]}
        if any(p.value in changed for _, s in lines[k:end] for p in s.places if p.kind == "read"):
            continue
        if name not in {p.value for p in used} and any(bases.get(x) == base for x in read):
            return [*_last([*lines[:k], *lines[end:]], bases), *lines[k:end]]
    return lines
