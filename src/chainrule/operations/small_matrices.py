"""Triangular equations of many small matrices: each step is one for the same entry of all of them.

So it takes a few operations for each entry, on rows as long as there are matrices, where LAPACK is
called for each matrix. Matrices are taken as many at a time as fit into a cache, and turned so that
an entry of all of them lies in a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

__all__ = ["LARGEST", "are_small", "pulled_back_many", "solved_many"]

_Matrices: TypeAlias = "np.ndarray[Any, Any]"

#: Rows up to which this is quicker.
LARGEST = 8
_CACHED = 1 << 19  # bytes


def are_small(*matrices: Any) -> bool:
    """Tell whether these are batches of small real matrices, as arrays of one dtype."""
    (first, *others) = matrices
    return (
        all(type(x) is np.ndarray and x.ndim > 2 for x in matrices)
        and first.dtype.kind == "f"
        and 0 < first.shape[-1] <= LARGEST
        and all(x.dtype == first.dtype and x.shape[:-1] == first.shape[:-1] for x in others)
    )


def solved_many(triangles: _Matrices, b: _Matrices, lower: bool) -> _Matrices:
    """Solve the equations of triangles, for the columns of b."""
    result = np.empty(b.shape, b.dtype)
    for some in _parts(result):
        x = _turned(b[some])
        _substitute(_turned(triangles[some]), x, lower)
        result[some] = x.transpose(2, 0, 1)
    return result


def pulled_back_many(g: _Matrices, factors: _Matrices) -> _Matrices:
    """Return the gradient of matrices, given that of their lower Cholesky factors.

    By the two equations of `chainrule.operations.linalg.cholesky_pullback`.
    """
    n = g.shape[-1]
    result = np.empty(g.shape, g.dtype)
    flat, g, factors = (x.reshape(-1, n, n) for x in (result, g, factors))
    for some in _parts(flat):
        y, dy = _turned(factors[some]), _turned(g[some])
        inner = np.zeros_like(y)  # the lower half of y.T @ dy
        for i in range(n):
            for k in range(i, n):
                inner[i, : i + 1] += y[k, i] * dy[k, : i + 1]
            inner[i, i] *= 0.5
        upper = y.swapaxes(0, 1)
        _substitute(upper, inner, lower=False)
        inner = inner.swapaxes(0, 1)
        _substitute(upper, inner, lower=False)
        for i in range(n):  # the lower half of its sum with its transpose
            inner[i, :i] += inner[:i, i]
            inner[:i, i] = 0
        flat[some] = inner.transpose(2, 0, 1)
    return result


def _substitute(triangles: _Matrices, x: _Matrices, lower: bool) -> None:
    """Solve equations in place; the axis of the matrices is the last."""
    n, room = len(x), np.empty(x.shape[1:], x.dtype)
    order = range(n) if lower else range(n - 1, -1, -1)
    for k, i in enumerate(order):
        for j in order[:k]:
            np.multiply(triangles[i, j], x[j], out=room)
            x[i] -= room
        x[i] /= triangles[i, i]


def _parts(matrices: _Matrices) -> Iterator[slice]:
    count, *size = matrices.shape
    step = max(1, _CACHED // (matrices.itemsize * size[0] * max(size)))
    return (slice(k, k + step) for k in range(0, count, step))


def _turned(matrices: _Matrices) -> _Matrices:
    return np.array(matrices.transpose(1, 2, 0), order="C")
