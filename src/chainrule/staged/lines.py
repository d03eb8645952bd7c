"""What staged code consists of: stages of the forward pass, and lines of the backward pass."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from chainrule.core.array import shape_of
from chainrule.core.node import Node
from chainrule.core.source import Location
from chainrule.graph.trace import Guard

__all__ = ["Line", "Stage", "Test", "statement"]


def statement(target: str, operator: str, expression: str, repeats: bool = False) -> str:
    """Return an assignment, or the call of ``np.add.at`` where an index may name an entry twice."""
    if not repeats:
        return f"{target} {operator} {expression}"
    name, _, place = target.partition("[")
    function = "np.subtract.at" if operator == "-=" else "np.add.at"
    return f"{function}({name}, {_as_argument(place[:-1])}, {expression})"


def _as_argument(index: str) -> str:
    """Write an index where no brackets are around it."""
    try:
        parsed = ast.parse(index, mode="eval").body
    except SyntaxError:  # a slice
        return f"np.s_[{index}]"
    return f"({index})" if isinstance(parsed, ast.Tuple) else index


class Test(NamedTuple):
    """A statement that asserts what Python saw of a value, or that makes a part of that.

    ``condition`` is what is asserted, '' where it makes a part.
    """

    text: str
    guard: Guard
    condition: str = ""


@dataclass(slots=True, eq=False)
class Stage:
    """A line of the forward pass: a variable and the expression that gives its value.

    ``target`` is the variable, or the entries of it that are written; ``before`` and ``after`` are
    statements that belong to it. ``inputs`` are the variables that it reads, arguments and earlier
    stages; ``nodes`` all operations recorded for it, its own last; ``lineno`` its place in
    ``Staged.source``; ``counters`` the variables of the loops around it in the user's code, with
    their values.
    """

    number: int
    name: str
    target: str
    operator: str
    expression: str
    value: Any
    inputs: tuple[str, ...]
    node: Node
    nodes: list[Node]
    location: Location | None
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    repeats: bool = False
    lineno: int = 0
    counters: tuple[tuple[str, int], ...] = ()

    @property
    def text(self) -> str:
        """The assignment, on one line however long it is."""
        return statement(self.target, self.operator, self.expression, self.repeats)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array that is made, () where entries of one are written."""
        return shape_of(self.value) if self.target == self.name else ()

    @property
    def code(self) -> list[str]:
        """The statements that compute the stage."""
        return [*self.before, self.text, *self.after]


@dataclass(slots=True, eq=False)
class Line:
    """A line of the backward pass: something assigned or added to a gradient.

    ``of`` is the variable whose gradient it is, None for a temporary. ``target`` may have an index,
    ``dx[1:]``. ``local`` and ``upstream`` are the two factors where the line is their product; in
    the last stage the upstream gradient is 1 and not written. ``value`` is what the expression
    gives at the example.
    """

    stage: Stage
    target: str
    operator: str
    expression: str
    value: Any
    of: str | None = None
    local: str | None = None
    upstream: str | None = None
    repeats: bool = False
    also: list[str] = field(default_factory=list)
    lineno: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what is assigned or added."""
        return shape_of(self.value)

    @property
    def name(self) -> str:
        """The variable that is assigned or changed."""
        return self.target.partition("[")[0]

    @property
    def text(self) -> str:
        """The statement, on one line however long it is."""
        return statement(self.target, self.operator, self.expression, self.repeats)

    @property
    def code(self) -> list[str]:
        """The statements: the line itself, and those that fill in what it makes."""
        return [self.text, *self.also]
