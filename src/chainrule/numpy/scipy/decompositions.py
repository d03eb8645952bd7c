"""scipy.linalg: decompositions, and functions of a matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import is_complex
from chainrule.core.kinds import real
from chainrule.numpy import linear_algebra
from chainrule.numpy.axes import operand
from chainrule.numpy.casting import cast
from chainrule.numpy.dispatch import unsupported
from chainrule.numpy.scipy.linear_algebra import one_matrix, solve_triangular
from chainrule.numpy.scipy.table import means
from chainrule.numpy.triangles import look_at_triangles
from chainrule.operations import decompositions, linalg, matrix_functions
from chainrule.operations.elementwise import imag

__all__: list[str] = []


@means("scipy.linalg.qr")
def qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    a = one_matrix(a, "qr")
    m, n = a.shape
    if mode == "raw" or (mode == "full" and m > n):
        raise unsupported(
            f"scipy.linalg.qr with mode={mode!r} of {m} x {n} matrices",
            "write mode='economic': the other columns are any that complete a basis",
        )
    order: tuple[Any, ...] = ()
    if pivoting:
        order = (matrix_functions.qr_order(a),)
        a = a[:, order[0]]
    r = decompositions.qr(a, part=1)
    if mode == "r":
        r = np.concatenate([r, np.zeros((m - n, n), r.dtype)]) if m > n else r
        return (r, *order)
    return (decompositions.qr(a, part=0), r, *order)


@means("scipy.linalg.svd")
def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    found = linear_algebra.svd(operand(a), full_matrices, compute_uv)
    return tuple(found) if compute_uv else found


@means("scipy.linalg.svdvals")
def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    return decompositions.svdvals(operand(a))


@means("scipy.linalg.eigh")
def eigh(
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: Any = None,
) -> Any:
    if subset_by_value is not None:
        raise unsupported("scipy.linalg.eigh with subset_by_value=", "index the result")
    a = one_matrix(a, "eigh")
    if b is not None:
        if type != 1 or not eigvals_only:
            raise unsupported(
                "scipy.linalg.eigh with b= and eigenvectors, or of another type",
                "pass eigvals_only=True, or write it with the Cholesky factor of b",
            )
        b = one_matrix(b, "eigh")
    for x in (a, b) if b is not None else (a,):
        look_at_triangles(x, "scipy.linalg.eigh", lower)
    if b is not None:
        w = _eigenvalues_of_two(a, b, bool(lower))
        return w if subset_by_index is None else w[subset_by_index[0] : subset_by_index[1] + 1]
    w, v = (matrix_functions.eigh(a, part=k, lower=bool(lower)) for k in range(2))
    if subset_by_index is not None:
        first, last = subset_by_index
        w, v = w[first : last + 1], v[:, first : last + 1]
    return w if eigvals_only else (w, v)


def _eigenvalues_of_two(a: Any, b: Any, lower: bool) -> Any:
    """Return the numbers w for which ``a v = w b v``, by the Cholesky factor of b."""
    a, b = (linear_algebra.from_triangle(x, lower, hermitian=True) for x in (a, b))
    factor = linalg.cholesky(b)
    half = solve_triangular(factor, a, lower=True)
    inner = solve_triangular(factor, linalg.adjoint(half), lower=True)
    return matrix_functions.eigh(inner, part=0, lower=True)


@means("scipy.linalg.eigvalsh")
def eigvalsh(a: Any, b: Any = None, *, lower: bool = True, **options: Any) -> Any:
    return eigh(a, b, lower=lower, eigvals_only=True, **options)


@means("scipy.linalg.eig")
def eig(
    a: Any,
    b: Any = None,
    left: bool = False,
    right: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:
    if b is not None or left or homogeneous_eigvals:
        raise unsupported("scipy.linalg.eig of two matrices, or with left=True", "leave it out")
    a = one_matrix(a, "eig")
    w = decompositions.eig(a, part=0)
    w = cast(w, np.result_type(w.dtype, np.complex64))
    return (w, decompositions.eig(a, part=1)) if right else w


@means("scipy.linalg.eigvals")
def eigvals(
    a: Any,
    b: Any = None,
    overwrite_a: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:
    return eig(a, b, right=False, homogeneous_eigvals=homogeneous_eigvals)


@means("scipy.linalg.polar")
def polar(a: Any, side: str = "right") -> Any:
    a = one_matrix(a, "polar")
    if a.shape[0] < a.shape[1]:
        raise unsupported(
            "scipy.linalg.polar of a matrix with more columns than rows",
            "take that of its transpose",
        )
    u = matrix_functions.polar(a)
    return (u, linalg.adjoint(u) @ a) if side == "right" else (u, a @ linalg.adjoint(u))


@means("scipy.linalg.orthogonal_procrustes")
def orthogonal_procrustes(A: Any, B: Any, check_finite: bool = True) -> Any:
    """Return the nearest rotation, which is smooth where singular values are equal, too."""
    A, B = operand(A), operand(B)
    if A.ndim != 2 or A.shape != B.shape:
        raise ValueError(f"matrices of one shape are needed, got {A.shape} and {B.shape}")
    product = linalg.adjoint(A) @ B
    R = matrix_functions.polar(product)
    return R, np.sum(real(np.conj(R) * product))


# Functions of a matrix.


@means("scipy.linalg.expm")
def expm(A: Any) -> Any:
    A = operand(A)
    if A.ndim < 2:
        if A.size != 1:
            raise np.linalg.LinAlgError("The input array must be at least two-dimensional")
        return np.exp(A.reshape(1, 1))  # as SciPy does
    return matrix_functions.expm(A)


@means("scipy.linalg.logm")
def logm(A: Any, disp: Any = None) -> Any:
    return matrix_functions.logm(one_matrix(A, "logm"))


@means("scipy.linalg.sqrtm")
def sqrtm(A: Any, disp: Any = None, blocksize: Any = None) -> Any:
    return matrix_functions.sqrtm(one_matrix(A, "sqrtm"))


@means("scipy.linalg.cosm")
def cosm(A: Any) -> Any:
    A = operand(A)
    both = expm(1j * A)
    return 0.5 * (both + expm(-1j * A)) if is_complex(A) else real(both)


@means("scipy.linalg.sinm")
def sinm(A: Any) -> Any:
    A = operand(A)
    both = expm(1j * A)
    return -0.5j * (both - expm(-1j * A)) if is_complex(A) else imag(both)


@means("scipy.linalg.tanm")
def tanm(A: Any) -> Any:
    return linalg.solve(cosm(A), sinm(A))


@means("scipy.linalg.coshm")
def coshm(A: Any) -> Any:
    A = operand(A)
    return 0.5 * (expm(A) + expm(-A))


@means("scipy.linalg.sinhm")
def sinhm(A: Any) -> Any:
    A = operand(A)
    return 0.5 * (expm(A) - expm(-A))


@means("scipy.linalg.tanhm")
def tanhm(A: Any) -> Any:
    return linalg.solve(coshm(A), sinhm(A))
