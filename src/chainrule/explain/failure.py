"""`explain_failure`: what a function computed before it raised an error, up to the failing line."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import CodeType
from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.core.callables import name_of
from chainrule.core.node import Node
from chainrule.core.source import Location, annotate, failed_at
from chainrule.errors import ArgumentError
from chainrule.explain.circuit import Circuit, Group, Lead, Vertex, circuit
from chainrule.explain.findings import non_finite_values, saturated, silent
from chainrule.explain.margins import indented, marked, two_sides
from chainrule.explain.numbers import format_value
from chainrule.explain.observation import Finding, Observation
from chainrule.explain.pictured import WIDTH, Pictured
from chainrule.explain.spans import Span
from chainrule.graph.trace import Argument, Trace
from chainrule.graph.tracing import trace
from chainrule.numpy.calls import is_of

__all__ = ["Failure", "explain_failure"]


class _Unfinished(Observation):
    """A run that an error ended: there is no result, and all that was made counts."""

    @cached_property
    def reached(self) -> set[Node]:
        """The arguments and all nodes."""
        return {*self.trace.nodes, *(a.node for a in self.trace.arguments if a.node is not None)}


class Failure(Pictured):
    """The forward pass of a function up to the line at which it raised an error.

    ``print`` it; in a notebook it shows the graph as well. `save` writes it to a file.

    Attributes:
        error: what was raised.
        location: the user's line where it arose; None where that is unknown.
        graph: what is drawn: the last vertex is the operation that failed.
        run: the trace, without gradients.
        warnings: what was found in the values up to there.
    """

    def __init__(self, run: Trace, error: Exception) -> None:
        self.error = error
        self.run: Observation = _Unfinished(run, {})
        found = failed_at(error)
        self.location: Location | None = None if found is None else found[0]
        self._read = {} if found is None else found[1]
        looks = (non_finite_values, saturated, silent)
        self.warnings: list[Finding] = [x for look in looks for x in look(self.run)]

    @property
    def title(self) -> str:
        """The function and its arguments."""
        roots = dict.fromkeys(a.name for a in self.run.trace.arguments)
        return f"{name_of(self.run.trace.function)}({', '.join(roots)})"

    @property
    def message(self) -> str:
        """The error, the line at which it arose, and the shapes there."""
        said = f"{type(self.error).__name__}: {self.error}".splitlines()
        if self.location is not None:
            file, text = os.path.basename(self.location.filename), self.location.text
            said.append(f"line {self.location.lineno} of {file}")
            notes = [x for x in getattr(self.error, "__notes__", ()) if text and x.startswith(text)]
            said += notes[-1:] or [text]
        return "\n".join(said)

    @property
    def arguments(self) -> list[Argument]:
        """The leaves of the arguments."""
        return self.run.trace.arguments

    def line_in(self, code: CodeType | None) -> int | None:
        """Return the line of a function that was running when the error arose; None if it was not.

        It calls the function that failed, where that is another one.
        """
        tb, line = self.error.__traceback__, None
        while tb is not None:
            if code is not None and is_of(tb.tb_frame.f_code, code):
                line = tb.tb_lineno
            tb = tb.tb_next
        return line

    @cached_property
    def stages(self) -> list[tuple[Node, str, Location]]:
        """The variables that were given a value, each with its node and its line."""
        notes = self.run.trace.notes
        noted = [(node, notes[node]) for node in self.run.live if node in notes]
        return [(node, note.name, note.location) for node, note in noted if note.name]

    @cached_property
    def graph(self) -> Circuit:
        """The circuit up to the failing operation."""
        stages = {node: (name, location.text) for node, name, location in self.stages}
        drawn = circuit(self.run, stages, self.title)
        at = {vertex.node: k for k, vertex in enumerate(drawn.vertices)}
        read = [x.node for x in self._read.values() if type(x) is Array]
        leads = [Lead(at[node], None, False) for node in dict.fromkeys(read) if node in at]
        text = "" if self.location is None else self.location.text
        group = Group(type(self.error).__name__, text, [len(drawn.vertices)])
        drawn.vertices.append(Vertex(None, "!", len(drawn.groups), None, None, leads))
        drawn.groups.append(group)
        return drawn

    # Text.

    def lines(self, width: int = WIDTH) -> list[list[Span]]:
        """Return the text as lines of styled spans."""
        found = [*indented(self.title, 0, width, "title")]
        for argument in self.arguments:
            left = [Span(f"    {argument.name}")]
            found += two_sides(left, format_value(argument.value), "number", width)
        found += [[], *two_sides([Span("forward pass", "title")], "value", "dim", width)]
        said: set[str] = set()
        rest = list(self.warnings)
        for node, name, location in self.stages:
            code = [Span(f"{location.lineno:4} {location.text}")]
            found += two_sides(code, format_value(node.output), "number", width)
            here = [finding for finding in rest if finding.stage == name]
            rest = [finding for finding in rest if finding.stage != name]
            found += [line for finding in here for line in marked(finding, width, said)]
        found += [line for finding in rest for line in marked(finding, width, said)]
        found.append([])
        for text in f"! {self.message}".splitlines():
            found += indented(text, 0, width, "finding")
        return found

    def __repr__(self) -> str:
        return f"<failure of {self.title}: {type(self.error).__name__}>"

    def alarms(self) -> Mapping[str, str]:
        """Return what was found, by the variable at which it is drawn, and the error."""
        found = {finding.stage: str(finding) for finding in self.warnings}
        return {**found, type(self.error).__name__: self.message}

    def page(self, language: str = "en") -> Any:
        """Return it as a live page: see `chainrule.Explanation.page`."""
        # The room above this one, which is loaded when somebody asks for it.
        return importlib.import_module("chainrule.page").Page(self, language)


def explain_failure(
    f: Callable[..., Any], *args: Any, argnums: int | Sequence[int] | None = None, **kwargs: Any
) -> Failure:
    """Run f, which raises an error, and show its forward pass up to the failing line.

    Args:
        f: a function of NumPy arrays and floats.
        args: where to look, as `explain` takes them.
        argnums: as `explain` takes them.
        kwargs: passed to f.

    Raises:
        ArgumentError: f raises no error there, or there is no float to differentiate by.

    >>> import numpy as np
    >>> import chainrule as cr
    >>> def f(x, W):
    ...     h = 2 * x
    ...     return np.sum(h @ W)
    >>> cr.explain_failure(f, np.ones(3), np.ones((2, 2)))
    <failure of f(x, W): ValueError>
    """
    stopped: list[Trace] = []
    try:
        with np.errstate(all="ignore"):
            trace(f, args, kwargs, argnums, stopped.append)
    except Exception as error:
        if not stopped:  # it is about the arguments, before f was called
            raise
        annotate(error)
        return Failure(stopped[-1], error)
    raise ArgumentError(f"{name_of(f)} raises no error there: chainrule.explain shows all of it")
