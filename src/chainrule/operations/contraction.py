"""Sums of products: matmul, einsum, tensordot and their relatives.

Each is linear in every operand alone, and its pullback is a contraction again. The rules are the
ones that a person derives: for matrices ``g @ b.T`` and ``a.T @ g``.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.kinds import broadcast_to, linear, sum_to
from chainrule.core.operation import Operation
from chainrule.operations.batched_contraction import (
    contracting,
    flattened,
    inner_products,
    kronecker,
    lettered,
    multiplying,
    outer_products,
    plainly_multiplying,
    spelled_out,
)
from chainrule.operations.dependent_contraction import (
    of_dot,
    of_einsum,
    of_inner,
    of_kron,
    of_matmul,
    of_outer,
    of_tensordot,
)
from chainrule.operations.elementwise import conjugated
from chainrule.operations.indexing import set_at
from chainrule.operations.shape import (
    expand_dims,
    inverse_permutation,
    reshape,
    squeeze,
    swapaxes,
    transpose,
)
from chainrule.operations.slot import SLOT

Shape: TypeAlias = "tuple[int, ...]"
Axes: TypeAlias = "tuple[tuple[int, ...], tuple[int, ...]]"

# Products of matrices and vectors.


def _matmul_left(g: Any, a: Any, b: Any) -> Any:
    m, n = a.ndim, b.ndim
    if n == 2:
        # Matrix, vector or batch of matrices, times a matrix.
        return b @ g if m == 1 else g @ b.T
    if n == 1:
        return g * b if m == 1 else expand_dims(g, axis=(m - 1,)) * b
    if m == 1:
        product = b @ expand_dims(g, axis=(n - 1,))
        return sum_to(squeeze(product, axis=(n - 1,)), a)
    return sum_to(g @ swapaxes(b, axis1=n - 2, axis2=n - 1), a)


def _matmul_right(g: Any, a: Any, b: Any) -> Any:
    m, n = a.ndim, b.ndim
    if m == 2 and n <= 2:
        return a.T @ g
    if m == 1:
        if n == 1:
            return g * a
        if n == 2:
            return outer(a, g)
        return sum_to(expand_dims(a, axis=(1,)) * expand_dims(g, axis=(n - 2,)), b)
    if n <= 2:
        # The batch axes are rows like any other.
        rows = math.prod(a.shape[:-1])
        flat = (rows,) if n == 1 else (rows, b.shape[1])
        return reshape(a, shape=(rows, a.shape[-1])).T @ reshape(g, shape=flat)
    return sum_to(swapaxes(a, axis1=m - 2, axis2=m - 1) @ g, b)


def _matmul_shape(a: Shape, b: Shape) -> Shape:
    if a[-1] != b[-2:][0]:
        raise ValueError(f"{a} and {b} do not fit")
    return np.broadcast_shapes(a[:-2], b[:-2]) + a[-2:-1] + b[-1:] * (len(b) > 1)


matmul = linear(
    "matmul",
    operator.matmul,
    pullback=(_matmul_left, _matmul_right),
    multilinear=True,
    shape=_matmul_shape,
    symbol="@",
    dtypes="fc",
    by_parts=True,
    depends=of_matmul,
    annihilates=True,
    batch=multiplying,
)
outer = linear(
    "outer",
    np.outer,
    pullback=(lambda g, a, b: g @ b, lambda g, a, b: a @ g),
    multilinear=True,
    shape=lambda a, b: (math.prod(a), math.prod(b)),
    dtypes="fc",
    by_parts=True,
    depends=of_outer,
    batch=outer_products,
)
vdot = linear(
    "vdot",
    np.vdot,
    pullback=(
        lambda g, a, b: conjugated(reshape(g * b, shape=shape_of(a))),
        lambda g, a, b: reshape(g * conjugated(a), shape=shape_of(b)),
    ),
    multilinear=True,
    dtypes="fc",
    cartesian=lambda a, b: dot(reshape(conjugated(a), shape=(-1,)), reshape(b, shape=(-1,))),
    batch=flattened,
)

# Contractions of chosen axes. What the result consists of: the free axes of a, then those of b.


def _free(ndim: int, contracted: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(k for k in range(ndim) if k not in contracted)


def _contract_left(g: Any, a: Any, b: Any, axes: Axes) -> Any:
    """Pull back to a: contract the free axes of b, and move those that are left into place."""
    in_a, in_b = axes
    free_a, free_b = _free(len(shape_of(a)), in_a), _free(len(shape_of(b)), in_b)
    in_g = tuple(range(len(free_a), len(free_a) + len(free_b)))
    found = tensordot(g, b, axes=(in_g, free_b)) if shape_of(g) else g * b
    partners = tuple(in_a[in_b.index(k)] for k in sorted(in_b))
    return _ordered(found, free_a + partners)


def _contract_right(g: Any, a: Any, b: Any, axes: Axes) -> Any:
    in_a, in_b = axes
    free_a, free_b = _free(len(shape_of(a)), in_a), _free(len(shape_of(b)), in_b)
    in_g = tuple(range(len(free_a)))
    found = tensordot(a, g, axes=(free_a, in_g)) if shape_of(g) else g * a
    partners = tuple(in_b[in_a.index(k)] for k in sorted(in_a))
    return _ordered(found, partners + free_b)


def _ordered(x: Any, places: tuple[int, ...]) -> Any:
    """Move axis k of x to ``places[k]``."""
    if places == tuple(range(len(places))):
        return x
    return transpose(x, axes=inverse_permutation(places))


def _dot_axes(a: Any, b: Any) -> Axes:
    m, n = len(shape_of(a)), len(shape_of(b))
    return (m - 1,), (max(n - 2, 0),)


def _inner_axes(a: Any, b: Any) -> Axes:
    return (len(shape_of(a)) - 1,), (len(shape_of(b)) - 1,)


def _is_plain_matmul(a: Any, b: Any) -> bool:
    return len(shape_of(a)) <= 2 and len(shape_of(b)) <= 2


tensordot = linear(
    "tensordot",
    lambda a, b, axes: np.tensordot(a, b, axes),
    pullback=(_contract_left, _contract_right),
    multilinear=True,
    dtypes="fc",
    by_parts=True,
    depends=of_tensordot,
    batch=contracting,
)
dot: Operation = linear(
    "dot",
    np.dot,
    pullback=(
        lambda g, a, b: (
            _matmul_left(g, a, b)
            if _is_plain_matmul(a, b)
            else _contract_left(g, a, b, _dot_axes(a, b))
        ),
        lambda g, a, b: (
            _matmul_right(g, a, b)
            if _is_plain_matmul(a, b)
            else _contract_right(g, a, b, _dot_axes(a, b))
        ),
    ),
    multilinear=True,
    dtypes="fc",
    by_parts=True,
    depends=of_dot,
    annihilates=True,
    batch=plainly_multiplying,
)
inner = linear(
    "inner",
    np.inner,
    pullback=(
        lambda g, a, b: _contract_left(g, a, b, _inner_axes(a, b)),
        lambda g, a, b: _contract_right(g, a, b, _inner_axes(a, b)),
    ),
    multilinear=True,
    dtypes="fc",
    by_parts=True,
    depends=of_inner,
    batch=inner_products,
)


def _kron_pullback(g: Any, a: Any, b: Any, left: bool) -> Any:
    """Split each axis of g into the one of a and the one of b, and contract the other's."""
    ndim = len(shape_of(g))
    one, other = (a, b) if left else (b, a)
    in_a = (1,) * (ndim - len(shape_of(a))) + shape_of(a)
    in_b = (1,) * (ndim - len(shape_of(b))) + shape_of(b)
    g = reshape(g, shape=tuple(n for pair in zip(in_a, in_b, strict=True) for n in pair))
    other = reshape(other, shape=in_b if left else in_a)
    others = tuple(range(1 if left else 0, 2 * ndim, 2))
    return reshape(tensordot(g, other, axes=(others, tuple(range(ndim)))), shape=shape_of(one))


kron = linear(
    "kron",
    np.kron,
    pullback=(
        lambda g, a, b: _kron_pullback(g, a, b, left=True),
        lambda g, a, b: _kron_pullback(g, a, b, left=False),
    ),
    multilinear=True,
    dtypes="fc",
    by_parts=True,
    depends=of_kron,
    batch=kronecker,
)

# Einstein's notation.


def _einsum_pullback(
    k: int, g: Any, xs: Sequence[Any], subscripts: str, optimize: Any = False
) -> Any:
    shapes = [shape_of(x) for x in xs]
    terms, output = spelled_out(subscripts, shapes)
    shape = shapes[k]
    mine = "".join(dict.fromkeys(terms[k]))  # each letter once
    lengths = dict(zip(terms[k], shape, strict=True))
    others = [x for j, x in enumerate(xs) if j != k]
    labels = [term for j, term in enumerate(terms) if j != k]
    known = set(output).union(*labels)
    # A letter of length 1 here may be longer elsewhere: sum it there.
    longest = _lengths([*labels, output], [*(shape_of(x) for x in others), shape_of(g)])
    summed = {i for i in mine if lengths[i] == 1 and longest.get(i, 1) != 1}
    found = "".join(i for i in mine if i in known and i not in summed)
    g = _product([g, *others], [output, *labels], found, optimize)
    # A letter that stands in this operand alone was summed: its gradient is the same throughout.
    absent = tuple(axis for axis, i in enumerate(mine) if i not in found)
    if absent:
        g = expand_dims(g, axis=absent)
    unique = tuple(lengths[i] for i in mine)
    if shape_of(g) != unique:
        g = broadcast_to(g, shape=unique)
    if mine == terms[k]:
        return g
    # A letter that repeats in this operand reads a diagonal: the rest has gradient 0.
    grid = (np.arange(lengths[i]).reshape([-1 if j == i else 1 for j in mine]) for i in terms[k])
    zeros = np.zeros(shape, g.dtype if hasattr(g, "dtype") else float)
    return set_at(zeros, g, *grid, index=(SLOT,) * len(shape))


def _product(xs: list[Any], terms: list[str], output: str, optimize: Any) -> Any:
    """Return an einsum with its numbers as factors: ``g * x``, not ``einsum(",i->i", g, x)``."""
    factor = [x for x, term in zip(xs, terms, strict=True) if not term]
    xs = [x for x, term in zip(xs, terms, strict=True) if term]
    terms = [term for term in terms if term]
    if terms == [output]:
        factor += xs
    elif terms:
        factor.append(einsum(*xs, subscripts=",".join(terms) + "->" + output, optimize=optimize))
    return functools.reduce(operator.mul, factor)


def _lengths(terms: list[str], shapes: list[tuple[int, ...]]) -> dict[str, int]:
    lengths: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        for letter, n in zip(term, shape, strict=True):
            if lengths.get(letter, 1) == 1:
                lengths[letter] = n
    return lengths


def _einsum_shape(*shapes: Shape, subscripts: str, optimize: Any = False) -> Shape:
    terms, output = spelled_out(subscripts, list(shapes))
    lengths = _lengths(terms, list(shapes))
    for term, shape in zip(terms, shapes, strict=True):
        if any(n not in (1, lengths[letter]) for letter, n in zip(term, shape, strict=True)):
            raise ValueError(f"{shapes} do not fit {subscripts}")
    return tuple(lengths[letter] for letter in output)


def _einsum(*xs: Any, subscripts: str, optimize: Any = False) -> Any:
    return np.einsum(subscripts, *xs, optimize=optimize)[()]


einsum = linear(
    "einsum",
    _einsum,
    pullback=_einsum_pullback,
    multilinear=True,
    variadic=True,
    view=True,  # of one operand, whose axes it permutes
    shape=_einsum_shape,
    dtypes="fc",
    by_parts=True,
    depends=of_einsum,
    batch=lettered,
)
