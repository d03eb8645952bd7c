"""Norms of vectors and matrices.

At the zero vector every norm has gradient 0, where mathematics has none: so a distance of 0 does no
harm to a sum of distances. Entries that tie for the norms by inf and -inf share the gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import dtype_of, shape_of
from chainrule.core.batching import along
from chainrule.core.dependence import along_axes
from chainrule.core.domain import NONZERO
from chainrule.core.kinds import astype, general
from chainrule.operations.batched_linalg import measuring
from chainrule.operations.elementwise import (
    absolute,
    equal,
    isfinite,
    logical_not,
    logical_or,
    not_equal,
    sign,
    sqrt,
    square,
    where,
    without_factor,
)
from chainrule.operations.reduction import Axis, count, kept, max, min, over_size, share, sum
from chainrule.operations.shape import reshape


def _is_matrix_norm(x: Any, order: Any, axis: Axis) -> bool:
    ndim = len(shape_of(x)) if axis is None else len(axis)
    return ndim == 2 and order is not None


def _norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:
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
    depends=along_axes(),
    batch=measuring,
)


def _size_pullback(g: Any, x: Any, y: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    multiple = without_factor(g, y)
    if multiple is not None:
        return x * kept(multiple, axis, keepdims)
    # x / y before all else: 1 / y times 1 / y, in the derivative of this, may vanish.
    y = kept(y, axis, keepdims)
    return x / where(equal(y, 0), np.inf, y) * kept(g, axis, keepdims)


def _size_formula(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    if dtype_of(x).kind != "f" or not count(x, axis):
        return None
    largest = max(absolute(x), axis=axis, keepdims=True)
    scale = where(logical_or(equal(largest, 0), logical_not(isfinite(largest))), 1.0, largest)
    y = scale * sqrt(sum(square(x / scale), axis=axis, keepdims=True))
    if keepdims:
        return y
    axes = tuple(range(len(shape_of(x)))) if axis is None else axis
    return reshape(y, shape=tuple(n for k, n in enumerate(shape_of(x)) if k not in axes))


#: The Euclidean norm of numbers whose squares overflow, or vanish. It takes its time.
size = general(
    "size",
    lambda x, axis=None, keepdims=False: np.hypot.reduce(x, axis=axis, keepdims=keepdims),
    pullback=_size_pullback,
    numpy=(),
    source="np.hypot.reduce({0}, axis={axis}, keepdims={keepdims})",
    formula=_size_formula,
    kinked=True,
    domain=NONZERO,
    depends=along_axes(),
    batch=along("axis", axis=None),
)
