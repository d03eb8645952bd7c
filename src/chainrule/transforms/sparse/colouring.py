"""Colouring: which columns of a sparse matrix can be found together, in one product.

Columns of one colour share no row, so the product of the matrix with the sum of their unit vectors
holds the entries of each (A. R. Curtis, M. J. D. Powell and J. K. Reid, "On the estimation of
sparse Jacobian matrices", 1974). Of a symmetric matrix an entry is found twice, at [i, j] and at
[j, i], and one of both is enough: a star colouring (T. F. Coleman and J. J. Moré, "Estimation of
sparse Hessian matrices and graph coloring problems", 1984).

Both are greedy. The colours that are taken are the bits of an int for each row, so that the work is
one step for each entry of the matrix, in plain Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Colouring", "columns_apart", "stars"]

Integers: TypeAlias = NDArray[Any]


class Colouring(NamedTuple):
    """A colour for each column, 0, 1, 2 ..., and how many there are."""

    colours: Integers
    number: int


def columns_apart(starts: Integers, rows: Integers, count: int) -> Colouring:
    """Colour columns so that those of one colour have no row in common.

    Args:
        starts: where each column begins in rows, and at last where the last one ends.
        rows: the rows of the entries of each column, one column after the other.
        count: the number of rows.
    """
    fewest = int(np.bincount(rows, minlength=1).max(initial=0))  # all columns of a row differ
    if fewest == len(starts) - 1:  # there is a full row
        return Colouring(np.arange(fewest), fewest)
    regular = _repeating(starts, rows, count, fewest)
    if regular is not None and regular.number <= fewest:
        return regular

    def greedy(order: Sequence[int]) -> list[int]:
        taken = [0] * count
        colours = [0] * (len(starts) - 1)
        for column, own in _columns(starts, rows, order):
            forbidden = 0
            for row in own:
                forbidden |= taken[row]
            bit = ~forbidden & (forbidden + 1)
            for row in own:
                taken[row] |= bit
            colours[column] = bit.bit_length() - 1
        return colours

    return _fewer(_best(greedy, starts, fewest), regular)


def stars(starts: Integers, neighbours: Integers) -> Colouring:
    """Colour the columns of a symmetric matrix so that each entry is found at [i, j] or at [j, i].

    Neighbours, two columns with an entry in the row of each other, have different colours. Two
    columns of one colour may have a neighbour in common, if its colour is less (M. J. D. Powell and
    P. L. Toint, "On the estimation of sparse Hessian matrices", 1979): so no path of four has two
    colours alone.

    Args:
        starts: where each column begins in neighbours, and at last where the last one ends.
        neighbours: the rows of the entries of each column; whether it is its own does not matter.
    """

    def greedy(order: Sequence[int]) -> list[int]:
        around = [0] * (len(starts) - 1)  # the colours of each column's neighbours
        below: list[int | None] = [None] * len(around)  # of a coloured column: the lesser colours
        colours = [0] * len(around)
        for column, own in _columns(starts, neighbours, order):
            forbidden = 0
            for other in own:
                lesser = below[other]
                if lesser is None:
                    forbidden |= around[other]
                else:
                    forbidden |= lesser + 1 | (around[other] & lesser)
            bit = ~forbidden & (forbidden + 1)
            for other in own:
                around[other] |= bit
            below[column] = bit - 1
            colours[column] = bit.bit_length() - 1
        return colours

    fewest = int(np.diff(starts).max(initial=0))  # of those that repeat
    regular = _repeating(starts, neighbours, len(starts) - 1, fewest)
    return _fewer(_best(greedy, starts, 2), regular)


def _columns(
    starts: Integers, rows: Integers, order: Sequence[int]
) -> Iterator[tuple[int, list[int]]]:
    """Yield columns, each with its rows."""
    bounds, entries = starts.tolist(), rows.tolist()
    for column in order:
        yield column, entries[bounds[column] : bounds[column + 1]]


#: How many entries are visited to find fewer colours: about a tenth of a second.
_EFFORT = 500_000


def _best(greedy: Callable[[Sequence[int]], list[int]], starts: Integers, fewest: int) -> Colouring:
    """Colour columns in several orders; return what has the fewest colours.

    First as they come, and the fullest ones first. Then one colour of the best after the other, the
    last first, which takes no more colours and often fewer (J. C. Culberson and F. Luo, "Exploring
    the k-colorable landscape with iterated greedy", 1996).
    """
    lengths = np.diff(starts)
    orders: list[Any] = [range(len(lengths))]
    if len(lengths) and lengths.max() > lengths.min():
        orders.insert(0, np.argsort(-lengths, kind="stable").tolist())
    best = min((_numbered(greedy(order)) for order in orders), key=lambda x: x.number)
    for _ in range(min(_EFFORT // (int(starts[-1]) + 1), 8)):
        if best.number <= fewest:
            break
        again = _numbered(greedy(np.argsort(-best.colours, kind="stable").tolist()))
        if again.number > best.number:
            break
        best = again
    return best


def _numbered(colours: Sequence[int]) -> Colouring:
    made = np.array(colours, np.intp)
    return Colouring(made, int(made.max(initial=-1)) + 1)


#: How many numbers of colours more than the fewest are tried for a regular matrix.
_TRIED = 8


def _fewer(greedy: Colouring, regular: Colouring | None) -> Colouring:
    return greedy if regular is None or greedy.number < regular.number else regular


def _repeating(starts: Integers, rows: Integers, count: int, fewest: int) -> Colouring | None:
    """Return colours that repeat, 0, 1 ... n - 1, 0, 1 ..., for the least n that a colouring has.

    A band has them, and a stencil on a grid (D. Goldfarb and P. L. Toint, "Optimal estimation of
    Jacobian and Hessian matrices that arise in finite difference calculations", 1984).
    """
    columns = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    for n in range(fewest, fewest + 1 + _TRIED):
        if n * count > 8 * len(rows) + 64:  # the table would be larger than the matrix
            break
        if n and np.bincount(rows * n + columns % n).max(initial=0) <= 1:
            return Colouring(np.arange(len(starts) - 1) % n, min(n, len(starts) - 1))
    return None
