"""The lines of code of a page: the staged code, or the user's own where an error ended the run."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping
from typing import Any

from chainrule.core.node import Node
from chainrule.explain import Explanation, Failure
from chainrule.staged import Line, Stage

__all__ = ["lines_of"]


def lines_of(shown: Explanation | Failure, at: Mapping[Node | None, int]) -> list[dict[str, Any]]:
    """Return the lines of code, each with what the front end knows of it.

    Args:
        shown: what the page is of.
        at: the numbers of the vertices, by their nodes.
    """
    return _own(shown, at) if isinstance(shown, Failure) else _Staged(shown, at).lines()


class _Staged:
    """The lines of staged code."""

    def __init__(self, explanation: Explanation, at: Mapping[Node | None, int]) -> None:
        self._e, self._at = explanation, at

    def lines(self) -> list[dict[str, Any]]:
        staged = self._e.staged
        parts: dict[int, list[Stage | Line]] = {}
        every: list[Stage | Line] = [*staged.stages, *staged.backward]
        for part in every:
            parts.setdefault(part.lineno, []).append(part)
        series = {one.stages[0].lineno: k for k, one in enumerate(self._e.series)}
        found = []
        for number, text in enumerate(staged.program.source().splitlines(), start=1):
            line: dict[str, Any] = {"text": text}
            here = parts.get(number, [])
            if len(here) == 1:
                line |= self._part(here[0])
            elif here and isinstance(here[0], Stage):  # turns of a loop
                line |= {"stage": here[0].number, "loop": len(here), "series": series.get(number)}
            elif here:
                line |= {"loop": len(here)}
            found.append(line)
        return found

    def _part(self, part: Stage | Line) -> dict[str, Any]:
        if isinstance(part, Stage):
            at = self._at.get(part.node)
            return {"stage": part.number, "vertex": at, "name": part.name}
        at = self._at.get(part.stage.node)
        return {
            "stage": part.stage.number,
            "backward": True,
            "vertex": at,
            "of": self._variable(part),
            "target": part.target,
            "operator": part.operator,
            "expression": part.expression,
            "local": part.local,
            "upstream": part.upstream,
        }

    def _variable(self, line: Line) -> int | None:
        """Return the vertex whose gradient a line is about."""
        if line.of is None:
            return None
        for stage in reversed(self._e.staged.stages[: line.stage.number - 1]):
            if stage.name == line.of:
                return self._at.get(stage.node)
        for argument in self._e.run.trace.arguments:
            if argument.name == line.of and argument.node is not None:
                return self._at.get(argument.node)
        return None


def _own(failure: Failure, at: Mapping[Node | None, int]) -> list[dict[str, Any]]:
    """Return the lines of the function itself, up to the one that failed and beyond."""
    f = inspect.unwrap(failure.run.trace.function)
    code = getattr(f, "__code__", None)
    try:
        source, first = inspect.getsourcelines(f)
    except (OSError, TypeError):  # typed in where nothing is kept
        source, first = [], 0
    failed = failure.line_in(code)
    if not source or failed is None:
        found = [
            {"text": where.text, "vertex": at.get(node), "name": name}
            for node, name, where in failure.stages
        ]
        text = "" if failure.location is None else failure.location.text
        return [*found, {"text": text, "vertex": at[None], "fails": True}]
    lines: list[dict[str, Any]] = [
        {"text": text.rstrip("\n")} for text in textwrap.dedent("".join(source)).splitlines()
    ]
    for node, name, where in failure.stages:
        if where.filename == code.co_filename and first <= where.lineno < first + len(lines):  # type: ignore[union-attr]
            lines[where.lineno - first] |= {"vertex": at.get(node), "name": name}
    lines[failed - first] |= {"vertex": at[None], "fails": True}
    return lines
