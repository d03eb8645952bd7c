"""Discrete Fourier transforms. Those along several axes go along one after the other."""

from __future__ import annotations

import functools
from collections.abc import Callable
from operator import index
from typing import Any

import numpy as np

from chainrule.core.operation import Operation
from chainrule.numpy.axes import axis_of, operand
from chainrule.numpy.dispatch import implements
from chainrule.operations import fft as rows
from chainrule.operations.elementwise import conjugated

__all__ = ["ALONG_AXES", "ALONG_AXIS", "steps", "swapped"]


def swapped(norm: str | None) -> str:
    """Return the scaling of the inverse transform."""
    if norm not in rows.INVERSE:
        raise ValueError(f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
    return rows.INVERSE[norm]


def _with_hermitian(transforms: dict[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """Add the transforms of and to arrays with Hermitian symmetry, made of those of real ones."""

    def hfft(a: Any, n: Any, axis: Any, norm: str | None) -> Any:
        return transforms["irfft"](conjugated(operand(a)), n, axis, swapped(norm))

    def ihfft(a: Any, n: Any, axis: Any, norm: str | None) -> Any:
        return conjugated(transforms["rfft"](a, n, axis, swapped(norm)))

    return {**transforms, "hfft": hfft, "ihfft": ihfft}


# Along one axis.


def _along(row: Operation, a: Any, n: Any, axis: int, norm: str | None) -> Any:
    a = operand(a)
    axis = axis_of(axis, a.ndim)
    n = None if n is None else index(n)
    return row(a, n=n, axis=-1 if axis == a.ndim - 1 else axis, norm=norm)


def _irfft(a: Any, n: Any, axis: int, norm: str | None) -> Any:
    a = operand(a)
    n = 2 * (a.shape[axis_of(axis, a.ndim)] - 1) if n is None else n
    return _along(rows.irfft, a, n, axis, norm)


_fft, _ifft, _rfft = (functools.partial(_along, row) for row in (rows.fft, rows.ifft, rows.rfft))
#: The transforms along one axis, functions of the array, the length, the axis and the scaling.
ALONG_AXIS = _with_hermitian({"fft": _fft, "ifft": _ifft, "rfft": _rfft, "irfft": _irfft})

# Along several axes.


def steps(a: Any, s: Any, axes: Any) -> list[tuple[Any, int]]:
    """Return which length each axis is brought to, None for its own, and the axis."""
    ndim = operand(a).ndim
    if axes is None:
        axes = range(ndim) if s is None else range(-len(s), 0)
    axes = [axis_of(axis, ndim) for axis in (axes if np.ndim(axes) else [axes])]
    lengths = [None] * len(axes) if s is None else [None if n == -1 else n for n in s]
    if len(lengths) != len(axes):
        raise ValueError("Shape and axes have different lengths.")
    return list(zip(lengths, axes, strict=True))


def _one_after_another(
    transform: Callable[..., Any], a: Any, steps: list[tuple[Any, int]], norm: str | None
) -> Any:
    for n, axis in steps:
        a = transform(a, n, axis, norm)
    return a


def _n_times(transform: Callable[..., Any], a: Any, s: Any, axes: Any, norm: str | None) -> Any:
    return _one_after_another(transform, a, steps(a, s, axes)[::-1], norm)


def _rfftn(a: Any, s: Any, axes: Any, norm: str | None) -> Any:
    *others, last = steps(a, s, axes)
    return _one_after_another(_fft, _rfft(a, *last, norm), others[::-1], norm)


def _irfftn(a: Any, s: Any, axes: Any, norm: str | None) -> Any:
    *others, last = steps(a, s, axes)
    return _irfft(_one_after_another(_ifft, a, others, norm), *last, norm)


_fftn, _ifftn = (functools.partial(_n_times, transform) for transform in (_fft, _ifft))
#: The transforms along several axes, functions of the array, lengths, axes and the scaling.
ALONG_AXES = _with_hermitian({"fft": _fftn, "ifft": _ifftn, "rfft": _rfftn, "irfft": _irfftn})


# NumPy's own spellings. What goes along several axes there runs from NumPy's source.


def _enter(name: str) -> None:
    transform = ALONG_AXIS[name]

    @implements(getattr(np.fft, name))
    def along_axis(
        a: Any, n: Any = None, axis: int = -1, norm: str | None = None, out: Any = None
    ) -> Any:
        return transform(a, n, axis, norm)


for _name in ("fft", "ifft", "rfft", "irfft"):
    _enter(_name)
