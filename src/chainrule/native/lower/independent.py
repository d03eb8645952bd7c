"""Which turns of a loop over arrays wait for no other: what they hand on is a sum, or theirs alone.

A state is *theirs alone* where each turn reads and writes an index of its own along some axis. It
is a *sum* where turns do no more than add to it. Of turns with such states any may come first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from chainrule.graph.graph import Apply, Input, Vertex, is_operation, topological
from chainrule.graph.loops.affine import Counter
from chainrule.graph.placeholder import element, reshaped
from chainrule.graph.rewrite import uses
from chainrule.native.ir.moving import Extent, Integer, Word
from chainrule.native.lower.array_loop import ArrayLoop, State
from chainrule.native.lower.movement import repeated_to
from chainrule.native.lower.parts import (
    Place,
    Stretch,
    apart,
    base_of,
    everywhere,
    fixed_place,
    joined,
    lengths,
    window,
)
from chainrule.native.lower.roles import Role, is_alias, role_of
from chainrule.native.lower.turn_places import Around
from chainrule.native.lower.unchanged import Write, ends_of, is_unchanged
from chainrule.operations import elementwise
from chainrule.operations.indexing import getitem

__all__ = [
    "Addition",
    "DependentError",
    "States",
    "Update",
    "changes_with",
    "factor",
    "own_axis",
    "states_of",
]


class DependentError(Exception):
    """Turns wait for one another, or do what is not done for all of them at once."""


@dataclass(frozen=True)
class Update:
    """What a turn writes into a state, where, and the version of the state that this makes."""

    version: Apply
    piece: Vertex
    place: Place


@dataclass(frozen=True)
class Addition:
    """What a turn adds to a state, and where."""

    piece: Vertex
    place: Place


@dataclass
class States:
    """What becomes of the states of a loop whose turns wait for no other.

    Attributes:
        own: versions of states of which each turn has its own part.
        updates: for each of these versions, how it is made.
        sums: for each state that is a sum, what is added to it.
        cleared: for versions of states into which turns write one number, which nobody reads in
            another turn or after the last, what the turn has written before.
        first: what the state of such a version is in the beginning of a turn.
        renewed: states that each turn makes anew, without a look at what there was.
    """

    own: set[Vertex] = field(default_factory=set)
    updates: dict[Vertex, Update] = field(default_factory=dict)
    sums: dict[State, list[Addition]] = field(default_factory=dict)
    cleared: dict[Vertex, list[Update]] = field(default_factory=dict)
    first: dict[Vertex, Input] = field(default_factory=dict)
    renewed: set[State] = field(default_factory=set)


def factor(value: Integer, word: Word) -> int:
    """Return by how much an integer grows from turn to turn."""
    return 0 if isinstance(value, int) else dict(value.terms).get(word, 0)


def changes_with(place: Place | Iterable[int], word: Word) -> list[int]:
    """Return the axes of a place, or of a shape, that are others in each turn."""
    return [k for k, part in enumerate(place) if _changes(part, word)]


def _changes(part: range | Stretch | int, word: Word) -> bool:
    if isinstance(part, Stretch):
        return bool(factor(part.start, word)) or _changes(part.length, word)
    return isinstance(part, Extent) and bool(factor(part.now, word))


def own_axis(place: Place, word: Word) -> int | None:
    """Return the axis of a place that has one index for each turn; None if there is none."""
    axes = [k for k in changes_with(place, word) if not _changes(place[k].length, word)]  # type: ignore[union-attr]
    if len(axes) != 1:
        return None
    length = lengths([place[axes[0]]])[0]
    return axes[0] if not isinstance(length, Extent) and length == 1 else None


def states_of(loop: ArrayLoop, unread: Collection[State] = ()) -> States:
    """Tell what the states of a loop are, some of which nobody reads after it.

    Raises:
        DependentError: one is neither a sum nor the turns' own.
    """
    found = States()
    count = uses(loop.results)
    users: dict[Vertex, list[Apply]] = {}
    for x in (x for x in topological(loop.results) if isinstance(x, Apply)):
        for y in {*x.operands}:
            users.setdefault(y, []).append(x)
    for state in loop.states:
        if not count.get(state.input):
            found.renewed.add(state)
            continue
        updates = _updates(state)
        places = _places(state, updates, users, count)
        if places is not None and _are_own(places, [x.place for x in updates], loop):
            found.own |= {state.input, *(x.version for x in updates)}
            found.updates |= {x.version: x for x in updates}
        elif places is not None and state in unread and _are_cleared(places, updates, loop):
            versions: list[Vertex] = [state.input, *(x.version for x in updates)]
            found.cleared |= {x: updates[:k] for k, x in enumerate(versions)}
            found.first |= dict.fromkeys(versions, state.input)
        else:
            found.sums[state] = _Sums(state, updates, users, count).additions()
    return found


def _updates(state: State) -> list[Update]:
    """Return what a turn writes into a state, first things first."""
    found: list[Update] = []
    version = state.result
    while version is not state.input:
        base = base_of(version)
        if not isinstance(version, Apply):
            raise DependentError
        if base is None:  # x + y is written everywhere
            found.append(Update(version, version, everywhere(version.shape)))
            break
        if version.operation is not joined or len(version.operands) != 2:
            raise DependentError
        found.append(Update(version, version.operands[1], version.params["places"][1]))
        version = base
    return found[::-1]


def _places(
    state: State,
    updates: list[Update],
    users: Mapping[Vertex, list[Apply]],
    count: Mapping[Vertex, int],
) -> list[Place] | None:
    """Return the places of a state that a turn reads or writes; None if it reads all of it."""
    versions: list[Vertex] = [state.input, *(x.version for x in updates)]
    places = [x.place for x in updates]
    for k, version in enumerate(versions):
        following = versions[k + 1] if k + 1 < len(versions) else None
        for user in users.get(version, ()):
            if user is following and version not in user.operands[1:]:
                continue
            if user.operation is not window:
                return None
            places.append(user.params["place"])
        named = sum(
            len([x for x in user.operands if x is version]) for user in users.get(version, ())
        )
        if count[version] - named > (following is None):
            return None
    return places


def _are_own(places: list[Place], written: list[Place], loop: ArrayLoop) -> bool:
    """Tell whether no turn reads or writes what another one writes."""
    axes = {own_axis(place, loop.turn) for place in places}
    if None in axes:
        return False
    if len({(axis, place[axis]) for place in places for axis in axes if axis is not None}) == 1:
        return True
    if any(word is not loop.turn for place in places for word in _words(place)):
        return False
    own = Around(Counter(), loop.turn, loop.turns)
    writes = [Write(ends_of(place), ()) for place in written]
    return all(
        is_unchanged(place, (), (), writes, (own,), since=since)
        for place in places
        for since in (False, True)
    )


def _are_cleared(places: list[Place], updates: list[Update], loop: ArrayLoop) -> bool:
    """Tell whether turns only write a number, and read what no turn before has written."""
    reads = places[len(updates) :]
    if any(role_of(x.piece) is not Role.NUMBER for x in updates):
        return False
    if any(word is not loop.turn for place in places for word in _words(place)):
        return False
    own = Around(Counter(), loop.turn, loop.turns)
    writes = [Write(ends_of(x.place), ()) for x in updates]
    return all(
        own_axis(place, loop.turn) is not None
        and is_unchanged(place, (), (), writes, (own,), since=True)
        for place in reads
    )


def _words(place: Place) -> Iterator[Word]:
    for ends in ends_of(place):
        for value in ends:
            yield from () if isinstance(value, int) else (word for word, _ in value.terms)


class _Sums:
    """Finds what is added to a state."""

    def __init__(
        self,
        state: State,
        updates: list[Update],
        users: Mapping[Vertex, list[Apply]],
        count: Mapping[Vertex, int],
    ) -> None:
        self.state, self.updates, self.users, self.count = state, updates, users, count
        self.written: dict[Vertex, Place] = {}  # what was written last, by its place
        self.path: set[Vertex] = {x.version for x in updates}

    def additions(self) -> list[Addition]:
        """Return what is added, or raise `DependentError`."""
        found: list[Addition] = []
        versions: list[Vertex] = [self.state.input]
        for update in self.updates:
            self.path.add(update.piece)
            terms, bases = [], 0
            for term, is_base in self._terms(update.piece, versions, update.place):
                bases += is_base
                terms += [] if is_base else [term]
            if bases != 1:
                raise DependentError
            found += [Addition(term, update.place) for term in terms]
            self.written = {x: p for x, p in self.written.items() if apart(p, update.place)}
            self.written[update.piece] = update.place
            versions.append(update.version)
        inner = [x for x in self.path if x is not self.state.result] + [self.state.input]
        for x in inner:
            readers = self.users.get(x, ())
            if any(reader not in self.path for reader in readers):
                raise DependentError
            named = sum(len([y for y in reader.operands if y is x]) for reader in readers)
            if self.count[x] > named:
                raise DependentError
        if self.count[self.state.result] > 1 or self.users.get(self.state.result):
            raise DependentError
        return found

    def _terms(
        self, piece: Vertex, versions: list[Vertex], place: Place
    ) -> list[tuple[Vertex, bool]]:
        """Split a sum into what was there before, which is marked, and what is added to that."""
        if self._is_base(piece, versions, place):
            self.path.add(piece)
            return [(piece, True)]
        if not isinstance(piece, Apply) or not self._holds_base(piece, versions, place):
            return [(piece, False)]
        self.path.add(piece)
        if is_alias(piece):
            inner = self._terms(piece.operands[0], versions, place)
            return [(x if b else reshaped(x, piece.shape), b) for x, b in inner]
        if not is_operation(piece, elementwise.add, elementwise.subtract):
            raise DependentError
        found: list[tuple[Vertex, bool]] = []
        for k, x in enumerate(piece.operands):
            negative = k == 1 and piece.operation is elementwise.subtract
            for term, is_base in self._terms(x, versions, place):
                if is_base and (negative or term.dtype != piece.dtype):
                    raise DependentError
                if negative:
                    term = element(elementwise.negative, term)
                if not is_base:
                    if term.dtype != piece.dtype:
                        raise DependentError
                    term = repeated_to(term, piece.shape)
                found.append((term, is_base))
        return found

    def _is_base(self, x: Vertex, versions: list[Vertex], place: Place) -> bool:
        """Tell whether a vertex is what a state has in a place before it is written there."""
        if x in self.written:
            return self.written[x] == place
        if x is versions[-1]:
            return place == everywhere(x.shape)
        if not isinstance(x, Apply) or _read(x) != place or x.operands[0] not in versions:
            return False
        since = self.updates[versions.index(x.operands[0]) : len(versions) - 1]
        return all(apart(update.place, place) for update in since)

    def _holds_base(self, x: Apply, versions: list[Vertex], place: Place) -> bool:
        """Tell whether a vertex is made of what was there before."""
        return any(self._is_base(y, versions, place) for y in topological([x]))


def _read(x: Apply) -> Place | None:
    """Return the place that a vertex reads, if it is one."""
    if x.operation is window:
        place: Place = x.params["place"]
        return place
    if x.operation is getitem and len(x.operands) == 1:
        return fixed_place(x.params["index"], x.operands[0].shape)
    return None
