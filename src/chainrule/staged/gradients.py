"""The gradient variables of printed code, and whose memory each of them is in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.core.kinds import broadcast_to
from chainrule.graph.graph import Apply, Constant, Input, Vertex
from chainrule.staged.constants import Constants
from chainrule.staged.lines import Line
from chainrule.staged.names import Names
from chainrule.staged.speller import is_array
from chainrule.staged.steps import Step
from chainrule.staged.text import atom, call, method
from chainrule.staged.writes import is_fresh, owner

__all__ = ["Gradient", "Gradients"]


@dataclass(slots=True)
class Gradient:
    """A gradient variable while its contributions come in.

    ``source`` is what the variable was assigned, None where it certainly owns its memory.
    """

    name: str
    first: Line
    source: Vertex | None


class Gradients(dict[Input, Gradient]):
    """The gradient of each variable.

    A gradient may be assigned a view of another one, or of a variable of the forward pass. When one
    is changed in place, those that are to stay as they are get a copy where they are assigned.

    Args:
        steps: the backward pass.
        names: the names in use.
        variables: what variables are called.
        constants: the captured arrays.

    Attributes:
        copies: gradients of entries that are new arrays where they are written.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        names: Names,
        variables: Mapping[Vertex, str],
        constants: Constants,
    ) -> None:
        super().__init__()
        self.names = names
        self.variables = variables
        self.constants = constants
        self.copies: set[Input] = set()
        self._changed: set[str] = set()
        self._views: dict[str, list[Gradient]] = {}  # of a gradient, by its name
        self._origin: dict[Input, Input] = {}  # the first variable that a gradient goes on to
        for step in reversed(steps):
            write = step.assignment.write
            if step.follows and write is not None and isinstance(write.old, Input):
                first = self._origin.get(write.old, write.old)
                self._origin[step.assignment.variable] = first

    def add(self, variable: Input, line: Line, source: Vertex | None) -> None:
        """Give a line its target: a new gradient, or the one that there is.

        Args:
            variable: whose gradient it is.
            line: what is assigned or added.
            source: the same as a vertex, None for what is certainly new.
        """
        held = self.get(variable)
        line.of = self.variables[variable]
        if held is not None:
            self.change(held)
            line.target = held.name
            line.operator = "-=" if line.operator == "-=" else "+="
            return
        line.target = self.names.gradient(self.variables[self._origin.get(variable, variable)])
        if line.operator == "-=":
            line.operator, line.expression = "=", f"-({line.expression})"
            line.value = -line.value
        if source is not None and (is_fresh(source) or self._is_made(source)):
            source = None
        held = self[variable] = Gradient(line.target, line, source)
        if source is not None:
            self._views.setdefault(self._base(source), []).append(held)

    def change(self, held: Gradient) -> None:
        """Prepare a gradient for being changed in place, which nobody else must see."""
        self._changed.add(held.name)
        _own(held)
        for view in self._views.pop(held.name, ()):
            _own(view)

    def change_alike(self, variable: Input, other: Vertex) -> None:
        """Let a gradient have memory of its own if that of another variable is changed."""
        held = self.get(variable)
        like = self.get(other) if isinstance(other, Input) else None
        if held is not None and like is not None and like.name in self._changed:
            self.change(held)

    def change_entries(self, held: Gradient) -> None:
        """Prepare a gradient for a change of entries, which a number does not have."""
        if not np.shape(held.first.value):
            if not held.first.expression.startswith("np.array("):
                held.first.expression = f"np.array({held.first.expression})"
            held.source = None
        self.change(held)

    def separate(self, arguments: Iterable[Input]) -> None:
        """Let no gradient of an argument share its memory with anything that outlives it."""
        returned = {held.name: held for x in arguments if (held := self.get(x)) is not None}
        by_name = {held.name: held for held in self.values()}
        owners = {name: self._owner(held, by_name) for name, held in returned.items()}
        shared = Counter(owners.values())
        for name, held in returned.items():
            owns = owners[name]
            alone = owns == name or (owns not in returned and shared[owns] == 1)
            if owns is None or not alone:
                _own(held)

    def _is_made(self, source: Vertex) -> bool:
        """Tell whether an array is made where it stands, as ``np.eye(3)`` and ``dx[mask]`` are."""
        if isinstance(source, Constant):
            return not self.constants.is_held(source.value, self.constants.text(source.value))
        return source in self.copies

    def _base(self, source: Vertex) -> str:
        """Return the variable that owns the memory that something shows; '' for none."""
        base, _ = owner(source)
        if not isinstance(base, Input):
            return ""
        return self.variables.get(base, base.name).partition("[")[0]

    def _owner(self, held: Gradient, by_name: Mapping[str, Gradient]) -> str | None:
        """Return the gradient that owns the memory of one; None for what nobody may write to."""
        while held.source is not None:
            if _is_read_only(held.source):
                return None
            base = self._base(held.source)
            if base == "":  # a view of what is made where it stands
                return held.name
            if base not in by_name:
                return None
            held = by_name[base]
        return held.name


def _own(held: Gradient) -> None:
    """Give a gradient memory of its own."""
    if held.source is not None:
        text = atom(held.first.expression)
        copied = method(text, "copy") if is_array(held.source) else call("np.copy", text)
        held.first.expression, held.source = copied.text, None


def _is_read_only(view: Vertex) -> bool:
    """Tell whether one entry of an array stands in several places of a view: it is broadcast."""
    while isinstance(view, Apply) and view.operation.view:
        if view.operation is broadcast_to:
            return True
        view = view.operands[0]
    return False
