"""SciPy's linear algebra: triangular equations, functions of matrices, Sylvester, LU and polar.

Matrices have two axes here; of `expm` alone they may be a batch, in the last two.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.batching import matrices
from chainrule.core.dependence import in_matrices
from chainrule.core.domain import INVERTIBLE, POSITIVE_DEFINITE, REAL, Interval, example
from chainrule.core.kinds import constant, general
from chainrule.core.operation import Operation
from chainrule.operations.choices import where
from chainrule.operations.decompositions import InParts, eigh_pullback
from chainrule.operations.expm_pade import change_of_expm
from chainrule.operations.indexing import getitem, take
from chainrule.operations.linalg import adjoint, solve, transposed
from chainrule.operations.reduction import sum
from chainrule.operations.shape import concatenate, expand_dims, tril, triu
from chainrule.operations.slot import SLOT


def scipy_linalg(name: str) -> Callable[..., Any]:
    """Return a function that calls the one of this name in scipy.linalg, loaded at first use."""

    def compute(*operands: Any, **params: Any) -> Any:
        return getattr(importlib.import_module("scipy.linalg"), name)(*operands, **params)

    return compute


# Triangular equations. The triangle that is not read has no gradient, nor has a unit diagonal.


def _triangular_left(
    g: Any, a: Any, b: Any, x: Any, trans: int, lower: bool, unit_diagonal: bool
) -> Any:
    g = _triangular_right(g, a, b, trans, lower, unit_diagonal)
    if len(shape_of(b)) == 1:
        g, x = expand_dims(g, axis=(1,)), expand_dims(x, axis=(1,))
    full = -(x @ transposed(g) if trans else g @ transposed(x))
    inside = 1 if unit_diagonal else 0
    return tril(full, k=-inside) if lower else triu(full, k=inside)


def _triangular_right(g: Any, a: Any, b: Any, trans: int, lower: bool, unit_diagonal: bool) -> Any:
    return solve_triangular(a, g, trans=1 - trans, lower=lower, unit_diagonal=unit_diagonal)


solve_triangular: Operation = general(
    "solve_triangular",
    scipy_linalg("solve_triangular"),
    pullback=(
        lambda g, a, b, x, trans=0, lower=False, unit_diagonal=False: _triangular_left(
            g, a, b, x, trans, lower, unit_diagonal
        ),
        lambda g, a, b, x, trans=0, lower=False, unit_diagonal=False: _triangular_right(
            g, a, b, trans, lower, unit_diagonal
        ),
    ),
    numpy="scipy.linalg.solve_triangular",
    domain=(INVERTIBLE, REAL),
    examples=(
        example((3, 3), (3,), lower=True),
        example((3, 3), (3, 2), trans=1),
        example((3, 3), (3, 2), lower=True, trans=1, unit_diagonal=True),
    ),
    dtypes="fc",
)

# Banded equations. Entry (u + i - j, j) of a band is entry (i, j) of the matrix.


def _band(lower: int, upper: int, n: int) -> tuple[Any, Any]:
    """Return the rows that the entries of a band are in, and which of them are in the matrix."""
    rows = np.arange(n) + np.arange(lower + upper + 1)[:, None] - upper
    return np.clip(rows, 0, n - 1), (rows >= 0) & (rows < n)


def _of_transpose(ab: Any, lower: int, upper: int) -> Any:
    """Return the band of the transposed matrix."""
    columns, inside = _band(upper, lower, shape_of(ab)[1])
    rows = np.arange(lower + upper, -1, -1)[:, None]
    return where(inside, getitem(ab, rows, columns, index=(SLOT, SLOT)), 0.0)


def _banded_right(g: Any, ab: Any, lower: int, upper: int) -> Any:
    return solve_banded(_of_transpose(ab, lower, upper), g, lower=upper, upper=lower)


def _banded_left(g: Any, ab: Any, x: Any, lower: int, upper: int) -> Any:
    g = _banded_right(g, ab, lower, upper)
    rows, inside = _band(lower, upper, shape_of(ab)[1])
    products = getitem(g, rows, index=(SLOT,)) * x
    if len(shape_of(x)) == 2:
        products = sum(products, axis=(2,))
    return where(inside, -products, 0.0)


solve_banded: Operation = general(
    "solve_banded",
    lambda ab, b, lower, upper: scipy_linalg("solve_banded")((lower, upper), ab, b),
    pullback=(
        lambda g, ab, b, x, lower, upper: _banded_left(g, ab, x, lower, upper),
        lambda g, ab, b, x, lower, upper: _banded_right(g, ab, lower, upper),
    ),
    numpy="scipy.linalg.solve_banded",
    source="scipy.linalg.solve_banded(({lower}, {upper}), {0}, {1})",
    domain=(Interval(1, 2), REAL),
    examples=(
        example((3, 4), (4,), lower=0, upper=2),
        example((4, 5), (5, 2), lower=2, upper=1),
    ),
    tolerance=1e-6,
    dtypes="fc",
)

# Functions of a matrix: the derivative in the direction E is the upper right block of f([A E; 0 A])
# (R. Mathias, "A chain rule for matrix functions", 1996), and the pullback that of the transpose.


def _block(a: Any, e: Any, below: Any) -> Any:
    """Return the matrix [A E; below A]."""
    columns = len(shape_of(a)) - 1
    rows = concatenate(a, e, axis=columns), concatenate(below, a, axis=columns)
    return concatenate(*rows, axis=columns - 1)


def _upper_right(f: Operation, a: Any, e: Any) -> Any:
    n = shape_of(a)[-1]
    return f(_block(a, e, np.zeros(shape_of(a), a.dtype)))[..., :n, n:]


def _logm(a: Any) -> Any:
    """Compute in double precision, as SciPy does in the end: before, it warns that it is single."""
    state = np.random.get_state()  # noqa: NPY002  # what SciPy estimates a norm with
    y = scipy_linalg("logm")(a.astype(np.result_type(a, float), copy=False))
    np.random.set_state(state)  # noqa: NPY002
    return y


def _matrix_function(name: str, compute: Callable[..., Any], **traits: Any) -> Operation:
    row: Operation = general(
        name,
        compute,
        pullback=lambda g, a, y: _upper_right(row, transposed(a), g),
        pushforward=lambda tangents, a, y: _upper_right(row, a, tangents[0]),
        numpy=f"scipy.linalg.{name}",
        **traits,
    )
    return row


def _expm_change(a: Any, e: Any) -> Any:
    """Compute it at less cost than the exponential of the larger matrix."""
    if len(a.shape) == 2:
        return change_of_expm(a, e).astype(np.result_type(a, e), copy=False)
    return _upper_right(expm, a, e)


def _expm_change_by_matrix(g: Any, a: Any, e: Any) -> Any:
    n = shape_of(a)[-1]
    zeros = np.zeros(shape_of(a), a.dtype)
    by_block = expm_change(_block(transposed(a), transposed(e), zeros), _block(zeros, zeros, g))
    return by_block[..., :n, :n] + by_block[..., n:, n:]


expm: Operation = general(
    "expm",
    scipy_linalg("expm"),
    pullback=lambda g, a, y: expm_change(transposed(a), g),
    pushforward=lambda tangents, a, y: expm_change(a, tangents[0]),
    numpy="scipy.linalg.expm",
    examples=(example((3, 3)), example((2, 2, 2))),
    tolerance=1e-6,
    dtypes="fc",
    depends=in_matrices,
    batch=matrices,
)
#: The derivative of `expm` in a direction.
expm_change: Operation = general(
    "expm_change",
    _expm_change,
    pullback=(
        lambda g, a, e, y: _expm_change_by_matrix(g, a, e),
        lambda g, a, e, y: expm_change(transposed(a), g),
    ),
    numpy=(),
    source="scipy.linalg.expm_frechet({0}, {1}, compute_expm=False)",
    examples=(example((3, 3), (3, 3)), example((2, 2, 2), (2, 2, 2))),
    tolerance=1e-6,
    dtypes="fc",
    depends=in_matrices,
    batch=matrices,
)
logm = _matrix_function(
    "logm",
    _logm,
    domain=POSITIVE_DEFINITE,
    examples=(example((3, 3)),),
    tolerance=1e-6,
    dtypes="fc",
)

# A X + X B = Q.


def _sylvester(g: Any, a: Any, b: Any) -> Any:
    return solve_sylvester(transposed(a), transposed(b), g)


solve_sylvester: Operation = general(
    "solve_sylvester",
    scipy_linalg("solve_sylvester"),
    pullback=(
        lambda g, a, b, q, x: -_sylvester(g, a, b) @ transposed(x),
        lambda g, a, b, q, x: -transposed(x) @ _sylvester(g, a, b),
        lambda g, a, b, q, x: _sylvester(g, a, b),
    ),
    numpy="scipy.linalg.solve_sylvester",
    domain=(POSITIVE_DEFINITE, POSITIVE_DEFINITE, REAL),
    examples=(example((3, 3), (2, 2), (3, 2)),),
    tolerance=1e-6,
    dtypes="fc",
)
sqrtm = general(
    "sqrtm",
    scipy_linalg("sqrtm"),
    pullback=lambda g, a, y: solve_sylvester(transposed(y), transposed(y), g),
    pushforward=lambda tangents, a, y: solve_sylvester(y, y, tangents[0]),
    numpy="scipy.linalg.sqrtm",
    domain=POSITIVE_DEFINITE,
    examples=(example((3, 3)),),
    tolerance=1e-6,
    dtypes="fc",
)

# A = U P, where U^H U = 1 and P is Hermitian: P dP + dP P = A^H dA + dA^H A, dU = (dA - U dP) P^-1.


def _polar_pullback(g: Any, a: Any, u: Any) -> Any:
    p = adjoint(u) @ a
    gt = solve(p, transposed(g))
    y = solve_sylvester(p, p, gt @ u)
    return transposed(gt - (y + adjoint(y)) @ adjoint(a))


#: The unitary factor of matrices with at least as many rows as columns.
polar = general(
    "polar",
    lambda a: scipy_linalg("polar")(a)[0],
    pullback=_polar_pullback,
    numpy="scipy.linalg.polar",
    source="scipy.linalg.polar({0})[0]",
    examples=(example((3, 3)), example((3, 2))),
    tolerance=1e-6,
    dtypes="fc",
)

# What SciPy computes by other functions of LAPACK than NumPy, which may give other signs.

eigh: Operation = general(
    "scipy_eigh",
    InParts(lambda a, lower: scipy_linalg("eigh")(a, lower=lower)),
    pullback=lambda g, a, y, part, lower: eigh_pullback(
        g, a, y, part, "L" if lower else "U", lambda k: eigh(a, part=k, lower=lower)
    ),
    numpy="scipy.linalg.eigh",
    parts=True,
    domain=POSITIVE_DEFINITE,
    examples=(example((3, 3), part=0, lower=True), example((3, 3), part=1, lower=False)),
    tolerance=1e-6,
    dtypes="fc",
)
#: The columns in the order in which a QR decomposition with pivots takes them.
qr_order = constant(
    "qr_order",
    lambda a: scipy_linalg("qr")(a, mode="r", pivoting=True)[1],
    numpy=(),
    source='scipy.linalg.qr({0}, mode="r", pivoting=True)[1]',
)

# P A = L U, both in one matrix: U is its upper triangle, and the diagonal of L is 1.

_lu_factor = scipy_linalg("lu_factor")


def _lu_pullback(g: Any, a: Any, y: Any) -> Any:
    m, n = shape_of(a)
    k = min(m, n)
    top, right, below = y[:k, :k], y[:k, k:], y[k:, :k]
    gl, gu, pieces = tril(g[:k, :k], k=-1), triu(g[:k, :k]), {}
    unit = {"lower": True, "unit_diagonal": True}
    if n > k:  # what is right of the square part is L^-1 A, in the pivots' order
        pieces["right"] = solve_triangular(top, g[:k, k:], trans=1, **unit)
        gl = gl - tril(pieces["right"] @ transposed(right), k=-1)
    if m > k:  # and what is below is A U^-1
        pieces["below"] = transposed(solve_triangular(top, transposed(g[k:, :k])))
        gu = gu - triu(transposed(below) @ pieces["below"])
    lower = tril(y[:k, :k], k=-1) + np.eye(k, dtype=y.dtype)
    inner = tril(transposed(lower) @ gl, k=-1) + triu(gu @ transposed(triu(top)))
    inner = solve_triangular(top, inner, trans=1, **unit)
    found = transposed(solve_triangular(top, transposed(inner)))
    if "right" in pieces:
        found = concatenate(found, pieces["right"], axis=1)
    if "below" in pieces:
        found = concatenate(found, pieces["below"], axis=0)
    return take(found, lu_permutation(a), axis=0)


#: The place of each row of A among those of L U.
lu_permutation = constant(
    "lu_permutation",
    lambda a: importlib.import_module("scipy.linalg").lu(a, p_indices=True)[0],
    numpy=(),
    source="scipy.linalg.lu({0}, p_indices=True)[0]",
)
lu_pivots = constant(
    "lu_pivots",
    lambda a: _lu_factor(a)[1],
    numpy=(),
    source="scipy.linalg.lu_factor({0})[1]",
)
lu_factor: Operation = general(
    "lu_factor",
    lambda a: _lu_factor(a)[0],
    pullback=_lu_pullback,
    numpy="scipy.linalg.lu_factor",
    source="scipy.linalg.lu_factor({0})[0]",
    examples=(example((3, 3)), example((4, 2)), example((2, 4))),
    tolerance=1e-6,
    dtypes="fc",
)
