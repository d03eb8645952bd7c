"""The body of a loop over numbers, for native code."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from chainrule.core.kinds import astype
from chainrule.graph.graph import Apply, Constant, Input, Vertex, is_operation
from chainrule.graph.loops.affine import Affine, Counter, Integer, affine, plus
from chainrule.graph.loops.bounds import at_ends
from chainrule.graph.loops.loop import Carry, Kept, Loop, element
from chainrule.graph.placeholder import make
from chainrule.native.ir.elements import TABLE, is_cheap, lowered
from chainrule.native.ir.text import is_native
from chainrule.native.lower.roles import Role, expected_access, number, role_of
from chainrule.native.lower.signs import signed
from chainrule.native.lower.turns import Part, Tape, Turns, Until, ends
from chainrule.operations import elementwise, indexing
from chainrule.operations import shape as shapes
from chainrule.operations.indexing import getitem, index_parts

__all__ = [
    "Counted",
    "NotNumbersError",
    "counting",
    "entry_at",
    "fills_arrays",
    "is_of_numbers",
    "looks_at_types",
    "turns_of",
]

#: What stands for an operand of a loop: a vertex, or a tape of another loop.
_Known: TypeAlias = "Any"


class NotNumbersError(Exception):
    """A loop is not one over numbers."""


@dataclass(frozen=True)
class Counted:
    """A number of turns that only the running program knows: where it lies, and what it may be."""

    vertex: Vertex
    least: int
    most: int


def turns_of(
    loop: Loop,
    operands: Sequence[_Known],
    whole: Mapping[int, bool],
    counts: Mapping[Counter, Counted],
) -> tuple[Apply, list[Part]]:
    """Return a loop as native code has it, and the part of its result that each tape is.

    Args:
        loop: a loop in no other.
        operands: what its operands have become.
        whole: for each tape that is read, whether more than its last entry is.
        counts: the numbers of turns that only the running program knows.
    """
    body = _Body(loop, operands, counts)
    body.renew()
    return body.finished(whole)


def counting(loop: Loop, operands: Sequence[_Known], which: int, until: Until) -> Apply:
    """Return a loop that ends when a condition fails, and counts its turns.

    Args:
        loop: as above.
        operands: what its operands have become.
        which: the tape that holds the condition.
        until: how it ends; its condition is found here.
    """
    body = _Body(replaced_turns(loop, until.most), operands, {})
    body.renew()
    return body.counted(which, until)


def replaced_turns(loop: Loop, turns: int) -> Loop:
    """Return a loop with another number of turns."""
    return Loop(loop.counter, turns, loop.invariants, loop.carried, loop.tables, loop.kept)


def entry_at(array: Vertex, index: Integer, counts: Mapping[Counter, Counted]) -> Vertex:
    """Return an entry at an index that only the running program knows: a loop of one turn."""
    given = Input("x", array.value)
    variables = {c: Input(c.name, x.vertex.value) for c, x in counts.items()}
    entry = make(getitem, [given], array.dtype, (), index=(index,))
    leaves = [given, *variables.values()]
    kept = [(Kept(entry), False)]
    turns = Turns(Counter(), 1, leaves, (), kept, array.dtype, 1, variables)
    found = turns.applied([array, *(x.vertex for x in counts.values())])
    return make(getitem, [found], array.dtype, (), index=(0,))


class _Body:
    def __init__(
        self, loop: Loop, operands: Sequence[_Known], counts: Mapping[Counter, Counted]
    ) -> None:
        self.loop, self.counts = loop, counts
        limits = (dict(zip(counts, ns, strict=True)) for ns in _limits(counts))
        self.corners = list(at_ends(loop.counter, loop.turns, list(limits)))
        self.turns = 1 + max(corner[loop.counter] for corner in self.corners)
        self.made: dict[Vertex, Vertex | Tape] = {}
        self.variables: dict[Vertex, Input] = {}  # of the body, by what they stand for
        self.handed: dict[Carry, Input] = {}
        rest = iter(operands)
        for x in loop.invariants:
            given = next(rest)
            if isinstance(given, Tape):
                memory = self._variable(given.made)
                self.made[x] = replace(given, made=memory)
            else:
                self.made[x] = self._variable(given)
        self.first = [[_number(next(rest)) for _ in range(c.lag)] for c in loop.carried]
        for carry, first in zip(loop.carried, self.first, strict=True):
            self.handed[carry] = self._handed(carry, first)
            self.made[carry.input] = self.handed[carry]
        if loop.tables and not isinstance(loop.turns, int):
            raise NotNumbersError
        for x in loop.tables:
            self.made[x] = self._column([next(rest) for _ in range(self.turns)])

    # Variables.

    def _variable(self, given: _Known) -> Input:
        """Return the variable for something that is the same in all turns."""
        if not isinstance(given, (Input, Constant, Apply)):
            raise NotNumbersError  # a tape of turns that are no loop here, or of loops in turns
        if not is_native(given.dtype):
            raise NotNumbersError
        if given.shape and (role_of(given) is Role.NUMBER or expected_access(given) is None):
            raise NotNumbersError
        if given not in self.variables:
            self.variables[given] = Input(f"i{len(self.variables)}", given.value)
        return self.variables[given]

    def _handed(self, carry: Carry, first: Sequence[Vertex]) -> Input:
        """Return the variable for a value that turns hand on: of the dtype that they make."""
        made, name = carry.result, carry.input.name
        if made.shape or not is_native(made.dtype):
            raise NotNumbersError
        for x in first:
            whole = role_of(x) is Role.NUMBER and x.dtype.kind in "iu" and made.dtype.kind == "f"
            if x.dtype != made.dtype and not (whole and abs(number(x)) < 2**24):
                raise NotNumbersError
            if type(x.value) is not type(made.value) and looks_at_types(self.loop, carry.input):
                raise NotNumbersError
        return Input(name, made.value)

    def _column(self, column: Sequence[_Known]) -> Vertex:
        """Return what is a constant of each turn: an entry of an array of them."""
        first = column[0]
        for x in column:
            if not isinstance(x, Constant) or role_of(x) is not Role.NUMBER:
                raise NotNumbersError
            if x.dtype != first.dtype or type(x.value) is not type(first.value):
                raise NotNumbersError
        values = Constant(np.array([x.value for x in column], first.dtype), literal=True)
        at = affine(0, 1, self.loop.counter)
        return Apply(getitem, (self._variable(values),), {"index": (at,)}, first.value)

    # What is computed.

    def renew(self) -> None:
        """Go through the body."""
        for vertex in self.loop.body:
            if vertex not in self.made:
                self.made[vertex] = self.renewed(vertex)

    def renewed(self, vertex: Vertex) -> Vertex:
        """Return a vertex of the body in terms of what native code has."""
        if not isinstance(vertex, Apply):
            if isinstance(vertex, Constant) and vertex.shape:
                return self._variable(vertex)
            if role_of(vertex) is not Role.NUMBER or vertex.shape:
                raise NotNumbersError
            return vertex
        if vertex.operation is element:
            values, turns = self.made[vertex.operands[0]], vertex.params["turns"]
            if not isinstance(values, Tape) or len(turns) != 1 or turns[0] is None:
                raise NotNumbersError
            self._reach(turns[0], len(values))
            return values.at(turns[0])
        operands = [self._result(x) for x in vertex.operands]
        if vertex.operation is shapes.reshape and not operands[0].shape:
            return operands[0]  # outside of the loop it gets its shape
        if vertex.shape:
            raise NotNumbersError
        if vertex.operation is getitem and len(operands) == 1:
            (x,) = operands
            if not isinstance(x, Input):
                raise NotNumbersError
            index = self._index(vertex.params["index"], x.shape)
            return Apply(getitem, (x,), {"index": index}, vertex.value)
        made = Apply(vertex.operation, tuple(operands), vertex.params, vertex.value)
        if any(x.shape for x in operands) or not lowered(made):
            raise NotNumbersError
        return self._before(made) or signed(made)

    def _before(self, vertex: Apply) -> Vertex | None:
        """Compute what takes long of all turns before the loop, where it reads an array alone.

        There several turns are computed at once, and none waits for the one before.
        """
        if is_cheap(vertex) or len(vertex.operands) != 1 or self.counts:
            return None
        (entry,) = vertex.operands
        if not is_operation(entry, getitem) or vertex.dtype != entry.dtype:
            return None
        index = entry.params["index"]
        given = next((x for x, own in self.variables.items() if own is entry.operands[0]), None)
        if given is None or len(index) != 1 or not isinstance(index[0], Affine):
            return None
        first, growth = index[0].first, index[0].growth
        if (
            index[0].counter is not self.loop.counter
            or type(first) is not int
            or growth not in (1, -1)
        ):
            return None
        least = first if growth == 1 else first - (self.turns - 1)
        place = (slice(least, least + self.turns),)
        piece = make(getitem, [given], given.dtype, (self.turns,), index=place)
        whole = make(vertex.operation, [piece], vertex.dtype, (self.turns,), **vertex.params)
        at = affine(first - least, growth, self.loop.counter)
        return Apply(getitem, (self._variable(whole),), {"index": (at,)}, vertex.value)

    def _index(self, index: Any, shape: Sequence[int]) -> tuple[Integer, ...]:
        """Return the index of one entry, counted from the first."""
        found: list[Integer] = []
        parts = index_parts(index)
        if not shape or len(parts) != len(shape):
            raise NotNumbersError
        for part, n in zip(parts, shape, strict=True):
            if type(part) not in (int, Affine):
                raise NotNumbersError
            from_end = self._reach(part, n) < 0
            found.append(plus(part, n) if from_end else part)
        return tuple(found)

    def _reach(self, index: Integer, n: int) -> int:
        """Return the least that an index is: it stays on one side, and is one of so many."""
        first, last = ends(index, self.corners)
        if first < 0 <= last or last >= n or first < -n:
            raise NotNumbersError
        return first

    # The whole.

    def finished(self, whole: Mapping[int, bool]) -> tuple[Apply, list[Part]]:
        """Return the loop."""
        loop = self.loop
        carried = {c: Carry(self.handed[c], self._result(c.result), c.lag) for c in loop.carried}
        kept = [
            (Kept(self._result(k.result), k.carry and carried[k.carry]), whole.get(which, False))
            for which, k in enumerate(loop.kept)
        ]
        if all(self._is_of_a_tape(one.result) for one, _ in kept):
            raise NotNumbersError  # it only copies: whoever reads it may as well read that
        dtypes = {one.result.dtype for one, _ in kept}
        if len(dtypes) > 1:
            dtypes -= {np.dtype(bool)}  # a boolean is 0 or 1 in any other dtype
        if len(dtypes) != 1:
            raise NotNumbersError
        counts = {counter: self._variable(x.vertex) for counter, x in self.counts.items()}
        turns = Turns(
            loop.counter,
            loop.turns,
            self.variables.values(),
            carried.values(),
            kept,
            dtypes.pop(),
            self.turns,
            counts,
        )
        operands = [*self.variables, *(x for first in self.first for x in first)]
        return turns.applied(operands), turns.layout

    def counted(self, which: int, until: Until) -> Apply:
        """Return the loop as one that counts its turns."""
        loop = self.loop
        carried = [Carry(self.handed[c], self._result(c.result), c.lag) for c in loop.carried]
        until = replace(until, condition=self._result(loop.kept[which].result))
        turns = Turns(
            loop.counter,
            self.turns,
            self.variables.values(),
            carried,
            [(Kept(until.condition), False)],
            np.dtype(np.int64),
            self.turns,
            {},
            until,
        )
        operands = [*self.variables, *(x for first in self.first for x in first)]
        return turns.applied(operands)

    def _is_of_a_tape(self, vertex: Vertex) -> bool:
        """Tell whether a value is an entry of another loop's tape."""
        while is_operation(vertex, getitem, astype):
            vertex = vertex.operands[0]
        tapes = (x for x in self.made.values() if isinstance(x, Tape))
        return any(vertex is x.made for x in tapes)

    def _result(self, vertex: Vertex) -> Vertex:
        found = self.made[vertex]
        if isinstance(found, Tape) or not is_native(found.dtype):
            raise NotNumbersError
        return found


def _limits(counts: Mapping[Counter, Counted]) -> Iterator[tuple[int, ...]]:
    return itertools.product(*((x.least, x.most) for x in counts.values()))


def _number(given: _Known) -> Vertex:
    """Return a number that a loop begins with."""
    if not isinstance(given, (Input, Constant, Apply)) or given.shape:
        raise NotNumbersError
    return given


def looks_at_types(loop: Loop, variable: Input) -> bool:
    """Tell whether it matters to some operation whether a variable is a number of Python."""
    return any(
        isinstance(x, Apply)
        and variable in x.operands
        and x.operation in TABLE
        and TABLE[x.operation].convert == "common"
        and len({y.dtype for y in x.operands}) > 1
        for x in loop.body
    )


def is_of_numbers(loop: Loop) -> bool:
    """Tell whether a loop computes single numbers alone, some of which are entries of arrays."""
    return all(_is_of_a_number(x) for x in loop.body if isinstance(x, Apply))


def fills_arrays(loop: Loop) -> bool:
    """Tell whether turns write entries of an array that later ones may read."""
    return any(is_operation(x, indexing.set_at) for x in loop.body)


def _is_of_a_number(x: Apply) -> bool:
    if x.value is None:
        return False
    if is_operation(x, elementwise.add):
        changed = [y for y in x.operands if is_operation(y, indexing.scatter_add)]
        return not x.shape or (len(changed) == 1 and not changed[0].operands[0].shape)
    if is_operation(x, indexing.scatter_add, indexing.set_at):
        piece = x.operands[x.operation is indexing.set_at]
        return not piece.shape
    return not x.shape
