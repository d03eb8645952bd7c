"""What a recorded run has left, compared with what the function itself returns."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chainrule import trees
from chainrule.core.array import Array
from chainrule.core.placeholder import Deferred
from chainrule.graph.graph import Vertex
from chainrule.native.record.guards import Guards
from chainrule.native.record.program import Program
from chainrule.native.record.result import (
    assembler,
    close,
    close_where_finite,
    conformed,
    finishing,
    flatten,
    typed,
)
from chainrule.native.record.structure import of_result
from chainrule.native.record.watch import Captured

__all__ = ["NotFaithful", "NotLifted", "Recorded", "Run", "Unsure", "same"]


class NotLifted(Exception):  # never seen by a user: the next attempt is made
    """A recorded number was used where only a plain one can be: as a count of decimals, say."""


class Unsure(Exception):  # never seen by a user: the function is recorded with values
    """The program gives another result than the function, which might be due to rounding."""


class NotFaithful(Exception):  # caught by `chainrule.compile`, which says why
    """Compiled code would not do what the function does."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A program with its guards, how the result is made of its outputs, and what it refers to.

    Machine code makes the result by the program's structure; if there is ``finish``, it makes what
    `finish` turns into the result, with the entries of sparse matrices in the place of these.
    """

    program: Program
    guards: Guards
    result: Callable[[Sequence[Any]], Any]
    captured: Captured
    finish: Callable[[Any], Any] | None = None


@dataclass(slots=True)
class Run:
    """What a recorded run has left.

    Attributes:
        program: of the result as it was recorded, without the values of the run.
        guards: what Python looked at.
        captured: what the function refers to.
        paths: where the leaves of the result lie in it.
        leaves: what they are: Arrays if they are outputs of the program, else constants; of a
            sparse matrix its entries.
        returned: the same, with sparse matrices whole.
    """

    program: Program
    guards: Guards
    captured: Captured
    paths: list[str]
    leaves: list[Any]
    returned: list[Any]

    def compared(self, expected: Any, again: Callable[[Recorded], Any]) -> Recorded:
        """Give the program the types that the function itself returns.

        Args:
            expected: what it returned.
            again: returns the result that the program gives, None if it gives none. It is asked
                where values of the recorded run are still to be computed, for the program is
                quicker; and where the two runs differ: numbers may have overflowed in one of them,
                which stable forms prevent.

        Raises:
            NotFaithful: it returned something else.
            Unsure: the program did, and values were deferred.
        """
        expected = self._conformed(expected)
        made = self.typed(expected)
        rights, _ = flatten(expected)
        if any(type(leaf) is Array and type(leaf.held) is Deferred for leaf in self.leaves):
            if not same(again(made), expected):
                raise Unsure
        elif not all(map(close, self.leaves, rights)):
            found = again(made)
            if found is None or not all(map(close_where_finite, flatten(found)[0], rights)):
                raise _two_results()
        return made

    def typed(self, expected: Any) -> Recorded:
        """Give the program the types that the function itself returns; compare nothing.

        Raises:
            NotFaithful: it returned something of another structure.
        """
        if trees.paths(expected) != self.paths:
            raise _two_results()
        expected = self._conformed(expected)
        rights, build = flatten(expected)
        recorded = iter(self.program.outputs)
        outputs: list[Vertex] = []
        parts: list[Any] = []
        for leaf, right in zip(self.leaves, rights, strict=True):
            if type(leaf) is Array:
                parts.append((len(outputs), type(right) if type(right) in (int, bool) else None))
                outputs.append(typed(next(recorded), right))
            else:
                parts.append(right)
        structure = of_result(expected, iter(parts))
        program = dataclasses.replace(self.program, outputs=tuple(outputs), structure=structure)
        finish = finishing(expected, build)
        result = assembler(structure if finish is None else None, build, parts)
        return Recorded(program, self.guards, result, self.captured, finish)

    def _conformed(self, expected: Any) -> Any:
        try:
            return conformed(expected, self.returned)
        except ValueError:
            raise _two_results() from None


def same(found: Any, expected: Any) -> bool:
    """Tell whether a program gave what the function returned, up to rounding."""
    return found is not None and all(map(close, flatten(found)[0], flatten(expected)[0]))


def _two_results() -> NotFaithful:
    return NotFaithful(
        "it gave two different results for the same arguments: does it draw random numbers, or "
        "remember something? Pass what changes as an argument"
    )
