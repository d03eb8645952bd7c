"""Values as JSON, and text that may stand in HTML."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["LARGEST", "as_json", "encoded", "numbers"]

#: Entries of an array up to which it is shown whole.
LARGEST = 10_000
_SAMPLED = 48  # entries along each of the last two axes of a larger one


def numbers(value: Any) -> str:
    """Write the entries of an array: 8 bytes each, little-endian, in base64.

    >>> numbers(1.0)
    'AAAAAAAA8D8='
    """
    with np.errstate(all="ignore"):
        entries = np.ascontiguousarray(value, dtype="<f8")
    return base64.b64encode(entries.tobytes()).decode("ascii")


def encoded(value: Any) -> dict[str, Any]:
    """Return a recorded value as data; of a large array a sample, and what is true of the whole."""
    entries = np.asarray(value)
    if entries.dtype.kind == "c":
        return {"text": str(value) if not entries.shape else f"complex {entries.shape}"}
    if entries.dtype.kind not in "biuf":
        return {"text": str(entries.dtype)}
    if entries.size <= LARGEST:
        return {"data": numbers(entries)}
    picked = entries.reshape(-1, *entries.shape[-2:])[0] if entries.ndim > 2 else entries
    most = _SAMPLED if picked.ndim > 1 else _SAMPLED**2
    steps = [math.ceil(n / most) for n in picked.shape]
    sample = picked[tuple(slice(None, None, step) for step in steps)]
    with np.errstate(all="ignore"):
        flat = entries.astype(float).ravel()
        summary = [float(np.linalg.norm(flat)), float(flat.mean())]
        summary += [float(flat.min()), float(flat.max())]
    return {
        "sample": numbers(sample),
        "sampled": list(sample.shape),
        "steps": steps,
        "summary": numbers(summary),
    }


def as_json(data: Any) -> str:
    r"""Write JSON that may stand in a script element: nothing in it can end that.

    >>> as_json({"name": "</script>"})
    '{"name":"\\u003c/script\\u003e"}'
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in ("<", ">", "&", "\u2028", "\u2029"):
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def shape_of(value: Any) -> Sequence[int]:
    """Return the shape of a value, as JSON has it."""
    return list(np.shape(value))
