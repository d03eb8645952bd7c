"""Deferred values: those of a recorded run that nobody has looked at yet.

A run that is recorded for compiling goes by shapes, dtypes and types; entries are needed only where
Python looks at them, or an operation has to compute. So of large arrays they are computed when they
are first asked for, and once: most are never asked for, and take neither time nor memory. What the
value will be like is found out by computing with stand-ins that have one entry, or one that stands
for all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import dtype_of, shape_of
from chainrule.core.operation import Operation
from chainrule.core.placeholder import Deferred, Placeholder

__all__ = ["deferred"]

_ndarray = np.ndarray
_LARGE = 16_384  # entries from which on computing takes longer than finding out what will come


def deferred(
    operation: Operation,
    compute: Callable[..., Any],
    operands: Sequence[Any],
    params: Mapping[str, Any],
) -> Deferred | None:
    """Return the result of an operation as a value for later, None if it is to be computed now.

    That is where it takes no time, or where nothing less tells what comes of it.
    """
    moves = operation.moves or operation.view
    waits = large = False
    for x in operands:
        if type(x) is Deferred:
            waits = waits or not x.is_computed
        elif type(x) is _ndarray and x.size >= _LARGE:
            large = True
    if not waits and (moves or not (large or operation.shape is not None)):
        return None
    try:
        with np.errstate(all="ignore"):
            if operation.entrywise:
                shape = np.broadcast_shapes(*map(shape_of, operands))
                like = compute(*map(_one_entry, operands), **params)
            elif operation.shape is not None:
                shape = operation.shape(*map(shape_of, operands), **params)
                if not waits and not large and math.prod(shape) < _LARGE:
                    return None
                if operation.same_dtype:
                    like = np.ones((1,) * len(shape), dtype_of(operands[0]))
                else:
                    like = compute(*map(_one_entry, operands), **params)
            elif operation.reduces or (moves and len(operands) == 1):
                like = compute(*map(_alike, operands), **params)
                shape = shape_of(like)
            else:
                return None
    except Exception:  # which NumPy raises in its own words when it computes
        return None
    if moves and math.prod(shape) < _LARGE <= math.prod(shape_of(operands[0])):
        return None  # a piece: who picks one will pick more
    return Deferred(like, shape, dtype_of(like), (compute, operands, params))


def _is_large(x: Any) -> bool:
    return type(x) is _ndarray and x.size >= _LARGE


def _alike(x: Any) -> Any:
    """Return a value of the same type, shape and dtype; an array takes no memory."""
    if type(x) is Deferred:
        return _ones(x.shape, x.dtype) if x.is_array else x.like
    return _ones(x.shape, x.dtype) if _is_large(x) else x


def _ones(shape: tuple[int, ...], dtype: np.dtype[Any]) -> _ndarray[Any, Any]:
    one = np.ones((), dtype)
    return np.ndarray(shape, dtype, one, 0, (0,) * len(shape))


def _one_entry(x: Any) -> Any:
    """Return a value of the same type, dtype and number of axes, of which each has length 1."""
    if type(x) is Deferred and not x.is_array:
        return x.like
    return np.ones((1,) * len(x.shape), x.dtype) if isinstance(x, (_ndarray, Placeholder)) else x
