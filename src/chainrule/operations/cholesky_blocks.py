"""The pullback of one Cholesky factor, and its inverse, mostly by products of its blocks.

The two triangular equations of the rule (`chainrule.operations.linalg`) take nine times as many
operations as the factor did. Here they are of blocks on the diagonal alone, by their inverses; the
rest is products, and altogether takes two and a half times as many. See I. Murray, "Differentiation
of the Cholesky decomposition", 2016, section 4.2; the recursion keeps the products large.

It has a price: rounding errors grow with the square of the factor's condition number c, to about
``c**2 / 2000`` units in the last place, where those of the rule grow with c. So it is for factors
of which c is at most 500, as two steps of the power method estimate it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

__all__ = ["inverse_of", "pulled_back"]

_Matrix: TypeAlias = "np.ndarray[Any, Any]"

_BLOCK = 64
_LARGE = 512  # rows
_WORST = 500.0


def pulled_back(g: _Matrix, y: _Matrix, out: _Matrix | None = None) -> _Matrix | None:
    """Return the gradient of a matrix, in its lower triangle, given that of its lower factor.

    None where too many digits would be lost.

    Args:
        g: the gradient of the factor.
        y: the factor. Both are real.
        out: where to write the result.
    """
    if len(y) > _BLOCK and not _is_well_conditioned(y):
        return None
    result = np.empty(y.shape, np.result_type(g, y)) if out is None else out
    inverses = []
    for start in range(0, len(y), _BLOCK):
        block, after = slice(start, start + _BLOCK), slice(start + _BLOCK, None)
        result[block, :start] = g[block, :start]
        result[block, block] = np.tril(g[block, block])
        result[block, after] = 0
        inverses.append(_inverse(y[block, block]))
    if inverses:
        _pull(result, y, inverses)
    return result


def _pull(g: _Matrix, y: _Matrix, inverses: Sequence[_Matrix]) -> None:
    """Replace the gradient of a factor by that of the matrix; what is above the diagonal is 0."""
    if len(inverses) == 1:
        (inverse,) = inverses
        half = _half(len(y), y.dtype.char)
        inner = inverse.T @ (half * (y.T @ g)) @ inverse
        np.add(half * (inner + inner.T), 0.0, out=g)  # 0.0, not -0.0, above the diagonal
        return
    n, k = _middle(inverses)
    last, below = y[n:, n:], y[n:, :n]
    g_last, g_below = g[n:, n:], g[n:, :n]
    _pull(g_last, last, inverses[k:])
    g_below -= (g_last + g_last.T) @ below
    _solve_right(g_below, y[:n, :n], inverses[:k])
    _subtract_lower(g[:n, :n], g_below, below)
    _pull(g[:n, :n], y[:n, :n], inverses[:k])


def _solve_right(b: _Matrix, y: _Matrix, inverses: Sequence[_Matrix]) -> None:
    """Replace b by ``b @ inv(y)``."""
    if len(inverses) == 1:
        b[:] = b @ inverses[0]
        return
    n, k = _middle(inverses)
    left, right = b[:, :n], b[:, n:]
    _solve_right(right, y[n:, n:], inverses[k:])
    left -= right @ y[n:, :n]
    _solve_right(left, y[:n, :n], inverses[:k])


def _subtract_lower(c: _Matrix, a: _Matrix, b: _Matrix) -> None:
    """Subtract ``a.T @ b`` from c, in blocks that are not above the diagonal.

    What is left above the diagonal of a block is multiplied with zeros of the factor.
    """
    n = len(c)
    if n <= _BLOCK:
        c -= a.T @ b
        return
    m = _half_of(n)
    _subtract_lower(c[:m, :m], a[:, :m], b[:, :m])
    c[m:, :m] -= a[:, m:].T @ b[:, :m]
    _subtract_lower(c[m:, m:], a[:, m:], b[:, m:])


def inverse_of(y: _Matrix, out: _Matrix, weights: _Matrix | None = None) -> None:
    """Compute the inverse of a matrix, in its lower triangle, given its lower factor.

    With weights it is ``inv(y).T @ diag(weights) @ inv(y)``. What is above the diagonal is 0.

    LAPACK's inverses of triangles make little use of products; see `_invert`.
    """
    _invert(y, out)
    square = _lapack("lauum", out)
    if weights is None:
        square(out.T, lower=0, overwrite_c=True)
        return
    out *= np.sqrt(np.abs(weights))[:, None]
    are_negative = weights < 0
    negative = np.where(are_negative[:, None], out, 0) if are_negative.any() else None
    if negative is not None:
        out[are_negative] = 0
        square(negative.T, lower=0, overwrite_c=True)
    square(out.T, lower=0, overwrite_c=True)
    if negative is not None:
        out -= negative


def _invert(y: _Matrix, out: _Matrix) -> None:
    """Compute the inverse of a lower triangle, by products of blocks, those of large ones larger.

    Rows are solved for, one block of them after the other, which loses no more digits than LAPACK.
    """
    is_large = len(y) > _LARGE
    size = 4 * _BLOCK if is_large else _BLOCK
    for start in range(0, len(y), size):
        block, after = slice(start, start + size), slice(start + size, None)
        if is_large:
            _invert(y[block, block], out[block, block])
        else:
            out[block, block] = _inverse(y[block, block])
        out[block, after] = 0
        inverse = -out[block, block]
        for k in range(0, start, size):
            rows, columns = slice(k, start), slice(k, k + size)
            np.matmul(inverse, y[block, rows] @ out[rows, columns], out=out[block, columns])


def _middle(blocks: Sequence[_Matrix]) -> tuple[int, int]:
    """Return where to divide a matrix: behind how many rows, and behind how many blocks."""
    k = len(blocks) // 2
    return k * _BLOCK, k


def _half_of(n: int) -> int:
    return -(-n // _BLOCK) // 2 * _BLOCK


# LAPACK has matrices by columns.


def _is_well_conditioned(y: _Matrix) -> bool:
    solve = _blas("trsv", y)
    first = solve(y.T, _start(len(y)))  # inv(y).T times some vector
    second = solve(y.T, first, trans=1)
    entries = y.ravel(order="K")
    size = np.sqrt(entries @ entries)  # not less than the largest singular value
    return bool(size * np.linalg.norm(second) <= _WORST * np.linalg.norm(first))


def _inverse(triangle: _Matrix) -> _Matrix:
    inverse: _Matrix = _lapack("trtri", triangle)(triangle.T, lower=0)[0].T
    return inverse


@functools.cache
def _start(n: int) -> _Matrix:
    """Return a vector that has a part in every direction."""
    return np.random.default_rng(0).normal(size=n)


def _blas(name: str, x: _Matrix) -> Any:
    from scipy.linalg import blas

    return getattr(blas, ("s" if x.dtype == np.float32 else "d") + name)


def _lapack(name: str, x: _Matrix) -> Any:
    from scipy.linalg import lapack

    return getattr(lapack, ("s" if x.dtype == np.float32 else "d") + name)


@functools.cache
def _half(n: int, dtype: str) -> _Matrix:
    """Return what takes the lower triangle of a matrix, with half of its diagonal."""
    half = np.tri(n, dtype=dtype)
    half.ravel()[:: n + 1] = 0.5
    half.flags.writeable = False
    return half
