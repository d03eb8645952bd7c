"""The body of a loop, and the loop, made of a folded step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from chainrule.core.placeholder import Placeholder, is_array
from chainrule.graph.graph import Apply, Constant, Input, Vertex
from chainrule.graph.loops.affine import Counter, Integer, affine, before, filled, plus
from chainrule.graph.loops.loop import Carry, Kept, Loop, element, tape
from chainrule.graph.loops.pattern import beginning
from chainrule.graph.loops.steps import Carried, Own, Slot, Step, Table

__all__ = ["Body", "Parts", "Tape", "UnevenTapesError", "read"]

#: Which step of a body is meant, and which of the body of that, if it is a loop.
Parts: TypeAlias = "tuple[int, ...]"


class UnevenTapesError(Exception):
    """Turns hand on tapes of which some begin before the first turn of their loop, some do not."""


class Tape(NamedTuple):
    """What is known of a vertex that is a tape."""

    dimensions: int
    leading: int
    """How many entries come before the first turn, in the last dimension."""
    entry: Any
    """A value that it holds."""


def read(vertex: Vertex, turns: Sequence[Integer | None], tapes: dict[Vertex, Tape]) -> Vertex:
    """Read a tape at some turns; None stands for all of them."""
    if all(turn is None for turn in turns):
        return vertex
    leading, entry = tapes[vertex][1:]
    places = list(turns)
    last = places[-1]
    if last is not None:
        places[-1] = plus(last, leading)
    whole = places.count(None)
    while places[-1] is None:
        places.pop()
    found = Apply(element, (vertex,), {"turns": tuple(places)}, None if whole else entry)
    if whole:
        tapes[found] = Tape(whole, leading if last is None else 0, entry)
    return found


class _Place(NamedTuple):
    """A slot, and at which turns of what it reads."""

    slot: Slot
    turns: tuple[Integer, ...]


class Body:
    """Makes a loop.

    Args:
        step: the folded step.
        ints: its integers, which may be affine in the counters of loops around it.
        refs: the vertices that it reads.
        wanted: the parts that are read after it.
        tapes: what is known of tapes; is added to.

    Raises:
        UnevenTapesError: no index is the right one for all tapes that stand in one place.

    Attributes:
        kept: the tape of each part that is wanted.
    """

    def __init__(
        self,
        step: Step,
        ints: Iterable[Integer],
        refs: Sequence[Vertex],
        wanted: Iterable[Parts],
        tapes: dict[Vertex, Tape],
    ) -> None:
        assert step.pattern is not None
        self.step, self.pattern = step, step.pattern
        self.refs, self.tapes = refs, tapes
        self.counter = Counter()
        self.made: dict[Parts, Vertex] = {}
        self.invariants: dict[int, Input] = {}
        self.tables: dict[int, Input] = {}
        self.handed: dict[_Place, Input] = {}
        rest = iter(ints)
        self.turns = next(rest)
        growing = (affine(a, b, self.counter) for a, b in zip(rest, rest, strict=True))
        self.own = [[next(growing) for _ in inner.ints] for inner in self.pattern.steps]
        slots = [
            [_Place(slot, tuple(next(growing) for _ in _given(slot))) for slot in row]
            for row in self.pattern.slots
        ]
        wanted = list(wanted)
        for part, inner in enumerate(self.pattern.steps):
            operands = [self._operand(place) for place in slots[part]]
            if inner.pattern is None:
                self.made[(part,)] = _application(inner.content, self.own[part], operands)
                continue
            read_of_it = self._wanted(part, wanted)
            body = Body(inner, self.own[part], operands, read_of_it, tapes)
            self.made.update({(part, *p): x for p, x in body.kept.items()})
        self.kept: dict[Parts, Vertex] = self._loop(step, wanted)

    def _wanted(self, part: int, wanted: Iterable[Parts]) -> Iterable[Parts]:
        """Return the parts of a loop in the body that are read."""
        found: dict[Parts, None] = {parts[1:]: None for parts in wanted if parts[0] == part}
        for slot in (slot for row in self.pattern.slots for slot in row):
            if isinstance(slot, (Own, Carried)) and slot.part == part:
                found[slot.parts] = None
        return found

    def _operand(self, place: _Place) -> Vertex:
        """Return what a slot reads."""
        slot, turns = place
        if isinstance(slot, Own):
            return self._made(slot, turns)
        if isinstance(slot, Carried):
            if place not in self.handed:
                self.handed[place] = self._carried(slot)
            return self.handed[place]
        if isinstance(slot, Table):
            if slot.first not in self.tables:
                name = f"x{len(self.tables)}"
                self.tables[slot.first] = self._variable(name, self.refs[slot.first])
            return self.tables[slot.first]
        vertex = self.refs[slot.which]
        if isinstance(vertex, Constant):
            return vertex
        if slot.which not in self.invariants:
            self.invariants[slot.which] = self._variable(f"i{len(self.invariants)}", vertex)
        # Dimensions that are read at one turn outside of the loop are not there any more.
        whole = self.step.refs[slot.which].turns
        left = [k - len(whole) for k, turn in enumerate(whole) if turn is None]
        given = [left.index(k) - len(left) for k in slot.given]
        return read(self.invariants[slot.which], _at(given, turns, len(left)), self.tapes)

    def _variable(self, name: str, outer: Vertex) -> Input:
        if outer not in self.tapes:
            return Input(name, _light(outer.value, outer.shape))
        variable = Input(name, None)
        self.tapes[variable] = self.tapes[outer]
        return variable

    def _carried(self, slot: Carried) -> Input:
        """Make the variable of a carried value, which has the shape that its result had before."""
        variable = self._variable(f"c{len(self.handed)}", self.refs[slot.first])
        made = self.pattern.steps[slot.part].content
        if isinstance(made, Apply) and made.ndim:
            extents = self.own[slot.part][-made.ndim :]
            shape = tuple(before(n, self.counter, slot.lag) for n in extents)
            return Input(variable.name, _light(made.value, shape))
        return variable

    def _made(self, slot: Own | Carried, turns: Sequence[Integer]) -> Vertex:
        """Return what a slot reads of the turn in which it is made."""
        return read(
            self.made[(slot.part, *slot.parts)],
            _at(slot.given, turns, len(slot.parts)),
            self.tapes,
        )

    def _loop(self, step: Step, wanted: Sequence[Parts]) -> dict[Parts, Vertex]:
        carries: list[Carry] = []
        handed: list[Vertex] = []
        first: dict[Parts, Carry] = {}
        for (slot, turns), variable in self.handed.items():
            assert isinstance(slot, Carried)
            initial = self.refs[slot.first : slot.first + slot.lag]
            result = self._made(slot, turns)
            self._check((variable, result, *initial))
            carries.append(Carry(variable, result, slot.lag))
            handed += initial
            if not slot.parts and beginning(step, (slot.part,)) == slot:
                first[(slot.part,)] = carries[-1]
        kept = [Kept(self.made[parts], first.get(parts)) for parts in wanted]
        loop = Loop(
            self.counter,
            self.turns,
            self.invariants.values(),
            carries,
            self.tables.values(),
            kept,
        )
        operands = [*(self.refs[k] for k in self.invariants), *handed]
        for k in self.tables:
            self._check(self.refs[k : k + step.turns])
            operands += self.refs[k : k + step.turns]
        vertex = Apply(loop, tuple(operands))
        tapes: dict[Parts, Vertex] = {}
        for k, (parts, one) in enumerate(zip(wanted, kept, strict=True)):
            tapes[parts] = found = Apply(tape, (vertex,), {"which": k})
            inner = self.tapes.get(one.result)
            self.tapes[found] = (
                Tape(1, one.leading, one.result.value)
                if inner is None
                else inner._replace(dimensions=inner.dimensions + 1)
            )
        return tapes

    def _check(self, same: Sequence[Vertex]) -> None:
        """See that tapes that stand in one place, each in some turns, are read at one index."""
        if len({self.tapes[x].leading for x in same if x in self.tapes}) > 1:
            raise UnevenTapesError


def _given(slot: Slot) -> tuple[int, ...]:
    return () if isinstance(slot, Table) else slot.given


def _at(given: Sequence[int], turns: Sequence[Integer], dimensions: int) -> list[Integer | None]:
    places: list[Integer | None] = [None] * dimensions
    for k, turn in zip(given, turns, strict=True):
        places[k] = turn
    return places


def _application(vertex: Apply, ints: Sequence[Integer], operands: Sequence[Vertex]) -> Apply:
    rest = iter(ints)
    params = filled(vertex.params, lambda _: next(rest))
    return Apply(vertex.operation, tuple(operands), params, _light(vertex.value, tuple(rest)))


def _light(value: Any, shape: tuple[Any, ...]) -> Any:
    """Return a value without its entries, as they differ by turn."""
    return Placeholder(shape, value.dtype) if is_array(value) else value
