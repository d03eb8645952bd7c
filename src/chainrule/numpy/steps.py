"""``reduce``, ``accumulate`` and ``reduceat`` of a ufunc that has no operation of its own for them.

They are what they are by definition, the ufunc on one entry after the other. Where the order makes
no difference, as for ``np.maximum``, halves are put together instead, so that a thousand entries
take ten steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.numpy.axes import axes_of, axis_of, operand
from chainrule.numpy.casting import cast
from chainrule.numpy.dispatch import full_name, plain, refuse

__all__ = ["accumulate", "reduce", "reduceat"]

_ASSOCIATIVE = frozenset(
    {
        *(np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin),
        *(np.logaddexp, np.logaddexp2, np.hypot),
    }
)


def reduce(
    ufunc: np.ufunc,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = np._NoValue,
    where: Any = True,
) -> Any:
    """Do what ``ufunc.reduce`` does."""
    _check(ufunc, "reduce", out=out, where=where)
    array = cast(operand(array), dtype)
    axes = axes_of(axis, array)
    axes = tuple(range(array.ndim)) if axes is None else axes
    if len(axes) > 1 and ufunc not in _ASSOCIATIVE:
        raise ValueError(f"reduction operation '{ufunc.__name__}' is not reorderable")
    rest = tuple(n for k, n in enumerate(array.shape) if k not in axes)
    x = np.reshape(np.moveaxis(array, axes, range(len(axes))), (-1, *rest))
    if initial is not np._NoValue and initial is not None:
        x = np.concatenate([np.broadcast_to(cast(operand(initial), x.dtype), (1, *rest)), x])
    if not x.shape[0]:
        raise ValueError(
            f"zero-size array to reduction operation {ufunc.__name__} which has no identity"
        )
    y = _together(ufunc, x) if ufunc in _ASSOCIATIVE else _one_by_one(ufunc, x)[-1]
    return np.expand_dims(y, axes) if keepdims else y


def _together(ufunc: np.ufunc, x: Any) -> Any:
    while x.shape[0] > 1:
        half = x.shape[0] // 2
        left_over = x[2 * half :]
        x = ufunc(x[:half], x[half : 2 * half])
        x = np.concatenate([x, left_over]) if left_over.shape[0] else x
    return x[0]


def _one_by_one(ufunc: np.ufunc, x: Any) -> list[Any]:
    found = [x[0]]
    for k in range(1, x.shape[0]):
        found.append(ufunc(found[-1], x[k]))
    return found


def accumulate(
    ufunc: np.ufunc, array: Any, axis: int = 0, dtype: Any = None, out: Any = None
) -> Any:
    """Do what ``ufunc.accumulate`` does."""
    _check(ufunc, "accumulate", out=out)
    array = cast(operand(array), dtype)
    axis = axis_of(axis, array.ndim)
    x = np.moveaxis(array, axis, 0)
    if ufunc not in _ASSOCIATIVE:
        found = np.stack(_one_by_one(ufunc, x)) if x.shape[0] else x
    else:
        found, step = x, 1
        while step < x.shape[0]:  # each entry covers so many before it, itself included
            found = np.concatenate([found[:step], ufunc(found[:-step], found[step:])])
            step *= 2
    return np.moveaxis(found, 0, axis)


def reduceat(
    ufunc: np.ufunc,
    reduce: Callable[[Any, int], Any],
    array: Any,
    indices: Any,
    axis: int = 0,
    dtype: Any = None,
    out: Any = None,
) -> Any:
    """Do what ``ufunc.reduceat`` does, by what ``ufunc.reduce`` is."""
    _check(ufunc, "reduceat", out=out)
    array = cast(operand(array), dtype)
    axis = axis_of(axis, array.ndim)
    x = np.moveaxis(array, axis, 0)
    starts = [int(k) for k in np.ravel(plain(indices))]
    wrong = [k for k in starts if not 0 <= k < x.shape[0]]
    if wrong:
        raise IndexError(
            f"index {wrong[0]} out-of-bounds in {ufunc.__name__}.reduceat [0, {x.shape[0]})"
        )
    ends = [*starts[1:], x.shape[0]]
    parts = [
        reduce(x[start:end], 0) if start < end else x[start]
        for start, end in zip(starts, ends, strict=True)
    ]
    return np.moveaxis(np.stack(parts), 0, axis)


def _check(ufunc: np.ufunc, method: str, **options: Any) -> None:
    if ufunc.nin != 2 or ufunc.nout != 1:
        raise ValueError(f"{method} only supported for binary functions")
    refuse(f"{full_name(ufunc).removeprefix('np.')}.{method}", **options)
