"""Captured arrays: constants of a recording that belong to the user, who may overwrite them.

A rule that used an overwritten constant would give a wrong gradient without a word. Small arrays
are therefore copied when a node keeps them; of large ones a fingerprint is taken at their first use
and compared before the backward pass. In the recording that never ends an array may well be filled
again after its backward pass, so there large ones are copied, too, once for each new content.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from chainrule.core.recording import Recording
from chainrule.errors import GradientLostError

__all__ = ["check_unchanged", "fingerprint", "hold"]

_CHEAP_TO_COPY = 16_384  # bytes: a copy takes less than a microsecond
_COLUMNS = 64
_MIXER = np.uint64(0x9E3779B97F4A7C15)  # the golden ratio: its multiples spread over all bits

#: Copies that nodes still keep, by the id of the array that they were made of.
_copies: WeakValueDictionary[int, np.ndarray[Any, Any]] = WeakValueDictionary()


def hold(value: np.ndarray[Any, Any], recording: Recording) -> np.ndarray[Any, Any]:
    """Return what a node may keep of a captured array."""
    if not (value.flags.writeable or _is_view_of_writable(value)):
        return value
    if value.nbytes <= _CHEAP_TO_COPY:
        return value.copy()
    captured = recording.captured
    if captured is None:
        return _copy(value)
    if id(value) not in captured:
        captured[id(value)] = value, fingerprint(value)
    return value


def _is_view_of_writable(value: np.ndarray[Any, Any]) -> bool:
    while isinstance(value.base, np.ndarray):
        value = value.base
        if value.flags.writeable:
            return True
    return False


def _copy(value: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Copy, or return an earlier copy if it is still the same."""
    copy = _copies.get(id(value))
    if copy is None or copy.dtype != value.dtype or not np.array_equal(copy, value):
        copy = _copies[id(value)] = value.copy()
    return copy


def check_unchanged(recording: Recording) -> None:
    """Raise if a captured array was overwritten since the recording first used it."""
    if not recording.captured:
        return
    for value, before in recording.captured.values():
        if fingerprint(value) != before:
            raise GradientLostError(
                f"an array of shape {value.shape} and dtype {value.dtype} that the function uses "
                "was overwritten in place after its first use, so the gradient would be wrong: "
                "make a new array at each step instead of filling the same one (x.copy())"
            )


def fingerprint(value: np.ndarray[Any, Any]) -> tuple[bytes, bytes]:
    """Sum the bits, 64 sums side by side, at memory speed.

    Any single change is seen; the weights are there to see entries that change places.
    """
    flat = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
    words = flat[: flat.size // 8 * 8].view(np.uint64)
    rows = words.size // _COLUMNS
    whole = rows * _COLUMNS
    weights = np.arange(rows, dtype=np.uint64) * _MIXER
    weights ^= weights >> np.uint64(32)
    weights |= np.uint64(1)
    sums = np.einsum("i,ij->j", weights, words[:whole].reshape(rows, _COLUMNS))
    return sums.tobytes(), words[whole:].tobytes() + flat[words.size * 8 :].tobytes()
