"""Trees of parameters as vectors, for solvers that know nothing else."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import Array, dtype_of, shape_of, value_of
from chainrule.numpy.creation import asarray, restack

__all__ = ["Unravel", "ravel"]


def ravel(tree: Any) -> tuple[Any, Unravel]:
    """Return a vector of all entries of a tree, and the function that makes a tree of a vector.

    Args:
        tree: numbers and arrays in tuples, lists, dicts (by sorted keys) and dataclasses.

    Returns:
        ``(vector, unravel)``: ``unravel(vector)`` has the structure, shapes and dtypes of the tree.
        Both can be differentiated and compiled.

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
    unravel = Unravel(leaves, build, trees.structure(tree))
    if not leaves:
        return np.array([]), unravel
    return np.concatenate([np.ravel(asarray(leaf)) for leaf in leaves]), unravel


class Unravel:
    """The function that makes a tree of a vector; it never changes, and is equal to its like.

    Attributes:
        size: how many entries the vector has.
        spans: where each leaf begins and ends in it.
        shapes: the shapes of the leaves.
        build: makes a tree of leaves.
        structure: what the tree has besides its leaves.
    """

    # In slots, where nobody changes it, it costs a compiled function nothing to refer to it.
    __slots__ = ("_dtypes", "_numbers", "build", "shapes", "size", "spans", "structure")

    def __init__(
        self, leaves: list[Any], build: Callable[[Iterable[Any]], Any], structure: Any
    ) -> None:
        self.build = build
        self.structure = structure
        self.shapes = tuple(shape_of(leaf) for leaf in leaves)
        ends = (0, *itertools.accumulate(math.prod(shape) for shape in self.shapes))
        self.spans = tuple(itertools.pairwise(ends))
        self.size = ends[-1]
        self._dtypes = tuple(dtype_of(leaf) for leaf in leaves)
        self._numbers = tuple(type(value_of(leaf)) in (float, complex) for leaf in leaves)

    def __call__(self, vector: Any) -> Any:
        """Return a tree of the entries of a vector.

        Raises:
            ValueError: the vector has another number of entries than the tree.
        """
        vector = asarray(vector)
        if vector.shape != (self.size,):
            raise ValueError(
                f"the tree has {self.size} entries, got an array of shape {vector.shape}"
            )
        parts = zip(self.spans, self.shapes, self._dtypes, self._numbers, strict=True)
        return self.build(
            _leaf(vector[start:end].reshape(shape), dtype, number)
            for (start, end), shape, dtype, number in parts
        )

    def _key(self) -> tuple[Any, ...]:
        return self.structure, self.shapes, self._dtypes, self._numbers

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unravel) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


def _leaf(part: Any, dtype: np.dtype[Any], number: bool) -> Any:
    if part.dtype != dtype and dtype.kind in "fc":
        part = (np.real(part) if dtype.kind == "f" else part).astype(dtype)
    if number:
        return part[()] if type(part) is Array else part.item()
    return part
