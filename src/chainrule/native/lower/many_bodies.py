"""What the body of a loop computes, in several turns at once.

What a vertex is in all turns has one axis more than it has in one, ``at`` some place among those.
Whoever needs it says where, so that nothing has to be moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainrule.core.kinds import broadcast_to, unbroadcast
from chainrule.graph.graph import Apply, Vertex, is_operation, topological
from chainrule.graph.placeholder import element, full, make, reduce, transposed
from chainrule.native.ir.elements import lowered
from chainrule.native.lower.array_loop import ArrayLoop
from chainrule.native.lower.independent import (
    DependentError,
    States,
    Update,
    changes_with,
    own_axis,
)
from chainrule.native.lower.many_turns import ManyTurns, shaped, with_axis
from chainrule.native.lower.movement import repeated_to
from chainrule.native.lower.parts import (
    Place,
    apart,
    everywhere,
    joined,
    lengths,
    taken,
    window,
)
from chainrule.native.lower.ragged import Part, Turns, axis_of
from chainrule.native.lower.roles import Role, is_alias, reduced_axes, role_of
from chainrule.operations import contraction, elementwise, reduction
from chainrule.operations import shape as shapes
from chainrule.operations.indexing import getitem

__all__ = ["ManyBodies"]

_LARGE = 2048  # entries of a matrix from which on its product with a vector is for BLAS


class ManyBodies(ManyTurns):
    """Makes the vertices of some turns, or of all.

    Args:
        loop: the loop.
        vertices: those of its body.
        some: which turns; None for all.
        states: what its states are.
        given: what its variables are.
    """

    def __init__(
        self,
        loop: ArrayLoop,
        vertices: Sequence[Vertex],
        some: Turns | None,
        states: States,
        given: Mapping[Vertex, Vertex],
    ) -> None:
        super().__init__(loop, vertices, some)
        self.states, self.given = states, given
        self.made: dict[tuple[Vertex, int, Part], Vertex] = {}

    def version(self, version: Vertex) -> Vertex:
        """Return what a version of a state is when all turns have made theirs."""
        raise NotImplementedError

    def mark(self, vertex: Vertex) -> None:
        """Note of vertices that were made of those of the body whether they move with the turns."""
        for x in topological([vertex]):
            if isinstance(x, Apply) and any(y in self.moving for y in x.operands):
                self.moving.add(x)

    def same(self, vertex: Vertex, part: Part = Part.ALL) -> Vertex:
        """Return what a vertex is that is the same in all turns, but for where it ends."""
        for x in topological([vertex]):
            if x not in self.given and (x, -1, part) not in self.made:
                self.made[x, -1, part] = self._same_as(x, part)
        return self._same(vertex, part)

    def _same(self, vertex: Vertex, part: Part) -> Vertex:
        return self.given[vertex] if vertex in self.given else self.made[vertex, -1, part]

    def _same_as(self, x: Vertex, part: Part) -> Vertex:
        if not isinstance(x, Apply):
            return x
        operands = [self._same(y, part) for y in x.operands]
        if x.operation is window:
            return taken(operands[0], self.place(x.params["place"], part))
        if axis_of(x.shape, self.word) is None:
            if any(axis_of(y.shape, self.word) is not None for y in x.operands):
                raise DependentError
            return Apply(x.operation, tuple(operands), x.params, x.value)
        size = self.size(x.shape, part)
        if lowered(x):
            return make(x.operation, operands, x.dtype, size, **x.params)
        if x.operation is broadcast_to:
            return repeated_to(operands[0], size)
        if is_alias(x):
            return shaped(operands[0], size)
        if x.operation is shapes.transpose:
            return transposed(operands[0], x.params.get("axes") or tuple(reversed(range(x.ndim))))
        raise DependentError

    def operand(self, x: Vertex, at: int, ndim: int, part: Part = Part.ALL) -> Vertex:
        """Return an operand of something with so many axes, and the axis of turns at one of them.

        What is the same in all turns has length 1 along that.
        """
        self.mark(x)
        extra = ndim - x.ndim
        size = self.size(x.shape, part)
        if x not in self.moving:
            found, own = self.same(x, part), at - extra
            return found if own <= 0 else shaped(found, with_axis(size, own, 1))
        if at >= extra:
            return self.many(x, at - extra, part)
        return shaped(self.many(x, 0, part), (self.turns, *[1] * (extra - at), *size))

    def many(self, vertex: Vertex, at: int, part: Part = Part.ALL) -> Vertex:
        """Return what a vertex is in all turns, with their axis at some place."""
        if axis_of(vertex.shape, self.word) is None:
            part = Part.ALL
        if (vertex, at, part) not in self.made:
            assert isinstance(vertex, Apply)
            self.made[vertex, at, part] = self._many(vertex, at, part)
        return self.made[vertex, at, part]

    def _many(self, vertex: Apply, at: int, part: Part) -> Vertex:
        size = with_axis(self.size(vertex.shape, part), at, self.turns)
        if lowered(vertex):
            operands = [self.operand(x, at, vertex.ndim, part) for x in vertex.operands]
            return make(vertex.operation, operands, vertex.dtype, size, **vertex.params)
        if vertex.operation is window or is_operation(vertex, getitem):
            return self._read(vertex, at, size, part)
        role = role_of(vertex)
        if role in (Role.REDUCTION, Role.PRODUCT) and part is not Part.ALL:
            return self._part_of(vertex, at, part)
        if role is Role.REDUCTION:
            return self._reduced(vertex, at, size)
        if role is Role.PRODUCT:
            return self._product(vertex, at, size)
        if role is Role.JOIN:
            return self._join(vertex, at, size)
        return self._view(vertex, at, size, part)

    def _part_of(self, vertex: Apply, at: int, part: Part) -> Vertex:
        """Return a part of what is computed as a whole."""
        axis = axis_of(vertex.shape, self.word)
        assert axis is not None
        n = vertex.shape[axis]
        moves, some = self.moves_of(n)
        own = axis + (at <= axis)
        found = self.many(vertex, at)
        place = list(everywhere(found.shape))
        place[own] = moves.within(n.now, part, some)  # type: ignore[attr-defined]
        return taken(found, tuple(place))

    def _read(self, vertex: Apply, at: int, size: tuple[int, ...], part: Part) -> Vertex:
        (x,) = vertex.operands
        place = vertex.params["place"] if vertex.operation is window else None
        whole = x in self.states.own or x in self.states.cleared
        if place is None or own_axis(place, self.word) is None:
            if place is None or whole or x not in self.moving or changes_with(place, self.word):
                raise DependentError
            found = self.many(x, at)
            return taken(found, (*place[:at], *everywhere([self.turns]), *place[at:]))
        axis = own_axis(place, self.word)
        if axis is None or (x in self.moving and not whole):
            raise DependentError
        found = taken(self.version(x) if whole else self.same(x), self.along(place, part))
        order: list[int] = [k for k in range(len(place)) if k != axis]
        order.insert(at - (at > axis), axis)
        found = shaped(transposed(found, tuple(order)), size)
        for update in self.states.cleared.get(x, ()):
            if part is not Part.COMMON and not apart(update.place, place):
                found = self._cleared(found, place, update, at)
        return found

    def _cleared(self, found: Vertex, place: Place, update: Update, at: int) -> Vertex:
        """Return what was read with the number that the turn has written over its first entry."""
        axis = axis_of(place, self.word)
        if axis is None:
            raise DependentError
        for k, (own, other) in enumerate(zip(place, update.place, strict=True)):
            alone = lengths([other if k == axis else own]) == (1,)
            if own.start != other.start or own.step != 1 or other.step != 1 or not alone:
                raise DependentError
        moves, some = self.moves_of(lengths(place)[axis])
        condition = self.condition(moves.entry(0, some), len(place), at, axis)
        number = self.same(update.piece.operands[0]) if isinstance(update.piece, Apply) else None
        while isinstance(number, Apply):
            number = number.operands[0]
        if number is None:
            raise DependentError
        return element(elementwise.where, condition, number, found, dtype=found.dtype)

    def _reduced(self, vertex: Apply, at: int, size: tuple[int, ...]) -> Vertex:
        (x,) = vertex.operands
        gone, kept = reduced_axes(vertex)
        operation = reduction.sum if vertex.operation is unbroadcast else vertex.operation
        real = [k for k in kept if k is not None]
        before = sum(k is not None for k in kept[:at])
        if axis_of(x.shape, self.word) is not None and operation is not reduction.sum:
            raise DependentError
        own = real[before] if before < len(real) else x.ndim
        if before == len(real) and not real:
            own = self.natural(x)
        axes = tuple(k + (k >= own) for k in gone)
        found: list[Vertex] = []
        for part in self.parts(x.shape):
            product = None
            if operation is reduction.sum and part is not Part.TRIANGLE:
                product = self.of_product(x, real, before, part)
            if product is None:
                terms = self.many(x, own, part)
                if part is Part.TRIANGLE:
                    terms = self.kept(terms, x.shape, own, full(0, x.dtype, ()))
                product = reduce(operation, terms, axes, vertex.dtype)
            found.append(shaped(product, size))
        return found[0] if len(found) == 1 else element(elementwise.add, *found)

    def _product(self, vertex: Apply, at: int, size: tuple[int, ...]) -> Vertex:
        a, b = vertex.operands
        if max(a.ndim, b.ndim) > 2:
            raise DependentError
        of_a = [1] if a.ndim == 1 else [0, 1]
        of_b = [1] if b.ndim == 1 else [1, 2]
        kept = [*of_a[:-1], *of_b[1:]]
        parts = self.parts(a.shape[-1:])
        found: Vertex | None = None
        if parts[-1] is not Part.TRIANGLE:
            letters = [of_a, of_b]
            found = self.contracted(vertex.operands, letters, kept, at, parts[-1], always=True)
            if found is None:
                raise DependentError
            found = shaped(found, size)
            if len(parts) == 1:
                return found
        # The rest of the sums, entry by entry.
        left = shaped(a, (*a.shape, 1)) if b.ndim == 2 else a
        right = shaped(b, (1, *b.shape)) if a.ndim == 2 and b.ndim == 2 else b
        terms = element(elementwise.multiply, left, right)
        self.mark(terms)
        axis = a.ndim - 1
        own = at + (at > axis) if at <= axis else at + 1
        rest = self.kept(
            self.many(terms, own, Part.TRIANGLE), terms.shape, own, full(0, terms.dtype, ())
        )
        rest = shaped(reduce(reduction.sum, rest, (axis + (axis >= own),)), size)
        return rest if found is None else element(elementwise.add, found, rest)

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
            part = self.operand(x, at, vertex.ndim)
            parts.append(repeated_to(part, with_axis(x.shape, at, self.turns)))
            places.append((*place[:at], *whole, *place[at:]))
        return make(joined, parts, vertex.dtype, size, places=tuple(places), shape=size)

    def _view(self, vertex: Apply, at: int, size: tuple[int, ...], part: Part) -> Vertex:
        (x,) = vertex.operands
        if vertex.operation is broadcast_to:
            return repeated_to(self.operand(x, at, vertex.ndim, part), size)
        if is_alias(vertex):  # whose axes of other lengths than 1 are those of the operand
            before = sum(n != 1 for n in vertex.shape[:at])
            places = [k for k, n in enumerate(x.shape) if n != 1]
            own = places[before] if before < len(places) else x.ndim
            return shaped(self.many(x, own, part), size)
        if vertex.operation is not shapes.transpose:
            raise DependentError
        order = vertex.params.get("axes") or tuple(reversed(range(x.ndim)))
        own = order[at] if at < x.ndim else x.ndim
        moved = [k + (k >= own) for k in order]
        return transposed(self.many(x, own, part), (*moved[:at], own, *moved[at:]))

    def natural(self, vertex: Vertex) -> int:
        """Return where the axis of turns is best put: last if arrays lie along it in memory."""
        for x in topological([vertex]):
            if is_operation(x, window) and x in self.moving:
                place = x.params["place"]
                if own_axis(place, self.word) == len(place) - 1 and x.size > 1:
                    return vertex.ndim
        return 0

    # Products.

    def of_product(
        self, x: Vertex, kept: Sequence[int], at: int | None, part: Part
    ) -> Vertex | None:
        """Return sums of products of two arrays as a product of matrices, if it is one.

        Args:
            x: what is added up.
            kept: the axes along which it is not.
            at: where the axis of turns comes among these; None if it is added up.
            part: which part of axes that move.
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
        return self.contracted(x.operands, letters, kept, at, part)

    def contracted(
        self,
        operands: Sequence[Vertex],
        letters: Sequence[list[int]],
        kept: Sequence[int],
        at: int | None,
        part: Part,
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
        a = self._with_axes(operands[0], letters[0], [*rows, *inner], part)
        b = self._with_axes(operands[1], letters[1], [*inner, *columns], part)
        if not (rows and columns) and max(a.size, b.size) < _LARGE and not always:
            return None
        size = (*a.shape[: len(rows)], *b.shape[1:])
        found = make(contraction.matmul, [a, b], a.dtype, size)
        turned = [*rows, *columns] != wanted
        return transposed(found, (1, 0)) if turned else found

    def _with_axes(self, x: Vertex, own: list[int], wanted: list[int], part: Part) -> Vertex:
        """Return an operand with some axes in some order, and none of length 1."""
        order = [k for k in wanted if k != -1]
        places = [k for k, n in enumerate(x.shape) if n != 1]
        size = self.size(x.shape, part)
        short = tuple(size[k] for k in places)
        if x not in self.moving:
            found = shaped(self.same(x, part), short)
            return found if order == own else transposed(found, (1, 0))
        at = wanted.index(-1)
        where = (places[0] if at == 0 else places[0] + 1) if places else 0
        return shaped(self.many(x, where, part), with_axis(short, at, self.turns))
