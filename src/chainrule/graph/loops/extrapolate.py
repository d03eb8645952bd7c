"""Extrapolating: the graph of a long loop, from the same graph with few turns of it.

Graphs that were recorded with 6 and 8 turns of a loop are the same, once they are folded, but for
integers that grow evenly with the number of turns: how many turns there are, at which of them
something is read, how long an array is. So the graph with a million turns is known, too. Whether
the turns that nobody recorded would have been like those that were is for others to say.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from chainrule.core.placeholder import Placeholder, is_array
from chainrule.graph.graph import Apply, Constant, Input, Vertex
from chainrule.graph.loops.affine import (
    Affine,
    Counter,
    Integer,
    affine,
    plus,
    skeleton,
)
from chainrule.graph.loops.alike import (
    NotAlikeError,
    Same,
    across,
    are_equal,
    count_of,
    listing_of,
    number_of,
    operands_of,
    which_of,
    whole_number,
    whole_part,
)
from chainrule.graph.loops.certain import doubt_of, is_of_any_length
from chainrule.graph.loops.listing import moved
from chainrule.graph.loops.loop import Carry, Kept, Loop, element
from chainrule.graph.loops.series import factor_of, multiples

__all__ = ["NotAlikeError", "Turns", "extrapolated"]

_MOST_WRITTEN = 64  # entries of a constant that are not zero and move with the number of turns


@dataclass(frozen=True, slots=True)
class Turns:
    """How many turns the loops had.

    Attributes:
        recorded: for each graph, how many turns each of the loops that were cut short had; in graph
            k, loop k - 1 alone has more than in the first, and in those behind, if any, any have.
        wanted: how many each of them has; a counter where only the running program can tell.
        doubts: is told why the turns that nobody recorded may do something else, though the graphs
            are alike: nothing if it is sure that they do the same with the numbers of their turns.
    """

    recorded: tuple[tuple[int, ...], ...]
    wanted: tuple[int | Counter, ...]
    doubts: list[str] = field(default_factory=list, compare=False, repr=False)


def extrapolated(
    graphs: Sequence[Sequence[Vertex]], leaves: Mapping[Vertex, Vertex], turns: Turns
) -> list[Vertex]:
    """Return the outputs of a graph for the wanted numbers of turns.

    Args:
        graphs: the outputs of each graph, folded.
        leaves: for each input and captured array of each graph, the first graph's.
        turns: how many there were, and how many there are to be.

    Raises:
        NotAlikeError: the graphs differ in more than integers that grow with the number of turns.
    """
    if len({len(outputs) for outputs in graphs}) != 1:
        raise NotAlikeError("another number of results")
    made = _Extrapolation(leaves, turns).made(list(zip(*graphs, strict=True)))
    if all(isinstance(n, int) for n in turns.wanted):
        doubt = doubt_of(made)
        if doubt is not None:
            turns.doubts.append(doubt)
    return made


class _Extrapolation:
    def __init__(self, leaves: Mapping[Vertex, Vertex], turns: Turns) -> None:
        self.leaves, self.turns = leaves, turns
        self.known: dict[Same, Vertex] = {}
        self.counters: dict[Counter, tuple[tuple[Counter, ...], Counter]] = {}

    def made(self, outputs: Iterable[Same]) -> list[Vertex]:
        """Return what becomes of vertices, operands first."""
        outputs = list(outputs)
        stack = outputs[::-1]
        while stack:
            same = stack[-1]
            if same in self.known:
                stack.pop()
                continue
            missing = [x for x in operands_of(same) if x not in self.known]
            if missing:
                stack += missing[::-1]
                continue
            stack.pop()
            self.known[same] = self._vertex(same)
        return [self.known[same] for same in outputs]

    def _vertex(self, same: Same) -> Vertex:
        first = same[0]
        if isinstance(first, Input):
            return self._leaf(same)
        if isinstance(first, Constant):
            return first if first in self.leaves else self._constant(same)
        applied = [x for x in same if isinstance(x, Apply)]
        if isinstance(first.operation, Loop):
            return self._loop(applied)
        operands = tuple(self.known[x] for x in operands_of(same))
        if len({len(x.operands) for x in applied}) != 1:
            operands, params = self._listed(applied, operands)
            self.turns.doubts.append("a list has an item for each turn")
        else:
            given = [x.params for x in applied]
            params = self.parameters(given) if any(given) else {}
        made = Apply(first.operation, operands, params, self.value(applied))
        if not is_of_any_length(first.operation) and _moves(applied):
            name = first.operation.name
            self.turns.doubts.append(f"`{name}` depends on the number of turns")
        return made

    def _listed(
        self, same: Sequence[Apply], known: tuple[Vertex, ...]
    ) -> tuple[tuple[Vertex, ...], dict[str, Any]]:
        """Return operands and parameters where entries of a tape are operands one by one."""
        found = listing_of(same)
        count = self.integer([run.count for run in found.runs])
        one, next_one = (self.integer([run.turn(k) for run in found.runs]) for k in (0, 1))
        if not isinstance(count, int):
            raise NotAlikeError("a list of a length that only the running program knows")
        head, kept, tail = known[: found.head], known[found.head], known[found.head + 1 :]
        model = found.runs[0].entry(0)
        entries = [
            Apply(element, (kept,), {"turns": (moved(one, next_one, k),)}, model.value)
            for k in range(count)
        ]
        params: dict[str, Any] = {}
        for name, value in same[0].params.items():
            values = [x.params[name] for x in same]
            if type(value) is tuple and len(value) == len(same[0].operands):
                start, after = (
                    self.parameters(
                        [x[run.start + k] for x, run in zip(values, found.runs, strict=True)]
                    )
                    for k in (0, 1)
                )
                before = self.parameters([x[: found.head] for x in values])
                behind = self.parameters(
                    [x[run.start + run.count :] for x, run in zip(values, found.runs, strict=True)]
                )
                params[name] = (*before, *(moved(start, after, k) for k in range(count)), *behind)
            else:
                params[name] = self.parameters(values)
        return (*head, *entries, *tail), params

    def _leaf(self, same: Same) -> Vertex:
        found = {self.leaves.get(x) for x in same}
        if len(found) != 1 or None in found:
            raise NotAlikeError("another argument is read")
        return self.leaves[same[0]]

    def _constant(self, same: Same) -> Vertex:
        values = [x.value for x in same if isinstance(x, Constant)]
        first = values[0]
        if any(x in self.leaves for x in same) and len({self.leaves.get(x) for x in same}) != 1:
            raise NotAlikeError("another captured array is read")
        if any(type(value) is not type(first) for value in values):
            raise NotAlikeError("another type of constant")
        if all(are_equal(value, first) for value in values):
            return same[0]
        if isinstance(first, np.ndarray):
            return Constant(self._mostly_zeros(values), literal=True)
        grown = self.integer([whole_number(value) for value in values])
        if not isinstance(grown, int):
            raise NotAlikeError("a constant that depends on how many turns there will be")
        return Constant(type(first)(grown))

    def _mostly_zeros(self, values: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        """Return zeros with the same numbers elsewhere: of the last turn, say, which reads x[t]."""
        first = values[0]
        places = [np.flatnonzero(x).tolist() for x in values]
        written = [x.reshape(-1)[found].tobytes() for x, found in zip(values, places, strict=True)]
        alike = {(x.shape, x.dtype) for x in values} == {(first.shape, first.dtype)}
        if not alike or len(set(written)) > 1 or len(places[0]) > _MOST_WRITTEN:
            raise NotAlikeError("another constant")
        wanted = [self.integer(found) for found in zip(*places, strict=True)]
        made = np.zeros_like(first, order="C")
        if any(not isinstance(k, int) or not 0 <= k < made.size for k in wanted):
            raise NotAlikeError("a constant that depends on how many turns there will be")
        made.reshape(-1)[np.array(wanted, np.intp)] = first.reshape(-1)[places[0]]
        return made

    # Loops.

    def _loop(self, same: Sequence[Apply]) -> Vertex:
        loops = [x.operation for x in same if isinstance(x.operation, Loop)]
        first = loops[0]
        counter = self._counter([loop.counter for loop in loops])
        turns = self.integer([loop.turns for loop in loops])
        if isinstance(turns, int) and turns < 0:
            raise NotAlikeError("a loop that would have less than no turns")
        operands = [iter(x.operands) for x in same]

        def take(count: int) -> list[Vertex]:
            return [self.known[tuple(map(next, operands))] for _ in range(count)]

        given = take(len(first.invariants))
        invariants = [self._variable(x) for x in across(loops, lambda loop: loop.invariants)]
        for carried in across(loops, lambda loop: loop.carried):
            given += take(carried[0].lag)
            self._variable([c.input for c in carried])
        tables = [self._variable(x) for x in across(loops, lambda loop: loop.tables)]
        for _ in tables:
            columns = [
                [next(rest) for _ in range(count_of(loop.turns))]
                for rest, loop in zip(operands, loops, strict=True)
            ]
            given += self._column(columns, turns)
        results = [tuple(c.result for c in cs) for cs in across(loops, lambda loop: loop.carried)]
        results += [tuple(k.result for k in ks) for ks in across(loops, lambda loop: loop.kept)]
        made = iter(self.made(results))
        carries = [
            Carry(self._variable([c.input for c in cs]), next(made), cs[0].lag)
            for cs in across(loops, lambda loop: loop.carried)
        ]
        which = [[which_of(k.carry, loop.carried) for k in loop.kept] for loop in loops]
        if any(numbers != which[0] for numbers in which):
            raise NotAlikeError("another tape")
        kept = [Kept(next(made), None if k is None else carries[k]) for k in which[0]]
        return Apply(Loop(counter, turns, invariants, carries, tables, kept), tuple(given))

    def _variable(self, same: Sequence[Input]) -> Input:
        """Return a variable of a body."""
        key: Same = tuple(same)
        if key not in self.known:
            self.known[key] = Input(same[0].name, self.value(same))
        variable = self.known[key]
        assert isinstance(variable, Input)
        return variable

    def _counter(self, same: Sequence[Counter]) -> Counter:
        others, counter = self.counters.setdefault(same[0], (tuple(same), Counter(same[0].name)))
        if others != tuple(same):
            raise NotAlikeError("another loop")
        return counter

    def _column(self, columns: Sequence[Sequence[Vertex]], turns: Integer) -> list[Vertex]:
        """Return what is given for each turn: numbers that grow evenly, or by a factor."""
        values = [[number_of(x) for x in column] for column in columns]
        kinds = {type(x) for column in values for x in column}
        if not isinstance(turns, int) or len(kinds) != 1:
            raise NotAlikeError("constants that depend on how many turns there will be")
        (kind,) = kinds
        factor = factor_of(values)
        if factor is not None:
            products = itertools.accumulate(
                itertools.repeat(factor, turns - 1), operator.mul, initial=values[0][0]
            )
            return [Constant(kind(x)) for x in products]
        found = multiples(values)
        if found is None:
            raise NotAlikeError("constants that are not multiples of a number")
        numbers, value = found
        step = numbers[0][1] - numbers[0][0]
        for column in numbers:
            if any(b - a != step for a, b in itertools.pairwise(column)):
                raise NotAlikeError("constants that grow unevenly")
        start = self.integer([column[0] for column in numbers])
        assert isinstance(start, int)
        if abs(start + step * turns) >= 2**53:
            raise NotAlikeError("constants that grow too large")
        return [Constant(kind(value(start + step * k))) for k in range(turns)]

    # Integers.

    def integer(self, same: Sequence[Integer]) -> Integer:
        """Return an integer for the wanted numbers of turns."""
        if all(isinstance(x, int) for x in same):
            return self._growing([x for x in same if isinstance(x, int)])
        parts = [x for x in same if isinstance(x, Affine)]
        if len(parts) < len(same):
            raise NotAlikeError("an index grows in some of them alone")
        first = self.integer([x.first for x in parts])
        growth = self.integer([x.growth for x in parts])
        return affine(first, growth, self._counter([x.counter for x in parts]))

    def _growing(self, same: Sequence[int]) -> Integer:
        if len(set(same)) == 1:
            return same[0]
        base, *others = self.turns.recorded
        steps = [counts[k] - n for k, (n, counts) in enumerate(zip(base, others, strict=False))]
        grown = [x - same[0] for x in same[1 : 1 + len(base)]]  # in so many turns more
        for value, counts in zip(same[1:], others, strict=True):
            further = (
                Fraction(g * (n - m), step)
                for g, m, n, step in zip(grown, base, counts, steps, strict=True)
            )
            if value != same[0] + sum(further):
                raise NotAlikeError("an integer grows unevenly")
        made: Integer = same[0]
        for g, m, step, wanted in zip(grown, base, steps, self.turns.wanted, strict=True):
            if isinstance(wanted, int):
                made = plus(made, whole_part(g * (wanted - m), step))
            else:
                slope = whole_part(g, step)
                made = plus(made, affine(-slope * m, slope, wanted))
        return made

    def parameters(self, same: Sequence[Any]) -> Any:
        """Return parameters: what is in them may be integers, and anything that is the same."""
        first = same[0]
        kind = type(first)
        if all(isinstance(x, (int, Affine)) and type(x) is not bool for x in same):
            return self.integer(same)
        if any(type(x) is not kind for x in same):
            raise NotAlikeError("another parameter")
        if kind is dict or isinstance(first, Mapping):
            if any(x.keys() != first.keys() for x in same):
                raise NotAlikeError("another parameter")
            return {key: self.parameters([x[key] for x in same]) for key in first}
        if isinstance(first, (list, tuple)):
            if len({len(x) for x in same}) != 1:
                raise NotAlikeError("another parameter")
            items = [self.parameters(parts) for parts in zip(*same, strict=True)]
            return kind(items) if kind in (list, tuple) else kind(*items)
        if isinstance(first, (slice, range)):
            bounds = [(x.start, x.stop, x.step) for x in same]
            return kind(*(self.parameters(parts) for parts in zip(*bounds, strict=True)))
        if not all(are_equal(x, first) for x in same):
            raise NotAlikeError("another parameter")
        return first

    def value(self, same: Sequence[Apply | Input]) -> Any:
        """Return the value of a vertex, or the placeholder that stands for it."""
        values = [x.value for x in same]
        first = values[0]
        if any(type(x) is not type(first) for x in values):
            raise NotAlikeError("a value of another type")
        if first is None:  # of tapes
            return None
        if any(x.dtype != same[0].dtype for x in same):
            raise NotAlikeError("a value of another dtype")
        if not is_array(first):
            return first
        shapes = [x.shape for x in values]
        if len({len(shape) for shape in shapes}) != 1:
            raise NotAlikeError("an array of another number of axes")
        made = tuple(self.integer(extents) for extents in zip(*shapes, strict=True))
        if any(isinstance(n, int) and n < 0 for n in made):
            raise NotAlikeError("an array that would have less than no entries")
        return Placeholder(made, same[0].dtype)  # type: ignore[arg-type]


def _moves(same: Sequence[Apply]) -> bool:
    """Tell whether parameters or the length of an array differ in the graphs."""
    integers: list[list[int]] = [[] for _ in same]
    for x, found in zip(same, integers, strict=True):
        skeleton(x.params, found)
    return any(found != integers[0] for found in integers) or len({x.shape for x in same}) > 1
