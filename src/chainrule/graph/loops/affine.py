"""Integers that grow evenly from turn to turn: indices, bounds of slices, lengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = [
    "Affine",
    "Counter",
    "Integer",
    "affine",
    "at",
    "before",
    "filled",
    "plus",
    "skeleton",
    "times",
]


@dataclass(frozen=True, eq=False)
class Counter:
    """What counts the turns of one loop: 0, 1, 2 ..."""

    name: str = "t"

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Affine:
    """``first + growth * counter``, where both may depend on the counters of outer loops."""

    first: Integer
    growth: Integer
    counter: Counter

    def __repr__(self) -> str:
        return f"({self.first} + {self.growth} * {self.counter})"

    def at(self, counters: Mapping[Counter, int]) -> int:
        """Return the integer in one turn."""
        return at(self.first, counters) + at(self.growth, counters) * counters[self.counter]


Integer: TypeAlias = "int | Affine"


def affine(first: Integer, growth: Integer, counter: Counter) -> Integer:
    """Return an integer that grows with a counter; the integer itself if it does not grow."""
    return first if growth == 0 else Affine(first, growth, counter)


def plus(a: Integer, b: Integer) -> Integer:
    """Return a sum; b depends on no counter that a does not depend on, or on outer ones."""
    if isinstance(a, Affine) and isinstance(b, Affine) and a.counter is b.counter:
        return affine(plus(a.first, b.first), plus(a.growth, b.growth), a.counter)
    return (
        Affine(plus(a.first, b), a.growth, a.counter)
        if isinstance(a, Affine)
        else (plus(b, a) if isinstance(b, Affine) else a + b)
    )


def times(integer: Integer, factor: int) -> Integer:
    """Return a multiple."""
    if isinstance(integer, Affine):
        first, growth = times(integer.first, factor), times(integer.growth, factor)
        return affine(first, growth, integer.counter)
    return integer * factor


def before(integer: Integer, counter: Counter, turns: int) -> Integer:
    """Return what an integer was so many turns before."""
    if not isinstance(integer, Affine) or integer.counter is not counter:
        return integer
    return Affine(plus(integer.first, times(integer.growth, -turns)), integer.growth, counter)


def at(integer: Integer, counters: Mapping[Counter, int]) -> int:
    """Return an integer in one turn."""
    return integer.at(counters) if isinstance(integer, Affine) else integer


_HERE = object()  # stands for an integer in a skeleton


def skeleton(value: Any, integers: list[int]) -> Any:
    """Return something hashable that is the same for parameters that differ in integers alone.

    These are appended to a list, in order.
    """
    kind = type(value)
    if kind is int:
        integers.append(value)
        return _HERE
    if kind is str or value is None:
        return kind, value
    if isinstance(value, (list, tuple)):
        return (kind, *[skeleton(item, integers) for item in value])
    if kind is slice:
        bounds = value.start, value.stop, value.step
        return (kind, *[skeleton(item, integers) for item in bounds])
    if kind is dict or isinstance(value, Mapping):
        return tuple([(key, skeleton(item, integers)) for key, item in value.items()])
    if isinstance(value, float):
        return float, repr(value)
    try:
        hash(value)
    except TypeError:
        return id(value)
    return kind, value


def filled(value: Any, integer: Callable[[Any], Any]) -> Any:
    """Return parameters with other integers in the place of each, in order."""
    if type(value) is int or isinstance(value, Affine):
        return integer(value)
    if isinstance(value, list):
        return [filled(item, integer) for item in value]
    if isinstance(value, tuple):
        items = [filled(item, integer) for item in value]
        return tuple(items) if type(value) is tuple else type(value)(*items)
    if isinstance(value, slice):
        return slice(*(filled(x, integer) for x in (value.start, value.stop, value.step)))
    if isinstance(value, Mapping):
        return {key: filled(item, integer) for key, item in value.items()}
    return value
