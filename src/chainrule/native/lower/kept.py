"""What loops keep, as arrays: the tape of a loop, and of loops in loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from chainrule.core.placeholder import is_array
from chainrule.graph.graph import Apply, Constant, Vertex
from chainrule.graph.placeholder import make, reshaped
from chainrule.native.ir.moving import Integer, Word, put_in
from chainrule.native.ir.text import is_native
from chainrule.native.lower.parts import Place, Stretch, box, everywhere, joined, taken
from chainrule.native.lower.roles import Role, role_of
from chainrule.native.lower.seen import light, looked_at, moved
from chainrule.native.lower.turn_places import UnrollError

__all__ = ["Known", "Tape", "array_of", "stacked"]


@dataclass(frozen=True, eq=False)
class Tape(Sequence[Any]):
    """What is kept of a loop: an array of all turns, or what it was after the last.

    Attributes:
        array: of all turns, with an axis for each loop, or where ``views`` show what it was in each
            turn; None where only the last is read.
        last: after the last turn of all.
        entry: stands for an entry, whose lengths may move with the turns in which it was made.
        lengths: how many turns each loop has that is an axis.
        words: for each axis, what counted the turns, and how many entries come before the first.
    """

    array: Vertex | None
    last: Vertex | None
    entry: Any
    lengths: tuple[int, ...]
    words: tuple[tuple[Word, int], ...] = ()
    views: tuple[Apply, ...] | None = None

    def __len__(self) -> int:
        return self.lengths[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[k] for k in range(len(self))[index]]
        return self.at((range(len(self))[index],))

    def at(self, turns: Sequence[Integer | None]) -> Vertex | Tape:
        """Return an entry, or the tape of some axes."""
        if self.array is None:
            assert self.last is not None
            return self.last
        given = [*turns, *[None] * (len(self.lengths) - len(turns))]
        made, views = size_of(self.entry), self.views
        for (word, leading), k in zip(self.words, given, strict=False):
            if k is not None:
                made = put_in(made, word, k - leading)
                views = None if views is None else moved(views, word, k - leading)
        words = tuple(w for w, k in zip(self.words, given, strict=False) if k is None)
        value = light(self.entry, made)
        if views is not None:
            left = tuple(n for n, k in zip(self.lengths, given, strict=True) if k is None)
            if left:
                return Tape(self.array, None, value, left, words, views)
            return _like(looked_at(self.array, views), value)
        size = self.array.shape
        left = tuple(n for k, n in zip(given, size, strict=False) if k is None)
        entry = size[len(self.lengths) :] if left else made
        place: Place = (
            *(_turn(k, n) for k, n in zip(given, size, strict=False)),
            *everywhere(entry),
        )
        found = reshaped(taken(self.array, place), (*left, *entry))
        return Tape(found, None, value, left, words) if left else _like(found, value)


def _like(found: Vertex, value: Any) -> Vertex:
    if isinstance(found, Apply):
        return Apply(found.operation, found.operands, found.params, value)
    return found


def _turn(k: Integer | None, n: int) -> range | Stretch:
    if k is None:
        return range(n)
    return range(k, k + 1) if isinstance(k, int) else Stretch(k, 1)


#: What a vertex of a folded graph has become: of a loop that is none, a list for each tape.
Known: TypeAlias = "Vertex | Tape | list[Any]"


def array_of(known: Known) -> Vertex:
    """Return what a vertex that is no tape has become."""
    if isinstance(known, (list, Tape)):
        raise UnrollError("a tape is no array here")
    return known


def size_of(value: Any) -> tuple[int, ...]:
    """Return the shape of a value, or of what stands for it."""
    return tuple(value.shape) if is_array(value) else ()


def stacked(column: Sequence[Known]) -> Vertex:
    """Return values of several turns as one array."""
    found: list[Vertex] = []
    for x in column:
        if isinstance(x, (list, Tape)):
            raise UnrollError("it reads turns of loops that are none")
        found.append(x)
    size, dtype = found[0].shape, found[0].dtype
    kinds = {(x.shape, x.dtype, is_array(x.value) or type(x.value)) for x in found}
    if len(kinds) > 1 or not found[0].size or not is_native(dtype):
        raise UnrollError("what it takes in each turn has another shape or type")
    if not size and all(isinstance(x, Constant) and role_of(x) is Role.NUMBER for x in found):
        return Constant(np.array([x.value for x in found], dtype), literal=True)
    ones = [reshaped(x, (1, *size)) for x in found]
    places = tuple(box((k, *[0] * len(size)), (1, *size)) for k in range(len(found)))
    whole = (len(found), *size)
    return make(joined, ones, dtype, whole, places=places, shape=whole)
