"""The softmax family: the largest entry is taken out first, so that exp cannot overflow.

A slice that is -inf throughout has gradient 0 in `logsumexp`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from chainrule.core.array import Array, dtype_of, shape_of
from chainrule.core.dependence import along_axes
from chainrule.core.kinds import general
from chainrule.operations.elementwise import (
    equal,
    exp,
    isfinite,
    log,
    where,
)
from chainrule.operations.reduction import ALONG_AXES, Axis, count, kept, max, sum
from chainrule.operations.shape import reshape


class Exponentials(NamedTuple):
    """``exp(x - peak)``, its sum, and the peak: the largest entry, or 0 if that is not finite."""

    powers: Any
    total: Any
    peak: Any


def exponentials(x: Any, axis: Axis) -> Exponentials:
    """Return the exponentials along some axes, with which formulas of the family begin."""
    axis = tuple(range(len(shape_of(x)))) if axis is None else axis
    peak = max(x, axis=axis, keepdims=True)
    peak = where(isfinite(peak), peak, 0.0)
    powers = exp(x - peak)
    return Exponentials(powers, sum(powers, axis=axis, keepdims=True), peak)


def shares(powers: Any, total: Any) -> Any:
    """Return exponentials divided by their sum, with one division for each sum.

    It lies between 1, which the largest is, and their number: so its inverse is harmless.
    """
    return powers * (1.0 / total)


def _logsumexp_formula(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    if dtype_of(x).kind != "f" or not count(x, axis):
        return None
    _, total, peak = exponentials(x, axis)
    y = log(total) + peak
    return y if keepdims else reshape(y, shape=_without(shape_of(y), axis))


def _softmax_formula(x: Any, axis: Axis = None) -> Any:
    if dtype_of(x).kind != "f" or 0 in shape_of(x):
        return None
    powers = exp(x - max(x, axis=axis, keepdims=True))
    return shares(powers, sum(powers, axis=axis, keepdims=True))


def _log_softmax_formula(x: Any, axis: Axis = None) -> Any:
    if dtype_of(x).kind != "f" or 0 in shape_of(x):
        return None
    _, total, peak = exponentials(x, axis)
    return (x - peak) - log(total)


def _without(shape: tuple[int, ...], axis: Axis) -> tuple[int, ...]:
    return () if axis is None else tuple(n for k, n in enumerate(shape) if k not in axis)


def _peak(x: Any, axis: Axis) -> Any:
    peak = np.max(x, axis=axis, keepdims=True)
    return np.where(np.isfinite(peak), peak, np.zeros((), peak.dtype))[()]


def _logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    x = np.asarray(x)
    if x.dtype.kind != "f":
        x = x.astype(float)
    if count(x, axis):
        peak = _peak(x, axis)
        # Where all entries are -inf, log(0) is the answer; where one is inf, others may overflow.
        with np.errstate(divide="ignore", over="ignore"):
            y = np.log(np.sum(np.exp(x - peak), axis=axis, keepdims=True)) + peak
    else:
        y = np.log(np.sum(x, axis=axis, keepdims=True))
    return y if keepdims else np.squeeze(y, axis=axis)[()]


def _softmax(x: Any, axis: Axis = None) -> Any:
    powers = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return powers / np.add.reduce(powers, axis=axis, keepdims=True)


def _log_softmax(x: Any, axis: Axis = None) -> Any:
    shifted = x - _peak(x, axis)
    with np.errstate(divide="ignore"):
        return shifted - np.log(np.add.reduce(np.exp(shifted), axis=axis, keepdims=True))


#: Beyond it, exp(x - y) is wrong in the last three digits: of doubles, and of others.
_LARGE, _LARGE_SINGLE = 1e3, 50.0


def _logsumexp_pullback(g: Any, x: Any, y: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    shift = kept(where(equal(y, -np.inf), 0.0, y), axis, keepdims)
    powers = exp(x - shift)
    large = _LARGE if dtype_of(powers) == np.float64 else _LARGE_SINGLE
    if type(powers) is not Array and np.any(np.abs(shift) > large):
        # y is rounded to a number beside which its logarithm of a sum counts for nothing.
        total = np.sum(powers, axis=axis, keepdims=True)
        powers = powers / np.where(total == 0, 1, total).astype(powers.dtype)
    return kept(g, axis, keepdims) * powers


def _softmax_pullback(g: Any, x: Any, y: Any, axis: Axis = None) -> Any:
    return y * (g - sum(g * y, axis=axis, keepdims=True))


def _log_softmax_pullback(g: Any, x: Any, y: Any, axis: Axis = None) -> Any:
    return g - exp(y) * sum(g, axis=axis, keepdims=True)


logsumexp = general(
    "logsumexp",
    _logsumexp,
    pullback=_logsumexp_pullback,
    numpy="scipy.special.logsumexp",
    source="np.logaddexp.reduce({0}, axis={axis}, keepdims={keepdims})",
    formula=_logsumexp_formula,
    depends=along_axes(),
    batch=ALONG_AXES,
)
softmax = general(
    "softmax",
    _softmax,
    pullback=_softmax_pullback,
    pushforward=lambda tangents, x, y, axis=None: _softmax_pullback(tangents[0], x, y, axis),
    numpy="scipy.special.softmax",
    source="np.exp({0} - np.logaddexp.reduce({0}, axis={axis}, keepdims=True))",
    formula=_softmax_formula,
    depends=along_axes(),
    batch=ALONG_AXES,
)
log_softmax = general(
    "log_softmax",
    _log_softmax,
    pullback=_log_softmax_pullback,
    numpy="scipy.special.log_softmax",
    source="{0} - np.logaddexp.reduce({0}, axis={axis}, keepdims=True)",
    formula=_log_softmax_formula,
    depends=along_axes(),
    batch=ALONG_AXES,
)
