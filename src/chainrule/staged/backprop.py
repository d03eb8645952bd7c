"""The backward pass of staged code, line by line, from the last stage to the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule.core.array import dtype_of, shape_of
from chainrule.core.kinds import astype, broadcast_to
from chainrule.graph.arrange import signed, without
from chainrule.graph.graph import (
    Apply,
    Constant,
    Input,
    Vertex,
    apply_to,
    is_number,
    is_operation,
    topological,
)
from chainrule.graph.rewrite import same_kind
from chainrule.staged.constants import Constants
from chainrule.staged.derive import may_be_infinite
from chainrule.staged.lines import Line, Stage
from chainrule.staged.names import Names
from chainrule.staged.speller import Speller, is_array
from chainrule.staged.spelling import speller_for
from chainrule.staged.spelling_indexing import index_text
from chainrule.staged.statements import (
    is_scatter,
    shared_subexpressions,
    statements_for,
    takes_statements,
)
from chainrule.staged.steps import Step
from chainrule.staged.terms import Term, change_of_entries, mentions, sorted_terms, terms_of
from chainrule.staged.text import PRODUCT, Text, atom, call, method
from chainrule.staged.writes import Write, is_fresh, may_repeat, owner

__all__ = ["Backprop"]


@dataclass(slots=True)
class _Gradient:
    """A gradient variable while its contributions come in.

    ``source`` is what the variable was assigned, None where it certainly owns its memory.
    """

    name: str
    first: Line
    source: Vertex | None


class Backprop:
    """Writes the lines, stage by stage.

    Args:
        arguments: the variables that gradients are wanted of.
        active: those that gradients flow through.
        steps: what each stage gives to the gradients of its inputs, the last stage first.
        stages: how they were printed.
        names: the names in use.
        variables: what variables are called; gradients are added to it.
        constants: the captured arrays.
        plain: leave products as they are.
    """

    def __init__(
        self,
        arguments: Sequence[Input],
        active: Collection[Input],
        steps: Sequence[Step],
        stages: Sequence[Stage],
        names: Names,
        variables: dict[Vertex, str],
        constants: Constants,
        plain: bool,
    ) -> None:
        self.arguments = arguments
        self.active = active
        self.steps = steps
        self.stages = stages
        self.names = names
        self.variables = variables
        self.constants = constants
        self.plain = plain
        self.lines: list[Line] = []
        self.gradients: dict[Input, _Gradient] = {}
        self.copies: set[Input] = set()  # gradients of entries that are new arrays
        self.views: dict[str, list[_Gradient]] = {}  # of a gradient, by its name
        self.temporaries: dict[str | None, str] = {}  # by what they were assigned
        self.uses = _uses(steps)
        self.origin: dict[Input, Input] = {}
        for step in reversed(steps):
            write, variable = step.assignment.write, step.assignment.variable
            if step.follows and write is not None and isinstance(write.old, Input):
                self.origin[variable] = self.origin.get(write.old, write.old)

    def write(self) -> None:
        """Write all lines."""
        for step in self.steps:
            self._step(step)
        self._separate_returned()

    def gradient_name(self, variable: Input) -> str | None:
        """Return the name of a variable's gradient, None if none flows to it."""
        held = self.gradients.get(variable)
        return None if held is None else held.name

    # One stage.

    def _step(self, step: Step) -> None:
        stage = self.stages[step.number]
        speller = speller_for(self.constants, self.variables)
        write = step.assignment.write
        self._show(step, write, speller)
        pairs = list(step.gradients)
        # A gradient that another one is made of comes first, and is what the other refers to: one
        # that is complete, for what is added later would change the other too.
        order = {vertex: k for k, vertex in enumerate(topological(g for _, g in pairs))}
        own = set() if step.product else {g for x, g in pairs if self.uses[x] == 1}
        pairs.sort(key=lambda pair: (order[pair[1]], pair[1] in own and self.uses[pair[0]] > 1))
        parts = shared_subexpressions([g for _, g in pairs], step.named)
        self._temporaries(stage, parts, own, step, speller)
        old: Vertex | None = None if write is None else write.old
        for variable, gradient in pairs:
            if variable is old:
                continue
            self._give(step, stage, variable, gradient, speller)
            if gradient in own and self.uses[variable] == 1 and isinstance(gradient, Apply):
                speller.names[gradient] = self.gradients[variable].name
        if write is not None and isinstance(old, Input) and old in self.active:
            itself = next((g for x, g in pairs if x is old), None)
            self._overwrite(step, stage, write, old, itself, speller)

    def _overwrite(
        self,
        step: Step,
        stage: Stage,
        write: Write,
        old: Input,
        gradient: Vertex | None,
        speller: Speller,
    ) -> None:
        """Turn the gradient of an array that was written into that of what was there before.

        The entries that were written have given theirs away: what remains is 0, or what they give
        to themselves. It is done in place, after all lines that read them.
        """
        held, received = self.gradients[step.assignment.variable], step.received
        if step.follows:
            self.gradients[old] = held
        named = gradient is not None and gradient in speller.names
        terms = [] if gradient is None else [Term(1, gradient)] if named else terms_of(gradient)
        apart, here, across = sorted_terms(write, terms, speller.names)
        if not step.follows:
            apart, across = [*apart, *across], []
        for sign, part in apart:
            self._term(stage, old, sign, part, received, speller)
        if not write.adds or len(across) > 1:
            named_by_text: dict[str, str] = {}
            for _, part in across:
                inner = part.operands[0] if is_scatter(part) else part
                if mentions(inner, received, speller.names):
                    text = speller.text(inner).text
                    if text in named_by_text:
                        speller.names[inner] = named_by_text[text]
                    else:
                        named_by_text[text] = self._temporary(stage, inner, speller, copied=True)
        if not write.adds:
            operator, new = change_of_entries(here, received) if here else ("=", Constant(0))
            if new is not None:
                self._change_entries(held)
                target, text = self.variables[received], speller.text(new).text
                of = self.variables[step.assignment.variable]
                self.lines.append(Line(stage, target, operator, text, new.value, of))
        for sign, part in across:
            self._term(stage, old, sign, part, received, speller)
        if not step.follows:
            assert isinstance(step.upstream, Input)
            self._term(stage, old, 1, step.upstream, step.upstream, speller)

    def _show(self, step: Step, write: Write | None, speller: Speller) -> None:
        """Say what the upstream gradient is called, and of a write the entries."""
        if not isinstance(step.upstream, Input):
            return
        held = self.gradients[step.assignment.variable]
        self.variables[step.upstream] = held.name
        if write is None:
            return
        assert isinstance(step.received, Input)
        index = index_text(speller, write.index, write.arrays, step.upstream.ndim)
        self.variables[step.received] = f"{held.name}[{index}]"
        if write.arrays:
            self.copies.add(step.received)
        if step.entries is not None:
            name = self.variables[step.assignment.variable]
            self.variables[step.entries] = f"{name}[{index}]"

    def _give(
        self, step: Step, stage: Stage, variable: Input, gradient: Vertex, speller: Speller
    ) -> None:
        if step.product and isinstance(step.received, Input):
            self._product(stage, variable, gradient, step.received, speller, step.guarded)
        else:
            self._contribution(stage, variable, gradient, step.received, speller)

    def _temporaries(
        self,
        stage: Stage,
        parts: list[Vertex],
        own: set[Vertex],
        step: Step,
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
            name = self._temporary(stage, part, speller, copied=step.assignment.write is not None)
            if text is not None and step.received not in topological([part]):
                self.temporaries[text] = name

    def _temporary(self, stage: Stage, part: Vertex, speller: Speller, copied: bool) -> str:
        """Name a part; ``copied`` says that what it may be a view of is about to change."""
        name = self.names.numbered("t")
        first, *rest = statements_for(name, part, speller)
        expression = first.partition(" = ")[2]
        if copied and not is_fresh(part) and part not in self.copies:
            expression = method(speller.text(part), "copy").text
        speller.names[part] = name
        self.lines.append(Line(stage, name, "=", expression, part.value, also=rest))
        return name

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
        name = self.variables[upstream]
        is_entry = name.endswith("]")
        expression = name if is_entry and text.text == "1" else f"({text.text}) * {name}"
        if may_be_infinite(local, guarded):
            expression += f" if {name} != 0 else 0.0"
        with np.errstate(all="ignore"):
            value = local.value * upstream.value
        if dtype_of(value) != variable.dtype:
            expression, value = (
                f"np.{variable.dtype.name}({expression})",
                variable.dtype.type(value),
            )
        line = Line(stage, "", "=", expression, value, local=text.text, upstream=name)
        self._add(variable, line, None)

    def _contribution(
        self,
        stage: Stage,
        variable: Input,
        gradient: Vertex,
        upstream: Input | Constant,
        speller: Speller,
    ) -> None:
        named = gradient in speller.names
        first = variable not in self.gradients and not named
        if first and not is_scatter(gradient) and takes_statements(gradient):
            self._write_whole(stage, variable, gradient, speller)
            return
        for sign, part in [Term(1, gradient)] if named else terms_of(gradient):
            self._term(stage, variable, sign, part, upstream, speller)

    def _term(
        self,
        stage: Stage,
        variable: Input,
        sign: int,
        part: Vertex,
        upstream: Input | Constant,
        speller: Speller,
    ) -> None:
        """Write one term of what flows to a variable."""
        if is_scatter(part) and part not in speller.names:
            self._write_scatter(stage, variable, sign, part, speller)
            return
        if variable in self.gradients and part not in speller.names:
            minus, part = self._signed(part, speller)
            sign *= minus
        if variable not in self.gradients and part.shape != variable.shape:
            part = apply_to(broadcast_to, part, shape=variable.shape)  # as the whole sum is
        if part.dtype != variable.dtype and (variable not in self.gradients or not variable.ndim):
            part = apply_to(astype, part, dtype=variable.dtype)
        text = self._added(variable, part, speller)
        line = Line(stage, "", "=" if sign > 0 else "-=", text.text, part.value)
        local = without(part, upstream, speller.names)
        if local is not None:
            line.local = speller.text(local).text
            line.upstream = self.variables.get(upstream) if isinstance(upstream, Input) else None
        name = speller.names.get(part)
        self._add(variable, line, part if name is None else Input(name, part.value))

    def _added(self, variable: Input, part: Vertex, speller: Speller) -> Text:
        """Write a contribution, using that it has the variable's shape."""
        if isinstance(part, Apply) and part.operation is broadcast_to and part not in speller.names:
            (x,) = part.operands
            if variable in self.gradients:
                return speller.text(x)  # added in place, it is broadcast anyway
            if shape_of(x.value) == () and same_kind(part, variable):
                like = speller.text(variable)
                for number, function in ((0, "np.zeros_like"), (1, "np.ones_like")):
                    if is_number(x, number):
                        return call(function, like)
                return call("np.full_like", like, speller.text(x))
        return speller.text(part)

    def _write_whole(
        self, stage: Stage, variable: Input, gradient: Vertex, speller: Speller
    ) -> None:
        """Write a gradient that takes several statements straight into its variable."""
        line = Line(stage, "", "=", "", gradient.value)
        self._add(variable, line, None)
        first, *line.also = statements_for(line.target, gradient, speller)
        line.expression = first.partition(" = ")[2]

    def _write_scatter(
        self, stage: Stage, variable: Input, sign: int, part: Apply, speller: Speller
    ) -> None:
        """Write ``dx[index] += g``, after ``dx = np.zeros_like(x)`` where nothing is there yet."""
        inner, *arrays = part.operands
        index = index_text(speller, part.params["index"], arrays, part.ndim)
        repeats = may_repeat(part)
        if variable not in self.gradients:
            zeros = call("np.zeros_like", speller.text(variable))
            value = np.zeros_like(variable.value)
            self._add(variable, Line(stage, "", "=", zeros.text, value), None)
        held = self.gradients[variable]
        self._change_entries(held)
        if inner not in speller.names:
            minus, inner = self._signed(inner, speller)
            sign *= minus
        if is_operation(inner, broadcast_to) and not (repeats and inner.operands[0].ndim):
            # Added in place, it is broadcast anyway; but np.add.at reads behind the end of what has
            # fewer axes than the index (NumPy 2.4).
            inner = inner.operands[0]
        text = speller.text(inner)
        self.lines.append(
            Line(
                stage,
                f"{held.name}[{index}]",
                "+=" if sign > 0 else "-=",
                text.within(PRODUCT) if repeats and sign < 0 else text.text,
                inner.value,
                self.variables[variable],
                repeats=repeats,
            )
        )

    def _signed(self, part: Vertex, speller: Speller) -> tuple[int, Vertex]:
        return (1, part) if self.plain else signed(part, speller.names)

    # Accumulation.

    def _add(self, variable: Input, line: Line, source: Vertex | None) -> None:
        held = self.gradients.get(variable)
        line.of = self.variables[variable]
        if held is None:
            first = self.variables[self.origin.get(variable, variable)]
            line.target = self.names.gradient(first)
            if line.operator == "-=":
                line.operator, line.expression = "=", f"-({line.expression})"
                line.value = -line.value
            if source is not None and (is_fresh(source) or self._is_made(source)):
                source = None
            held = self.gradients[variable] = _Gradient(line.target, line, source)
            if source is not None:
                self.views.setdefault(self._base(source), []).append(held)
        else:
            self._change(held)
            line.target = held.name
            line.operator = "-=" if line.operator == "-=" else "+="
        self.lines.append(line)

    def _is_made(self, source: Vertex) -> bool:
        """Tell whether an array is made where it stands, as ``np.eye(3)`` and ``dx[mask]`` are."""
        if isinstance(source, Constant):
            return not self.constants.text(source.value).is_name
        return source in self.copies

    def _base(self, source: Vertex) -> str:
        """Return the variable that owns the memory that something shows; '' for none."""
        base, _ = owner(source)
        if not isinstance(base, Input):
            return ""
        return self.variables.get(base, base.name).partition("[")[0]

    def _own(self, held: _Gradient) -> None:
        """Give a gradient memory of its own."""
        if held.source is not None:
            text = atom(held.first.expression)
            held.first.expression = (
                method(text, "copy") if is_array(held.source) else call("np.copy", text)
            ).text
            held.source = None

    def _change(self, held: _Gradient) -> None:
        """Prepare a gradient for being changed in place, which nobody else must see."""
        self._own(held)
        for view in self.views.pop(held.name, ()):
            self._own(view)

    def _change_entries(self, held: _Gradient) -> None:
        """Prepare a gradient for a change of entries, which a number does not have."""
        if not np.shape(held.first.value):
            if not held.first.expression.startswith("np.array("):
                held.first.expression = f"np.array({held.first.expression})"
            held.source = None
        self._change(held)

    def _separate_returned(self) -> None:
        """Let no gradient that is returned share its memory with anything else that outlives it."""
        returned = {
            held.name: held for x in self.arguments if (held := self.gradients.get(x)) is not None
        }
        by_name = {held.name: held for held in self.gradients.values()}
        owners = {name: self._owner(held, by_name) for name, held in returned.items()}
        shared = Counter(owners.values())
        for name, held in returned.items():
            owns = owners[name]
            alone = owns == name or (owns not in returned and shared[owns] == 1)
            if owns is None or not alone:
                self._own(held)

    def _owner(self, held: _Gradient, by_name: Mapping[str, _Gradient]) -> str | None:
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


def _uses(steps: Sequence[Step]) -> dict[Input, int]:
    """Count the stages that read each variable."""
    count: dict[Input, int] = {}
    for step in steps:
        for x in topological([step.assignment.expression]):
            if isinstance(x, Input):
                count[x] = count.get(x, 0) + 1
    return count


def _is_read_only(view: Vertex | None) -> bool:
    """Tell whether one entry of an array stands in several places of a view: it is broadcast."""
    while isinstance(view, Apply) and view.operation.view:
        if view.operation is broadcast_to:
            return True
        view = view.operands[0]
    return False
