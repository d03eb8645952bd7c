"""scipy.stats: what describes a sample, along one axis or (``axis=None``) of all entries."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.numpy.axes import operand
from chainrule.numpy.dispatch import constant_call, is_constant, unsupported
from chainrule.numpy.scipy.table import made_of
from chainrule.numpy.statistics import average

__all__: list[str] = []

Function = Callable[..., Any]


def _describes(name: str) -> Callable[[Function], Function]:
    """Enter a function as the meaning of one of SciPy's; constants are SciPy's own matter."""

    def enter(meaning: Function) -> Function:
        @made_of(f"scipy.stats.{name}")
        def make(original: Function) -> Function:
            @functools.wraps(original)
            def seen(*args: Any, **kwargs: Any) -> Any:
                kwargs.pop("_no_deco", None)  # as SciPy's functions call one another
                if is_constant(args, kwargs):
                    return constant_call(original, args, kwargs)
                return meaning(*args, **kwargs)

            return seen

        return meaning

    return enter


def _check(function: str, nan_policy: str) -> None:
    if nan_policy != "propagate":
        raise unsupported(
            f"scipy.stats.{function} with nan_policy={nan_policy!r}", "take the NaN out before"
        )


def _moment(x: Any, order: int, axis: Any, center: Any = None) -> Any:
    """Return a moment, around the mean if no centre is given, with the axis kept."""
    center = np.mean(x, axis=axis, keepdims=True) if center is None else center
    return np.mean((x - center) ** order, axis=axis, keepdims=True)


def _reduced(y: Any, axis: Any, keepdims: bool) -> Any:
    return y if keepdims else np.squeeze(y, axis=axis)[()]


def _count(x: Any, axis: Any) -> int:
    return x.size if axis is None else x.shape[axis]  # type: ignore[no-any-return]


@_describes("moment")
def moment(
    a: Any,
    order: Any = 1,
    axis: Any = 0,
    nan_policy: str = "propagate",
    *,
    center: Any = None,
    keepdims: bool = False,
) -> Any:
    _check("moment", nan_policy)
    if np.ndim(order):
        raise unsupported("scipy.stats.moment of several orders", "call it for each alone")
    return _reduced(_moment(operand(a), int(order), axis, center), axis, keepdims)


@_describes("skew")
def skew(
    a: Any,
    axis: Any = 0,
    bias: bool = True,
    nan_policy: str = "propagate",
    *,
    keepdims: bool = False,
) -> Any:
    _check("skew", nan_policy)
    x = operand(a)
    n, variance = _count(x, axis), _moment(x, 2, axis)
    found = _moment(x, 3, axis) / variance**1.5
    if not bias and n > 2:
        found = found * np.sqrt(n * (n - 1)) / (n - 2)
    return _reduced(found, axis, keepdims)


@_describes("kurtosis")
def kurtosis(
    a: Any,
    axis: Any = 0,
    fisher: bool = True,
    bias: bool = True,
    nan_policy: str = "propagate",
    *,
    keepdims: bool = False,
) -> Any:
    _check("kurtosis", nan_policy)
    x = operand(a)
    n, variance = _count(x, axis), _moment(x, 2, axis)
    found = _moment(x, 4, axis) / variance**2
    if not bias and n > 3:
        found = ((n**2 - 1) * found - 3 * (n - 1) ** 2) / ((n - 2) * (n - 3)) + 3
    return _reduced(found - 3 if fisher else found, axis, keepdims)


@_describes("sem")
def sem(
    a: Any,
    axis: Any = 0,
    ddof: int = 1,
    nan_policy: str = "propagate",
    *,
    keepdims: bool = False,
) -> Any:
    _check("sem", nan_policy)
    x = operand(a)
    return np.std(x, axis=axis, ddof=ddof, keepdims=keepdims) / np.sqrt(_count(x, axis))


@_describes("variation")
def variation(
    a: Any,
    axis: Any = 0,
    nan_policy: str = "propagate",
    ddof: int = 0,
    *,
    keepdims: bool = False,
) -> Any:
    _check("variation", nan_policy)
    x = operand(a)
    deviation = np.std(x, axis=axis, ddof=ddof, keepdims=keepdims)
    return deviation / np.mean(x, axis=axis, keepdims=keepdims)


@_describes("zscore")
def zscore(a: Any, axis: Any = 0, ddof: int = 0, nan_policy: str = "propagate") -> Any:
    return zmap(a, a, axis, ddof, nan_policy)


@_describes("zmap")
def zmap(
    scores: Any, compare: Any, axis: Any = 0, ddof: int = 0, nan_policy: str = "propagate"
) -> Any:
    _check("zmap", nan_policy)
    x = operand(compare)
    mean = np.mean(x, axis=axis, keepdims=True)
    return (operand(scores) - mean) / np.std(x, axis=axis, ddof=ddof, keepdims=True)


@_describes("gmean")
def gmean(
    a: Any,
    axis: Any = 0,
    dtype: Any = None,
    weights: Any = None,
    nan_policy: str = "propagate",
    *,
    keepdims: bool = False,
) -> Any:
    _check("gmean", nan_policy)
    x = np.log(operand(a) if dtype is None else operand(a).astype(dtype))
    return np.exp(average(x, axis=axis, weights=weights, keepdims=keepdims))


@_describes("hmean")
def hmean(
    a: Any,
    axis: Any = 0,
    dtype: Any = None,
    *,
    weights: Any = None,
    nan_policy: str = "propagate",
    keepdims: bool = False,
) -> Any:
    _check("hmean", nan_policy)
    x = operand(a) if dtype is None else operand(a).astype(dtype)
    return 1.0 / average(1.0 / x, axis=axis, weights=weights, keepdims=keepdims)
