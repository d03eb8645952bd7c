"""NumPy's averages, and its functions that pass over NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.array import is_complex
from chainrule.numpy.axes import axes_of, operand
from chainrule.numpy.casting import cast, number
from chainrule.numpy.dispatch import UNSET, implements
from chainrule.numpy.reduction import is_given

__all__ = ["average"]


@implements(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False
) -> Any:
    """Average along axes, with weights of a's shape or of that of the axes."""
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


# Functions that pass over NaN: it is replaced by what does not count.


def _without_nan(a: Any, replacement: float, where: Any = UNSET) -> tuple[Any, Any]:
    """Replace what does not count, and tell which entries these are."""
    a = operand(a)
    missing = np.isnan(a)
    if is_given(where) and where is not True:
        missing = missing | ~np.asarray(where)
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
        numbers, missing = _without_nan(a, worst, where)
        if is_given(initial):
            return function(numbers, axis, keepdims=keepdims, initial=initial)
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
    numbers, missing = _without_nan(cast(operand(a), dtype), 0.0, where)
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
    ddof = correction if is_given(correction) else ddof
    numbers, missing = _without_nan(cast(operand(a), dtype), 0.0, where)
    count = np.sum(~missing, axis=axis, keepdims=True, dtype=numbers.dtype)
    if not is_given(mean):
        mean = np.sum(numbers, axis=axis, keepdims=True) / count
    centred = np.where(missing, 0.0, numbers - mean)
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
