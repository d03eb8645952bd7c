"""Batching rules of products: the axis of the examples is one more row, or one more letter.

Where the operands allow it, a batch of products is one product of larger matrices.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import Array, shape_of
from chainrule.core.batching import moved, raised
from chainrule.core.operation import Operation

__all__ = [
    "contracting",
    "flattened",
    "inner_products",
    "kronecker",
    "lettered",
    "multiplying",
    "outer_products",
    "plainly_multiplying",
    "spelled_out",
]


def multiplying(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Mapping[str, Any]
) -> Any:
    """Multiply matrices and vectors, as ``@`` does."""
    (a, b), (many_a, many_b) = operands, batched
    m, n = len(shape_of(a)) - many_a, len(shape_of(b)) - many_b
    if m == n == 1:
        return np.sum(a * b, axis=1) if many_a and many_b else a @ b if many_a else b @ a
    if not many_b and n <= 2:  # the examples are rows like any other
        if m <= 2 and n == 1:
            return a @ b
        rows = shape_of(a)
        product = a.reshape((-1, rows[-1])) @ b if 0 not in rows else a @ b
        return product.reshape((*rows[:-1], *shape_of(b)[1:]))
    if not many_a and m == 2 and n == 1:  # a plain array is better read under its own name
        return b @ a.T if type(a) is Array else np.inner(b, a)
    if m == 1:
        a = a[:, None] if many_a else a[None]
    if n == 1:
        b = b[..., None]
    ndim = max(m, n, 2)
    y = (raised(a, ndim) if many_a else a) @ (raised(b, ndim) if many_b else b)
    return y[..., 0, :] if m == 1 else y[..., 0] if n == 1 else y


def plainly_multiplying(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Mapping[str, Any]
) -> Any:
    """Do what `dot` does: with more than two axes it contracts, and the free ones stay apart."""
    m, n = (len(shape_of(x)) - many for x, many in zip(operands, batched, strict=True))
    if m <= 2 and n <= 2:
        return multiplying(row, batched, operands, params)
    return _contracted(batched, operands, (m - 1,), (max(n - 2, 0),))


def inner_products(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Mapping[str, Any]
) -> Any:
    """Contract the last axes of both."""
    m, n = (len(shape_of(x)) - many for x, many in zip(operands, batched, strict=True))
    return _contracted(batched, operands, (m - 1,), (n - 1,))


def contracting(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Mapping[str, Any]
) -> Any:
    """Contract the axes that are given, as `tensordot` does."""
    return _contracted(batched, operands, *params["axes"])


def _contracted(
    batched: Sequence[bool], operands: Sequence[Any], in_a: Sequence[int], in_b: Sequence[int]
) -> Any:
    (a, b), (many_a, many_b) = operands, batched
    m, n = len(shape_of(a)) - many_a, len(shape_of(b)) - many_b
    if many_a and not many_b:
        return np.tensordot(a, b, ([k + 1 for k in in_a], in_b))
    if many_b and not many_a:
        return moved(np.tensordot(a, b, (in_a, [k + 1 for k in in_b])), m - len(in_a), 0)
    letters = iter(string.ascii_letters)
    many = next(letters)
    of_a = [next(letters) for _ in range(m)]
    of_b = [of_a[in_a[in_b.index(k)]] if k in in_b else next(letters) for k in range(n)]
    free = [x for x in of_a if x not in of_b] + [x for x in of_b if x not in of_a]
    terms = f"{many}{''.join(of_a)},{many}{''.join(of_b)}->{many}{''.join(free)}"
    return np.einsum(terms, a, b)


def flattened(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Mapping[str, Any]
) -> Any:
    """Multiply all entries of a, conjugated, with those of b, as `vdot` does."""
    a, b = _in_rows(batched, operands)
    return (np.conj(a) * b).sum(axis=-1)


def outer_products(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Mapping[str, Any]
) -> Any:
    """Multiply each entry of a with each of b."""
    a, b = _in_rows(batched, operands)
    return a[..., :, None] * b[..., None, :]


def _in_rows(batched: Sequence[bool], operands: Sequence[Any]) -> list[Any]:
    """Give each example one axis."""
    rows = []
    for x, many in zip(operands, batched, strict=True):
        shape = shape_of(x)
        count = int(np.prod(shape[1:] if many else shape))
        rows.append(np.reshape(x, (shape[0], count) if many else (count,)))
    return rows


def kronecker(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Mapping[str, Any]
) -> Any:
    """Multiply each entry of a with all of b, and put the results side by side."""
    shapes = [shape_of(x)[many:] for x, many in zip(operands, batched, strict=True)]
    ndim = max(map(len, shapes))
    shape_a, shape_b = ((1,) * (ndim - len(shape)) + shape for shape in shapes)
    apart_a = [n for length in shape_a for n in (length, 1)]
    apart_b = [n for length in shape_b for n in (1, length)]
    a, b = (
        np.reshape(x, (*shape_of(x)[:many], *apart))
        for x, many, apart in zip(operands, batched, (apart_a, apart_b), strict=True)
    )
    product = a * b
    lengths = (p * q for p, q in zip(shape_a, shape_b, strict=True))
    return product.reshape((shape_of(product)[0], *lengths))


def lettered(
    row: Operation, batched: Sequence[bool], operands: Sequence[Any], params: Mapping[str, Any]
) -> Any:
    """Give the axis of the examples a letter of its own in Einstein's notation."""
    shapes = [shape_of(x)[many:] for x, many in zip(operands, batched, strict=True)]
    terms, output = spelled_out(params["subscripts"], shapes)
    letter = next(x for x in string.ascii_letters if x not in "".join((*terms, output)))
    inputs = [letter * many + term for term, many in zip(terms, batched, strict=True)]
    subscripts = f"{','.join(inputs)}->{letter}{output}"
    return row(*operands, **{**params, "subscripts": subscripts})


def spelled_out(subscripts: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
    """Write each ellipsis as letters of its own; return the operands' letters and the output's."""
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    if "." not in subscripts:
        return terms, output
    widths = [
        len(shape) - len(term.replace("...", "")) if "." in term else 0
        for term, shape in zip(terms, shapes, strict=True)
    ]
    alphabet = (chr(c) for c in [*range(ord("A"), ord("Z") + 1), *range(ord("a"), ord("z") + 1)])
    unused = [letter for letter in alphabet if letter not in subscripts]
    widest = max(widths)
    batch = "".join(unused[:widest])
    expanded = [
        term.replace("...", batch[widest - width :])
        for term, width in zip(terms, widths, strict=True)
    ]
    return expanded, output.replace("...", batch)
