"""Matrices of which one triangle is read: is the other one its mirror image?"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from chainrule.core.array import value_of
from chainrule.core.source import stack_level
from chainrule.errors import NotHermitianWarning

__all__ = ["look_at_triangles"]

_SMALL = 1e-3


def look_at_triangles(a: Any, function: str, lower: bool) -> None:
    """Warn where the triangle that a function does not read says something else.

    A triangle of zeros says nothing: somebody has left it empty, because it is not read. Nor does
    what is small beside the largest entry: rounding, and the steps of finite differences.
    """
    x = value_of(a)
    if np.ndim(x) < 2 or np.shape(x)[-1] != np.shape(x)[-2] or not np.size(x):
        return  # which the function itself refuses
    mirrored = np.swapaxes(np.conjugate(x), -1, -2)
    if np.array_equal(x, mirrored):
        return
    unread = np.triu(x, 1) if lower else np.tril(x, -1)
    if not np.any(unread):
        return
    with np.errstate(invalid="ignore"):
        differences = np.abs(x - mirrored)
    largest, size = np.max(differences), np.max(np.abs(x))
    if not largest > _SMALL * size:  # NaN is another matter
        return
    i, j = np.unravel_index(np.argmax(differences), differences.shape)[-2:]
    kind, mirror = ("Hermitian", "a.conj().T") if x.dtype.kind == "c" else ("symmetric", "a.T")
    read, other, only = ("lower", "upper", "tril") if lower else ("upper", "lower", "triu")
    warnings.warn(
        f"{function} reads the {read} triangle of a matrix alone, and the {other} one is not its "
        f"mirror image: a[{i}, {j}] and a[{j}, {i}] differ by {largest:.3g}. So value and gradient "
        f"are those of the {read} triangle. Write (a + {mirror}) / 2 for a {kind} matrix, or "
        f"np.{only}(a) if the {other} triangle does not matter.",
        NotHermitianWarning,
        stacklevel=stack_level(),
    )
