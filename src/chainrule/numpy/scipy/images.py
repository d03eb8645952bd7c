"""scipy.ndimage: correlations with a window, of padded arrays, and linear interpolation."""

from __future__ import annotations

import importlib
import itertools
from typing import Any

import numpy as np

from chainrule.numpy.axes import axes_of, axis_of, operand
from chainrule.numpy.casting import cast
from chainrule.numpy.dispatch import has_history, plain, unsupported
from chainrule.numpy.scipy.table import means
from chainrule.operations import convolution

__all__ = ["correlate1d", "each", "gaussian_filter", "refuse"]

#: What NumPy's padding calls the modes of SciPy.
_PADDING = {
    "reflect": "symmetric",
    "grid-mirror": "symmetric",
    "constant": "constant",
    "grid-constant": "constant",
    "nearest": "edge",
    "mirror": "reflect",
    "wrap": "wrap",
    "grid-wrap": "wrap",
}


def _correlate(a: Any, w: Any, mode: str, cval: Any, origins: Any, turned: bool) -> Any:
    """Correlate with a window; ``turned`` is a convolution, as SciPy centres it."""
    a, w = operand(a), operand(w)
    if a.ndim != w.ndim:
        raise RuntimeError("filter weights array has incorrect shape.")
    origins = [origins] * a.ndim if np.ndim(origins) == 0 else list(origins)
    if turned:
        w = np.flip(w)
        origins = [-k - (n % 2 == 0) for k, n in zip(origins, w.shape, strict=True)]
    before = [n // 2 + k for k, n in zip(origins, w.shape, strict=True)]
    widths = [(k, n - 1 - k) for k, n in zip(before, w.shape, strict=True)]
    options = {"constant_values": cval} if _PADDING[mode] == "constant" else {}
    padded = np.pad(a, widths, _PADDING[mode], **options)  # type: ignore[call-overload]
    y = convolution.convolve_nd(padded, np.flip(w), mode="valid", method="direct")
    return cast(y, a.dtype)


def refuse(function: str, output: Any, axes: Any = None) -> None:
    """Raise for an argument of scipy.ndimage that is given, and has no derivative here."""
    for name, value in (("output", output), ("axes", axes)):
        if value is not None:
            raise unsupported(f"scipy.ndimage.{function} with {name}=", "leave it out")


@means("scipy.ndimage.correlate")
def correlate(
    input: Any,
    weights: Any,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    refuse("correlate", output, axes)
    return _correlate(input, weights, mode, cval, origin, turned=False)


@means("scipy.ndimage.convolve")
def convolve(
    input: Any,
    weights: Any,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    refuse("convolve", output, axes)
    return _correlate(input, weights, mode, cval, origin, turned=True)


def _along(
    a: Any, w: Any, axis: int, mode: str, cval: Any, origin: int, turned: bool = False
) -> Any:
    a, w = operand(a), operand(w)
    axis = axis_of(axis, a.ndim)
    shape = tuple(w.shape[0] if k == axis else 1 for k in range(a.ndim))
    origins = [origin if k == axis else 0 for k in range(a.ndim)]
    return _correlate(a, np.reshape(w, shape), mode, cval, origins, turned)


@means("scipy.ndimage.correlate1d")
def correlate1d(
    input: Any,
    weights: Any,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: int = 0,
) -> Any:
    """Correlate with a window along one axis."""
    refuse("correlate1d", output)
    return _along(input, weights, axis, mode, cval, origin)


@means("scipy.ndimage.convolve1d")
def convolve1d(
    input: Any,
    weights: Any,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: int = 0,
) -> Any:
    refuse("convolve1d", output)
    return _along(input, weights, axis, mode, cval, origin, turned=True)


@means("scipy.ndimage.gaussian_filter1d")
def gaussian_filter1d(
    input: Any,
    sigma: Any,
    axis: int = -1,
    order: int = 0,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    truncate: float = 4.0,
    *,
    radius: Any = None,
) -> Any:
    refuse("gaussian_filter1d", output)
    half = int(truncate * float(plain(sigma)) + 0.5) if radius is None else int(radius)
    if has_history(sigma) and order == 0:
        x = np.arange(-half, half + 1)
        w = np.exp(-0.5 / (sigma * sigma) * x**2)
        return _along(input, w / np.sum(w), axis, mode, cval, 0)
    if has_history(sigma):
        raise unsupported("scipy.ndimage.gaussian_filter of a derivative, by sigma", "use order=0")
    # What the filter makes of a single 1 is its window, turned around.
    single = np.zeros(2 * half + 1)
    single[half] = 1.0
    own = importlib.import_module("scipy.ndimage").gaussian_filter1d
    w = own(single, sigma, order=order, mode="constant", truncate=truncate, radius=radius)[::-1]
    return _along(input, w, axis, mode, cval, 0)


def each(x: Any, count: int) -> list[Any]:
    """Return an option for each axis, of which one for all may be given."""
    return [x] * count if isinstance(x, str) or np.ndim(x) == 0 else [x[k] for k in range(count)]


@means("scipy.ndimage.gaussian_filter")
def gaussian_filter(
    input: Any,
    sigma: Any,
    order: Any = 0,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    truncate: float = 4.0,
    *,
    radius: Any = None,
    axes: Any = None,
) -> Any:
    """Smooth along each axis, or take a derivative of what is smoothed."""
    refuse("gaussian_filter", output)
    a = operand(input)
    chosen = axes_of(axes, a) or tuple(range(a.ndim))
    options = (each(x, len(chosen)) for x in (sigma, order, mode, radius))
    for axis, width, derivative, boundary, half in zip(chosen, *options, strict=True):
        if plain(width) > 1e-15:
            a = gaussian_filter1d(
                a, width, axis, derivative, None, boundary, cval, truncate, radius=half
            )
    return a


@means("scipy.ndimage.uniform_filter1d")
def uniform_filter1d(
    input: Any,
    size: int,
    axis: int = -1,
    output: Any = None,
    mode: str = "reflect",
    cval: Any = 0.0,
    origin: int = 0,
) -> Any:
    refuse("uniform_filter1d", output)
    return _along(input, np.full(size, 1 / size), axis, mode, cval, origin)


@means("scipy.ndimage.uniform_filter")
def uniform_filter(
    input: Any,
    size: Any = 3,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    refuse("uniform_filter", output)
    a = operand(input)
    chosen = axes_of(axes, a) or tuple(range(a.ndim))
    options = (each(x, len(chosen)) for x in (size, mode, origin))
    for axis, length, boundary, shift in zip(chosen, *options, strict=True):
        if length > 1:
            a = uniform_filter1d(a, length, axis, None, boundary, cval, shift)
    return a


@means("scipy.ndimage.map_coordinates")
def map_coordinates(
    input: Any,
    coordinates: Any,
    output: Any = None,
    order: int = 3,
    mode: str = "constant",
    cval: Any = 0.0,
    prefilter: bool = True,
) -> Any:
    refuse("map_coordinates", output)
    if order > 1 or mode not in ("constant", "nearest"):
        raise unsupported(
            f"scipy.ndimage.map_coordinates with order={order} and mode={mode!r}",
            "use order=1 or 0, and mode='constant' or 'nearest'",
        )
    a, points = operand(input), operand(coordinates)
    edges = np.array(a.shape).reshape(-1, *(1,) * (points.ndim - 1)) - 1
    outside = np.any((points < 0) | (points > edges), axis=0)
    inside = np.clip(points, 0, edges)
    if order == 0:
        y = a[tuple(cast(np.floor(inside + 0.5), int))]
    else:
        below = cast(np.minimum(np.floor(inside), np.maximum(edges - 1, 0)), int)
        share = inside - below
        y = 0.0
        for corner in itertools.product((0, 1), repeat=a.ndim):
            step = np.array(corner).reshape(edges.shape)
            weights = np.prod(np.where(step == 1, share, 1 - share), axis=0)
            y = y + weights * a[tuple(np.minimum(below + step, edges))]
    y = np.where(outside, cval, y) if mode == "constant" else y
    return cast(y, a.dtype)
