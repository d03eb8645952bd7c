"""Views that only strides can say: ``as_strided`` and ``sliding_window_view``."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.numpy.axes import operand
from chainrule.numpy.creation import asarray
from chainrule.numpy.dispatch import implements, unsupported
from chainrule.numpy.memory import laid_out, strided_view, way_to

__all__ = ["as_strided"]

_tricks = np.lib.stride_tricks


@implements(_tricks.sliding_window_view)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    x = operand(x)

    def windows(a: Any) -> Any:
        return _tricks.sliding_window_view(a, window_shape, axis, writeable=writeable)

    if type(x) is not Array:
        return windows(x)
    numbers = np.arange(x.size).reshape(x.shape)
    return strided_view(x, windows, np.unravel_index(windows(numbers), x.shape))


def as_strided(
    x: Any, shape: Any = None, strides: Any = None, subok: bool = False, writeable: bool = True
) -> Any:
    """As ``np.lib.stride_tricks.as_strided``, of an Array: a view of all that it is a view of."""
    root, path = way_to(asarray(x))
    steps = [view.origin[1:] for view in path]

    def strided(memory: Any) -> Any:
        for operation, params in steps:
            memory = operation.compute(memory, **params)
        return _tricks.as_strided(memory, shape, strides, writeable=writeable)

    memory = _addresses(laid_out(root)).ravel()
    wanted = _addresses(strided(root.value))
    order = np.argsort(memory)
    at = np.minimum(np.searchsorted(memory, wanted, sorter=order), memory.size - 1)
    places = order[at]
    if np.any(memory[places] != wanted):
        raise unsupported("as_strided beyond the entries of the array", "stay within it")
    return strided_view(root, strided, np.unravel_index(places, root.shape))


def _addresses(a: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Return where the entries of an array lie in memory, in bytes."""
    addresses = np.full(a.shape, a.__array_interface__["data"][0])
    for axis, (length, stride) in enumerate(zip(a.shape, a.strides, strict=True)):
        addresses += (np.arange(length) * stride).reshape(-1, *(1,) * (a.ndim - axis - 1))
    return addresses
