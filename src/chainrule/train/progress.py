"""What is seen of a run while it runs: a line that moves in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

__all__ = ["Progress"]

_EVERY = 0.1  # seconds between two looks at a bar
_PLAIN = 10.0  # seconds between two plain lines, the first and last epoch always


class Progress:
    """Shows epochs, the loss, examples per second, and the time that is left.

    Args:
        epochs: how many there will be at most.
        batches: how many batches an epoch has.
        size: examples in an epoch.
        shown: whether anything is shown.
    """

    def __init__(self, epochs: int, batches: int, size: int, *, shown: bool) -> None:
        self.epochs, self.batches, self.size, self.shown = epochs, batches, size, shown
        self._bar: Any = None
        self._task: Any = None
        self._looked = self._printed = -1e9

    def __enter__(self) -> Progress:
        if not self.shown:
            return self
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._console = Console(highlight=False)
        if self._console.is_terminal:
            self._bar = Bar(
                TextColumn("epoch {task.fields[epoch]:>3}/{task.fields[epochs]}"),
                BarColumn(bar_width=20),
                TextColumn("{task.fields[note]}"),
                TimeRemainingColumn(),
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
            self._bar.update(self._task, completed=done, epoch=epoch + 1, note=f"loss {loss:.4f}")

    def epoch(self, row: Mapping[str, float], seconds: float, note: str = "") -> None:
        """Show the numbers of an epoch that has ended."""
        if not self.shown:
            return
        number = int(row["epoch"])
        rate = self.size / max(seconds, 1e-9)
        numbers = "  ".join(f"{name} {row[name]:.4f}" for name in row if name not in _NOT_SHOWN)
        line = f"epoch {number:>3}/{self.epochs}  {numbers}  {rate:,.0f} examples/s"
        if note:
            line += f"  {note}"
        if self._bar is not None:
            note = numbers if not note else f"{numbers}  {note}"
            self._bar.update(self._task, completed=number * self.batches, epoch=number, note=note)
            return
        now = time.perf_counter()
        if number == self.epochs or now - self._printed >= _PLAIN:
            self._printed = now
            self._console.print(line)


_NOT_SHOWN = frozenset({"epoch", "seconds"})
