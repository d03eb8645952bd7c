"""NumPy's averages, quantiles and covariances, and its functions that pass over NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.array import is_complex
from chainrule.numpy.axes import axes_of, operand
from chainrule.numpy.casting import cast, number
from chainrule.numpy.dispatch import UNSET, implements, refuse

__all__: list[str] = []


@implements(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False
) -> Any:
    a = operand(a)
    if weights is None:
        mean = np.mean(a, axis=axis, keepdims=keepdims)
        total = np.full(mean.shape, a.size / max(mean.size, 1), mean.dtype)
    else:
        w = operand(weights)
        if w.shape != a.shape:
            axes = axes_of(axis, a)
            if axes is None:
                raise TypeError("Axis must be specified when shapes of a and weights differ.")
            if w.shape != tuple(a.shape[k] for k in axes):
                raise ValueError("Shape of weights must be consistent with shape of a.")
            # NumPy lays the axes of the weights along the named axes, in their order.
            w = np.transpose(w, np.argsort(axes))
            w = np.reshape(w, tuple(n if k in axes else 1 for k, n in enumerate(a.shape)))
        total = np.sum(w, axis=axis, keepdims=keepdims) if w.shape == a.shape else np.sum(w)
        mean = np.sum(a * w, axis=axis, keepdims=keepdims) / total
    return (mean, np.broadcast_to(total, mean.shape)) if returned else mean


@implements(np.median)
def median(
    a: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Any:
    ordered, shape = _ordered(a, axis)
    n = ordered.shape[-1]
    middle = ordered[..., (n - 1) // 2 : n // 2 + 1]
    return _closed(np.mean(middle, axis=-1), ordered, shape, keepdims)


def _quantile(a: Any, q: Any, axis: Any, method: str, keepdims: bool, weights: Any) -> Any:
    if method != "linear" or weights is not None:
        return NotImplemented
    q = _shares(q)
    ordered, shape = _ordered(a, axis)
    place = q * (ordered.shape[-1] - 1)
    below = cast(np.floor(place), int)
    above = np.minimum(below + 1, ordered.shape[-1] - 1)
    t = place - below
    if not q.ndim:  # one q does not decide about the dtype, an array of them does
        t = cast(t, ordered.dtype)
    low, high = ordered[..., below], ordered[..., above]
    # From the nearer end, as NumPy does.
    between = np.where(t < 0.5, low + (high - low) * t, high - (high - low) * (1 - t))
    if q.ndim:
        between = np.moveaxis(between, tuple(range(-q.ndim, 0)), tuple(range(q.ndim)))
    return _closed(between, ordered, shape, keepdims)


def _shares(q: Any) -> Any:
    q = cast(operand(q), float)
    if np.any((q < 0) | (q > 1)):
        raise ValueError("Quantiles must be in the range [0, 1]")
    return q


def _nan_quantile(a: Any, q: Any, axis: Any, method: str, keepdims: Any, weights: Any) -> Any:
    """Take the quantiles of what is a number: NaN is last in the order, and is not counted."""
    if method != "linear" or weights is not None:
        return NotImplemented
    q = _shares(q)
    ordered, shape = _ordered(a, axis)
    count = np.sum(~np.isnan(ordered), axis=-1, keepdims=True)
    last = np.maximum(count - 1, 0)
    place = np.ravel(q) * last
    below = cast(np.floor(place), int)
    t = cast(place - below, ordered.dtype) if not q.ndim else place - below
    low = np.take_along_axis(ordered, below, -1)
    high = np.take_along_axis(ordered, np.minimum(below + 1, last), -1)
    between = np.where(t < 0.5, low + (high - low) * t, high - (high - low) * (1 - t))
    kept = shape if keepdims is True else ordered.shape[:-1]
    return number(np.reshape(np.moveaxis(between, -1, 0), q.shape + kept))


@implements(np.nanquantile)
def nanquantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: Any = False,
    *,
    weights: Any = None,
) -> Any:
    return _nan_quantile(a, q, axis, method, keepdims, weights)


@implements(np.nanpercentile)
def nanpercentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: Any = False,
    *,
    weights: Any = None,
) -> Any:
    q = np.true_divide(operand(q), 100)
    return _nan_quantile(a, q, axis, method, keepdims, weights)


@implements(np.nanmedian)
def nanmedian(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False
) -> Any:
    return _nan_quantile(a, 0.5, axis, "linear", keepdims, None)


@implements(np.quantile)
def quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    return _quantile(a, q, axis, method, keepdims, weights)


@implements(np.percentile)
def percentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    q = np.true_divide(operand(q), 100)
    return _quantile(a, q, axis, method, keepdims, weights)


def _ordered(a: Any, axis: Any) -> tuple[Any, tuple[int, ...]]:
    """Sort the axes to reduce as one last axis; also give the shape that keepdims asks for."""
    a = operand(a)
    axes = axes_of(axis, a)
    if axes is None:
        return np.sort(np.ravel(a)), (1,) * a.ndim
    moved = np.moveaxis(a, axes, tuple(range(-len(axes), 0)))
    kept = moved.shape[: a.ndim - len(axes)]
    shape = tuple(1 if k in axes else n for k, n in enumerate(a.shape))
    return np.sort(np.reshape(moved, (*kept, -1))), shape


def _closed(result: Any, ordered: Any, shape: tuple[int, ...], keepdims: bool) -> Any:
    last = ordered[..., -1]  # NaN sorts last, and makes the quantile NaN
    missing = np.isnan(last)
    if np.any(missing):
        result = np.where(missing, last, result)
    if not keepdims:
        return number(result)
    extra = np.ndim(result) - (np.ndim(ordered) - 1)
    return np.reshape(result, np.shape(result)[:extra] + shape)


# Functions that pass over NaN: it is replaced by what does not count.


def _without_nan(a: Any, replacement: float) -> tuple[Any, Any]:
    a = operand(a)
    missing = np.isnan(a)
    return np.where(missing, replacement, a), missing


def _filled(function: Callable[..., Any], neutral: float) -> None:
    """Give ``np.nan<function>`` the meaning of the function with NaN replaced."""
    name = f"nan{function.__name__}"

    @implements(getattr(np, name))
    def over_numbers(a: Any, *args: Any, **kwargs: Any) -> Any:
        return function(_without_nan(a, neutral)[0], *args, **kwargs)


for _function, _neutral in ((np.sum, 0.0), (np.prod, 1.0), (np.cumsum, 0.0), (np.cumprod, 1.0)):
    _filled(_function, _neutral)


def _extreme(function: Callable[..., Any], worst: float) -> None:
    @implements(getattr(np, f"nan{function.__name__.removeprefix('a')}"))
    def over_numbers(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = UNSET,
        where: Any = UNSET,
    ) -> Any:
        refuse(f"nan{function.__name__.removeprefix('a')}", initial=initial, where=where)
        numbers, missing = _without_nan(a, worst)
        extreme = function(numbers, axis, keepdims=keepdims)
        nothing = missing.all(axis=axis, keepdims=np.ndim(extreme) == np.ndim(numbers))
        return np.where(nothing, np.nan, extreme) if np.any(nothing) else extreme


_extreme(np.max, -np.inf)
_extreme(np.min, np.inf)


@implements(np.nanmean)
def nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    *,
    where: Any = UNSET,
) -> Any:
    refuse("nanmean", where=where)
    numbers, missing = _without_nan(cast(operand(a), dtype), 0.0)
    count = np.sum(~missing, axis=axis, keepdims=keepdims, dtype=numbers.dtype)
    return np.sum(numbers, axis=axis, keepdims=keepdims) / count


@implements(np.nanvar)
def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    *,
    where: Any = UNSET,
    mean: Any = UNSET,
    correction: Any = UNSET,
) -> Any:
    refuse("nanvar", where=where, mean=mean)
    ddof = ddof if correction is UNSET or correction is np._NoValue else correction
    numbers, missing = _without_nan(cast(operand(a), dtype), 0.0)
    count = np.sum(~missing, axis=axis, keepdims=True, dtype=numbers.dtype)
    centred = np.where(missing, 0.0, numbers - np.sum(numbers, axis=axis, keepdims=True) / count)
    squares = abs(centred) ** 2 if is_complex(centred) else centred * centred
    count = count.real if is_complex(centred) else count
    result = np.sum(squares, axis=axis, keepdims=True) / (count - ddof)
    if keepdims is True:
        return result
    return number(np.squeeze(result, axis=_all_axes(axis, numbers)))


@implements(np.nanstd)
def nanstd(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, *args: Any, **kwargs: Any
) -> Any:
    variance = nanvar(a, axis, dtype, None, *args, **kwargs)
    equal = variance == 0  # the root is steep there, and the gradient 0 as that of np.std
    if not np.any(equal):
        return np.sqrt(variance)
    return np.where(equal, variance, np.sqrt(np.where(equal, 1.0, variance)))


def _all_axes(axis: Any, a: Any) -> tuple[int, ...]:
    axes = axes_of(axis, a)
    return tuple(range(a.ndim)) if axes is None else axes
