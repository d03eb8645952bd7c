"""Fourier transforms of pairs: which of them NumPy's loops compute, called from machine code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply
from chainrule.native.fourier import pocketfft
from chainrule.native.fourier.lines import Lines
from chainrule.operations import fft

__all__ = ["ON_MEMORY", "Transform", "lines_of"]


class Transform(Operation):
    """A transform of an array in memory, in which complex numbers have a further axis.

    Attributes:
        row: the transform of complex numbers.
    """

    def __init__(self, row: Operation) -> None:
        super().__init__(row.name, self._computed, numpy=())
        self.row = row

    def _computed(self, x: Any, **params: Any) -> Any:
        if self.row is not fft.rfft:
            x = x[..., 0] + 1j * x[..., 1]
        y = self.row.compute(x, **params)
        return y if self.row is fft.irfft else np.stack([y.real, y.imag], -1)


#: By the transform of complex numbers.
ON_MEMORY = {row: Transform(row) for row in (fft.fft, fft.ifft, fft.rfft, fft.irfft)}


def lines_of(vertex: Apply) -> Lines | None:
    """Return what is transformed, where NumPy's loops do it; else None."""
    operation, params = vertex.operation, vertex.params
    assert isinstance(operation, Transform)
    (x,) = vertex.operands
    dtype = vertex.dtype
    if x.dtype != dtype or dtype.char not in "df" or not (x.size and vertex.size):
        return None
    if not pocketfft.available():
        return None
    given = x.shape if operation.row is fft.rfft else x.shape[:-1]
    made = vertex.shape if operation.row is fft.irfft else vertex.shape[:-1]
    axis = params.get("axis", -1) % len(given)
    points = params.get("n") or (made if operation.row is fft.irfft else given)[axis]
    inverse = operation.row in (fft.ifft, fft.irfft)
    return Lines(
        function=operation.name,
        dtype=dtype,
        points=points,
        factor=_factor(points, params, inverse),
        before=math.prod(given[:axis]),
        after=math.prod(given[axis + 1 :]),
        given=given[axis],
        made=made[axis],
    )


def _factor(points: int, params: Mapping[str, Any], inverse: bool) -> float:
    """Return the scale of a transform, which only one of the two directions has, or both."""
    norm = params.get("norm") or "backward"
    if norm == "ortho":
        return 1 / math.sqrt(points)
    return 1 / points if (norm == "backward") == inverse else 1.0
