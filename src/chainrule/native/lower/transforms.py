"""Fourier transforms of pairs: which of them NumPy's loops compute, called from machine code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.core.operation import Operation
from chainrule.graph.graph import Apply, Vertex
from chainrule.graph.placeholder import make
from chainrule.native.fourier import pocketfft
from chainrule.native.fourier.lines import Lines
from chainrule.operations import fft

__all__ = ["ON_MEMORY", "Transform", "across", "lines_of"]


class Transform(Operation):
    """A transform of an array in memory, in which complex numbers have a further axis.

    The parameter ``across`` tells of the operand and of the result whether its axes are in the
    order that they have in the program; otherwise that of the lines comes last.

    Attributes:
        row: the transform of complex numbers.
        takes_pairs: whether its operand is complex.
        makes_pairs: whether its result is.
    """

    def __init__(self, row: Operation) -> None:
        super().__init__(row.name, self._computed, numpy=())
        self.row = row
        self.takes_pairs, self.makes_pairs = row is not fft.rfft, row is not fft.irfft

    def _computed(
        self, x: Any, axis: int = -1, across: tuple[bool, bool] = (True, True), **params: Any
    ) -> Any:
        if self.takes_pairs:
            x = x[..., 0] + 1j * x[..., 1]
        y = self.row.compute(x, axis=axis if across[0] else -1, **params)
        if across[0] != across[1]:
            y = np.moveaxis(y, -1, axis) if across[1] else np.moveaxis(y, axis, -1)
        return np.stack([y.real, y.imag], -1) if self.makes_pairs else y


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
    given = x.shape[:-1] if operation.takes_pairs else x.shape
    made = vertex.shape[:-1] if operation.makes_pairs else vertex.shape
    axis = params.get("axis", -1) % len(given)
    across = params.get("across", (True, True))
    size = given if across[0] else made
    if not any(across):
        axis = len(given) - 1
    lengths = (given[axis if across[0] else -1], made[axis if across[1] else -1])
    points = params.get("n") or lengths[operation.row is fft.irfft]
    inverse = operation.row in (fft.ifft, fft.irfft)
    return Lines(
        function=operation.name,
        dtype=dtype,
        points=points,
        factor=_factor(points, params, inverse),
        before=math.prod(size[:axis]),
        after=math.prod(size[axis + 1 :]),
        given=lengths[0],
        made=lengths[1],
        across=across,
    )


def across(vertex: Apply, operand: Vertex, which: tuple[bool, bool]) -> Apply:
    """Return a transform whose operand or result have their lines last where it is not across."""
    operation, params, size = vertex.operation, dict(vertex.params), vertex.shape
    assert isinstance(operation, Transform)
    if which != (True, True):
        params["across"] = which
    if which[1]:
        return Apply(operation, (operand,), params, vertex.value)
    count = vertex.ndim - operation.makes_pairs
    axis = params.get("axis", -1) % count
    size = (*size[:axis], *size[axis + 1 : count], size[axis], *size[count:])
    return make(operation, [operand], vertex.dtype, size, **params)


def _factor(points: int, params: Mapping[str, Any], inverse: bool) -> float:
    """Return the scale of a transform, which only one of the two directions has, or both."""
    norm = params.get("norm") or "backward"
    if norm == "ortho":
        return 1 / math.sqrt(points)
    return 1 / points if (norm == "backward") == inverse else 1.0
