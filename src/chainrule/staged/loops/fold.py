"""Printed statements, folded into loops as a person writes them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.graph.loops.fold import fold_steps
from chainrule.graph.loops.steps import Kinds, Ref, Step
from chainrule.staged.loops.plan import Plan, Unrolled
from chainrule.staged.loops.statement import Statement, parsed
from chainrule.staged.loops.tidy import Printed, tidied
from chainrule.staged.loops.tree import Item, tree
from chainrule.staged.loops.trial import CannotPrintError, planned
from chainrule.staged.partition import LONG

__all__ = ["Folded", "folded"]

_LEAST = (
    3  # turns of loops beside a long one: of its backward pass, which begins and ends otherwise
)


@dataclass(slots=True)
class Folded:
    """Statements as a tree of loops.

    Attributes:
        items: the tree.
        plan: what is called what in it.
        printed: the statements, in their order.
        statements: the same, taken apart.
        where: in which place of the tree each of them is.
        leaves: the texts of what no statement makes.
    """

    items: list[Item]
    plan: Plan
    printed: list[Printed]
    statements: list[Statement]
    where: list[Ref]
    leaves: list[str]
    taken: set[str]


def folded(
    printed: Sequence[Printed],
    given: Collection[str],
    arrays: Collection[str],
    bases: Mapping[str, str | None],
) -> Folded | None:
    """Fold statements; return None where there is nothing to fold.

    Args:
        printed: the statements.
        given: the variables that are there before them.
        arrays: the names of constants.
        bases: what the user calls each variable, None for those without a name.
    """
    variables = {*given, *arrays, *bases}
    pairs = tidied([(p, parsed(p.text, variables)) for p in printed], bases)
    ordered, statements = [p for p, _ in pairs], [s for _, s in pairs]
    steps = _Steps(ordered, statements, arrays, bases)
    found = fold_steps(steps.steps, steps.kinds, steps.constants, _LEAST)
    if max((turn or 0 for ref in found.where for turn in ref.turns), default=0) < LONG - 1:
        return None
    unrolled = Unrolled(
        steps.steps,
        found.where,
        [s.defines for s in statements],
        [None if s.defines is None else bases.get(s.defines, s.defines) for s in statements],
        [any(p.kind == "update" for p in s.places) for s in statements],
        [name if name in variables and name not in arrays else None for name in steps.leaves],
        _temporaries(ordered, statements, bases),
    )
    items = tree(found.steps)
    try:
        plan = planned(items, unrolled, variables)
    except CannotPrintError:
        return None
    return Folded(items, plan, ordered, statements, found.where, steps.leaves, variables)


class _Steps:
    """Statements as steps."""

    def __init__(
        self,
        printed: Sequence[Printed],
        statements: Sequence[Statement],
        arrays: Collection[str],
        bases: Mapping[str, str | None],
    ) -> None:
        self.kinds = Kinds()
        self.steps: list[Step] = []
        self.leaves: list[str] = []
        self.constants: set[int] = set()
        self.arrays, self.bases = arrays, bases
        self._refs: dict[str, Ref] = {}
        functions = Counter(p.stage.location[::2] for p in printed if p.stage and p.stage.location)
        self._function = max(functions, key=functions.__getitem__, default=None)
        for p, statement in zip(printed, statements, strict=True):
            self._step(p, statement)

    def _step(self, p: Printed, statement: Statement) -> None:
        defines = statement.defines
        location = None if p.stage is None or p.stage.location is None else p.stage.location
        kind = (
            statement.pieces,
            tuple(
                "value" if place.kind in ("read", "float") else place.kind
                for place in statement.places
            ),
            None if defines is None else self.bases.get(defines, defines),
            p.location,
            p.backward,
            type(p.part),
            len(p.shape),
        )
        refs = [self._ref(place.value, statement.text, place) for place in statement.reads]
        ints = (*(place.value for place in statement.ints), *p.shape)
        place = None
        if location is not None and location[::2] == self._function:
            place = -location.lineno if p.backward else location.lineno
        number = self.kinds.number(kind)
        if defines is not None:
            self._refs[defines] = Ref(len(self.steps))
        self.steps.append(Step(number, refs, ints, statement, place))

    def _ref(self, value: Any, text: str, place: Any) -> Ref:
        name = value if isinstance(value, str) else text.encode()[place.start : place.end].decode()
        if name not in self._refs:
            self._refs[name] = Ref(~len(self.leaves))
            if name in self.arrays or not isinstance(value, str):
                self.constants.add(len(self.leaves))
            self.leaves.append(name)
        return self._refs[name]


def _temporaries(
    printed: Sequence[Printed], statements: Sequence[Statement], bases: Mapping[str, str | None]
) -> dict[str | None, str]:
    """Number the variables without a name anew in each stage: they are used there alone."""
    names: dict[str | None, str] = {}
    known = {name for name in bases.values() if name is not None}
    for _, group in itertools.groupby(
        zip(printed, statements, strict=True), lambda pair: (id(pair[0].stage), pair[0].backward)
    ):
        free = (name for k in itertools.count(1) if (name := f"t{k}") not in known)
        for _, statement in group:
            defined = statement.defines
            if defined is None or defined in names or defined not in bases:
                continue
            if bases[defined] is None:
                names[defined] = next(free)
    return names
