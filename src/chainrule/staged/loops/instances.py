"""Which statement of the unrolled code a folded one is, in some turns of the loops around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chainrule.graph.loops.affine import at
from chainrule.staged.loops.faults import CannotPrintError
from chainrule.staged.loops.plan import Unrolled
from chainrule.staged.loops.tree import Block, Choice, Item, Leaf, Site, Source, Value

__all__ = ["Instances"]


class Instances:
    """The statements of the unrolled code, by those that they were folded into.

    Args:
        items: the folded statements.
        unrolled: what they were.

    Attributes:
        sites: the folded ones, by their keys.
        numbers: those of the unrolled code, by the key and the turns.
        first: for each folded one, the first one that it was.
        at: the folded one that is looked at, or where a fault was.
    """

    def __init__(self, items: Sequence[Item], unrolled: Unrolled) -> None:
        self.unrolled = unrolled
        self.sites = {site.key: site for site in _sites(items)}
        self.numbers = {
            ((ref.step, *ref.parts), ref.turns): k for k, ref in enumerate(unrolled.where)
        }
        self.first: dict[Site, int] = {}
        for k in range(len(unrolled.where)):
            self.first.setdefault(self.site(k), k)
        self.at: Site | None = None

    def site(self, number: int) -> Site:
        """Return the folded statement that one of the unrolled ones is a turn of."""
        ref = self.unrolled.where[number]
        return self.sites[(ref.step, *ref.parts)]

    def number(self, source: Source, blocks: tuple[Block, ...], turns: tuple[int, ...]) -> int:
        """Return the statement or leaf that a source is in some turns of the loops around it."""
        if isinstance(source, Leaf):
            return ~source.number
        counters = {block.counter: turn for block, turn in zip(blocks, turns, strict=False)}
        if isinstance(source, Choice):
            return self.number(source.values[counters[source.counter]], blocks, turns)
        outer = turns[: source.shared]
        if source.lag:
            if outer[-1] < source.lag:
                return self.number(source.initial[outer[-1]], blocks, outer[:-1])
            outer = (*outer[:-1], outer[-1] - source.lag)
        inner = tuple(at(n, counters) for n in source.turns if n is not None)
        site, there = source.site, (*outer, *inner)
        if there and there[-1] < 0:
            beginning = self.beginning(site)
            if beginning is None or beginning.lag + there[-1] < 0:
                raise CannotPrintError(self.at)
            first = beginning.initial[beginning.lag + there[-1]]
            return self.number(first, site.blocks, there[:-1])
        if (site.key, there) not in self.numbers:  # it is written with fewer turns than its own
            raise CannotPrintError(self.at)
        return self.numbers[site.key, there]

    def beginning(self, site: Site) -> Value | None:
        """Return what says what a carried value is before the first turn."""
        if not site.blocks:
            return None
        carried = [
            source
            for row in site.blocks[-1].rows
            for source in row
            if isinstance(source, Value) and source.site is site and source.lag
        ]
        if any(source.shared != len(site.blocks) for source in carried):
            return None
        return max(carried, key=lambda source: source.lag, default=None)


def _sites(items: Sequence[Item]) -> Iterator[Site]:
    for item in items:
        if isinstance(item, Site):
            yield item
        else:
            yield from item.sites()
