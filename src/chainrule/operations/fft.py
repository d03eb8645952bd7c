"""The discrete Fourier transform: linear, and its own pullback, since its matrix is symmetric.

Parameters are as in NumPy and SciPy, but ``axis`` is non-negative, or -1 for the last. With ``n``
the operand is first cut to that length, or filled up with zeros. Transforms along several axes are
transforms along one after the other.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from chainrule.core.array import dtype_of, shape_of
from chainrule.core.batching import along
from chainrule.core.dependence import along_axes
from chainrule.core.domain import example
from chainrule.core.kinds import linear
from chainrule.core.operation import Operation
from chainrule.operations.elementwise import conjugated
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
    depends=along_axes(default=-1),
    batch=along("axis", axis=-1),
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
    depends=along_axes(default=-1),
    batch=along("axis", axis=-1),
)

# Of real numbers. Half of the result is left out, since it is the conjugate of the other half.

#: What undoes a scaling: that of the inverse transform.
INVERSE = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def _weights(n: int, axes: int, ends: float, others: float, dtype: Any) -> Any:
    """Return weights of a half: its ends are their own conjugates, or the first is alone."""
    weights = np.full(n // 2 + 1, others, dtype)
    weights[0] = ends
    if n % 2 == 0:
        weights[-1] = ends
    return weights.reshape(-1, *(1,) * axes)


def _rfft_pullback(
    g: Any, x: Any, n: int | None = None, axis: int = -1, norm: str | None = None
) -> Any:
    n = n or shape_of(x)[axis]
    axes = len(shape_of(g)) - axis % len(shape_of(g)) - 1
    weights = _weights(n, axes, 1.0, 0.5, np.finfo(dtype_of(g)).dtype)
    y = irfft(conjugated(g) * weights, n=n, axis=axis, norm=INVERSE[norm])
    return _as_long_as(x, y, axis)


def _irfft_pullback(g: Any, x: Any, n: int, axis: int = -1, norm: str | None = None) -> Any:
    axes = len(shape_of(g)) - axis % len(shape_of(g)) - 1
    spectrum = conjugated(rfft(g, axis=axis, norm=INVERSE[norm]))
    return _as_long_as(x, spectrum * _weights(n, axes, 1.0, 2.0, dtype_of(g)), axis)


rfft: Operation = linear(
    "rfft",
    lambda x, n=None, axis=-1, norm=None: np.fft.rfft(x, n, axis, norm),
    pullback=_rfft_pullback,
    numpy="numpy.fft.rfft",
    examples=(*_EXAMPLES, example((3,))),
    dtypes="f>c",
    depends=along_axes(default=-1),
    batch=along("axis", axis=-1),
)
irfft: Operation = linear(
    "irfft",
    lambda x, n, axis=-1, norm=None: np.fft.irfft(x, n, axis, norm),
    pullback=_irfft_pullback,
    numpy="numpy.fft.irfft",
    examples=(
        example((4,), n=6),
        example((2, 3), n=5, norm="ortho"),
        example((4, 2), n=4, axis=0, norm="forward"),
    ),
    dtypes="fc",
    depends=along_axes(default=-1),
    batch=along("axis", axis=-1),
)

# Transforms by cosines and sines, of SciPy's types 1 to 4. Types 2 and 3 are each other's
# transpose, and the other types are symmetric, up to entries at the ends that count once where
# others count twice. Those are what ``orthogonalize`` scales.

_TRANSPOSED = {1: 1, 2: 3, 3: 2, 4: 4}


def _trigonometric(name: str, ends: dict[int, list[int]]) -> Operation:
    """Declare a transform; ``ends`` are the entries that count once, of types that have any."""

    def compute(
        x: Any, type: int = 2, axis: int = -1, norm: str | None = None, orthogonalize: Any = None
    ) -> Any:
        function = getattr(importlib.import_module("scipy.fft"), name)
        return function(x, type, axis=axis, norm=norm, orthogonalize=orthogonalize)

    def pullback(
        g: Any,
        x: Any,
        type: int = 2,
        axis: int = -1,
        norm: str | None = None,
        orthogonalize: bool | None = None,
    ) -> Any:
        if orthogonalize is None:
            orthogonalize = norm == "ortho"
        options = {"axis": axis, "norm": norm, "orthogonalize": orthogonalize}
        weights = np.ones(shape_of(x)[axis], dtype_of(g))
        weights[ends.get(type, [])] = 2
        weights = weights.reshape(-1, *(1,) * (len(shape_of(x)) - axis % len(shape_of(x)) - 1))
        doubled, halved = type in (1, 2), type in (1, 3)
        if orthogonalize or type not in ends:
            doubled = halved = False
        result = row(g * weights if doubled else g, type=_TRANSPOSED[type], **options)
        return result / weights if halved else result

    row = linear(
        name,
        compute,
        pullback=pullback,
        numpy=f"scipy.fft.{name}",
        examples=(
            *(example((4,), type=type) for type in _TRANSPOSED),
            *(example((3,), type=type, norm="ortho") for type in _TRANSPOSED),
            example((3, 2), type=1, axis=0, norm="forward"),
        ),
        dtypes="fc",
        depends=along_axes(default=-1),
        batch=along("axis", axis=-1),
    )
    return row


dct = _trigonometric("dct", {1: [0, -1], 2: [0], 3: [0]})
dst = _trigonometric("dst", {2: [-1], 3: [-1]})
