"""Rewriting a graph: rules are applied from the operands upwards until none has anything to say."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Constant, Vertex, topological

__all__ = [
    "Rule",
    "about",
    "frozen",
    "instead",
    "only_of",
    "passed",
    "rewrite",
    "same_kind",
    "share",
    "substitute",
    "uses",
    "with_operands",
]

#: A rule looks at one vertex and returns a simpler one of the same value, or None.
Rule: TypeAlias = "Callable[[Apply], Vertex | None]"
#: A pass makes of the outputs of a graph others of the same values.
Pass: TypeAlias = "Callable[[Sequence[Vertex]], list[Vertex]]"

_ROUNDS = 50  # a vertex is rewritten at most this often: no set of rules can run for ever
_SMALL = 1024  # bytes up to which literal arrays are compared by their contents


def rewrite(outputs: Sequence[Vertex], rules: Sequence[Rule]) -> list[Vertex]:
    """Apply rules until none of them changes any vertex that the outputs need."""
    done: dict[Vertex, Vertex] = {}
    settled: set[Vertex] = set()
    for vertex in topological(outputs):
        done[vertex] = _settle(with_operands(vertex, done), rules, settled)
    return [done[output] for output in outputs]


def passed(outputs: Sequence[Vertex], *passes: Pass) -> list[Vertex]:
    """Apply passes, one after the other, to a graph in which nothing is computed twice.

    Nor is it in what they make of it.
    """
    given = list(outputs)
    for one in passes:
        made = one(given)
        given = given if made == given else share(made)
    return given


def about(*operations: Operation) -> Callable[[Rule], Rule]:
    """Say of which operations alone a rule has something to say: `only_of` asks it of no others."""

    def marked(rule: Rule) -> Rule:
        rule.about = frozenset(operations)  # type: ignore[attr-defined]
        return rule

    return marked


def only_of(fits: Callable[[np.dtype[Any]], bool], *rules: Rule) -> Rule:
    """Return rules as one, for vertices that have fitting dtypes alone, as their operands do.

    Most rules are about real numbers: the conjugate of a complex one is not the number itself.
    """
    asked: dict[Operation, list[Rule]] = {}

    def rule(vertex: Apply) -> Vertex | None:
        operation = vertex.operation
        mine = asked.get(operation)
        if mine is None:
            mine = [rule for rule in rules if operation in getattr(rule, "about", (operation,))]
            asked[operation] = mine
        if not mine or not fits(vertex.dtype):
            return None
        for x in vertex.operands:
            if not fits(x.dtype):
                return None
        for rule in mine:
            new = rule(vertex)
            if new is not None:
                return new
        return None

    return rule


def _settle(vertex: Vertex, rules: Sequence[Rule], settled: set[Vertex]) -> Vertex:
    """Rewrite a vertex whose operands are settled, except for those that a rule has just built."""
    for _ in range(_ROUNDS):
        if not isinstance(vertex, Apply) or vertex in settled:
            return vertex
        for x in vertex.operands:
            if type(x) is Apply and x not in settled:
                again = {y: _settle(y, rules, settled) for y in vertex.operands}
                vertex = with_operands(vertex, again)
                break
        assert isinstance(vertex, Apply)
        for rule in rules:
            new = rule(vertex)
            if new is not None:
                vertex = new
                break
        else:
            break
    settled.add(vertex)
    return vertex


def with_operands(vertex: Vertex, done: dict[Vertex, Vertex]) -> Vertex:
    """Return a vertex with other operands in the place of some; itself if there are none."""
    if not isinstance(vertex, Apply):
        return vertex
    for x in vertex.operands:
        if done.get(x, x) is not x:
            operands = tuple([done.get(y, y) for y in vertex.operands])
            return Apply(vertex.operation, operands, vertex.params, vertex.value)
    return vertex


def substitute(outputs: Sequence[Vertex], replacements: dict[Vertex, Vertex]) -> list[Vertex]:
    """Put other vertices in the place of some."""
    done: dict[Vertex, Vertex] = {}
    for vertex in topological(outputs):
        done[vertex] = (
            replacements[vertex] if vertex in replacements else (with_operands(vertex, done))
        )
    return [done[output] for output in outputs]


def share(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Merge vertices that compute the same thing."""
    done: dict[Vertex, Vertex] = {}
    known: dict[Any, Vertex] = {}
    for vertex in topological(outputs):
        new = with_operands(vertex, done)
        done[vertex] = known.setdefault(_key(new), new)
    return [done[output] for output in outputs]


def _key(vertex: Vertex) -> Any:
    if isinstance(vertex, Apply):
        params = vertex.params
        return vertex.operation, vertex.operands, frozen(params) if params else ()
    if isinstance(vertex, Constant) and not isinstance(vertex.value, np.ndarray):
        return Constant, type(vertex.value), frozen(vertex.value), str(vertex.value)
    if isinstance(vertex, Constant):
        by_contents = vertex.literal and vertex.value.nbytes <= _SMALL
        return Constant, frozen(vertex.value) if by_contents else id(vertex.value)
    return vertex


_name = operator.itemgetter(0)


def frozen(value: Any) -> Any:
    """Return something hashable that is equal for equal parameters alone."""
    kind = type(value)
    if kind is int or kind is str or value is None:  # most
        return kind, value
    if isinstance(value, (list, tuple)):
        return (kind, *map(frozen, value))
    if kind is slice:
        return slice, value.start, value.stop, value.step
    if isinstance(value, dict) or hasattr(value, "items"):
        items = [(key, frozen(item)) for key, item in value.items()]
        return tuple(items if len(items) == 1 else sorted(items, key=_name))
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, float):
        return type(value), value, str(value)  # -0.0 is another number than 0.0
    try:
        hash(value)
    except TypeError:
        return id(value)
    return type(value), value


def uses(outputs: Iterable[Vertex]) -> dict[Vertex, int]:
    """Count how often each vertex is used as an operand or output."""
    outputs = list(outputs)
    count: dict[Vertex, int] = {}
    for vertex in topological(outputs):
        if isinstance(vertex, Apply):
            for operand in vertex.operands:
                count[operand] = count.get(operand, 0) + 1
    for output in outputs:
        count[output] = count.get(output, 0) + 1
    return count


def same_kind(new: Vertex, old: Vertex) -> bool:
    """Tell whether a vertex may stand for another: the same shape and dtype."""
    return new.shape == old.shape and new.dtype == old.dtype


def instead(old: Apply, new: Vertex) -> Vertex | None:
    """Return a new vertex where it may stand for the old one."""
    return new if same_kind(new, old) else None
