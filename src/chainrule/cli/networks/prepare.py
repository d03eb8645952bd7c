"""A table as arrays: what to train with, what to hold out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.cli.faults import Fault
from chainrule.cli.networks.settings import Settings
from chainrule.cli.tables.columns import Column, Number, take
from chainrule.cli.tables.goal import Classes, Goal, decide
from chainrule.cli.tables.reading import Table
from chainrule.cli.tables.values import missing

__all__ = ["Prepared", "digest", "encode", "prepare"]

_LEAST = 5  # rows

Say = Callable[[str], None]


@dataclass(frozen=True)
class Prepared:
    """A table, ready to be trained with.

    Attributes:
        columns: what the columns are, without the target.
        goal: what is predicted.
        why: why it is a class, or a number.
        x: features, (rows, features).
        y: labels, (rows,), or numbers, (rows, 1).
        training: the rows to train with.
        held: the rows held out.
        notes: what is worth knowing about columns.
    """

    columns: tuple[Column, ...]
    goal: Goal
    why: str
    x: Any
    y: Any
    training: Any
    held: Any
    notes: tuple[str, ...]


def prepare(table: Table, settings: Settings) -> Prepared:
    """Decide what columns are, and which rows are held out.

    Raises:
        Fault: there is nothing to learn from.
    """
    target = _target(table, settings)
    notes: list[str] = []
    lacking = missing(table.frame[target])
    if lacking.any():
        rows = "a row is" if lacking.sum() == 1 else f"{int(lacking.sum())} rows are"
        notes.append(f"{rows} left out that {'has' if lacking.sum() == 1 else 'have'} no {target}")
    frame = table.frame[~lacking].reset_index(drop=True)
    if len(frame) < _LEAST:
        raise Fault(
            f"{table.name} has {_rows(len(frame))} with a {target}: too few to learn from, and to "
            "hold some out"
        )
    if frame.shape[1] < 2:
        raise Fault(f"{table.name} has no column but {target}: there is nothing to tell it from")
    goal, why = decide(target, frame[target], table.commas, settings.task)
    y = goal.encode(frame[target], table.commas)
    held = _held_out(y, settings, classes=isinstance(goal, Classes))
    training = np.setdiff1d(np.arange(len(frame)), held)
    within = np.zeros(len(frame), dtype=bool)
    within[training] = True
    features = [name for name in table.columns if name != target]
    columns = tuple(
        take(name, frame[name], table.commas, within, notes.append) for name in features
    )
    if table.alike:
        columns = _in_one_unit(columns, frame, within)
    if not any(column.width for column in columns):
        why_not = "; ".join(f"{c.name}: {getattr(c, 'why', '')}" for c in columns[:3])
        raise Fault(f"{table.name} has no column to learn from: {why_not}")
    x = encode(columns, frame, table.commas, lambda said: None)
    if isinstance(goal, Classes):
        notes += _rare(goal, y)
    return Prepared(columns, goal, why, x, y, training, held, tuple(notes))


def encode(columns: Sequence[Column], frame: Any, commas: bool, say: Say) -> Any:
    """Return the features of a table: (rows, features).

    Raises:
        Fault: a column is not there.
    """
    lacking = [c.name for c in columns if c.width and c.name not in frame.columns]
    if lacking:
        known = ", ".join(map(str, frame.columns[:8]))
        raise Fault(f"the table lacks {', '.join(lacking)}, which was trained with; it has {known}")
    parts = [c.encode(frame[c.name], commas, say) for c in columns if c.width]
    return np.ascontiguousarray(np.concatenate(parts, axis=1))


def digest(frame: Any) -> str:
    """Return a fingerprint of a table."""
    return hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest()[:16]


def _target(table: Table, settings: Settings) -> str:
    wanted = settings.target or table.target
    if wanted is None:
        names = ", ".join(table.columns[:12])
        raise Fault(
            f"say which column of {table.name} is to be predicted: --target NAME; it has {names}"
        )
    return table.find(wanted)


def _held_out(y: Any, settings: Settings, *, classes: bool) -> Any:
    """Return the rows that are held out; of each class, as large a share of its rows."""
    rng = np.random.default_rng([settings.seed, 1])
    if not classes:
        count = min(max(round(settings.validation * len(y)), 1), len(y) - 2)
        return np.sort(rng.permutation(len(y))[:count])
    held: list[int] = []
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        held += rows[: min(round(settings.validation * len(rows)), len(rows) - 1)].tolist()
    if not held:
        held = [int(np.flatnonzero(y == np.argmax(np.bincount(y)))[-1])]
    return np.sort(held)


def _in_one_unit(columns: tuple[Column, ...], frame: Any, within: Any) -> tuple[Column, ...]:
    """Scale all numbers by the same factor; 0 stays 0."""
    numbers = [c for c in columns if isinstance(c, Number)]
    whole = np.stack([c.parsed(frame[c.name], commas=False)[within] for c in numbers])
    size = float(np.sqrt(np.nanmean(whole**2)))
    return tuple(
        replace(c, centre=0.0, scale=size, cut=None) if isinstance(c, Number) else c
        for c in columns
    )


def _rare(goal: Classes, y: Any) -> list[str]:
    counts = np.bincount(y, minlength=len(goal.values))
    once = [value for value, count in zip(goal.values, counts, strict=True) if count == 1]
    if not once:
        return []
    return [f"one row alone is {' and one is '.join(once[:3])}: nothing of it can be held out"]


def _rows(count: int) -> str:
    return "one row" if count == 1 else f"{count or 'no'} rows"
