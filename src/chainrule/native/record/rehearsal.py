"""The function itself, run in as few turns of its long loops as were recorded.

It is called with the real arguments, and nothing of it is recorded. So it tells what a full run
would: the types and the structure of the result, and whether code does the same with plain numbers
as with recorded ones. What it cannot tell, what further turns do, is known of code that is
transparent (`chainrule.native.record.transparent`).
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.core.counted import NUMBERS, ROWS
from chainrule.core.kinds import guarded_multiply, identity
from chainrule.graph.code import running
from chainrule.graph.graph import Apply, Constant
from chainrule.native.record.branches import Site
from chainrule.native.record.capture import capture, unwritable
from chainrule.native.record.families import Relatives
from chainrule.native.record.iterables import NAMES
from chainrule.native.record.program import Builder
from chainrule.native.record.recorded import NotFaithful, Recorded, Unsure
from chainrule.native.record.result import flatten
from chainrule.native.record.signature import Replacing, statics_of
from chainrule.native.record.transparent import ASKING, Onlooker
from chainrule.operations import elementwise

__all__ = ["Uncertain", "are_finite", "are_of_one_kind", "rehearsed"]

_ndarray = np.ndarray
_SEQUENCES = (list, tuple, range, _ndarray, Array)
#: What never raises an error for Python's finite numbers, and hands on NaN.
_TOTAL = (
    *(elementwise.add, elementwise.subtract, elementwise.multiply, guarded_multiply),
    *(elementwise.negative, elementwise.sin, elementwise.cos, elementwise.tanh, identity),
)


class Uncertain(Exception):  # never seen by a user: the function runs as a whole
    """Only a comparison with all turns can tell whether few of them tell all."""


def rehearsed(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    inputs: list[Any],
    draft: Relatives,
    builder: Builder,
) -> Any:
    """Return what a function returns in few turns of its loops.

    Args:
        f: the function.
        args: its arguments.
        kwargs: its named arguments.
        inputs: the leaves of both.
        draft: what was recorded in few turns.
        builder: makes that runnable, to be compared.

    Raises:
        Uncertain: it does not tell what all turns do.
    """
    for doubt in _doubts(draft):
        raise Uncertain(doubt)
    statics = statics_of(args, kwargs)
    onlooker = Onlooker()
    cutter = _Cutter(draft.cut, onlooker)
    seen = cutter.names | {name: onlooker.asking(name) for name in ASKING}
    walk = capture(f, statics, None, seen)
    replace = Replacing(
        lambda value, _: unwritable(value) if type(value) is _ndarray else value,
        lambda value: walk.statics.get(id(value), value),
    )
    fresh_args = [replace(value, "") for value in args]
    fresh_kwargs = {name: replace(value, "") for name, value in kwargs.items()}
    rows, numbers = ROWS.set(cutter.rows), NUMBERS.set(cutter.numbers)
    try:
        found = onlooker.watch(lambda: walk.function(*fresh_args, **fresh_kwargs))
    except Exception as error:
        raise Uncertain(f"in few turns it raises {type(error).__name__}: {error}") from None
    finally:
        ROWS.reset(rows)
        NUMBERS.reset(numbers)
    reason = onlooker.reason or walk.found.obstacle or walk.changes()
    reason = reason or walk.found.changed_since()
    if reason is None and draft.has_slices:
        reason = onlooker.asks_lengths()
    if reason is None and cutter.met != draft.cut.keys():
        reason = "by itself it does not run all loops that were recorded in few turns"
    if reason is None and not replace.is_unchanged():
        reason = "it changes a container among its arguments"
    if reason is not None:
        raise Uncertain(reason)
    run = draft.compared
    arrays = [array for array, _, _ in run.captured.arrays]

    def again(recorded: Recorded) -> Any:
        outputs, as_seen = builder(recorded.program)(inputs, arrays)
        return recorded.result(outputs) if as_seen is True else None

    try:
        run.compared(found, again)
    except (NotFaithful, Unsure):
        raise Uncertain("in few turns it returns something else than was recorded") from None
    return found


def are_finite(result: Any) -> bool:
    """Tell whether a result is nothing but finite numbers: no error is hidden in it."""
    return all(bool(np.all(np.isfinite(leaf))) for leaf in flatten(result)[0])


def are_of_one_kind(result: Any, other: Any) -> bool:
    """Tell whether two results of one structure have leaves of the same types and dtypes."""
    pairs = zip(flatten(result)[0], flatten(other)[0], strict=True)
    return all(
        type(x) is type(y) and getattr(x, "dtype", None) == getattr(y, "dtype", None)
        for x, y in pairs
    )


def _doubts(draft: Relatives) -> Iterator[str]:
    """Yield why few turns do not tell all, as far as that is known without running them."""
    yield from draft.doubts
    if draft.loops:
        yield "a loop ends when a condition fails"
    if draft.has_guards:
        yield "a condition in a loop might come out in another way"
    if draft.has_plain_rows:
        yield "a loop goes through an array that is not differentiated"
    if {"raise", "call", "print", "log"} & set(np.geterr().values()):
        yield "NumPy is told to do something else than warn (`np.errstate`)"
    if not all(type(leaf) is Array for leaf in draft.compared.leaves):
        yield "it returns what is not computed"
    for vertex in draft.compared.program.vertices():
        if isinstance(vertex, Apply) and type(vertex.value) is float and not _is_total(vertex):
            yield f"`{vertex.operation.name}` of Python's numbers may raise in a later turn"


def _is_total(vertex: Apply) -> bool:
    if vertex.operation is elementwise.divide:
        by = vertex.operands[1]
        return isinstance(by, Constant) and bool(np.all(by.value != 0))
    return vertex.operation in _TOTAL


class _Cutter:
    """Ends loops after a few turns.

    Args:
        cut: in how many, by the loop and the number of its turns; all others run to their end.
        onlooker: is told of loops that run.

    Attributes:
        names: what code sees in place of the builtins of these names.
        met: which of the loops there were.
    """

    def __init__(self, cut: Mapping[tuple[Site, int], int], onlooker: Onlooker) -> None:
        self.cut, self.onlooker = cut, onlooker
        self.met: set[tuple[Site, int]] = set()
        self.names = {name: self._builtin(name) for name in NAMES}

    def numbers(self, run: range) -> Iterable[Any]:
        """Return what a loop over a range goes through, in code of this library."""
        return _Few(self, iter(run), len(run))

    def rows(self, array: Array) -> Iterator[Any] | None:
        """Return what a loop over the rows of a recorded array goes through."""
        if running(sys._getframe(2)) != "GET_ITER":
            return None
        return _Few(self, (array[k] for k in range(array.shape[0])), array.shape[0])

    def _builtin(self, name: str) -> Callable[..., Any]:
        original = getattr(builtins, name)

        def replacement(*args: Any, **kwargs: Any) -> Any:
            made = original(*args, **kwargs)
            if running(sys._getframe(1), 1) == "GET_ITER":
                through = (made,) if name == "range" else args if name == "zip" else args[:1]
                known = all(type(x) in _SEQUENCES for x in through)
                counts = {len(x) for x in through} if known else set()
                if len(counts) == 1:
                    return _Few(self, iter(made), counts.pop())
            return made

        return replacement


class _Few:
    """Hands out the first items, if the loop that goes through them is one to be ended."""

    def __init__(self, cutter: _Cutter, items: Iterator[Any], count: int) -> None:
        self.cutter, self.items, self.count = cutter, items, count
        self.left: int | None = None
        self.is_cut = False

    def __iter__(self) -> _Few:
        return self

    def __next__(self) -> Any:
        if self.left is None:
            self._begin(sys._getframe(1))
        if not self.left:
            if self.is_cut:
                self.is_cut = False
                self.cutter.onlooker.running -= 1
            raise StopIteration
        self.left -= 1
        return next(self.items)

    def _begin(self, frame: FrameType) -> None:
        cutter, count = self.cutter, self.count
        place = (frame.f_code, frame.f_lasti), count
        self.left = cutter.cut.get(place, count)
        self.is_cut = place in cutter.cut
        if self.is_cut:
            cutter.met.add(place)
            cutter.onlooker.running += 1
            cutter.onlooker.look_at(frame.f_code, False)
