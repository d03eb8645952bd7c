"""Captured arrays: constants of a recording that belong to the user, who may overwrite them.

A rule that used an overwritten constant would give a wrong gradient without a word. Small arrays are
therefore copied when a node keeps them; of large ones a fingerprint is taken at their first use and
compared before the backward pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.errors import GradientLostError

if TYPE_CHECKING:
    from chainrule.core.recording import Recording

__all__ = ["check_unchanged", "hold"]

_CHEAP_TO_COPY = 16_384  # bytes: a copy takes less than a microsecond
_COLUMNS = 64


def hold(value: np.ndarray[Any, Any], recording: Recording) -> np.ndarray[Any, Any]:
    """Return what a node may keep of a captured array."""
    if not value.flags.writeable:
        return value
    if value.nbytes <= _CHEAP_TO_COPY:
        return value.copy()
    captured = recording.captured
    if captured is not None and id(value) not in captured:
        captured[id(value)] = value, _fingerprint(value)
    return value


def check_unchanged(recording: Recording) -> None:
    """Raise if a captured array was overwritten since the recording first used it."""
    for value, before in (recording.captured or {}).values():
        if _fingerprint(value) != before:
            raise GradientLostError(
                f"an array of shape {value.shape} and dtype {value.dtype} that the function uses "
                "was overwritten in place after its first use, so the gradient would be wrong: "
                "make a new array at each step instead of filling the same one (x.copy())"
            )


def _fingerprint(value: np.ndarray[Any, Any]) -> tuple[bytes, bytes]:
    """Sum the bits, 64 sums side by side: exact, sees any single change, runs at memory speed."""
    flat = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
    words = flat[: flat.size // 8 * 8].view(np.uint64)
    whole = words.size // _COLUMNS * _COLUMNS
    sums = np.add.reduce(words[:whole].reshape(-1, _COLUMNS), axis=0)
    return sums.tobytes(), words[whole:].tobytes() + flat[words.size * 8 :].tobytes()
