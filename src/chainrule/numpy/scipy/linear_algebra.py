"""scipy.linalg: equations, inverses, norms.

Options that say how SciPy computes (check_finite, overwrite_a) change nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.numpy import linear_algebra
from chainrule.numpy.axes import operand
from chainrule.numpy.casting import cast
from chainrule.numpy.dispatch import plain, unsupported
from chainrule.numpy.scipy.table import means
from chainrule.numpy.triangles import look_at_triangles
from chainrule.operations import linalg, matrix_functions
from chainrule.operations.elementwise import conjugated

__all__ = ["one_matrix"]


def one_matrix(a: Any, function: str) -> Any:
    """Return an operand of what knows no batches."""
    a = operand(a)
    if a.ndim != 2:
        raise unsupported(
            f"scipy.linalg.{function} of an array with {a.ndim} axes", "call it for each alone"
        )
    return a


# Equations.


@means("scipy.linalg.solve")
def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: str | None = None,
    transposed: bool = False,
) -> Any:
    a, b = _as_assumed(operand(a), assume_a, lower), operand(b)
    return linalg.solve(linalg.transposed(a) if transposed else a, b)


def _as_assumed(a: Any, assume_a: str | None, lower: bool) -> Any:
    """Return the matrix of which SciPy reads a part, where a structure is assumed."""
    kind = _KINDS.get(assume_a or "general", assume_a)
    if kind == "triangle":
        return np.tril(a) if lower or "lower" in str(assume_a) else np.triu(a)
    if kind in ("symmetric", "hermitian"):
        return linear_algebra.from_triangle(a, lower, hermitian=kind == "hermitian")
    if kind in ("diagonal", "tridiagonal"):
        width = 0 if kind == "diagonal" else 1
        return np.triu(np.tril(a, width), -width)
    return a


#: What of a matrix is read where a structure is assumed.
_KINDS = {
    **dict.fromkeys(("sym", "symmetric"), "symmetric"),
    **dict.fromkeys(("her", "hermitian", "pos", "positive definite"), "hermitian"),
    **dict.fromkeys(("upper triangular", "lower triangular"), "triangle"),
}


@means("scipy.linalg.solve_triangular")
def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    a, b = operand(a), operand(b)
    trans = {"N": 0, "T": 1, "C": 2}.get(trans, trans)
    if trans == 2:
        a, trans = conjugated(a), 1
    if a.ndim == 2 and b.ndim <= 2:
        return matrix_functions.solve_triangular(
            a, b, trans=trans, lower=bool(lower), unit_diagonal=bool(unit_diagonal)
        )
    a = np.tril(a, -1 if unit_diagonal else 0) if lower else np.triu(a, 1 if unit_diagonal else 0)
    if unit_diagonal:
        a = a + np.eye(a.shape[-1], dtype=a.dtype)
    return linalg.solve(linalg.transposed(a) if trans else a, b)


@means("scipy.linalg.cho_factor")
def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """Return the factor. Of its other triangle SciPy says nothing: here it is zero."""
    return _factor(a, lower, "scipy.linalg.cho_factor"), lower


@means("scipy.linalg.cholesky")
def cholesky(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    return _factor(a, lower, "scipy.linalg.cholesky")


def _factor(a: Any, lower: bool, function: str) -> Any:
    a = operand(a)
    look_at_triangles(a, function, lower)
    return linalg.cholesky(a, upper=not lower)


@means("scipy.linalg.cho_solve")
def cho_solve(
    c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    c, lower = c_and_lower
    first, second = (0, 2) if lower else (2, 0)
    return solve_triangular(c, solve_triangular(c, b, first, lower), second, lower)


@means("scipy.linalg.lu_factor")
def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    a = one_matrix(a, "lu_factor")
    return matrix_functions.lu_factor(a), matrix_functions.lu_pivots(a)


@means("scipy.linalg.lu_solve")
def lu_solve(
    lu_and_piv: Any, b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    lu, pivots = lu_and_piv
    b = operand(b)
    order = np.arange(b.shape[0])
    for k, other in enumerate(plain(pivots)):
        order[[k, other]] = order[[other, k]]
    if trans == 0:
        return solve_triangular(lu, solve_triangular(lu, b[order], 0, True, True))
    x = solve_triangular(lu, solve_triangular(lu, b, trans), trans, True, True)
    return x[np.argsort(order)]


@means("scipy.linalg.lu")
def lu(
    a: Any,
    permute_l: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
    p_indices: bool = False,
) -> Any:
    a = one_matrix(a, "lu")
    packed, places = matrix_functions.lu_factor(a), matrix_functions.lu_permutation(a)
    k = min(a.shape)
    left = np.tril(packed[:, :k], -1) + np.eye(a.shape[0], k, dtype=a.dtype)
    right = np.triu(packed[:k])
    if permute_l:
        return left[places], right
    return (places if p_indices else np.eye(a.shape[0], dtype=a.real.dtype)[places]), left, right


@means("scipy.linalg.solve_banded")
def solve_banded(
    l_and_u: tuple[int, int],
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    lower, upper = l_and_u
    return matrix_functions.solve_banded(operand(ab), operand(b), lower=lower, upper=upper)


@means("scipy.linalg.solve_sylvester")
def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    return matrix_functions.solve_sylvester(operand(a), operand(b), operand(q))


@means("scipy.linalg.solve_continuous_lyapunov", "scipy.linalg.solve_lyapunov")
def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    a = operand(a)
    return solve_sylvester(a, linalg.adjoint(a), q)


@means("scipy.linalg.solve_discrete_lyapunov")
def solve_discrete_lyapunov(a: Any, q: Any, method: Any = None) -> Any:
    a, q = one_matrix(a, "solve_discrete_lyapunov"), operand(q)
    n = len(a)
    return np.linalg.solve(np.eye(n * n) - np.kron(a, conjugated(a)), q.ravel()).reshape(n, n)


@means("scipy.linalg.inv")
def inv(
    a: Any,
    overwrite_a: bool = False,
    check_finite: bool = True,
    *,
    assume_a: str | None = None,
    lower: bool = False,
) -> Any:
    if assume_a == "diagonal":  # SciPy leaves what is beside the diagonal as it is
        raise unsupported("scipy.linalg.inv with assume_a='diagonal'", "write 1 / np.diagonal(a)")
    return linalg.inv(_as_assumed(operand(a), assume_a, lower))


@means("scipy.linalg.det")
def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    found = linalg.det(operand(a))
    return cast(found, np.result_type(found.dtype, float))  # SciPy computes in double precision


@means("scipy.linalg.pinv")
def pinv(
    a: Any,
    *,
    atol: Any = None,
    rtol: Any = None,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    a = operand(a)
    if atol is not None:
        raise unsupported("scipy.linalg.pinv with atol=", "use rtol=")
    rtol = max(a.shape) * float(np.finfo(a.dtype).eps) if rtol is None else float(rtol)
    linear_algebra.check_cut("pinv", a, rtol)
    found = linalg.pinv(a, rcond=rtol)
    return (found, np.linalg.matrix_rank(a, rtol=rtol)) if return_rank else found


@means("scipy.linalg.pinvh")
def pinvh(
    a: Any,
    atol: Any = None,
    rtol: Any = None,
    lower: bool = True,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    whole = linear_algebra.from_triangle(operand(a), lower, hermitian=True)
    return pinv(whole, atol=atol, rtol=rtol, return_rank=return_rank)


@means("scipy.linalg.lstsq")
def lstsq(
    a: Any,
    b: Any,
    cond: Any = None,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    lapack_driver: Any = None,
) -> Any:
    a, b = operand(a), operand(b)
    cond = float(np.finfo(a.dtype).eps) if cond is None else float(cond)
    x, residuals, rank, s = linear_algebra.lstsq(a, b, cond)
    if b.ndim == 1 and np.size(residuals):
        residuals = residuals[0]
    return x, residuals, rank, s


@means("scipy.linalg.norm")
def norm(
    a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True
) -> Any:
    return np.linalg.norm(operand(a), ord, axis, keepdims)
