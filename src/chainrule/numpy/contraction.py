"""NumPy's products of arrays, norms, and what they are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.apply import apply, apply_binary
from chainrule.core.array import Array, is_complex
from chainrule.numpy.axes import axes_of, axis_of, operand
from chainrule.numpy.dispatch import implements, refuse, unsupported
from chainrule.numpy.memory import take_view
from chainrule.operations import contraction as rows
from chainrule.operations import norms as norm_rows
from chainrule.operations.decompositions import svdvals
from chainrule.operations.elementwise import conjugated

__all__: list[str] = []


@implements(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    a, b = operand(a), operand(b)
    if a.ndim == 0 or b.ndim == 0:
        return np.multiply(a, b)
    return apply_binary(rows.dot, rows.dot.compute, a, b)


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


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    return rows.kron(operand(a), operand(b))


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
    params = {"subscripts": subscripts, "optimize": optimize}
    if len(arrays) == 1:
        return take_view(rows.einsum, arrays[0], params)  # of a diagonal, say
    return rows.einsum(*arrays, **params)


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


@implements(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None
) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(operand(a), axisa, -1), np.moveaxis(operand(b), axisb, -1)
    lengths = a.shape[-1], b.shape[-1]
    if not {2, 3}.issuperset(lengths):
        raise ValueError("np.cross needs vectors of length 3, or 2")
    if lengths == (2, 2):
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    a, b = (_in_space(x) for x in (a, b))
    a0, a1, a2 = a[..., 0], a[..., 1], a[..., 2]
    b0, b1, b2 = b[..., 0], b[..., 1], b[..., 2]
    parts = [a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0]
    return np.stack(parts, axis=axisc)


def _in_space(x: Any) -> Any:
    """Give a vector of the plane its third entry, which is 0."""
    return x if x.shape[-1] == 3 else np.concatenate([x, np.zeros_like(x[..., :1])], axis=-1)


@implements(np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    x1, x2 = np.moveaxis(operand(x1), axis, -1), np.moveaxis(operand(x2), axis, -1)
    return np.sum(np.multiply(conjugated(x1), x2), axis=-1)


# Norms.

#: The norms of a matrix that are made of its singular values.
_OF_SINGULAR_VALUES: dict[Any, Any] = {2: np.max, -2: np.min, "nuc": np.sum}


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    x = operand(x)
    if axis is None and (ord is not None and x.ndim > 2):
        raise ValueError("Improper number of dimensions to norm.")
    if isinstance(ord, (tuple, list)):
        return NotImplemented
    if type(ord) is Array:
        raise unsupported("np.linalg.norm by its order", "write np.sum(abs(x) ** p) ** (1 / p)")
    axes = axes_of(axis, x)
    if ord in _OF_SINGULAR_VALUES and len(axes or x.shape) == 2:
        s = svdvals(np.moveaxis(x, axes or (0, 1), (-2, -1)))
        result = _OF_SINGULAR_VALUES[ord](s, axis=-1)
        return np.expand_dims(result, axes or (0, 1)) if keepdims else result
    params = {"ord": ord, "axis": axes, "keepdims": keepdims}
    x = abs(x) if is_complex(x) else x
    return apply(norm_rows.norm, norm_rows.norm.compute, (x,), params)
