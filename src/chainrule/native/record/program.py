"""A program: one recorded run as the native builder gets it.

It is a graph with its inputs, the arrays that the function captured, its outputs, and what Python
looked at on the way (the guards): the program is that of f as long as the guards come out alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from chainrule.core.array import dtype_of, shape_of
from chainrule.core.placeholder import is_array
from chainrule.graph.graph import Apply, Constant, Input, Vertex, topological
from chainrule.graph.loops.affine import Counter
from chainrule.graph.loops.extrapolate import Turns
from chainrule.native.entry.layout import Structure

__all__ = ["Builder", "Family", "Program", "Runnable", "Trips"]


@dataclass(frozen=True, slots=True)
class Family:
    """The same program with several numbers of turns.

    Attributes:
        programs: the others.
        turns: how many turns this one's loops and those of the others had, and how many there are.
        trips: for each loop that ends when a condition fails, how many turns it may have.
    """

    programs: tuple[Program, ...]
    turns: Turns
    trips: tuple[Trips, ...] = ()


@dataclass(frozen=True, slots=True)
class Trips:
    """How many turns a loop may have that ends when a condition fails.

    Attributes:
        counter: stands for their number.
        answer: what the condition is until then.
        guard: the number of the guard that they are not more.
        most: how many there may be.
        where: the line that asks, for people.
    """

    counter: Counter
    answer: bool
    guard: int
    most: int
    where: str = field(default="", compare=False)


@dataclass(frozen=True)
class Program:
    """What is to be computed.

    Attributes:
        name: of the function, for messages and symbols.
        inputs: the floating-point, integer and boolean leaves of the arguments, in order, with
            their values in the recorded run.
        captured: arrays that the function found outside, which are read at each call.
        outputs: the vertices of the result, flat. Each is to come out as the type of its value in
            the recorded run: a Python float, a NumPy scalar or an array. One may be there twice.
        guards: what Python looked at, in that order, and what it saw: a bool, an int or a float. If
            one comes out otherwise, the outputs (and the guards after it) mean nothing.
        structure: how the outputs make up the result; None where Python has to make it.
        arguments: where the inputs lie in positional arguments; None where Python has to look.
        conditions: for each loop that ends when a condition fails, what it asks before each turn.
        family: where this is a recording of few turns of long loops, what is known of more turns.
    """

    name: str
    inputs: tuple[Input, ...]
    captured: tuple[Constant, ...]
    outputs: tuple[Vertex, ...]
    guards: tuple[tuple[Vertex, bool | int | float], ...]
    structure: Structure | None = None
    arguments: tuple[Structure, ...] | None = None
    conditions: tuple[tuple[Vertex, ...], ...] = ()
    family: Family | None = None

    def vertices(self) -> list[Vertex]:
        """Return every vertex that the guards and the outputs need, operands first."""
        asked = (vertex for vertices in self.conditions for vertex in vertices)
        return topological([*(vertex for vertex, _ in self.guards), *self.outputs, *asked])

    def names(self) -> dict[Vertex, str]:
        """Return what each vertex is called where the graph is written."""
        names: dict[Vertex, str] = {vertex: vertex.name for vertex in self.inputs}
        names |= {vertex: f"captured_{k}" for k, vertex in enumerate(self.captured)}
        count = 0
        for vertex in self.vertices():
            if vertex in names:
                continue
            if isinstance(vertex, Apply):
                names[vertex] = f"%{count}"
                count += 1
            else:
                names[vertex] = _literal(vertex.value)
        return names

    def text(self) -> str:
        """Write the graph, one vertex a line."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        names = self.names()
        sources: list[Vertex] = [*self.inputs, *self.captured]
        for source in sources:
            yield f"{names[source]}: {_kind(source.value)}"
        guards: dict[Vertex, list[bool | int | float]] = {}
        for vertex, seen in self.guards:
            guards.setdefault(vertex, []).append(seen)
        for vertex in self.vertices():
            if isinstance(vertex, Apply):
                given = [*(names[x] for x in vertex.operands), *_written(vertex.params)]
                call = f"{vertex.operation.name}({', '.join(given)})"
                yield f"{names[vertex]} = {call}: {_kind(vertex.value)}"
            for seen in guards.get(vertex, ()):
                yield f"guard {names[vertex]} is {seen!r}"
        yield f"return {', '.join(names[vertex] for vertex in self.outputs)}"


class Runnable(Protocol):
    """A program that can be run.

    It returns the outputs and whether all guards were met: True, or what was found for the guards
    (as many as are known, up to the first one that was not met), or False where that is not known.
    An exception means that the function itself is to be run, which will raise its own.

    Two further methods are used where there are any. ``entry(captured, names, cells, fallback)``
    returns a function of the arguments, by position, that checks their types, dtypes and shapes,
    the captured arrays, and what is watched (``names`` and ``cells`` of a
    `chainrule.native.record.watch.Captured`), runs, compares the guards and makes the result by
    ``structure``; it returns what ``fallback`` does wherever anything is otherwise.
    ``describe()`` returns what `chainrule.native.compiled.Lowered` shows besides the graph, by
    name.
    """

    def __call__(
        self, inputs: list[Any], captured: list[np.ndarray[Any, Any]]
    ) -> tuple[list[Any], bool | tuple[Any, ...]]:
        """Run it."""


class Builder(Protocol):
    """Makes a program runnable."""

    def __call__(self, program: Program) -> Runnable:
        """Build it."""


def _kind(value: Any) -> str:
    if type(value) in (float, int, bool):
        return type(value).__name__
    shape = f" {shape_of(value)}" if is_array(value) else ""
    return f"{dtype_of(value)}{shape}"


def _written(params: Any) -> Iterator[str]:
    for name, value in params.items():
        yield f"{name}={_literal(value) if isinstance(value, np.ndarray) else value}"


def _literal(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return str(value) if type(value) in (float, int, bool) else repr(value)
    if value.size <= 4:
        return f"{np.array2string(value, separator=', ')}"
    return f"<{_kind(value)}>"
