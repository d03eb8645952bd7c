"""Views: Arrays that share memory, as the ndarrays that they stand for do.

An Array is a handle on an immutable value and its node. A view remembers the Array that it was
taken of, and by which operation (``origin``); that Array has weak references to its ``views``. A
write into any of them (`chainrule.numpy.assignment`) gives the root, the Array that is a view of
none, a new value and node, and then every living view is taken anew. So reading costs nothing, and
rules see values that never change.

What NumPy does decides everything here: whether a result is a view is seen from its value.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.apply import Given, apply, apply_unary
from chainrule.core.array import Array
from chainrule.core.operation import Operation
from chainrule.core.placeholder import Deferred
from chainrule.numpy.places import Picked, Strided
from chainrule.operations import indexing, shape

__all__ = [
    "copied",
    "is_alone",
    "laid_out",
    "picked_view",
    "renew",
    "strided_view",
    "take_view",
    "view_of",
    "way_to",
]

_ndarray = np.ndarray
_getitem = indexing.getitem
_LARGE = 16_384  # bytes, from which on a copy for each write would be felt
_PRUNED = 16  # views from which on those that are gone are looked for


def take_view(operation: Operation, a: Any, params: Mapping[str, Any]) -> Any:
    """Run an operation of one array whose result may be a view of it."""
    if type(a) is not Array:
        return operation.compute(a, **params)
    return view_of(a, apply_unary(operation, operation.compute, a, params), operation, params)


def view_of(
    base: Array, made: Any, operation: Operation | Strided | Picked, params: Mapping[str, Any]
) -> Any:
    """Note that an Array is a view of another, if NumPy made it one, and return it."""
    if type(made) is not Array:
        return made
    owner = None
    value = made.held
    if type(value) is not Deferred or operation is not shape.transpose:  # which always makes one
        if type(value) is Deferred:
            value = made.value
        if type(value) is not _ndarray:
            return made
        whole = base.value
        if not isinstance(whole, _ndarray):  # a number has no memory to share
            return made
        owner = value.base
        if type(whole) is not _ndarray:
            return made
        if owner is None:
            shares = value is whole
        else:  # what two views are of is asked first: that is quick
            shares = owner is whole or owner is whole.base or np.may_share_memory(value, whole)
        if not shares:
            return made
    made.origin = (base, operation, params)
    if type(owner) is _ndarray and owner.nbytes >= _LARGE:
        _detach(made)
    views = base.views
    if views is None:
        base.views = [weakref.ref(made)]
        return made
    count = len(views)
    if count >= _PRUNED and count & (count - 1) == 0:
        views[:] = [view for view in views if view() is not None]
    views.append(weakref.ref(made))
    return made


def picked_view(base: Array, index: tuple[Any, ...], arrays: Sequence[Any]) -> Any:
    """Return the entries at an index with Arrays in it: a view where these are numbers."""
    made = apply(_getitem, _getitem.compute, (base, *arrays), {"index": index})
    value = made.value if type(made) is Array else None
    if type(value) is not _ndarray or value.base is None:
        return made
    return view_of(base, made, Picked(index, arrays), {})


def strided_view(
    base: Array, compute: Callable[..., Any], places: Sequence[np.ndarray[Any, np.dtype[np.intp]]]
) -> Any:
    """Return a view that NumPy makes of the memory of an array, and its entries' places there."""
    operation = Strided(compute, places)
    return view_of(base, operation.applied(base, compute(base.value)), operation, {})


def way_to(array: Array) -> tuple[Array, list[Array]]:
    """Return the root of an array, and the views on the way from there to the array."""
    path: list[Array] = []
    while array.origin is not None:
        path.append(array)
        array = array.origin[0]
    path.reverse()
    return array, path


def laid_out(
    a: Array, memories: dict[int, Any] | None = None, noted: bool = True
) -> np.ndarray[Any, Any]:
    """Return the value for somebody who asks how it lies in memory, which is noted.

    Arrays that are no views have values that others may have, too: if ``memories`` are given, each
    gets one of its own.
    """
    if noted and a.node is not None and a.node.recording.laid_out is not None:
        a.node.recording.laid_out()
    root, path = way_to(a)
    value = np.asarray(root.value)
    if memories is not None:
        value = memories.setdefault(id(root), copied(value))
    for view in path:  # its own value may be a copy
        _, operation, params = view.origin
        value = operation.compute(value, **params)
    return value


def copied(value: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Copy an array as it lies in memory, so that what is a view of it is one of the copy, too."""
    copy = np.array(value, order="K", subok=False)
    if copy.strides == value.strides or 0 in value.strides or not value.size:
        return copy
    # It has gaps, or goes backwards.
    first = sum((n - 1) * s for n, s in zip(value.shape, value.strides, strict=True) if s < 0)
    last = sum((n - 1) * s for n, s in zip(value.shape, value.strides, strict=True) if s > 0)
    memory = np.empty(last - first + value.itemsize, np.uint8)
    laid_out = np.ndarray(value.shape, value.dtype, memory, -first, value.strides)
    laid_out[...] = value
    return laid_out


def _references(array: Array) -> int:
    return sys.getrefcount(array.held)


_ONE = _references(Array(np.empty(1), None))


def is_alone(root: Array) -> bool:
    """Tell whether nobody but the root and its living views holds the root's value.

    It must also be a value that was made for writing: by a write, or by ``np.zeros``.
    """
    node, value = root.node, root.value
    if node is not None and node.operation is not indexing.set_at:
        return False
    if value.base is not None or not value.flags.writeable:
        return False
    views = 0
    if root.views:
        for view in _living(root):
            if view.value.base is value:
                if _references(view) != _ONE:
                    return False
                views += 1
    return _references(root) - 1 == _ONE + views  # `value` is one more


def renew(root: Array, value: Any, node: Any) -> None:
    """Give the root a new value and node, and take its views anew."""
    root.value, root.node = value, node
    if not root.views:
        return
    for view in _living(root):
        base, operation, params = view.origin
        new = operation.compute(base.value, **params)
        if base.node is None:
            view.value, view.node = new, None
        else:
            if isinstance(operation, (Strided, Picked)):
                made = operation.applied(base, new)
            else:
                made = apply(operation, Given(new), (base,), params)
            view.value, view.node = made.value, made.node
            if type(new) is _ndarray and new.base is value and root.value.nbytes >= _LARGE:
                _detach(view)


def _living(root: Array) -> list[Array]:
    """Return all views of a root, views of views too, each after what it is a view of."""
    found = [root]
    for array in found:
        if not array.views:
            continue
        views = [view for reference in array.views if (view := reference()) is not None]
        if len(views) < len(array.views):  # nobody need look at the others again
            array.views[:] = map(weakref.ref, views)
        found += views
    return found[1:]


def _detach(view: Array) -> None:
    """Let a small view of what is being written into have memory of its own.

    Nodes that keep its value then keep no more than that, and the root can be written in place.
    """
    value, node = view.value, view.node
    if 4 * value.nbytes > value.base.nbytes or not (value.ndim == 1 or value.flags.c_contiguous):
        return
    root, _ = way_to(view)
    noted = node is not None and node.recording.note is not None
    if not noted and (root.node is None or root.node.operation is indexing.set_at):
        view.value = value.copy()
        if node is not None:
            node.output = view.value
