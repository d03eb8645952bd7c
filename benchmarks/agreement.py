"""Whoever does not compute the same numbers is not timed."""

from __future__ import annotations

from typing import Any

import numpy as np
from peers import Result


def disagreement(result: Result, reference: Result) -> float:
    """Return the largest difference, relative to the largest entry of each array.

    Raises:
        ValueError: shapes differ, or something is not finite.
    """
    value, gradients = result
    expected, expected_gradients = reference
    pairs = zip((value, *gradients), (expected, *expected_gradients), strict=True)
    return max(_relative(found, wanted) for found, wanted in pairs)


def _relative(found: Any, wanted: Any) -> float:
    found, wanted = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    if found.shape != wanted.shape:
        raise ValueError(f"the result has shape {found.shape}, not {wanted.shape}")
    if not np.all(np.isfinite(found)):
        raise ValueError("the result is not finite")
    return float(np.max(np.abs(found - wanted)) / (np.max(np.abs(wanted)) or 1.0))
