"""Indices of indices: the one that does what two, one after the other, do."""

from __future__ import annotations

from typing import Any

from chainrule.operations.slot import SLOT

__all__ = ["EVERYTHING", "as_tuple", "fused", "is_plain"]

#: The index of all entries.
EVERYTHING = (Ellipsis,)


def as_tuple(index: Any) -> tuple[Any, ...]:
    """Return an index as what stands between brackets, a tuple."""
    return index if type(index) is tuple else (index,)


def is_plain(index: Any) -> bool:
    """Tell whether an index is a tuple with neither arrays nor anything unknown in it: as most are.

    What may stand in it are integers, slices between integers, None and the ellipsis.
    """
    if type(index) is not tuple:
        return False
    for part in index:
        kind = type(part)
        if kind is int or part is None or part is Ellipsis:
            continue
        if kind is not slice:
            return False
        bound = part.start
        if bound is not None and type(bound) is not int:
            return False
        bound = part.stop
        if bound is not None and type(bound) is not int:
            return False
        bound = part.step
        if bound is not None and type(bound) is not int:
            return False
    return True


def fused(
    lengths: tuple[int, ...], first: tuple[Any, ...], second: tuple[Any, ...]
) -> tuple[Any, ...] | None:
    """Return the index that does what two, one after the other, do; None where that is hard.

    >>> fused((4, 5), (slice(1, None), 2), (-1,))
    (3, 2)
    """
    if second == EVERYTHING:
        return first
    if None in first or None in second or SLOT in first:
        return None
    outer = _spread(first, len(lengths))
    left = [k for k, part in enumerate(outer) if type(part) is slice]
    inner = iter(_spread(second, len(left)))
    result: list[Any] = []
    for length, part in zip(lengths, outer, strict=True):
        if type(part) is not slice:
            result.append(part)
            continue
        run = range(length)[part]
        then = next(inner)
        if type(then) is slice:
            kept = run[then]
            if not kept:
                return None
            result.append(_slice_of(kept, length))
        else:
            result.append(run[then])
    while result and result[-1] == slice(None):
        result.pop()
    return tuple(result) if result else EVERYTHING


def _spread(index: tuple[Any, ...], ndim: int) -> list[Any]:
    """Return an index with a part for each axis."""
    given = [part for part in index if part is not Ellipsis]
    rest = [slice(None)] * (ndim - len(given))
    if Ellipsis not in index:
        return [*index, *rest]
    at = index.index(Ellipsis)
    return [*index[:at], *rest, *index[at + 1 :]]


def _slice_of(run: range, length: int) -> slice:
    """Return the slice of an axis that picks a run of it."""
    if run == range(length):
        return slice(None)
    if len(run) == 1:
        run = range(run[0], run[0] + 1)
    step = None if run.step == 1 else run.step
    start = None if run.step == 1 and run.start == 0 else run.start
    if run.step > 0:
        stop = None if run.stop >= length else run.stop
    else:
        stop = None if run.stop < 0 else run.stop
    return slice(start, stop, step)
