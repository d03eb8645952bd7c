"""Data in minibatches: shuffled by seed and epoch, so that any epoch can be repeated by itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["Data", "as_data", "non_finite", "shuffled"]


class Data:
    """Arrays with one row for each example.

    Args:
        arrays: a tuple of arrays of the same length, or one array; of SciPy's sparse ones, batches
            are made dense.
        what: what messages call them.

    Raises:
        ValueError: there is no example, the lengths differ, or a value is NaN or infinite.
        TypeError: an array is made of something other than numbers.
    """

    def __init__(self, arrays: Any, what: str = "data") -> None:
        given = arrays if isinstance(arrays, (tuple, list)) else (arrays,)
        self.arrays = tuple(_checked(x, f"{what}[{k}]") for k, x in enumerate(given))
        lengths = {x.shape[0] for x in self.arrays}
        if len(lengths) != 1:
            shapes = ", ".join(str(x.shape) for x in self.arrays)
            raise ValueError(f"{what} has arrays of different lengths: shapes {shapes}")
        self.length: int = lengths.pop()
        if not self.length:
            raise ValueError(f"{what} has no example: shapes {[x.shape for x in self.arrays]}")

    def batches(self, size: int, order: Any = None, first: int = 0) -> Iterator[tuple[Any, ...]]:
        """Yield the examples in batches; the last may be smaller.

        Args:
            size: examples in a batch.
            order: the order of the examples; that of the arrays if None.
            first: how many batches to leave out.

        Yields:
            One array for each of the data's. Where the order is another, they are overwritten by
            the next batch: nothing is allocated.
        """
        starts = range(first * size, self.length, size)
        if order is None:
            for start in starts:
                yield tuple(_dense(x[start : start + size]) for x in self.arrays)
            return
        size = min(size, self.length)
        room = [np.empty((size, *x.shape[1:]), x.dtype) for x in self.arrays]
        for start in starts:
            rows = order[start : start + size]
            yield tuple(_taken(x, rows, y) for x, y in zip(self.arrays, room, strict=True))

    def count(self, size: int) -> int:
        """Return the number of batches."""
        return -(-self.length // size)


def shuffled(length: int, seed: int, epoch: int) -> Any:
    """Return the order of the examples in an epoch: by nothing but the seed and its number."""
    return np.random.default_rng([seed, epoch]).permutation(length)


def _taken(x: Any, rows: Any, room: Any) -> Any:
    """Return some rows, in memory that there is."""
    room = room[: len(rows)]
    if not isinstance(x, np.ndarray):
        return x[rows].toarray(out=room)
    return np.take(x, rows, axis=0, out=room, mode="clip")  # mode="raise" would buffer it all


def _dense(x: Any) -> Any:
    return x if isinstance(x, np.ndarray) else x.toarray()


def _is_sparse(x: Any) -> bool:
    """Tell an array or matrix of `scipy.sparse`, which then has been imported."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and sparse.issparse(x)


def _checked(x: Any, name: str) -> Any:
    if _is_sparse(x):
        rows = x.tocsr()
        _checked(rows.data, name)
        return rows
    array = np.asarray(x)
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{name} is made of {_kind(array)}, not of numbers: turn classes into integers from 0, "
            "as np.unique(labels, return_inverse=True)[1] does"
        )
    if array.ndim == 0:
        raise ValueError(f"{name} is one number; it should have a row for each example")
    wrong = non_finite(array)
    if wrong is not None:
        count, place = wrong
        raise ValueError(
            f"{name} has {count} values that are NaN or infinite, the first at "
            f"{list(place)}: {array[place]}"
        )
    return array


def non_finite(array: Any) -> tuple[int, tuple[int, ...]] | None:
    """Return how many entries are NaN or infinite, and the place of the first; None if none is."""
    if array.dtype.kind != "f":
        return None
    with np.errstate(all="ignore"):  # the quick way, if no square overflows
        if array.flags.c_contiguous and np.isfinite(np.vdot(array, array)):
            return None
    if np.isfinite(array).all():
        return None
    wrong = np.argwhere(~np.isfinite(array))
    return len(wrong), tuple(map(int, wrong[0]))


def _kind(array: Any) -> str:
    if array.dtype.kind in "US":
        return "strings"
    if array.dtype.kind == "O" and array.size:
        return f"objects such as {array.flat[0]!r}"
    return f"{array.dtype} values"


def as_data(data: Any, what: str) -> Data:
    """Return data as they are, arrays as data."""
    return data if isinstance(data, Data) else Data(data, what)
