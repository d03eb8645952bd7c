"""The backward pass of staged code, line by line, from the last stage to the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.kinds import broadcast_to
from chainrule.graph.arrange import signed, without
from chainrule.graph.graph import Apply, Constant, Input, Vertex, apply_to, is_number, topological
from chainrule.graph.rewrite import same_kind
from chainrule.operations.elementwise import add, negative, subtract
from chainrule.staged.constants import Constants
from chainrule.staged.derive import derive, is_scalar, may_be_infinite
from chainrule.staged.lines import Line, Stage
from chainrule.staged.names import Names
from chainrule.staged.partition import Assignment
from chainrule.staged.speller import Speller, is_array
from chainrule.staged.spelling import speller_for
from chainrule.staged.statements import (
    scatter_index,
    shared_subexpressions,
    statements_for,
    takes_statements,
)
from chainrule.staged.text import PRODUCT, Text, atom, call, method

__all__ = ["Backprop", "one_like"]


@dataclass(slots=True)
class _Gradient:
    """A gradient variable while its contributions come in."""

    variable: Input
    first: Line
    source: Vertex | None
    """What the variable was assigned; None where it certainly owns its memory."""


class Backprop:
    """Writes the lines, stage by stage.

    Args:
        arguments: the variables that gradients are wanted of.
        assignments: the stages, and `Stage` for each.
        names: the names in use.
        constants: the captured arrays.
        math: user code takes functions of numbers from `math`.
    """

    def __init__(
        self,
        arguments: list[Input],
        assignments: list[tuple[Assignment, Stage]],
        names: Names,
        constants: Constants,
        math: bool,
    ) -> None:
        self.arguments = arguments
        self.assignments = assignments
        self.names = names
        self.constants = constants
        self.math = math
        self.lines: list[Line] = []
        self.gradients: dict[Input, _Gradient] = {}
        self.temporaries: dict[str | None, str] = {}  # by what they were assigned
        self.active = _active(arguments, [assignment for assignment, _ in assignments])
        self.uses = _uses([assignment for assignment, _ in assignments])
        self.guarded = _guarded([assignment for assignment, _ in assignments])

    def write(self, output: Vertex) -> None:
        """Write all lines for an output whose own gradient is 1."""
        for assignment, stage in reversed(self.assignments):
            if assignment.variable is output:
                self._stage(assignment, stage, Constant(one_like(assignment.variable.value)))
            elif assignment.variable in self.gradients:
                self._stage(assignment, stage, self.gradients[assignment.variable].variable)
        self._separate()

    def gradient_name(self, variable: Input) -> str | None:
        """Return the name of a variable's gradient, None if none flows to it."""
        held = self.gradients.get(variable)
        return None if held is None else held.variable.name

    # One stage.

    def _stage(self, assignment: Assignment, stage: Stage, upstream: Input | Constant) -> None:
        inputs = [
            x
            for x in topological([assignment.expression])
            if isinstance(x, Input) and x in self.active
        ]
        if not inputs:
            return
        scalar = is_scalar(assignment.expression)
        product = scalar and isinstance(upstream, Input)
        seed = Constant(one_like(upstream.value)) if scalar else upstream
        guarded = self.guarded[assignment.variable]
        found = derive(assignment.variable, assignment.expression, seed, inputs, guarded, self.math)
        pairs = [(x, g) for x, g in zip(inputs, found.gradients, strict=True) if g is not None]
        # A gradient that another one is made of comes first, and is what the other refers to: one
        # that is complete, for what is added later would change the other too.
        order = {vertex: k for k, vertex in enumerate(topological(g for _, g in pairs))}
        own = set() if product else {g for x, g in pairs if self.uses[x] == 1}
        pairs.sort(key=lambda pair: (order[pair[1]], pair[1] in own and self.uses[pair[0]] > 1))
        speller = speller_for(self.constants)
        parts = shared_subexpressions([g for _, g in pairs], found.named)
        self._temporaries(stage, parts, own, upstream, speller)
        for variable, gradient in pairs:
            if product and isinstance(upstream, Input):
                self._product(stage, variable, gradient, upstream, speller, guarded)
            else:
                self._contribution(stage, variable, gradient, upstream, speller)
                if gradient in own and self.uses[variable] == 1 and isinstance(gradient, Apply):
                    speller.names[gradient] = self.gradients[variable].variable.name

    def _temporaries(
        self,
        stage: Stage,
        parts: list[Vertex],
        own: set[Vertex],
        upstream: Vertex,
        speller: Speller,
    ) -> None:
        """Name the parts that several gradients of a stage have in common.

        One that an earlier stage had, too, is not computed again: what variables of the forward
        pass hold does not change.
        """
        # What one of them is made of cannot wait for the gradient that it is.
        own.difference_update(topological(part for part in parts if part not in own))
        for part in parts:
            if part in own:
                continue
            text = None if takes_statements(part) else speller.text(part).text
            known = self.temporaries.get(text)
            if known is not None:
                speller.names[part] = known
                continue
            name = self.names.numbered("t")
            first, *rest = statements_for(name, part, speller)
            speller.names[part] = name
            if text is not None and upstream not in topological([part]):
                self.temporaries[text] = name
            expression = first.partition(" = ")[2]
            self.lines.append(Line(stage, name, None, "=", expression, part.value, also=rest))

    def _product(
        self,
        stage: Stage,
        variable: Input,
        local: Vertex,
        upstream: Input,
        speller: Speller,
        guarded: bool,
    ) -> None:
        """Write ``dx += (local) * upstream``, as for numbers."""
        text = atom("1") if is_number(local, 1) else speller.text(local)
        expression = f"({text.text}) * {upstream.name}"
        if may_be_infinite(local, guarded):
            expression += f" if {upstream.name} != 0 else 0.0"
        with np.errstate(all="ignore"):
            value = local.value * upstream.value
        line = Line(stage, "", variable.name, "=", expression, value, text.text, upstream.name)
        self._add(variable, line, None)

    def _contribution(
        self, stage: Stage, variable: Input, gradient: Vertex, upstream: Vertex, speller: Speller
    ) -> None:
        named = gradient in speller.names
        first = variable not in self.gradients and not named
        if first and scatter_index(gradient) is None and takes_statements(gradient):
            self._write_whole(stage, variable, gradient, speller)
            return
        for sign, part in [(1, gradient)] if named else _terms(gradient):
            if scatter_index(part) is not None and part not in speller.names:
                self._write_scatter(stage, variable, sign, part, speller)
                continue
            if variable in self.gradients and part not in speller.names:
                minus, part = signed(part)
                sign *= minus
            if variable not in self.gradients and part.shape != variable.shape:
                part = apply_to(broadcast_to, part, shape=variable.shape)  # as the whole sum is
            text = self._added(variable, part, speller)
            line = Line(stage, "", variable.name, "=", text.text, part.value)
            if sign < 0:
                line.operator = "-="
            local = without(part, upstream)
            if local is not None:
                line.local = speller.text(local).text
                line.upstream = upstream.name if isinstance(upstream, Input) else None
            name = speller.names.get(part)
            self._add(variable, line, part if name is None else Input(name, part.value))

    def _added(self, variable: Input, part: Vertex, speller: Speller) -> Text:
        """Write a contribution, using that it has the variable's shape."""
        if isinstance(part, Apply) and part.operation is broadcast_to:
            (x,) = part.operands
            if variable in self.gradients:
                return speller.text(x)  # added in place, it is broadcast anyway
            if shape_of(x.value) == () and same_kind(part, variable):
                like = atom(variable.name)
                for number, function in ((0, "np.zeros_like"), (1, "np.ones_like")):
                    if is_number(x, number):
                        return call(function, like)
                return call("np.full_like", like, speller.text(x))
        return speller.text(part)

    def _write_whole(
        self, stage: Stage, variable: Input, gradient: Vertex, speller: Speller
    ) -> None:
        """Write a gradient that takes several statements straight into its variable."""
        line = Line(stage, "", variable.name, "=", "", gradient.value)
        self._add(variable, line, None)
        first, *line.also = statements_for(line.target, gradient, speller)
        line.expression = first.partition(" = ")[2]

    def _write_scatter(
        self, stage: Stage, variable: Input, sign: int, part: Vertex, speller: Speller
    ) -> None:
        """Write ``dx[index] += g``, after ``dx = np.zeros_like(x)`` where nothing is there yet."""
        assert isinstance(part, Apply)
        place = scatter_index(part)
        assert place is not None
        index, repeats = place(speller)
        if variable not in self.gradients:
            zeros = call("np.zeros_like", atom(variable.name))
            value = np.zeros_like(variable.value)
            self._add(variable, Line(stage, "", variable.name, "=", zeros.text, value), None)
        elif not variable.shape:  # a float has no entries to add to
            held = self.gradients[variable]
            held.first.expression, held.source = f"np.array({held.first.expression})", None
        inner = part.operands[0]
        if inner not in speller.names:
            minus, inner = signed(inner)
            sign *= minus
        if isinstance(inner, Apply) and inner.operation is broadcast_to:
            inner = inner.operands[0]  # added in place, it is broadcast anyway
        text = speller.text(inner)
        name = self.gradients[variable].variable.name
        line = Line(
            stage,
            f"{name}[{index}]",
            variable.name,
            "+=" if sign > 0 else "-=",
            text.within(PRODUCT) if repeats and sign < 0 else text.text,
            inner.value,
            function="np.add.at" if repeats else None,
        )
        self._own(self.gradients[variable])
        self._sum(variable, sign, part.value)
        self.lines.append(line)

    # Accumulation.

    def _add(self, variable: Input, line: Line, source: Vertex | None) -> None:
        held = self.gradients.get(variable)
        if held is None:
            name = self.names.gradient(variable.name)
            line.target = name
            if line.operator == "-=":
                line.operator, line.expression = "=", f"-({line.expression})"
                line.value = -line.value
            fresh = source is None or _is_fresh(source) or self._is_written_out(source)
            gradient = Input(name, line.value)
            self.gradients[variable] = _Gradient(gradient, line, None if fresh else source)
        else:
            self._own(held)
            line.target = held.variable.name
            sign = -1 if line.operator == "-=" else 1
            line.operator = "-=" if sign < 0 else "+="
            self._sum(variable, sign, line.value)
        self.lines.append(line)

    def _is_written_out(self, source: Vertex) -> bool:
        """Tell whether a constant array is made where it stands, as ``np.eye(3)`` is."""
        return isinstance(source, Constant) and not self.constants.text(source.value).is_name

    def _sum(self, variable: Input, sign: int, value: Any) -> None:
        held = self.gradients[variable]
        total = held.variable.value + (value if sign > 0 else -value)
        held.variable = Input(held.variable.name, total)

    def _own(self, held: _Gradient) -> None:
        """Make sure that adding in place changes no other variable."""
        if held.source is not None:
            text = atom(held.first.expression)
            held.first.expression = (
                method(text, "copy") if is_array(held.source) else call("np.copy", text)
            ).text
            held.source = None

    def _separate(self) -> None:
        """Let no gradient that is returned share its memory with anything else that outlives it."""
        returned = [self.gradients[x] for x in self.arguments if x in self.gradients]
        names = {held.variable.name for held in returned}
        local = {held.variable.name for held in self.gradients.values()} - names
        views = [held for held in returned if held.source is not None]
        bases = [_base(held.source) for held in views if held.source is not None]
        for held, base in zip(views, bases, strict=True):
            alone = isinstance(base, Apply) or (
                isinstance(base, Input) and base.name in local and bases.count(base) == 1
            )
            if not alone or _is_read_only(held.source):
                self._own(held)


def one_like(value: Any) -> Any:
    """Return 1 in the type of a value."""
    return value.dtype.type(1) if hasattr(value, "dtype") else 1.0


def _active(arguments: list[Input], assignments: list[Assignment]) -> set[Input]:
    """Return the variables that gradients flow through: numbers that depend on an argument."""
    active = set(arguments)
    for assignment in assignments:
        if np.asarray(assignment.variable.value).dtype.kind not in "fc":
            continue
        if any(x in active for x in topological([assignment.expression]) if isinstance(x, Input)):
            active.add(assignment.variable)
    return active


def _uses(assignments: list[Assignment]) -> dict[Input, int]:
    """Count the stages that read each variable."""
    count: dict[Input, int] = {}
    for assignment in assignments:
        for x in topological([assignment.expression]):
            if isinstance(x, Input):
                count[x] = count.get(x, 0) + 1
    return count


def _guarded(assignments: list[Assignment]) -> dict[Input, bool]:
    """Tell which stages have entries that they, or later stages, may not select."""
    guarded: dict[Input, bool] = {}
    for assignment in reversed(assignments):
        vertices = topological([assignment.expression])
        here = guarded.get(assignment.variable, False) or any(map(_selects, vertices))
        guarded[assignment.variable] = here
        if here:
            guarded.update({x: True for x in vertices if isinstance(x, Input)})
    return guarded


def _selects(vertex: Vertex) -> bool:
    if not isinstance(vertex, Apply):
        return False
    masks = vertex.operation.shaping([x.value for x in vertex.operands])
    return vertex.operation.selects or bool(masks)


def _terms(gradient: Vertex) -> list[tuple[int, Vertex]]:
    """Take a sum apart where a term of it is written at an index."""
    terms: list[tuple[int, Vertex]] = []
    stack = [(1, gradient)]
    while stack:
        sign, vertex = stack.pop()
        if isinstance(vertex, Apply) and vertex.operation in (add, subtract):
            a, b = vertex.operands
            stack.append((-sign if vertex.operation is subtract else sign, b))
            stack.append((sign, a))
        elif isinstance(vertex, Apply) and vertex.operation is negative:
            stack.append((-sign, vertex.operands[0]))
        else:
            terms.append((sign, vertex))
    if any(scatter_index(vertex) is not None for _, vertex in terms):
        return terms
    return [(1, gradient)]


def _is_fresh(vertex: Vertex) -> bool:
    """Tell whether an expression certainly makes a new array (or a number, which never changes)."""
    if not isinstance(vertex.value, np.ndarray):
        return True
    if not isinstance(vertex, Apply):
        return False
    if vertex.operation is broadcast_to:
        return shape_of(vertex.operands[0].value) == ()
    return not vertex.operation.view


def _is_read_only(view: Vertex | None) -> bool:
    """Tell whether one entry of an array stands in several places of a view: it is broadcast."""
    while isinstance(view, Apply) and view.operation.view:
        if view.operation is broadcast_to:
            return True
        view = view.operands[0]
    return False


def _base(vertex: Vertex) -> Vertex:
    """Return what owns the memory that a view shows: a variable, a constant, a new array."""
    while isinstance(vertex, Apply) and vertex.operation.view:
        vertex = vertex.operands[0]
    return vertex
