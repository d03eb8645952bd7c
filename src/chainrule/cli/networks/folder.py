"""What is kept of a run: its settings and columns in ``run.json``, its checkpoint beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.cli.faults import Fault, reason
from chainrule.cli.networks import network
from chainrule.cli.networks.settings import Settings
from chainrule.cli.tables import columns as of_columns
from chainrule.cli.tables import goal as of_goal
from chainrule.cli.tables.columns import Column
from chainrule.cli.tables.goal import Goal

__all__ = ["Kept", "exists", "read", "restored", "write"]

_FORMAT = 1
_NAME = "run.json"
_SEEN = "seen.json"  # what the monitor saw
CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True)
class Kept:
    """A run, as it was begun.

    Attributes:
        folder: where it is kept.
        settings: what was asked for.
        columns: what the columns of the table are.
        goal: what is predicted.
        digest: the fingerprint of the table.
    """

    folder: Path
    settings: Settings
    columns: tuple[Column, ...]
    goal: Goal
    digest: str

    @property
    def features(self) -> int:
        """How many features the network has."""
        return sum(column.width for column in self.columns)


def exists(folder: Path) -> bool:
    """Tell whether a run is kept in a folder."""
    return (folder / _NAME).exists()


def write(kept: Kept) -> None:
    """Write a run's settings.

    Raises:
        Fault: the folder cannot be written to.
    """
    _write(
        kept.folder / _NAME,
        {
            "format": _FORMAT,
            "settings": kept.settings.to_json(),
            "columns": [of_columns.to_json(column) for column in kept.columns],
            "goal": of_goal.to_json(kept.goal),
            "digest": kept.digest,
        },
    )


def write_seen(folder: Path, report: Mapping[str, Any]) -> None:
    """Write what the monitor saw."""
    _write(folder / _SEEN, report)


def read_seen(folder: Path) -> dict[str, Any] | None:
    """Return what the monitor saw, None if that was not written."""
    try:
        found: dict[str, Any] = json.loads((folder / _SEEN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _write(file: Path, data: Any) -> None:
    draft = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8")
        os.replace(draft, file)
    except OSError as error:
        raise Fault(f"{file} cannot be written: {reason(error)}") from error
    finally:
        if draft.exists():
            draft.unlink()


def read(folder: Path) -> Kept:
    """Read a run.

    Raises:
        Fault: there is none, or it is damaged.
    """
    file = folder / _NAME
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        what = "no run of chainrule train in it" if folder.is_dir() else "no such folder"
        raise Fault(f"{folder}: there is {what}") from None
    except NotADirectoryError:
        raise Fault(f"{folder} is a file: name the folder of a run") from None
    except OSError as error:
        raise Fault(f"{file} cannot be read: {reason(error)}") from error
    except ValueError as error:
        raise Fault(f"{file} is damaged: {error}") from error
    try:
        if data["format"] != _FORMAT:
            raise Fault(f"{file} was written by another version of chainrule")
        return Kept(
            folder,
            Settings.from_json(data["settings"]),
            tuple(map(of_columns.from_json, data["columns"])),
            of_goal.from_json(data["goal"]),
            data["digest"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise Fault(f"{file} is damaged: {error!r}") from error


def restored(kept: Kept) -> tuple[Any, Mapping[str, Any]]:
    """Return the best model of a run so far, and the notes of its checkpoint.

    Raises:
        Fault: there is no checkpoint, it is damaged, or it is of another model.
    """
    from chainrule.train.checkpoint import CheckpointError, load, restore

    file = kept.folder / CHECKPOINT
    if not file.exists():
        raise Fault(
            f"{kept.folder} has no checkpoint: it was ended in its first epoch. "
            f"chainrule train --save {kept.folder} --resume goes on"
        )
    try:
        found = load(file)
        best = any(name.startswith("best model") for name in found.arrays)
        like = network.build(kept.settings, kept.features, kept.goal.width)
        return restore(found, like, "best model" if best else "model", file), found.notes
    except CheckpointError as error:
        raise Fault(str(error)) from error
