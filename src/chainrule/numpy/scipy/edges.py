"""scipy.ndimage: derivatives of an image, by differences and of Gaussians."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.numpy.axes import axes_of, axis_of, operand
from chainrule.numpy.scipy.images import correlate1d, each, gaussian_filter, refuse
from chainrule.numpy.scipy.table import means

__all__: list[str] = []


def _edges(name: str, across: tuple[float, ...]) -> None:
    """Enter a difference along one axis, which is smoothed along the others."""

    @means(f"scipy.ndimage.{name}")
    def edges(
        input: Any, axis: int = -1, output: Any = None, mode: Any = "reflect", cval: Any = 0.0
    ) -> Any:
        refuse(name, output)
        a = operand(input)
        along = axis_of(axis, a.ndim)
        modes = each(mode, a.ndim)
        y = correlate1d(a, np.array([-1.0, 0, 1]), along, None, modes[along], cval)
        for k in range(a.ndim):
            if k != along:
                y = correlate1d(y, np.array(across), k, None, modes[k], cval)
        return y


_edges("sobel", (1, 2, 1))
_edges("prewitt", (1, 1, 1))


def _chosen(axes: Any, a: Any) -> tuple[int, ...]:
    return axes_of(axes, a) or tuple(range(a.ndim))


@means("scipy.ndimage.laplace")
def laplace(
    input: Any, output: Any = None, mode: Any = "reflect", cval: Any = 0.0, *, axes: Any = None
) -> Any:
    refuse("laplace", output)
    a, second = operand(input), np.array([1.0, -2, 1])
    chosen = _chosen(axes, a)
    modes = each(mode, len(chosen))
    pairs = zip(chosen, modes, strict=True)
    return sum(correlate1d(a, second, k, None, m, cval) for k, m in pairs)


def _gaussians(
    input: Any, sigma: Any, order: int, mode: Any, cval: Any, axes: Any, options: Any
) -> list[Any]:
    """Return a derivative of the smoothed image along each axis."""
    a = operand(input)
    chosen = _chosen(axes, a)
    return [
        gaussian_filter(
            a, sigma, [order * (k == along) for k in chosen], None, mode, cval, axes=axes, **options
        )
        for along in chosen
    ]


@means("scipy.ndimage.gaussian_laplace")
def gaussian_laplace(
    input: Any,
    sigma: Any,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    *,
    axes: Any = None,
    **options: Any,
) -> Any:
    refuse("gaussian_laplace", output)
    return sum(_gaussians(input, sigma, 2, mode, cval, axes, options))


@means("scipy.ndimage.gaussian_gradient_magnitude")
def gaussian_gradient_magnitude(
    input: Any,
    sigma: Any,
    output: Any = None,
    mode: Any = "reflect",
    cval: Any = 0.0,
    *,
    axes: Any = None,
    **options: Any,
) -> Any:
    refuse("gaussian_gradient_magnitude", output)
    return np.linalg.norm(_gaussians(input, sigma, 1, mode, cval, axes, options), axis=0)
