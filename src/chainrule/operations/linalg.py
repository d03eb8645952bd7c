"""Linear algebra: `norm`. The rest of np.linalg will live here.

At the zero vector every norm has gradient 0, where mathematics has none: so a distance of 0 does no
harm to a sum of distances. Entries that tie for the norms by inf and -inf share the gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.domain import NONZERO
from chainrule.core.kinds import general
from chainrule.errors import UnsupportedError
from chainrule.operations.elementwise import absolute, equal, sign, where
from chainrule.operations.reduction import Axis, kept, share, sum


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
        return x * kept(where(equal(y, 0), 0.0, g / y), axis, keepdims)
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


norm = general(
    "norm",
    _norm,
    pullback=_norm_pullback,
    numpy="numpy.linalg.norm",
    source="np.linalg.norm({0})",
    kinked=True,
    domain=NONZERO,
)
