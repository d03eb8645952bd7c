"""The text of an explanation where the printed code has loops: a line once, its turns beside it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from chainrule.explain.annotated import Annotated
from chainrule.explain.margins import INDENT, indented, marked, numbered, two_sides
from chainrule.explain.numbers import format_value
from chainrule.explain.observation import Finding
from chainrule.explain.spans import Span
from chainrule.explain.turns import Change, Series, spread
from chainrule.staged import Line, Row, Stage

__all__ = ["Looped"]


class Looped:
    """Writes the forward and the backward pass by the lines of the printed code.

    Args:
        e: the explanation.
        width: columns that there are.
        said: advice that was given; is added to.
    """

    def __init__(self, e: Annotated, width: int, said: set[str]) -> None:
        self.e, self.width, self.said = e, width, said
        rows = [row for row in e.staged.program.rows() if not row.text.startswith("return ")]
        self.rows = [row for row in rows if row.text != "# forward pass"]
        self.turn = {id(s): (one, k) for one in e.series for k, s in enumerate(one.stages)}
        self.found: dict[int, list[Finding]] = {}
        self.rest: list[Finding] = []
        for finding in e.warnings:
            row = self._row_of(finding)
            if row is None:
                self.rest.append(finding)
            else:
                self.found.setdefault(id(row), []).append(finding)

    @property
    def output(self) -> str:
        """What the printed code returns as the value."""
        returned = ast.parse(self.e.staged.program.rows()[-1].text.removeprefix("return "))
        match returned.body[0]:
            case ast.Expr(value=ast.Tuple(elts=[value, *_])):
                return ast.unparse(value)
        return self.e.staged.output

    def _row_of(self, finding: Finding) -> Row | None:
        """Return the line below which something is said."""
        stages = [s for s in self.e.staged.stages if finding.node in s.nodes]
        of = next((s for s in stages if s.node is finding.node), stages[0] if stages else None)
        if not finding.backward:
            if of is None:
                return None
            return next((r for r in self.rows if any(part is of for part in r.parts)), None)
        at_fault = finding.kind in ("nan", "inf")  # the stage's rule, not its gradient
        name = finding.stage if of is None else of.name
        found = [
            row
            for row in self.rows
            for line in row.parts
            if isinstance(line, Line) and (line.stage is of if at_fault else line.of == name)
        ]
        return found[-1] if found else None

    def forward(self) -> Iterator[list[Span]]:
        """Write the forward pass."""
        for row in self.rows:
            if row.backward:
                continue
            stages = [part for part in row.parts if isinstance(part, Stage)]
            values = [stage.value for stage in stages]
            text = "" if not values else self._beside(row, values, stages)
            yield from self._line(row, text, "number")

    def backward(self) -> Iterator[list[Span]]:
        """Write the backward pass; below each loop how its gradients change from turn to turn."""
        number = {id(line): k for k, line in enumerate(self.e.staged.backward)}
        inside: list[Stage] = []
        for row in self.rows:
            if not row.backward:
                continue
            if not row.depth:
                yield from self._changes(inside)
                inside = []
            lines = [part for part in row.parts if isinstance(part, Line) and id(part) in number]
            if row.depth:
                inside += [line.stage for line in lines]
            values = [self.e.contributions[number[id(line)]] for line in lines]
            text = "" if not values else self._beside(row, values, [x.stage for x in lines])
            yield from self._line(row, text, "gradient")
        yield from self._changes(inside)

    def _line(self, row: Row, text: str, style: str) -> Iterator[list[Span]]:
        if row.text.startswith("#"):
            yield from indented(row.text, INDENT + 4 * row.depth, self.width, "dim")
            return
        yield from two_sides(numbered(row.number, row.text, row.depth), text, style, self.width)
        for finding in self.found.get(id(row), ()):
            yield from marked(finding, self.width, self.said)

    def _beside(self, row: Row, values: Sequence[object], stages: Sequence[Stage]) -> str:
        """Write what a line gave: in its turns, where it stands in a loop."""
        if len(values) == 1:
            return format_value(values[0])
        places = [self.turn.get(id(stage)) for stage in stages]

        def at(k: int) -> str:
            place = places[k]
            return f"turn {k}" if place is None else place[0].at(place[1])

        return spread(values, at)

    def _changes(self, stages: Sequence[Stage]) -> Iterator[list[Span]]:
        """Say how the gradients of what a loop carries change from turn to turn."""
        said: list[Series] = []
        for stage in stages:
            one = self.turn[id(stage)][0] if id(stage) in self.turn else None
            if one is None or one in said or not one.carried:
                continue
            said.append(one)
            change = Change.of(one, self.e.run.gradients)
            if change is not None:
                yield from indented(f"# {change.text}", INDENT, self.width, "gradient")
