"""Writes in place: what a stage such as ``x[i] = v`` writes, and which entries of what it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from chainrule.core.kinds import broadcast_to, stopped, unbroadcast
from chainrule.graph.graph import (
    Apply,
    Constant,
    Input,
    Vertex,
    apply_to,
    is_operation,
    topological,
)
from chainrule.operations import elementwise, indexing, shape
from chainrule.operations.indexing import join_index
from chainrule.operations.slot import SLOT

__all__ = [
    "Place",
    "Read",
    "Write",
    "is_fresh",
    "may_repeat",
    "owner",
    "picks_copies",
    "reads",
    "write_of",
]

#: What picks the entries that are read or written; ``...`` where that depends on values.
Place: TypeAlias = Any

_IN_PLACE = (elementwise.multiply, elementwise.divide)  # that have an operator for it


@dataclass(frozen=True, slots=True)
class Write:
    """What a stage writes, and where.

    ``right`` is what stands behind ``symbol``, the operator. ``new`` is what the entries are then,
    or where ``adds`` is True, as for ``x[i] += v`` and ``np.add.at(x, i, v)``, what is added.
    """

    old: Input | Constant
    index: Any
    arrays: tuple[Vertex, ...]
    right: Vertex
    new: Vertex
    symbol: str = "="
    adds: bool = False
    repeats: bool = False

    @property
    def place(self) -> Place:
        """The entries that are written."""
        return _place(self.index, self.arrays)

    @property
    def key(self) -> Any:
        """The entries that are written in the example."""
        return join_index(self.index, [np.asarray(x.value) for x in self.arrays])

    def of(self, array: Any) -> Any:
        """Return the entries of an array of that shape."""
        return array[self.key]

    def reads(self) -> list[Vertex]:
        """Return what is computed before the entries are written."""
        return [self.right, *self.arrays]

    def overtakes(self, shown: Mapping[Vertex, Vertex], names: Mapping[Vertex, str]) -> bool:
        """Tell whether NumPy might read an entry that it has written: it copies vectors at once.

        Args:
            shown: for variables that are views, what they show.
            names: the names of variables; those of one name have the same memory.
        """
        if self.symbol != "=" or self.arrays or self.right.ndim != 1 or is_fresh(self.right):
            return False
        base, views, name = self.right, list[Apply](), names.get(self.old, "")
        while base is not self.old and names.get(base) != name:
            base = shown.get(base, base)
            if not isinstance(base, Apply) or is_fresh(base):
                return False
            views.append(base)
            base = base.operands[0]
        for order in ("C", "F"):
            read = np.empty(self.old.shape, np.intp, order=order)
            read[...] = np.arange(read.size).reshape(read.shape)
            into = read[self.key]
            for view in reversed(views):
                arrays = [np.asarray(x.value) for x in view.operands[1:]]
                read = view.operation.compute(read, *arrays, **view.params)
            right = read.copy()
            into[...] = read
            if not np.array_equal(into, np.broadcast_to(right, into.shape)):
                return True
        return False

    def is_at(self, index: Any, arrays: tuple[Vertex, ...]) -> bool:
        """Tell whether an index names the same entries, one by one."""
        ndim = self.old.ndim
        if _spread_out(self.index, ndim) != _spread_out(index, ndim):
            return False
        return all(map(_are_same, self.arrays, arrays))

    def meets(self, index: Any, arrays: Iterable[Vertex]) -> bool:
        """Tell whether an index may name an entry that is written."""
        written = np.zeros(self.old.shape, bool)
        written[self.place] = True
        return bool(np.any(written[_place(index, arrays)]))


def write_of(expression: Vertex) -> Write | None:
    """Return what a stage writes, None where it makes something new, or writes an entry twice."""
    if is_operation(expression, elementwise.add):
        return _added_at(expression)
    if not is_operation(expression, indexing.set_at) or may_repeat(expression):
        return None
    old, value, *rest = expression.operands
    if isinstance(old, Apply):
        return None
    write = Write(old, expression.params["index"], tuple(rest), value, value)
    write = _in_place(write) or write
    return replace(write, new=_spread(write.new, np.shape(write.of(old.value))))


def _added_at(total: Apply) -> Write | None:
    """Return what ``np.add.at`` and ``np.subtract.at`` write."""
    old, v = total.operands
    if not is_operation(v, indexing.scatter_add) or old.shape != v.shape:
        return None
    if old.dtype != total.dtype or isinstance(old, Apply):
        return None
    new, *arrays = v.operands
    right, repeats = new, may_repeat(v)
    if is_operation(new, broadcast_to) and not (repeats and new.operands[0].ndim):
        right = new.operands[0]  # np.add.at does not broadcast well: see `_write_scatter`
    symbol = "+="
    if is_operation(right, elementwise.negative):
        symbol, right = "-=", right.operands[0]
    write = Write(old, v.params["index"], tuple(arrays), right, new, symbol, True, repeats)
    return write if np.shape(write.of(old.value)) == new.shape else None


def _in_place(write: Write) -> Write | None:
    """Return ``x[i] = x[i] + v`` as ``x[i] += v``, and what is like it.

    Of one that multiplies, the new entries are the product still.
    """
    value = write.new
    if not isinstance(value, Apply) or len(value.operands) != 2:
        return None
    here, other = value.operands
    if not is_operation(here, indexing.getitem) or here.operands[0] is not write.old:
        return None
    if not write.is_at(here.params["index"], here.operands[1:]):
        return None
    if value.shape != here.shape or value.dtype != here.dtype:
        return None
    symbol = f"{value.operation.symbol}="
    if value.operation in _IN_PLACE:
        return replace(write, right=other, symbol=symbol)
    if value.operation not in (elementwise.add, elementwise.subtract):
        return None
    minus = value.operation is elementwise.subtract
    added = apply_to(elementwise.negative, other) if minus else other
    return replace(write, right=other, new=added, symbol=symbol, adds=True)


def _spread(x: Vertex, size: tuple[int, ...]) -> Vertex:
    """Return what is written, in the shape of the entries."""
    if x.ndim > len(size):  # axes of length 1 in front
        x = apply_to(shape.reshape, x, shape=x.shape[x.ndim - len(size) :])
    return x if x.shape == size else apply_to(broadcast_to, x, shape=size)


def may_repeat(vertex: Apply) -> bool:
    """Tell whether an index may name an entry twice; not where one of its arrays counts up."""
    first = 2 if vertex.operation is indexing.set_at else 1
    indices = vertex.operands[first:]
    arrays = [np.asarray(x.value) for x in indices]
    if all(a.ndim == 1 and a.dtype.kind in "iu" for a in arrays) and any(
        isinstance(x, Constant)
        and np.unique(a).size == max(map(np.size, arrays))
        and len(set(np.signbit(a).tolist())) == 1  # 0 and -1 may be the same
        for x, a in zip(indices, arrays, strict=True)
    ):
        return False
    return any(a.ndim > 0 and a.dtype.kind in "iu" for a in arrays)


def _spread_out(index: Any, ndim: int) -> list[Any]:
    """Return an index with a part for each axis, where that can be told."""
    parts = list(indexing.index_parts(index))
    if SLOT in parts:  # a mask stands for several axes
        return parts
    if Ellipsis not in parts:
        parts.append(Ellipsis)
    at = parts.index(Ellipsis)
    missing = ndim - sum(part is not None for part in parts) + 1
    return [*parts[:at], *[slice(None)] * missing, *parts[at + 1 :]]


def _are_same(a: Vertex, b: Vertex) -> bool:
    if isinstance(a, Constant) and isinstance(b, Constant):
        return np.array_equal(a.value, b.value)
    return a is b


# What is read.


def _place(index: Any, arrays: Iterable[Vertex]) -> Place:
    arrays = list(arrays)
    if not all(isinstance(x, Constant) for x in arrays):
        return ...
    return join_index(index, [np.asarray(x.value) for x in arrays])


class Read(NamedTuple):
    """Some entries of a variable are read, by a vertex that picks them or by any other."""

    variable: Input
    place: Place
    by: Apply | None


def reads(outputs: Iterable[Vertex]) -> list[Read]:
    """Return what a graph reads of variables."""
    outputs = list(outputs)
    found = [Read(x, ..., None) for x in outputs if isinstance(x, Input)]
    for vertex in topological(outputs):
        if not isinstance(vertex, Apply):
            continue
        first, rest = vertex.operands[:1], vertex.operands
        if vertex.operation is indexing.getitem and isinstance(first[0], Input):
            rest = vertex.operands[1:]
            found.append(Read(first[0], _place(vertex.params["index"], rest), vertex))
        found += [Read(x, ..., None) for x in rest if isinstance(x, Input)]
    return found


# What owns its memory.

#: What is written as its operand.
_UNWRITTEN = (elementwise.positive, stopped, unbroadcast)


def is_fresh(vertex: Vertex) -> bool:
    """Tell whether an expression certainly makes a new array (or a number, which never changes)."""
    if not isinstance(vertex.value, np.ndarray):
        return True
    if not isinstance(vertex, Apply):
        return False
    if vertex.operation is broadcast_to:
        return vertex.operands[0].shape == ()
    if vertex.operation is indexing.getitem:
        return picks_copies(vertex.operands[1:])
    return not vertex.operation.view and vertex.operation not in _UNWRITTEN


def picks_copies(indices: Iterable[Vertex]) -> bool:
    """Tell whether an index with these arrays in it makes a copy; with a number it makes a view."""
    return any(index.ndim for index in indices)


def owner(vertex: Vertex) -> tuple[Vertex, Place]:
    """Return what owns the memory that a view shows, and which of its entries it shows."""
    place: Place = ...
    while isinstance(vertex, Apply) and not is_fresh(vertex):
        picks = vertex.operation is indexing.getitem
        place = _place(vertex.params["index"], vertex.operands[1:]) if picks else ...
        vertex = vertex.operands[0]
    return vertex, place
