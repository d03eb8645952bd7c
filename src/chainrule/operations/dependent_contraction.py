"""Which entries of a product depend on which of a factor: those with the same free indices.

Every product is written in Einstein's notation. See `chainrule.core.dependence`.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.dependence import Dependence, Numbered, Pairs, by_letters
from chainrule.operations.batched_contraction import spelled_out

__all__ = ["of_dot", "of_einsum", "of_inner", "of_kron", "of_matmul", "of_outer", "of_tensordot"]


def of_einsum(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    """Serve `einsum`."""
    shapes = [shape_of(x) for x in operands]
    terms, letters = spelled_out(params["subscripts"], shapes)
    return by_letters(terms[k], letters, shapes[k], shape_of(output))


def of_matmul(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    """Serve ``@``: vectors have one axis, and axes in front of matrices broadcast."""
    other = operands[1 - k]
    if isinstance(other, np.ndarray) and other.ndim == 2 and len(shape_of(operands[k])) <= 2:
        return _with_zeros(k, shape_of(operands[k]), other)
    m, n = (len(shape_of(x)) for x in operands)
    batch = string.ascii_lowercase[: max(m, n, 2) - 2][::-1]  # the last one is called a
    in_a, in_b = "XZ"[-m:], "ZY"[:n]
    terms = batch[len(batch) - max(m - 2, 0) :] + in_a, batch[len(batch) - max(n - 2, 0) :] + in_b
    letters = batch + "X" * (m > 1) + "Y" * (n > 1)
    return by_letters(terms[k], letters, shape_of(operands[k]), shape_of(output))


def _with_zeros(k: int, shape: tuple[int, ...], factor: np.ndarray[Any, Any]) -> Dependence:
    """Serve a vector or matrix that is multiplied with a matrix of which the entries are known."""
    rows, columns = np.nonzero(factor)
    if k == 1:  # each column by itself
        apart = np.arange(shape[1] if len(shape) == 2 else 1)
        result = np.add.outer(rows * len(apart), apart)
        operand = np.add.outer(columns * len(apart), apart)
    else:  # each row by itself
        apart = np.arange(shape[0] if len(shape) == 2 else 1)
        result = np.add.outer(apart * factor.shape[1], columns)
        operand = np.add.outer(apart * factor.shape[0], rows)
    return Pairs(result.ravel(), operand.ravel())


def of_dot(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    """Serve `dot`."""
    if all(0 < len(shape_of(x)) <= 2 for x in operands):
        return of_matmul(row, k, operands, output, params)
    m, n = (len(shape_of(x)) for x in operands)
    contracted = ((m - 1,), (max(n - 2, 0),)) if m and n else ((), ())
    return _contracted(k, operands, output, *contracted)


def of_inner(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    """Serve `inner`."""
    m, n = (len(shape_of(x)) for x in operands)
    contracted = ((m - 1,), (n - 1,)) if m and n else ((), ())
    return _contracted(k, operands, output, *contracted)


def of_tensordot(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    """Serve `tensordot`."""
    return _contracted(k, operands, output, *params["axes"])


def _contracted(
    k: int, operands: Sequence[Any], output: Any, in_a: Sequence[int], in_b: Sequence[int]
) -> Dependence:
    unused = iter(string.ascii_letters)
    of_a, of_b = ([next(unused) for _ in shape_of(x)] for x in operands)
    letters = [x for j, x in enumerate(of_a) if j not in in_a]
    letters += [x for j, x in enumerate(of_b) if j not in in_b]
    for i, j in zip(in_a, in_b, strict=True):
        of_b[j] = of_a[i]
    term = "".join((of_a, of_b)[k])
    return by_letters(term, "".join(letters), shape_of(operands[k]), shape_of(output))


def of_outer(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    """Serve `outer`, which takes its operands as flat."""
    rows, columns = shape_of(output)
    return by_letters("ab"[k], "ab", ((rows,), (columns,))[k], (rows, columns))


def of_kron(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    """Serve `kron`: each axis of the result is one of a and, within, one of b."""
    shapes = [shape_of(x) for x in operands]
    ndim = max(map(len, shapes))
    (a, b) = ((1,) * (ndim - len(shape)) + shape for shape in shapes)
    letters = string.ascii_letters[: 2 * ndim]
    apart = tuple(n for pair in zip(a, b, strict=True) for n in pair)
    found = by_letters(letters[k::2], letters, (a, b)[k], apart)
    assert isinstance(found, Numbered)
    return found
