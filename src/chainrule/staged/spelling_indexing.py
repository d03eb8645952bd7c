"""How indexing is written in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.graph.graph import Apply, Constant, Vertex
from chainrule.operations import indexing
from chainrule.operations.slot import SLOT
from chainrule.staged.speller import Speller, Spellings
from chainrule.staged.text import Text, atom, call, literal, subscript

__all__ = ["INDEXING", "index_text"]

INDEXING = Spellings()


def index_text(speller: Speller, index: Any, arrays: Sequence[Vertex], ndim: int) -> str:
    """Write an index into so many axes as it stands between brackets."""
    rest = iter(arrays)
    parts = indexing.index_parts(_without_ellipsis(index, ndim))
    texts = [_array(speller, next(rest)) if part is SLOT else _part(part) for part in parts]
    return ", ".join(texts) if len(texts) != 0 else "()"


def _array(speller: Speller, array: Vertex) -> str:
    is_constant = isinstance(array, Constant) and array not in speller.names
    return (speller.constants.index(array.value) if is_constant else speller.text(array)).text


def _part(part: Any) -> str:
    if not isinstance(part, slice):
        return literal(part).text
    first = None if part.start == 0 and (part.step or 1) > 0 else part.start
    start, stop = ("" if k is None else str(k) for k in (first, part.stop))
    return f"{start}:{stop}" + ("" if part.step is None else f":{part.step}")


@INDEXING.of(indexing.getitem)
def _getitem(speller: Speller, vertex: Apply, x: Text, *arrays: Text, index: Any) -> Text:
    ndim = vertex.operands[0].ndim
    if ndim == 0 and not arrays:  # a float has no entries
        shape = vertex.shape
        return (
            call("np.reshape", x, literal(shape[0] if len(shape) == 1 else shape)) if shape else x
        )
    if ndim == 0:
        x = call("np.asarray", x)
    elif vertex in speller.variables:
        x = atom(speller.variables[vertex])
    return subscript(x, index_text(speller, index, vertex.operands[1:], ndim))


def _without_ellipsis(index: Any, ndim: int) -> Any:
    """Drop ``...`` where it stands for nothing, and at the end, where it says nothing."""
    if not isinstance(index, tuple) or Ellipsis not in [k for k in index if k is not SLOT]:
        return index
    axes = sum(k is not None and k is not Ellipsis for k in index)
    if SLOT in index or len(index) == 1 or (axes < ndim and index[-1] is not Ellipsis):
        return index
    return tuple(k for k in index if k is not Ellipsis)


@INDEXING.of(indexing.take)
def _take(
    speller: Speller, vertex: Apply, x: Text, indices: Text, axis: int, mode: str = "raise"
) -> Text:
    kind = None if mode == "raise" else atom(f'"{mode}"')
    return call("np.take", x, indices, axis=axis, mode=kind)


@INDEXING.of(indexing.take_along_axis)
def _take_along(speller: Speller, vertex: Apply, x: Text, indices: Text, axis: int) -> Text:
    return call("np.take_along_axis", x, indices, axis=axis)


@INDEXING.of(indexing.searchsorted)
def _searchsorted(speller: Speller, vertex: Apply, a: Text, v: Text, side: str = "left") -> Text:
    return call("np.searchsorted", a, v, side=None if side == "left" else atom(f'"{side}"'))
