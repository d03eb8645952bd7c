"""NumPy's sums, means, extremes, cumulative sums and products."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.apply import apply, apply_unary
from chainrule.core.array import Array, is_complex
from chainrule.core.operation import Operation
from chainrule.numpy.axes import along, axes_of, operand
from chainrule.numpy.casting import cast
from chainrule.numpy.dispatch import UNSET, implements
from chainrule.operations import reduction as rows
from chainrule.operations import softmax as softmax_rows

__all__: list[str] = []

_NO_VALUE = np._NoValue


def _reduce(operation: Operation, a: Any, axis: Any, keepdims: Any, **more: Any) -> Any:
    if type(a) is not Array:
        a = operand(a)
    params = {
        "axis": None if axis is None else axes_of(axis, a),
        "keepdims": keepdims is not False and keepdims is not _NO_VALUE and bool(keepdims),
    }
    if more:
        params |= more
    if type(a) is Array:
        return apply_unary(operation, operation.compute, a, params)
    return operation.compute(a, **params)


# The options where= and initial=, by what they mean.


def is_given(option: Any) -> bool:
    return option is not UNSET and option is not _NO_VALUE and option is not None


def _mask(where: Any, a: Any) -> Any:
    mask = operand(where)
    return mask if mask.shape == a.shape else np.broadcast_to(mask, a.shape)


def _masked(a: Any, where: Any, neutral: Any) -> Any:
    """Put a neutral number in the place of what ``where`` leaves out."""
    if not is_given(where) or where is True:
        return a
    return np.where(_mask(where, a), a, neutral)


def _masked_count(a: Any, where: Any, axis: Any, keepdims: Any) -> Any:
    """Count what ``where`` leaves in, in the dtype of the array that is divided by it."""
    dtype = a.dtype if a.dtype.kind == "f" else float
    return _reduce(rows.sum, cast(_mask(where, a), dtype), axis, keepdims)


def _initial(initial: Any, a: Any) -> Any:
    """Return the initial value so that it does not widen the dtype of the array."""
    return initial if type(initial) in (int, float) else cast(operand(initial), a.dtype)


def _extreme(
    name: str,
    operation: Operation,
    among: Any,
    a: Any,
    axis: Any,
    keepdims: Any,
    initial: Any,
    where: Any,
) -> Any:
    """Do ``np.max`` or ``np.min``: ``initial`` is one more number among the others."""
    if not is_given(initial):
        if is_given(where) and where is not True:
            raise ValueError(f"np.{name} with a where mask has to be given an initial value, too")
        return _reduce(operation, a, axis, keepdims)
    a = operand(a)
    initial = _initial(initial, a)
    if not a.size:
        none = _reduce(rows.sum, a, axis, keepdims)
        return np.broadcast_to(cast(operand(initial), a.dtype), none.shape)
    return among(_reduce(operation, _masked(a, where, initial), axis, keepdims), initial)


@implements(np.sum)
def sum_(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = UNSET,
    where: Any = UNSET,
) -> Any:
    if dtype is not None or initial is not UNSET or where is not UNSET:
        total = _reduce(rows.sum, _masked(cast(operand(a), dtype), where, 0), axis, keepdims)
        return total + _initial(initial, total) if is_given(initial) else total
    return _reduce(rows.sum, a, axis, keepdims)


@implements(np.prod)
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = UNSET,
    where: Any = UNSET,
) -> Any:
    product = _reduce(rows.prod, _masked(cast(operand(a), dtype), where, 1), axis, keepdims)
    return product * _initial(initial, product) if is_given(initial) else product


@implements(np.mean)
def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    *,
    where: Any = UNSET,
) -> Any:
    if dtype is not None or where is not UNSET:
        a = cast(operand(a), dtype)
        if is_given(where) and where is not True:
            total = _reduce(rows.sum, _masked(a, where, 0), axis, keepdims)
            return total / _masked_count(a, where, axis, keepdims)
    return _reduce(rows.mean, a, axis, keepdims)


@implements(np.var)
def var(
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
    return _moment("var", rows.var, **locals())


@implements(np.std)
def std(
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
    return _moment("std", rows.std, **locals())


def _moment(
    name: str,
    operation: Operation,
    a: Any,
    axis: Any,
    dtype: Any,
    out: Any,
    ddof: Any,
    keepdims: Any,
    where: Any,
    mean: Any,
    correction: Any,
) -> Any:
    if correction is not UNSET and correction is not _NO_VALUE:
        if ddof != 0:
            raise ValueError("ddof and correction can't be provided simultaneously.")
        ddof = correction
    a = cast(operand(a), dtype)
    if is_complex(a):
        means = (np.real(mean), np.imag(mean)) if is_given(mean) else (mean, mean)
        along_re, along_im = (
            _moment(name, operation, part(a), axis, None, out, ddof, keepdims, where, m, UNSET)
            for part, m in zip((np.real, np.imag), means, strict=True)
        )
        return np.hypot(along_re, along_im) if name == "std" else along_re + along_im
    if not is_given(mean) and (not is_given(where) or where is True):
        return _reduce(operation, a, axis, keepdims, ddof=ddof)
    where = where if is_given(where) else True
    if not is_given(mean):
        count = _masked_count(a, where, axis, True)
        mean = _reduce(rows.sum, _masked(a, where, 0), axis, True) / count
    deviation = _masked(a - mean, where, 0)
    freedom = np.maximum(_masked_count(a, where, axis, keepdims) - ddof, 0)
    if name == "std":  # a norm, whose gradient is 0 where all are equal
        keepdims = keepdims is not _NO_VALUE and bool(keepdims)
        return np.linalg.vector_norm(deviation, axis=axis, keepdims=keepdims) / np.sqrt(freedom)
    return _reduce(rows.sum, deviation * deviation, axis, keepdims) / freedom


@implements(np.max, np.amax)
def max_(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = UNSET,
    where: Any = UNSET,
) -> Any:
    if initial is UNSET and where is UNSET:
        return _reduce(rows.max, a, axis, keepdims)
    return _extreme("max", rows.max, np.maximum, a, axis, keepdims, initial, where)


@implements(np.min, np.amin)
def min_(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = UNSET,
    where: Any = UNSET,
) -> Any:
    if initial is UNSET and where is UNSET:
        return _reduce(rows.min, a, axis, keepdims)
    return _extreme("min", rows.min, np.minimum, a, axis, keepdims, initial, where)


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return max_(a, axis, keepdims=keepdims) - min_(a, axis, keepdims=keepdims)


@implements(np.any, observes=True)
def any_(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = UNSET
) -> Any:
    return _truth(rows.any, _masked(operand(a), where, 0), axis, keepdims)


@implements(np.all, observes=True)
def all_(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = UNSET
) -> Any:
    return _truth(rows.all, _masked(operand(a), where, 1), axis, keepdims)


def _truth(operation: Operation, a: Any, axis: Any, keepdims: Any) -> Any:
    return _reduce(operation, a, axis, keepdims) if a.ndim or axis else np.not_equal(a, 0)


@implements(np.count_nonzero, observes=True)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _reduce(rows.count_nonzero, a, axis, keepdims)


def _extreme_index(operation: Operation, a: Any, axis: Any, keepdims: Any) -> Any:
    a = operand(a)
    axes = axes_of(axis, a)
    params = {
        "axis": None if axes is None else axes[0],
        "keepdims": bool(keepdims) and keepdims is not _NO_VALUE,
    }
    return apply(operation, operation.compute, (a,), params)


@implements(np.argmax, observes=True)
def argmax(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
    return _extreme_index(rows.argmax, a, axis, keepdims)


@implements(np.argmin, observes=True)
def argmin(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
    return _extreme_index(rows.argmin, a, axis, keepdims)


# Cumulative.


def _accumulate(operation: Operation, a: Any, axis: Any, dtype: Any) -> Any:
    a, axis = along(cast(operand(a), dtype), axis)
    return apply(operation, operation.compute, (a,), {"axis": axis})


@implements(np.cumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return _accumulate(rows.cumsum, a, axis, dtype)


@implements(np.cumprod)
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return _accumulate(rows.cumprod, a, axis, dtype)


def logsumexp(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """Meaning of ``np.logaddexp.reduce``."""
    return _reduce(softmax_rows.logsumexp, a, axis, keepdims)
