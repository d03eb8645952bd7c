"""What `diagnose` returns: findings, as a table, as data, as HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Any

from chainrule.diagnose.findings import Finding
from chainrule.diagnose.spread import Spread

__all__ = ["Report"]

_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_SIGNS = {"error": "✗", "warning": "!", "note": "·"}


@dataclass(frozen=True)
class Report:
    """Findings about a model, the most severe first, causes before what follows from them.

    It is true where there is nothing but notes. ``print`` it; a notebook shows a table.

    Attributes:
        findings: what was found.
        title: what was looked at.
        profile: samples of signals and gradients, layer by layer, which `plot` draws.
    """

    findings: tuple[Finding, ...]
    title: str = "model"
    profile: tuple[Spread, ...] = field(default=(), repr=False, compare=False)

    def __bool__(self) -> bool:
        return not self.alarms

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """The findings that are more than notes."""
        return tuple(f for f in self.findings if f.severity != "note")

    @property
    def kinds(self) -> list[str]:
        """The kinds of the alarms, in their order."""
        return [finding.kind for finding in self.alarms]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, as JSON can hold it."""
        return {"title": self.title, "findings": [finding.to_dict() for finding in self.findings]}

    def plot(self) -> Any:
        """Draw histograms of the activations and of the weights' gradients, layer by layer.

        Returns:
            A matplotlib figure: ``report.plot().savefig("report.png")``.

        Raises:
            ImportError: there is no matplotlib.
            ValueError: there is nothing to draw: the data were not fit to be looked at.
        """
        from chainrule.diagnose.plots import by_layer

        return by_layer(self.title, self.profile)

    def __str__(self) -> str:
        lines = [self._summary()]
        for finding in self.findings:
            where = f" in {finding.layer}" if finding.layer else ""
            lines.append(f"{_SIGNS[finding.severity]} {finding.kind}{where}: {finding.message}.")
            if finding.line:
                lines.append(f"    {finding.line}")
            lines += [f"    - {cure}" for cure in finding.cures]
        return "\n".join(lines)

    def _summary(self) -> str:
        count = len(self.alarms)
        if not count:
            notes = len(self.findings)
            more = f" ({notes} note{'s' if notes > 1 else ''})" if notes else ""
            return f"{self.title}: nothing that keeps it from learning{more}"
        return f"{self.title}: {count} finding{'s' if count > 1 else ''}"

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        from rich.padding import Padding
        from rich.text import Text

        yield Text(self._summary(), style="bold")
        for finding in self.findings:
            style = _STYLES[finding.severity]
            head = Text(f"{_SIGNS[finding.severity]} {finding.kind}", style=style)
            if finding.layer:
                head.append(f" in {finding.layer}", style="bold")
            head.append(f": {finding.message}.", style="default")
            yield head
            if finding.line:
                yield Padding(Text(finding.line, style="dim"), (0, 0, 0, 4))
            for cure in finding.cures:
                yield Padding(Text(f"- {cure}"), (0, 0, 0, 4))

    def _repr_html_(self) -> str:
        rows = "".join(
            "<tr>"
            + "".join(
                f"<td style='text-align:left;vertical-align:top'>{cell}</td>"
                for cell in (
                    f"{_SIGNS[f.severity]} {escape(f.severity)}",
                    f"<b>{escape(f.kind)}</b>",
                    f"<code>{escape(f.layer)}</code>",
                    escape(f.message) + (f"<br><code>{escape(f.line)}</code>" if f.line else ""),
                    "<br>".join(escape(cure) for cure in f.cures),
                )
            )
            + "</tr>"
            for f in self.findings
        )
        return (
            f"<p>{escape(self._summary())}</p><table><tr><th></th><th>kind</th><th>where</th>"
            f"<th>what</th><th>what to do</th></tr>{rows}</table>"
        )
