"""A plan: how the entries of a sparse Jacobian are found, for one pattern.

It says which columns (or rows) are found together, and where each entry lies in what is found: the
compressed matrix, with a row for each colour. It is made once for a pattern; what is left for each
call is one pass for all colours, and one gather.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.core.array import Array
from chainrule.operations.indexing import getitem
from chainrule.operations.shape import reshape
from chainrule.operations.slot import SLOT
from chainrule.transforms.jacobians import Mode
from chainrule.transforms.sparse.colouring import Colouring, columns_apart, stars
from chainrule.transforms.sparse.index_sets import IndexSets

__all__ = ["Block", "Plan", "Wanted", "planned"]

Integers: TypeAlias = NDArray[Any]


class Wanted(NamedTuple):
    """What is wanted of a derivative.

    Attributes:
        mode: pushforwards, pullbacks, or what takes fewer colours.
        symmetric: it is a Hessian, whose inputs are its outputs, too.
        entries: the entries, and not their pattern alone.
    """

    mode: Mode = "auto"
    symmetric: bool = False
    entries: bool = True


@dataclass(frozen=True)
class Block:
    """The derivative of one output by one input.

    Attributes:
        shape: the sizes of both.
        starts: where each row begins in columns, and at last where the last one ends.
        columns: the columns of the entries, row by row.
        source: which of the arrays that are found they lie in.
        places: where they lie in it, flat; None if one after the other.
    """

    shape: tuple[int, int]
    starts: Integers
    columns: Integers
    source: int
    places: Integers | None

    @cached_property
    def rows(self) -> Integers:
        """The rows of the entries."""
        return np.repeat(np.arange(self.shape[0]), np.diff(self.starts))

    @cached_property
    def _model(self) -> Any:
        from scipy.sparse import csr_array

        data = np.zeros(len(self.columns))
        made = csr_array((data, self.columns, self.starts), shape=self.shape)
        made.has_canonical_format = True
        return made

    def entries(self, found: Sequence[Any]) -> Any:
        """Return the entries, of the arrays that a pass has found; None where all are zero."""
        array = found[self.source]
        if array is None or not len(self.columns):
            return None
        if type(array) is Array:
            flat = array if len(array.shape) == 1 else reshape(array, shape=(array.size,))
            return flat if self.places is None else getitem(flat, self.places, index=(SLOT,))
        flat = np.asarray(array).reshape(-1)
        return flat if self.places is None else flat[self.places]

    def zeros(self, dtype: Any) -> NDArray[Any]:
        """Return an entry of 0 for each of the pattern."""
        return np.zeros(len(self.columns), dtype)

    def matrix(self, data: Any) -> Any:
        """Return the sparse matrix with these entries, and its own copy of the pattern."""
        made = copy.copy(self._model)  # what its constructor would check is known
        made.data = data
        made.indices = made.indices.copy()
        made.indptr = made.indptr.copy()
        return made


@dataclass(frozen=True)
class Plan:
    """How all entries are found.

    Attributes:
        forward: whether columns are found together, by pushforwards, or rows, by pullbacks.
        count: the number of colours.
        seeds: for each input (output, if it is not forward) the seeds of all colours; none if there
            are no colours.
        joined: whether what is found lies in one array, for all outputs side by side.
        blocks: one for each output and input.
    """

    forward: bool
    count: int
    seeds: list[NDArray[Any]]
    joined: bool
    blocks: list[list[Block]]


def planned(
    sets: Sequence[IndexSets], inputs: Sequence[Any], outputs: Sequence[Any], wanted: Wanted
) -> Plan:
    """Make a plan.

    Args:
        sets: for each output what its entries depend on, among the entries of all inputs.
        inputs: arrays or numbers of their shapes and dtypes.
        outputs: likewise.
        wanted: what is wanted.
    """
    ends_in, ends_out = (np.cumsum([0, *map(np.size, x)]) for x in (inputs, outputs))
    pattern = _pattern(sets, ends_in[-1])
    if not wanted.entries:
        forward, colouring = True, Colouring(np.zeros(ends_in[-1], np.intp), 0)
    elif wanted.symmetric:
        pattern = (pattern + pattern.T).tocsr()
        pattern.sort_indices()
        forward, colouring = True, stars(pattern.indptr, pattern.indices)
    else:
        forward, colouring = _coloured(pattern, wanted.mode)
    starts, ends = (inputs, ends_in) if forward else (outputs, ends_out)
    seeds = _seeds(colouring, starts, ends) if colouring.number else []
    # Each entry is found by a column (or row), and then lies in a row (or column).
    by = pattern.indices if forward else _rows(pattern)
    at = _rows(pattern) if forward else pattern.indices
    if wanted.symmetric and wanted.entries:
        by, at = _found_once(colouring, by, at)
    joined = wanted.symmetric and len(inputs) > 1
    lengths = ends_out[-1:] if joined else np.diff(ends_out if forward else ends_in)
    blocks: list[list[Block]] = []
    for o, (top, bottom) in enumerate(pairwise(ends_out.tolist())):
        rows = slice(pattern.indptr[top], pattern.indptr[bottom])
        counts = np.diff(pattern.indptr[top : bottom + 1])
        blocks.append([])
        for x, (left, right) in enumerate(pairwise(ends_in.tolist())):
            columns = pattern.indices[rows]
            chosen = np.arange(rows.start, rows.stop)
            if len(inputs) > 1:
                inside = (columns >= left) & (columns < right)
                chosen, columns = chosen[inside], columns[inside]
                counts = np.bincount(_rows(pattern)[chosen] - top, minlength=bottom - top)
            source = 0 if joined else o if forward else x
            before = 0 if joined else top if forward else left
            places = colouring.colours[by[chosen]] * lengths[source] + at[chosen] - before
            whole = colouring.number * lengths[source]
            in_order = len(places) == whole and np.array_equal(places, np.arange(whole))
            blocks[-1].append(
                Block(
                    (bottom - top, right - left),
                    _starts(counts),
                    (columns - left).astype(_index_type(right - left)),
                    source,
                    None if in_order else places,
                )
            )
    return Plan(forward, colouring.number, seeds, joined, blocks)


def _pattern(sets: Sequence[IndexSets], width: int) -> Any:
    """Return the sets of all outputs as one matrix, a row for each."""
    from scipy.sparse import csr_array

    columns = np.concatenate([s.members for s in sets])
    starts = _starts(np.concatenate([np.diff(s.starts) for s in sets]))
    return csr_array((np.ones(len(columns), bool), columns, starts), (len(starts) - 1, width))


def _rows(pattern: Any) -> Integers:
    return np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))


def _starts(counts: Integers) -> Integers:
    starts = np.concatenate(([0], np.cumsum(counts)))
    return starts.astype(_index_type(starts[-1]))


def _index_type(most: int) -> Any:
    return np.int32 if most < 2**31 else np.int64


def _coloured(pattern: Any, mode: Mode) -> tuple[bool, Colouring]:
    """Colour columns or rows, whichever has fewer colours; tell whether it is columns."""
    across = pattern.T.tocsr()

    def columns() -> Colouring:
        return columns_apart(across.indptr, across.indices, pattern.shape[0])

    def rows() -> Colouring:
        return columns_apart(pattern.indptr, pattern.indices, pattern.shape[1])

    if mode != "auto":
        return (True, columns()) if mode == "forward" else (False, rows())
    # There are no fewer colours than entries in a row, or in a column.
    in_row, in_column = (int(np.diff(x.indptr).max(initial=0)) for x in (pattern, across))
    first, second = (columns, rows) if in_row <= in_column else (rows, columns)
    found = first()
    if found.number > max(in_row, in_column):
        other = second()
        if other.number < found.number:
            return second is columns, other
    return first is columns, found


def _seeds(colouring: Colouring, likes: Sequence[Any], ends: Integers) -> list[NDArray[Any]]:
    """Return for each array the sum of the unit vectors of each colour."""
    seeds = []
    for like, first, last in zip(likes, ends, ends[1:], strict=False):
        dtype = like.dtype if hasattr(like, "dtype") else np.dtype(type(like))
        own = np.zeros((colouring.number, last - first), dtype)
        own[colouring.colours[first:last], np.arange(last - first)] = 1
        seeds.append(own.reshape(colouring.number, *np.shape(like)))
    return seeds


def _found_once(
    colouring: Colouring, columns: Integers, rows: Integers
) -> tuple[Integers, Integers]:
    """Return for each entry of a symmetric matrix by which column it is found, and in which row.

    At [i, j] it is found by itself where no other column of j's colour has an entry in row i. Else
    that is so at [j, i].
    """
    keys = rows * np.intp(colouring.number) + colouring.colours[columns]
    alone = np.bincount(keys, minlength=1)[keys] == 1
    return np.where(alone, columns, rows), np.where(alone, rows, columns)
