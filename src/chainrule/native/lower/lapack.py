"""Linear algebra on one real matrix, by LAPACK: operations that write into given memory, by rows.

LAPACK has matrices by columns, so what it computes with is the transpose. A matrix without what is
asked for raises `numpy.linalg.LinAlgError`, as NumPy's functions do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.operation import Operation
from chainrule.operations import linalg
from chainrule.operations.cholesky_blocks import inverse_of, pulled_back
from chainrule.operations.expm_pade import PARTS, change_of_expm, expm_of, expm_parts
from chainrule.operations.matrix_functions import expm

__all__ = [
    "Routine",
    "cholesky",
    "cholesky_inverse",
    "cholesky_pullback",
    "expm_approximant",
    "expm_change",
    "expm_value",
    "lu",
    "lu_inverse",
    "lu_log",
    "lu_solve",
    "triangle",
]


class Routine(Operation):
    """A function that writes its result into memory: ``into(out, *operands, **params)``.

    ``size`` gives the shape of the result from those of the operands. The result may lie in the
    memory of the operand whose number is ``over``.
    """

    def __init__(
        self,
        name: str,
        into: Callable[..., Any],
        size: Callable[..., Any],
        over: int | None = None,
    ) -> None:
        super().__init__(name, self._compute, numpy=())
        self.into = into
        self.size = size
        self.over = over

    def _compute(self, *operands: Any, **params: Any) -> Any:
        out = np.empty(self.size(*(x.shape for x in operands)), operands[0].dtype)
        self.into(out, *operands, **params)
        return out


def _lapack(name: str, x: Any) -> Callable[..., Any]:
    from scipy.linalg import lapack

    return getattr(lapack, ("s" if x.dtype == np.float32 else "d") + name)  # type: ignore[no-any-return]


def _blas(name: str, x: Any) -> Callable[..., Any]:
    from scipy.linalg import blas

    return getattr(blas, ("s" if x.dtype == np.float32 else "d") + name)  # type: ignore[no-any-return]


# Cholesky factors.


def _cholesky(out: Any, a: Any, upper: bool = False) -> None:
    np.copyto(out, a)
    _, info = _lapack("potrf", out)(out.T, lower=upper, clean=True, overwrite_a=True)
    if info:
        raise np.linalg.LinAlgError("Matrix is not positive definite")


cholesky = Routine("lapack_cholesky", _cholesky, lambda a: a, over=0)


def _cholesky_pullback(out: Any, g: Any, y: Any) -> None:
    if pulled_back(g, y, out) is None:
        out[:] = linalg.cholesky_pullback(g, None, y)


#: The gradient of a matrix, given that of its lower factor, and the factor.
cholesky_pullback = Routine("lapack_cholesky_pullback", _cholesky_pullback, lambda g, y: y, over=0)


def _cholesky_inverse(out: Any, y: Any, weights: Any = None) -> None:
    inverse_of(y, out, weights)
    out.ravel()[:: len(out) + 1] *= 0.5


#: The inverse of a matrix, given its lower factor, as the gradient by the matrix has it: in its
#: lower triangle, with half of its diagonal. Between the two inverses of the factor there are
#: weights, if there are any.
cholesky_inverse = Routine("lapack_cholesky_inverse", _cholesky_inverse, lambda y, weights=None: y)


def _triangle(
    out: Any, t: Any, b: Any, lower: bool, trans: int = 0, unit_diagonal: bool = False
) -> None:
    if not (unit_diagonal or np.all(t.diagonal())):
        raise np.linalg.LinAlgError("Singular matrix")
    np.copyto(out, b)
    by_rows = not t.flags.f_contiguous
    a, lower, turned = (t.T, not lower, not trans) if by_rows else (t, lower, bool(trans))
    if out.size == len(out):
        _blas("trsv", out)(
            a, out.reshape(-1), lower=lower, trans=turned, diag=unit_diagonal, overwrite_x=True
        )
        return
    _blas("trsm", out)(
        1.0,
        a,
        out.T,  # solved from the right, so by the other of matrix and transpose
        side=1,
        lower=lower,
        trans_a=not turned,
        diag=unit_diagonal,
        overwrite_b=True,
    )


#: Equations of a triangle.
triangle = Routine("lapack_triangle", _triangle, lambda t, b: b, over=1)

# L U, which are those of the transpose, and the pivots in a row below them.


def _lu(out: Any, a: Any) -> None:
    np.copyto(out[:-1], a)
    _, pivots, _ = _lapack("getrf", out)(out[:-1].T, overwrite_a=True)
    out[-1] = pivots


def _pivots(factors: Any) -> Any:
    return factors[-1].astype(np.intc)


def _check_diagonal(factors: Any) -> None:
    if not np.all(factors.diagonal()):
        raise np.linalg.LinAlgError("Singular matrix")


def _lu_solve(out: Any, factors: Any, b: Any, transposed: bool) -> None:
    _check_diagonal(factors)
    solve = _lapack("getrs", out)
    x, _ = solve(factors[:-1].T, _pivots(factors), b, trans=not transposed)
    np.copyto(out, x.reshape(out.shape))


def _lu_inverse(out: Any, factors: Any, transposed: bool) -> None:
    _check_diagonal(factors)
    inverse = np.array(factors[:-1]) if transposed else out
    np.copyto(inverse, factors[:-1])
    room = _BLOCK * len(out)
    _lapack("getri", out)(inverse.T, _pivots(factors), lwork=room, overwrite_lu=True)
    if transposed:
        np.copyto(out, inverse.T)


_BLOCK = 64  # columns that LAPACK works on at once


def _lu_log(out: Any, factors: Any, part: int) -> None:
    diagonal = factors.diagonal()
    if part == 1:
        with np.errstate(divide="ignore"):
            out[...] = np.sum(np.log(np.abs(diagonal)))
        return
    swaps = np.count_nonzero(factors[-1] != np.arange(len(diagonal)))
    out[...] = np.prod(np.sign(diagonal)) * (-1) ** swaps


lu = Routine("lapack_lu", _lu, lambda a: (a[0] + 1, a[1]))
#: Equations of a matrix, or of its transpose.
lu_solve = Routine("lapack_lu_solve", _lu_solve, lambda factors, b: b)
lu_inverse = Routine("lapack_lu_inverse", _lu_inverse, lambda factors: (factors[1], factors[1]))
#: The sign of the determinant (part 0), and the logarithm of its size (part 1).
lu_log = Routine("lapack_lu_log", _lu_log, lambda factors: ())

# Exponentials.


def _expm(out: Any, a: Any, parts: Any) -> None:
    found = expm_of(a, parts)
    np.copyto(out, expm.compute(a) if found is None else found)


def _expm_change(out: Any, a: Any, e: Any, parts: Any, transposed: bool) -> None:
    np.copyto(out, change_of_expm(a, e.T, parts).T if transposed else change_of_expm(a, e, parts))


expm_approximant = Routine(
    "expm_approximant", lambda out, a: expm_parts(a, out), lambda a: (PARTS, *a)
)
expm_value = Routine("expm_of_approximant", _expm, lambda a, parts: a)
#: The derivative in a direction, at the matrix or at its transpose.
expm_change = Routine("expm_change_of_approximant", _expm_change, lambda a, e, parts: a)
