"""What the commands say: of a table, of a run, of what became of it."""

from __future__ import annotations

import shutil
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import typer

from chainrule.cli.networks import network
from chainrule.cli.networks.folder import Kept
from chainrule.cli.networks.prepare import Prepared
from chainrule.cli.networks.settings import Settings
from chainrule.cli.tables.columns import described
from chainrule.cli.tables.goal import Classes, Quantity, task
from chainrule.cli.tables.reading import SEPARATORS, Table
from chainrule.cli.tables.values import missing

__all__ = [
    "in_options",
    "note",
    "of_course",
    "of_end",
    "of_health",
    "of_network",
    "of_report",
    "of_score",
    "of_table",
    "say",
]

#: Cures that are options of the command line.
_OPTIONS = {
    "nn.relu": "--activation relu",
    "nn.relu in place of it": "--activation relu",
    "nn.relu in place of sigmoid or tanh": "--activation relu",
    "nn.leaky_relu": "--activation leaky_relu",
    "nn.leaky_relu or nn.elu": "--activation leaky_relu, or elu",
    "a smaller learning rate": "a smaller --learning-rate",
    "a smaller learning rate, if they died in training": "a smaller --learning-rate",
    "a tenth of the learning rate": "a tenth of the --learning-rate",
    "a hundredth of the learning rate": "a hundredth of the --learning-rate",
    "10 to 1000 times the learning rate": "10 to 1000 times the --learning-rate",
    "a wider model": "more units: --hidden",
}


def say(text: str, indent: int = 0) -> None:
    """Say something, in lines that fit."""
    margin = " " * indent
    width = min(shutil.get_terminal_size().columns, 100)
    lines = textwrap.wrap(
        text,
        width,
        initial_indent=margin,
        subsequent_indent=margin + "  " * bool(indent),
        break_on_hyphens=False,
    )
    typer.echo("\n".join(lines))


def note(text: str) -> None:
    """Say something beside the output."""
    typer.echo(f"{typer.style('note:', fg='yellow', bold=True)} {text}", err=True)


def of_table(table: Table, made: Prepared) -> None:
    """Say what a table and its columns were taken for."""
    rows, count = len(table.frame), len(table.columns)
    apart = "" if table.separator == "," else f", separated by {SEPARATORS[table.separator]}"
    apart += ", decimal commas" if table.commas else ""
    say(f"{table.name}: {rows:,} rows, {count} columns{apart}")
    goal = made.goal
    if isinstance(goal, Classes):
        shown = ", ".join(goal.values[:12]) + (" …" if len(goal.values) > 12 else "")
        say(f"target: {goal.name}, one of {len(goal.values)} classes ({made.why}): {shown}", 2)
    else:
        assert isinstance(goal, Quantity)
        mean = network.amount(goal.centre)
        say(f"target: {goal.name}, a number ({made.why}), {mean} in the mean", 2)
    for kind, names in described(made.columns):
        shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
        say(f"{kind}: {shown}", 2)
    for text in (*table.notes, *made.notes[:12]):
        say(f"note: {text}", 2)
    if len(made.notes) > 12:
        say(f"note: and {len(made.notes) - 12} more of the kind", 2)
    say(f"{task(goal)} with {len(made.training):,} rows; {len(made.held):,} are held out")


def of_network(settings: Settings, made: Prepared, parameters: int) -> None:
    """Say which network is trained, and how."""
    width = made.x.shape[1]
    sizes = [
        f"{width} feature{'s' if width > 1 else ''}",
        *(f"{size} {settings.activation}" for size in settings.hidden),
        str(made.goal.width),
    ]
    say(
        f"network: {' -> '.join(sizes)}, {parameters:,} parameters; {settings.optimiser} with a "
        f"learning rate of {settings.rate:g}"
    )


def of_end(settings: Settings, made: Prepared, run: Any, parts: Any) -> None:
    """Say why a run ended, and how good it was.

    Args:
        settings: of the run.
        made: the table.
        run: what `chainrule.train.fit` returned.
        parts: inputs and targets to train with, and those held out.
    """
    if not run.epoch:
        return
    losses = run.history["validation loss"]
    best = int(np.argmin(losses)) + 1
    if run.stopped == "early stopping":
        say(f"stopped after epoch {run.epoch}: {settings.patience} epochs brought nothing")
    output = np.asarray(run.model(parts[1][0]))
    said = network.measured(made.goal, output, parts[1][1], parts[0][1])
    say(f"best on the rows held out after epoch {best}: {said}")


def of_health(report: Any, save: Path | None) -> None:
    """Say what the monitor saw, in a line each."""
    for finding in report.alarms[:3]:
        where = f" in {finding.layer}" if finding.layer else ""
        say(f"! {finding.kind}{where}: {finding.message}")
    if report.alarms and save is not None:
        say(f"chainrule diagnose {save} tells more")


def of_course(history: dict[str, list[float]]) -> bool:
    """Say how the losses went; return whether all is well with them."""
    epochs = len(history.get("loss", ()))
    if not epochs:
        say("no epoch is complete")
        return True
    loss, held = history["loss"], history["validation loss"]
    best = int(np.argmin(held))
    say(
        f"{epochs} epochs: the loss went from {loss[0]:.4g} to {loss[-1]:.4g}, on the rows held "
        f"out from {held[0]:.4g} to {held[-1]:.4g}; it was best after epoch {best + 1}, "
        f"{held[best]:.4g}"
    )
    if held[-1] > 1.2 * held[best] and loss[-1] < loss[best]:
        say(
            "it learns the rows by heart: what it gains on them it loses on others. The best epoch "
            "is kept; fewer hidden units, or more rows, would help"
        )
        return False
    if held[best] > 2 * loss[best]:
        say(
            f"on the rows held out it is {held[best] / loss[best]:.1f} times as large as on the "
            "others: some of these are learnt by heart"
        )
    return True


def in_options(report: Any) -> Any:
    """Return a report with cures as options, without lines of code: they are of this package."""
    findings = []
    for finding in report.findings:
        cures = tuple(_OPTIONS.get(cure, cure) for cure in finding.cures)
        findings.append(replace(finding, line="", cures=tuple(dict.fromkeys(cures))))
    return replace(report, findings=tuple(findings))


def of_report(when: str, report: Any) -> None:
    """Show a report, and what it is about."""
    from rich.console import Console

    console = Console(highlight=False)
    console.print(f"\n{when}:", style="bold")
    console.print(report)


def of_score(kept: Kept, found: Table, outputs: Any) -> None:
    """Say how good predictions are, where the table has the target."""
    if kept.goal.name not in found.columns:
        return
    texts = found.frame[kept.goal.name]
    y = kept.goal.encode(texts, found.commas)
    known = ~missing(texts)
    known &= (y >= 0) if isinstance(kept.goal, Classes) else np.isfinite(y[:, 0])
    if not known.any():
        return
    said = network.measured(kept.goal, outputs[known], y[known], y[known])
    note(f"the table has {kept.goal.name}: {said}")
