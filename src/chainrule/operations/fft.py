"""The discrete Fourier transform: linear, and its own pullback, since its matrix is symmetric.

Parameters are as in NumPy, except that ``axis`` is non-negative, or -1 for the last. With ``n`` the
operand is first cut to that length, or filled up with zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.domain import example
from chainrule.core.kinds import linear
from chainrule.core.operation import Operation
from chainrule.operations.indexing import getitem, scatter_add

_EXAMPLES = (
    example((4,)),
    example((2, 3), n=5, norm="ortho"),
    example((4, 2), n=3, axis=0, norm="forward"),
)


def _as_long_as(x: Any, y: Any, axis: int) -> Any:
    """Cut y to the length of x along an axis, or fill it up with zeros."""
    axis %= len(shape_of(x))
    shape, length = shape_of(x), shape_of(y)[axis]
    if length == shape[axis]:
        return y
    index = (slice(None),) * axis + (slice(None, min(length, shape[axis])),)
    if length > shape[axis]:
        return getitem(y, index=index)
    return scatter_add(y, index=index, shape=shape)


fft: Operation = linear(
    "fft",
    lambda x, n=None, axis=-1, norm=None: np.fft.fft(x, n, axis, norm),
    pullback=lambda g, x, n=None, axis=-1, norm=None: _as_long_as(
        x, fft(g, axis=axis, norm=norm), axis
    ),
    numpy="numpy.fft.fft",
    examples=_EXAMPLES,
    dtypes="fc",
)
ifft: Operation = linear(
    "ifft",
    lambda x, n=None, axis=-1, norm=None: np.fft.ifft(x, n, axis, norm),
    pullback=lambda g, x, n=None, axis=-1, norm=None: _as_long_as(
        x, ifft(g, axis=axis, norm=norm), axis
    ),
    numpy="numpy.fft.ifft",
    examples=_EXAMPLES,
    dtypes="fc",
)
