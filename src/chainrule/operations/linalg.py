"""Linear algebra: linear equations, inverses, determinants, and the Cholesky decomposition.

Matrices lie in the last two axes; axes in front of them are a batch.

`cholesky` reads one triangle of its operand, as NumPy does, so the gradient lies in that triangle:
it is the derivative by each entry of the array. Of a symmetric matrix, taken as one thing, it is
``(G + G.T) / 2``.

The gradient of `det` is finite for singular matrices, too; derivatives of it need the inverse. That
of `pinv` and `lstsq` is right where the rank of the matrix stays what it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import dtype_of, is_complex, shape_of
from chainrule.core.batching import matrices
from chainrule.core.dependence import in_matrices
from chainrule.core.domain import INVERTIBLE, POSITIVE_DEFINITE, REAL, example
from chainrule.core.kinds import general, real, sum_to
from chainrule.core.operation import Operation
from chainrule.operations.batched_linalg import solving, solving_triangles
from chainrule.operations.cholesky_blocks import pulled_back
from chainrule.operations.dependent_linalg import of_solve
from chainrule.operations.elementwise import (
    conjugated,
)
from chainrule.operations.indexing import getitem
from chainrule.operations.shape import expand_dims, squeeze, stack, swapaxes, tril, triu
from chainrule.operations.small_matrices import LARGEST, are_small, pulled_back_many, solved_many

# Linear equations. As in NumPy, b is a vector if it has one axis, and a matrix otherwise.


def transposed(a: Any) -> Any:
    """Return matrices with their rows as columns."""
    ndim = len(shape_of(a))
    return swapaxes(a, axis1=ndim - 2, axis2=ndim - 1)


def adjoint(x: Any) -> Any:
    """Return the transposed conjugate."""
    return conjugated(transposed(x))


def _columns(x: Any, b: Any) -> Any:
    """Return what belongs to b as a matrix, a vector as its one column."""
    return expand_dims(x, axis=(len(shape_of(x)),)) if len(shape_of(b)) == 1 else x


def _solve_right(g: Any, a: Any, b: Any) -> Any:
    """Return the gradient by b, before it is summed over the axes along which b was repeated."""
    x = solve(transposed(a), _columns(g, b))
    return squeeze(x, axis=(len(shape_of(x)) - 1,)) if len(shape_of(b)) == 1 else x


solve: Operation = general(
    "solve",
    np.linalg.solve,
    pullback=(
        lambda g, a, b, x: sum_to(
            -_columns(_solve_right(g, a, b), b) @ transposed(_columns(x, b)), a
        ),
        lambda g, a, b, x: sum_to(_solve_right(g, a, b), b),
    ),
    numpy="numpy.linalg.solve",
    domain=(INVERTIBLE, REAL),
    examples=(
        example((3, 3), (3,)),
        example((3, 3), (3, 2)),
        example((2, 3, 3), (3,)),
        example((2, 3, 3), (4, 1, 3, 2)),
    ),
    dtypes="fc",
    depends=of_solve,
    batch=solving,
)

# A matrix that is known to be triangular: printed as any other equations, and solved at less cost.


def _solve_known_triangle(t: Any, b: Any, lower: bool) -> Any:
    if len(shape_of(t)) > 2 or len(shape_of(b)) > 2:
        if t.ndim == b.ndim == 3 and b.shape[-1] > 1 and are_small(t, b):
            return solved_many(t, b, lower)
        x = _substitution(t, b, lower)
        return np.linalg.solve(np.tril(t) if lower else np.triu(t), b) if x is None else x
    from scipy.linalg import solve_triangular

    return solve_triangular(t, b, lower=lower, check_finite=False)


def _substitution(t: Any, b: Any, lower: bool) -> Any:
    """Solve equations of many small triangles row by row, for all at once."""
    *many, n, _ = shape_of(t)
    if not many or not 0 < n <= LARGEST or dtype_of(t).kind != "f" or dtype_of(b).kind != "f":
        return None
    rows: dict[int, Any] = {}
    for i in range(n) if lower else reversed(range(n)):
        rest = getitem(b, index=(..., i, slice(None)))
        for j, x in rows.items():
            rest = rest - getitem(t, index=(..., i, j, None)) * x
        rows[i] = rest / getitem(t, index=(..., i, i, None))
    return stack(*(rows[i] for i in range(n)), axis=len(many))


def _known_triangle_left(g: Any, t: Any, x: Any, lower: bool) -> Any:
    full = -_columns(_known_triangle_right(g, t, lower), x) @ transposed(_columns(x, x))
    return tril(full) if lower else triu(full)


def _known_triangle_right(g: Any, t: Any, lower: bool) -> Any:
    return solve_known_triangle(transposed(t), g, lower=not lower)


solve_known_triangle: Operation = general(
    "solve_known_triangle",
    _solve_known_triangle,
    pullback=(
        lambda g, t, b, x, lower: _known_triangle_left(g, t, x, lower),
        lambda g, t, b, x, lower: _known_triangle_right(g, t, lower),
    ),
    numpy=(),
    source="np.linalg.solve({0}, {1})",
    formula=_substitution,
    dtypes="fc",
    depends=of_solve,
    batch=solving_triangles,
)

# Inverses and determinants.

inv: Operation = general(
    "inv",
    np.linalg.inv,
    pullback=lambda g, a, y: -(transposed(y) @ g @ transposed(y)),
    pushforward=lambda tangents, a, y: -(y @ tangents[0] @ y),
    numpy="numpy.linalg.inv",
    domain=INVERTIBLE,
    examples=(example((3, 3)), example((2, 2, 2))),
    dtypes="fc",
    depends=in_matrices,
    batch=matrices,
)


def _as_factor(g: Any) -> Any:
    """Let numbers be factors of matrices, one of each."""
    ndim = len(shape_of(g))
    return expand_dims(g, axis=(ndim, ndim + 1))


def _cofactors(a: Any, d: Any) -> Any:
    try:
        inverse = np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return _cofactors_of_singular(a)
    if not inverse.size:
        return inverse
    digits = np.linalg.norm(a, 1, (-2, -1)) * np.linalg.norm(inverse, 1, (-2, -1))
    if np.any(digits * np.sqrt(np.finfo(digits.dtype).eps) > 1):  # half of them are lost
        return _cofactors_of_singular(a)
    return d * transposed(inverse)


def _cofactors_of_singular(a: Any) -> Any:
    u, s, vh = np.linalg.svd(a)
    others = [np.prod(np.delete(s, k, -1), axis=-1) for k in range(s.shape[-1])]
    sign = (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
    return sign * ((u.conj() * np.stack(others, axis=-1)[..., None, :]) @ vh.conj())


#: The cofactors of matrices, ``d * inv(a).T`` for their determinants d. Singular ones have some.
cofactors: Operation = general(
    "cofactors",
    _cofactors,
    pullback=(
        lambda g, a, d, y: -d * (transposed(inv(a)) @ transposed(g) @ transposed(inv(a))),
        lambda g, a, d, y: sum_to(g * transposed(inv(a)), d),
    ),
    numpy=(),
    source="{1} * np.linalg.inv({0}).mT",
    domain=(INVERTIBLE, REAL),
    examples=(example((3, 3), (1, 1)), example((2, 2, 2), (2, 1, 1))),
    dtypes="fc",
    depends=in_matrices,
    batch=matrices,
)
det = general(
    "det",
    np.linalg.det,
    pullback=lambda g, a, y: _as_factor(g) * cofactors(a, _as_factor(y)),
    numpy="numpy.linalg.det",
    domain=INVERTIBLE,
    examples=(example((3, 3)), example((2, 2, 2)), example((1, 1))),
    dtypes="fc",
    depends=in_matrices,
    batch=matrices,
)


def _slogdet_pullback(g: Any, a: Any, y: Any, part: int) -> Any:
    if part == 1:
        return _as_factor(g) * transposed(inv(a))
    if not is_complex(a):
        return None
    return _as_factor(-1j * real(1j * g * y)) * transposed(inv(a))


#: The sign of the determinant (part 0), and the logarithm of its size (part 1).
slogdet = general(
    "slogdet",
    lambda a, part: np.linalg.slogdet(a)[part],
    pullback=_slogdet_pullback,
    numpy="numpy.linalg.slogdet",
    parts=True,
    domain=INVERTIBLE,
    examples=(example((3, 3), part=1), example((2, 2, 2), part=1), example((2, 2), part=0)),
    dtypes="fc",
    depends=in_matrices,
    batch=matrices,
)

# Least squares. For P the pseudoinverse of A, with dA = E, the derivative is
# -P E P + P P^H E^H (1 - A P) + (1 - P A) E^H P^H P, where the rank of A stays what it is
# (G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses", 1973).


def _pinv_pullback(g: Any, a: Any, y: Any, rcond: Any = None) -> Any:
    p, gh = transposed(y), adjoint(g)
    found = (gh - transposed(a @ y) @ gh) @ conjugated(y) @ p - p @ g @ p
    return found + p @ conjugated(y) @ (gh - gh @ transposed(y @ a))


pinv: Operation = general(
    "pinv",
    lambda a, rcond=None: np.linalg.pinv(a, rcond),
    pullback=_pinv_pullback,
    numpy="numpy.linalg.pinv",
    examples=(example((3, 2)), example((2, 3)), example((2, 2, 2), rcond=1e-10)),
    tolerance=1e-6,
    dtypes="fc",
    depends=in_matrices,
    batch=matrices,
)


def _lstsq_left(g: Any, a: Any, b: Any, x: Any, rcond: Any) -> Any:
    y = pinv(a, rcond=rcond)
    p, gh = transposed(y), adjoint(_columns(g, b))
    x = _columns(x, b)
    rest = _columns(b, b) - a @ x
    found = conjugated(rest) @ gh @ conjugated(y) @ p - p @ _columns(g, b) @ transposed(x)
    return found + p @ conjugated(x) @ (gh - gh @ transposed(y @ a))


#: The solution alone, of the smallest norm, as by the pseudoinverse of the same ``rcond``.
lstsq = general(
    "lstsq",
    lambda a, b, rcond: np.linalg.lstsq(a, b, rcond)[0],
    pullback=(
        lambda g, a, b, x, rcond: _lstsq_left(g, a, b, x, rcond),
        lambda g, a, b, x, rcond: transposed(pinv(a, rcond=rcond)) @ g,
    ),
    numpy="numpy.linalg.lstsq",
    source="np.linalg.lstsq({0}, {1}, {rcond})[0]",
    examples=(
        example((3, 2), (3,), rcond=1e-15),
        example((3, 2), (3, 2), rcond=1e-15),
        example((2, 3), (2,), rcond=1e-15),
    ),
    tolerance=1e-6,
    dtypes="fc",
)

# Decompositions.


def lower_half(x: Any) -> Any:
    """Return the lower triangle, with half of the diagonal."""
    return (tril(x) + tril(x, k=-1)) / 2


def cholesky_pullback(g: Any, a: Any, y: Any, upper: bool = False) -> Any:
    """Pull back by two triangular solves.

    See I. Murray, "Differentiation of the Cholesky decomposition", 2016, section 3.2.
    """
    if upper:
        return adjoint(cholesky_pullback(adjoint(g), a, adjoint(y)))
    found = _of_numbers(g, y)
    if found is not None:
        return found
    lt = transposed(y)
    s = solve_known_triangle(lt, lower_half(lt @ g), lower=False)
    s = solve_known_triangle(conjugated(lt), transposed(s), lower=False)
    return lower_half(transposed(s) + conjugated(s))


def _of_numbers(g: Any, y: Any) -> Any:
    """Pull back arrays at less cost, a large one in blocks and small ones together, if possible."""
    if are_small(g, y):
        return pulled_back_many(g, y)
    plain = type(g) is np.ndarray is type(y) and g.dtype.kind == y.dtype.kind == "f"
    return pulled_back(g, y) if plain and y.ndim == 2 else None


cholesky = general(
    "cholesky",
    lambda a, upper=False: np.linalg.cholesky(a, upper=upper),
    pullback=cholesky_pullback,
    numpy="numpy.linalg.cholesky",
    domain=POSITIVE_DEFINITE,
    examples=(example((3, 3)), example((2, 3, 3)), example((2, 2), upper=True)),
    dtypes="fc",
    depends=in_matrices,
    batch=matrices,
)
