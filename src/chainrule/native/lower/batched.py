"""Loops whose turns wait for no other, as operations on all turns at once.

The turns become an axis. What turns read at an index of their own is read along it, what they add
to is a sum over it, and a product of a vector and a matrix in each turn is one of two matrices. So
columns that are read one by one are rows of a loop nest, and LLVM has several turns in a register.
Sums of turns are those of a reduction: in no order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chainrule.graph.graph import Apply, Constant, Vertex, copied, topological
from chainrule.graph.placeholder import full, make, reduce
from chainrule.native.ir.elements import TABLE, lowered
from chainrule.native.ir.moving import Extent, Integer, moving
from chainrule.native.lower.array_loop import ArrayLoop, State
from chainrule.native.lower.independent import (
    DependentError,
    changes_with,
    own_axis,
    states_of,
)
from chainrule.native.lower.many_bodies import ManyBodies
from chainrule.native.lower.many_turns import shaped, with_axis
from chainrule.native.lower.movement import repeated_to
from chainrule.native.lower.parts import (
    Place,
    Stretch,
    everywhere,
    lengths,
    stretch,
    taken,
    updated,
)
from chainrule.native.lower.ragged import Part, Turns, axis_of
from chainrule.native.lower.roles import Role, is_alias, role_of
from chainrule.operations import elementwise, reduction

__all__ = ["batched", "in_one_block"]

_MANY = 200  # vertices of a body up to which all its turns are written as one
_LARGEST = 1 << 20  # entries that an array of all turns may have


def batched(vertex: Apply) -> list[Apply] | None:
    """Return the results of a loop over arrays without the loop; None if its turns wait."""
    loop = vertex.operation
    assert isinstance(loop, ArrayLoop)
    vertices = topological(loop.results)
    if len(vertices) > _MANY or not all(map(_is_whole, vertices)):
        return None
    try:
        return _Batched(loop, vertex.operands, vertices).results()
    except DependentError:
        return None


def in_one_block(
    loop: ArrayLoop, operands: Sequence[Vertex], turns: Turns, unread: Collection[State]
) -> tuple[list[Apply], list[Constant]]:
    """Return what becomes of the states and tapes of a loop in some of its turns, if none waits.

    Args:
        loop: one of which nothing else is read; lengths in it may move with its turns.
        operands: what its operands are for these turns, with those of tapes after those of states.
        turns: which they are.
        unread: states that nobody reads after the loop.

    Returns:
        the states, the tapes, and the constants they are made with.

    Raises:
        DependentError: turns wait.
    """
    made = _Batched(loop, operands, topological(loop.results), turns, unread)
    return made.results(), made.conditions


def _is_whole(vertex: Vertex) -> bool:
    """Tell whether there is something for all turns of what a vertex is in one."""
    if not isinstance(vertex, Apply):
        return True
    if lowered(vertex):
        mixed = len({x.dtype for x in vertex.operands}) > 1
        return not (mixed and TABLE[vertex.operation].convert == "common")
    known = (Role.NUMBER, Role.VIEW, Role.REDUCTION, Role.JOIN, Role.PRODUCT)
    return role_of(vertex) in known


class _Batched(ManyBodies):
    """Makes the results of one loop."""

    def __init__(
        self,
        loop: ArrayLoop,
        operands: Sequence[Vertex],
        vertices: Sequence[Vertex],
        some: Turns | None = None,
        unread: Collection[State] = (),
    ) -> None:
        if any(tape.input is not None for tape in loop.tapes):
            raise DependentError
        rest = iter(operands)
        given: dict[Vertex, Vertex] = {x.input: next(rest) for x in loop.states}
        self.tapes = [] if some is None else [next(rest) for _ in loop.tapes]
        given |= dict(zip(loop.invariants, rest, strict=True))
        super().__init__(loop, vertices, some, states_of(loop, unread), given)
        self.whole: dict[Vertex, Vertex] = {}

    def results(self) -> list[Apply]:
        """Return what becomes of each state, the tapes, and what is read after the last turn."""
        loop, found = self.loop, list[Vertex]()
        for state in loop.states:
            if state in self.states.renewed:
                found.append(self._in_last_turn(state.result))
            elif state in self.states.sums:
                found.append(self._sum(state))
            else:
                found.append(self.version(state.result))
        for tape, before in zip(loop.tapes, self.tapes, strict=False):
            found.append(self._taped(before, tape.result))
        for tape in loop.tapes[len(self.tapes) :]:
            all_turns = self.operand(tape.result, 0, tape.result.ndim)
            all_turns = repeated_to(all_turns, (self.turns, *tape.result.shape))
            found.append(self._in_order(all_turns))
        found += [self._in_last_turn(x) for x in loop.lasts]
        found = [copied(x) if x in self.given.values() else x for x in found]
        made = [x for x in found if isinstance(x, Apply)]
        if len(made) < len(found):
            raise DependentError
        self._look(made)
        return made

    def _look(self, found: Sequence[Vertex]) -> None:
        """Look whether all that is made has code, and is not too large."""
        old = {id(x) for x in topological(list(self.given.values()))}
        new = [x for x in topological(found) if isinstance(x, Apply) and id(x) not in old]
        summed = {y for x in new if role_of(x) is Role.REDUCTION for y in x.operands}
        for x in new:
            role = role_of(x)
            small = role is Role.VIEW or x in summed or x.size <= _LARGEST
            if role is Role.CALL or not small:
                raise DependentError

    def _in_order(self, x: Vertex) -> Vertex:
        if not self.backwards:
            return x
        return taken(x, (stretch(self.last, self.turns, -1), *everywhere(x.shape[1:])))

    def _in_last_turn(self, vertex: Vertex) -> Vertex:
        if isinstance(self.turns, Extent):  # maybe there is no turn
            raise DependentError
        if vertex not in self.moving:
            return self.same(vertex)
        all_turns = self.many(vertex, 0)
        last: Integer = 0 if self.backwards else self.last
        found = taken(all_turns, (stretch(last, 1, 1), *everywhere(vertex.shape)))
        return shaped(found, vertex.shape)

    # States.

    def _taped(self, found: Vertex, result: Vertex) -> Vertex:
        """Write what is kept of these turns into the tape of all."""
        place = (Stretch(moving(self.word), 1), *everywhere(result.shape))
        axis = axis_of(place, self.word)
        if axis is not None:
            self._note(place[axis])
        return self._written(found, shaped(result, (1, *result.shape)), place, adds=False)

    def version(self, version: Vertex) -> Vertex:
        """Return what a state of which each turn has its part is when all turns have made one."""
        if version not in self.whole:
            if version in self.states.cleared:
                return self.given[self.states.first[version]]
            update = self.states.updates.get(version)
            if update is None:
                return self.given[version]
            found = self.version(update.version.operands[0])
            self.whole[version] = self._written(found, update.piece, update.place, adds=False)
        return self.whole[version]

    def _written(self, found: Vertex, piece: Vertex, place: Place, adds: bool) -> Vertex:
        """Write what each turn has at an index of its own, or add it to what is there."""
        axis = own_axis(place, self.word)
        if axis is None:
            raise DependentError
        for part in self.parts(place):
            there = self.along(place, part)
            before = taken(found, there)
            new = self.operand(piece, axis, piece.ndim, part)
            size = self.size(piece.shape, part)
            new = shaped(repeated_to(new, with_axis(size, axis, self.turns)), lengths(there))
            if adds:
                new = make(elementwise.add, [before, new], found.dtype, before.shape)
            if part is Part.TRIANGLE:
                new = self.kept_before(new, place, axis, before)
            found = updated(found, new, there)
        return found

    def _sum(self, state: State) -> Vertex:
        found = self.given[state.input]
        for addition in self.states.sums[state]:
            piece, place = addition.piece, addition.place
            if own_axis(place, self.word) is not None:
                found = self._written(found, piece, place, adds=True)
                continue
            for part in self.parts(place):
                there = self.place(place, part)
                if changes_with(there, self.word):
                    raise DependentError
                before = taken(found, there)
                more = self._total(piece, part)
                after = make(elementwise.add, [before, more], found.dtype, before.shape)
                found = updated(found, after, there)
        return found

    def _total(self, piece: Vertex, part: Part) -> Vertex:
        """Return the sum of what a vertex is in all turns."""
        self.mark(piece)
        if piece not in self.moving:
            raise DependentError
        inner = piece
        while isinstance(inner, Apply) and is_alias(inner) and inner.size == inner.operands[0].size:
            inner = inner.operands[0]
        size = self.size(piece.shape, part)
        if part is not Part.TRIANGLE:
            product = self.of_product(inner, (), None, part)
            if product is not None:
                return shaped(product, size)
        at = self.natural(inner)
        terms = self.many(inner, at, part)
        if part is Part.TRIANGLE:
            terms = self.kept(terms, inner.shape, at, full(0, inner.dtype, ()))
        return shaped(reduce(reduction.sum, terms, (at,)), size)
