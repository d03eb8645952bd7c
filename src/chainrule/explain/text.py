"""An explanation as text: staged code with a number at the right of every line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from chainrule.explain.annotated import Annotated
from chainrule.explain.looped import Looped
from chainrule.explain.margins import INDENT, indented, marked, numbered, right, two_sides
from chainrule.explain.numbers import (
    columns,
    format_array,
    format_number,
    format_value,
    is_scalar,
    norm,
)
from chainrule.explain.observation import Finding
from chainrule.explain.pictured import WIDTH
from chainrule.explain.spans import Span
from chainrule.graph.trace import Guard

__all__ = ["lines_of"]


def lines_of(e: Annotated, width: int = WIDTH) -> list[list[Span]]:
    """Write an explanation in lines of at most so many columns."""
    return list(_lines(e, width))


def _lines(e: Annotated, width: int) -> Iterator[list[Span]]:
    said: set[str] = set()
    passes = _Passes(e, width, said) if not e.series else Looped(e, width, said)
    yield from indented(e.title, 0, width, "title")
    for text in _example(e):
        yield from indented(text, 4, width, "dim")
    yield []
    yield from two_sides([Span("forward pass", "title")], "value", "dim", width)
    yield from passes.forward()
    yield []
    legend = "local gradient × upstream = contribution"
    yield from two_sides([Span("backward pass", "title")], legend, "dim", width)
    yield from passes.backward()
    yield []
    yield from _result(e, passes.output, width)
    for finding in passes.rest:
        yield from marked(finding, width, said)
    count = len(e.warnings)
    if count:
        yield []
        summary = "1 finding, marked with !" if count == 1 else f"{count} findings, marked with !"
        yield [Span(summary, "finding")]


class _Passes:
    """Writes the forward and the backward pass stage by stage, with what was found under each."""

    def __init__(self, e: Annotated, width: int, said: set[str]) -> None:
        self.e, self.width, self.said = e, width, said
        self.output = e.staged.output
        self.found: dict[str, list[Finding]] = {}
        self.found_backward: dict[int, list[Finding]] = {}
        self.rest: list[Finding] = []
        stages = {stage.name for stage in e.staged.stages}
        for finding in e.warnings:
            if not finding.backward and finding.stage in stages:
                self.found.setdefault(finding.stage, []).append(finding)
                continue
            at_fault = finding.kind in ("nan", "inf")  # the stage's rule, not its gradient
            here = [
                k
                for k, line in enumerate(e.staged.backward)
                if finding.backward and finding.stage == (line.stage.name if at_fault else line.of)
            ]
            if here:
                self.found_backward.setdefault(here[-1], []).append(finding)
            else:
                self.rest.append(finding)

    def forward(self) -> Iterator[list[Span]]:
        """Write the forward pass."""
        guards = _guards_by_stage(self.e)
        for stage in self.e.staged.stages:
            for guard in guards.get(stage.number, ()):
                yield from indented(_remark(guard), INDENT, self.width, "dim")
            code = numbered(stage.number, stage.text)
            yield from two_sides(code, format_value(stage.value), "number", self.width)
            for finding in self.found.pop(stage.name, ()):
                yield from marked(finding, self.width, self.said)

    def backward(self) -> Iterator[list[Span]]:
        """Write the backward pass."""
        before = None
        for k, line in enumerate(self.e.staged.backward):
            if line.stage is not before:
                yield from indented(f"# backprop {line.stage.text}", INDENT, self.width, "dim")
                before = line.stage
            code = numbered(line.stage.number, line.text)
            yield from two_sides(code, _product(self.e, k), "gradient", self.width)
            detail = _detail(self.e, k)
            if detail:
                yield from right(detail, "dim", self.width)
            for finding in self.found_backward.pop(k, ()):
                yield from marked(finding, self.width, self.said)


# Parts.


def _example(e: Annotated) -> Iterator[str]:
    """Write the values of the arguments."""
    texts = []
    for argument in e.staged.arguments:
        if argument.node is not None or not is_scalar(argument.value):
            texts.append(f"{argument.name} = {_example_value(argument.value)}")
        else:
            texts.append(f"{argument.name} = {argument.value!r}")
    yield "at " + ", ".join(texts)


def _example_value(value: Any) -> str:
    return format_number(value) if is_scalar(value) else f"array {value.shape}"


def _guards_by_stage(e: Annotated) -> dict[int, list[Guard]]:
    """Find the stage before which Python looked at each value."""
    place = {node: k for k, node in enumerate(e.staged.trace.nodes)}
    found: dict[int, list[Guard]] = {}
    for guard in e.staged.trace.guards:
        for stage in e.staged.stages:
            if place.get(stage.node, -1) >= guard.position:
                found.setdefault(stage.number, []).append(guard)
                break
        else:
            if e.staged.stages:
                found.setdefault(e.staged.stages[-1].number, []).append(guard)
    return found


def _remark(guard: Guard) -> str:
    where = guard.location
    code = f", `{where.text}`," if where.text else ""
    return f"# line {where.lineno}{code} saw {guard.outcome}: other values may go another way"


def _product(e: Annotated, k: int) -> str:
    """Write local gradient times upstream gradient and what comes of it."""
    contribution = e.contributions[k]
    local, upstream = e.locals[k], e.upstreams[k]
    if not is_scalar(contribution):
        return format_array(contribution)
    total = format_number(contribution)
    if local is None or upstream is None or not (is_scalar(local) and is_scalar(upstream)):
        return total
    return f"{format_number(local)} × {format_number(upstream)} = {total}"


def _detail(e: Annotated, k: int) -> str:
    """Write how the local gradient comes about; for arrays the norms of the two factors."""
    line = e.staged.backward[k]
    local, upstream = e.locals[k], e.upstreams[k]
    if not is_scalar(e.contributions[k]):
        if local is None or upstream is None:
            return ""
        return f"norms: local {_norm(local)}, upstream {_norm(upstream)}"
    text = line.local if line.local is not None else None if line.upstream else line.expression
    result = local if line.local is not None else e.contributions[k]
    if text is None or result is None:
        return ""
    filled = _with_numbers(text, e.variables)
    if filled in (None, text, format_number(result)) or not re.search(r"[-+*/(]", text[1:]):
        return ""
    return f"{filled} = {format_number(result)}"


def _norm(value: Any) -> str:
    return format_number(value if is_scalar(value) else norm(value))


_NAME = re.compile(r"(?<![\w.])[^\W\d]\w*(?![\w(]|\.\w)")


def _with_numbers(expression: str, variables: Mapping[str, Any]) -> str | None:
    """Put the values of variables into an expression; None where one of them is an array.

    >>> _with_numbers("(1 - s) * s + math.exp(t)", {"s": 0.73, "t": -2.0})
    '(1 - 0.73) * 0.73 + math.exp(-2)'
    """
    arrays = []

    def number(match: re.Match[str]) -> str:
        name = match[0]
        if name not in variables:
            return name
        if not is_scalar(variables[name]):
            arrays.append(name)
            return name
        text = format_number(variables[name])
        before, after = expression[: match.start()], expression[match.end() :]
        alone = before.endswith("(") and after.startswith(")")
        first = not before or (before.endswith("(") and not after.startswith("**"))
        power = after.startswith("**")
        return f"({text})" if text.startswith("-") and not alone and (power or not first) else text

    filled = _NAME.sub(number, expression)
    return None if arrays else filled


def _result(e: Annotated, output: str, width: int) -> Iterator[list[Span]]:
    """Write the value and the gradients below one another."""
    rows = [(output, format_value(e.value), "number")]
    for argument in e.staged.arguments:
        if argument.wanted and argument.node is not None:
            name = e.staged.gradient_name.get(argument.name, f"d{argument.name}")
            gradient = e.run.gradients.get(argument.node, 0.0)
            rows.append((name, format_value(gradient), "gradient"))
    widest = max(columns(name) for name, _, _ in rows)
    yield [Span("result", "title")]
    for name, text, style in rows:
        left = [Span(" " * INDENT), Span(name + " " * (widest - columns(name))), Span(" = ")]
        if INDENT + widest + 3 + columns(text) <= width:
            yield [*left, Span(text, style)]
        else:
            yield from two_sides(left, text, style, width)
