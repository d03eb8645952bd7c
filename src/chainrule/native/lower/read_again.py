"""What a loop need not keep: parts of arrays that are read again, since nothing changes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chainrule.graph.graph import Apply, Vertex
from chainrule.native.ir.moving import Word
from chainrule.native.lower.array_loop import State
from chainrule.native.lower.kept import Known, Tape, array_of
from chainrule.native.lower.parts import window
from chainrule.native.lower.roles import viewed
from chainrule.native.lower.seen import light
from chainrule.native.lower.turn_places import Around
from chainrule.native.lower.unchanged import Write, Written, is_unchanged, writes_between

__all__ = ["LAST", "NONE", "STATES", "ReadAgain"]

#: What loops leave, and what they begin with: from which of these what they read may be read again.
NONE, LAST, STATES = "none", "last", "last and first"


class ReadAgain:
    """Finds what of one loop is read again.

    Args:
        known: what each vertex of the body has become.
        written: what each loop in the body writes into its states.
        within: the loops in the body, by what counts their turns.
        around: the loop, after those around it.
        invariants: by what they are outside, the variables that are the same in all turns.
        most: how many turns there are at most.
        keeps: which states of the loop stay what they are, as far as is known.
        outer: of the loop around it.
    """

    def __init__(
        self,
        known: Mapping[Vertex, Known],
        written: Written,
        within: Mapping[Word, Around],
        around: tuple[Around, ...],
        invariants: Mapping[Vertex, Vertex],
        most: int,
        keeps: str,
        outer: ReadAgain | None,
    ) -> None:
        self.known, self.written, self.within, self.around = known, written, within, around
        self.invariants, self.most, self.keeps, self.outer = invariants, most, keeps, outer

    def tape(
        self, vertex: Vertex, states: Sequence[State], firsts: Sequence[Vertex]
    ) -> tuple[Tape, int | None] | None:
        """Return the tape of a part of an array that no other turn changes: it is read again.

        If the array is one that turns hand on, it comes with the number of the state.

        Args:
            vertex: the part, in the body.
            states: what turns hand on.
            firsts: what they begin with.
        """
        known = self.known[vertex]
        if isinstance(known, Tape):
            if known.views is None or known.array is None:
                return None
            array, views, entry = known.array, known.views, known.entry
            count, words = known.lengths, known.words
        else:
            value = array_of(known)
            array, chain = viewed(value)
            views, entry = tuple(chain), light(vertex.value, value.shape)
            count, words = (), ()
        given, number = self._given(array), None
        if given is None:
            found = self._state_of(array, views, [word for word, _ in words], states)
            if found is None:
                return None
            given, number = (firsts[found[0]], None) if found[1] else (None, found[0])
        count, words = (self.most, *count), ((self.around[-1].word, 0), *words)
        return Tape(given, None, entry, count, words, views), number

    def writes(self, state: State) -> list[Write] | None:
        """Return what the turns write into a state, if that is known."""
        found = writes_between(state.result, state.input, self.written)
        own = self.around[-1]
        return found and [write._replace(around=(own, *write.around)) for write in found]

    def _state_of(
        self, array: Vertex, views: Sequence[Apply], words: Sequence[Word], states: Sequence[State]
    ) -> tuple[int, bool] | None:
        """Return the state that an array is a version of, if it keeps what was read of it.

        It comes with whether that is what the loop begins with, rather than what it leaves.
        """
        if self.keeps is NONE or not views or views[0].operation is not window:
            return None
        for which, state in enumerate(states):
            later = writes_between(state.result, array, self.written)
            before = writes_between(array, state.input, self.written)
            if later is None or before is None:
                continue
            within = tuple(self.within[word] for word in words)
            place, written = views[0].params["place"], [*before, *later]
            if is_unchanged(place, within, later, written, self.around):
                return which, False
            if self.keeps is STATES and is_unchanged(
                place, within, before, written, self.around, since=True
            ):
                return which, True
            return None
        return None

    def _given(self, array: Vertex) -> Vertex | None:
        """Return what a variable is outside, if no turn of this loop or one around changes it."""
        for given, variable in self.invariants.items():
            if variable is array and (self.outer is None or self.outer._given(given) is not None):
                return given
        return None
