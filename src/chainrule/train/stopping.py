"""When to stop before the last epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["EarlyStopping"]


@dataclass(frozen=True)
class EarlyStopping:
    """Stop where a column of the history has not become better for some epochs.

    Prechelt, "Early stopping - but when?", 1998.

    Args:
        patience: how many epochs to wait.
        column: which number to watch: ``"validation loss"``, ``"loss"`` or that of a metric.
        least: by how much it has to become better to count.
        larger: whether larger is better: for an accuracy.
        restore: whether the run ends with the parameters of the best epoch.

    >>> stopping = EarlyStopping(patience=2)
    >>> stopping.best([3.0, 1.0, 2.0, 2.0]), stopping.over([3.0, 1.0, 2.0, 2.0])
    (1, True)
    """

    patience: int = 10
    column: str = "validation loss"
    least: float = 0.0
    larger: bool = False
    restore: bool = True

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise ValueError(f"EarlyStopping(patience={self.patience}): it must be at least 1")

    def best(self, values: Sequence[float]) -> int:
        """Return the index of the best epoch."""
        best = 0
        sign = -1 if self.larger else 1
        for k, value in enumerate(values):
            if sign * value < sign * values[best] - self.least:
                best = k
        return best

    def over(self, values: Sequence[float]) -> bool:
        """Tell whether it is time to stop."""
        return len(values) - 1 - self.best(values) >= self.patience
