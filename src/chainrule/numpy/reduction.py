"""NumPy's sums, means, extremes, cumulative sums and products."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.core.operation import Operation, apply, apply_unary
from chainrule.numpy.axes import axes_of, axis_of, operand
from chainrule.numpy.casting import cast
from chainrule.numpy.dispatch import UNSET, implements, refuse
from chainrule.operations import reduction as rows

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
    if dtype is not None or out is not None or initial is not UNSET or where is not UNSET:
        refuse("sum", out=out, initial=initial, where=where)
        a = cast(operand(a), dtype)
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
    refuse("prod", out=out, initial=initial, where=where)
    return _reduce(rows.prod, cast(operand(a), dtype), axis, keepdims)


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
    if dtype is not None or out is not None or where is not UNSET:
        refuse("mean", out=out, where=where)
        a = cast(operand(a), dtype)
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
    return _spread("var", rows.var, **locals())


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
    return _spread("std", rows.std, **locals())


def _spread(
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
    refuse(name, out=out, where=where, mean=mean)
    if correction is not UNSET and correction is not _NO_VALUE:
        if ddof != 0:
            raise ValueError("ddof and correction can't be provided simultaneously.")
        ddof = correction
    return _reduce(operation, cast(operand(a), dtype), axis, keepdims, ddof=ddof)


@implements(np.max, np.amax)
def max_(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = UNSET,
    where: Any = UNSET,
) -> Any:
    refuse("max", out=out, initial=initial, where=where)
    return _reduce(rows.max, a, axis, keepdims)


@implements(np.min, np.amin)
def min_(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = UNSET,
    where: Any = UNSET,
) -> Any:
    refuse("min", out=out, initial=initial, where=where)
    return _reduce(rows.min, a, axis, keepdims)


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    refuse("ptp", out=out)
    return max_(a, axis, keepdims=keepdims) - min_(a, axis, keepdims=keepdims)


@implements(np.any)
def any_(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = UNSET
) -> Any:
    refuse("any", out=out, where=where)
    return _reduce(rows.any, a, axis, keepdims)


@implements(np.all)
def all_(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = UNSET
) -> Any:
    refuse("all", out=out, where=where)
    return _reduce(rows.all, a, axis, keepdims)


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _reduce(rows.count_nonzero, a, axis, keepdims)


def _extreme_index(operation: Operation, a: Any, axis: Any, keepdims: Any) -> Any:
    a = operand(a)
    params = {
        "axis": None if axis is None else axis_of(axis, a.ndim),
        "keepdims": bool(keepdims) and keepdims is not _NO_VALUE,
    }
    return apply(operation, operation.compute, (a,), params)


@implements(np.argmax)
def argmax(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
    refuse("argmax", out=out)
    return _extreme_index(rows.argmax, a, axis, keepdims)


@implements(np.argmin)
def argmin(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
    refuse("argmin", out=out)
    return _extreme_index(rows.argmin, a, axis, keepdims)


# Cumulative.


def _accumulate(operation: Operation, a: Any, axis: Any, dtype: Any) -> Any:
    a = cast(operand(a), dtype)
    if axis is None:
        a, axis = np.ravel(a), 0
    return apply(operation, operation.compute, (a,), {"axis": axis_of(axis, a.ndim)})


@implements(np.cumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    refuse("cumsum", out=out)
    return _accumulate(rows.cumsum, a, axis, dtype)


@implements(np.cumprod)
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    refuse("cumprod", out=out)
    return _accumulate(rows.cumprod, a, axis, dtype)


def _inclusive(name: str, operation: Operation, start: float, x: Any, **options: Any) -> Any:
    """Accumulate as the array API does: an axis must be named in two or more dimensions."""
    refuse(name, out=options["out"])
    x, axis = operand(x), options["axis"]
    if axis is None:
        if x.ndim > 1:
            raise ValueError(f"np.{name} of {x.ndim} dimensions needs an axis")
        axis = 0
    total = _accumulate(operation, x, axis, options["dtype"])
    if not options["include_initial"]:
        return total
    first = np.full(
        tuple(1 if k == axis_of(axis, x.ndim) else n for k, n in enumerate(x.shape)),
        start,
        total.dtype,
    )
    return np.concatenate([first, total], axis=axis)


def cumulative_sum(
    x: Any,
    /,
    *,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    include_initial: bool = False,
) -> Any:
    options = {"axis": axis, "dtype": dtype, "out": out, "include_initial": include_initial}
    return _inclusive("cumulative_sum", rows.cumsum, 0.0, x, **options)


def cumulative_prod(
    x: Any,
    /,
    *,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    include_initial: bool = False,
) -> Any:
    options = {"axis": axis, "dtype": dtype, "out": out, "include_initial": include_initial}
    return _inclusive("cumulative_prod", rows.cumprod, 1.0, x, **options)


if hasattr(np, "cumulative_sum"):  # since NumPy 2.1
    implements(np.cumulative_sum)(cumulative_sum)
    implements(np.cumulative_prod)(cumulative_prod)


def logsumexp(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """Meaning of ``np.logaddexp.reduce``."""
    return _reduce(rows.logsumexp, a, axis, keepdims)
