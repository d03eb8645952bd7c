"""NumPy's products of arrays, norms, and what they are made of."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from chainrule.core.apply import apply
from chainrule.core.array import Array, is_complex
from chainrule.numpy.axes import axes_of, axis_of, operand
from chainrule.numpy.dispatch import implements, refuse, unsupported
from chainrule.operations import contraction as rows
from chainrule.operations import linalg as linalg_rows
from chainrule.operations.decompositions import svdvals
from chainrule.operations.elementwise import conjugated

__all__: list[str] = []


@implements(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    a, b = operand(a), operand(b)
    if a.ndim == 0 or b.ndim == 0:
        return np.multiply(a, b)
    return apply(rows.dot, rows.dot.compute, (a, b))


@implements(np.linalg.matmul)
def matmul(x1: Any, x2: Any, /) -> Any:
    return apply(rows.matmul, np.matmul, (x1, x2))


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    a, b = np.ravel(operand(a)), np.ravel(operand(b))
    return rows.vdot(a, b)


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    a, b = operand(a), operand(b)
    if a.ndim == 0 or b.ndim == 0:
        return np.multiply(a, b)
    return rows.inner(a, b)


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    return rows.outer(np.ravel(operand(a)), np.ravel(operand(b)))


@implements(np.linalg.outer)
def vector_outer(x1: Any, x2: Any, /) -> Any:
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(
            f"Input arrays must be one-dimensional, but they are {np.ndim(x1)} and {np.ndim(x2)}"
        )
    return outer(x1, x2)


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    return rows.kron(operand(a), operand(b))


@implements(np.linalg.tensordot)
def linalg_tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return tensordot(x1, x2, axes)


@implements(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = operand(a), operand(b)
    if isinstance(axes, (tuple, list)):
        first, second = axes
    else:
        first, second = range(a.ndim - int(axes), a.ndim), range(int(axes))
    ours = tuple(axis_of(k, a.ndim) for k in np.atleast_1d(first))
    theirs = tuple(axis_of(k, b.ndim) for k in np.atleast_1d(second))
    return rows.tensordot(a, b, axes=(ours, theirs))


@implements(np.einsum)
def einsum(*operands: Any, out: Any = None, optimize: Any = False, **kwargs: Any) -> Any:
    refuse("einsum", **kwargs)
    subscripts, arrays = _subscripts(operands)
    arrays = [operand(a) for a in arrays]
    if "->" not in subscripts:
        subscripts = f"{subscripts}->{_implied_output(subscripts)}"
    return rows.einsum(*arrays, subscripts=subscripts, optimize=optimize)


def _subscripts(operands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """Read either spelling: ``("ij,jk->ik", a, b)`` or ``(a, [0, 1], b, [1, 2], [0, 2])``."""
    if isinstance(operands[0], str):
        return operands[0].replace(" ", ""), list(operands[1:])

    def letters(labels: Any) -> str:
        return "".join("..." if k is Ellipsis else _letter(int(k)) for k in labels)

    pairs = len(operands) // 2
    arrays = list(operands[0 : 2 * pairs : 2])
    subscripts = ",".join(letters(labels) for labels in operands[1 : 2 * pairs : 2])
    if len(operands) % 2:
        subscripts += "->" + letters(operands[-1])
    return subscripts, arrays


def _letter(k: int) -> str:
    return chr(ord("A") + k) if k < 26 else chr(ord("a") + k - 26)


def _implied_output(subscripts: str) -> str:
    letters = subscripts.replace("...", "").replace(",", "")
    once = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    return ("..." if "..." in subscripts else "") + once


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Any, *, out: Any = None) -> Any:
    """Multiply in the order that costs least, found by dynamic programming over the chain."""
    chain = [operand(a) for a in arrays]
    if len(chain) < 2:
        raise ValueError("Expecting at least two arrays.")
    first, last = chain[0].ndim == 1, chain[-1].ndim == 1
    chain[0], chain[-1] = np.atleast_2d(chain[0]), chain[-1].reshape(-1, 1) if last else chain[-1]
    edges = [a.shape[0] for a in chain] + [chain[-1].shape[1]]

    @functools.cache
    def cheapest(i: int, j: int) -> tuple[int, int]:
        """Return the cost of the product of chain[i:j+1], and the best place to cut it."""
        if i == j:
            return 0, i
        return min(
            (cheapest(i, k)[0] + cheapest(k + 1, j)[0] + edges[i] * edges[k + 1] * edges[j + 1], k)
            for k in range(i, j)
        )

    def product(i: int, j: int) -> Any:
        if i == j:
            return chain[i]
        cut = cheapest(i, j)[1]
        return product(i, cut) @ product(cut + 1, j)

    result = product(0, len(chain) - 1)
    shape = (() if first else result.shape[:1]) + (() if last else result.shape[1:])
    return result.reshape(shape) if first or last else result


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    a = operand(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    if n < 0:
        return np.linalg.matrix_power(np.linalg.inv(a), -n)
    if n == 0:
        return np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    result = None
    square = a
    while n:  # one bit of the exponent at a time
        if n & 1:
            result = square if result is None else result @ square
        n >>= 1
        if n:
            square = square @ square
    return result


@implements(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None
) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(operand(a), axisa, -1), np.moveaxis(operand(b), axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ValueError("np.cross needs vectors of length 3")
    a0, a1, a2 = a[..., 0], a[..., 1], a[..., 2]
    b0, b1, b2 = b[..., 0], b[..., 1], b[..., 2]
    parts = [a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0]
    return np.stack(parts, axis=axisc)


@implements(np.linalg.cross)
def vector_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return cross(x1, x2, axis=axis)


@implements(np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return np.sum(np.multiply(conjugated(operand(x1)), x2), axis=axis)


# Norms.

#: The norms of a matrix that are made of its singular values.
_OF_SINGULAR_VALUES: dict[Any, Any] = {2: np.max, -2: np.min, "nuc": np.sum}


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    x = operand(x)
    if axis is None and (ord is not None and x.ndim > 2):
        raise ValueError("Improper number of dimensions to norm.")
    if type(ord) is Array:
        raise unsupported("np.linalg.norm by its order", "write np.sum(abs(x) ** p) ** (1 / p)")
    axes = axes_of(axis, x)
    if ord in _OF_SINGULAR_VALUES and len(axes or x.shape) == 2:
        s = svdvals(np.moveaxis(x, axes or (0, 1), (-2, -1)))
        result = _OF_SINGULAR_VALUES[ord](s, axis=-1)
        return np.expand_dims(result, axes or (0, 1)) if keepdims else result
    params = {"ord": ord, "axis": axes, "keepdims": keepdims}
    x = abs(x) if is_complex(x) else x
    return apply(linalg_rows.norm, linalg_rows.norm.compute, (x,), params)


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    x = operand(x)
    if axis is None:
        flat = norm(np.ravel(x), ord, 0)
        return np.reshape(flat, (1,) * x.ndim) if keepdims else flat
    axes = axes_of(axis, x) or ()
    if len(axes) > 1:
        # Several axes are one long vector.
        moved = np.moveaxis(x, axes, tuple(range(-len(axes), 0)))
        kept = moved.shape[: x.ndim - len(axes)]
        flat = norm(np.reshape(moved, (*kept, math.prod(moved.shape[len(kept) :]))), ord, -1)
        shape = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
        return np.reshape(flat, shape) if keepdims else flat
    return norm(x, ord, axes, keepdims)


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return norm(x, ord, (-2, -1), keepdims)
