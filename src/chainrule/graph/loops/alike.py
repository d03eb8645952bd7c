"""Where graphs of the same loops with several numbers of turns are alike, vertex by vertex."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from chainrule.graph.graph import Apply, Constant, Vertex
from chainrule.graph.loops.affine import Integer
from chainrule.graph.loops.listing import Listing, NotListedError, listing
from chainrule.graph.loops.loop import Carry, Loop
from chainrule.graph.loops.series import whole

__all__ = [
    *("NotAlikeError", "Same", "across", "are_equal", "count_of", "listing_of", "number_of"),
    *("operands_of", "which_of", "whole_number", "whole_part"),
]

Same: TypeAlias = "tuple[Vertex, ...]"  # the vertex that is the same one in each graph


class NotAlikeError(Exception):
    """The graphs differ in more than integers that grow with the number of turns."""


def operands_of(same: Same) -> list[Same]:
    """Return the operands of the same vertex in all graphs, without those of tables of a loop."""
    first = same[0]
    if any(type(x) is not type(first) for x in same):
        raise NotAlikeError("another kind of vertex")
    if not isinstance(first, Apply):
        return []
    applied = [x for x in same if isinstance(x, Apply)]
    loops = [x.operation for x in applied if isinstance(x.operation, Loop)]
    if loops:
        if len(loops) < len(same) or len({_looks(loop) for loop in loops}) != 1:
            raise NotAlikeError("another loop")
        count = len(loops[0].invariants) + sum(c.lag for c in loops[0].carried)
    else:
        if any(x.operation is not first.operation for x in applied):
            raise NotAlikeError("another operation")
        if len({len(x.operands) for x in applied}) != 1:
            return listing_of(applied).operands
        count = len(first.operands)
    return list(zip(*(x.operands[:count] for x in applied), strict=True))


def listing_of(same: Sequence[Apply]) -> Listing:
    """Return what is listed where the operands are entries of a tape one by one."""
    try:
        return listing(same)
    except NotListedError:
        raise NotAlikeError("another number of operands") from None


def _looks(loop: Loop) -> tuple[Any, ...]:
    lags = tuple(c.lag for c in loop.carried)
    return len(loop.invariants), lags, len(loop.tables), len(loop.kept)


def across(loops: Sequence[Loop], part: Callable[[Loop], Sequence[Any]]) -> Iterable[Any]:
    """Return a part of all loops, side by side."""
    return zip(*map(part, loops), strict=True)


def which_of(carry: Carry | None, carried: Sequence[Carry]) -> int | None:
    """Return which of the carried values a tape is of."""
    return None if carry is None else carried.index(carry)


def count_of(turns: Integer) -> int:
    """Return a number of turns that is the same for all calls."""
    if not isinstance(turns, int):
        raise NotAlikeError("a table of a loop of varying length")
    return turns


def are_equal(a: Any, b: Any) -> bool:
    """Tell whether two constants are the same, to the last bit."""
    if isinstance(a, np.ndarray):
        same = a.shape == b.shape and a.dtype == b.dtype
        return same and (a is b or a.tobytes() == b.tobytes())
    return repr(a) == repr(b)


def whole_part(number: int, divisor: int) -> int:
    """Divide integers without a rest."""
    if number % divisor:
        raise NotAlikeError("an integer that grows by parts")
    return number // divisor


def number_of(x: Vertex) -> Any:
    """Return the number that a vertex is."""
    if isinstance(x, Constant) and type(x.value) in (int, float, np.float64):
        return x.value
    raise NotAlikeError("something else in each turn, and no number")


def whole_number(value: Any) -> int:
    """Return a constant as an integer."""
    found = whole(value)
    if found is None:
        raise NotAlikeError("constants that are no integers")
    return found
