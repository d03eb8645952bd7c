"""Linear algebra: norms, linear equations, inverses, and the Cholesky decomposition.

Matrices lie in the last two axes; axes in front of them are a batch.

`cholesky` reads one triangle of its operand, as NumPy does, so the gradient lies in that triangle:
it is the derivative by each entry of the array. Of a symmetric matrix, taken as one thing, it is
``(G + G.T) / 2``.

At the zero vector every norm has gradient 0, where mathematics has none: so a distance of 0 does no
harm to a sum of distances. Entries that tie for the norms by inf and -inf share the gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import dtype_of, shape_of
from chainrule.core.domain import INVERTIBLE, NONZERO, POSITIVE_DEFINITE, REAL, example
from chainrule.core.kinds import astype, general, sum_to
from chainrule.core.operation import Operation
from chainrule.errors import UnsupportedError
from chainrule.operations.elementwise import (
    absolute,
    equal,
    not_equal,
    sign,
    sqrt,
    square,
    where,
)
from chainrule.operations.reduction import Axis, kept, max, min, over_size, share, sum
from chainrule.operations.shape import expand_dims, squeeze, swapaxes, tril


def _is_matrix_norm(x: Any, order: Any, axis: Axis) -> bool:
    ndim = len(shape_of(x)) if axis is None else len(axis)
    return ndim == 2 and order is not None


def _norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    if _is_matrix_norm(x, ord, axis) and ord in (2, -2, "nuc"):
        raise UnsupportedError(
            f"np.linalg.norm(..., ord={ord!r}) of a matrix needs singular values, which have no "
            "derivative in chainrule yet: ord may be None, 'fro', 1, -1, np.inf or -np.inf"
        )
    if axis is not None and len(axis) == 1:
        return np.linalg.norm(x, ord, axis[0], keepdims)
    return np.linalg.norm(x, ord, axis, keepdims)  # type: ignore[arg-type, unused-ignore]


def _norm_pullback(
    g: Any, x: Any, y: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False
) -> Any:
    if ord == 0:
        return None
    if _is_matrix_norm(x, ord, axis) and ord != "fro":
        return _largest_sum_pullback(g, x, y, ord, axis, keepdims)
    if ord is None or ord == 2 or ord == "fro":
        return x * kept(over_size(g, y), axis, keepdims)
    if ord == 1:
        return sign(x) * kept(g, axis, keepdims)
    if abs(ord) == np.inf:
        wins = equal(absolute(x), kept(y, axis, keepdims))
        return sign(x) * share(g, x, wins, axis, keepdims)
    slopes = absolute(x) / kept(where(equal(y, 0), 1.0, y), axis, keepdims)
    if ord < 1:  # steep at 0, where the slope is infinite
        slopes = where(equal(x, 0), np.inf, slopes)
    return sign(x) * slopes ** (ord - 1) * kept(g, axis, keepdims)


def _largest_sum_pullback(g: Any, x: Any, y: Any, order: Any, axis: Axis, keepdims: bool) -> Any:
    """Pull back the largest (or smallest) sum of absolute values of a column or a row."""
    rows, columns = axis if axis is not None else (0, 1)
    summed = rows if abs(order) == 1 else columns
    sums = sum(absolute(x), axis=(summed,), keepdims=True)
    wins = equal(sums, kept(y, axis, keepdims))
    return sign(x) * share(g, sums, wins, axis, keepdims)


def _norm_formula(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
    axes = tuple(range(len(shape_of(x)))) if axis is None else axis
    if dtype_of(x).kind != "f" or not axes or 0 in shape_of(x):
        return None
    if ord is None or (ord == 2 and len(axes) == 1) or (ord == "fro" and len(axes) == 2):
        return sqrt(sum(square(x), axis=axes, keepdims=keepdims))
    if not isinstance(ord, (int, float)) or len(axes) > 2:
        return None
    size, extreme = absolute(x), max if ord > 0 else min
    if len(axes) == 2:
        if abs(ord) not in (1, np.inf):
            return None
        summed = axes[0] if abs(ord) == 1 else axes[1]
        sums = sum(size, axis=(summed,), keepdims=True)
        return extreme(sums, axis=axes, keepdims=keepdims)
    if abs(ord) == np.inf:
        return extreme(size, axis=axes, keepdims=keepdims)
    if ord == 0:
        terms = astype(not_equal(x, 0), dtype=dtype_of(x))
    else:
        terms = size if ord == 1 else size**ord
    total = sum(terms, axis=axes, keepdims=keepdims)
    return total if ord in (0, 1) else total ** (1 / ord)


norm = general(
    "norm",
    _norm,
    pullback=_norm_pullback,
    numpy="numpy.linalg.norm",
    source="np.linalg.norm({0})",
    formula=_norm_formula,
    kinked=True,
    domain=NONZERO,
)

# Linear equations. As in NumPy, b is a vector if it has one axis, and a matrix otherwise.


def _transposed(a: Any) -> Any:
    ndim = len(shape_of(a))
    return swapaxes(a, axis1=ndim - 2, axis2=ndim - 1)


def _columns(x: Any, b: Any) -> Any:
    """Return what belongs to b as a matrix, a vector as its one column."""
    return expand_dims(x, axis=(len(shape_of(x)),)) if len(shape_of(b)) == 1 else x


def _solve_right(g: Any, a: Any, b: Any) -> Any:
    """Return the gradient by b, before it is summed over the axes along which b was repeated."""
    x = solve(_transposed(a), _columns(g, b))
    return squeeze(x, axis=(len(shape_of(x)) - 1,)) if len(shape_of(b)) == 1 else x


solve: Operation = general(
    "solve",
    np.linalg.solve,
    pullback=(
        lambda g, a, b, x: sum_to(
            -_columns(_solve_right(g, a, b), b) @ _transposed(_columns(x, b)), a
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
)

inv = general(
    "inv",
    np.linalg.inv,
    pullback=lambda g, a, y: -(_transposed(y) @ g @ _transposed(y)),
    numpy="numpy.linalg.inv",
    domain=INVERTIBLE,
    examples=(example((3, 3)), example((2, 3, 3))),
    dtypes="fc",
)

# Decompositions.


def _lower(x: Any) -> Any:
    """Return the lower triangle, with half of the diagonal."""
    return (tril(x) + tril(x, k=-1)) / 2


def _cholesky_pullback(g: Any, a: Any, y: Any, upper: bool = False) -> Any:
    """Pull back by two triangular solves, for which NumPy has its general one.

    See I. Murray, "Differentiation of the Cholesky decomposition", 2016, section 3.2.
    """
    if upper:
        return _transposed(_cholesky_pullback(_transposed(g), a, _transposed(y)))
    lt = _transposed(y)
    s = solve(lt, _transposed(solve(lt, _lower(lt @ g))))
    return _lower(s + _transposed(s))


cholesky = general(
    "cholesky",
    lambda a, upper=False: np.linalg.cholesky(a, upper=upper),
    pullback=_cholesky_pullback,
    numpy="numpy.linalg.cholesky",
    domain=POSITIVE_DEFINITE,
    examples=(example((3, 3)), example((2, 3, 3)), example((2, 2), upper=True)),
)
