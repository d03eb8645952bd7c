"""A trace: one recorded run of a user's function, with the names and lines that it came from.

The graph is the nodes themselves; a trace adds what only the run could tell: which variable each
value was stored to, on which line, in which call of which function, what Python looked at, and what
the arrays that were captured from outside are called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np

from chainrule import trees
from chainrule.core.array import value_of
from chainrule.core.node import Node
from chainrule.core.recording import Recording
from chainrule.core.source import Location
from chainrule.errors import UnsupportedError
from chainrule.graph.open_code import Asked
from chainrule.graph.open_loops import OpenLoop

__all__ = ["Argument", "Guard", "Note", "Row", "Trace"]


@dataclass(frozen=True, slots=True)
class Note:
    """What a run tells about one node: its variable, its place, and the call it was made in.

    ``call`` numbers the calls of user functions in the order in which they began to record.
    ``derived`` nodes are part of a nested gradient: a rule made them, and nobody has written them.
    ``counters`` are the variables that count the loops around it, the outermost first.
    """

    name: str | None
    location: Location
    call: int
    instruction: int
    derived: bool = False
    counters: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Guard:
    """Python looked at a recorded value, as ``if x > 0`` does, after so many nodes were made.

    ``asked`` is the question, where it is whether a loop goes on.
    """

    node: Node
    outcome: Any
    location: Location
    position: int
    asked: Asked | None = None


class Row(NamedTuple):
    """``name[at]``, a row of a captured array."""

    name: str
    array: np.ndarray[Any, Any]
    at: int


@dataclass(slots=True)
class Argument:
    """One leaf of the arguments.

    ``node`` is None where it was a constant to the run, which an int is. ``wanted`` tells whether
    gradients are taken by it.
    """

    name: str
    position: int
    path: str
    value: Any
    node: Node | None
    wanted: bool


@dataclass(slots=True)
class Trace:
    """One recorded run.

    ``nodes`` are all nodes in the order in which they were made, dead ones included; every node
    holds all its operands and its output. ``output`` is an Array, a plain value if it depends on no
    input, or a tree of such.
    """

    function: Callable[..., Any]
    recording: Recording
    arguments: list[Argument] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    notes: dict[Node, Note] = field(default_factory=dict)
    guards: list[Guard] = field(default_factory=list)
    output: Any = None
    #: Names of captured arrays, by id; ``captured`` keeps them alive.
    constant_names: dict[int, str] = field(default_factory=dict)
    captured: list[Any] = field(default_factory=list)
    #: What helpers call the unnamed values that they are given.
    aliases: dict[Node, str] = field(default_factory=dict)
    #: Captured arrays that are rows of one with a name: by id, that one and which row.
    rows: dict[int, Row] = field(default_factory=dict)
    #: The lists that unnamed values were put into.
    listed: dict[Node, str] = field(default_factory=dict)
    #: Writes into a copy of an array that goes on to be used as it was.
    copies: set[Node] = field(default_factory=set)
    #: The loops that were watched, which go on until a condition fails.
    loops: list[OpenLoop] = field(default_factory=list)

    @property
    def inputs(self) -> list[Argument]:
        """The arguments that gradients are taken by."""
        return [argument for argument in self.arguments if argument.wanted]

    def __reduce__(self) -> Any:
        """Keep the names, places and values of a run; its function and its history are over."""
        kept = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in _OF_THE_RUN}
        leaves, build = trees.flatten(self.output)
        return _remembered, (kept | {"output": build(map(value_of, leaves))},)

    def end(self) -> None:
        """End the recording; the nodes stay readable."""
        self.recording.end()


_OF_THE_RUN = frozenset({"function", "recording", "captured"})


def _gone(*args: Any, **kwargs: Any) -> Any:
    raise UnsupportedError("the function that was traced is not in the pickle: trace it again")


def _remembered(kept: dict[str, Any]) -> Trace:
    return Trace(_gone, Recording(), **kept)
