"""scipy.signal: convolutions, correlations, and the recursive filter."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.numpy.axes import axis_of, operand
from chainrule.numpy.dispatch import unsupported
from chainrule.numpy.scipy.table import means
from chainrule.operations import convolution as rows
from chainrule.operations.elementwise import conjugated

__all__: list[str] = []


def _convolve(a: Any, v: Any, mode: str, method: str) -> Any:
    a, v = operand(a), operand(v)
    if a.ndim != v.ndim:
        raise ValueError("in1 and in2 should have the same dimensionality")
    if not a.ndim:
        return a * v
    if mode == "valid" and all(n <= m for n, m in zip(a.shape, v.shape, strict=True)):
        a, v = v, a
    if mode == "valid":
        return rows.convolve_nd(a, v, mode=mode, method=method)
    full = rows.convolve_nd(a, v, method=method)
    if mode == "full":
        return full
    if mode != "same":
        raise ValueError("acceptable mode flags are 'valid', 'same', or 'full'")
    starts = [(n - m) // 2 for n, m in zip(full.shape, a.shape, strict=True)]
    return full[tuple(slice(k, k + n) for k, n in zip(starts, a.shape, strict=True))]


@means("scipy.signal.convolve")
def convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    return _convolve(in1, in2, mode, method)


@means("scipy.signal.correlate")
def correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    return _convolve(in1, conjugated(np.flip(operand(in2))), mode, method)


@means("scipy.signal.fftconvolve", "scipy.signal.oaconvolve")
def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    if axes is not None:
        raise unsupported("scipy.signal.fftconvolve with axes=", "call it for each of the others")
    return _convolve(in1, in2, mode, "fft")


#: What NumPy's padding calls the boundaries of SciPy.
_PADDING = {"fill": "constant", "wrap": "wrap", "symm": "symmetric"}


@means("scipy.signal.convolve2d")
def convolve2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Any:
    a, v = operand(in1), operand(in2)
    if a.ndim != 2 or v.ndim != 2:
        raise ValueError("convolve2d inputs must both be 2-D arrays")
    if mode == "valid" or (boundary == "fill" and type(fillvalue) is int and fillvalue == 0):
        return _convolve(a, v, mode, "direct")
    widths = [(m - 1, m - 1) for m in v.shape]
    options = {"constant_values": fillvalue} if boundary == "fill" else {}
    padded = np.pad(a, widths, _PADDING[boundary], **options)  # type: ignore[call-overload]
    full = rows.convolve_nd(padded, v, mode="valid", method="direct")
    if mode == "full":
        return full
    starts = [(m - 1) // 2 for m in v.shape]
    return full[tuple(slice(k, k + n) for k, n in zip(starts, a.shape, strict=True))]


@means("scipy.signal.correlate2d")
def correlate2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Any:
    a, v = operand(in1), conjugated(np.flip(operand(in2)))
    if mode != "same":
        return convolve2d(a, v, mode, boundary, fillvalue)
    full = convolve2d(a, v, "full", boundary, fillvalue)
    return full[tuple(slice(m // 2, m // 2 + n) for m, n in zip(v.shape, a.shape, strict=True))]


@means("scipy.signal.lfilter")
def lfilter(b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    if zi is not None:
        raise unsupported("scipy.signal.lfilter with zi=", "filter what was before, too")
    b, a, x = np.atleast_1d(operand(b)), np.atleast_1d(operand(a)), operand(x)
    axis = axis_of(axis, x.ndim)
    if axis == x.ndim - 1:
        return rows.lfilter(b, a, x)
    return np.moveaxis(rows.lfilter(b, a, np.moveaxis(x, axis, -1)), -1, axis)
