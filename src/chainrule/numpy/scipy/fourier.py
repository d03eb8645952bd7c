"""scipy.fft: the transforms of numpy.fft, and those by cosines and sines."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import is_complex
from chainrule.core.operation import Operation
from chainrule.numpy import fourier
from chainrule.numpy.axes import axis_of, operand
from chainrule.numpy.dispatch import unsupported
from chainrule.numpy.scipy.table import means
from chainrule.operations import fft as rows

__all__: list[str] = []


def _enter(name: str) -> None:
    one, several = fourier.ALONG_AXIS[name], fourier.ALONG_AXES[name]

    @means(f"scipy.fft.{name}")
    def along_axis(
        x: Any,
        n: Any = None,
        axis: int = -1,
        norm: str | None = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        plan: Any = None,
    ) -> Any:
        return one(x, n, axis, norm)

    @means(f"scipy.fft.{name}n")
    def along_axes(
        x: Any,
        s: Any = None,
        axes: Any = None,
        norm: str | None = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        plan: Any = None,
    ) -> Any:
        return several(x, s, axes, norm)

    @means(f"scipy.fft.{name}2")
    def along_two_axes(
        x: Any,
        s: Any = None,
        axes: Any = (-2, -1),
        norm: str | None = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        plan: Any = None,
    ) -> Any:
        return several(x, s, axes, norm)


for _name in fourier.ALONG_AXIS:
    _enter(_name)
means("scipy.fft.fftshift")(lambda x, axes=None: np.fft.fftshift(operand(x), axes))
means("scipy.fft.ifftshift")(lambda x, axes=None: np.fft.ifftshift(operand(x), axes))


def _of_length(x: Any, n: int | None, axis: int) -> Any:
    """Cut an array along an axis, or fill it up with zeros."""
    length = x.shape[axis]
    if n is None or n == length:
        return x
    if n < length:
        return x[(*(slice(None),) * axis, slice(n))]
    return np.pad(x, [(0, n - length) if k == axis else (0, 0) for k in range(x.ndim)])


def _enter_trigonometric(name: str, row: Operation) -> None:
    def transform(
        x: Any, n: Any, axis: int, inverse: bool, type: int, norm: Any, orthogonalize: Any
    ) -> Any:
        x = operand(x)
        axis = axis_of(axis, x.ndim)
        if inverse:
            orthogonalize = norm == "ortho" if orthogonalize is None else orthogonalize
            type, norm = {2: 3, 3: 2}.get(type, type), fourier.swapped(norm)
        x = _of_length(x, n, axis)
        options: dict[str, Any] = {"axis": -1 if axis == x.ndim - 1 else axis}
        if orthogonalize is not None and orthogonalize != (norm == "ortho"):
            if is_complex(x):  # SciPy takes no notice of it then, which may be a mistake
                raise unsupported(f"scipy.fft.{name} of complex numbers with orthogonalize=")
            options["orthogonalize"] = bool(orthogonalize)
        return row(x, type=type, norm=norm, **options)

    for inverse, prefix in ((False, ""), (True, "i")):

        @means(f"scipy.fft.{prefix}{name}")
        def along_axis(
            x: Any,
            type: int = 2,
            n: Any = None,
            axis: int = -1,
            norm: str | None = None,
            overwrite_x: bool = False,
            workers: Any = None,
            orthogonalize: Any = None,
            *,
            inverse: bool = inverse,
        ) -> Any:
            return transform(x, n, axis, inverse, type, norm, orthogonalize)

        @means(f"scipy.fft.{prefix}{name}n")
        def along_axes(
            x: Any,
            type: int = 2,
            s: Any = None,
            axes: Any = None,
            norm: str | None = None,
            overwrite_x: bool = False,
            workers: Any = None,
            orthogonalize: Any = None,
            *,
            inverse: bool = inverse,
        ) -> Any:
            for n, axis in fourier.steps(x, s, axes):
                x = transform(x, n, axis, inverse, type, norm, orthogonalize)
            return x


_enter_trigonometric("dct", rows.dct)
_enter_trigonometric("dst", rows.dst)
