"""Folded statements as a tree: loops, and the statements in them with what each of them reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from chainrule.graph.loops.affine import Counter, Integer, affine, before
from chainrule.graph.loops.steps import Carried, Own, Ref, Slot, Step, Table

__all__ = ["Block", "Choice", "Item", "Leaf", "Site", "Source", "Value", "tree"]


class Leaf(NamedTuple):
    """A variable or a number that no statement makes."""

    number: int


@dataclass(frozen=True, eq=False, slots=True)
class Value:
    """What is read of a statement, which may stand in loops.

    Of these, the first ``shared`` are around the reader, too. Of the last of them it is the value
    of ``lag`` turns before, and before the first turn one of ``initial``. ``turns`` tells in which
    turns of the other loops it was made, by the counters of the loops around the reader.
    """

    site: Site
    shared: int
    turns: tuple[Integer | None, ...]
    lag: int = 0
    initial: Sequence[Source] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Choice:
    """Another source in each turn of a loop."""

    counter: Counter
    values: Sequence[Source]


Source: TypeAlias = "Leaf | Value | Choice"


@dataclass(eq=False, slots=True)
class Site:
    """A statement where it stands in folded code, once for all turns.

    ``key`` is its place in the tree, ``step`` the statement in the first turn.
    """

    key: tuple[int, ...]
    step: Step
    ints: list[Integer]
    blocks: tuple[Block, ...]
    sources: list[Source] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Block:
    """A loop. ``slots`` says what the items of its body read and at which turns, ``rows`` where."""

    counter: Counter
    turns: Integer
    step: Step
    body: list[Site | Block] = field(default_factory=list)
    slots: list[list[tuple[Slot, tuple[Integer, ...]]]] = field(default_factory=list)
    rows: list[list[Source]] = field(default_factory=list)

    def sites(self) -> Iterator[Site]:
        """Yield the statements in it."""
        for item in self.body:
            if isinstance(item, Site):
                yield item
            else:
                yield from item.sites()


Item: TypeAlias = "Site | Block"


def tree(steps: Sequence[Step]) -> list[Item]:
    """Return folded steps as a tree."""
    items = [_item((k,), step, list(step.ints), ()) for k, step in enumerate(steps)]

    def at(ref: Ref) -> Source:
        if ref.step < 0:
            return Leaf(~ref.step)
        return Value(_site(items[ref.step], ref.parts), 0, ref.turns)

    for item in items:
        _resolve(item, [at(ref) for ref in item.step.refs])
    return items


def _item(key: tuple[int, ...], step: Step, ints: list[Integer], blocks: tuple[Block, ...]) -> Item:
    pattern = step.pattern
    if pattern is None:
        return Site(key, step, ints, blocks)
    rest = iter(ints)
    block = Block(Counter(), next(rest), step)
    growing = (affine(a, b, block.counter) for a, b in zip(rest, rest, strict=True))
    own = [[next(growing) for _ in inner.ints] for inner in pattern.steps]
    block.slots = [
        [
            (slot, () if isinstance(slot, Table) else tuple(next(growing) for _ in slot.given))
            for slot in row
        ]
        for row in pattern.slots
    ]
    inside = (*blocks, block)
    block.body = [
        _item((*key, part), inner, own[part], inside) for part, inner in enumerate(pattern.steps)
    ]
    return block


def _site(item: Item, parts: Sequence[int]) -> Site:
    for part in parts:
        assert isinstance(item, Block)
        item = item.body[part]
    assert isinstance(item, Site)
    return item


def _resolve(item: Item, sources: list[Source], depth: int = 0) -> None:
    """Find what the statements of an item read, given what the item reads."""
    if isinstance(item, Site):
        item.sources = sources
        return
    depth += 1

    def source(slot: Slot, turns: tuple[Integer, ...]) -> Source:
        if isinstance(slot, Table):
            return Choice(item.counter, sources[slot.first : slot.first + item.step.turns])
        if isinstance(slot, (Own, Carried)):
            site = _site(item.body[slot.part], slot.parts)
            if isinstance(slot, Carried):
                turns = tuple(before(n, item.counter, slot.lag) for n in turns)
            places = _filled((None,) * len(slot.parts), slot.given, turns)
            if isinstance(slot, Own):
                return Value(site, depth, places)
            return Value(site, depth, places, slot.lag, sources[slot.first : slot.first + slot.lag])
        found = sources[slot.which]
        if isinstance(found, Value) and slot.given:
            places = _filled(found.turns, slot.given, turns)
            return Value(found.site, found.shared, places, found.lag, found.initial)
        return found

    item.rows = [[source(*slot) for slot in row] for row in item.slots]
    for inner, row in zip(item.body, item.rows, strict=True):
        _resolve(inner, row, depth)


def _filled(
    places: tuple[Integer | None, ...], given: Sequence[int], turns: Sequence[Integer]
) -> tuple[Integer | None, ...]:
    filled = list(places)
    for k, turn in zip(given, turns, strict=True):
        filled[k] = turn
    return tuple(filled)
