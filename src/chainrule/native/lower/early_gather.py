"""Gathering before computing: ``f(a, b)[i]`` as ``f(a[i], b[i])`` where i reads few entries.

``log_probabilities[rows, labels]`` reads one entry of each row. Gathered first, the array need not
be in memory for that, and is computed anew for the picked entries alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from chainrule.graph.graph import Apply, Constant, Vertex, topological
from chainrule.graph.placeholder import make, reshaped
from chainrule.graph.rewrite import with_operands
from chainrule.native.lower.gather import IndexedAxes, gather_of
from chainrule.native.lower.roles import Role, number, role_of
from chainrule.operations import indexing

__all__ = ["gathered_early"]

_DEEPEST = 6  # operations up to which picked entries are computed anew
_FEW = 2  # how many times more entries an array must have than are picked


def gathered_early(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Pick from what arrays are computed from rather than from them."""
    order = topological(outputs)
    if not any(role_of(x) is Role.GATHER for x in order):
        return list(outputs)
    done: dict[Vertex, Vertex] = {}
    for vertex in order:
        done[vertex] = new = with_operands(vertex, done)
        if isinstance(new, Apply) and role_of(new) is Role.GATHER:
            done[vertex] = _Gatherer(new).entries(new.operands[0], _DEEPEST, new)
    return [done[vertex] for vertex in outputs]


class _Gatherer:
    """Picks the same entries of several arrays of the shape of one, or of shapes that broadcast."""

    def __init__(self, vertex: Apply) -> None:
        known = gather_of(vertex)
        assert known is not None
        x, *self.indices = vertex.operands
        self.known: IndexedAxes = known
        self.index = vertex.params["index"]
        self.size = x.shape
        self.result = vertex.shape
        self.few = _FEW * math.prod(self.result) <= math.prod(self.size)
        self.memo: dict[tuple[Vertex, int], Vertex] = {}

    def entries(self, x: Vertex, depth: int, like: Vertex | None = None) -> Vertex:
        """Return the picked entries of an array; its length is 1 along axes where it broadcasts."""
        key = x, depth
        if key not in self.memo:
            self.memo[key] = self._entries(x, depth, like)
        return self.memo[key]

    def _entries(self, x: Vertex, depth: int, like: Vertex | None) -> Vertex:
        role = role_of(x)
        if role is Role.NUMBER:
            return Constant(x.dtype.type(number(x))) if x.shape else x
        whole = self.few and depth > 0 and isinstance(x, Apply)
        if whole and role is Role.ELEMENT and x.shape:
            assert isinstance(x, Apply)
            operands = tuple(self.entries(y, depth - 1) for y in x.operands)
            if like is not None:
                return Apply(x.operation, operands, x.params, like.value)
            size = self._size(x)
            return make(x.operation, operands, x.dtype, size, **x.params)
        if like is not None:
            return like
        return self._gathered(x) if x.shape else x

    def _size(self, x: Vertex) -> tuple[int, ...]:
        """Return the shape of the picked entries of an array."""
        lengths = (1,) * (len(self.size) - x.ndim) + x.shape
        size = list(self.result)
        for k, place in enumerate(self.known.walked):
            if place is not None:
                size[place] = lengths[k]
        if all(lengths[k] == 1 != self.size[k] for k in self.known.slots):
            start, width = self.known.start, self.known.width
            size[start : start + width] = [1] * width
        return tuple(size)

    def _gathered(self, x: Vertex) -> Vertex:
        lengths = (1,) * (len(self.size) - x.ndim) + x.shape
        indices: list[Vertex] = []
        for k, index in zip(self.known.slots, self.indices, strict=True):
            short = lengths[k] == 1 != self.size[k]
            indices.append(Constant(0) if short else index)
        whole = reshaped(x, lengths)
        size = self._size(x)
        if all(isinstance(i, Constant) and not i.shape for i in indices):
            values = iter(i.value for i in indices if isinstance(i, Constant))
            kept = tuple(next(values) if n is None else slice(None) for n in self.known.walked)
            smaller = tuple(
                n for n, place in zip(lengths, self.known.walked, strict=True) if place is not None
            )
            one = make(indexing.getitem, [whole], x.dtype, smaller, index=kept)
            return reshaped(one, size)
        return make(indexing.getitem, [whole, *indices], x.dtype, size, index=self.index)
