"""Decompositions of matrices: eigenvalues and eigenvectors, singular values, QR and LU.

Matrices lie in the last two axes; axes in front of them are a batch. A decomposition has several
results, and an operation has one: so ``part`` says which. Whoever asks for all of them pays once.

What is not determined has no derivative. Eigenvectors of equal eigenvalues and singular vectors of
equal singular values are such: where a gradient needs them it is NaN, and where it does not, as
that of the eigenvalues themselves, it is right. So is the gradient of what does not depend on the
signs (phases, of complex numbers) of eigenvectors, whatever signs LAPACK gives them.

`eigh` and `eigvalsh` read one triangle, and their gradient lies in that triangle, as that of
`cholesky` does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import dtype_of, is_complex, shape_of, value_of
from chainrule.core.batching import matrices
from chainrule.core.dependence import in_matrices
from chainrule.core.domain import INVERTIBLE, POSITIVE_DEFINITE, example
from chainrule.core.kinds import general, guarded_multiply, real
from chainrule.core.operation import Operation
from chainrule.errors import UnsupportedError
from chainrule.operations.elementwise import absolute, conjugated, imag, less_equal, where
from chainrule.operations.indexing import take_along_axis
from chainrule.operations.linalg import adjoint, lower_half, solve, transposed
from chainrule.operations.reduction import max, sum
from chainrule.operations.shape import concatenate, diagonal, embed_diagonal, expand_dims


class InParts(threading.local):
    """A decomposition of which one part is computed at a time, and all of them together.

    The parts of the last matrix are kept, for whoever asks for another: a rule needs all of them.
    """

    LARGEST = 1 << 25  # bytes of a matrix beyond which nothing is kept

    def __init__(self, decompose: Callable[..., Sequence[Any]]) -> None:
        self.decompose = self.__wrapped__ = decompose
        self.last: tuple[Any, Sequence[Any]] = (None, ())  # one thing: an interrupt parts no two

    def __call__(self, a: Any, part: int, **options: Any) -> Any:
        """Return one of the results."""
        a = np.asarray(a)
        if a.nbytes > self.LARGEST:
            return self.decompose(a, **options)[part]
        key = a.shape, a.dtype, a.tobytes(), options
        known, parts = self.last
        if known != key:
            parts = self.decompose(a, **options)
            self.last = key, parts
        found = parts[part]
        return found.copy() if type(found) is np.ndarray else found


def _columns_times(v: Any, x: Any) -> Any:
    """Multiply each column of x by an entry of v."""
    return x * expand_dims(v, axis=(len(shape_of(v)) - 1,))


def _rows_times(v: Any, x: Any) -> Any:
    """Multiply each row of x by an entry of v."""
    return expand_dims(v, axis=(len(shape_of(v)),)) * x


def _over_differences(x: Any, w: Any, exact: bool = False) -> Any:
    """Return ``x[i, j] / (w[j] - w[i])``, and 0 where i is j.

    Where other entries of w are equal, 0 in x stays 0, and all else is infinite. They are equal
    where rounding alone can have made their difference, unless w is exact.
    """
    ndim, n = len(shape_of(w)), shape_of(w)[-1]
    same = np.eye(n, dtype=bool)
    differences = expand_dims(w, axis=(ndim - 1,)) - expand_dims(w, axis=(ndim,))
    if n > 1 and not exact:
        size = absolute(w)
        largest = expand_dims(max(size, axis=(ndim - 1,)), axis=(ndim - 1, ndim))
        rounding = 2 * n * float(np.finfo(dtype_of(w)).eps)
        equal = less_equal(absolute(differences), rounding * largest)
        differences = where(equal, 0.0, differences)
    return guarded_multiply(where(same, 0.0, x), 1 / where(same, 1.0, differences))


# Symmetric matrices (Hermitian, of complex numbers): A V = V W, with V unitary and W real.
# With M = V^H dA V the derivatives are dw = diag(M) and dV = V (M / (w_j - w_i)).


def _in_triangle(g: Any, UPLO: str) -> Any:
    """Add the gradient of the triangle that is not read to that of its mirror image."""
    g = g + adjoint(g)
    return lower_half(g) if UPLO == "L" else transposed(lower_half(transposed(g)))


def _eigenvalues_pullback(g: Any, v: Any, UPLO: str) -> Any:
    return _in_triangle(_columns_times(g, conjugated(v)) @ transposed(v), UPLO)


def eigh_pullback(g: Any, a: Any, y: Any, part: int, UPLO: str, parts: Callable[[int], Any]) -> Any:
    """Pull back one part of a decomposition, of which ``parts`` gives the other."""
    if part == 0:
        return _eigenvalues_pullback(g, parts(1), UPLO)
    inner = _over_differences(transposed(y) @ g, parts(0))
    return _in_triangle(conjugated(y) @ inner @ transposed(y), UPLO)


eigh: Operation = general(
    "eigh",
    InParts(lambda a, UPLO="L": np.linalg.eigh(a, UPLO)),
    pullback=lambda g, a, y, part, UPLO="L": eigh_pullback(
        g, a, y, part, UPLO, lambda k: eigh(a, part=k, UPLO=UPLO)
    ),
    numpy="numpy.linalg.eigh",
    parts=True,
    domain=POSITIVE_DEFINITE,
    examples=(
        example((2, 2, 2), part=0, UPLO="L"),
        example((3, 3), part=1, UPLO="U"),
        example((2, 2, 2), part=1, UPLO="L"),
    ),
    tolerance=1e-6,
    dtypes="fc",
    depends=in_matrices,
    batch=matrices,
)
eigvalsh = general(
    "eigvalsh",
    lambda a, UPLO="L": np.linalg.eigvalsh(a, UPLO),
    pullback=lambda g, a, y, UPLO="L": _eigenvalues_pullback(g, eigh(a, part=1, UPLO=UPLO), UPLO),
    numpy="numpy.linalg.eigvalsh",
    domain=POSITIVE_DEFINITE,
    examples=(example((3, 3), UPLO="L"), example((2, 2, 2), UPLO="U")),
    dtypes="fc",
    depends=in_matrices,
    batch=matrices,
)

# Any square matrices: A V = V W. LAPACK scales each eigenvector to length 1, and turns it so that
# its largest entry is real.


def _eig_pullback(g: Any, a: Any, y: Any, part: int) -> Any:
    w, v = eig(a, part=0), eig(a, part=1)
    vt = transposed(v)
    inner = embed_diagonal_of(g) if part == 0 else _over_differences(vt @ _free(g, v), w)
    return solve(vt, inner @ vt)


def _free(g: Any, v: Any) -> Any:
    """Take out of the gradient of eigenvectors what their scaling takes out of the vectors."""
    along = sum(real(g * v), axis=(len(shape_of(v)) - 2,), keepdims=True)
    g = g - conjugated(v) * along
    if not is_complex(v):
        return g
    # v was turned by the angle that makes its largest entry real: by -imag(dv / v) of that entry.
    largest = np.argmax(np.abs(value_of(v)), axis=-2, keepdims=True)
    turned = sum(real(1j * g * v), axis=(len(shape_of(v)) - 2,), keepdims=True)
    place = take_along_axis(v, largest, axis=len(shape_of(v)) - 2)
    here = np.arange(shape_of(v)[-2])[:, None] == largest
    return g + 1j * where(here, turned / place, 0.0)


def embed_diagonal_of(g: Any) -> Any:
    """Return the matrices that have these vectors on their diagonals, and zeros elsewhere."""
    shape = shape_of(g)
    ndim = len(shape)
    return embed_diagonal(g, shape=(*shape, shape[-1]), axis1=ndim - 1, axis2=ndim)


eig: Operation = general(
    "eig",
    InParts(np.linalg.eig),
    pullback=_eig_pullback,
    numpy="numpy.linalg.eig",
    parts=True,
    domain=INVERTIBLE,
    examples=(
        example((3, 3), part=0),
        example((3, 3), part=1),
        example((2, 2, 2), part=1),
    ),
    tolerance=1e-6,
    dtypes="fc",
    depends=in_matrices,
    batch=matrices,
)
eigvals = general(
    "eigvals",
    np.linalg.eigvals,
    pullback=lambda g, a, y: _eig_pullback(g, a, y, 0),
    numpy="numpy.linalg.eigvals",
    domain=INVERTIBLE,
    examples=(example((3, 3)), example((2, 2, 2))),
    tolerance=1e-6,
    dtypes="fc",
    depends=in_matrices,
    batch=matrices,
)

# Singular values: A = U S V^H, with min(m, n) columns in U and in V. With M = U^H dA V:
# ds = diag(M), dU = U ((M S + S M^H) / (s_j^2 - s_i^2)) + (1 - U U^H) dA V S^-1, and dV likewise.


def _svd_pullback(g: Any, a: Any, y: Any, part: int, full_matrices: bool = False) -> Any:
    rows, columns = shape_of(a)[-2:]
    if full_matrices and rows != columns:
        raise UnsupportedError(
            f"np.linalg.svd of {rows} x {columns} matrices has no derivative by all columns of its "
            f"{'Vh' if part == 2 else 'U'}: some of them are any that complete a basis. To go on, "
            "write full_matrices=False"
        )
    u, s, vh = (svd(a, part=k, full_matrices=full_matrices) for k in range(3))
    if part == 1:
        return conjugated(u) @ _rows_times(g, conjugated(vh))
    if part == 2:  # U and V change places
        flipped = _left_pullback(transposed(g), transposed(vh), s, transposed(u), turns=False)
        return transposed(flipped)
    return _left_pullback(g, u, s, vh, turns=is_complex(u))


def _left_pullback(g: Any, u: Any, s: Any, vh: Any, turns: bool) -> Any:
    """Pull back to A from the left singular vectors of A.

    U and V have their phases in common; ``turns`` says that U takes all of their derivative.
    """
    b = transposed(u) @ g
    c = _over_differences(b, s * s, exact=True)
    inner = _columns_times(s, c + adjoint(c))
    if turns:
        phases = imag(diagonal_of(b)) / s
        inner = inner + embed_diagonal_of(1j * phases)
    found = conjugated(u) @ inner
    if shape_of(u)[-2] > shape_of(u)[-1]:
        outside = g - conjugated(u) @ b
        found = found + guarded_multiply(outside, expand_dims(1 / s, axis=(len(shape_of(s)) - 1,)))
    return found @ conjugated(vh)


def diagonal_of(x: Any) -> Any:
    """Return the diagonals of matrices."""
    ndim = len(shape_of(x))
    return diagonal(x, axis1=ndim - 2, axis2=ndim - 1)


svd: Operation = general(
    "svd",
    InParts(lambda a, full_matrices: np.linalg.svd(a, full_matrices)),
    pullback=_svd_pullback,
    numpy="numpy.linalg.svd",
    parts=True,
    examples=(
        example((3, 2), part=0, full_matrices=False),
        example((2, 3), part=0, full_matrices=False),
        example((2, 3, 2), part=1, full_matrices=False),
        example((2, 3), part=2, full_matrices=False),
        example((2, 2), part=2, full_matrices=False),
    ),
    tolerance=1e-6,
    dtypes="fc",
    depends=in_matrices,
    batch=matrices,
)
#: Singular values alone.
svdvals = general(
    "svdvals",
    lambda a: np.linalg.svd(a, compute_uv=False),
    pullback=lambda g, a, y: _svd_pullback(g, a, y, 1),
    numpy="numpy.linalg.svdvals",
    source="np.linalg.svd({0}, compute_uv=False)",
    examples=(example((3, 2)), example((2, 2, 3))),
    tolerance=1e-6,
    dtypes="fc",
    depends=in_matrices,
    batch=matrices,
)

# A = Q R, with min(m, n) columns in Q. With M = Q^H dA R^-1, dR R^-1 is what of M makes an upper
# triangle with a real diagonal, and dQ = (dA - Q dR) R^-1. See S. F. Walter and L. Lehmann,
# "Algorithmic differentiation of linear algebra functions", 2010.


def _antihermitian(x: Any) -> Any:
    """Return the upper triangle of ``x - x^H``, with half of the diagonal."""
    return transposed(lower_half(transposed(x - adjoint(x))))


def _over(x: Any, r: Any) -> Any:
    """Return ``x @ r^-T``."""
    return transposed(solve(r, transposed(x)))


def _qr_pullback(g: Any, a: Any, y: Any, part: int) -> Any:
    q, r = qr(a, part=0), qr(a, part=1)
    m, n = shape_of(r)[-2:]
    if m == n:
        return _q_pullback(g, q, r) if part == 0 else _r_pullback(g, q, r)
    # A = (X Y): X = Q R of the square part, and what is right of it is Q^H Y.
    square = r[..., :m]
    if part == 0:
        left = _q_pullback(g, q, square)
        return concatenate(left, np.zeros(shape_of(a[..., m:]), left.dtype), axis=a.ndim - 1)
    rest = g[..., m:]
    left = _r_pullback(g[..., :m], q, square)
    left = left + _q_pullback(conjugated(a[..., m:]) @ adjoint(rest), q, square)
    return concatenate(left, conjugated(q) @ rest, axis=a.ndim - 1)


def _q_pullback(g: Any, q: Any, r: Any) -> Any:
    b = transposed(g) @ q
    return _over(g + conjugated(q) @ transposed(_antihermitian(b) - b), r)


def _r_pullback(g: Any, q: Any, r: Any) -> Any:
    b = r @ transposed(g)
    return _over(conjugated(q) @ transposed(b - _antihermitian(b)), r)


qr: Operation = general(
    "qr",
    InParts(np.linalg.qr),
    pullback=_qr_pullback,
    numpy="numpy.linalg.qr",
    parts=True,
    examples=(
        example((3, 2), part=0),
        example((3, 2), part=1),
        example((2, 3), part=0),
        example((2, 3), part=1),
        example((2, 2, 2), part=0),
    ),
    tolerance=1e-6,
    dtypes="fc",
    depends=in_matrices,
    batch=matrices,
)
