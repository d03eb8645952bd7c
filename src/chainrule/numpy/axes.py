"""Axes, shapes and operands as user code spells them, in the one form that operations take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np
from numpy.exceptions import AxisError
from numpy.lib.array_utils import normalize_axis_tuple

from chainrule.core.array import Array, shape_of
from chainrule.numpy.creation import asarray

__all__ = ["along", "axes_of", "axis_of", "full_shape", "lengths", "operand"]


def operand(a: Any) -> Any:
    """Return an Array or ndarray as it is, and anything else (a number, a list) as an array."""
    return a if type(a) is Array or type(a) is np.ndarray else asarray(a)


def axis_of(axis: Any, ndim: int) -> int:
    """Return one axis as a non-negative int.

    Raises:
        AxisError: there is no such axis; the same exception as NumPy's.
    """
    axis = index(axis)
    if 0 <= axis < ndim:
        return axis  # type: ignore[no-any-return]
    if -ndim <= axis < 0:
        return axis + ndim  # type: ignore[no-any-return]
    raise AxisError(axis, ndim)


def along(a: Any, axis: Any) -> tuple[Any, int]:
    """Return an operand and its one axis: None takes all entries in order, as does a number's."""
    a = operand(a)
    if axis is None or not a.ndim:
        return np.ravel(a), 0 if axis is None else axis_of(axis, 1)
    return a, axis_of(axis, a.ndim)


def axes_of(axis: Any, a: Any) -> tuple[int, ...] | None:
    """Return the axes of a reduction as non-negative ints, None for all of them."""
    if axis is None:
        return None
    ndim = len(shape_of(a))
    if type(axis) is int:
        if ndim == 0 and (axis == 0 or axis == -1):
            return None  # NumPy reduces a number along axis 0, too
        return (axis_of(axis, ndim),)
    return normalize_axis_tuple(axis, ndim)


def lengths(shape: Any) -> tuple[int, ...]:
    """Return a shape, which may be given as one int, as a tuple."""
    if type(shape) is int:
        return (shape,)
    if isinstance(shape, Sequence) or np.ndim(shape):
        return tuple(index(n) for n in shape)
    return (index(shape),)


def full_shape(shape: Any, size: int) -> tuple[int, ...]:
    """Return a shape with its -1 filled in, so far as it has one that fits."""
    full = lengths(shape)
    if -1 in full and full.count(-1) == 1:
        rest = -math.prod(full)
        if rest > 0 and size % rest == 0:
            return tuple(size // rest if n == -1 else n for n in full)
    return full
