"""Windows of an array, as a view: what lies in several of them lies in memory once.

What a convolutional layer and its gradients compute is a product with such a view, summed along
several axes, which tiles read where it lies: `nested_product`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Vertex
from chainrule.graph.placeholder import make
from chainrule.native.ir.access import Access

__all__ = ["nested", "nested_product", "windows", "windows_of", "within_windows"]

Sizes = tuple[int, ...]


def _windows(x: Any, kernel: Sizes, out: Sizes, step: Sizes, dilation: Sizes) -> Any:
    strides = _strides(x.strides, step, dilation)
    size = (len(x), *out, *kernel, x.shape[-1])
    return np.lib.stride_tricks.as_strided(x, size, strides, writeable=False)


def _strides(strides: Sequence[int], step: Sizes, dilation: Sizes) -> tuple[int, ...]:
    first, *middle, last = strides
    apart, inside = (
        [s * n for s, n in zip(middle, factors, strict=True)] for factors in (step, dilation)
    )
    return first, *apart, *inside, last


#: (examples, *sizes, channels) as (examples, *places, *places in a window, channels).
windows = Operation("windows", _windows)


def windows_of(x: Vertex, kernel: Sizes, out: Sizes, step: Sizes, dilation: Sizes) -> Apply:
    """Return the windows of an array; they do not go beyond it."""
    size = (x.shape[0], *out, *kernel, x.shape[-1])
    return make(windows, [x], x.dtype, size, kernel=kernel, out=out, step=step, dilation=dilation)


def within_windows(params: Mapping[str, Any], size: tuple[int, ...], whole: Access) -> Access:
    """Return where the entries of windows lie."""
    strides = _strides(whole.strides, params["step"], params["dilation"])
    return whole.view(strides, size)


#: ``tensordot`` along all axes of b but the last, which are the last ones of a.
nested_product = Operation("nested_product", lambda a, b: np.tensordot(a, b, axes=np.ndim(b) - 1))


def nested(a: Vertex, b: Vertex) -> Apply:
    """Sum along the last axes of a and the first ones of b, of which one is left."""
    size = (*a.shape[: a.ndim - b.ndim + 1], b.shape[-1])
    return make(nested_product, [a, b], a.dtype, size)
