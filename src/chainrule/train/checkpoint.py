"""Checkpoints: trees of arrays in safetensors, everything else as JSON in the same file.

A file is written beside the old one, made durable, and put in its place at once: whenever the
process ends, one of the two is whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.errors import ChainruleError

__all__ = ["Checkpoint", "CheckpointError", "load", "restore", "save"]

_FORMAT = 1
_NOTES = "chainrule"


class CheckpointError(ChainruleError, ValueError):
    """A checkpoint cannot be read, or is one of something else."""


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds.

    Attributes:
        arrays: by name: ``"model.layers.0.weight"``.
        notes: what is no array: epoch, history.
    """

    arrays: Mapping[str, Any]
    notes: Mapping[str, Any] = field(default_factory=dict)


def named(tree: Any, prefix: str) -> dict[str, Any]:
    """Return the leaves of a tree by their dotted paths behind a prefix."""
    leaves, _ = trees.flatten(tree)
    return {f"{prefix}{path}": leaf for path, leaf in zip(trees.paths(tree), leaves, strict=True)}


def save(path: str | Path, arrays: Mapping[str, Any], notes: Mapping[str, Any]) -> None:
    """Write a checkpoint, or leave what stands there as it is.

    Args:
        path: the file.
        arrays: arrays and numbers by name.
        notes: what JSON can hold.

    Raises:
        CheckpointError: the file cannot be written: the disk is full, the folder is missing.
    """
    save_file = _safetensors().numpy.save_file
    path = Path(path)
    # safetensors writes the memory of an array as it lies there.
    whole = {name: np.ascontiguousarray(x).reshape(np.shape(x)) for name, x in arrays.items()}
    text = json.dumps({"format": _FORMAT, **notes})
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(whole, draft, metadata={_NOTES: text})
        with open(draft, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(draft, path)
        _make_durable(path.parent)
    except Exception as error:
        raise CheckpointError(
            f"{path} cannot be written ({_reason(error)}); what stood there is as it was"
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def load(path: str | Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        CheckpointError: there is none, it is damaged, or it was not written by `save`.
    """
    safe_open = _safetensors().safe_open
    path = Path(path)
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(_NOTES)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise CheckpointError(f"there is no checkpoint {path}") from None
    except Exception as error:
        raise CheckpointError(f"{path} is damaged: {_reason(error)}") from error
    if text is None:
        raise CheckpointError(f"{path} holds arrays, but was not written by chainrule.train.save")
    notes = json.loads(text)
    if notes.pop("format", None) != _FORMAT:
        raise CheckpointError(f"{path} was written by another version of chainrule")
    return Checkpoint(arrays, notes)


def restore(checkpoint: Checkpoint, like: Any, prefix: str, path: str | Path) -> Any:
    """Return a tree like another one with the arrays of a checkpoint.

    Raises:
        CheckpointError: the checkpoint is of another model; the message names what differs.
    """
    leaves, build = trees.flatten(like)
    names = list(named(like, prefix))
    found = {name for name in checkpoint.arrays if name.startswith(prefix)}
    lost, surplus = sorted(set(names) - found), sorted(found - set(names))
    if lost or surplus:
        parts = [f"it lacks {_list(lost)}" if lost else "", f"it has {_list(surplus)}"]
        words = " and ".join(part for part in parts[: 1 + bool(surplus)] if part)
        raise CheckpointError(f"{path} is a checkpoint of another model: {words}")
    arrays = []
    for name, leaf in zip(names, leaves, strict=True):
        array = checkpoint.arrays[name]
        wanted = np.asarray(leaf)
        if array.shape != wanted.shape or array.dtype != wanted.dtype:
            raise CheckpointError(
                f"{path} is a checkpoint of another model: {name} is {array.dtype} of shape "
                f"{array.shape} there, {wanted.dtype} of shape {wanted.shape} here"
            )
        arrays.append(array if isinstance(leaf, np.ndarray) else type(leaf)(array[()]))
    return build(arrays)


def _list(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _make_durable(folder: Path) -> None:
    """Let the new name of a file outlast a power cut."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows has no handles of folders
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise ImportError("checkpoints need safetensors: pip install 'chainrule[train]'") from None
    return safetensors
