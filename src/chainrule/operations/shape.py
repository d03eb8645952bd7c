"""Operations that move entries about: all of them linear, with the reverse move as pullback.

Axes are non-negative ints, or tuples of them where several are meant; shapes hold no -1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.batching import LOOP, along, joined, of_one, raised
from chainrule.core.complex_parts import cartesian, imag
from chainrule.core.dependence import Dependence, Numbered, Pairs, numbers, rearranged
from chainrule.core.kinds import broadcast_to, general, linear, real, sum_to, unbroadcast
from chainrule.core.operation import Operation
from chainrule.operations.indexing import getitem, scatter_add
from chainrule.operations.slot import SLOT

# Axes.


reshape: Operation = linear(
    "reshape",
    lambda x, shape: np.reshape(x, shape),
    pullback=lambda g, x, shape: reshape(g, shape=shape_of(x)),
    moves=True,
    view=True,
    dtypes="fc",
    batch=of_one(lambda row, x, shape: row(x, shape=(shape_of(x)[0], *shape))),
)


def inverse_permutation(axes: Sequence[int]) -> tuple[int, ...]:
    """Return the permutation that undoes another one."""
    inverse = [0] * len(axes)
    for k, axis in enumerate(axes):
        inverse[axis] = k
    return tuple(inverse)


def _batched_transpose(row: Operation, x: Any, axes: Sequence[int] | None = None) -> Any:
    if axes is None:
        axes = range(len(shape_of(x)) - 1)[::-1]
    return row(x, axes=(0, *(k + 1 for k in axes)))


transpose: Operation = linear(
    "transpose",
    lambda x, axes=None: np.transpose(x, axes),
    pullback=lambda g, x, axes=None: transpose(
        g, axes=None if axes is None else inverse_permutation(axes)
    ),
    glyph=".T",
    moves=True,
    view=True,
    dtypes="fc",
    batch=of_one(_batched_transpose),
)
swapaxes: Operation = linear(
    "swapaxes",
    lambda x, axis1, axis2: np.swapaxes(x, axis1, axis2),
    pullback=lambda g, x, axis1, axis2: swapaxes(g, axis1=axis1, axis2=axis2),
    moves=True,
    view=True,
    dtypes="fc",
    batch=along("axis1", "axis2"),
)
expand_dims = linear(
    "expand_dims",
    lambda x, axis: np.expand_dims(x, axis),
    pullback=lambda g, x, axis: squeeze(g, axis=axis),
    glyph="[None]",
    moves=True,
    view=True,
    dtypes="fc",
    batch=along("axis"),
)
squeeze: Operation = linear(
    "squeeze",
    lambda x, axis: np.squeeze(x, axis),
    pullback=lambda g, x, axis: expand_dims(g, axis=axis),
    moves=True,
    view=True,
    dtypes="fc",
    batch=along("axis"),
)

# Joining and repeating.


def _concatenate_pullback(k: int, g: Any, xs: Sequence[Any], axis: int) -> Any:
    start = 0
    for x in xs[:k]:
        start += shape_of(x)[axis]
    piece = slice(start, start + shape_of(xs[k])[axis])
    return getitem(g, index=(slice(None),) * axis + (piece,))


def _concatenated(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    axis = params["axis"]
    start = sum(shape_of(x)[axis] for x in operands[:k])
    piece = slice(start, start + shape_of(operands[k])[axis])
    places = numbers(shape_of(output))[(slice(None),) * axis + (piece,)]
    return Pairs(places.ravel(), np.arange(places.size))


def _stacked(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    places = numbers(shape_of(output))[(slice(None),) * params["axis"] + (k,)]
    return Pairs(places.ravel(), np.arange(places.size))


concatenate = linear(
    "concatenate",
    lambda *xs, axis: np.concatenate(xs, axis=axis),
    pullback=_concatenate_pullback,
    variadic=True,
    dtypes="fc",
    by_parts=True,
    depends=_concatenated,
    batch=joined,
)
stack = linear(
    "stack",
    lambda *xs, axis: np.stack(xs, axis=axis),
    pullback=lambda k, g, xs, axis: getitem(g, index=(slice(None),) * axis + (k,)),
    variadic=True,
    dtypes="fc",
    by_parts=True,
    depends=_stacked,
    batch=joined,
)


def _tile_pullback(g: Any, x: Any, reps: tuple[int, ...]) -> Any:
    shape = shape_of(x)
    ndim = max(len(shape), len(reps))
    lengths = (1,) * (ndim - len(shape)) + shape
    reps = (1,) * (ndim - len(reps)) + reps
    # One axis over the copies in front of each axis of x.
    split = tuple(n for pair in zip(reps, lengths, strict=True) for n in pair)
    once = tuple(n for length in lengths for n in (1, length))
    return reshape(unbroadcast(reshape(g, shape=split), shape=once), shape=shape)


def _repeat_pullback(g: Any, x: Any, repeats: Any, axis: int) -> Any:
    shape = shape_of(x)
    n = shape[axis]
    if np.ndim(repeats) == 0:
        split = (*shape[:axis], n, int(repeats), *shape[axis + 1 :])
        once = (*shape[:axis], n, 1, *shape[axis + 1 :])
        return reshape(unbroadcast(reshape(g, shape=split), shape=once), shape=shape)
    origin = np.repeat(np.arange(n), repeats)
    return scatter_add(g, origin, index=(slice(None),) * axis + (SLOT,), shape=shape)


def _batched_tile(row: Operation, x: Any, reps: tuple[int, ...]) -> Any:
    x = raised(x, len(reps))
    return row(x, reps=(1,) * (len(shape_of(x)) - len(reps)) + reps)


tile = linear(
    "tile",
    lambda x, reps: np.tile(x, reps),
    pullback=_tile_pullback,
    moves=True,
    dtypes="fc",
    batch=of_one(_batched_tile),
)
repeat = linear(
    "repeat",
    lambda x, repeats, axis: np.repeat(x, repeats, axis),
    pullback=_repeat_pullback,
    moves=True,
    dtypes="fc",
    batch=along("axis"),
)

# Flipping, rolling, padding.


def _minus(shift: Any) -> Any:
    return tuple(-s for s in shift) if isinstance(shift, tuple) else -shift


flip: Operation = linear(
    "flip",
    lambda x, axis=None: np.flip(x, axis),
    pullback=lambda g, x, axis=None: flip(g, axis=axis),
    moves=True,
    view=True,
    dtypes="fc",
    batch=along("axis", axis=None),
)
roll: Operation = linear(
    "roll",
    lambda x, shift, axis: np.roll(x, shift, axis),
    pullback=lambda g, x, shift, axis: roll(g, shift=_minus(shift), axis=axis),
    moves=True,
    dtypes="fc",
    batch=along("axis"),
)

#: The modes of `pad`; but for the first one, every entry is one of x's.
PADDINGS = ("constant", "edge", "reflect", "symmetric", "wrap")


def _pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    if mode == "constant":
        return np.pad(x, pad_width, constant_values=constant_values)
    return np.pad(x, pad_width, mode)  # type: ignore[call-overload]


def _pad_pullback(
    g: Any, x: Any, y: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0
) -> Any:
    shape = shape_of(x)
    if mode == "constant":
        middle = (slice(a, a + n) for (a, _), n in zip(pad_width, shape, strict=True))
        return getitem(g, index=tuple(middle))
    # Along each axis alone, entry i of the result is a copy of entry origin[i].
    for axis, (width, n) in enumerate(zip(pad_width, shape, strict=True)):
        origin = np.pad(np.arange(n), width, mode)  # type: ignore[call-overload]
        index = (slice(None),) * axis + (SLOT,)
        before = shape_of(g)
        g = scatter_add(g, origin, index=index, shape=(*before[:axis], n, *before[axis + 1 :]))
    return g


def _batched_pad(row: Operation, x: Any, pad_width: Any, **options: Any) -> Any:
    if np.ndim(options.get("constant_values", 0)):
        return LOOP
    return row(x, pad_width=((0, 0), *pad_width), **options)


def _pad_dependence(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    (x,) = operands
    widths, mode = params["pad_width"], params.get("mode", "constant")
    return Numbered(_pad(numbers(shape_of(x)) + 1, widths, mode) - 1, None)  # 0 is filled in


def _pad_form(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    if mode != "constant" or np.iscomplexobj(constant_values):
        return None
    a = pad(real(x), pad_width=pad_width, mode=mode, constant_values=constant_values)
    return cartesian(a, pad(imag(x), pad_width=pad_width))


pad: Operation = general(
    "pad",
    _pad,
    pullback=_pad_pullback,
    pushforward=lambda tangents, x, y, pad_width, mode="constant", constant_values=0: pad(
        tangents[0], pad_width=pad_width, mode=mode
    ),
    dtypes="fc",
    cartesian=_pad_form,
    depends=_pad_dependence,
    batch=of_one(_batched_pad),
)

# Triangles and diagonals.

# NumPy repeats a vector as the rows of a square before it takes a triangle.


def _batched_triangle(row: Operation, x: Any, k: int = 0) -> Any:
    if len(shape_of(x)) == 2:
        n, width = shape_of(x)
        x = broadcast_to(reshape(x, shape=(n, 1, width)), shape=(n, width, width))
    return row(x, k=k)


tril: Operation = linear(
    "tril",
    lambda x, k=0: np.tril(x, k),
    pullback=lambda g, x, k=0: sum_to(tril(g, k=k), x),
    dtypes="fc",
    by_parts=True,
    depends=rearranged,
    batch=of_one(_batched_triangle),
)
triu: Operation = linear(
    "triu",
    lambda x, k=0: np.triu(x, k),
    pullback=lambda g, x, k=0: sum_to(triu(g, k=k), x),
    dtypes="fc",
    by_parts=True,
    depends=rearranged,
    batch=of_one(_batched_triangle),
)


def _embed_diagonal(
    g: Any, shape: tuple[int, ...], offset: int = 0, axis1: int = 0, axis2: int = 1
) -> Any:
    out = np.zeros(shape, np.asarray(g).dtype)
    rows = np.arange(shape_of(g)[-1]) + max(-offset, 0)
    np.moveaxis(out, (axis1, axis2), (-2, -1))[..., rows, rows + offset] = g
    return out


def _diag_pullback(g: Any, x: Any, k: int = 0) -> Any:
    shape = shape_of(x)
    return diag(g, k=k) if len(shape) == 1 else embed_diagonal(g, shape=shape, offset=k)


def _trace_pullback(g: Any, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    shape = shape_of(x)
    rows = np.arange(shape[axis1])[:, None]
    on_diagonal = rows + offset == np.arange(shape[axis2])
    places = [k in (axis1, axis2) for k in range(len(shape))]
    mask = on_diagonal if axis1 < axis2 else on_diagonal.T
    mask = mask.reshape([n if place else 1 for n, place in zip(shape, places, strict=True)])
    g = expand_dims(g, axis=tuple(k for k, place in enumerate(places) if place))
    return g * mask


def _trace_dependence(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    shape = shape_of(operands[0])
    operand = np.full(math.prod(shape), -1)
    places = np.diagonal(numbers(shape), **params)
    operand[places] = numbers(shape_of(output))[..., None]
    return Numbered(None, operand)


_ALONG_BOTH = along("axis1", "axis2", axis1=0, axis2=1)


def _batched_embedding(
    row: Operation, g: Any, shape: Any, offset: int = 0, axis1: int = 0, axis2: int = 1
) -> Any:
    shape = (shape_of(g)[0], *shape)
    return row(g, shape=shape, offset=offset, axis1=axis1 + 1, axis2=axis2 + 1)


def _batched_diag(row: Operation, x: Any, k: int = 0) -> Any:
    n, *shape = shape_of(x)
    if len(shape) == 2:
        return diagonal(x, offset=k, axis1=1, axis2=2)
    length = shape[0] + abs(k)
    return embed_diagonal(x, shape=(n, length, length), offset=k, axis1=1, axis2=2)


diagonal = linear(
    "diagonal",
    lambda x, offset=0, axis1=0, axis2=1: np.diagonal(x, offset, axis1, axis2),
    pullback=lambda g, x, offset=0, axis1=0, axis2=1: embed_diagonal(
        g, shape=shape_of(x), offset=offset, axis1=axis1, axis2=axis2
    ),
    moves=True,
    view=True,
    dtypes="fc",
    batch=_ALONG_BOTH,
)
embed_diagonal: Operation = linear(
    "embed_diagonal",
    _embed_diagonal,
    pullback=lambda g, x, shape, offset=0, axis1=0, axis2=1: diagonal(
        g, offset=offset, axis1=axis1, axis2=axis2
    ),
    dtypes="fc",
    by_parts=True,
    depends=rearranged,
    batch=of_one(_batched_embedding),
)
diag: Operation = linear(
    "diag",
    lambda x, k=0: np.diag(x, k),
    pullback=_diag_pullback,
    view=True,
    dtypes="fc",
    by_parts=True,
    depends=rearranged,
    batch=of_one(_batched_diag),
)
trace = linear(
    "trace",
    lambda x, offset=0, axis1=0, axis2=1: np.trace(x, offset, axis1, axis2),
    pullback=_trace_pullback,
    dtypes="fc",
    by_parts=True,
    depends=_trace_dependence,
    batch=_ALONG_BOTH,
)
