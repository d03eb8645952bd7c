"""The cosine of an angle is computed with its sine, in the turn of a loop that has the sine.

A backward pass asks for the cosine of each angle that it was the sine of. Where the turns of the
loop that took the sine wait for one another, there is time for the cosine meanwhile, and the angle
need not be kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chainrule.graph.graph import Apply, Input, Vertex, is_operation, topological
from chainrule.graph.loops.affine import Affine, Integer, at, plus
from chainrule.graph.loops.loop import Carry, Kept, Loop, element, tape
from chainrule.graph.rewrite import substitute
from chainrule.native.lower.loop_body import is_of_numbers
from chainrule.operations import elementwise

__all__ = ["angles_together"]

_PARTNERS = {elementwise.sin: elementwise.cos, elementwise.cos: elementwise.sin}


def angles_together(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Return a folded graph in which loops keep sines with cosines that other loops take."""
    found = list(outputs)
    while (asked := _asked(found)) is not None:
        found = asked.given(found)
    return found


@dataclass(frozen=True)
class _Asked:
    """``taken`` is what ``reader`` takes, of some turns, of an angle that a loop keeps."""

    maker: Apply
    angle: Vertex
    reader: Apply
    taken: Apply
    turns: Integer  # of the maker

    def given(self, outputs: Sequence[Vertex]) -> list[Vertex]:
        """Return the graph in which the loop keeps that, and the other one reads it."""
        one = self.maker.operation
        assert isinstance(one, Loop)
        more = Apply(self.taken.operation, (self.angle,), self.taken.params, self.taken.value)
        kept = [*one.kept, Kept(more)]
        loop = Loop(one.counter, one.turns, one.invariants, one.carried, one.tables, kept)
        made = Apply(loop, self.maker.operands)
        # The reader has other operands then, too.
        ends = [*outputs, self.reader]
        *outputs, reader = substitute(ends, _tapes(ends, self.maker, made))
        assert isinstance(reader, Apply)
        own = Apply(tape, (made,), {"which": len(one.kept)})
        return substitute(outputs, _tapes(outputs, reader, self._reading(reader, own)))

    def _reading(self, reader: Apply, own: Apply) -> Apply:
        """Return the reader, which reads one more tape, and no other one in vain."""
        loop = reader.operation
        assert isinstance(loop, Loop)
        variable = Input(f"i{len(loop.invariants)}", None)
        read = Apply(element, (variable,), {"turns": (self.turns,)}, self.taken.value)
        results = [*(c.result for c in loop.carried), *(k.result for k in loop.kept)]
        results = substitute(results, {self.taken: read})
        carried = {
            c: Carry(c.input, result, c.lag)
            for c, result in zip(loop.carried, results, strict=False)
        }
        kept = [
            Kept(result, k.carry and carried[k.carry])
            for k, result in zip(loop.kept, results[len(carried) :], strict=True)
        ]
        used = {*topological(results)}
        given = [
            (x, y) for x, y in zip(loop.invariants, reader.operands, strict=False) if x in used
        ]
        rest = reader.operands[len(loop.invariants) :]
        invariants = [*(x for x, _ in given), variable]
        made = Loop(loop.counter, loop.turns, invariants, carried.values(), loop.tables, kept)
        return Apply(made, (*(y for _, y in given), own, *rest))


def _tapes(outputs: Sequence[Vertex], old: Apply, new: Apply) -> dict[Vertex, Vertex]:
    """Return for each tape of a loop that of another one."""
    return {
        x: Apply(tape, (new,), x.params)
        for x in topological(outputs)
        if is_operation(x, tape) and x.operands[0] is old
    }


def _asked(outputs: Sequence[Vertex]) -> _Asked | None:
    for reader in topological(outputs):
        loop = reader.operation if isinstance(reader, Apply) else None
        if isinstance(loop, Loop) and isinstance(reader, Apply):
            given = dict(zip(loop.invariants, reader.operands, strict=False))
            for x in loop.body:
                if is_operation(x, *_PARTNERS) and (asked := _of(x, reader, given)) is not None:
                    return asked
    return None


def _of(taken: Apply, reader: Apply, given: Mapping[Input, Vertex]) -> _Asked | None:
    (entry,) = taken.operands
    if not is_operation(entry, element) or not isinstance(entry.operands[0], Input):
        return None
    read, read_at = given.get(entry.operands[0]), entry.params["turns"]
    loop = reader.operation
    assert isinstance(loop, Loop)
    if read is None or not is_operation(read, tape) or len(read_at) != 1:
        return None
    maker, which = read.operands[0], read.params["which"]
    one = maker.operation if isinstance(maker, Apply) else None
    if not isinstance(one, Loop) or not isinstance(maker, Apply):
        return None
    (turn,) = read_at
    if not one.carried or not (is_of_numbers(one) and is_of_numbers(loop)):
        return None
    if not isinstance(turn, Affine) or turn.counter is not loop.counter:
        return None
    if not isinstance(loop.turns, int) or not isinstance(one.turns, int):
        return None
    kept = one.kept[which]
    partners = [x for x in one.body if is_operation(x, _PARTNERS[taken.operation])]
    # An entry is what a turn has made, or what one was given by so many turns before.
    places = [(kept.result, kept.leading), *([] if kept.carry is None else [(kept.carry.input, 0)])]
    for angle, before in places:
        turns = plus(turn, -before)
        ends = [at(turns, {loop.counter: t}) for t in (0, loop.turns - 1)]
        if any(x.operands[0] is angle for x in partners) and all(0 <= k < one.turns for k in ends):
            return _Asked(maker, angle, reader, taken, turns)
    return None
