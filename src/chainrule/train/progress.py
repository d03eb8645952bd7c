"""What is seen of a run while it runs: a line that moves in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from chainrule.train.watching import Watcher

__all__ = ["Progress"]

_EVERY = 0.1  # seconds between two looks at a bar
_PLAIN = 10.0  # seconds between two plain lines, the first and last epoch always
_NOT_SHOWN = frozenset({"epoch"})


class Progress:
    """Shows epochs, losses and metrics, examples per second, the time that is left, and the health.

    Args:
        epochs: how many there will be at most.
        batches: how many batches an epoch has.
        size: examples in an epoch.
        watcher: who says how it goes.
        shown: whether anything is shown.
    """

    def __init__(
        self, epochs: int, batches: int, size: int, watcher: Watcher | None = None, *, shown: bool
    ) -> None:
        self.epochs, self.batches, self.size, self.shown = epochs, batches, size, shown
        self._watcher = watcher
        self._bar: Any = None
        self._task: Any = None
        self._numbers = ""
        self._epochs = 0  # that were shown
        self._looked = self._printed = -1e9

    def __enter__(self) -> Progress:
        if not self.shown:
            return self
        from rich.console import Console

        self._console = Console(highlight=False)
        if self._console.is_terminal:
            from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.fields[epoch]:>3}/{task.fields[epochs]}"),
                BarColumn(bar_width=6),
                TimeRemainingColumn(compact=True),
                TextColumn("{task.fields[note]}"),
                console=self._console,
            )
            self._bar.start()
            self._task = self._bar.add_task(
                "", total=self.epochs * self.batches, epoch=1, epochs=self.epochs, note=""
            )
        return self

    def __exit__(self, *raised: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def batch(self, epoch: int, number: int, loss: float) -> None:
        """Show how far an epoch has come; ``loss`` is that of the batch."""
        if self._bar is None:
            return
        now = time.perf_counter()
        if now - self._looked >= _EVERY:
            self._looked = now
            done = epoch * self.batches + number
            note = self._numbers or f"loss {loss:#.4g}"
            self._bar.update(self._task, completed=done, epoch=epoch + 1, note=note)

    def epoch(self, row: Mapping[str, float], seconds: float) -> None:
        """Show the numbers of an epoch that has ended after some seconds of training."""
        if not self.shown:
            return
        number = int(row["epoch"])
        places = 4 if self._bar is None else 3  # where a line is full
        parts = [
            f"{_short(name)} {_digits(row[name], places)}" for name in row if name not in _NOT_SHOWN
        ]
        if self._epochs:  # the first one's time is that of compiling
            parts.append(f"{_rounded(self.size / max(seconds, 1e-9))}/s")
        if self._bar is not None:
            self._numbers = "  ".join([*parts, *self._health()])
            self._bar.update(
                self._task, completed=number * self.batches, epoch=number, note=self._numbers
            )
        elif number == self.epochs or time.perf_counter() - self._printed >= _PLAIN:
            self._printed = time.perf_counter()
            if self._epochs and number < self.epochs:
                parts.append(f"{_duration(seconds * (self.epochs - number))} left")
            line = [f"epoch {number:>3}/{self.epochs}", *parts, *self._health()]
            self._console.print("  ".join(line), soft_wrap=True)
        self._epochs += 1

    def _health(self) -> list[str]:
        return [] if self._watcher is None else [self._watcher.health]


def _short(name: str) -> str:
    """Return a column's name as there is room for it."""
    if name == "validation loss":
        return "validation"
    return name.removeprefix("validation ")


def _digits(number: float, places: int) -> str:
    if 10 ** (1 - places) <= abs(number) < 1e3 or number == 0:
        return f"{number:.{places}f}"
    if 1e3 <= abs(number) < 1e7:
        return f"{number:,.0f}"
    return f"{number:.{places - 2}e}"


def _rounded(number: float) -> str:
    for factor, unit in ((1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:.3g}{unit}"
    return f"{number:.3g}"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole // 60 % 60:02d} h"
