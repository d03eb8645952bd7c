"""The variables of a loop over arrays: what turns are given, and what they hand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chainrule.core.placeholder import is_array
from chainrule.graph.graph import Apply, Constant, Input, Vertex
from chainrule.graph.loops.loop import Carry, Loop
from chainrule.graph.placeholder import cast
from chainrule.native.ir.moving import Extent, Word, moving, put
from chainrule.native.ir.text import is_native
from chainrule.native.lower.kept import Known, Tape, stacked
from chainrule.native.lower.loop_body import looks_at_types
from chainrule.native.lower.roles import Role, number, role_of
from chainrule.native.lower.seen import light
from chainrule.native.lower.turn_places import Places, UnrollError

__all__ = ["Variables"]


class Variables:
    """Makes the variables of one loop.

    Args:
        loop: the folded loop.
        places: what integers are in its body.
        word: counts its turns.

    Attributes:
        invariants: by what they are outside, those that are the same in all turns.
    """

    def __init__(self, loop: Loop, places: Places, word: Word) -> None:
        self.loop, self.places, self.word = loop, places, word
        self.invariants: dict[Vertex, Input] = {}

    def invariant(self, given: Known) -> Known:
        """Return the variable for something that is the same in all turns."""
        if isinstance(given, list):
            array = stacked(given)
            entry = next(x.value for x in given if not isinstance(x, (list, Tape)))
            return Tape(self.variable(array), None, entry, (len(given),))
        if isinstance(given, Tape):
            if given.array is None:
                raise UnrollError("it reads a tape that is not kept")
            array = self.variable(given.array)
            return replace(given, array=array)
        if role_of(given) is Role.NUMBER:
            return given
        return self.variable(given)

    def variable(self, given: Vertex) -> Input:
        """Return the variable for an array or a number."""
        if not is_native(given.dtype):
            raise UnrollError(f"there are values of dtype {given.dtype} in it")
        if given not in self.invariants:
            value = light(given.value, given.shape)
            self.invariants[given] = Input(f"i{len(self.invariants)}", value)
        return self.invariants[given]

    def handed(self, carry: Carry) -> Input:
        """Return the variable for what turns hand on."""
        made = carry.result
        size = self.places.size(made.shape)
        if made.value is None:
            raise UnrollError("it hands on a tape")
        if not is_native(made.dtype):
            raise UnrollError(f"there are values of dtype {made.dtype} in it")
        self.look(size)
        return Input(carry.input.name, light(made.value, size))

    def look(self, size: Sequence[int]) -> None:
        """Look whether what is read in another turn has the same shape in all turns of this loop.

        It may have another one in each turn of a loop around.
        """
        if any(put(n.now, self.word, 0) != n.now for n in size if isinstance(n, Extent)):
            raise UnrollError("what it hands on, or leaves, has another length in each turn")

    def first(self, carry: Carry, given: Known) -> Vertex:
        """Return what a carried value begins with, as the dtype that turns make."""
        made = carry.result
        size = self.places.size(made.shape)
        if isinstance(given, (list, Tape)) or given.shape != size:
            raise UnrollError("what it begins with has another shape")
        whole = role_of(given) is Role.NUMBER and given.dtype.kind in "iu" and not given.shape
        fits = whole and made.dtype.kind == "f" and abs(number(given)) < 2**24
        if given.dtype != made.dtype and not fits:
            raise UnrollError("what it begins with has another dtype")
        alike = type(given.value) is type(made.value) or (
            is_array(given.value) and is_array(made.value)
        )
        if not alike and looks_at_types(self.loop, carry.input):
            raise UnrollError("what it begins with has another type")
        return cast(given, made.dtype)

    def column(self, column: Sequence[Known]) -> Vertex:
        """Return what each turn has of its own: an entry of an array of them."""
        array = stacked(column)
        if not isinstance(array, Constant):
            array = self.variable(array)
        (first, *_) = column
        assert not isinstance(first, (list, Tape))
        entry = Tape(array, None, first.value, (len(column),)).at((moving(self.word),))
        assert isinstance(entry, Apply)
        return entry
