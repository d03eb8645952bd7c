"""Printed statements, folded into loops as a person writes them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chainrule.core.array import dtype_of
from chainrule.graph.loops.fold import fold_steps
from chainrule.graph.loops.steps import Kinds, Ref, Step
from chainrule.staged.loops.faults import CannotPrintError
from chainrule.staged.loops.plan import Plan, Unrolled
from chainrule.staged.loops.statement import Statement, arrays_in, parsed
from chainrule.staged.loops.tidy import Pair, Printed, tidied
from chainrule.staged.loops.tree import Item, tree
from chainrule.staged.loops.trial import planned
from chainrule.staged.loops.whole import made_whole
from chainrule.staged.partition import LONG

__all__ = ["Folded", "folded"]

# Turns of loops beside a long one: of its backward pass, which begins and ends otherwise.
_LEAST = 3
_TRIES = 8  # loops that may turn out to be ones that cannot be written


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
        taken: the names in use.
        entries: which of these are entries of a list: its text, and their place in it.
    """

    items: list[Item]
    plan: Plan
    printed: list[Printed]
    statements: list[Statement]
    where: list[Ref]
    leaves: list[str]
    taken: set[str]
    entries: Mapping[str, tuple[str, int]] = field(default_factory=dict)


def folded(
    printed: Sequence[Printed],
    given: Collection[str],
    arrays: Collection[str],
    bases: Mapping[str, str | None],
    by_question: bool = False,
) -> Folded | None:
    """Fold statements; return None where there is nothing to fold.

    Args:
        printed: the statements.
        given: the variables that are there before them.
        arrays: the names of constants.
        bases: what the user calls each variable, None for those without a name.
        by_question: turns begin and end where the user's do that ask a question last.
    """
    variables = {*given, *arrays, *bases}
    arrays_of = _constant_arrays(printed)
    taken_apart = [(p, parsed(p.text, variables, arrays_of[p.location])) for p in printed]
    pairs = tidied(taken_apart, bases)
    more = dict(bases)
    whole = made_whole(pairs, more)
    if len(whole) > len(pairs):
        found = _folded(whole, arrays, more, variables | set(more), by_question)
        added = {id(p) for p, _ in whole} - {id(p) for p, _ in pairs}
        if found is not None and not any(
            id(p) in added and not ref.turns
            for p, ref in zip(found.printed, found.where, strict=True)
        ):
            return found
    return _folded(pairs, arrays, bases, variables, by_question)


def _folded(
    pairs: Sequence[Pair],
    arrays: Collection[str],
    bases: Mapping[str, str | None],
    variables: set[str],
    by_question: bool,
) -> Folded | None:
    """Fold statements, but for loops that cannot be written."""
    ordered, statements = [p for p, _ in pairs], [s for _, s in pairs]
    unrolled_ones: set[int] = set()
    for _ in range(_TRIES):
        steps = _Steps(ordered, statements, arrays, bases, unrolled_ones, by_question)
        found = fold_steps(steps.steps, steps.kinds, steps.constants, _LEAST)
        if max((turn or 0 for ref in found.where for turn in ref.turns), default=0) < LONG - 1:
            return None
        unrolled = Unrolled(
            steps.steps,
            found.where,
            [s.defines for s in statements],
            [None if s.defines is None else bases.get(s.defines, s.defines) for s in statements],
            [any(p.kind == "update" for p in s.places) for s in statements],
            _sums(ordered, statements),
            [name if name in variables and name not in arrays else None for name in steps.leaves],
            _temporaries(ordered, statements, bases),
        )
        items = tree(found.steps)
        try:
            plan = planned(items, unrolled, variables)
        except CannotPrintError as error:
            if error.loop is None:
                return None
            unrolled_ones |= {k for k, ref in enumerate(found.where) if ref.step == error.loop}
            continue
        return Folded(items, plan, ordered, statements, found.where, steps.leaves, variables)
    return None


class _Steps:
    """Statements as steps."""

    def __init__(
        self,
        printed: Sequence[Printed],
        statements: Sequence[Statement],
        arrays: Collection[str],
        bases: Mapping[str, str | None],
        unrolled: Collection[int],
        by_question: bool,
    ) -> None:
        self.kinds, self.by_question = Kinds(), by_question
        self.steps: list[Step] = []
        self.leaves: list[str] = []
        self.constants: set[int] = set()
        self.arrays, self.bases, self.unrolled = arrays, bases, unrolled
        self._refs: dict[str, Ref] = {}
        functions = Counter(p.stage.location[::2] for p in printed if p.stage and p.stage.location)
        self._function = max(functions, key=functions.__getitem__, default=None)
        for p, statement in zip(printed, statements, strict=True):
            self._step(p, statement)

    def _step(self, p: Printed, statement: Statement) -> None:
        defines = statement.defines
        location = None if p.stage is None else p.stage.location
        if self.by_question and p.test is not None:
            location = p.test.guard.location
        kind = (
            statement.pieces,
            tuple(
                "value" if place.kind in ("read", "float", "array") else place.kind
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
        alone = len(self.steps) if len(self.steps) in self.unrolled else None
        number = self.kinds.number((kind, alone))
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


def _constant_arrays(printed: Sequence[Printed]) -> dict[Any, set[str]]:
    """Return the arrays that each line makes, where it always makes the same one.

    The first turn of a loop has ``np.zeros(3)`` where the others have the variable of the turn
    before.
    """
    found: dict[Any, set[str]] = {}
    for p in printed:
        found.setdefault(p.location, set()).update(arrays_in(p.text))
    return {line: arrays if len(arrays) == 1 else set() for line, arrays in found.items()}


def _sums(printed: Sequence[Printed], statements: Sequence[Statement]) -> list[bool]:
    """Tell which statements add to a gradient what is of its type: in place it would be cast."""
    types: dict[str | None, Any] = {}
    found = []
    for p, statement in zip(printed, statements, strict=True):
        made = None if p.part is None else dtype_of(p.part.value)
        known = types.setdefault(statement.defines, made)
        found.append(statement.is_sum and made is not None and made == known)
    return found


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
