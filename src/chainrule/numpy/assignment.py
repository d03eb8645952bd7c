"""Writes into Arrays: ``a[i] = v``, ``a += b``, ``a.shape = lengths``.

A write is done by NumPy, in a copy of the root's value, or in place where nobody else holds that;
what shares memory with it is then taken anew (`chainrule.numpy.memory`).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.core.apply import Given, apply, record_write
from chainrule.core.array import Array, value_of
from chainrule.core.counted import as_index
from chainrule.core.kinds import real
from chainrule.core.node import Leaf
from chainrule.core.recording import FREE
from chainrule.core.source import expression_here, where_am_i
from chainrule.errors import GradientLostError
from chainrule.numpy.casting import cast
from chainrule.numpy.creation import holds_arrays, restack
from chainrule.numpy.dispatch import unsupported
from chainrule.numpy.indices import EVERYTHING, as_tuple, fused, is_plain
from chainrule.numpy.lent import Lent
from chainrule.numpy.memory import copied, is_alone, renew, take_view, way_to
from chainrule.numpy.places import Picked, Strided
from chainrule.operations import indexing, shape
from chainrule.operations.elementwise import cartesian, imag
from chainrule.operations.slot import SLOT

__all__ = ["overwrite", "set_shape", "split", "write"]

_ndarray = np.ndarray
_getitem = indexing.getitem
_RESHAPED = frozenset({shape.reshape, shape.expand_dims, shape.squeeze})
_OWN_INVERSES = frozenset({shape.swapaxes, shape.flip})


def split(index: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """Separate the arrays in an index, which may be Arrays, from its ints and slices."""
    if isinstance(index, (list, tuple)) and holds_arrays(index):
        index = tuple(map(restack, index)) if isinstance(index, tuple) else restack(index)
    return indexing.split_index(index)


def write(
    array: Array,
    index: Any,
    value: Any,
    what: str = "a[i] = v",
    fixed: Callable[[np.ndarray[Any, Any]], None] | None = None,
) -> None:
    """Do ``array[index] = value``: all that share memory with the array see it.

    ``fixed`` is called where the array is read-only, and raises an error if that stops it.

    Raises:
        GradientLostError: it is an input made by ``chainrule.array``, or from outside.
        ValueError: it is a view that is read-only in NumPy, too, or shapes do not match.
    """
    template, arrays = index, list[Any]()
    if not is_plain(index):
        template, arrays = split(as_index(array, index, writes=True))
    value = value if type(value) is Array else restack(value)
    if type(value) is Array:
        if value.origin is not None and _is_there(array, template, arrays, value):
            return  # the second half of a[i] += v, which writes what is there already
        if value.dtype is not array.dtype and value.dtype != array.dtype:
            _check_kinds(array, value, what)
            value = cast(value, array.dtype)
    root, path = way_to(array)
    active = [x for x in (root, value, *arrays) if type(x) is Array and x.node is not None]
    _check(root, what, bool(active))
    # An observer is to see a constant as it was before.
    noted = root.node is None and any(x.node.recording.note is not None for x in active)
    own = type(root.views) is Lent or (not noted and is_alone(root))
    memory = root.value if own else copied(root.value)
    places = [memory]  # what each view on the way is of the new memory
    for view in path:
        _, operation, params = view.origin
        places.append(operation.compute(places[-1], **params))
    if not places[-1].flags.writeable:
        if fixed is None or 0 in places[-1].strides:
            raise ValueError("assignment destination is read-only")
        fixed(places[-1])
        places[-1].flags.writeable = True
    written = indexing.join_index(template, [value_of(x) for x in arrays]) if arrays else template
    if type(value) is Array and value.origin is not None and not arrays:
        value = _as_it_is_read(root, path, written, value)
    picked = [k for k, view in enumerate(path) if type(view.origin[1]) is Strided]
    if picked:
        template, arrays = _at_places(path[picked[-1] :], written, what)
        del path[picked[-1] :]
    places[-1][written] = value_of(value)
    if not active:
        renew(root, memory, None)
        return
    at = len(path)
    while at and not arrays:
        base, operation, params = path[at - 1].origin
        if operation is not _getitem:
            break
        found = fused(base.value.shape, as_tuple(params["index"]), template)
        if found is None:
            break
        template = found
        at -= 1
    target = path[at - 1] if at else root
    new = record_write(indexing.set_at, places[at], (target, value, *arrays), {"index": template})
    while at:
        at -= 1
        new = _put_back(path[at], new, places[at])
    renew(root, memory, new.node)


def overwrite(array: Array, new: Any, what: str) -> Array:
    """Give an array other entries, all at once: ``a += b``, ``a.sort()``. Returns the array."""
    outside = type(array.views) is Lent or array.origin is not None
    if outside or type(new) is not Array or new.shape != array.shape:
        write(array, EVERYTHING, new, what)
        return array
    _check(array, what)
    old, value = array.value, new.value
    if type(value) is not _ndarray:
        value = np.array(value)
    elif value.base is not None or value.strides != old.strides or not value.flags.writeable:
        value = copied(old)
        value[...] = new.value
    renew(array, value, new.node)
    return array


def set_shape(array: Array, lengths: Any) -> None:
    """Do ``array.shape = lengths``: the Array becomes a view of what it has been."""
    root, _ = way_to(array)
    _check(root, "a.shape = lengths")
    value = array.value.view()
    value.shape = lengths
    before = Array(array.value, array.node)
    before.origin, before.views = array.origin, array.views
    for reference in before.views or ():
        view = reference()
        if view is not None:
            view.origin = (before, *view.origin[1:])
    if before.origin is not None:
        before.origin[0].views.append(weakref.ref(before))
    made = take_view(shape.reshape, before, {"shape": value.shape})
    array.value, array.node, array.origin, array.views = made.value, made.node, made.origin, None
    before.views = [*(before.views or ())[:-1], weakref.ref(array)]


def _is_there(array: Array, template: tuple[Any, ...], arrays: Sequence[Any], value: Array) -> bool:
    """Tell whether a value is the view of an array at an index."""
    base, operation, params = value.origin
    if arrays:
        if base is not array or type(operation) is not Picked or operation.index != template:
            return False
        return all(x is y for x, y in zip(operation.arrays, arrays, strict=True))
    return base is array and operation is _getitem and as_tuple(params["index"]) == template


def _check(root: Array, what: str, keeps: bool = True) -> None:
    """Raise where an array cannot be written into, with what ``keeps`` a gradient, or without."""
    if keeps and type(root.views) is Lent:
        raise GradientLostError(
            f"`{expression_here() or what}` writes into an array that the function does not make "
            f"itself, where the gradient would be lost, at {where_am_i()}: write into a "
            "copy of it (b = a.copy(); b[...] = v), or make a new array (a = a + b)"
        )
    if isinstance(root.node, Leaf) and root.node.recording is FREE:
        raise GradientLostError(
            f"`{expression_here() or what}` on an input made by chainrule.array would cut it off "
            f"from its grad, at {where_am_i()}: write into a copy (b = a.copy(); "
            "b[...] = v), or, to update the input between two passes, into a.value"
        )
    if type(root.value) is not _ndarray:
        raise TypeError(f"'{type(root.value).__name__}' object does not support item assignment")


def _check_kinds(array: Array, value: Array, what: str) -> None:
    """Raise where what is written would lose its gradient by becoming an integer."""
    if array.dtype.kind in "iub" and value.dtype.kind in "fc" and value.node is not None:
        raise GradientLostError(
            f"`{expression_here() or what}` writes into an array of integers, which holds no "
            f"gradient, at {where_am_i()}: make it with dtype=float, or write what has none, "
            "chainrule.stop_gradient(v)"
        )


def _at_places(
    path: Sequence[Array], written: Any, what: str
) -> tuple[tuple[Any, ...], list[np.ndarray[Any, Any]]]:
    """Return the index of what is written, in the array that the first view is a strided one of."""
    base, operation, _ = path[0].origin
    numbers = np.ravel_multi_index(operation.places, base.shape)
    for view in path[1:]:
        _, further, params = view.origin
        if base.dtype.kind == "c" and (further is real or further is imag):
            raise unsupported(f"`{what}` through a part of a strided view", "write into the array")
        numbers = further.compute(numbers, **params)
    entries = np.arange(numbers.size).reshape(numbers.shape)[written]  # some perhaps twice
    numbers = numbers[written]
    if np.unique(numbers).size != np.unique(entries).size:
        raise unsupported(
            f"`{what}` through a strided view that has an entry twice", "write into the array"
        )
    arrays = np.unravel_index(numbers, base.shape)
    return (SLOT,) * len(arrays), list(arrays)


def _as_it_is_read(root: Array, path: Sequence[Array], written: Any, value: Array) -> Array:
    """Return what NumPy writes where a vector is written over one at other steps in its memory.

    It copies what overlaps before it writes, but for vectors in one direction: of these it may read
    an entry that it has written already, as in ``a[0] = a[:, 1]``.
    """
    source, way = way_to(value)
    if source is not root or value.ndim != 1:
        return value

    def seen(memory: Any, views: Sequence[Array]) -> Any:
        for view in views:
            _, operation, params = view.origin
            memory = operation.compute(memory, **params)
        return memory

    into, read = seen(root.value, path)[written], seen(root.value, way)
    if np.ndim(into) != 1 or into.strides == read.strides or not np.shares_memory(into, read):
        return value
    numbers = np.empty_like(root.value, np.intp)
    numbers[...] = np.arange(root.size).reshape(root.shape)
    into, read = seen(numbers, path)[written], seen(numbers, way)
    if not into.flags.writeable:
        return value
    before = read.copy()
    into[...] = read
    if np.array_equal(into, before):
        return value
    return root[np.unravel_index(into, root.shape)]  # type: ignore[no-any-return]


def _put_back(view: Array, new: Array, place: Any) -> Array:
    """Return what a view was taken of, with the view's new entries; ``place`` is its value."""
    base, operation, params = view.origin
    operands: tuple[Any, ...] = (new,)
    if operation is _getitem:
        template = as_tuple(params["index"])
        return record_write(indexing.set_at, place, (base, new), {"index": template})
    if type(operation) is Picked:
        index = {"index": operation.index}
        return record_write(indexing.set_at, place, (base, new, *operation.arrays), index)
    if operation in _RESHAPED:
        operation, params = shape.reshape, {"shape": base.value.shape}
    elif operation is shape.transpose:
        axes = params.get("axes")
        params = {"axes": None if axes is None else tuple(int(k) for k in np.argsort(axes))}
    elif operation is real and base.dtype.kind != "c":
        return new
    elif operation is real or operation is imag:
        operands = (new, imag(base)) if operation is real else (real(base), new)
        operation, params = cartesian, {}
    elif operation not in _OWN_INVERSES:
        numbers = operation.compute(np.arange(base.size).reshape(base.shape), **params)
        arrays = np.unravel_index(numbers, base.shape)
        index = {"index": (SLOT,) * len(arrays)}
        return record_write(indexing.set_at, place, (base, new, *arrays), index)
    return apply(operation, Given(place), operands, params)  # type: ignore[no-any-return]
