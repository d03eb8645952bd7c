"""Medians, quantiles and percentiles, by all of NumPy's methods, with and without NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.numpy.axes import axes_of, operand
from chainrule.numpy.casting import cast, number
from chainrule.numpy.dispatch import implements

__all__: list[str] = []


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


# Where among n ordered numbers the quantile of a share q lies, by the method: the names are NumPy's
# (R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages", 1996).

Place = Callable[[Any, Any], Any]


def _by_position(alpha: float, beta: float) -> Place:
    return lambda n, q: n * q + (alpha + q * (1 - alpha - beta)) - 1


def _averaged(n: Any, q: Any) -> Any:
    place = n * q - 1
    return np.where(place == np.floor(place), place + 0.5, np.ceil(place))


def _closest(n: Any, q: Any) -> Any:
    place = n * q - 1 - 0.5
    below = np.floor(place)
    return np.where((place == below) & (below % 2 == 1), below, below + 1)


_BETWEEN: dict[str, Place] = {
    "linear": lambda n, q: q * (n - 1),
    "interpolated_inverted_cdf": _by_position(0, 1),
    "hazen": _by_position(0.5, 0.5),
    "weibull": _by_position(0, 0),
    "median_unbiased": _by_position(1 / 3.0, 1 / 3.0),
    "normal_unbiased": _by_position(3 / 8.0, 3 / 8.0),
    "averaged_inverted_cdf": _averaged,
    "midpoint": lambda n, q: 0.5 * (np.floor(q * (n - 1)) + np.ceil(q * (n - 1))),
}
_AT_ONE: dict[str, Place] = {  # of the numbers
    "inverted_cdf": lambda n, q: np.ceil(n * q - 1),
    "closest_observation": _closest,
    "lower": lambda n, q: np.floor(q * (n - 1)),
    "higher": lambda n, q: np.ceil(q * (n - 1)),
    "nearest": lambda n, q: np.around(q * (n - 1)),
}


def _place(method: str, n: Any, q: Any) -> Any:
    found = _BETWEEN.get(method) or _AT_ONE.get(method)
    if found is None:
        names = ", ".join(map(repr, (*_BETWEEN, *_AT_ONE)))
        raise ValueError(f"{method!r} is not a valid method. Use one of: {names}")
    place = found(n, q)
    return place if method == "linear" else np.clip(place, 0, n - 1)


def _apart(place: Any, ordered: Any, weak: bool) -> tuple[Any, Any]:
    """Return the number of the entry below a place, and how far above that it lies."""
    below = cast(np.floor(place), int)
    t = place - cast(below, place.dtype)
    return below, cast(t, ordered.dtype) if weak else t


def _mixed(low: Any, high: Any, t: Any) -> Any:
    """Mix two numbers from the nearer one, as NumPy does."""
    return np.where(t < 0.5, low + (high - low) * t, high - (high - low) * (1 - t))


def _quantile(
    a: Any,
    q: Any,
    axis: Any,
    method: str,
    keepdims: bool,
    weights: Any,
) -> Any:
    if weights is not None:
        return NotImplemented
    ordered, shape = _ordered(a, axis)
    weak, q = _is_weak(q), _shares(q)
    place = _place(method, ordered.shape[-1], q)
    below, t = _apart(place, ordered, weak)
    above = np.minimum(below + 1, ordered.shape[-1] - 1)
    between = ordered[..., below]
    if method in _BETWEEN:
        between = _mixed(between, ordered[..., above], t)
    if q.ndim:
        between = np.moveaxis(between, tuple(range(-q.ndim, 0)), tuple(range(q.ndim)))
    return _closed(between, ordered, shape, keepdims)


def _shares(q: Any) -> Any:
    q = operand(q)
    q = q if q.dtype.kind == "f" else cast(q, float)
    if np.any((q < 0) | (q > 1)):
        raise ValueError("Quantiles must be in the range [0, 1]")
    return q


def _of_hundred(q: Any) -> Any:
    return q / 100 if type(q) in (int, float) else np.true_divide(operand(q), 100)


def _is_weak(q: Any) -> bool:
    """Tell whether a share is a number, which does not decide about the dtype."""
    return type(q) in (int, float) or (type(q) is Array and not q.ndim)


def _nan_quantile(a: Any, q: Any, axis: Any, method: str, keepdims: Any, weights: Any) -> Any:
    """Take the quantiles of what is a number: NaN is last in the order, and is not counted."""
    if weights is not None:
        return NotImplemented
    ordered, shape = _ordered(a, axis)
    weak, q = _is_weak(q), _shares(q)
    count = np.sum(~np.isnan(ordered), axis=-1, keepdims=True)
    last = np.maximum(count - 1, 0)
    place = _place(method, cast(count, q.dtype), np.ravel(q))
    below, t = _apart(place, ordered, weak)
    between = np.take_along_axis(ordered, below, -1)
    if method in _BETWEEN:
        high = np.take_along_axis(ordered, np.minimum(below + 1, last), -1)
        between = _mixed(between, high, t)
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
    q = _of_hundred(q)
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
    q = _of_hundred(q)
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
