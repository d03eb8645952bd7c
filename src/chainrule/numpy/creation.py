"""Arrays from numbers, lists and other arrays: ``np.array([a, b])`` and its relatives.

NumPy's own ``np.array`` asks nobody: given Arrays it builds an object array. `restack` turns one
back into a single Array wherever it re-enters an operation, and the functions here, which
`chainrule.numpy` offers and recorded functions see in place of NumPy's, never let it arise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.apply import apply, set_restacking
from chainrule.core.array import Array, value_of
from chainrule.core.kinds import broadcast_to, elementwise
from chainrule.numpy.casting import another, cast, own, whole
from chainrule.numpy.dispatch import arrays_in, implements, plain, plain_call, unsupported
from chainrule.operations import shape as shape_rows

__all__ = [
    "RecordedMatrix",
    "array",
    "asarray",
    "full",
    "holds_arrays",
    "linspace",
    "restack",
    "result_leaves",
]

_OBJECT = np.dtype(object)


def _is_nested(operand: Any) -> bool:
    """Tell what may hold Arrays; an Array is none, though it passes for an ndarray."""
    return type(operand) is not Array and isinstance(operand, (list, tuple, np.ndarray))


def holds_arrays(operand: Any) -> bool:
    """Tell whether a list, tuple or object array has an Array somewhere in it."""
    if type(operand) is np.ndarray:
        return operand.dtype is _OBJECT and holds_arrays(operand.ravel().tolist())
    return any(
        type(item) is Array or (isinstance(item, (list, tuple, np.ndarray)) and holds_arrays(item))
        for item in operand
    )


def restack(operand: Any) -> Any:
    """Turn a list, tuple or object array that holds Arrays into one Array.

    Anything else is returned as it is.

    Raises:
        ValueError: the parts have different shapes.
    """
    if not _is_nested(operand) or not holds_arrays(operand):
        return operand
    if type(operand) is np.ndarray:
        entries = operand.ravel().tolist()
        return _stacked(entries, operand.shape)
    nested = _regular(operand)
    if nested is not None:
        return _stacked(*nested)
    return _stacked([asarray(item) for item in operand], (len(operand),))


class RecordedMatrix:
    """Stands for a sparse matrix whose entries are an Array, which is no array by itself."""


def result_leaves(result: Any) -> tuple[list[Any], Callable[[Iterable[Any]], Any]]:
    """Flatten what a recorded function returned; what holds Arrays is one Array.

    Returns:
        the leaves, and the function that puts others in their place.

    Raises:
        UnsupportedError: a leaf is a `RecordedMatrix`.
    """
    leaves, build = trees.flatten(result)
    for leaf in leaves:
        if isinstance(leaf, RecordedMatrix):
            raise unsupported(
                "a sparse matrix that a recorded function returns",
                "return its entries, J.data, a product with it, or J.toarray()",
            )
    return [restack(leaf) for leaf in leaves], build


def _regular(rows: Any) -> tuple[list[Any], tuple[int, ...]] | None:
    """Flatten nested lists of equal lengths; None where they are not all alike."""
    lengths: tuple[int, ...] = (len(rows),)
    items = list(rows)
    while items and all(isinstance(item, (list, tuple)) for item in items):
        inner = len(items[0])
        if any(len(item) != inner for item in items):
            return None
        lengths += (inner,)
        items = [entry for item in items for entry in item]
    if any(isinstance(item, (list, tuple)) for item in items):
        return None
    return items, lengths


def _stacked(parts: list[Any], lengths: tuple[int, ...]) -> Any:
    parts = [restack(part) for part in parts]
    if not lengths:
        return parts[0]
    inner = np.shape(parts[0])
    if any(np.shape(part) != inner for part in parts):
        shapes = ", ".join(str(np.shape(part)) for part in parts[:6])
        raise ValueError(f"an array needs parts of one shape, got {shapes}")
    stacked = shape_rows.stack(*parts, axis=0)
    return stacked if len(lengths) == 1 else shape_rows.reshape(stacked, shape=lengths + inner)


set_restacking(holds_arrays, restack)


def asarray(
    a: Any, dtype: Any = None, order: Any = None, *, copy: bool | None = None, **kwargs: Any
) -> Any:
    """As ``np.asarray``, with Arrays anywhere in ``a``."""
    if type(a) is not Array:
        if not _is_nested(a) or not holds_arrays(a):
            if copy is not None:  # since NumPy 2.0
                kwargs["copy"] = copy
            return np.asarray(plain(a), dtype, order, **kwargs)
        a = restack(a)
    made = whole(a if dtype is None else cast(a, dtype))
    if order is not None:
        made = _laid(made, np.asarray(made.value, order=order))
    return another(made) if copy else made


def _laid(made: Any, value: Any) -> Any:
    """Return an Array with this value: itself, or another whose entries lie otherwise."""
    if type(made) is not Array or value is made.value:
        return made
    made = another(made)
    made.value = value
    return made


def finite(a: Any, dtype: Any = None, order: Any = None) -> Any:
    """As ``np.asarray_chkfinite``."""
    made = asarray(a, dtype, order)
    np.asarray_chkfinite(value_of(made))
    return made


def required(a: Any, dtype: Any = None, requirements: Any = None, *, like: Any = None) -> Any:
    """As ``np.require``: a copy where the entries lie otherwise than they have to."""
    made = asarray(a, dtype)
    return _laid(made, np.require(value_of(made), None, requirements))


def array(
    object: Any,
    dtype: Any = None,
    *,
    copy: bool | None = True,
    order: str | None = "K",
    subok: bool = False,
    ndmin: int = 0,
    like: Any = None,
) -> Any:
    """As ``np.array``, with Arrays anywhere in ``object``."""
    made = asarray(object, dtype, order)
    if type(made) is not Array:
        options: dict[str, Any] = {"copy": copy, "order": order, "subok": subok, "ndmin": ndmin}
        if like is not None:
            options["like"] = value_of(like)
        return np.array(plain(object), dtype, **options)
    if ndmin > made.ndim:
        made = made[(None,) * (ndmin - made.ndim)]
    # A copy of its own, so that writing into it leaves the first one alone.
    return another(made) if copy and (made is object or made.origin is not None) else made


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    """Copy: another Array with the same history."""
    a = asarray(a)
    return another(a, order) if type(a) is Array else a.copy(order)


def contiguous(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    """As ``np.ascontiguousarray``: a copy, unless the entries lie in order already."""
    made: Any = np.atleast_1d(asarray(a, dtype))
    return _laid(made, np.ascontiguousarray(value_of(made)))


def column_order(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    """As ``np.asfortranarray``: a copy, unless the entries lie in column order already."""
    made: Any = np.atleast_1d(asarray(a, dtype))
    return _laid(made, np.asfortranarray(value_of(made)))


def to_be_filled(made: Any) -> Any:
    """Return a new array of a recorded function as an Array, which Arrays can be written into.

    What cannot carry a gradient stays what it is.
    """
    if type(made) is not np.ndarray or made.dtype.kind not in "fc":
        return made
    return Array(made, None)


def full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", **kwargs: Any) -> Any:
    """As ``np.full``, with an Array as fill value."""
    fill_value = restack(fill_value)
    if type(fill_value) is not Array:
        return np.full(shape, fill_value, dtype, order, **kwargs)  # type: ignore[call-overload]
    lengths = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    return own(broadcast_to(cast(fill_value, dtype), shape=lengths))


@implements(np.full_like)
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """Fill the shape of ``a``; its values play no part."""
    a = asarray(a)
    return full(a.shape if shape is None else shape, fill_value, dtype or a.dtype)


def _like(function: Callable[..., Any], entry: float) -> None:
    """Enter ``np.zeros_like`` and its relatives, in compiled code an entry throughout.

    Their result carries no gradient, but it is an Array where it holds floats, so that code which
    goes on to fill it, ``out = np.zeros_like(x); out[i] = ...``, works as it stands.
    """
    formula = lambda a, **options: entry  # noqa: E731
    operation = elementwise(function.__name__, function, d=0, formula=formula)

    @implements(function)
    def like(a: Any, *args: Any, **kwargs: Any) -> Any:
        # The values of ``a`` play no part: nothing is said to look at them.
        made = plain_call(function, (value_of(a), *args), kwargs)
        if type(a) is not Array or made.dtype.kind != "f":
            return made
        if made.shape != a.shape:
            return to_be_filled(made)
        options = {"dtype": made.dtype} if made.dtype != a.dtype else {}
        return apply(operation, lambda a, **params: made, (a,), options)


_like(np.zeros_like, 0.0)
_like(np.ones_like, 1.0)
_like(np.empty_like, 0.0)


@implements(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """Evenly spaced numbers between limits that may be Arrays."""
    start, stop = restack(start), restack(stop)
    if next(arrays_in([start, stop]), None) is None:
        return np.linspace(start, stop, num, endpoint, retstep, dtype, axis)  # type: ignore[call-overload]
    intervals = num - 1 if endpoint else num
    start, stop = start * 1.0, stop * 1.0
    delta = stop - start
    step = delta / intervals if intervals > 0 else np.nan
    steps = np.arange(num, dtype=delta.dtype).reshape((-1,) + (1,) * delta.ndim)
    points = steps * step + start if intervals > 0 else steps * delta + start
    if endpoint and num > 1:
        points[-1] = stop
    if axis:
        points = np.moveaxis(points, 0, axis)
    points = cast(points, dtype)
    return (points, step) if retstep else points


def arange(*limits: Any, dtype: Any = None, **kwargs: Any) -> Any:
    """As ``np.arange``; its length may depend on Arrays, its values may not."""
    limits = tuple(restack(limit) for limit in limits)
    for limit in arrays_in([limits, kwargs]):
        if limit.dtype.kind not in "biu":
            raise unsupported(
                "np.arange with a limit that is being differentiated",
                "write `start + step * np.arange(n)`",
            )
    return plain_call(np.arange, limits, {**kwargs, "dtype": dtype})


def fromiter(iter: Any, dtype: Any, count: int = -1, **kwargs: Any) -> Any:
    """As ``np.fromiter``, over an iterable that may yield Arrays."""
    items = list(iter) if count < 0 else [item for item, _ in zip(iter, range(count), strict=False)]
    if not holds_arrays(items):
        return np.fromiter(items, dtype, len(items), **kwargs)
    return array(items, dtype)
