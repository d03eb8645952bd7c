"""`explain`: the forward and backward pass of one run, with every number in its place."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np

from chainrule.explain.annotated import Annotated
from chainrule.explain.circuit import Circuit, circuit
from chainrule.explain.pictured import WIDTH, Pictured
from chainrule.explain.spans import Span, to_ansi, to_plain
from chainrule.explain.text import lines_of
from chainrule.explain.turns import loops_of, shown
from chainrule.staged.staging import stage_as_written

__all__ = ["Explanation", "explain"]

_NARROWEST = 20  # columns in which code can still be read


class Explanation(Annotated, Pictured):
    """The staged code of a function with the numbers of one run, and what they warn of.

    ``print`` it; in a notebook it shows the graph as well. `save` writes it to a file. The numbers
    are there as data, too.

    Attributes:
        value: the function's value.
        gradients: one per argument that is differentiated by, as ``staged(*args)`` gives them.
        staged: the code.
        warnings: what was found, as data: kind, stage, line, message.
        graph: what is drawn.
        run: the trace, with the gradient of every node.
        variables: the value of every variable of the staged code.
        contributions: for each backward line what it adds; ``locals`` and ``upstreams`` are its two
            factors, None where it is not written as their product.
    """

    @cached_property
    def graph(self) -> Circuit:
        """The graph of operations as it is drawn."""
        stages = {stage.node: code for stage, code in shown(self.staged).items()}
        return circuit(self.run, stages, self.title, loops_of(self.staged))

    def __getstate__(self) -> dict[str, Any]:
        """Draw first: in a pickle nodes have no past."""
        return {**vars(self), "graph": self.graph}

    # Text.

    def lines(self, width: int = WIDTH) -> list[list[Span]]:
        """Return the text as lines of styled spans."""
        return lines_of(self, width)

    def __str__(self) -> str:
        """Return the text as it can be printed now: in a terminal coloured, and not too wide."""
        terminal = sys.stdout is not None and sys.stdout.isatty()
        lines = self.lines(_width(shutil.get_terminal_size().columns) if terminal else WIDTH)
        return _encodable(_coloured(lines) if terminal and _colours() else to_plain(lines))

    def __format__(self, spec: str) -> str:
        return format(self.text, spec)

    def __repr__(self) -> str:
        count = len(self.warnings)
        return f"<explanation of {self.title}: {count} finding{'' if count == 1 else 's'}>"

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        yield to_ansi(self.lines(_width(options.max_width)), end="\n")

    def alarms(self) -> Mapping[str, str]:
        """Return what was found, by the variable at which it is drawn."""
        found: dict[str, str] = {}
        for finding in self.warnings:
            before = found.get(finding.stage)
            found[finding.stage] = f"{before}\n{finding}" if before else str(finding)
        return found

    def page(self, language: str = "en", exercise: bool | Literal["local"] = False) -> Any:
        """Return the explanation as a live page: one changes the inputs, and steps through it.

        Args:
            language: in which it speaks at first, ``"en"`` or ``"ru"``.
            exercise: leave the backward lines to the reader, who is told whether they are right;
                ``"local"`` asks for the local gradients in them alone.

        Returns:
            A `chainrule.page.Page`: ``save("f.html")`` writes it, ``html`` is its text, and a
            notebook shows it.
        """
        # The room above this one, which is loaded when somebody asks for it.
        return importlib.import_module("chainrule.page").Page(self, language, exercise)


def explain(
    f: Callable[..., Any], *args: Any, argnums: int | Sequence[int] | None = None, **kwargs: Any
) -> Explanation:
    """Run f and show its forward and backward pass, line by line, with the numbers.

    Args:
        f: a function of NumPy arrays and floats with one number as its output.
        args: where to look; each may be a tree (tuple, list, dict, dataclass) of arrays.
        argnums: positions of the arguments to differentiate by; all that hold floats if not given.
        kwargs: passed to f.

    Raises:
        ArgumentError: there is no float to differentiate by.
        NonScalarOutputError: f's output is not one number.

    >>> import chainrule as cr
    >>> def f(x, y, z):
    ...     q = x + y
    ...     return q * z
    >>> print(cr.explain(f, -2.0, 5.0, -4.0))
    f(x, y, z)
        at x = -2, y = 5, z = -4
    ...
    """
    with np.errstate(all="ignore"):  # what NumPy would warn of is reported with its line
        return Explanation(stage_as_written(f, args, kwargs, argnums), args)


def _width(columns: int) -> int:
    """Return how wide the text is where there are so many columns."""
    return max(_NARROWEST, min(WIDTH, columns))


def _colours() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _coloured(lines: Sequence[Sequence[Span]]) -> str:
    from rich.console import Console

    console = Console(force_terminal=True, width=1000, legacy_windows=False)
    with console.capture() as capture:
        console.print(to_ansi(lines), end="")
    return capture.get()


def _encodable(text: str) -> str:
    """Replace what the terminal has no characters for."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.replace("×", "*").encode(encoding, "backslashreplace").decode(encoding)
    return text
