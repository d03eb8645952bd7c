"""What staged code consists of: stages of the forward pass, and lines of the backward pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chainrule.core.node import Node
from chainrule.core.source import Location

__all__ = ["Line", "Stage"]


@dataclass(slots=True)
class Stage:
    """A line of the forward pass: a variable and the expression that gives its value.

    ``inputs`` are the variables that it reads, arguments and earlier stages; ``nodes`` all
    operations recorded for it, its own last; ``lineno`` its place in ``Staged.source``.
    """

    number: int
    name: str
    expression: str
    value: Any
    inputs: tuple[str, ...]
    node: Node
    nodes: list[Node]
    location: Location | None
    before: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    comment: str | None = None
    lineno: int = 0

    @property
    def text(self) -> str:
        """The assignment, on one line however long it is."""
        return f"{self.name} = {self.expression}"

    @property
    def code(self) -> list[str]:
        """The statements that compute the stage."""
        return [*self.before, self.text, *self.after]


@dataclass(slots=True)
class Line:
    """A line of the backward pass: something assigned or added to a gradient.

    ``of`` is the variable whose gradient it is, None for a temporary. ``target`` may have an index,
    ``dx[1:]``. ``local`` and ``upstream`` are the two factors where the line is their product; in
    the last stage the upstream gradient is 1 and not written. ``value`` is what the expression
    gives at the example.
    """

    stage: Stage
    target: str
    of: str | None
    operator: str
    expression: str
    value: Any
    local: str | None = None
    upstream: str | None = None
    function: str | None = None
    also: list[str] = field(default_factory=list)
    lineno: int = 0

    @property
    def name(self) -> str:
        """The variable that is assigned or changed."""
        return self.target.partition("[")[0]

    @property
    def text(self) -> str:
        """The statement, on one line however long it is."""
        if self.function is not None:  # np.add.at: an index that may name an entry twice
            place = self.target[len(self.name) + 1 : -1]
            sign = "-" if self.operator == "-=" else ""
            return f"{self.function}({self.name}, {place}, {sign}{self.expression})"
        return f"{self.target} {self.operator} {self.expression}"

    @property
    def code(self) -> list[str]:
        """The statements: the line itself, and those that fill in what it makes."""
        return [self.text, *self.also]
