"""What recorded code goes through in loops, in place of ``range`` and its like, and of arrays.

These are the same builtins, but where a ``for`` statement goes through what they return: there it
goes through `Turns`, which may end the loop early.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chainrule.core.array import Array
from chainrule.core.counted import Counted
from chainrule.core.node import Leaf
from chainrule.graph.code import running
from chainrule.native.record.short import Shortener, Turns

__all__ = ["NAMES", "builtins_for", "rows_for"]

#: Names of what loops go through that is ours to end.
NAMES = ("range", "enumerate", "zip", "reversed")


def builtins_for(shortener: Shortener) -> Mapping[str, Callable[..., Any]]:
    """Return what recorded code sees under these names."""
    return {name: _builtin(name, shortener) for name in NAMES}


def rows_for(shortener: Shortener) -> Callable[[Array], Iterator[Any] | None]:
    """Return what hands out the rows of an array; None where it is no loop that does so."""

    def rows(array: Array) -> Iterator[Any] | None:
        if running(sys._getframe(2)) != "GET_ITER":
            return None
        found = _items(shortener, array)
        if found is None:
            return None
        turns = Turns(shortener, found.count, found.item)
        turns.goes_through_argument = array.node is None or type(array.node) is Leaf
        return turns

    return rows


def _builtin(name: str, shortener: Shortener) -> Callable[..., Any]:
    """Return what recorded code sees in place of a builtin: the same, but in loops."""
    original = getattr(builtins, name)
    make = _MAKERS[name]

    def replacement(*args: Any, **kwargs: Any) -> Any:
        if running(sys._getframe(1), 1) == "GET_ITER":
            turns = make(shortener, *args, **kwargs)
            if turns is not None:
                return turns
        return original(*args, **kwargs)

    return replacement


def _of_range(shortener: Shortener, *args: Any) -> Turns | None:
    counted = any(type(x) is Counted for x in args)
    run = range(*(x.value if type(x) is Counted else x for x in args))
    of = None if counted else run.__getitem__
    return Turns(shortener, len(run), lambda turns, k: turns.number(run[k], of), counted)


def _of_enumerate(shortener: Shortener, iterable: Any, start: int = 0) -> Turns | None:
    found = _items(shortener, iterable)
    if found is None or type(start) is not int:
        return None
    run = range(start, start + found.count)

    def both(turns: Turns, k: int) -> tuple[Any, Any]:
        return turns.number(run[k], run.__getitem__), found.item(turns, k)

    return Turns(shortener, found.count, both, differs=found.differs)


def _of_zip(shortener: Shortener, *iterables: Any, strict: bool = False) -> Turns | None:
    found = [_items(shortener, x) for x in iterables]
    known = [x for x in found if x is not None]
    if not known or len(known) < len(found) or len({x.count for x in known}) > 1:
        return None

    def side_by_side(turns: Turns, k: int) -> tuple[Any, ...]:
        return tuple(x.item(turns, k) for x in known)

    lists = [x.differs for x in known if x.differs is not None]
    differs = (lambda: any(changed() for changed in lists)) if lists else None
    return Turns(shortener, known[0].count, side_by_side, differs=differs)


def _of_reversed(shortener: Shortener, sequence: Any) -> Turns | None:
    found = _items(shortener, sequence[::-1] if type(sequence) is range else sequence)
    if found is None:
        return None
    count, item = found.count, found.item
    if type(sequence) is range:
        return Turns(shortener, count, item)
    return Turns(
        shortener, count, lambda turns, k: item(turns, count - 1 - k), differs=found.differs
    )


_MAKERS: dict[str, Callable[..., Turns | None]] = {
    "range": _of_range,
    "enumerate": _of_enumerate,
    "zip": _of_zip,
    "reversed": _of_reversed,
}


@dataclass(frozen=True, slots=True)
class _Items:
    """How many items a sequence has, how they are found, and whether a list has changed."""

    count: int
    item: Callable[[Turns, int], Any]
    differs: Callable[[], bool] | None = None


def _items(shortener: Shortener, sequence: Any) -> _Items | None:
    """Return the items of a sequence; None if it may be any."""
    if type(sequence) in (list, tuple):
        count = len(sequence)
        return _Items(count, lambda turns, k: sequence[k], lambda: len(sequence) != count)
    if type(sequence) is range:
        of = sequence.__getitem__
        return _Items(len(sequence), lambda turns, k: turns.number(of(k), of))
    if type(sequence) is Array and sequence.shape:
        if sequence.node is None:
            if not shortener.shortens or sequence.shape[0] <= shortener.long:
                return None
            shortener.lift(sequence)
        return _Items(sequence.shape[0], lambda turns, k: sequence[k])
    return None
