"""Two loops over numbers are one, where the second reads what the first keeps, turn by turn.

A backward pass adds up what its turns have made in a loop of its own, where each sum waits for the
one before. In the turns that make what is added nothing waits for it, and nothing has to be kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.graph.graph import Apply, Vertex, is_operation, topological
from chainrule.graph.loops.affine import Affine, Counter, Integer, affine, filled
from chainrule.graph.loops.loop import Carry, Kept, Loop, element, tape
from chainrule.graph.rewrite import substitute
from chainrule.native.ir.elements import is_cheap
from chainrule.native.lower.loop_body import is_of_numbers
from chainrule.operations.indexing import getitem

__all__ = ["in_one_loop"]


def in_one_loop(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Return a folded graph in which loops are one where they may be. Turns compute the same."""
    found = list(outputs)
    while True:
        vertices = topological(found)
        pair = next((x for x in _pairs(vertices) if x.fits()), None)
        if pair is None:
            return found
        made = pair.made()
        shift = len(pair.one.kept)
        found = substitute(
            found,
            {
                x: Apply(tape, (made,), {"which": x.params["which"] + shift * (by is pair.second)})
                for x in vertices
                if is_operation(x, tape) and (by := x.operands[0]) in (pair.first, pair.second)
            },
        )


def _pairs(vertices: Sequence[Vertex]) -> list[_Pair]:
    """Return loops of which one reads tapes of the other, with that one first."""
    found: list[_Pair] = []
    for vertex in vertices:
        if isinstance(vertex, Apply) and isinstance(vertex.operation, Loop):
            read = (x.operands[0] for x in vertex.operands if is_operation(x, tape))
            found += [_Pair.of(x, vertex) for x in dict.fromkeys(read) if isinstance(x, Apply)]
    return found


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two loops; ``given`` are the tapes of the first one that are variables in the second."""

    first: Apply
    second: Apply
    one: Loop
    other: Loop
    given: dict[Vertex, Kept]

    @classmethod
    def of(cls, first: Apply, second: Apply) -> _Pair:
        one, other = first.operation, second.operation
        assert isinstance(one, Loop)
        assert isinstance(other, Loop)
        operands = zip(other.invariants, second.operands, strict=False)
        given: dict[Vertex, Kept] = {
            x: one.kept[y.params["which"]]
            for x, y in operands
            if is_operation(y, tape) and y.operands[0] is first
        }
        return cls(first, second, one, other, given)

    def fits(self) -> bool:
        """Tell whether they may be one loop."""
        one, other = self.one, self.other
        if one.turns != other.turns or not (one.carried and other.carried):
            return False  # of turns that wait for no other, several are computed at once
        dtypes = {k.result.dtype for loop in (one, other) for k in loop.kept}
        if not is_of_numbers(one) or len(dtypes) > 1:
            return False
        for x in other.body:
            if isinstance(x, Apply) and x.operation not in (element, getitem) and not is_cheap(x):
                return False  # it is computed of all turns at once, before the loop
            if isinstance(x, Apply) and self._reads(x) and self._in_turn(x) is None:
                return False
        results = [*(c.result for c in other.carried), *(k.result for k in other.kept)]
        if any(x in self.given for x in results):
            return False
        return self.first not in topological(self._others(self.second.operands))

    def _reads(self, vertex: Apply) -> bool:
        return any(x in self.given for x in vertex.operands)

    def _in_turn(self, vertex: Apply) -> Vertex | None:
        """Return what an entry of a tape is in the turn of the first loop; None if of another."""
        if vertex.operation is not element:
            return None
        kept = self.given[vertex.operands[0]]
        if vertex.params["turns"] == (affine(kept.leading, 1, self.other.counter),):
            return kept.result
        if vertex.params["turns"] == (affine(0, 1, self.other.counter),) and kept.carry is not None:
            return kept.carry.input
        return None

    def _others(self, operands: Sequence[Vertex]) -> list[Vertex]:
        """Return operands that are no tapes of the first loop."""
        return [x for x in operands if not (is_operation(x, tape) and x.operands[0] is self.first)]

    def made(self) -> Apply:
        """Return both as one loop, which keeps what the first one does, and then the other."""
        one, other = self.one, self.other
        known: dict[Vertex, Vertex] = {}
        for x in other.body:
            known[x] = x
            if isinstance(x, Apply):
                read = self._in_turn(x) if self._reads(x) else None
                known[x] = read or self._renewed(x, known)
        carried = {c: Carry(c.input, known[c.result], c.lag) for c in other.carried}
        kept = [Kept(known[k.result], k.carry and carried[k.carry]) for k in other.kept]
        loop = Loop(
            one.counter,
            one.turns,
            [*one.invariants, *(x for x in other.invariants if x not in self.given)],
            [*one.carried, *carried.values()],
            [*one.tables, *other.tables],
            [*one.kept, *kept],
        )
        operands: list[Vertex] = []
        for mine, its in zip(_parts(self.first), _parts(self.second), strict=True):
            operands += [*mine, *self._others(its)]
        return Apply(loop, tuple(operands))

    def _renewed(self, vertex: Apply, known: dict[Vertex, Vertex]) -> Apply:
        """Return a vertex of the second loop's turns as one of the first one's."""

        def counted(integer: Integer) -> Integer:
            return _counted(integer, self.other.counter, self.one.counter)

        params = filled(vertex.params, counted) if vertex.params else vertex.params
        operands = tuple(known[x] for x in vertex.operands)
        return Apply(vertex.operation, operands, params, vertex.value)


def _counted(integer: Integer, old: Counter, new: Counter) -> Integer:
    """Return an integer that grows with another counter."""
    if not isinstance(integer, Affine):
        return integer
    first, growth = (_counted(x, old, new) for x in (integer.first, integer.growth))
    return Affine(first, growth, new if integer.counter is old else integer.counter)


def _parts(vertex: Apply) -> list[tuple[Vertex, ...]]:
    """Return the operands of a loop: its invariants, what it begins with, and its tables."""
    loop = vertex.operation
    assert isinstance(loop, Loop)
    known = len(loop.invariants)
    begun = known + sum(c.lag for c in loop.carried)
    given = vertex.operands
    return [given[:known], given[known:begun], given[begun:]]
