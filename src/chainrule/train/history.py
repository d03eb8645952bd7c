"""What was measured at each epoch, as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["History"]


class History(Mapping[str, list[float]]):
    """Columns of numbers, one entry for each epoch: ``history["loss"]``.

    >>> history = History().with_row({"epoch": 1, "loss": 0.5})
    >>> history.with_row({"epoch": 2, "loss": 0.25})["loss"]
    [0.5, 0.25]
    """

    def __init__(self, columns: Mapping[str, list[float]] | None = None) -> None:
        self._columns: dict[str, list[float]] = {k: list(v) for k, v in (columns or {}).items()}

    def with_row(self, row: Mapping[str, float]) -> History:
        """Return a history with the numbers of one more epoch.

        Raises:
            ValueError: it has other columns.
        """
        if self._columns and set(row) != set(self._columns):
            raise ValueError(f"the history has columns {list(self._columns)}, got {list(row)}")
        return History({name: [*self._columns.get(name, ()), x] for name, x in row.items()})

    def last(self) -> dict[str, float]:
        """Return the numbers of the last epoch."""
        return {name: column[-1] for name, column in self._columns.items()}

    def to_dict(self) -> dict[str, list[float]]:
        """Return the columns as a dict of lists."""
        return {name: list(column) for name, column in self._columns.items()}

    def to_pandas(self) -> Any:
        """Return a pandas DataFrame with a row for each epoch."""
        import pandas

        return pandas.DataFrame(self._columns)

    def __getitem__(self, name: str) -> list[float]:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        epochs = len(next(iter(self._columns.values()), []))
        return f"History({epochs} epochs: {', '.join(self._columns)})"
