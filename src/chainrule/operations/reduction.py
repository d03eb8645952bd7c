"""Operations along axes: sums, products, extremes, and cumulative ones.

``axis`` is a tuple of non-negative ints, or None for all axes; for `cumsum`, `cumprod` and the
index-valued operations it is one int.

Where a choice is possible: entries that tie for `max` or `min` share the gradient equally, as in
JAX and PyTorch's ``amax``; `std` has gradient 0 where all entries are equal, as in PyTorch. `prod`
and `cumprod` are right with any number of zeros among the factors.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

from chainrule.core.array import Array, dtype_of, shape_of, value_of
from chainrule.core.batching import along, whole
from chainrule.core.dependence import along_axes
from chainrule.core.domain import NONZERO
from chainrule.core.elementwise import is_observed
from chainrule.core.kinds import astype, broadcast_to, constant, general, linear
from chainrule.operations.elementwise import (
    bitwise_or,
    equal,
    not_equal,
    sqrt,
    square,
    where,
    without_factor,
)
from chainrule.operations.shape import concatenate, expand_dims, flip, reshape, transpose

Axis: TypeAlias = "tuple[int, ...] | None"
#: The batching rule of a reduction.
ALONG_AXES = along("axis", axis=None)


def kept(g: Any, axis: Axis, keepdims: bool) -> Any:
    """Give a reduced array its axes of length 1 back, so that it broadcasts."""
    if axis is None or keepdims or not axis or not shape_of(g):
        return g  # a number broadcasts as it is, or nothing is missing
    return expand_dims(g, axis=axis)


def spread(g: Any, x: Any, axis: Axis, keepdims: bool) -> Any:
    """Repeat a reduced array along the axes that were reduced, to the shape of x."""
    g = kept(g, axis, keepdims)
    shape = shape_of(x)
    return g if shape_of(g) == shape else broadcast_to(g, shape=shape)


def count(x: Any, axis: Axis) -> int:
    """Return how many entries of x each entry of a reduction stands for."""
    shape = shape_of(x)
    return math.prod(shape if axis is None else [shape[k] for k in axis])


# Sums and moments.

sum = linear(
    "sum",
    lambda x, axis=None, keepdims=False: np.add.reduce(x, axis=axis, keepdims=keepdims),
    pullback=lambda g, x, axis=None, keepdims=False: spread(g, x, axis, keepdims),
    dtypes="fc",
    reduces=True,
    batch=ALONG_AXES,
)


def _mean_pullback(g: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    n = count(x, axis)
    return spread(g / n if n else g, x, axis, keepdims)


def _mean_formula(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    if dtype_of(x).kind != "f":
        return None
    return sum(x, axis=axis, keepdims=keepdims) / float(count(x, axis))


mean = linear(
    "mean",
    lambda x, axis=None, keepdims=False: np.mean(x, axis=axis, keepdims=keepdims),
    pullback=_mean_pullback,
    dtypes="fc",
    formula=_mean_formula,
    reduces=True,
    batch=ALONG_AXES,
)


def _deviation(x: Any, axis: Axis, ddof: float) -> Any:
    """Return (x - mean) / (n - ddof), which is half of the gradient of the variance."""
    freedom = count(x, axis) - ddof
    return (x - mean(x, axis=axis, keepdims=True)) / (freedom if freedom > 0 else math.nan)


def over_size(g: Any, y: Any) -> Any:
    """Return ``g / y`` for a size y: 0 where y is 0, unless g is a multiple of y."""
    multiple = without_factor(g, y)
    return where(equal(y, 0), 0.0, g / y) if multiple is None else multiple


def _over_std(g: Any, x: Any, y: Any, axis: Axis, keepdims: bool) -> Any:
    """Return ``g / y`` for the deviation y of x: 0 where the entries of x are equal, too.

    Their mean is rounded, and so y need not be 0: ``np.std([0.1, 0.1, 0.1])`` is 1.4e-17.
    """
    multiple = without_factor(g, y)
    if multiple is not None or not count(x, axis):
        return g / y if multiple is None else multiple
    highest, lowest = (f(x, axis=axis, keepdims=keepdims) for f in (max, min))
    return where(bitwise_or(equal(y, 0), equal(highest, lowest)), 0.0, g / y)


def _var_pullback(
    g: Any, x: Any, y: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False
) -> Any:
    deviation = _deviation(x, axis, ddof)
    if not (is_observed(g) or is_observed(x)) and np.any(np.abs(value_of(g)) > 1):
        deviation = _without_rounding(deviation, value_of(g), value_of(x), axis)
    return kept(2 * g, axis, keepdims) * deviation


def _without_rounding(deviation: Any, g: Any, x: Any, axis: Axis) -> Any:
    """Return deviations that are 0 where entries are equal, if g makes their rounding count.

    That is so in the gradient of a root of the variance, which is 1e-34 and should be 0.
    """
    size = np.max(np.abs(x), initial=0.0) * np.max(np.abs(g), where=np.isfinite(g), initial=0.0)
    if not np.size(x) or size * np.finfo(dtype_of(x)).eps < 1e-6:
        return deviation
    highest, lowest = (f(x, axis=axis, keepdims=True) for f in (np.max, np.min))
    return where(highest == lowest, dtype_of(x).type(0), deviation)


def _std_pullback(
    g: Any, x: Any, y: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False
) -> Any:
    return kept(_over_std(g, x, y, axis, keepdims), axis, keepdims) * _deviation(x, axis, ddof)


def _var_formula(x: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Any:
    freedom = count(x, axis) - ddof
    if dtype_of(x).kind != "f" or freedom <= 0:
        return None
    deviation = x - mean(x, axis=axis, keepdims=True)
    return sum(square(deviation), axis=axis, keepdims=keepdims) / float(freedom)


var = general(
    "var",
    lambda x, axis=None, ddof=0, keepdims=False: np.var(x, axis=axis, ddof=ddof, keepdims=keepdims),
    pullback=_var_pullback,
    formula=_var_formula,
    depends=along_axes(),
    batch=ALONG_AXES,
)
std = general(
    "std",
    lambda x, axis=None, ddof=0, keepdims=False: np.std(x, axis=axis, ddof=ddof, keepdims=keepdims),
    pullback=_std_pullback,
    formula=lambda x, axis=None, ddof=0, keepdims=False: sqrt(
        var(x, axis=axis, ddof=ddof, keepdims=keepdims)
    ),
    kinked=True,
    depends=along_axes(),
    batch=ALONG_AXES,
)

# Extremes.


def share(g: Any, x: Any, wins: Any, axis: Axis, keepdims: bool) -> Any:
    """Hand a reduced gradient to the entries of x that win, in equal parts where they tie."""
    ties = count_nonzero(wins, axis=axis, keepdims=keepdims)
    if x.dtype != np.float64:
        ties = astype(ties, dtype=x.dtype)
    return kept(g / ties, axis, keepdims) * wins


def _extreme_pullback(g: Any, x: Any, y: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    if not shape_of(x):
        return g
    return share(g, x, equal(x, kept(y, axis, keepdims)), axis, keepdims)


max = general(
    "max",
    lambda x, axis=None, keepdims=False: np.maximum.reduce(x, axis=axis, keepdims=keepdims),
    pullback=_extreme_pullback,
    kinked=True,
    reduces=True,
    dtypes="fc",  # NumPy orders complex numbers by their real parts, then by the imaginary ones
    batch=ALONG_AXES,
)
min = general(
    "min",
    lambda x, axis=None, keepdims=False: np.minimum.reduce(x, axis=axis, keepdims=keepdims),
    pullback=_extreme_pullback,
    kinked=True,
    reduces=True,
    dtypes="fc",  # NumPy orders complex numbers by their real parts, then by the imaginary ones
    batch=ALONG_AXES,
)

# Products. Dividing the product by each factor is quick and reads well, but 0 / 0 where a factor is
# zero. So it is done on plain values alone, where one can look; what is recorded never divides.


def _has_no_zero(x: Any) -> bool:
    return type(x) is not Array and bool(np.all(x))


def _product_pullback(g: Any, x: Any, y: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    shape = shape_of(x)
    if not shape:
        return g
    g = kept(g, axis, keepdims)
    if _has_no_zero(x):
        return g * kept(y, axis, keepdims) / x
    axes = tuple(range(len(shape))) if axis is None else axis
    rest = tuple(k for k in range(len(shape)) if k not in axes)
    order = rest + axes
    # The reduced axes become one, at the end.
    folded = (*(shape[k] for k in rest), count(x, axes))
    others = _product_of_others(reshape(transpose(x, axes=order), shape=folded))
    unfolded = tuple(shape[k] for k in order)
    back = tuple(order.index(k) for k in range(len(order)))
    return g * transpose(reshape(others, shape=unfolded), axes=back)


def _product_of_others(x: Any) -> Any:
    """Return, for each entry along the last axis, the product of all the others."""
    if x.shape[-1] < 2:
        return np.ones(x.shape, x.dtype)
    last = x.ndim - 1
    one = np.ones((*x.shape[:-1], 1), x.dtype)
    before = cumprod(x[..., :-1], axis=last)
    after = flip(cumprod(flip(x[..., 1:], axis=(last,)), axis=last), axis=(last,))
    return concatenate(one, before, axis=last) * concatenate(after, one, axis=last)


def _cumulative_product_pullback(g: Any, x: Any, y: Any, axis: int) -> Any:
    if _has_no_zero(x):
        return _cumulative_sum_pullback(g * y, x, axis) / x
    # With y[i] = y[i-1] * x[i], the gradient of y[i] is r[i] = g[i] + x[i+1] * r[i+1]. Substituting
    # this into itself doubles the reach of the recurrence, so log2(n) steps do.
    n = shape_of(x)[axis]
    r, factor = g, _shifted(x, axis, 1, 0.0)
    step = 1
    while step < n:
        r = r + factor * _shifted(r, axis, step, 0.0)
        factor = factor * _shifted(factor, axis, step, 0.0)
        step *= 2
    return r * _shifted(y, axis, -1, 1.0)


def _shifted(x: Any, axis: int, by: int, fill: float) -> Any:
    """Return z with z[i] = x[i + by] along an axis, and ``fill`` beyond its ends."""
    shape = shape_of(x)
    n, skip = shape[axis], abs(by)
    if skip >= n:
        return np.full(shape, fill, x.dtype)
    edge = np.full((*shape[:axis], skip, *shape[axis + 1 :]), fill, x.dtype)
    lead = (slice(None),) * axis
    if by > 0:
        return concatenate(x[(*lead, slice(by, None))], edge, axis=axis)
    return concatenate(edge, x[(*lead, slice(None, by))], axis=axis)


prod = general(
    "prod",
    lambda x, axis=None, keepdims=False: np.multiply.reduce(x, axis=axis, keepdims=keepdims),
    pullback=_product_pullback,
    domain=NONZERO,
    dtypes="fc",
    reduces=True,
    batch=ALONG_AXES,
)
cumprod = general(
    "cumprod",
    lambda x, axis: np.cumprod(x, axis=axis),
    pullback=_cumulative_product_pullback,
    domain=NONZERO,
    dtypes="fc",
    depends=along_axes(),
    batch=along("axis"),
)


def _cumulative_sum_pullback(g: Any, x: Any, axis: int) -> Any:
    return flip(cumsum(flip(g, axis=(axis,)), axis=axis), axis=(axis,))


cumsum = linear(
    "cumsum",
    lambda x, axis: np.cumsum(x, axis=axis),
    pullback=_cumulative_sum_pullback,
    dtypes="fc",
    by_parts=True,
    depends=along_axes(),
    batch=along("axis"),
)

# Indices, booleans and counts.

argmax = constant(
    "argmax",
    lambda x, axis=None, keepdims=False: np.argmax(x, axis=axis, keepdims=keepdims),
    batch=whole(along("axis")),
)
argmin = constant(
    "argmin",
    lambda x, axis=None, keepdims=False: np.argmin(x, axis=axis, keepdims=keepdims),
    batch=whole(along("axis")),
)
any = constant(
    "any",
    lambda x, axis=None, keepdims=False: np.any(x, axis=axis, keepdims=keepdims),
    reduces=True,
    batch=ALONG_AXES,
)
all = constant(
    "all",
    lambda x, axis=None, keepdims=False: np.all(x, axis=axis, keepdims=keepdims),
    reduces=True,
    batch=ALONG_AXES,
)
count_nonzero = constant(
    "count_nonzero",
    lambda x, axis=None, keepdims=False: np.count_nonzero(x, axis=axis, keepdims=keepdims),
    formula=lambda x, axis=None, keepdims=False: sum(
        astype(not_equal(x, 0), dtype=np.dtype(np.int64)), axis=axis, keepdims=keepdims
    ),
    reduces=True,
    batch=ALONG_AXES,
)
