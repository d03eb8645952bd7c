"""scipy.linalg: matrices of a form, made of vectors or of blocks."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.numpy.axes import operand
from chainrule.numpy.dispatch import unsupported
from chainrule.numpy.scipy.table import means
from chainrule.operations.elementwise import conjugated

__all__: list[str] = []


def _vector(a: Any, function: str) -> Any:
    a = operand(a)
    if a.ndim != 1:
        raise unsupported(
            f"scipy.linalg.{function} of an array with {a.ndim} axes", "call it for each alone"
        )
    return a


@means("scipy.linalg.block_diag")
def block_diag(*arrs: Any) -> Any:
    blocks = [np.atleast_2d(operand(a)) for a in arrs]
    width, before, rows = sum(a.shape[1] for a in blocks), 0, []
    for a in blocks:
        rows.append(np.pad(a, ((0, 0), (before, width - before - a.shape[1]))))
        before += a.shape[1]
    return np.concatenate(rows)


@means("scipy.linalg.toeplitz")
def toeplitz(c: Any, r: Any = None) -> Any:
    c = _vector(c, "toeplitz")
    r = conjugated(c) if r is None else _vector(r, "toeplitz")
    entries = np.concatenate([c[::-1], r[1:]])
    return entries[len(c) - 1 - np.arange(len(c))[:, None] + np.arange(len(r))]


@means("scipy.linalg.circulant")
def circulant(c: Any) -> Any:
    c = _vector(c, "circulant")
    return c[(np.arange(len(c))[:, None] - np.arange(len(c))) % len(c)]


@means("scipy.linalg.hankel")
def hankel(c: Any, r: Any = None) -> Any:
    c = _vector(c, "hankel")
    r = np.zeros(c.shape, c.dtype) if r is None else _vector(r, "hankel")
    entries = np.concatenate([c, r[1:]])
    return entries[np.arange(len(c))[:, None] + np.arange(len(r))]
