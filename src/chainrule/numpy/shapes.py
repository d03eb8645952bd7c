"""NumPy's functions that rearrange and repeat the entries of one array."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from chainrule.core.array import Array, value_of
from chainrule.core.kinds import broadcast_to as broadcast_row
from chainrule.numpy.axes import along, axes_of, axis_of, full_shape, lengths, operand
from chainrule.numpy.casting import cast, own
from chainrule.numpy.creation import asarray
from chainrule.numpy.dispatch import has_history, implements, plain, unsupported
from chainrule.numpy.memory import laid_out, take_view
from chainrule.operations import shape as rows

__all__ = ["at_least"]


def _T(a: Any) -> Any:
    return take_view(rows.transpose, a, {"axes": None})


# One array, its entries in another arrangement.


@implements(np.reshape)
def reshape(a: Any, /, shape: Any, order: str = "C", *, copy: Any = None) -> Any:
    if copy:
        return own(reshape(a, shape, order))
    a = operand(a)
    shape = full_shape(shape, a.size)
    axes = _in_memory(a, order) if order == "A" else None
    if order == "F" or (axes is not None and axes != tuple(range(a.ndim))):
        return _T(take_view(rows.reshape, _T(a), {"shape": shape[::-1]}))
    return take_view(rows.reshape, a, {"shape": shape})


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    a = operand(a)
    if order == "F":
        a = _T(a)
    elif order != "C":
        axes = _in_memory(a, order)
        if axes != tuple(range(a.ndim)):
            a = take_view(rows.transpose, a, {"axes": axes})
    flat = take_view(rows.reshape, a, {"shape": (a.size,)})
    # Unlike a reshape, it gives entries that lie side by side.
    return flat if np.asarray(value_of(flat)).flags.c_contiguous else own(flat)


def _in_memory(a: Any, order: str) -> tuple[int, ...]:
    """Return the axes as they lie in memory, for the orders "A" and "K" of NumPy."""
    in_order = tuple(range(a.ndim))
    if order not in ("A", "K"):
        raise ValueError(f"order must be one of 'C', 'F', 'A', or 'K' (got {order!r})")
    if sum(n > 1 for n in a.shape) < 2:
        return in_order
    value = laid_out(a) if type(a) is Array else a
    if order == "A":
        return in_order[::-1] if value.flags.fnc else in_order
    if 0 in value.strides:
        raise unsupported('order="K" of an array that repeats its entries', 'write order="C"')
    return tuple(sorted(in_order, key=lambda k: -abs(value.strides[k])))


@implements(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    a = operand(a)
    if axes is not None:
        axes = tuple(axis_of(axis, a.ndim) for axis in axes)
    return take_view(rows.transpose, a, {"axes": axes})


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    if np.ndim(x) < 2:
        raise ValueError(f"matrix transpose needs at least 2 dimensions, got {np.ndim(x)}")
    return swapaxes(x, -1, -2)


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: Any, axis2: Any) -> Any:
    a = operand(a)
    axes = {"axis1": axis_of(axis1, a.ndim), "axis2": axis_of(axis2, a.ndim)}
    return take_view(rows.swapaxes, a, axes)


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    a = operand(a)
    starts = normalize_axis_tuple(source, a.ndim, "source")
    ends = normalize_axis_tuple(destination, a.ndim, "destination")
    if len(starts) != len(ends):
        raise ValueError(
            "`source` and `destination` arguments must have the same number of elements"
        )
    order = [axis for axis in range(a.ndim) if axis not in starts]
    for end, start in sorted(zip(ends, starts, strict=True)):
        order.insert(end, start)
    return take_view(rows.transpose, a, {"axes": tuple(order)})


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    a = operand(a)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return take_view(rows.expand_dims, a, {"axis": normalize_axis_tuple(axes, a.ndim + len(axes))})


@implements(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    a = operand(a)
    axes = axes_of(axis, a)
    if axes is None:
        axes = tuple(k for k, n in enumerate(a.shape) if n == 1)
    return take_view(rows.squeeze, a, {"axis": axes})


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    m = operand(m)
    return take_view(rows.flip, m, {"axis": axes_of(axis, m)})


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    a = operand(a)
    shift = plain(shift)
    if axis is None:
        return reshape(rows.roll(ravel(a), shift=index(np.sum(shift)), axis=0), a.shape)
    if np.ndim(shift) == 0 and np.ndim(axis) == 0:
        return rows.roll(a, shift=index(shift), axis=axis_of(axis, a.ndim))
    shifts, axes = np.broadcast_arrays(np.atleast_1d(shift), np.atleast_1d(axis))
    return rows.roll(
        a, shift=tuple(shifts.tolist()), axis=tuple(axis_of(k, a.ndim) for k in axes.tolist())
    )


def _at_least(ndim: int, arrays: tuple[Any, ...]) -> Any:
    results = tuple(at_least(operand(a), ndim) for a in arrays)
    return results[0] if len(results) == 1 else results


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    return _at_least(1, arys)


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    return _at_least(2, arys)


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    return _at_least(3, arys)


def at_least(a: Any, ndim: int) -> Any:
    """Give an array axes of length 1, until it has ``ndim``."""
    if a.ndim >= ndim:
        return a
    if ndim == 3 and a.ndim == 2:
        return reshape(a, (*a.shape, 1))
    if ndim == 3 and a.ndim == 1:
        return reshape(a, (1, *a.shape, 1))
    return reshape(a, (1,) * (ndim - a.ndim) + a.shape)


# Spread and repeated.


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    return take_view(broadcast_row, operand(array), {"shape": lengths(shape)})


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    arrays = [asarray(a) for a in args]
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    return tuple(
        a if a.shape == shape else take_view(broadcast_row, a, {"shape": shape}) for a in arrays
    )


@implements(np.meshgrid)
def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Any, ...]:
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    n = len(xi)
    grids = []
    for k, x in enumerate(xi):
        along = 1 - k if indexing == "xy" and n > 1 and k < 2 else k
        grids.append(reshape(x, tuple(-1 if j == along else 1 for j in range(n))))
    if not sparse:
        grids = list(broadcast_arrays(*grids))
    return tuple(grid.copy() for grid in grids) if copy else tuple(grids)


@implements(np.tile)
def tile(A: Any, reps: Any) -> Any:
    return rows.tile(operand(A), reps=lengths(reps))


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    a, axis = along(a, axis)
    repeats = plain(repeats)
    repeats = index(repeats) if np.ndim(repeats) == 0 else np.asarray(repeats)
    return rows.repeat(a, repeats=repeats, axis=axis)


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    if callable(mode) or mode not in rows.PADDINGS or has_history(kwargs):
        return NotImplemented
    if kwargs.keys() - {"constant_values"} or (kwargs and mode != "constant"):
        return NotImplemented
    array = operand(array)
    if not array.ndim:
        return np.copy(array)
    if isinstance(pad_width, dict):
        wanted = {axis_of(k, array.ndim): width for k, width in pad_width.items()}
        pad_width = [wanted.get(k, (0, 0)) for k in range(array.ndim)]
        pad_width = [(w, w) if np.ndim(w) == 0 else w for w in pad_width]
    widths = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2)).tolist()
    more = {"constant_values": 0} | plain(kwargs) if mode == "constant" else {}
    return rows.pad(array, pad_width=tuple(map(tuple, widths)), mode=mode, **more)


# Triangles and diagonals.


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    return rows.tril(operand(m), k=k)


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    return rows.triu(operand(m), k=k)


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    v = operand(v)
    if v.ndim not in (1, 2):
        raise ValueError("Input must be 1- or 2-d.")
    return take_view(rows.diag, v, {"k": k})


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    return rows.diag(ravel(v), k=k)


def _planes(a: Any, axis1: Any, axis2: Any) -> dict[str, int]:
    if a.ndim < 2:
        raise ValueError("diag requires an array of at least two dimensions")
    return {"axis1": axis_of(axis1, a.ndim), "axis2": axis_of(axis2, a.ndim)}


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
    a = operand(a)
    return take_view(rows.diagonal, a, {"offset": offset, **_planes(a, axis1, axis2)})


@implements(np.trace)
def trace(
    a: Any, offset: int = 0, axis1: Any = 0, axis2: Any = 1, dtype: Any = None, out: Any = None
) -> Any:
    a = cast(operand(a), dtype)
    return rows.trace(a, offset=offset, **_planes(a, axis1, axis2))
