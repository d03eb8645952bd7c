"""The derivative of the exponential of a matrix: that of Padé's approximant of order 13.

As SciPy's `expm_frechet`, in half of its time: powers are combined by one product, the denominator,
whose condition number the scaling keeps below 20, is inverted, and what does not depend on the
direction is kept where it is asked for again.

A. H. Al-Mohy and N. J. Higham, "Computing the Fréchet derivative of the matrix exponential, with an
application to condition number estimation", 2009, algorithm 6.4.
"""

from __future__ import annotations

import functools
import math
from typing import Any, TypeAlias

import numpy as np

__all__ = ["PARTS", "change_of_expm", "expm_of", "expm_parts"]

_Matrix: TypeAlias = "np.ndarray[Any, Any]"

_LARGEST = 4.74  # norm up to which the approximant is exact to the last digits
_SPARE = 3  # halvings that may be too many: each can lose one bit

#: How many matrices there are in `expm_parts`.
PARTS = 10


def expm_parts(a: _Matrix, out: _Matrix | None = None) -> _Matrix:
    """Return what the approximant is made of.

    Args:
        a: a square matrix in double precision, real or complex.
        out: where to write it.

    Returns:
        matrices: a, scaled to be small; its powers 2, 4 and 6; four sums of these, the second and
        the fourth complete; the inverse of the denominator; the exponential of the scaled matrix.
    """
    parts = np.empty((PARTS, *a.shape), a.dtype) if out is None else out
    small, a2, a4, a6, w_high, w, v_high, v, inverse, exponential = parts
    np.multiply(a, 0.5 ** _steps(a), out=small)
    np.matmul(small, small, out=a2)
    np.matmul(a2, a2, out=a4)
    np.matmul(a2, a4, out=a6)
    _combine(parts[1:4], parts[4:8])
    one, first = _coefficients()[1][:2]
    w.reshape(-1)[:: len(a) + 1] += first
    v.reshape(-1)[:: len(a) + 1] += one
    w += a6 @ w_high
    v += a6 @ v_high
    u = small @ w
    inverse[:] = _inverse(v - u)
    np.matmul(inverse, v + u, out=exponential)
    return parts


def expm_of(a: _Matrix, parts: _Matrix) -> _Matrix | None:
    """Return the exponential, given its parts; None where SciPy's would be more exact.

    That is where powers of the matrix are much smaller than its norm tells, so that it was halved
    many times more than is needed, or where it is triangular, or too small to need an approximant.
    """
    steps = _steps(a)
    if len(a) <= 2 or not (a[0, -1] and a[-1, 0]):
        return None
    if steps > _SPARE and _norm(parts[3]) < (_LARGEST / 2**_SPARE) ** 6:
        return None
    exponential: _Matrix = parts[-1]
    for _ in range(steps):
        exponential = exponential @ exponential
    return exponential


def change_of_expm(a: _Matrix, e: _Matrix, parts: _Matrix | None = None) -> _Matrix:
    """Return the derivative of the exponential in a direction.

    Args:
        a: a square matrix.
        e: the direction.
        parts: what `expm_parts` returns for a.
    """
    if parts is None:
        a = a.astype(np.result_type(a, e, np.float64))
        if not np.all(np.isfinite(a)):
            return np.full(a.shape, np.nan, a.dtype)
        parts = expm_parts(a)
    small, a2, a4, a6, w_high, w, v_high, _, inverse, exponential = parts
    steps = _steps(a)
    e = np.multiply(e, 0.5**steps, dtype=parts.dtype)
    changes, sums = np.empty((3, *a.shape), e.dtype), np.empty((4, *a.shape), e.dtype)
    d2, d4, d6 = changes
    np.add(small @ e, e @ small, out=d2)
    np.add(a2 @ d2, d2 @ a2, out=d4)
    np.add(a4 @ d2, d4 @ a2, out=d6)
    _combine(changes, sums)
    dw_high, dw, dv_high, dv = sums
    dw += a6 @ dw_high
    dw += d6 @ w_high
    dv += a6 @ dv_high
    dv += d6 @ v_high
    du = small @ dw
    du += e @ w
    change: _Matrix = inverse @ (dv + du + (du - dv) @ exponential)
    for left in reversed(range(steps)):
        change = exponential @ change + change @ exponential
        if left:
            exponential = exponential @ exponential
    return change


def _inverse(a: _Matrix) -> _Matrix:
    """Return the inverse of a matrix that has one, in half of NumPy's time: of the transpose."""
    from scipy.linalg import lapack

    if not a.size:
        return a
    kind = "z" if a.dtype.kind == "c" else "d"
    factors, pivots, _ = getattr(lapack, f"{kind}getrf")(a.T, overwrite_a=True)
    inverse, _ = getattr(lapack, f"{kind}getri")(factors, pivots, overwrite_lu=True)
    transposed: _Matrix = inverse.T
    return transposed


def _steps(a: _Matrix) -> int:
    """Return how often a matrix is halved, so that the approximant fits."""
    norm = _norm(a)
    return max(0, math.ceil(math.log2(norm / _LARGEST))) if 0 < norm < math.inf else 0


def _norm(a: _Matrix) -> float:
    """Return the largest sum of a column."""
    return float(np.add.reduce(np.abs(a), axis=0).max(initial=0))


def _combine(powers: _Matrix, out: _Matrix) -> None:
    """Write the four sums of three even powers that the approximant is made of."""
    np.matmul(_coefficients()[0], powers.reshape(3, -1), out=out.reshape(4, -1))


@functools.cache
def _coefficients() -> tuple[_Matrix, list[float]]:
    """Return those of the sums, and those of the numerator's powers, 0 to 13."""
    m = 13
    b = [float(math.comb(m, j) * math.perm(2 * m - j, m - j)) for j in range(m + 1)]
    return np.array([b[9::2], b[3:9:2], b[8:14:2], b[2:8:2]]), b
