"""Stages that are the same but for their numbers and values are derived once.

A loop of 200 turns has 200 stages of each kind. The gradient of one of them, as a graph in the
variables of the stage, is that of all others: with their variables, indices and lengths. It is used
again where the passes that made it would have seen the same of the values (`graph.looks`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.graph import Apply, Constant, Input, Vertex, evaluate, topological
from chainrule.graph.looks import Question, noted
from chainrule.graph.loops.affine import filled, skeleton
from chainrule.staged.derive import Derived, Style, derive
from chainrule.staged.growth import Growth, Number

__all__ = ["Derivations"]

_NUMBERS = (int, float, np.float64)  # that other stages may have others of
_MOST = 6  # derivations after which nothing more is learnt about numbers


class Derivations:
    """Derives stages, each kind of them once.

    Args:
        style: how to write gradients.
    """

    def __init__(self, style: Style) -> None:
        self.style = style
        self._kinds: dict[Hashable, _Kind] = {}

    def derive(
        self,
        variable: Input | None,
        expression: Vertex,
        upstream: Input | Constant,
        inputs: Sequence[Input],
        guarded: bool,
    ) -> Derived:
        """Do what `chainrule.staged.derive.derive` does, once for stages that are alike.

        In the plain style, each stage is derived by itself.
        """
        if self.style.plain:
            return derive(variable, expression, upstream, inputs, guarded, self.style)
        stage = _Stage(variable, expression, upstream, inputs)
        key = (stage.key, guarded)
        kind = self._kinds.setdefault(key, _Kind())
        found = kind.derived(stage)
        if found is not None:
            return found
        if not kind.is_open:
            return derive(variable, expression, upstream, inputs, guarded, self.style)
        guards: list[object] = []
        with noted() as looks:
            found = derive(
                variable,
                expression,
                upstream,
                inputs,
                guarded,
                self.style,
                looked=lambda node, outcome: guards.append(node),
            )
        kind.learn(stage, None if guards else _Template.of(stage, found, looks))
        return found


class _Stage:
    """What is derived: its leaves, the numbers in it, and what it has in common with others.

    Numbers that are special are a part of ``key``; of all others it holds their order alone.
    """

    def __init__(
        self,
        variable: Input | None,
        expression: Vertex,
        upstream: Input | Constant,
        inputs: Sequence[Input],
    ) -> None:
        self.leaves: list[Vertex] = []
        self.numbers: list[Number] = []
        self.arrays: dict[int, int] = {}
        vertices = topological([expression])
        at = {x: k for k, x in enumerate(vertices)}
        key: list[Hashable] = [self._vertex(x, at) for x in vertices]
        key += [at[x] for x in inputs]
        for x in (variable, upstream):
            key.append(None if x is None else self._vertex(x, at))
        self.key = (*key, *_order(self.numbers))

    def _vertex(self, x: Vertex, at: Mapping[Vertex, int]) -> Hashable:
        value = x.value
        if isinstance(x, Apply):
            integers: list[int] = []
            params = skeleton(x.params, integers)
            self.numbers += [*integers, *x.shape]
            operands = tuple(at[y] for y in x.operands)
            return x.operation, operands, params, type(value), x.dtype, x.ndim
        if isinstance(x, Constant) and not isinstance(value, np.ndarray):
            if type(value) in _NUMBERS:
                self.numbers.append(value)
                return str(type(value))
            return type(value), repr(value)
        self.leaves.append(x)
        self.numbers += x.shape
        if isinstance(x, Input):
            return type(value), x.dtype, x.ndim, x.finite
        known = id(value) if x.literal else self.arrays.setdefault(id(value), len(self.arrays))
        return x.literal, known, x.dtype, x.ndim


def _order(numbers: Iterable[Number]) -> Iterable[Hashable]:
    """Say of numbers what rules may ask: which are special, and which is larger than another."""
    numbers = list(numbers)
    whole = {n: k for k, n in enumerate(sorted({n for n in numbers if type(n) is int}))}
    broken = {n: k for k, n in enumerate(dict.fromkeys(n for n in numbers if type(n) is not int))}
    for n in numbers:
        if type(n) is int:
            yield (whole[n], n) if -2 <= n <= 2 else whole[n]
        elif float(2 * n).is_integer() or not 1e-100 < abs(n) < 1e100:
            yield repr(n)
        else:
            yield broken[n], n < 0


class _Part(NamedTuple):
    """A vertex of a template: its operands by their place, its parameters with numbers left out."""

    operation: Any
    operands: tuple[int, ...]
    params: Any
    made: type


@dataclass(slots=True)
class _Template:
    """A derived graph, as what can be said of it in other variables.

    Attributes:
        parts: a leaf by its place among those of the stage, the type of a number, or an operation.
        looks: what was asked about which of them, and the answer.
        gradients: where each is among the parts, None where there is none.
        named: where those parts are that get a name.
        numbers: the integers in parameters, and the constants.
        params: of each part.
    """

    parts: list[Any]
    looks: list[tuple[Question, tuple[int, ...], bool]]
    gradients: list[int | None]
    named: list[int]
    numbers: list[Number] = field(default_factory=list)
    params: list[Any] = field(default_factory=list)

    @staticmethod
    def of(stage: _Stage, found: Derived, looks: Mapping[Any, bool]) -> _Template | None:
        """Return the template of a derivation; None where it has an array that rules have made."""
        asked = [x for look in looks for x in look.vertices]
        outputs = [x for x in found.gradients if x is not None]
        vertices = topological([*outputs, *found.named, *asked])
        at = {x: k for k, x in enumerate(vertices)}
        leaves = {x: k for k, x in enumerate(stage.leaves)}
        template = _Template(
            [],
            [(x.question, tuple(at[y] for y in x.vertices), a) for x, a in looks.items()],
            [None if x is None else at[x] for x in found.gradients],
            sorted(at[x] for x in found.named),
        )
        for x in vertices:
            part = template._part(x, at, leaves)
            if part is None:
                return None
            template.parts.append(part)
        return template

    def _part(self, x: Vertex, at: Mapping[Vertex, int], leaves: Mapping[Vertex, int]) -> Any:
        self.params.append(None)
        if x in leaves:
            return leaves[x]
        if isinstance(x, Apply):
            self.params[-1] = x.params
            integers: list[int] = []
            params = skeleton(x.params, integers)
            self.numbers += integers
            operands = tuple(at[y] for y in x.operands)
            return _Part(x.operation, operands, params, type(x.value))
        if isinstance(x, Input) or isinstance(x.value, np.ndarray):
            return None
        if type(x.value) in _NUMBERS:
            self.numbers.append(x.value)
            return type(x.value)
        return type(x.value), repr(x.value), x

    def is_like(self, other: _Template) -> bool:
        """Tell whether two are the same but for their numbers."""
        return (
            [_shown(part) for part in self.parts] == [_shown(part) for part in other.parts]
            and (self.looks, self.gradients, self.named)
            == (other.looks, other.gradients, other.named)
            and len(self.numbers) == len(other.numbers)
        )

    def filled(self, leaves: Sequence[Vertex], numbers: Iterable[Number]) -> Derived | None:
        """Return the graph in other variables, None where the passes would not have made it."""
        rest = iter(numbers)
        made: list[Vertex] = []
        for part, params in zip(self.parts, self.params, strict=True):
            if isinstance(part, _Part):
                operands = tuple([made[k] for k in part.operands])
                given = filled(params, lambda _: next(rest)) if params else params
                value = evaluate(part.operation, [x.value for x in operands], given)
                if type(value) is not part.made:
                    value = np.asarray(value)[()]
                    value = value.item() if part.made is float else value
                    if type(value) is not part.made:
                        return None
                made.append(Apply(part.operation, operands, given, value))
            elif isinstance(part, int):
                made.append(leaves[part])
            elif isinstance(part, type):
                made.append(Constant(part(next(rest))))
            else:
                made.append(part[-1])
        for question, at, answer in self.looks:
            with np.errstate(all="ignore"):
                if question(*(made[k].value for k in at)) != answer:
                    return None
        gradients = [None if k is None else made[k] for k in self.gradients]
        return Derived(gradients, {made[k] for k in self.named})


def _shown(part: Any) -> Any:
    return part[:2] if type(part) is tuple else part


@dataclass(slots=True)
class _Kind:
    """Stages of one kind: the template of their derivation, and the numbers in it."""

    template: _Template | None = None
    growth: Growth = field(default_factory=Growth)
    is_open: bool = True
    """Whether there is something to be learnt from another derivation."""

    def derived(self, stage: _Stage) -> Derived | None:
        """Return the derivation of a stage, None where that is not known."""
        numbers = None if self.template is None else self.growth.of(stage.numbers)
        if numbers is None or self.template is None:
            return None
        return self.template.filled(stage.leaves, numbers)

    def learn(self, stage: _Stage, found: _Template | None) -> None:
        """Learn from a derivation."""
        known = self.template or found
        if known is None or found is None or not found.is_like(known):
            self.is_open, self.template = False, None
            return
        self.template = known
        self.growth.add(stage.numbers, found.numbers)
        self.is_open = self.growth.is_regular and len(self.growth.given) < _MOST
