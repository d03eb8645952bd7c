"""NumPy's linear algebra, apart from products and norms."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.array import value_of
from chainrule.core.batching import matrices
from chainrule.numpy.axes import operand
from chainrule.numpy.casting import cast
from chainrule.numpy.dispatch import implements, observe, plain, unsupported
from chainrule.numpy.triangles import look_at_triangles
from chainrule.operations import decompositions, shape
from chainrule.operations import linalg as rows
from chainrule.operations.elementwise import conjugated

__all__ = ["check_cut", "from_triangle"]


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    return rows.solve(operand(a), operand(b))


@implements(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    a = operand(a)
    look_at_triangles(a, "np.linalg.cholesky", not upper)
    return rows.cholesky(a, upper=upper)


@implements(np.linalg.inv)
def inv(a: Any) -> Any:
    return rows.inv(operand(a))


@implements(np.linalg.det)
def det(a: Any) -> Any:
    return rows.det(operand(a))


@functools.cache
def _type_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the named tuple that a decomposition gives."""
    return type(function(np.eye(1)))


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    a = operand(a)
    return _type_of(np.linalg.slogdet)(rows.slogdet(a, part=0), rows.slogdet(a, part=1))


# Decompositions.


@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    a, UPLO = operand(a), _triangle(UPLO)
    look_at_triangles(a, "np.linalg.eigh", UPLO == "L")
    parts = (decompositions.eigh(a, part=k, UPLO=UPLO) for k in range(2))
    return _type_of(np.linalg.eigh)(*parts)


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    a, UPLO = operand(a), _triangle(UPLO)
    look_at_triangles(a, "np.linalg.eigvalsh", UPLO == "L")
    return decompositions.eigvalsh(a, UPLO=UPLO)


def _triangle(uplo: str) -> str:
    if uplo not in ("L", "l", "U", "u"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    return "L" if uplo in "Ll" else "U"


@implements(np.linalg.eig)
def eig(a: Any) -> Any:
    a = operand(a)
    return _type_of(np.linalg.eig)(*(decompositions.eig(a, part=k) for k in range(2)))


@implements(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    return decompositions.eigvals(operand(a))


@implements(np.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    a = operand(a)
    if hermitian:
        a = from_triangle(a)
    if not compute_uv:
        return decompositions.svdvals(a)
    # Of matrices that are not square, only the larger basis has columns of which there are more.
    rows, columns = a.shape[-2:]
    larger = 0 if rows > columns else 2 if rows < columns else None
    full = [bool(full_matrices) and larger in (None, k) for k in range(3)]
    return _type_of(np.linalg.svd)(
        *(decompositions.svd(a, part=k, full_matrices=full[k]) for k in range(3))
    )


def svdvals(x: Any, /) -> Any:
    return decompositions.svdvals(operand(x))


if hasattr(np.linalg, "svdvals"):  # since NumPy 2.0
    implements(np.linalg.svdvals)(svdvals)


def from_triangle(a: Any, lower: bool = True, hermitian: bool = True) -> Any:
    """Return the symmetric matrices of which one triangle is read, Hermitian ones by default."""
    triangle = shape.tril(a) if lower else shape.triu(a)
    rest = shape.tril(a, k=-1) if lower else shape.triu(a, k=1)
    turned = rows.transposed(rest)
    return triangle + (conjugated(turned) if hermitian else turned)


@implements(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    a = operand(a)
    if mode == "complete" and a.shape[-2] > a.shape[-1]:
        raise unsupported(
            "np.linalg.qr with mode='complete'",
            "write mode='reduced': the other columns are any that complete a basis",
        )
    if mode == "r":
        return decompositions.qr(a, part=1)
    if mode not in ("reduced", "complete"):
        raise unsupported(f"np.linalg.qr with mode={mode!r}", "use 'reduced' or 'r'")
    return _type_of(np.linalg.qr)(*(decompositions.qr(a, part=k) for k in range(2)))


# Least squares, and what tells how well equations can be solved.

observe(np.linalg.matrix_rank, batch=matrices)


@implements(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    a = operand(a)
    rcond = rcond if isinstance(rtol, (type(None), type(np._NoValue))) else rtol
    check_cut("pinv", a, rcond)
    return rows.pinv(from_triangle(a) if hermitian else a, rcond=plain(rcond))


def check_cut(name: str, a: Any, rcond: Any) -> None:
    """Refuse to take singular values for 0 that are not: the rules do not know of it."""
    exact = 16 * max(a.shape[-2:]) * np.finfo(a.dtype).eps
    if rcond is None or np.max(plain(rcond)) <= exact:
        return
    s = np.linalg.svd(value_of(a), compute_uv=False)
    s = s / np.max(s, axis=-1, keepdims=True)
    if np.any((s <= np.asarray(plain(rcond))[..., None]) & (s > exact)):
        raise unsupported(
            f"np.linalg.{name} with an rcond that cuts off singular values which are not 0",
            "write the equations of ridge regression",
        )


@implements(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    a, b = operand(a), operand(b)
    if a.ndim != 2:
        raise np.linalg.LinAlgError(
            f"{a.ndim}-dimensional array given. Array must be two-dimensional"
        )
    if rcond is None:
        rcond = float(np.finfo(a.dtype).eps) * max(a.shape)
    check_cut("lstsq", a, rcond)
    x = rows.lstsq(a, b, rcond=rcond)
    _, residuals, rank, s = np.linalg.lstsq(value_of(a), value_of(b), rcond)
    if residuals.size:
        rest = b - a @ x
        residuals = np.sum(abs(rest) ** 2, axis=0, keepdims=b.ndim == 1)
    return x, residuals, rank, cast(decompositions.svdvals(a), s.dtype)


@implements(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    x = operand(x)
    if p in (None, 2, -2):
        s = decompositions.svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return np.linalg.norm(x, p, axis=(-2, -1)) * np.linalg.norm(inv(x), p, axis=(-2, -1))


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    a, b = operand(a), operand(b)
    if axes is not None:
        last = [k for k in range(a.ndim) if k not in tuple(axes)]
        a = np.transpose(a, (*last, *axes))
    kept = a.shape[b.ndim - a.ndim :] if a.ndim > b.ndim else ()
    size = math.prod(kept)
    if a.size != size**2:
        raise np.linalg.LinAlgError(
            "Input arrays must satisfy the requirement prod(a.shape[b.ndim:]) == "
            "prod(a.shape[:b.ndim])"
        )
    return np.reshape(solve(np.reshape(a, (size, size)), np.ravel(b)), kept)


@implements(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    a = operand(a)
    inverse = inv(np.reshape(a, (math.prod(a.shape[:ind]), -1)))
    return np.reshape(inverse, a.shape[ind:] + a.shape[:ind])
