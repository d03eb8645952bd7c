"""What `check_gradient` found: numbers, a verdict per argument, and a table of them."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from chainrule.errors import GradientMismatchError

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

__all__ = ["ArgumentCheck", "Entry", "GradientReport", "Verdict"]

Verdict = Literal["good", "ok, kinks", "suspicious", "probably wrong", "wrong"]

GOOD, SUSPICIOUS, WRONG = 1e-7, 1e-4, 1e-2
_STYLES = {"good": "green", "ok, kinks": "green", "suspicious": "yellow"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One derivative, by an entry of an argument or along a direction.

    ``error`` is ``|analytic - numeric| / max(|analytic|, |numeric|)``, where the denominator is at
    least so large that rounding alone cannot exceed 1e-7. At a kink, ``numeric`` is the value
    nearest to ``analytic`` between the slopes of the two sides.
    """

    index: tuple[int, ...] | str
    analytic: float
    numeric: float
    error: float
    uncertainty: float = 0.0
    kind: str = "smooth"
    method: str = "differences"

    @property
    def place(self) -> str:
        """The index as one writes it: ``[2, 0]``, or what the direction is."""
        if isinstance(self.index, str):
            return self.index
        return f"[{', '.join(map(str, self.index))}]" if self.index else ""


@dataclass(frozen=True, slots=True)
class ArgumentCheck:
    """The check of one leaf of one argument."""

    name: str
    shape: tuple[int, ...]
    entries: tuple[Entry, ...]
    checked: int  # entries, not counting directions
    size: int
    directions: int = 0
    problem: str | None = None  # what makes the gradient wrong whatever its numbers are
    notes: tuple[str, ...] = ()

    @property
    def worst(self) -> Entry | None:
        """The derivative with the largest error; None for an empty array."""
        return max(self.entries, key=lambda e: e.error, default=None)

    @property
    def error(self) -> float:
        """The largest relative error."""
        if self.problem is not None:
            return math.inf
        return self.worst.error if self.worst else 0.0

    @property
    def kinks(self) -> tuple[Entry, ...]:
        """The entries at which the function has a kink."""
        return tuple(e for e in self.entries if e.kind == "kink")

    @property
    def verdict(self) -> Verdict:
        """Judge the largest error by the thresholds 1e-7, 1e-4 and 1e-2."""
        error = self.error
        if error <= GOOD:
            return "good"
        if error <= SUSPICIOUS:
            return "ok, kinks" if self.kinks else "suspicious"
        return "probably wrong" if error <= WRONG else "wrong"

    @property
    def method(self) -> str:
        """How the numeric derivatives were had."""
        used = {e.method for e in self.entries}
        if not used:
            return "nothing to check"
        return "complex step and differences" if len(used) > 1 else used.pop()

    def __bool__(self) -> bool:
        return self.verdict in ("good", "ok, kinks")


@dataclass(frozen=True, slots=True, repr=False)
class GradientReport:
    """The result of `check_gradient`: true where every argument's gradient is good.

    ``arguments`` has one `ArgumentCheck` per leaf. Printing it, as text or with rich, shows a table
    of at most 80 columns.
    """

    function: str
    value: float
    arguments: tuple[ArgumentCheck, ...]
    notes: tuple[str, ...] = field(default=())

    def __bool__(self) -> bool:
        return all(self.arguments)

    @property
    def error(self) -> float:
        """The largest relative error of all arguments."""
        return max((a.error for a in self.arguments), default=0.0)

    @property
    def worst(self) -> ArgumentCheck | None:
        """The argument with the largest error."""
        return max(self.arguments, key=lambda a: a.error, default=None)

    def __getitem__(self, name: str) -> ArgumentCheck:
        for argument in self.arguments:
            if argument.name == name:
                return argument
        raise KeyError(name)

    def raise_if_bad(self) -> None:
        """Raise `GradientMismatchError`, with the table, unless every gradient is good."""
        if not self:
            bad = ", ".join(f"{a.name} ({a.verdict})" for a in self.arguments if not a)
            raise GradientMismatchError(
                f"the gradient of {self.function} does not agree with differences of its value: "
                f"{bad}\n{self}"
            )

    def __str__(self) -> str:
        from rich.console import Console

        file = io.StringIO()
        console = Console(file=file, width=80, color_system=None, force_jupyter=False)
        console.print(self)
        return "\n".join(line.rstrip() for line in file.getvalue().splitlines())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        import html

        return f"<pre>{html.escape(str(self))}</pre>"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        head = f"gradient of {self.function} (value {self.value:.6g}): "
        word, style = ("good", "bold green") if self else ("not good", "bold red")
        yield Text(head).append(word, style)
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
        table.add_column("argument", overflow="fold", max_width=16)
        table.add_column("shape")
        table.add_column("largest\nrel. error", justify="right", no_wrap=True)
        table.add_column("at", overflow="fold")
        table.add_column("analytic", justify="right", no_wrap=True)
        table.add_column("numeric", justify="right", no_wrap=True)
        table.add_column("verdict")
        for a in self.arguments:
            table.add_row(*_row(a), Text(a.verdict, _STYLES.get(a.verdict, "red")))
        yield table
        for line in self._remarks():
            yield Text(line)

    def _remarks(self) -> list[str]:
        lines = []
        methods: dict[str, list[str]] = {}
        for a in filter(lambda a: a.entries, self.arguments):
            methods.setdefault(a.method, []).append(a.name)
        for method, names in methods.items():
            of = "" if len(methods) == 1 else f" ({', '.join(names)})"
            lines.append(f"compared with: {method}{of}")
        for a in self.arguments:
            if a.problem is not None:
                lines.append(f"{a.name}: {a.problem}")
            elif a.checked < a.size:
                lines.append(
                    f"{a.name}: {a.checked} of {a.size} entries, drawn at random, and "
                    f"{a.directions} random directions"
                )
            if a.kinks:
                lines.append(f"{a.name}: {_kinks(a)}")
            lines += [f"{a.name}: {note}" for note in a.notes]
        return lines + list(self.notes)


def _row(a: ArgumentCheck) -> tuple[str, str, str, str, str, str]:
    shape = "x".join(map(str, a.shape)) if a.shape else "number"
    if a.worst is None or a.problem is not None:
        return a.name, shape, "" if a.problem is None else "-", "", "", ""
    worst = a.worst
    return (
        a.name,
        shape,
        f"{worst.error:.1e}",
        worst.place,
        f"{worst.analytic:.4g}",
        f"{worst.numeric:.4g}",
    )


def _kinks(a: ArgumentCheck) -> str:
    places = [e.place for e in a.kinks if e.place]
    shown = ", ".join(places[:3]) + (" ..." if len(places) > 3 else "")
    where = f" ({shown})" if shown else ""
    if len(a.kinks) == 1:
        return f"a kink{where}: the slopes of the two sides differ, any between them is right"
    return f"kinks at {len(a.kinks)} entries{where}: any slope between the two sides' is right"
