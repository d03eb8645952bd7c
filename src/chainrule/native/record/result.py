"""The result of a recorded run: compared with the function's own, given its types, put together."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.array import dtype_of, shape_of, value_of
from chainrule.core.kinds import astype, identity
from chainrule.core.placeholder import Placeholder
from chainrule.graph.graph import Apply, Vertex
from chainrule.native.entry.layout import Structure
from chainrule.transforms.sparse.entries import SparseEntries

__all__ = [
    "assembler",
    "close",
    "close_where_finite",
    "conformed",
    "finishing",
    "flatten",
    "typed",
]

_ndarray = np.ndarray


def flatten(result: Any) -> tuple[list[Any], Callable[[Iterable[Any]], Any]]:
    """Flatten a result as `chainrule.trees` does; the one leaf of a sparse matrix is its entries.

    Of recorded entries with their pattern, SciPy's matrix is made where others, which are not
    recorded, are put in their place.
    """
    leaves, build = trees.flatten(result)
    if not any(map(_is_sparse, leaves)):
        return leaves, build

    def built(entries: Iterable[Any]) -> Any:
        pairs = zip(leaves, entries, strict=True)
        return build([_with_entries(leaf, x) if _is_sparse(leaf) else x for leaf, x in pairs])

    return [leaf.data if _is_sparse(leaf) else leaf for leaf in leaves], built


def conformed(expected: Any, recorded: Sequence[Any]) -> Any:
    """Return a result in which sparse matrices have the patterns that were recorded.

    Recorded code may find another one than plain code that NumPy itself runs in another way, as
    the products of an array of objects: no entry that is not 0 is beyond either.

    Args:
        expected: what the function returned.
        recorded: the leaves of what it returned when it was recorded.

    Raises:
        ValueError: an entry is.
    """
    leaves, build = trees.flatten(expected)
    if not any(type(leaf) is SparseEntries for leaf in recorded) or len(leaves) != len(recorded):
        return expected
    made = [
        right if type(leaf) is not SparseEntries or not _is_sparse(right) else leaf.holding(right)
        for leaf, right in zip(recorded, leaves, strict=True)
    ]
    if any(x is None and right is not None for x, right in zip(made, leaves, strict=True)):
        raise ValueError("a sparse matrix has an entry that was not recorded")
    return build(made)


def finishing(expected: Any, build: Callable[[Iterable[Any]], Any]) -> Callable[[Any], Any] | None:
    """Return what puts sparse matrices in the place of their entries; None if there are none.

    Args:
        expected: a result.
        build: what `flatten` gives with its leaves.
    """
    leaves, _ = trees.flatten(expected)
    if not any(map(_is_sparse, leaves)):
        return None
    if leaves[0] is expected:
        return lambda entries: _with_entries(expected, entries)
    return lambda result: build(trees.flatten(result)[0])


def _is_sparse(leaf: Any) -> bool:
    """Tell a sparse matrix, recorded or not."""
    if type(leaf) is SparseEntries:
        return True
    scipy = sys.modules.get("scipy.sparse")
    return scipy is not None and type(leaf) in (scipy.csr_array, scipy.csc_array)


def _with_entries(leaf: Any, entries: Any) -> Any:
    made = copy.copy(leaf)
    made.data = entries
    if type(leaf) is not SparseEntries:
        made.indices, made.indptr = made.indices.copy(), made.indptr.copy()
    return made


def typed(vertex: Vertex, right: Any) -> Vertex:
    """Give an output the type that the function itself returns."""
    if type(right) in (int, bool):
        right = np.asarray(right)[()]
    dtype = dtype_of(right)
    if vertex.dtype != dtype:
        value = Placeholder(vertex.shape, dtype) if vertex.shape else dtype.type(0)
        vertex = Apply(astype, (vertex,), {"dtype": dtype}, value)
    if isinstance(right, _ndarray):
        right = Placeholder(right.shape, dtype)
    return vertex if type(vertex.value) is type(right) else Apply(identity, (vertex,), {}, right)


_ROUNDED = 1e-5  # the least size of numbers that a result is a sum of, which may cancel


def close(leaf: Any, right: Any) -> bool:
    """Tell whether two runs gave the same, up to rounding."""
    value = value_of(leaf)
    if not isinstance(right, (_ndarray, np.generic, int, float, complex)):
        return type(value) is type(right) and bool(value == right)
    if not isinstance(value, (_ndarray, np.generic, int, float, complex)):
        return False
    if shape_of(value) != shape_of(right):
        return False
    dtype = dtype_of(right)
    tolerance = 1e-2 if dtype.itemsize < 4 else 1e-4 if dtype.itemsize < 8 else 1e-7
    if dtype.kind == "f" and dtype_of(value).kind == "f" and np.size(right):
        with np.errstate(all="ignore"):  # the quick way, if all is finite
            if _largest(np.subtract(value, right)) <= tolerance * _largest(right) < np.inf:
                return True
    if np.array_equal(value, right):
        return True
    if dtype.kind not in "fc":
        return False
    finite = np.abs(np.where(np.isfinite(right), right, 0))
    scale = float(np.max(finite, initial=_ROUNDED))
    return bool(np.allclose(value, right, tolerance, tolerance * scale, equal_nan=True))


def _largest(x: Any) -> Any:
    """Return the largest absolute value, or NaN."""
    return np.maximum(np.max(x), -np.min(x))


def close_where_finite(leaf: Any, right: Any) -> bool:
    """Tell whether two results are the same wherever the second is finite."""
    if _is_finite(right):
        return close(leaf, right)
    if np.shape(leaf) != np.shape(right):
        return False
    finite = np.isfinite(right)
    return close(np.where(finite, leaf, 0.0), np.where(finite, right, 0.0))


def _is_finite(leaf: Any) -> bool:
    value = value_of(leaf)
    if not isinstance(value, (_ndarray, np.generic, float)) or dtype_of(value).kind not in "fc":
        return True
    return bool(np.all(np.isfinite(value)))


def assembler(
    structure: Structure | None, build: Callable[[Iterable[Any]], Any], parts: Sequence[Any]
) -> Callable[[Sequence[Any]], Any]:
    """Return the function that makes the result of the outputs."""
    if structure == 0:
        return lambda outputs: outputs[0]
    if isinstance(structure, tuple) and structure == tuple(range(len(structure))):
        return tuple
    if all(type(part) is tuple and part[1] is None for part in parts):
        return build

    def assembled(outputs: Sequence[Any]) -> Any:
        return build([_part(part, outputs) for part in parts])

    return assembled


def _part(part: Any, outputs: Sequence[Any]) -> Any:
    if type(part) is tuple:  # no leaf of a tree is a tuple
        at, kind = part
        return outputs[at] if kind is None else kind(outputs[at])
    return np.array(part) if type(part) is _ndarray else part
