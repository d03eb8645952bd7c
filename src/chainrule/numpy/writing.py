"""NumPy's functions that write: ``np.copyto``, ``np.put``, ``np.add.at``."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.numpy.assignment import split, write
from chainrule.numpy.axes import axis_of, operand
from chainrule.numpy.casting import cast
from chainrule.numpy.dispatch import full_name, implements, lost_in_place, plain
from chainrule.numpy.flat import Flat, repeated
from chainrule.numpy.indexing import indices_of
from chainrule.operations import indexing as rows

__all__ = ["at"]


def _target(a: Any, what: str) -> Array:
    if type(a) is not Array:
        raise lost_in_place(
            f"{what} into an ndarray that was made outside of the function",
            "make it in the function, or write into a copy of it, np.array(a)",
        )
    return a


@implements(np.copyto)
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    if src is dst and where is True:
        return  # before NumPy looks whether it may be written
    dst = _target(dst, "np.copyto")
    if where is not True:
        src = np.where(where, np.broadcast_to(src, dst.shape), dst)
    write(dst, ..., cast(operand(src), dst.dtype), "np.copyto")


@implements(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    arr = _target(arr, "np.put_along_axis")
    if axis is None:
        Flat(arr)[np.ravel(plain(indices))] = values
        return
    places = list(np.ogrid[tuple(slice(n) for n in np.shape(indices))])
    places[axis_of(axis, arr.ndim)] = indices_of(indices)
    arr[tuple(places)] = values


@implements(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    a = _target(a, "np.fill_diagonal")
    if a.ndim < 2:
        raise ValueError("array must be at least 2-d")
    if a.ndim > 2 and len(set(a.shape)) > 1:
        raise ValueError("All dimensions of input must be of equal length")
    end = a.shape[1] ** 2 if a.ndim == 2 and not wrap else None
    Flat(a)[: end : 1 + int(np.sum(np.cumprod(a.shape[:0:-1])))] = val


@implements(np.put)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    a = _target(a, "np.put")
    flat = np.ravel(plain(indices_of(ind)))
    if mode == "clip":
        flat = np.clip(flat, 0, a.size - 1)
    elif mode == "wrap":
        flat = flat % a.size
    Flat(a)[flat] = v


@implements(np.place)
def place(arr: Any, mask: Any, vals: Any) -> None:
    arr = _target(arr, "np.place")
    places = np.flatnonzero(np.asarray(plain(mask)))
    if places.size and not np.size(vals):
        raise ValueError("Cannot insert from an empty array!")
    Flat(arr)[places] = vals


@implements(np.putmask)
def putmask(a: Any, /, mask: Any, values: Any) -> None:
    a = _target(a, "np.putmask")
    places = np.flatnonzero(np.asarray(plain(mask)))
    if np.size(values):
        Flat(a)[places] = repeated(values, a.size)[places]


# np.add.at.


def at(ufunc: np.ufunc, a: Any, indices: Any, b: Any = None) -> None:
    """Do ``a[indices] = ufunc(a[indices], b)``, to an entry that is named twice both times."""
    what = f"{full_name(ufunc)}.at"
    a = _target(a, what)
    template, arrays = split(indices)
    index = rows.join_index(template, plain(arrays))
    shape = np.shape(np.empty(a.shape, bool)[index])
    called, given = ufunc, () if b is None else (operand(b),)

    def fixed(place: np.ndarray[Any, Any]) -> None:
        """Raise what NumPy does; by some indices it writes into what is read-only, too."""
        place = place.copy()
        place.flags.writeable = False
        called.at(place, index, *(np.ones(x.shape, x.dtype) for x in given))

    if ufunc is np.subtract:
        ufunc, b = np.add, np.negative(operand(b))
    if b is not None:
        b = np.broadcast_to(operand(b), shape)
    if ufunc is np.add:
        total = rows.scatter_add(b, *arrays, index=template, shape=a.shape)
        write(a, ..., np.add(a, total), what, fixed)
        return
    places = np.arange(a.size).reshape(a.shape)[index].ravel()
    order = np.argsort(places, kind="stable")
    again = np.zeros(places.size, np.intp)  # how often an entry was named before
    starts = np.searchsorted(places[order], places[order])
    again[order] = np.arange(places.size) - starts
    for turn in range(int(again.max(initial=-1)) + 1):
        now = np.flatnonzero(again == turn)
        spot = np.unravel_index(places[now], a.shape)
        new = ufunc(a[spot]) if b is None else ufunc(a[spot], np.ravel(b)[now])
        write(a, spot, new, what, fixed)
