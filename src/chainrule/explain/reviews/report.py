"""What `review` found, line by line, and how it prints."""

from __future__ import annotations

import html
import io
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from chainrule.explain.reviews.compare import precise

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

__all__ = ["Cause", "Finding", "LineReview", "Review", "Verdict"]

Verdict = Literal["right", "wrong", "follows", "not compared", "missing"]

_RANK: dict[Verdict, int] = {"wrong": 4, "missing": 3, "follows": 2, "right": 1, "not compared": 0}
_STYLE = {"right": "green", "wrong": "bold red", "follows": "yellow", "missing": "magenta"}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a line is wrong: a ``kind`` to test for, and the sentence for the reader.

    Kinds: ``missing +=``, ``missing upstream``, ``missing local``, ``wrong local``, ``sign``,
    ``transpose``, ``missing sum``, ``factor``, ``wrong operand``, ``missing path``, ``order``,
    ``forward value``, ``shape``, ``unknown``.
    """

    kind: str
    text: str
    write: str | None = None  # what to write instead, where that is known


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """The verdict on one variable at one line.

    ``found`` is its value there and ``expected`` what it should be; for a line that adds to an
    accumulated gradient, what the line adds and should add where ``added`` is set.
    """

    name: str
    verdict: Verdict
    found: Any = None
    expected: Any = None
    cause: Cause | None = None
    note: str = ""
    added: bool = False

    @property
    def rank(self) -> int:
        """How serious it is."""
        return _RANK[self.verdict]


@dataclass(frozen=True, slots=True, eq=False)
class LineReview:
    """A line of the hand-written function; ``number`` is None for what no line computes.

    ``time`` orders lines as they ran.

    Verdicts: ``right``; ``wrong``; ``follows``, right in itself but computed from wrong values;
    ``not compared``, nothing in the function corresponds to it; ``missing``.
    """

    number: int | None
    source: str
    findings: tuple[Finding, ...]
    time: int = 0

    @property
    def finding(self) -> Finding:
        """The most serious finding of the line."""
        return max(self.findings, key=lambda f: f.rank)

    @property
    def verdict(self) -> Verdict:
        """The verdict on the line: that of its most serious finding."""
        return self.finding.verdict

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that the line gives values to."""
        return tuple(f.name for f in self.findings)

    @property
    def cause(self) -> Cause | None:
        """Why the line is wrong, if it is."""
        return self.finding.cause

    @property
    def found(self) -> Any:
        """The value that the line computes."""
        return self.finding.found

    @property
    def expected(self) -> Any:
        """The value that it should compute."""
        return self.finding.expected


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Review:
    """The result of `review`: true where the hand-written gradient is right and complete.

    Attributes:
        function, handwritten: the names of the two functions.
        lines: a `LineReview` for each line that computes something, then what is missing.
        error: the exception that ended the run of the hand-written function, if one did.
        error_line: its line.
    """

    function: str
    handwritten: str
    lines: tuple[LineReview, ...]
    remarks: tuple[str, ...] = ()
    error: BaseException | None = None
    error_line: int | None = None
    error_source: str = ""

    def __bool__(self) -> bool:
        return self.error is None and not self.wrong and not self.missing

    @property
    def wrong(self) -> tuple[LineReview, ...]:
        """The lines that are wrong in themselves, in the order in which they ran."""
        wrong = (line for line in self.lines if line.verdict == "wrong")
        return tuple(sorted(wrong, key=lambda line: line.time))

    @property
    def first(self) -> LineReview | None:
        """The first wrong line."""
        return self.wrong[0] if self.wrong else None

    @property
    def missing(self) -> tuple[str, ...]:
        """The arguments whose gradients were never computed."""
        return tuple(line.names[0] for line in self.lines if line.verdict == "missing")

    def __getitem__(self, number: int) -> LineReview:
        """Return the review of a line, by its number in the file."""
        for line in self.lines:
            if line.number == number:
                return line
        raise KeyError(number)

    @property
    def summary(self) -> str:
        """The result in one sentence."""
        if self.error is not None:
            return (
                f"{self.handwritten} raised {type(self.error).__name__} at line {self.error_line}"
            )
        if self.first is not None:
            count = len(self.wrong)
            more = f" ({count} lines are wrong)" if count > 1 else ""
            return f"the first wrong line is line {self.first.number}{more}"
        if self.missing:
            names = ", ".join(self.missing)
            return f"nothing is wrong, but the gradient by {names} was never computed"
        return "right"

    def __str__(self) -> str:
        from rich.console import Console

        file = io.StringIO()
        console = Console(file=file, width=80, color_system=None, force_jupyter=False)
        console.print(self)
        return "\n".join(line.rstrip() for line in file.getvalue().splitlines())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        colours = {"right": "#1a7f37", "wrong": "#cf222e", "follows": "#9a6700"}
        rows = []
        for line in self.lines:
            colour = colours.get(line.verdict, "#57606a")
            rows.append(
                f"<tr><td>{line.number or ''}</td><td style='text-align:left'><code>"
                f"{html.escape(line.source)}</code></td>"
                f"<td style='color:{colour};text-align:left'>{_verdict(line)}</td></tr>"
            )
        details = html.escape("\n".join(self._details()))
        return (
            f"<p><b>{html.escape(self._head())}</b></p><table><tr><th>line</th><th></th>"
            f"<th>verdict</th></tr>{''.join(rows)}</table><pre>{details}</pre>"
        )

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        yield Text(self._head(), "bold green" if self else "bold red")
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
        table.add_column("line", justify="right")
        table.add_column("", overflow="ellipsis", no_wrap=True, max_width=58)
        table.add_column("verdict", no_wrap=True)
        for line in self.lines:
            table.add_row(
                str(line.number or ""),
                Text(line.source),
                Text(_verdict(line), _STYLE.get(line.verdict, "dim")),
            )
        yield table
        for text in self._details():
            yield Text(text)

    def _head(self) -> str:
        return f"{self.handwritten}, compared with the gradient of {self.function}: {self.summary}"

    def _details(self) -> list[str]:
        texts = []
        for k, line in enumerate(self.wrong):
            finding = line.finding
            which = "first wrong line" if k == 0 else "also wrong"
            texts.append(f"{which}, line {line.number}: {line.source}")
            adds = " (what the line adds)" if finding.added else ""
            texts += _entry("found", _value(finding.found) + adds)
            texts += _entry("expected", _value(finding.expected) + _where(finding))
            if finding.cause is not None:
                texts += _entry("likely", f"{finding.cause.kind}: {finding.cause.text}")
                if finding.cause.write:
                    texts += _entry("write", finding.cause.write)
        if self.error is not None:
            texts.append(f"line {self.error_line}: {self.error_source}")
            texts += _entry("raised", f"{type(self.error).__name__}: {self.error}")
            texts.append("only what ran before it was compared")
        if self.missing:
            texts.append(
                "missing: gradients that are not wanted can be left out with argnums=(...)"
            )
        return [*texts, *self.remarks]


def _entry(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        f"  {label:<10}{text}", 80, subsequent_indent=" " * 12, break_long_words=False
    )


def _verdict(line: LineReview) -> str:
    finding = line.finding
    return (
        f"{line.verdict}: {finding.note}"
        if finding.note and len(finding.note) < 24
        else line.verdict
    )


def _value(value: Any) -> str:
    if np.ndim(value) == 0:
        return f"{value[()] if isinstance(value, np.ndarray) else value:.10g}"
    array = np.asarray(value)
    if array.size <= 6:
        text = np.array2string(array, precision=5, separator=", ").replace("\n", "")
        return " ".join(text.split())
    norm = float(np.linalg.norm(precise(array).ravel()))
    return f"shape {array.shape}, norm {norm:.6g}, first entry {array.flat[0]:.6g}"


def _where(finding: Finding) -> str:
    """Say where two arrays differ most."""
    found, expected = np.asarray(finding.found), np.asarray(finding.expected)
    if found.shape != expected.shape or found.size <= 6:
        return ""
    at = np.unravel_index(int(np.nanargmax(np.abs(found - expected))), found.shape)
    index = ", ".join(str(int(i)) for i in at)
    return f"; most apart at [{index}]: {found[at]:.4g}, not {expected[at]:.4g}"
