"""From a folded graph to loops over arrays: what stays a loop, and what each of them works on.

A recorded graph is folded before it is rewritten, so that a body is rewritten once, however many
turns there are. What cannot be a loop is given back turn by turn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from chainrule.graph.graph import Apply, Constant, Input, Vertex, topological
from chainrule.graph.loops.affine import Counter
from chainrule.graph.loops.extrapolate import NotAlikeError, Turns, extrapolated
from chainrule.graph.loops.loop import Carry, Loop, element, tape
from chainrule.graph.loops.unfold import value_at
from chainrule.graph.loops.vertices import fold
from chainrule.graph.placeholder import boolean, cast
from chainrule.graph.placeholder import element as element_of
from chainrule.graph.rewrite import share, substitute
from chainrule.native.ir.moving import Integer, Moving, Word, moves
from chainrule.native.lower.array_loop import ArrayLoop, State, Taped, Until, result, result_of
from chainrule.native.lower.at_turn import at_turn, is_growing
from chainrule.native.lower.batched import batched
from chainrule.native.lower.blocks import in_blocks
from chainrule.native.lower.bodies import as_body
from chainrule.native.lower.kept import Known, Tape, array_of
from chainrule.native.lower.lengths import by_lengths, of_moving_lengths
from chainrule.native.lower.loop_body import fills_arrays, is_of_numbers
from chainrule.native.lower.narrowed import Narrowed
from chainrule.native.lower.put_back import without_empty_updates
from chainrule.native.lower.read_again import LAST, NONE, STATES, ReadAgain
from chainrule.native.lower.reads import reads_of
from chainrule.native.lower.seen import light
from chainrule.native.lower.turn_places import Around, Places, UnrollError
from chainrule.native.lower.unchanged import Write
from chainrule.native.lower.updates import spread
from chainrule.native.lower.variables import Variables
from chainrule.operations import elementwise

__all__ = ["Ends", "Graph", "Rolled", "folded", "never", "rolled", "rolled_long"]

# Operations in all turns of a loop up to which these are written one by one: LLVM is as quick with
# them, or quicker.
_SHORTEST = 64
_FEW_SHAPES = 3  # of constants up to which they are what they are
_MANY = 4096  # operations in all turns of a long loop up to which these are written one by one


class _WrittenOverError(UnrollError):
    """A loop writes over what one in it has left, from which its parts were to be read again."""


class Rolled(NamedTuple):
    """A graph, and why loops that were found in it are none any more."""

    outputs: list[Vertex]
    unrolled: list[str]


def rolled(outputs: Sequence[Vertex]) -> Rolled:
    """Return a graph in which loops over arrays are loops.

    The outputs are recorded ones, which are not rewritten in terms of primitives yet.
    """
    if len(topological(outputs)) <= _SHORTEST:
        return Rolled(list(outputs), [])
    whole = folded(outputs)
    graph = Graph(topological(whole), whole, ())
    graph.convert()
    found = [graph.found(x) for x in whole] if graph.count else list(outputs)
    return Rolled(found, graph.unrolled)


def rolled_long(
    graphs: Sequence[Sequence[Vertex]],
    leaves: Mapping[Vertex, Vertex],
    turns: Turns,
    every: bool = False,
) -> Rolled | None:
    """Do the same for long loops, of which there are graphs with few turns.

    Args:
        graphs: the outputs of each.
        leaves: for each input and captured array of each graph, the first graph's.
        turns: how many there were, and how many there are.
        every: take loops over numbers, too, which else have another form
            (`chainrule.native.lower.looped`).

    Returns:
        the graph; None if all loops have that other form. Those that fill arrays have it not: all
        entries of these would stand one by one in the graph.

    Raises:
        NotAlikeError: the graphs differ by more than the number of turns, or their loops are no
            loops here.
    """
    if not every and not any(isinstance(x, Apply) and x.shape for x in topological(graphs[0])):
        return None  # there are numbers alone
    given = [folded(outputs) for outputs in graphs]
    of_numbers = never if every else _is_of_numbers_alone
    found = (x.operation for x in topological(given[0]) if isinstance(x, Apply))
    loops = [operation for operation in found if isinstance(operation, Loop)]
    if all(map(of_numbers, loops)) and not every:
        return None
    whole = extrapolated(given, leaves, turns)
    graph = Graph(topological(whole), whole, (), _MANY, of_numbers)
    graph.convert()
    return Rolled([graph.found(x) for x in whole], graph.unrolled)


def _is_of_numbers_alone(loop: Loop) -> bool:
    return is_of_numbers(loop) and not fills_arrays(loop)


def never(loop: Loop) -> bool:
    """Tell of no loop that it has another form."""
    return False


def folded(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Fold a graph, in which constants that are as long as the turn says are numbers, repeated."""
    alike: dict[Any, list[Constant]] = {}
    for x in topological(outputs):
        if isinstance(x, Constant) and x.literal and x.size and x.ndim:
            key = (x.ndim, x.dtype, np.asarray(x.value).flat[0].tobytes())
            alike.setdefault(key, []).append(x)
    varying = (xs for xs in alike.values() if len({x.shape for x in xs}) > _FEW_SHAPES)
    numbers: dict[Vertex, Vertex] = {x: spread(x) for xs in varying for x in xs}
    return fold(share(substitute(outputs, numbers) if numbers else outputs))


class Graph:
    """Converts one graph: the whole, or the body of a loop.

    Args:
        vertices: the graph, operands first.
        results: what is read of it.
        around: the loops around.
        few: operations that may be written one by one.
        of_numbers: tells the loops that have another form.

    Attributes:
        known: what each vertex has become.
        narrowed: what is kept of the loops in it.
        again: what of the loop is read again, if it is the body of one.
        keeps: which states of loops in it stay what they are, as far as is known.
        written: what each loop in it writes into its states.
        within: the loops in it, by what counts their turns.
        count: how many loops there are.
        unrolled: why others are none.
    """

    def __init__(
        self,
        vertices: Sequence[Vertex],
        results: Sequence[Vertex],
        around: tuple[Around, ...],
        few: float = math.inf,
        of_numbers: Callable[[Loop], bool] = is_of_numbers,
    ) -> None:
        self.vertices, self.around, self.places = vertices, around, Places(around)
        self.few = few  # operations that may be written one by one
        self.of_numbers = of_numbers  # tells the loops that have another form
        self.narrowed = Narrowed(self.places, reads_of(vertices, results))
        self.known: dict[Vertex, Known] = {}
        self.again: ReadAgain | None = None
        self.keeps = STATES
        self.written: dict[Vertex, list[list[Write] | None]] = {}
        self.within: dict[Word, Around] = {}
        self.count = 0
        self.unrolled: list[str] = []

    @property
    def is_outermost(self) -> bool:
        """Whether it is in no loop."""
        return all(x.counted is not None for x in self.around)

    @property
    def counts(self) -> list[Vertex]:
        """The numbers of turns that only the running program knows."""
        return [x.counted for x in self.around if x.counted is not None]

    def convert(self, vertices: Sequence[Vertex] | None = None) -> None:
        """Convert all vertices, or some of them, operands first."""
        for vertex in self.vertices if vertices is None else vertices:
            if vertex not in self.known:
                self.known[vertex] = self._converted(vertex)

    def found(self, vertex: Vertex) -> Vertex:
        """Return what a vertex that is no tape has become."""
        return array_of(self.known[vertex])

    def _converted(self, vertex: Vertex) -> Known:
        if not isinstance(vertex, Apply):
            return vertex
        operation = vertex.operation
        if isinstance(operation, Loop):
            return self._loop(vertex, operation)
        if operation is tape:
            tapes: Any = self.known[vertex.operands[0]]
            kept: Known = tapes[vertex.params["which"]]
            return kept
        if operation is element:
            values: Known = self.known[vertex.operands[0]]
            turns = [None if k is None else self.places.integer(k) for k in vertex.params["turns"]]
            left = self.narrowed.left(vertex, turns)
            if not left:
                return values
            if isinstance(values, Tape):
                self._look(values, left)
                return self._whole(values.at(left))
            if any(isinstance(k, Moving) for k in turns):
                raise UnrollError("it reads turns of a loop that is none")
            entry: Known = operation.compute(values, turns)
            return entry
        operands = [self.found(x) for x in vertex.operands]
        size = self.places.size(vertex.shape)
        value = light(vertex.value, size) if self.around else vertex.value
        made = Apply(operation, tuple(operands), vertex.params, value)
        moving = of_moving_lengths(made)
        if moving or is_growing(vertex.params):
            if self.is_outermost:  # it might be computed before turns are counted
                raise UnrollError("what is behind a loop reads at the number of its turns")
            at = at_turn(made, self.places)
            if at is not None:
                return at
            if not moving:
                name = operation.name
                raise UnrollError(f"{name} takes integers in it that differ from turn to turn")
            return by_lengths(made)
        return made

    def _look(self, tape: Tape, turns: Sequence[Integer | None]) -> None:
        """Make sure that what is in no loop is computed after the turns it reads were counted."""
        words = {word for k in turns if isinstance(k, Moving) for word, _ in k.terms}
        counts = {x.counted for x in self.around if x.counted is not None and x.word in words}
        made: Vertex | None = tape.array
        while isinstance(made, Apply) and made.operation is not result:
            made = made.operands[0] if made.operands else None
        loop = made.operands[0] if isinstance(made, Apply) else None
        behind = isinstance(loop, Apply) and counts.issubset(loop.operands)
        if self.is_outermost and counts and not behind and tape.array is not None:
            raise UnrollError("what is behind a loop reads at the number of its turns")

    def _whole(self, found: Known) -> Known:
        """Make sure that what is in no loop has lengths that are known before."""
        if self.is_outermost and not isinstance(found, (list, Tape)) and moves(found.shape):
            raise UnrollError("an array is as long as a loop has turns that nobody knows before")
        return found

    # Loops.

    def _loop(self, vertex: Apply, loop: Loop) -> list[Any]:
        operands = [self.known[x] for x in vertex.operands]
        try:
            return self._rolled(vertex, loop, operands)
        except UnrollError as reason:
            if not self.is_outermost:
                raise
            if not isinstance(loop.turns, int) or loop.turns * len(loop.body) > self.few:
                raise NotAlikeError(str(reason)) from None
            if str(reason):
                self.unrolled.append(f"{loop.turns} turns: {reason}")
            return list(loop.run(operands, {}, _turn))

    def _rolled(self, vertex: Apply, loop: Loop, operands: list[Known]) -> list[Any]:
        turns = self.places.integer(loop.turns)
        size = len(loop.body) + sum(
            10 * len(x.operation.body)
            for x in loop.body
            if isinstance(x, Apply) and isinstance(x.operation, Loop)
        )
        low, most = self.places.ends(turns)
        # A loop over numbers has another form (`chainrule.native.lower.looped`).
        alone = not any(isinstance(x, Tape) for x in operands)
        numbers = alone and most * size <= self.few and self.of_numbers(loop)
        short = isinstance(turns, int) and most * size <= _SHORTEST
        if self.is_outermost and (short or numbers):
            raise UnrollError
        if low < 0:
            raise UnrollError("it may have fewer than no turns")
        for keeps in (STATES, LAST, NONE):
            body = _Body(self, vertex, loop, operands, turns, most)
            body.graph.keeps = keeps
            try:
                made = body.made()
                break
            except _WrittenOverError:
                if keeps is NONE:
                    raise
        self.within |= {body.word: body.graph.around[-1], **body.graph.within}
        self.count += 1
        return made

    def counting(self, vertex: Apply, ends: Ends) -> Apply:
        """Return a loop that computes a condition alone, as one that counts its turns.

        From then on the graph is converted as if it were in a loop whose turn is their number.
        """
        loop = vertex.operation
        assert isinstance(loop, Loop)
        operands = [self.known[x] for x in vertex.operands]
        most = ends.most - ends.first + 1
        body = _Body(self, vertex, loop, operands, most, most, ends)
        body.made()
        assert body.counted is not None
        turns = ends.most - ends.least + 1
        around = Around(ends.counter, body.count, turns, ends.least, body.counted)
        self.around = (*self.around, around)
        self.places = self.narrowed.places = Places(self.around)
        self.count += 1
        return body.counted


class Ends(NamedTuple):
    """How a loop ends that counts its turns.

    Attributes:
        answer: what the condition is in all turns but the last.
        first: how many turns there are before its own.
        least: how many there are at least, where anything else is to be computed.
        most: and at most.
        counter: stands for their number elsewhere.
    """

    answer: bool
    first: int
    least: int
    most: int
    counter: Counter


class _Body:
    """Makes a loop over arrays of a folded one."""

    def __init__(
        self,
        outside: Graph,
        vertex: Apply,
        loop: Loop,
        operands: list[Known],
        turns: Integer,
        most: int,
        ends: Ends | None = None,
    ) -> None:
        self.outside, self.vertex, self.loop = outside, vertex, loop
        self.operands, self.turns, self.most, self.ends = operands, turns, most, ends
        self.word = Word(f"t{len(outside.around) - len(outside.counts) or ''}")
        self.count = Word(f"n{len(outside.counts) or ''}")
        self.counted: Apply | None = None
        around = (*outside.around, Around(loop.counter, self.word, turns))
        graph = self.graph = Graph(loop.body, [], around)
        self.variables = Variables(loop, graph.places, self.word)
        self.again = graph.again = ReadAgain(
            graph.known,
            graph.written,
            graph.within,
            around,
            self.variables.invariants,
            most,
            outside.keeps,
            outside.again,
        )

    def made(self) -> list[Any]:
        loop, graph = self.loop, self.graph
        narrow = self.outside.narrowed.narrow
        wanted = [narrow(self.vertex, k, graph.places) for k in range(len(loop.kept))]
        results = [*(c.result for c in loop.carried), *(x for x, _ in wanted)]
        results = without_empty_updates(results)
        handed = dict(zip(loop.carried, results, strict=False))
        wanted = [(x, whole) for x, (_, whole) in zip(results[len(handed) :], wanted, strict=True)]
        graph.vertices = topological(results)
        graph.narrowed.reads = reads_of(graph.vertices, results)
        taped: dict[Carry, int] = {}
        for k, (kept, (_, whole)) in enumerate(zip(loop.kept, wanted, strict=True)):
            if whole and kept.carry is not None:
                taped.setdefault(kept.carry, k)
        rest = iter(self.operands)
        for x in loop.invariants:
            graph.known[x] = self.variables.invariant(next(rest))
        first: dict[Carry, list[Vertex]] = {}
        inputs: dict[Carry, list[Input]] = {}
        unchanged: dict[Carry, Vertex] = {}
        for carry in loop.carried:
            if handed[carry] is carry.input and carry.lag == 1 and carry not in taped:
                given = next(rest)
                graph.known[carry.input] = self.variables.invariant(given)
                if not isinstance(given, (list, Tape)):
                    unchanged[carry] = given
                    continue
                raise UnrollError("what is carried in it is a tape")
            first[carry] = [self.variables.first(carry, next(rest)) for _ in range(carry.lag)]
            count = 1 if carry in taped else carry.lag
            inputs[carry] = [self.variables.handed(carry) for _ in range(count)]
            graph.known[carry.input] = inputs[carry][0]
        for x in loop.tables:
            graph.known[x] = self.variables.column([next(rest) for _ in range(self.most)])
        graph.convert()
        # What a turn computes.
        counts = self.outside.counts if self.outside.is_outermost else []
        states: list[State] = []
        tapes: list[Taped] = []
        lasts: list[Vertex] = []
        firsts: list[Vertex] = []
        final: dict[Carry, int] = {}
        for carry in loop.carried:
            if carry not in taped and carry not in unchanged:
                chain = [*inputs[carry][1:], graph.found(handed[carry])]
                states += [State(*pair) for pair in zip(inputs[carry], chain, strict=True)]
                firsts += first[carry]
                final[carry] = len(states) - 1
        at: list[tuple[str, int]] = []
        again: list[tuple[Tape, int | None]] = []
        for k, (kept, (vertex, whole)) in enumerate(zip(loop.kept, wanted, strict=True)):
            mine = kept.carry if kept.carry is not None and taped.get(kept.carry) == k else None
            seen = None
            if whole and kept.carry is None and not counts:
                seen = self.again.tape(vertex, states, firsts)
            if seen is not None:
                at.append(("seen", len(again)))
                again.append(seen)
            elif whole:
                at.append(("tape", len(tapes)))
                value = self._kept(vertex)
                if mine is not None:
                    tapes.append(Taped(value, inputs[mine][0], mine.lag))
                    firsts += first[mine]
                elif kept.carry is not None:
                    raise UnrollError("what is carried in it is kept twice")
                else:
                    tapes.append(Taped(value))
            elif kept.carry in unchanged:
                at.append(("given", 0))
            elif kept.carry is not None:
                at.append(("state", final[kept.carry]) if kept.carry in final else ("tape", -1))
                if kept.carry not in final:
                    at[-1] = ("end", taped[kept.carry])
            else:
                value = self._kept(vertex)
                same = [k for k, state in enumerate(states) if state.result is value]
                at.append(("state", same[0]) if same else ("last", len(lasts)))
                lasts += [] if same else [value]
        if self.ends is not None:
            firsts.append(self._counts(states, lasts, self.ends))
        for counted in counts:  # only to be computed before
            self.variables.variable(counted)
        made = self._lowered(states, tapes, lasts)
        operands = [*firsts, *self.variables.invariants]
        applied = made.applied(operands)
        if self.ends is not None:
            self.counted = result_of(applied, len(states) - 1)
            return []
        at_once = None if counts else batched(applied)
        if at_once is None and not self.outside.around:
            read = {k for kind, k in at if kind == "state"} | {k for _, k in again if k is not None}
            at_once = in_blocks(applied, {*range(len(states))} - read)
        made_of = (lambda k: result_of(applied, k)) if at_once is None else at_once.__getitem__
        self.outside.written[applied] = [self.again.writes(state) for state in states]
        before = {"state": 0, "tape": len(states), "last": len(states) + len(tapes)}
        found: list[Tape] = []
        for (kind, k), kept, (vertex, _) in zip(at, loop.kept, wanted, strict=True):
            if kind == "end":
                found.append(self._end_of(found, k, kept.leading))
                continue
            if kind == "given" and kept.carry is not None:
                last = unchanged[kept.carry]
                found.append(Tape(None, last, last.value, (kept.leading + self.most,)))
                continue
            if kind == "seen":
                seen_in, state = again[k]
                end = seen_in.array if state is None else made_of(state)
                found.append(replace(seen_in, array=end))
                continue
            value = made_of(before[kind] + k)
            if kind == "tape":
                found.append(self._tape(value, vertex, kept.leading))
            else:
                entry = light(vertex.value, value.shape)
                value = Apply(value.operation, value.operands, value.params, entry)
                found.append(Tape(None, value, entry, (kept.leading + self.most,)))
        return found

    def _tape(self, array: Apply, kept: Vertex, leading: int) -> Tape:
        inner = self.graph.known[kept]
        count, word = array.shape[0], (self.word, leading)
        if isinstance(inner, Tape):
            words = (word, *inner.words)
            return Tape(array, None, inner.entry, (count, *inner.lengths), words)
        entry = light(kept.value, self.graph.found(kept).shape)
        return Tape(array, None, entry, (count,), (word,))

    def _end_of(self, found: list[Tape], k: int, leading: int) -> Tape:
        if k >= len(found):
            raise UnrollError("what is carried in it is kept twice")
        last = found[k].at((self.turns + (leading - 1),))
        assert not isinstance(last, Tape)
        return Tape(None, last, last.value, found[k].lengths[:1])

    def _kept(self, vertex: Vertex) -> Vertex:
        known = self.graph.known[vertex]
        if isinstance(known, Tape):
            if known.views is not None:
                raise _WrittenOverError("it writes over what a loop in it has left")
            if known.array is None:
                raise UnrollError("a loop in it is not kept whole")
            return known.array
        return self.graph.found(vertex)

    def _counts(self, states: list[State], lasts: list[Vertex], ends: Ends) -> Vertex:
        """Let turns count while the condition says so; return the number that they begin with."""
        if len(lasts) != 1:
            raise UnrollError("its condition is what it hands on")
        (condition,) = lasts
        goes_on = condition if ends.answer else boolean(elementwise.logical_not, condition)
        count = Input("count", light(np.int64(0), ()))
        one = cast(goes_on, count.dtype)
        states.append(State(count, element_of(elementwise.add, count, one)))
        return Constant(np.int64(ends.first))

    # The whole.

    def _lowered(self, states: list[State], tapes: list[Taped], lasts: list[Vertex]) -> ArrayLoop:
        """Write the body in terms of primitives."""
        for last in lasts:
            self.variables.look(last.shape)
        until = None
        if self.ends is not None:
            ends, number = self.ends, len(states) + len(tapes)
            until = Until(
                *(number, ends.answer, len(states) - 1, self.count, ends.least, ends.most)
            )
        simple = as_body([*(x.result for x in states), *(x.result for x in tapes), *lasts])
        rest = iter(simple)
        return ArrayLoop(
            self.word,
            self.turns,
            self.most,
            [State(x.input, next(rest)) for x in states],
            [Taped(next(rest), x.input, x.leading) for x in tapes],
            list(rest),
            list(self.variables.invariants.values()),
            until,
        )


def _turn(
    vertex: Vertex, operands: list[Any], params: Mapping[str, Any], counters: Mapping[Counter, int]
) -> Any:
    """Return what a vertex is in one turn of a loop that is given back turn by turn."""
    if not isinstance(vertex, Apply):
        return vertex
    if vertex.operation in (tape, element):
        return vertex.operation.compute(*operands, **params)
    return Apply(vertex.operation, tuple(operands), params, value_at(vertex, counters))
