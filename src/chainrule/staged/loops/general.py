"""The code of loops with any number of turns, from that of runs with several numbers of turns.

Where a loop goes on until a condition fails, its run is folded for a few numbers of turns. The code
has to be the same in all of them, but for integers that grow with the number of turns: these are
written by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from chainrule.graph.loops.affine import Affine, Counter, Integer, affine
from chainrule.staged.loops.fold import Folded
from chainrule.staged.loops.plan import Tape
from chainrule.staged.loops.tree import Block, Choice, Item, Leaf, Site, Source, Value

__all__ = ["UnlikeError", "generalized"]

T = TypeVar("T")


class UnlikeError(Exception):
    """The code is another one for another number of turns."""


def generalized(
    runs: Sequence[Folded], turns: Sequence[Sequence[int]], counters: Sequence[Counter]
) -> None:
    """Write the integers of a run by the numbers of turns that its loops have.

    Args:
        runs: the first one is changed. Of the second, and of as many further ones as there are
            loops, each has another number of turns in one loop.
        turns: how many each loop has in each run.
        counters: what stands for these numbers.

    Raises:
        UnlikeError: the runs do not have the same code.
    """
    _Runs(runs, turns, counters).merge()


class _Runs:
    def __init__(
        self, runs: Sequence[Folded], turns: Sequence[Sequence[int]], counters: Sequence[Counter]
    ) -> None:
        self.runs, self.turns, self.counters = runs, turns, counters
        self.plans = [run.plan for run in runs]
        self.first: list[dict[tuple[int, ...], int]] = []
        for run in runs:
            found: dict[tuple[int, ...], int] = {}
            for k, ref in enumerate(run.where):
                found.setdefault((ref.step, *ref.parts), k)
            self.first.append(found)
        self.paired: dict[Counter, tuple[Counter, ...]] = {}
        self.merged: dict[Source, Source] = {}
        self.at = ""

    def merge(self) -> None:
        self._items([run.items for run in self.runs])
        plan = self.plans[0]
        self._same(lambda k: len(self.plans[k].listed))
        plan.listed = {self.merged.get(source, source) for source in plan.listed}

    def _unlike(self) -> UnlikeError:
        what = f"`{self.at}`" if self.at else "its code"
        return UnlikeError(f"{what} is not the same for another number of turns")

    def _same(self, of: Callable[[int], T]) -> T:
        first, *others = (of(k) for k in range(len(self.runs)))
        if any(other != first for other in others):
            raise self._unlike()
        return first

    def _items(self, items: Sequence[Sequence[Item]]) -> None:
        self._same(lambda k: [isinstance(item, Site) for item in items[k]])
        for together in zip(*items, strict=True):
            sites = [item for item in together if isinstance(item, Site)]
            if sites:
                self._site(sites)
            else:
                self._block([item for item in together if isinstance(item, Block)])

    def _site(self, sites: Sequence[Site]) -> None:
        statements = [
            run.statements[first[site.key]]
            for run, first, site in zip(self.runs, self.first, sites, strict=True)
        ]
        self.at = statements[0].text
        self._same(lambda k: (statements[k].pieces, [p.kind for p in statements[k].places]))
        self._same(lambda k: self.plans[k].names.get(sites[k]))
        self._same(lambda k: (sites[k] in self.plans[k].needless, sites[k] in self.plans[k].apart))
        self._same(lambda k: [n for n in range(len(sites[k].blocks)) if self._tape(k, sites[k], n)])
        for n in range(len(sites[0].blocks)):
            tapes = [tape for k, site in enumerate(sites) if (tape := self._tape(k, site, n))]
            if tapes:
                self._same(lambda k, tapes=tapes: (tapes[k].by_name, len(tapes[k].leading)))  # type: ignore[misc]
                tapes[0].leading = self._sources([tape.leading for tape in tapes])
        self._same(lambda k: len(sites[k].sources))
        for n in range(len(sites[0].sources)):
            self._same(lambda k, n=n: self._read(k, sites[k], n))  # type: ignore[misc]
            led = [self.plans[k].led.get((site, n)) for k, site in enumerate(sites)]
            if any(led) and len({x and (x[0].site.key, x[1]) for x in led}) > 1:
                raise self._unlike()
        sites[0].sources = self._sources([site.sources for site in sites])
        self._same(lambda k: len(sites[k].ints))
        sites[0].ints = [self._integer(n) for n in zip(*(site.ints for site in sites), strict=True)]

    def _tape(self, k: int, site: Site, start: int) -> Tape | None:
        return self.plans[k].tapes.get((site, start))

    def _read(self, k: int, site: Site, n: int) -> tuple[bool, ...]:
        plan, place = self.plans[k], (site, n)
        return place in plan.taped, place in plan.viewed, place in plan.before, place in plan.led

    def _block(self, blocks: Sequence[Block]) -> None:
        self.paired[blocks[0].counter] = tuple(block.counter for block in blocks)
        begun = [plan.begun.get(x, {}) for plan, x in zip(self.plans, blocks, strict=True)]
        saved = [plan.saved.get(x, {}) for plan, x in zip(self.plans, blocks, strict=True)]
        self._same(lambda k: (list(begun[k]), saved[k]))
        sources = self._sources([list(x.values()) for x in begun])
        self.plans[0].begun[blocks[0]] = dict(zip(begun[0], sources, strict=True))
        blocks[0].turns = self._integer([block.turns for block in blocks])
        self._items([block.body for block in blocks])

    def _sources(self, sources: Sequence[Sequence[Source]]) -> list[Source]:
        self._same(lambda k: len(sources[k]))
        return [self._source(together) for together in zip(*sources, strict=True)]

    def _source(self, sources: Sequence[Source]) -> Source:
        """Merge what is read; a value that depends on numbers of turns is another one then."""
        first = sources[0]
        if first in self.merged:
            return self.merged[first]
        self._same(lambda k: type(sources[k]))
        found = first
        if isinstance(first, Leaf):
            leaves = [x for x in sources if isinstance(x, Leaf)]
            self._same(lambda k: self.runs[k].leaves[leaves[k].number])
        elif isinstance(first, Value):
            values = [x for x in sources if isinstance(x, Value)]
            self._same(lambda k: (values[k].site.key, values[k].shared, values[k].lag))
            self._same(lambda k: [n is None for n in values[k].turns])
            turns = tuple(
                None if any(n is None for n in together) else self._integer(together)
                for together in zip(*(x.turns for x in values), strict=True)
            )
            initial = self._sources([x.initial for x in values])
            found = Value(first.site, first.shared, turns, first.lag, initial)
        else:
            choices = [x for x in sources if isinstance(x, Choice)]
            self._counters([x.counter for x in choices])
            found = Choice(first.counter, self._sources([x.values for x in choices]))
        if not isinstance(first, Leaf):  # those are the same in all places
            self.merged[first] = found
        return found

    def _counters(self, counters: Sequence[Counter]) -> None:
        if self.paired.get(counters[0]) != tuple(counters):
            raise self._unlike()

    def _integer(self, integers: Sequence[Integer | None]) -> Integer:
        known = [n for n in integers if n is not None]
        grown = [n for n in known if isinstance(n, Affine)]
        if grown:
            if len(grown) < len(self.runs):
                raise self._unlike()
            self._counters([n.counter for n in grown])
            first = self._integer([n.first for n in grown])
            return Affine(first, self._integer([n.growth for n in grown]), grown[0].counter)
        return self._fitted([n for n in known if isinstance(n, int)])

    def _fitted(self, integers: Sequence[int]) -> Integer:
        """Write an integer by the numbers of turns."""
        if len(set(integers)) == 1:
            return integers[0]
        found: Integer = 0
        slopes = []
        for loop in range(len(self.counters)):
            step = self.turns[2 + loop][loop] - self.turns[1][loop]
            slope, rest = divmod(integers[2 + loop] - integers[1], step)
            if rest:
                raise self._unlike()
            slopes.append(slope)
        sums = [sum(a * b for a, b in zip(slopes, turns, strict=True)) for turns in self.turns]
        start = integers[1] - sums[1]
        if any(n != start + total for n, total in zip(integers, sums, strict=True)):
            raise self._unlike()
        found = start
        for slope, counter in zip(slopes, self.counters, strict=True):
            found = affine(found, slope, counter)
        return found
