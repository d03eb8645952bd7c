"""Which entries of a result depend on which entries of an operand: the patterns of Jacobians.

This is a fact about an operation, and holds for all values of its operands, besides those that say
which entries are meant: indices. A rule, ``depends`` in a row, is

    ``(row, k, operands, output, params) -> Numbered | Pairs``

for operand k. Of operands and output it may use the shapes. It is given the values of integers that
have no derivative; and for a row that ``annihilates``, of a constant factor of which most entries
are 0, an array of booleans that says which are not. A row without a rule is known by what else it
says: it is entrywise, moves entries, or reduces along axes. Of anything else each entry of the
result depends on all of the operand's: too much is slow, too little would be wrong.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.core.array import shape_of
from chainrule.core.operation import Operation

__all__ = [
    "Dependence",
    "Numbered",
    "Pairs",
    "along_axes",
    "by_letters",
    "dependence",
    "in_matrices",
    "numbers",
    "rearranged",
    "whole",
]

Integers: TypeAlias = NDArray[np.intp]
Shape: TypeAlias = tuple[int, ...]


class Numbered(NamedTuple):
    """An entry of the result depends on the entries of the operand that have the same number.

    What has a negative number depends on nothing. None numbers entries 0, 1, 2 ... as they lie in
    the flat array.
    """

    result: Integers | None
    operand: Integers | None


class Pairs(NamedTuple):
    """Entry ``result[p]`` depends on entry ``operand[p]``, each of the flat array."""

    result: Integers
    operand: Integers


Dependence: TypeAlias = Numbered | Pairs
_Rule: TypeAlias = Callable[[Any, int, Sequence[Any], Any, Mapping[str, Any]], Dependence]


def dependence(
    row: Operation, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    """Return which entries of a result depend on which of operand k."""
    if row.depends is not None:
        rule: _Rule = row.depends
        return rule(row, k, operands, output, params)
    if row.entrywise:
        return _broadcasting(row, k, operands, output, params)
    if row.moves and k == 0:
        moved = row.compute(numbers(shape_of(operands[0])), *operands[1:], **params)
        return Numbered(np.asarray(moved), None)
    if row.reduces and "shape" not in params:
        return _along_all(row, k, operands, output, params)
    return whole(row, k, operands, output, params)


def numbers(shape: Shape) -> Integers:
    """Return a read-only array of a shape in which the entries are numbered as they lie."""
    return _small_numbers(shape) if math.prod(shape) < _SMALL else _numbers(shape)


def _numbers(shape: Shape) -> Integers:
    made = np.arange(math.prod(shape)).reshape(shape)
    made.setflags(write=False)
    return made


#: Entries up to which arrays are kept: a loop asks for the same one in each turn.
_SMALL = 2**16
_small_numbers = functools.lru_cache(8)(_numbers)


# Rules that many rows have in common.


def whole(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    """Say that each entry of the result depends on all of the operand."""
    count, size = math.prod(shape_of(output)), math.prod(shape_of(operands[k]))
    return Numbered(np.zeros(count, np.intp), np.zeros(size, np.intp))


def _broadcasting(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    shape, wide = shape_of(operands[k]), shape_of(output)
    return Numbered(None if shape == wide else np.broadcast_to(numbers(shape), wide), None)


def along_axes(default: Any = None) -> _Rule:
    """Return the rule of what mixes entries along the axes that ``axis`` says, all if None.

    These axes may vanish from the result, or have another length there.
    """

    def rule(
        row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
    ) -> Dependence:
        shape, result = shape_of(operands[k]), shape_of(output)
        given = params.get("axis", default)
        if given is None:
            given = tuple(range(len(shape)))
        axes = given if isinstance(given, tuple) else (given,)
        mixed = {axis % len(shape) for axis in axes} if shape else set()
        once = numbers(tuple(1 if axis in mixed else n for axis, n in enumerate(shape)))
        operand = np.broadcast_to(once, shape)
        if len(result) != len(shape):  # the axes have vanished
            once = once.reshape(tuple(n for axis, n in enumerate(shape) if axis not in mixed))
        return Numbered(np.broadcast_to(once, result), operand)

    return rule


_along_all = along_axes()


def rearranged(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    """Serve what puts each entry of the result where one of an operand, or a constant, was.

    It is seen by doing that to numbers: those of operand k from 1 on, 0 for all others.
    """
    numbered = [
        np.zeros(shape_of(x), np.intp) if row.flows(j) else x for j, x in enumerate(operands)
    ]
    numbered[k] = numbers(shape_of(operands[k])) + 1
    return Numbered(np.asarray(row.compute(*numbered, **params)) - 1, None)


def in_matrices(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    """Serve what is computed of matrices in the last two axes; the axes in front are a batch."""
    shape, result = shape_of(operands[k]), shape_of(output)
    batch = shape[:-2]
    once = numbers(batch)
    if result[: len(batch)] != batch:
        return whole(row, k, operands, output, params)
    return Numbered(_beside(once, result), _beside(once, shape))


def _beside(leading: Integers, shape: Shape) -> Integers:
    """Repeat an array over the axes that come after its own."""
    missing = len(shape) - leading.ndim
    return np.broadcast_to(leading.reshape(leading.shape + (1,) * missing), shape)


def by_letters(term: str, output: str, shape: Shape, result: Shape) -> Dependence:
    """Return the dependence of a product in Einstein's notation.

    Args:
        term: a letter for each axis of the operand.
        output: a letter for each axis of the result.
        shape: that of the operand.
        result: that of the result.
    """
    lengths = dict(zip(output, result, strict=True))
    shared: dict[str, int] = {}  # the numbers' steps, for letters that both have
    step = 1
    for letter, n in zip(term, shape, strict=True):
        alike = all(m == n for other, m in zip(term, shape, strict=True) if other == letter)
        if letter not in shared and alike and lengths.get(letter) == n:
            shared[letter] = step
            step *= n
    operand = np.zeros(shape, np.intp)
    for axis, letter in enumerate(term):
        place = _coordinate(axis, shape)
        first = term.index(letter)
        if first < axis and shape[first] == shape[axis]:  # it reads the diagonal
            operand[np.broadcast_to(place != _coordinate(first, shape), shape)] = -1
        elif letter in shared:
            operand = np.where(operand < 0, -1, operand + place * shared[letter])
    numbered = np.zeros(result, np.intp)
    for axis, letter in enumerate(output):
        if letter in shared:
            numbered = numbered + _coordinate(axis, result) * shared[letter]
    return Numbered(numbered, operand)


def _coordinate(axis: int, shape: Shape) -> Integers:
    return np.arange(shape[axis]).reshape([-1 if k == axis else 1 for k in range(len(shape))])
