"""NumPy's discrete Fourier transforms."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from chainrule.numpy.axes import axis_of, operand
from chainrule.numpy.dispatch import implements
from chainrule.operations import fft as rows

__all__: list[str] = []


@implements(np.fft.fft)
def fft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None, out: Any = None) -> Any:
    a = operand(a)
    return rows.fft(a, **_options(a, n, axis, norm))


@implements(np.fft.ifft)
def ifft(a: Any, n: Any = None, axis: int = -1, norm: str | None = None, out: Any = None) -> Any:
    a = operand(a)
    return rows.ifft(a, **_options(a, n, axis, norm))


def _options(a: Any, n: Any, axis: int, norm: str | None) -> dict[str, Any]:
    axis = axis_of(axis, a.ndim)
    return {
        "n": None if n is None else index(n),
        "axis": -1 if axis == a.ndim - 1 else axis,
        "norm": norm,
    }
