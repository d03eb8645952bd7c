"""Operations that pick entries out and put entries in, and `sort`.

An index has a fixed part and arrays. The fixed part, ``index``, is an int, a slice, or a tuple of
ints, slices, None and Ellipsis in which `SLOT` stands for each array. The arrays (integers, masks)
are operands without a derivative: so a mask that was computed from an input stays a part of the
graph.

Where entries tie in `sort`, the order of a stable sort decides which of them gets which gradient.
Where `set_at` writes an entry twice, the last value wins, as in NumPy, and it alone gets the
gradient.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import Array, shape_of, value_of
from chainrule.core.batching import along
from chainrule.core.dependence import Dependence, Numbered, Pairs, along_axes, numbers, rearranged
from chainrule.core.kinds import constant, general, linear, sum_to
from chainrule.core.operation import Operation
from chainrule.operations.batched_indexing import adding, picking, picking_along, taking, writing
from chainrule.operations.elementwise import clip, equal, remainder, where
from chainrule.operations.slot import SLOT


def index_parts(index: Any) -> tuple[Any, ...]:
    """Return what stands between the commas of an index."""
    return index if isinstance(index, tuple) else (index,)


def split_index(index: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """Split what stands between brackets into its fixed part and its arrays.

    >>> split_index((0, [2, 1], slice(None)))
    ((0, SLOT, slice(None, None, None)), [array([2, 1])])
    """
    if type(index) is slice:
        return (_fixed_slice(index),), []
    template: list[Any] = []
    arrays: list[Any] = []
    for part in index if type(index) is tuple else (index,):
        if type(part) is int or part is None or part is Ellipsis:
            template.append(part)
        elif type(part) is slice:
            template.append(_fixed_slice(part))
        elif type(part) is Array or type(part) is np.ndarray:
            template.append(SLOT)
            arrays.append(part)
        elif isinstance(part, (bool, np.bool_)) or not hasattr(part, "__index__"):
            template.append(SLOT)
            array = np.asarray(part)
            arrays.append(array if array.size else array.astype(_index_type(array)))
        else:
            template.append(operator.index(part))
    return tuple(template), arrays


def _index_type(array: np.ndarray[Any, Any]) -> Any:
    return array.dtype if array.dtype.kind in "biu" else np.intp  # [] picks nothing


def _fixed_slice(part: slice) -> slice:
    bounds = (part.start, part.stop, part.step)
    for bound in bounds:
        if bound is not None and type(bound) is not int:
            break
    else:
        return part
    return slice(*(None if b is None else operator.index(b) for b in bounds))


def join_index(index: Any, arrays: Sequence[Any]) -> Any:
    """Put the arrays of an index back into their slots."""
    if not arrays:
        return index
    rest = iter(arrays)
    return tuple([next(rest) if part is SLOT else part for part in index])


# Reading and writing.


def _getitem(x: Any, *arrays: Any, index: Any) -> Any:
    x = np.float64(x) if type(x) is float else x  # such as the tangent of a number
    return x[join_index(index, arrays) if arrays else index]


def _scatter_add(g: Any, *arrays: Any, index: Any, shape: tuple[int, ...]) -> Any:
    buffer = np.zeros(shape, np.asarray(g).dtype)
    _accumulate(buffer, g, *arrays, index=index)
    return buffer


def _set_at(x: Any, v: Any, *arrays: Any, index: Any) -> Any:
    x = np.array(x)
    x[join_index(index, arrays)] = v
    return x


def _clear(buffer: np.ndarray[Any, Any], *arrays: Any, index: Any) -> None:
    buffer[join_index(index, arrays)] = 0


def _accumulate(buffer: np.ndarray[Any, Any], g: Any, *arrays: Any, index: Any) -> None:
    """Add g to the entries of a buffer, to an entry that is named twice both times."""
    if not arrays:
        buffer[index] += g
        return
    place = join_index(index, arrays)
    if not _may_repeat(arrays):
        buffer[place] += g
        return
    depth = len(index)
    leading = builtins.all(part is SLOT or type(part) is int for part in index)
    integers = builtins.all(a.dtype.kind in "iu" for a in arrays)
    if not (leading and buffer.flags.c_contiguous and integers):
        np.add.at(buffer, place, g)
        return
    # Positions in the flat buffer: np.add.at is several times faster with one axis.
    rows = np.zeros((), np.intp)
    for part, length in zip(place, buffer.shape, strict=False):
        rows = rows * length + np.where(np.less(part, 0), np.add(part, length), part)
    width = math.prod(buffer.shape[depth:])
    positions = rows.reshape(-1, 1) * width + np.arange(width)
    np.add.at(buffer.reshape(-1), positions.reshape(-1), np.reshape(g, -1))


def _may_repeat(arrays: Iterable[Any]) -> bool:
    return builtins.any(np.ndim(a) > 0 and a.dtype.kind in "iu" for a in arrays)


def _written_value(g: Any, x: Any, v: Any, *arrays: Any, index: Any) -> Any:
    plain = type(g) is np.ndarray and not arrays  # then a call of an operation takes longest
    piece = g[index] if plain else getitem(g, *arrays, index=index)
    values = [value_of(a) for a in arrays]
    if values and _may_repeat(values):
        # Number the places, write the numbers, and see which of them are still there.
        numbers = np.arange(math.prod(shape_of(piece))).reshape(shape_of(piece))
        written = set_at(np.zeros(shape_of(x), np.intp), numbers, *arrays, index=index)
        survives = equal(getitem(written, *arrays, index=index), numbers)
        if type(survives) is Array or not survives.all():
            piece = where(survives, piece, 0.0)
    missing = len(shape_of(v)) - len(shape_of(piece))
    if missing > 0:  # NumPy lets the value have axes of length 1 in front
        piece = getitem(piece, index=(*(None,) * missing, Ellipsis))
    return sum_to(piece, v)


def _scatter_dependence(
    row: Any, k: int, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
) -> Dependence:
    g, *arrays = operands
    places = _getitem(numbers(params["shape"]), *arrays, index=params["index"])
    if np.shape(places) == shape_of(g):
        return Numbered(None, np.asarray(places))
    spread = np.broadcast_to(numbers(shape_of(g)), np.shape(places))
    return Pairs(np.ravel(places), spread.ravel())


getitem = linear(
    "getitem",
    _getitem,
    pullback=lambda g, x, *arrays, index: scatter_add(g, *arrays, index=index, shape=shape_of(x)),
    scatter=_accumulate,
    glyph="[ ]",
    moves=True,
    view=True,
    shaped_by="masks",
    dtypes="fc",
    batch=picking,
)
scatter_add: Operation = linear(
    "scatter_add",
    _scatter_add,
    pullback=lambda g, x, *arrays, index, shape: getitem(g, *arrays, index=index),
    shape=lambda g, *arrays, index, shape: shape,
    same_dtype=True,
    dtypes="fc",
    by_parts=True,
    depends=_scatter_dependence,
    batch=adding,
)
set_at: Operation = linear(
    "set_at",
    _set_at,
    pullback=(
        lambda g, x, v, *arrays, index: set_at(g, 0.0, *arrays, index=index),
        _written_value,
    ),
    clear=_clear,
    shape=lambda x, v, *arrays, index: x,
    same_dtype=True,
    dtypes="fc",
    by_parts=True,
    depends=rearranged,
    batch=writing,
)

# Along one axis.


def _whole(axis: int) -> Iterator[slice]:
    return (slice(None) for _ in range(axis))


def _taken(indices: Any, length: int, mode: str) -> Any:
    """Return the indices that `take` means."""
    if mode == "clip":
        return clip(indices, 0, length - 1)
    return remainder(indices, length) if mode == "wrap" else indices


def _take_pullback(g: Any, x: Any, indices: Any, axis: int, mode: str = "raise") -> Any:
    shape = shape_of(x)
    rows = _taken(indices, shape[axis], mode)
    return scatter_add(g, rows, index=(*_whole(axis), SLOT), shape=shape)


def _take_scatter(
    buffer: np.ndarray[Any, Any], g: Any, indices: Any, axis: int, mode: str = "raise"
) -> None:
    rows = np.asarray(_taken(indices, buffer.shape[axis], mode))
    _accumulate(buffer, g, rows, index=(*_whole(axis), SLOT))


def _grid(shape: tuple[int, ...], indices: Any, axis: int) -> Iterator[Any]:
    """Yield index arrays, one per axis, that read ``take_along_axis(x, indices)``."""
    for k, length in enumerate(shape):
        if k == axis:
            yield indices
        else:
            yield np.arange(length).reshape([-1 if j == k else 1 for j in range(len(shape))])


def _along_axis_pullback(g: Any, x: Any, indices: Any, axis: int) -> Any:
    shape = shape_of(x)
    slots = (SLOT,) * len(shape)
    return scatter_add(g, *_grid(shape, indices, axis), index=slots, shape=shape)


def _along_axis_scatter(buffer: np.ndarray[Any, Any], g: Any, indices: Any, axis: int) -> None:
    grid = np.broadcast_arrays(*_grid(buffer.shape, indices, axis))
    _accumulate(buffer, g, *grid, index=(SLOT,) * buffer.ndim)


take = linear(
    "take",
    lambda x, indices, axis, mode="raise": np.take(x, indices, axis=axis, mode=mode),
    pullback=_take_pullback,
    scatter=_take_scatter,
    moves=True,
    dtypes="fc",
    batch=taking(getitem),
)
take_along_axis = linear(
    "take_along_axis",
    lambda x, indices, axis: np.take_along_axis(x, indices, axis),
    pullback=_along_axis_pullback,
    scatter=_along_axis_scatter,
    moves=True,
    dtypes="fc",
    batch=picking_along,
)

# Order.

argsort = constant(
    "argsort",
    lambda x, axis=-1, kind="stable": np.argsort(x, axis=axis, kind=kind),
    batch=along("axis", axis=-1),
)
searchsorted = constant("searchsorted", lambda a, v, side="left": np.searchsorted(a, v, side))
sort = general(
    "sort",
    lambda x, axis: np.sort(x, axis=axis),
    # The permutation that undoes the sorting is the order of the order.
    pullback=lambda g, x, y, axis: take_along_axis(
        g, argsort(argsort(x, axis=axis), axis=axis), axis=axis
    ),
    pushforward=lambda tangents, x, y, axis: take_along_axis(
        tangents[0], argsort(x, axis=axis), axis=axis
    ),
    kinked=True,
    dtypes="fc",  # NumPy orders complex numbers by their real parts, then by the imaginary ones
    depends=along_axes(),
    batch=along("axis"),
)
