"""Trees of parameters as vectors, for solvers that know nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import Array, dtype_of, shape_of, value_of
from chainrule.numpy.creation import asarray, restack

__all__ = ["ravel"]


def ravel(tree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Return a vector of all entries of a tree, and the function that makes a tree of a vector.

    Args:
        tree: numbers and arrays in tuples, lists, dicts (by sorted keys) and dataclasses.

    Returns:
        ``(vector, unravel)``: ``unravel(vector)`` has the structure, shapes and dtypes of the tree.
        Both can be differentiated.

    Raises:
        TypeError: a leaf is no number.

    >>> vector, unravel = ravel({"b": 0.5, "w": np.ones((1, 2))})
    >>> vector
    array([0.5, 1. , 1. ])
    >>> unravel(2 * vector)
    {'b': 1.0, 'w': array([[2., 2.]])}
    """
    leaves, build = trees.flatten(tree)
    leaves = [restack(leaf) for leaf in leaves]
    for leaf, path in zip(leaves, trees.paths(tree), strict=True):
        if dtype_of(leaf).kind not in "biufc":
            raise TypeError(f"{path or 'the tree'} is a {type(leaf).__name__}: it needs a number")
    shapes = [shape_of(leaf) for leaf in leaves]
    ends = np.cumsum([math.prod(shape) for shape in shapes], dtype=int)
    dtypes = [dtype_of(leaf) for leaf in leaves]
    numbers = [type(value_of(leaf)) in (float, complex) for leaf in leaves]

    def unravel(vector: Any) -> Any:
        vector = asarray(vector)
        total = int(ends[-1]) if leaves else 0
        if vector.shape != (total,):
            raise ValueError(f"the tree has {total} entries, got an array of shape {vector.shape}")
        parts = []
        for shape, end, dtype, number in zip(shapes, ends, dtypes, numbers, strict=True):
            part = vector[end - math.prod(shape) : end].reshape(shape)
            if part.dtype != dtype and dtype.kind in "fc":
                part = (np.real(part) if dtype.kind == "f" else part).astype(dtype)
            if number:
                part = part[()] if type(part) is Array else part.item()
            parts.append(part)
        return build(parts)

    if not leaves:
        return np.array([]), unravel
    return np.concatenate([np.ravel(asarray(leaf)) for leaf in leaves]), unravel
