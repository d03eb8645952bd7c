"""Loops whose turns wait for no other, as operations on all turns at once.

The turns become an axis. What turns read at an index of their own is read along it, what they add
to is a sum over it, and a product of a vector and a matrix in each turn is one of two matrices. So
columns that are read one by one are rows of a loop nest, and LLVM has several turns in a register.
Sums of turns are those of a reduction: in no order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.core.kinds import broadcast_to, unbroadcast
from chainrule.graph.graph import Apply, Vertex, is_operation, topological
from chainrule.graph.placeholder import make, reduce, reshaped, transposed
from chainrule.native.ir.elements import TABLE, lowered
from chainrule.native.ir.moving import Extent, Integer, extent, put
from chainrule.native.lower.array_loop import ArrayLoop
from chainrule.native.lower.independent import (
    DependentError,
    changes_with,
    factor,
    own_axis,
    states_of,
)
from chainrule.native.lower.movement import repeated_to
from chainrule.native.lower.parts import (
    Place,
    Stretch,
    everywhere,
    fixed_place,
    joined,
    lengths,
    taken,
    updated,
    window,
)
from chainrule.native.lower.roles import Role, is_alias, reduced_axes, role_of
from chainrule.operations import contraction, elementwise, reduction
from chainrule.operations import shape as shapes
from chainrule.operations.indexing import getitem

__all__ = ["batched"]

_MANY = 200  # vertices of a body up to which all its turns are written as one
_LARGEST = 1 << 20  # entries that an array of all turns may have
_LARGE = 2048  # entries of a matrix from which on its product with a vector is for BLAS


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


def _is_whole(vertex: Vertex) -> bool:
    """Tell whether there is something for all turns of what a vertex is in one."""
    if not isinstance(vertex, Apply):
        return True
    if lowered(vertex):
        mixed = len({x.dtype for x in vertex.operands}) > 1
        return not (mixed and TABLE[vertex.operation].convert == "common")
    known = (Role.NUMBER, Role.VIEW, Role.REDUCTION, Role.JOIN, Role.PRODUCT)
    return role_of(vertex) in known


class _Batched:
    """Makes the vertices of one loop.

    What a vertex is in all turns has one axis more than it has in one, ``at`` some place among
    those. Whoever needs it says where, so that nothing has to be moved.
    """

    def __init__(
        self, loop: ArrayLoop, operands: Sequence[Vertex], vertices: Sequence[Vertex]
    ) -> None:
        self.loop, self.word = loop, loop.turn
        self.turns = extent(loop.turns, loop.most)
        self.states = states_of(loop)
        rest = iter(operands)
        self.given: dict[Vertex, Vertex] = {x.input: next(rest) for x in loop.states}
        if any(tape.input is not None for tape in loop.tapes):
            raise DependentError
        self.given |= dict(zip(loop.invariants, rest, strict=True))
        self.moving: set[Vertex] = {x.input for x in loop.states}
        for x in vertices:
            if isinstance(x, Apply) and (
                self._moves(x) or any(y in self.moving for y in x.operands)
            ):
                self.moving.add(x)
        self.backwards = self._signs(vertices) < 0
        self.made: dict[tuple[Vertex, int], Vertex] = {}
        self.whole: dict[Vertex, Vertex] = {}

    def _moves(self, vertex: Apply) -> bool:
        """Tell whether a vertex reads or writes a place that moves with the turns."""
        if changes_with(vertex.shape, self.word):
            raise DependentError
        places = [vertex.params["place"]] if vertex.operation is window else []
        if vertex.operation is joined:
            places += vertex.params["places"]
        return any(changes_with(place, self.word) for place in places)

    def _signs(self, vertices: Sequence[Vertex]) -> int:
        """Return how many places grow with the turns, less those that shrink."""
        found = 0
        for x in vertices:
            for part in x.params["place"] if is_operation(x, window) else ():
                if isinstance(part, Stretch):
                    found += (by := factor(part.start, self.word)) > 0
                    found -= by < 0
        return found

    # The whole.

    def results(self) -> list[Apply]:
        """Return what becomes of each state, the tapes, and what is read after the last turn."""
        loop, found = self.loop, list[Vertex]()
        for state in loop.states:
            if state in self.states.renewed:
                found.append(self._last(state.result))
            elif state in self.states.sums:
                found.append(self._sum(state))
            else:
                found.append(self._version(state.result))
        for tape in loop.tapes:
            all_turns = self.operand(tape.result, 0, tape.result.ndim)
            all_turns = repeated_to(all_turns, (self.turns, *tape.result.shape))
            found.append(self._in_order(all_turns))
        found += [self._last(x) for x in loop.lasts]
        made = [x for x in found if isinstance(x, Apply)]
        if len(made) < len(found):
            raise DependentError
        self._look(made)
        return made

    def _look(self, found: Sequence[Vertex]) -> None:
        """Look whether all that is made has code, and is not too large."""
        old = {id(x) for x in topological(list(self.given.values()))}
        for x in topological(found):
            if isinstance(x, Apply) and id(x) not in old:
                role = role_of(x)
                if role is Role.CALL or (role is not Role.VIEW and x.size > _LARGEST):
                    raise DependentError

    def _in_order(self, x: Vertex) -> Vertex:
        if not self.backwards:
            return x
        last: Integer = self.loop.turns - 1
        return taken(x, (_stretch(last, self.turns, -1), *everywhere(x.shape[1:])))

    def _last(self, vertex: Vertex) -> Vertex:
        """Return what a vertex is in the last turn."""
        if vertex not in self.moving:
            return self.same(vertex)
        all_turns = self.many(vertex, 0)
        last: Integer = 0 if self.backwards else self.loop.turns - 1
        found = taken(all_turns, (_stretch(last, 1, 1), *everywhere(vertex.shape)))
        return reshaped(found, vertex.shape)

    # States.

    def _version(self, version: Vertex) -> Vertex:
        """Return what a state of which each turn has its part is when all turns have made one."""
        if version not in self.whole:
            update = self.states.updates.get(version)
            if update is None:
                return self.given[version]
            axis, place = self.states.own[version], self._along(update.place)
            piece = self.operand(update.piece, axis, len(place))
            piece = reshaped(self._with_turns(piece, axis, update.piece.shape), lengths(place))
            self.whole[version] = updated(self._version(update.version.operands[0]), piece, place)
        return self.whole[version]

    def _with_turns(self, x: Vertex, at: int, size: tuple[int, ...]) -> Vertex:
        """Repeat what is the same in all turns."""
        return repeated_to(x, (*size[:at], self.turns, *size[at:]))

    def _sum(self, state: Any) -> Vertex:
        found = self.given[state.input]
        for piece, place in ((x.piece, x.place) for x in self.states.sums[state]):
            if changes_with(place, self.word):
                axis = own_axis(place, self.word)
                if axis is None:
                    raise DependentError
                place = self._along(place)
                more = self._with_turns(self.operand(piece, axis, piece.ndim), axis, piece.shape)
                more = reshaped(more, lengths(place))
            else:
                more = self._total(piece)
            before = taken(found, place)
            after = make(elementwise.add, [before, more], found.dtype, before.shape)
            found = updated(found, after, place)
        return found

    def _total(self, piece: Vertex) -> Vertex:
        """Return the sum of what a vertex is in all turns."""
        self._mark(piece)
        if piece not in self.moving:
            raise DependentError
        inner = piece
        while isinstance(inner, Apply) and is_alias(inner) and inner.size == inner.operands[0].size:
            inner = inner.operands[0]
        product = self._of_product(inner, (), None)
        if product is not None:
            return reshaped(product, piece.shape)
        at = self._natural(inner)
        total = reduce(reduction.sum, self.many(inner, at), (at,))
        return reshaped(total, piece.shape)

    def _mark(self, vertex: Vertex) -> None:
        """Note of vertices that were made of those of the body whether they move with the turns."""
        for x in topological([vertex]):
            if isinstance(x, Apply) and any(y in self.moving for y in x.operands):
                self.moving.add(x)

    # Vertices.

    def same(self, vertex: Vertex) -> Vertex:
        """Return what a vertex is that is the same in all turns."""
        for x in topological([vertex]):
            if x in self.given or (x, -1) in self.made:
                continue
            if isinstance(x, Apply):
                operands = [self._same(y) for y in x.operands]
                self.made[x, -1] = Apply(x.operation, tuple(operands), x.params, x.value)
            else:
                self.made[x, -1] = x
        return self._same(vertex)

    def _same(self, vertex: Vertex) -> Vertex:
        return self.given[vertex] if vertex in self.given else self.made[vertex, -1]

    def operand(self, x: Vertex, at: int, ndim: int) -> Vertex:
        """Return an operand of something with so many axes, and the axis of turns at one of them.

        What is the same in all turns has length 1 along that.
        """
        self._mark(x)
        extra = ndim - x.ndim
        if x not in self.moving:
            found, own = self.same(x), at - extra
            if own <= 0:
                return found
            return reshaped(found, (*x.shape[:own], 1, *x.shape[own:]))
        if at >= extra:
            return self.many(x, at - extra)
        return reshaped(self.many(x, 0), (self.turns, *[1] * (extra - at), *x.shape))

    def many(self, vertex: Vertex, at: int) -> Vertex:
        """Return what a vertex is in all turns, with their axis at some place."""
        if (vertex, at) not in self.made:
            assert isinstance(vertex, Apply)
            self.made[vertex, at] = self._many(vertex, at)
        return self.made[vertex, at]

    def _many(self, vertex: Apply, at: int) -> Vertex:
        size = (*vertex.shape[:at], self.turns, *vertex.shape[at:])
        if lowered(vertex):
            operands = [self.operand(x, at, vertex.ndim) for x in vertex.operands]
            return make(vertex.operation, operands, vertex.dtype, size, **vertex.params)
        if vertex.operation is window or is_operation(vertex, getitem):
            return self._read(vertex, at, size)
        role = role_of(vertex)
        if role is Role.REDUCTION:
            return self._reduced(vertex, at, size)
        if role is Role.PRODUCT:
            product = self._of_matmul(vertex, at)
            if product is None:
                raise DependentError
            return reshaped(product, size)
        if role is Role.JOIN:
            return self._join(vertex, at, size)
        return self._view(vertex, at, size)

    def _read(self, vertex: Apply, at: int, size: tuple[int, ...]) -> Vertex:
        (x,) = vertex.operands
        if vertex.operation is window:
            place: Place = vertex.params["place"]
        else:
            fixed = fixed_place(vertex.params["index"], x.shape)
            if fixed is None:
                raise DependentError
            place = fixed
        whole = self.states.own.get(x) is not None
        if not changes_with(place, self.word):
            if whole or x not in self.moving or vertex.operation is not window:
                raise DependentError
            found = self.many(x, at)
            return taken(found, (*place[:at], *everywhere([self.turns]), *place[at:]))
        axis = own_axis(place, self.word)
        if axis is None or (x in self.moving and not whole):
            raise DependentError
        found = taken(self._version(x) if whole else self.same(x), self._along(place))
        order: list[int] = [k for k in range(len(place)) if k != axis]
        order.insert(at - (at > axis), axis)
        return reshaped(transposed(found, tuple(order)), size)

    def _along(self, place: Place) -> Place:
        """Return the place that all turns read or write, each of which has an index of its own."""
        axis = own_axis(place, self.word)
        assert axis is not None
        first, by = place[axis].start, factor(place[axis].start, self.word)
        last: Integer = self.loop.turns - 1
        start = put(first, self.word, last if self.backwards else 0)
        step = -by if self.backwards else by
        return (*place[:axis], _stretch(start, self.turns, step), *place[axis + 1 :])

    def _reduced(self, vertex: Apply, at: int, size: tuple[int, ...]) -> Vertex:
        (x,) = vertex.operands
        gone, kept = reduced_axes(vertex)
        operation = reduction.sum if vertex.operation is unbroadcast else vertex.operation
        real = [k for k in kept if k is not None]
        if operation is reduction.sum:
            product = self._of_product(x, real, sum(k is not None for k in kept[:at]))
            if product is not None:
                return reshaped(product, size)
        before = sum(k is not None for k in kept[:at])
        own = real[before] if before < len(real) else x.ndim
        if before == len(real) and not real:
            own = self._natural(x)
        axes = tuple(k + (k >= own) for k in gone)
        return reshaped(reduce(operation, self.many(x, own), axes, vertex.dtype), size)

    def _join(self, vertex: Apply, at: int, size: tuple[int, ...]) -> Vertex:
        """Return parts that are put together in each turn."""
        if vertex in self.states.own or any(
            changes_with(place, self.word) for place in vertex.params["places"]
        ):
            raise DependentError
        whole = everywhere([self.turns])
        parts, places = [], []
        for x, place in zip(vertex.operands, vertex.params["places"], strict=True):
            if x in self.states.own:
                raise DependentError
            parts.append(self._with_turns(self.operand(x, at, vertex.ndim), at, x.shape))
            places.append((*place[:at], *whole, *place[at:]))
        return make(joined, parts, vertex.dtype, size, places=tuple(places), shape=size)

    def _view(self, vertex: Apply, at: int, size: tuple[int, ...]) -> Vertex:
        (x,) = vertex.operands
        if vertex.operation is broadcast_to:
            return repeated_to(self.operand(x, at, vertex.ndim), size)
        if is_alias(vertex):  # whose axes of other lengths than 1 are those of the operand
            before = sum(n != 1 for n in vertex.shape[:at])
            places = [k for k, n in enumerate(x.shape) if n != 1]
            own = places[before] if before < len(places) else x.ndim
            return reshaped(self.many(x, own), size)
        if vertex.operation is not shapes.transpose:
            raise DependentError
        order = vertex.params.get("axes") or tuple(reversed(range(x.ndim)))
        own = order[at] if at < x.ndim else x.ndim
        moved = [k + (k >= own) for k in order]
        return transposed(self.many(x, own), (*moved[:at], own, *moved[at:]))

    def _natural(self, vertex: Vertex) -> int:
        """Return where the axis of turns is best put: last if arrays lie along it in memory."""
        for x in topological([vertex]):
            if is_operation(x, window) and x in self.moving:
                place = x.params["place"]
                if own_axis(place, self.word) == len(place) - 1 and x.size > 1:
                    return vertex.ndim
        return 0

    # Products.

    def _of_product(self, x: Vertex, kept: Sequence[int], at: int | None) -> Vertex | None:
        """Return sums of products of two arrays as a product of matrices, if it is one.

        Args:
            x: what is added up.
            kept: the axes along which it is not.
            at: where the axis of turns comes among these; None if it is added up.
        """
        if not is_operation(x, elementwise.multiply) or x.dtype.kind != "f":
            return None
        if at is None:
            kept = [k for k, n in enumerate(x.shape) if n != 1]
        letters = []
        for y in x.operands:
            if y.dtype != x.dtype:
                return None
            extra = x.ndim - y.ndim
            letters.append([k + extra for k, n in enumerate(y.shape) if n != 1])
        return self._contracted(x.operands, letters, kept, at)

    def _of_matmul(self, vertex: Apply, at: int) -> Vertex | None:
        a, b = vertex.operands
        if max(a.ndim, b.ndim) > 2:
            return None
        of_a = [1] if a.ndim == 1 else [0, 1]
        of_b = [1] if b.ndim == 1 else [1, 2]
        kept = [*of_a[:-1], *of_b[1:]]
        return self._contracted(vertex.operands, [of_a, of_b], kept, at, always=True)

    def _contracted(
        self,
        operands: Sequence[Vertex],
        letters: Sequence[list[int]],
        kept: Sequence[int],
        at: int | None,
        always: bool = False,
    ) -> Vertex | None:
        """Return a product of two matrices, or a matrix and a vector.

        Axes that mean the same have the same number; that of turns is -1.
        """
        moving = [x in self.moving for x in operands]
        terms = [[*own, *([-1] if m else [])] for own, m in zip(letters, moving, strict=True)]
        wanted = list(kept)
        if at is not None:
            wanted.insert(at, -1)
        inner = [k for k in terms[0] if k in terms[1] and k not in wanted]
        rows, columns = ([k for k in own if k not in inner] for own in terms)
        alone = len(inner) == 1 and max(len(rows), len(columns)) <= 1 and rows != columns
        if not alone or sorted([*rows, *columns]) != sorted(wanted):
            return None
        if any(m and len(own) > 1 for m, own in zip(moving, letters, strict=True)):
            return None
        a = self._with_axes(operands[0], letters[0], [*rows, *inner])
        b = self._with_axes(operands[1], letters[1], [*inner, *columns])
        if not (rows and columns) and max(a.size, b.size) < _LARGE and not always:
            return None
        size = (*a.shape[: len(rows)], *b.shape[1:])
        found = make(contraction.matmul, [a, b], a.dtype, size)
        turned = [*rows, *columns] != wanted
        return transposed(found, (1, 0)) if turned else found

    def _with_axes(self, x: Vertex, own: list[int], wanted: list[int]) -> Vertex:
        """Return an operand with some axes in some order, and none of length 1."""
        order = [k for k in wanted if k != -1]
        short = tuple(n for n in x.shape if n != 1)
        if x not in self.moving:
            found = reshaped(self.same(x), short)
            return found if order == own else transposed(found, (1, 0))
        at = wanted.index(-1)
        places = [k for k, n in enumerate(x.shape) if n != 1]
        where = (places[0] if at == 0 else places[0] + 1) if places else 0
        return reshaped(self.many(x, where), (*short[:at], self.turns, *short[at:]))


def _stretch(start: Integer, length: int, step: int) -> range | Stretch:
    if isinstance(start, int) and not isinstance(length, Extent):
        return range(start, start + length * step, step)
    return Stretch(start, length, step)
