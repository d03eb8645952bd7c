"""The backward pass of staged code, line by line, from the last stage to the first."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from chainrule.core.array import dtype_of
from chainrule.core.kinds import astype, broadcast_to, real
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
from chainrule.graph.simplify.sums import Term
from chainrule.operations.indexing import index_parts
from chainrule.staged.constants import Constants
from chainrule.staged.derive import may_be_infinite
from chainrule.staged.gradients import Gradients
from chainrule.staged.lines import Line, Stage
from chainrule.staged.names import Names
from chainrule.staged.partition import Extent, Partition
from chainrule.staged.speller import Speller
from chainrule.staged.spelling import speller_for
from chainrule.staged.spelling_indexing import index_text
from chainrule.staged.statements import (
    is_scatter,
    shared_subexpressions,
    statements_for,
    takes_statements,
)
from chainrule.staged.steps import Step, handed_on
from chainrule.staged.terms import change_of_entries, mentions, sorted_terms, terms_of
from chainrule.staged.text import Text, atom, call, method
from chainrule.staged.writes import Write, is_fresh, may_repeat, picks_copies

__all__ = ["Backprop"]


class Backprop:
    """Writes the lines, stage by stage.

    Args:
        partition: the forward pass.
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
        partition: Partition,
        arguments: Sequence[Input],
        active: Collection[Input],
        steps: Sequence[Step],
        stages: Sequence[Stage],
        names: Names,
        variables: dict[Vertex, str],
        constants: Constants,
        plain: bool,
    ) -> None:
        self.partition = partition
        self.arguments = arguments
        self.active = active
        self.steps = steps
        self.stages = stages
        self.names = names
        self.variables = variables
        self.constants = constants
        self.plain = plain
        self.lines: list[Line] = []
        self.temporaries: dict[str | None, str] = {}  # by what they were assigned
        self.uses = _uses(steps)
        self.gradients = Gradients(steps, names, variables, constants)

    def write(self) -> None:
        """Write all lines."""
        waiting = sorted(self.partition.loops, key=lambda loop: loop.last)
        for step in self.steps:
            while waiting and step.number <= waiting[-1].last:
                self._begin_loop(waiting.pop())
            self._step(step)
        for loop in self.partition.loops:
            for begin, end in loop.carried:  # the first turn is to be like the others
                self.gradients.change_alike(begin, handed_on(self.partition, end))
        self.gradients.separate(self.arguments)

    def gradient_name(self, variable: Input) -> str | None:
        """Return the name of a variable's gradient, None if none flows to it."""
        held = self.gradients.get(variable)
        return None if held is None else held.name

    def _begin_loop(self, loop: Extent) -> None:
        """Begin with zero what each turn of a loop adds to, and what nobody reads behind it."""
        begins = {begin for begin, _ in loop.carried}
        inside = [
            step
            for step in self.steps
            if loop.first <= step.number <= loop.last and step.assignment.variable not in begins
        ]
        own = {assignment.variable for assignment in self.partition.assignments[loop.first :]}
        zeros = [step.assignment.variable for step in inside if step.is_zero]
        zeros += [x for step in inside for x, _ in step.gradients if x not in own]
        ends = {handed_on(self.partition, end): end for _, end in loop.carried}
        for variable in dict.fromkeys(zeros):
            if variable not in self.gradients:
                name = self.variables[ends.get(variable, variable)]
                zero = call("np.zeros_like", name).text if variable.shape else "0.0"
                value = np.zeros_like(variable.value)
                self._add(variable, Line(self.stages[loop.last], "", "=", zero, value), None)

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
        old: Vertex | None = None if write is None else write.old
        # What was there before gets its own by addition, for which it has to be an expression.
        own -= {g for x, g in pairs if x is old and takes_statements(g) and not is_scatter(g)}
        pairs.sort(key=lambda pair: (order[pair[1]], pair[1] in own and self.uses[pair[0]] > 1))
        parts = shared_subexpressions([g for _, g in pairs], step.named)
        self._temporaries(stage, parts, own, step, speller)
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
                inner = inner.operands[0] if is_operation(inner, broadcast_to) else inner
                if mentions(inner, received, speller.names):
                    text = speller.text(inner).text
                    if text in named_by_text:
                        speller.names[inner] = named_by_text[text]
                    else:
                        named_by_text[text] = self._temporary(stage, inner, speller, copied=True)
        if not write.adds:
            operator, new = change_of_entries(here, received) if here else ("=", Constant(0))
            if new is not None:
                self.gradients.change_entries(held)
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
        parts = index_parts(write.index)
        if not step.received.ndim:  # x[...] of one entry is a view of its place, x[()] a number
            parts = tuple(part for part in parts if part is not ...)
        index = index_text(speller, parts, write.arrays, step.upstream.ndim)
        self.variables[step.received] = f"{held.name}[{index}]"
        if picks_copies(write.arrays):
            self.gradients.copies.add(step.received)
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
        if copied and not is_fresh(part) and part not in self.gradients.copies:
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
        is_same = name.endswith("]") or stage.expression.isidentifier()  # x[0] = y, x = y
        expression = name if is_same and text.text == "1" else f"({text.text}) * {name}"
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
        if part.dtype.kind == "c" and variable.dtype.kind == "f":
            part = apply_to(real, part)
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
            if x.shape == () and same_kind(part, variable):
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
        self.gradients.change_entries(held)
        if inner not in speller.names:
            minus, inner = self._signed(inner, speller)
            sign *= minus
        if is_operation(inner, broadcast_to) and not (repeats and inner.operands[0].ndim):
            # Added in place, it is broadcast anyway; but np.add.at reads behind the end of what has
            # fewer axes than the index (NumPy 2.4).
            inner = inner.operands[0]
        self.lines.append(
            Line(
                stage,
                f"{held.name}[{index}]",
                "+=" if sign > 0 else "-=",
                speller.text(inner).text,
                inner.value,
                self.variables[variable],
                repeats=repeats,
            )
        )

    def _signed(self, part: Vertex, speller: Speller) -> tuple[int, Vertex]:
        return (1, part) if self.plain else signed(part, speller.names)

    def _add(self, variable: Input, line: Line, source: Vertex | None) -> None:
        """Add a line that assigns to a gradient, or adds to it where there is one."""
        self.gradients.add(variable, line, source)
        self.lines.append(line)


def _uses(steps: Sequence[Step]) -> dict[Input, int]:
    """Count the stages that read each variable."""
    count: dict[Input, int] = {}
    for step in steps:
        for x in topological([step.assignment.expression]):
            if isinstance(x, Input):
                count[x] = count.get(x, 0) + 1
    return count
