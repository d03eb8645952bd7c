"""How values are compared: equal up to rounding, proportional, or a sum of contributions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = [
    "Paths",
    "alike",
    "close",
    "identical",
    "is_informative",
    "is_telling",
    "largest",
    "precise",
    "ratio",
]

#: Numbers that are met too often to recognise a variable by them.
_COMMON = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5)
_MOST_PATHS = 10  # 2**10 sums are looked at; beyond that only whether the whole is reached


def close(found: Any, expected: Any, scale: float = 0.0) -> bool:
    """Tell whether a value is what it should be, up to rounding and small constants like 1e-8.

    ``scale`` is the size of the terms that both were summed from. Shapes must agree.
    """
    if isinstance(found, float) and isinstance(expected, float):
        x, y = float(found), float(expected)
        near = abs(x - y) <= 1e-6 * abs(y) + 1e-9 * max(abs(y), scale)
        return x == y or (near and math.isfinite(y)) or (x != x and y != y)
    if np.shape(found) != np.shape(expected):
        return False
    a, b = np.asarray(found), np.asarray(expected)
    relative, absolute = (1e-6, 1e-9) if _is_double(a) and _is_double(b) else (2e-3, 2e-5)
    if a.dtype == np.float16 or b.dtype == np.float16:
        relative, absolute = 5e-2, 1e-2
    a, b = precise(a), precise(b)
    with np.errstate(all="ignore"):
        size = max(largest(b), scale)
        near = np.isfinite(b) & (np.abs(a - b) <= relative * np.abs(b) + absolute * size)
    return bool(np.all(near | (a == b) | (np.isnan(a) & np.isnan(b))))


def precise(value: Any) -> np.ndarray[Any, Any]:
    """Return a value as an array of double precision, complex where it is."""
    array = np.asarray(value)
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _is_double(value: Any) -> bool:
    parts = 2 if value.dtype.kind == "c" else 1
    return value.dtype.kind in "iu" or value.dtype.itemsize >= 8 * parts


def largest(value: Any) -> float:
    """Return the largest finite magnitude among the entries."""
    magnitudes = np.abs(precise(value))
    return float(np.max(magnitudes[np.isfinite(magnitudes)], initial=0.0))


def ratio(found: Any, expected: Any) -> float | None:
    """Return the number that found is of expected, if it is the same for all entries."""
    if np.shape(found) != np.shape(expected):
        return None
    a, b = np.ravel(precise(found)), np.ravel(precise(expected))
    square = float(np.vdot(b, b).real)
    if not np.isfinite(square) or square == 0.0 or not np.all(np.isfinite(a)):
        return None
    k = float(np.vdot(b, a).real) / square
    return k if k != 0.0 and close(np.asarray(found), k * np.asarray(expected)) else None


def identical(a: Any, b: Any) -> bool:
    """Tell whether two values are the same to the last bit."""
    return np.shape(a) == np.shape(b) and bool(np.array_equal(a, b, equal_nan=True))


def alike(found: Any, value: Any) -> bool:
    """Tell whether two values agree where one may have been broadcast to the other's shape."""
    if value is None:
        return False
    if close(found, value):
        return True
    try:
        a, b = np.broadcast_arrays(found, value)
    except ValueError:
        return False
    return np.size(found) <= np.size(value) and close(a, b)


def is_telling(value: Any) -> bool:
    """Tell whether a value is special enough to recognise a variable by it."""
    array = np.asarray(value)
    if array.dtype.kind not in "fc" or array.size == 0:
        return False
    if array.size == 1:
        return array.flat[0] not in _COMMON
    return bool(np.any(array != array.flat[0]))


def is_informative(value: Any) -> bool:
    """Tell whether leaving a factor out can be seen at all."""
    return bool(np.any(np.asarray(value) != 1))


class Paths:
    """The contributions that flow into one gradient along its paths.

    A subset of them is a bit mask. ``masks(value)`` tells the subsets whose sum a value is, found
    by comparing a few random projections of them all and verified on the whole arrays.
    """

    def __init__(self, total: Any, parts: Sequence[Any]) -> None:
        self.total = total
        self.parts = list(parts)
        self.scale = max([largest(total), *(largest(part) for part in self.parts)])
        self.full = (1 << len(self.parts)) - 1
        self._sums: Any = None
        self._basis: Any = None

    def complete(self, value: Any) -> bool:
        """Tell whether a value is the whole gradient."""
        return close(value, self.total, self.scale * 1e-4)

    def sum(self, mask: int) -> Any:
        """Return the sum of a subset."""
        total = np.zeros(np.shape(self.total))
        for k, part in enumerate(self.parts):
            if mask >> k & 1:
                total = total + part
        return total[()]

    def masks(self, value: Any) -> set[int]:
        """Return the subsets whose sum a value is."""
        if np.shape(value) != np.shape(self.total):
            return set()
        if len(self.parts) > _MOST_PATHS:
            found = {self.full} if self.complete(value) else set()
            return found | ({0} if not np.any(value) else set())
        if self._sums is None:
            rng = np.random.default_rng(0)
            self._basis = rng.uniform(0.5, 1.5, (max(np.size(self.total), 1), 2))
            flat = [np.ravel(np.broadcast_to(p, np.shape(self.total))) for p in self.parts]
            sketches = np.array([p @ self._basis for p in flat]).reshape(len(flat), 2)
            bits = np.arange(1 << len(flat))[:, None] >> np.arange(len(flat)) & 1
            self._sums = bits @ sketches
        with np.errstate(all="ignore"):
            sketch = np.ravel(precise(value)) @ self._basis
            size = self.scale * max(np.size(self.total), 1)
            slack = 1e-5 if _is_double(np.asarray(value)) else 1e-2
            near = np.all(np.abs(self._sums - sketch) <= slack * size, axis=1)
        scale = self.scale * 1e-4
        return {int(m) for m in np.flatnonzero(near) if close(value, self.sum(int(m)), scale)}
