"""``--at name=value`` and ``--static name=value``: text to numbers, arrays and trees of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.cli.faults import Fault, reason

__all__ = ["Values", "read"]

_CURE = "write a number (3.5), an array in JSON ('[[1, 2], [3, 4]]') or a file (@W.npy)"


@dataclass(frozen=True)
class Values:
    """Values by name: those to differentiate by, and those that are passed on as they are."""

    at: dict[str, Any]
    static: dict[str, Any]


def read(at: Sequence[str] | None, static: Sequence[str] | None) -> Values:
    """Read both options. In ``--at`` integers become floats, and JSON lists arrays."""
    values = Values(
        _read("--at", at or (), _differentiable), _read("--static", static or (), _as_it_is)
    )
    for name in values.at.keys() & values.static.keys():
        raise Fault(f"{name} is given by both --at and --static")
    return values


def _read(option: str, texts: Sequence[str], convert: Callable[[str, str], Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name.isidentifier():
            raise Fault(f"{option} {text}: write {option} name=value, for example {option} x=3")
        if not value:
            raise Fault(f"{option} {name}= has no value: {_CURE}")
        if name in values:
            raise Fault(f"{option} gives {name} twice")
        values[name] = _load(name, value[1:]) if value[0] == "@" else convert(name, value)
    return values


def _differentiable(name: str, text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        pass
    if text[0] not in "[{":
        raise Fault(f"{name}: {text!r} is not a number: {_CURE}")
    return _tree(name, _json(name, text, parse_int=float))


def _as_it_is(name: str, text: str) -> Any:
    try:
        return _json(name, text)
    except Fault:
        if text[0] in '[{"':
            raise
        return text


def _json(name: str, text: str, **options: Any) -> Any:
    try:
        return json.loads(text, **options)
    except json.JSONDecodeError as error:
        raise Fault(
            f"{name}: not valid JSON, {error.msg} at character {error.pos + 1}: {_shorten(text)}"
        ) from error
    except (RecursionError, OverflowError) as error:
        raise Fault(f"{name}: {error}") from error


def _tree(name: str, value: Any) -> Any:
    """Turn lists of numbers into arrays, inside of whatever objects there are around them."""
    if isinstance(value, dict):
        return {key: _tree(f"{name}[{key!r}]", entry) for key, entry in value.items()}
    if isinstance(value, list) and not _holds_objects(value):
        return _array(name, value)
    if isinstance(value, list):
        return [_tree(f"{name}[{k}]", entry) for k, entry in enumerate(value)]
    if isinstance(value, float):
        return value
    raise _not_a_number(name, value)


def _holds_objects(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_holds_objects, value)))


def _array(name: str, value: list[Any]) -> np.ndarray[Any, Any]:
    stack = list(value)
    while stack:
        entry = stack.pop()
        if isinstance(entry, list):
            stack.extend(entry)
        elif not isinstance(entry, float):
            raise _not_a_number(name, entry)
    try:
        return np.array(value, dtype=float)
    except ValueError as error:
        raise Fault(f"{name}: the rows of the array have different lengths") from error


def _not_a_number(name: str, value: Any) -> Fault:
    return Fault(f"{name}: {json.dumps(value)} is not a number")


def _load(name: str, file: str) -> Any:
    """Read an array from a .npy file, with its own dtype."""
    if not file:
        raise Fault(f"{name}: @ names no file: write the file after it, {name}=@W.npy")
    try:
        path = Path(os.path.expanduser(file))
        if not path.exists():
            raise Fault(f"{name}: there is no file {file}")
        array = np.load(path, allow_pickle=False)
    except OSError as error:
        raise Fault(f"{name}: {file} cannot be read: {reason(error)}") from error
    except (ValueError, EOFError) as error:
        if "pickle" in str(error).lower() and path.suffix == ".npy" and _is_npy(path):
            raise Fault(
                f"{name}: {file} holds Python objects, which could run code while they are read, "
                "so it was refused: save it with a number dtype"
            ) from error
        raise Fault(f"{name}: {file} is not a readable .npy file (np.save writes one)") from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise Fault(f"{name}: {file} is an archive of several arrays: save the one with np.save")
    if array.dtype.kind not in "fiub":
        raise Fault(f"{name}: {file} holds {array.dtype}, not real numbers")
    return array[()]


def _is_npy(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(6) == b"\x93NUMPY"


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
