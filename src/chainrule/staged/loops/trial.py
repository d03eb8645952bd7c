"""What the variables of folded code are called, and which values are kept, found by trial.

A variable of a loop gets the name that the user gave it, and every statement is followed through
all turns to see whether each name holds what the unrolled code reads there. Where it does not,
because a later turn has changed it, the value is read from a list of what it was in each turn, or
from what the variable was when the turn began; where another variable of the same name is in the
way, one of them gets another name.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NoReturn

from chainrule.graph.loops.affine import Counter, at
from chainrule.staged.loops.plan import Plan, Tape, Unrolled
from chainrule.staged.loops.tree import Block, Choice, Item, Leaf, Site, Source, Value
from chainrule.staged.partition import LONG

__all__ = ["CannotPrintError", "planned"]

_ROUNDS = 40


class CannotPrintError(Exception):
    """A loop cannot be written with the means there are, and stays unrolled.

    Args:
        site: the statement with which it cannot.
    """

    def __init__(self, site: Site | None) -> None:
        self.site = site

    @property
    def loop(self) -> int | None:
        """The number of the loop among the folded steps."""
        if self.site is None:
            return None
        sources = (x.site for x in self.site.sources if isinstance(x, Value))
        return next((x.key[0] for x in (self.site, *sources) if x.blocks), None)


class _ApartError(Exception):
    """What a statement adds to cannot be changed: its sum has to be another variable."""

    def __init__(self, site: Site) -> None:
        self.site = site


def planned(items: Sequence[Item], unrolled: Unrolled, taken: set[str]) -> Plan:
    """Find names and lists.

    Args:
        items: the folded statements.
        unrolled: what they were.
        taken: the names of the unrolled code.

    Raises:
        CannotPrintError: there are none with which the code would be right.
    """
    apart: set[Site] = set()
    planner = _tried(items, unrolled, taken, apart, set())
    views = planner.views_for_others()
    if views:
        with contextlib.suppress(CannotPrintError):
            planner = _tried(items, unrolled, taken, apart, views)
    return planner.finished()


def _tried(
    items: Sequence[Item], unrolled: Unrolled, taken: set[str], apart: set[Site], seen: set[Site]
) -> _Planner:
    """Go through the code with one plan after the other, until one is right."""
    while True:
        try:
            planner = _Planner(items, unrolled, taken, apart, seen)
            for _ in range(_ROUNDS):
                if planner.run():
                    return planner
            raise CannotPrintError(planner.at)
        except _ApartError as error:
            apart.add(error.site)


class _Planner:
    def __init__(
        self,
        items: Sequence[Item],
        unrolled: Unrolled,
        taken: set[str],
        apart: set[Site],
        seen: set[Site],
    ) -> None:
        self.items, self.unrolled, self.taken = items, unrolled, set(taken)
        self.seen = seen  # views that nobody reads by name
        self.plan = Plan(apart=apart)
        self.sites = {site.key: site for site in _sites(items)}
        self.instances = {
            ((ref.step, *ref.parts), ref.turns): k for k, ref in enumerate(unrolled.where)
        }
        self.first: dict[Site, int] = {}
        for k in range(len(unrolled.where)):
            self.first.setdefault(self._site(k), k)
        self.handed: list[tuple[Site, Site]] = []  # what a loop begins with, and goes on with
        # What a loop begins with: by reader and position, or None where an inner loop begins so.
        self.carried: dict[Block, list[tuple[Site, int | None, Value]]] = {}
        for site in self.sites.values():
            for k, source in enumerate(site.sources):
                self._carry(site, k, source)
            self._series(site)
        self.storage = {site: site for site in self.sites.values()}
        for site in self.sites.values():
            if self._updates(site, 0):
                self._unite(site, site.sources[0], site)
        for carried in self.carried.values():
            carried.sort(key=lambda c: self._by_list(*c[:2]))  # these make way for the others
        for site in self.sites.values():
            if unrolled.names[self.first[site]] is not None:
                self.plan.names[site] = self._base(self._root(site))
        self.renamed: set[Site] = set()
        self.not_led: set[tuple[Site, int]] = set()
        self.not_viewed: set[tuple[Site, int]] = set()
        self.read: set[Site] = set()  # by name
        self.env: dict[str, int] = {}
        self.latest: dict[Site, int] = {}  # what each statement did last
        self.later: list[Callable[[], None]] = []
        self.good = True
        self.at: Site | None = None  # the statement that is looked at, or where a fault was

    def _site(self, number: int) -> Site:
        ref = self.unrolled.where[number]
        return self.sites[(ref.step, *ref.parts)]

    def _carry(self, site: Site, k: int | None, source: Source) -> None:
        if not isinstance(source, Value) or not source.lag:
            return
        if source.lag == 1:
            block = site.blocks[source.shared - 1]
            self.carried.setdefault(block, []).append((site, k, source))
        elif k is None:
            raise CannotPrintError(site)
        else:
            self.plan.taped.add((site, k))
        for initial in source.initial:
            self._carry(site, None, initial)
            if isinstance(initial, Value):
                self.handed.append((initial.site, source.site))

    def _series(self, site: Site) -> None:
        """Read from a list what a statement reads of all turns of a loop."""
        statement = site.step.content
        number = itertools.count()
        reads = [next(number) if p.is_read else -1 for p in statement.places]
        for row in statement.series:
            places = [(reads[at], _turn(site.sources[reads[at]])) for at in row]
            for way in (1, -1):
                for found in _evenly(places, way):
                    self.plan.taped.update((site, k) for k in found)

    # Names.

    def _root(self, site: Site) -> Site:
        while self.storage[site] is not site:
            site = self.storage[site]
        return site

    def _updates(self, site: Site, k: int | None) -> bool:
        """Tell whether what a statement reads first, second ... is what it changes."""
        return k == 0 and self.unrolled.updates[self.first[site]] and site not in self.plan.apart

    def _cannot_update(self, site: Site) -> NoReturn:
        """Give up changing what a statement changes."""
        if self.unrolled.sums[self.first[site]]:
            raise _ApartError(site)
        raise CannotPrintError(site)

    def _unite(self, site: Site, source: Source, update: Site) -> None:
        """Let what changes a variable have the same variable as what it changes."""
        if not isinstance(source, Value):
            self._cannot_update(update)
        self.storage[self._root(source.site)] = self._root(site)
        for initial in source.initial:
            self._unite(site, initial, update)

    def _base(self, site: Site) -> str:
        """Return what a variable is called, if nothing else is."""
        number = self.first[site]
        base, name = self.unrolled.bases[number], self.unrolled.names[number]
        assert name is not None
        return self.unrolled.temporaries[name] if base is None else base

    def _call(self, root: Site, name: str) -> None:
        for site in self.sites.values():
            if self._root(site) is root:
                self.plan.names[site] = name

    def _rename(self, site: Site, other: Site | None = None) -> None:
        """Give a variable a name that nothing else has, and those that it goes on with.

        ``other`` is what it has to be told from.
        """
        root = self._root(site)
        number = self.first[root]
        base = self.unrolled.bases[number]
        names = (f"t{k}" if base is None else f"{base}_{k}" for k in itertools.count(1))
        used = {*self.plan.names.values(), *self.unrolled.leaves}
        name = next(name for name in names if name not in used)
        together = {root}
        if root not in self.renamed:
            together = self._going_on(root, None if other is None else self._root(other))
        for one in together:
            self._call(one, name)
            self.renamed.add(one)
        self.plan.begun.clear()
        self.plan.saved.clear()
        self.plan.before.clear()
        for tape in self.plan.tapes.values():
            tape.by_name = False

    def _going_on(self, root: Site, without: Site | None) -> set[Site]:
        """Return the variables of the same name that a loop begins with, and goes on with."""
        name = self.plan.names[root]
        found, stack = {root}, [root]
        while stack:
            here = stack.pop()
            for a, b in self.handed:
                for x, y in ((self._root(a), self._root(b)), (self._root(b), self._root(a))):
                    known = x is not here or y in found or y is without
                    if not known and self.plan.names[y] == name:
                        found.add(y)
                        stack.append(y)
        return found

    # Trying.

    def run(self) -> bool:
        """Go through the code once; tell whether it is right, or else change the plan."""
        self.env = {name: ~k for k, name in enumerate(self.unrolled.leaves) if name is not None}
        self.latest.clear()
        self.good = True
        self.later.clear()
        self.read.clear()
        lists = len(self.plan.tapes)
        self._walk(self.items, {}, ())
        if self.later and len(self.plan.tapes) == lists:  # with a new list this may be different
            self.later[0]()
        return self.good

    def finished(self) -> Plan:
        """Return the plan, with what it makes needless."""
        self._number_names()
        shown = self._shown() | self.seen
        self.plan.needless = shown - self.read - {site for site, _ in self.plan.tapes}
        return self.plan

    def _number_names(self) -> None:
        """Let one of the variables that were told apart by numbers have the name without one."""
        plan = self.plan
        used = {*self.unrolled.leaves, *plan.names.values()}
        for site, name in sorted(plan.names.items(), key=lambda item: -len(item[0].blocks)):
            base = self.unrolled.bases[self.first[self._root(site)]]
            if base is None or base in used:
                continue
            used.add(base)
            plan.names = {x: base if n == name else n for x, n in plan.names.items()}
            for begun in plan.begun.values():
                if name in begun:
                    begun[base] = begun.pop(name)
            for saved in plan.saved.values():
                if name in saved:
                    saved[base] = saved.pop(name)

    def _shown(self) -> set[Site]:
        sources = (site.sources[k] for site, k in self.plan.viewed)
        return {source.site for source in sources if isinstance(source, Value)}

    def views_for_others(self) -> set[Site]:
        """Return the views that are a loop of their own, of which others need some turns alone."""
        return {
            site
            for site in self._shown()
            if site.blocks and list(site.blocks[-1].sites()) == [site]
        }

    def _walk(
        self, items: Sequence[Item], counters: Mapping[Counter, int], turns: tuple[int, ...]
    ) -> None:
        for item in items:
            if isinstance(item, Site):
                self._statement(item, turns)
                continue
            self._begin(item, turns)
            for turn in range(at(item.turns, counters)):
                for name, old in self.plan.saved.get(item, {}).items():
                    self.env[old] = self.env.get(name, -1)
                self._walk(item.body, {**counters, item.counter: turn}, (*turns, turn))

    def _statement(self, site: Site, turns: tuple[int, ...]) -> None:
        number = self.instances[site.key, turns]
        if self.good:
            self.at = site
        for k, source in enumerate(site.sources):
            ref = self.unrolled.steps[number].refs[k].step
            if self._number(source, site.blocks, turns) != ref:
                raise AssertionError(f"{site.step.content}: folding took one value for another")
            if (site, k) in self.plan.led:
                tape, turn = self.plan.led[site, k]
                if self._number(tape.leading[turn], (), ()) == ref:
                    continue
                del self.plan.led[site, k]  # it is so in some turns alone
                self.not_led.add((site, k))
            if (site, k) in self.plan.viewed:
                if not self._sees(source, ref):
                    self._not_seen(site, k, source)
                continue
            if (site, k) in self.plan.taped:
                assert isinstance(source, Value)
                self._taped(source, site.blocks, turns)
            elif (site, k) in self.plan.before:
                assert isinstance(source, Value)
                if self.env.get(self.plan.was(site, source)) != ref:
                    raise CannotPrintError(self.at)
            elif not self._holds(source, ref):
                self._fault(site, k, source, ref)
            elif isinstance(source, Value):
                self.read.add(source.site)
        if self.unrolled.names[number] is not None:
            self.env[self.plan.names[site]] = number
            self.latest[site] = number

    def _read_by_name(self, source: Source) -> None:
        if isinstance(source, Value) and source.site not in self.seen:
            self.read.add(source.site)

    def _is_seen(self, source: Source) -> bool:
        return isinstance(source, Value) and source.site in self.seen

    def _sees(self, source: Source, ref: int) -> bool:
        """Tell whether a view that was made in some turn can be made again here."""
        if ref < 0 or not isinstance(source, Value) or self._site(ref) is not source.site:
            return False
        (shown,) = source.site.sources
        if isinstance(shown, Choice) or (isinstance(shown, Value) and shown.shared):
            return False
        return self._holds(shown, self.unrolled.steps[ref].refs[0].step)

    def _not_seen(self, site: Site, k: int, source: Source) -> None:
        """Change the plan where something else has the name of what a view shows."""
        self.good = False
        shown = source.site.sources[0] if isinstance(source, Value) else None
        if isinstance(shown, Value) and self._root(shown.site) not in self.renamed:
            self.later.append(lambda: self._rename(shown.site))
            return
        self.plan.viewed.remove((site, k))
        self.not_viewed.add((site, k))

    def _holds(self, source: Source, ref: int) -> bool:
        """Tell whether a source, by name, is what the unrolled code reads."""
        if isinstance(source, Value) and source.site in self.seen:
            return False
        name = self._name(source)
        return name is None or self.env.get(name) == ref

    def _name(self, source: Source) -> str | None:
        """Return the variable that a source is read by, if it is read by one."""
        if isinstance(source, Value):
            return self.plan.names[source.site]
        return self.unrolled.leaves[source.number] if isinstance(source, Leaf) else None

    def _fault(self, site: Site, k: int, source: Source, ref: int) -> None:
        """Change the plan where a name does not hold what is read by it."""
        self.good = False
        name = self._name(source)
        if name is None:
            raise CannotPrintError(self.at)
        holder = self.env.get(name, -1)
        culprit = self._site(holder) if holder >= 0 else None
        updates = self._updates(site, k)
        if updates and isinstance(source, Value) and self.latest.get(source.site) != ref:
            self._cannot_update(site)  # what is added to belongs to an earlier turn
        if isinstance(source, Value) and not updates:
            start = source.shared - (source.lag > 0)
            own = culprit is None or self._root(culprit) is self._root(source.site)
            gone = own or self.latest.get(source.site) != ref
            if len(source.site.blocks) > start and (
                gone or (source.site, start) in self.plan.tapes
            ):
                if source.site.step.content.is_view and (site, k) not in self.not_viewed:
                    self.plan.viewed.add((site, k))
                elif source.lag != 1 or (source.site, start) in self.plan.tapes:
                    self.plan.taped.add((site, k))
                    self.plan.tape(source)
                else:
                    self.later.append(lambda: self._save(site, k, source))
                return
        led = None if updates or (site, k) in self.not_led else self._led(site, ref)
        if led is not None:
            self.plan.led[site, k] = led
            return
        if culprit is None:
            raise CannotPrintError(self.at)
        victim = source.site if isinstance(source, Value) else None
        if victim is not None and self._root(victim) is self._root(culprit):
            self._part(victim)
        # Rather what stands in no loop gets another name.
        alone = victim is not None and not victim.blocks and self._root(victim) not in self.renamed
        at_fault = victim if victim is not None and alone else culprit
        rest = culprit if at_fault is victim else victim
        self.later.append(lambda: self._rename(at_fault, rest))

    def _part(self, site: Site) -> None:
        """Let what adds to a variable of an earlier turn be another one."""
        for other in self.sites.values():
            if self._root(other) is self._root(site) and self._updates(other, 0):
                source = other.sources[0]
                if isinstance(source, Value) and source.lag:
                    self._cannot_update(other)

    def _save(self, site: Site, k: int, value: Value) -> None:
        """Keep what a variable was when a turn began."""
        saved = self.plan.saved.setdefault(site.blocks[value.shared - 1], {})
        name = self.plan.names[value.site]
        if name not in saved:
            names = itertools.chain([f"{name}_old"], (f"{name}_old{n}" for n in itertools.count(2)))
            used = {*self.taken, *self.plan.names.values()}
            saved[name] = next(old for old in names if old not in used)
        self.plan.before.add((site, k))

    def _begin(self, block: Block, turns: tuple[int, ...]) -> None:
        """Set the variables that a loop begins with, and check what its lists begin with."""
        done: dict[str, int] = {}
        begun = self.plan.begun.setdefault(block, {})
        for site, k, value in self.carried.get(block, ()):
            if self.good:
                self.at = site
            if k is not None and (site, k) in self.plan.taped:
                continue
            ref = self._number(value.initial[0], site.blocks, turns)
            name = self.plan.names[value.site]
            self._read_by_name(value.initial[0])
            if done.setdefault(name, ref) != ref:
                self._tape_or_give_up(site, k)
            elif name in begun or self.env.get(name) != ref or self._is_seen(value.initial[0]):
                (source,) = value.initial
                if name not in begun:
                    begun[name] = source
                    self.good = False
                if self._is_seen(source):
                    if not self._sees(source, ref):
                        raise CannotPrintError(self.at)
                elif source in self.plan.listed:
                    assert isinstance(source, Value)
                    self._taped(source, site.blocks[: len(turns)], turns)
                elif not self._holds(source, ref):
                    self._begun_fault(source, ref)
                self.env[name] = ref
        for tape in self.plan.tapes.values():
            if tape.block is block and tape.leading:
                self._begin_tape(tape, turns)
        for site in block.sites():
            for source in site.sources:
                if isinstance(source, Choice) and source.counter is block.counter:
                    self._choose(source)

    def _by_list(self, site: Site, k: int | None) -> bool:
        """Tell whether a carried value may be read from a list."""
        return k is not None and not self._updates(site, k)

    def _tape_or_give_up(self, site: Site, k: int | None) -> None:
        if k is None:
            raise CannotPrintError(self.at)
        if self._updates(site, k):
            self._cannot_update(site)
        self.good = False
        self.plan.taped.add((site, k))

    def _begun_fault(self, source: Source, ref: int, listed: bool = True) -> None:
        """Make way for a variable that a loop begins with."""
        name = self._name(source)
        in_loop = isinstance(source, Value) and len(source.site.blocks) > source.shared
        if listed and isinstance(source, Value) and in_loop and self.latest.get(source.site) != ref:
            self.good = False
            self.plan.listed.add(source)
            return
        holder = -1 if name is None else self.env.get(name, -1)
        if holder < 0:
            raise CannotPrintError(self.at)
        self.good = False
        self.later.append(lambda: self._rename(self._site(holder)))

    def _choose(self, choice: Choice) -> None:
        """Check that all that turns choose from is there before the loop."""
        for value in choice.values:
            if not isinstance(value, Leaf):
                raise CannotPrintError(self.at)
            if not self._holds(value, ~value.number):
                raise CannotPrintError(self.at)

    def _number(self, source: Source, blocks: tuple[Block, ...], turns: tuple[int, ...]) -> int:
        """Return the statement or leaf that a source is in some turns of the loops around it."""
        if isinstance(source, Leaf):
            return ~source.number
        counters = {block.counter: turn for block, turn in zip(blocks, turns, strict=False)}
        if isinstance(source, Choice):
            return self._number(source.values[counters[source.counter]], blocks, turns)
        outer = turns[: source.shared]
        if source.lag:
            if outer[-1] < source.lag:
                return self._number(source.initial[outer[-1]], blocks, outer[:-1])
            outer = (*outer[:-1], outer[-1] - source.lag)
        inner = tuple(at(n, counters) for n in source.turns if n is not None)
        site, there = source.site, (*outer, *inner)
        if there and there[-1] < 0:
            beginning = self._beginning(site)
            if beginning is None or beginning.lag + there[-1] < 0:
                raise CannotPrintError(self.at)
            first = beginning.initial[beginning.lag + there[-1]]
            return self._number(first, site.blocks, there[:-1])
        if (site.key, there) not in self.instances:  # it is written with fewer turns than its own
            raise CannotPrintError(self.at)
        return self.instances[site.key, there]

    # Lists.

    def _taped(self, value: Value, blocks: tuple[Block, ...], turns: tuple[int, ...]) -> None:
        """See that a list has what is read from it of the time before the first turn."""
        tape = self.plan.tape(value)
        counters = {block.counter: turn for block, turn in zip(blocks, turns, strict=True)}
        there = [at(n, counters) for n in value.turns if n is not None]
        if value.lag:
            there.insert(0, turns[value.shared - 1] - value.lag)
        if all(turn >= 0 for turn in there):
            return
        beginning = self._beginning(value.site)
        if beginning is None or any(turn < 0 for turn in there[:-1]):
            raise CannotPrintError(self.at)
        if value.lag and len(there) == 1:  # there may be others that begin with something else
            own, first = value.initial[there[0]], beginning.initial[there[0]]
            outer = turns[: tape.start]
            if self._number(own, blocks, outer) != self._number(first, blocks, outer):
                raise CannotPrintError(self.at)
        if not tape.leading:
            tape.leading = beginning.initial
            self.good = False

    def _beginning(self, site: Site) -> Value | None:
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

    def _begin_tape(self, tape: Tape, turns: tuple[int, ...]) -> None:
        for source in tape.leading:
            ref = self._number(source, tape.site.blocks, turns)
            self._read_by_name(source)
            alone = len(tape.leading) == 1 and self.env.get(self.plan.names[tape.site]) == ref
            constant = alone and self._name(source) is None
            if not tape.by_name and not constant and self._holds(source, ref):
                continue
            if alone:
                self.good = self.good and tape.by_name  # it has to be so wherever the list begins
                tape.by_name = True
                continue
            self._begun_fault(source, ref, listed=False)

    def _led(self, reader: Site, ref: int) -> tuple[Tape, int] | None:
        """Find a list that began with a value before the first turn of its loop."""
        for tape in self.plan.tapes.values():
            beginning = self._beginning(tape.site)
            after = reader.key[0] > tape.site.key[0]
            if beginning is None or len(tape.site.blocks) > 1 or not after:
                continue
            for turn, source in enumerate(beginning.initial):
                if self._number(source, (), ()) == ref:
                    tape.leading = beginning.initial
                    return tape, turn
        return None


def _evenly(places: Sequence[tuple[int, tuple[Site, int] | None]], way: int) -> Iterator[list[int]]:
    """Yield what is read of one turn after the other, or before it, if it is much."""
    start = 0
    for end in range(1, len(places) + 1):
        last = places[end - 1][1]
        here = places[end][1] if end < len(places) else None
        if last is None or here != (last[0], last[1] + way):
            if end - start >= LONG:
                yield [k for k, _ in places[start:end]]
            start = end


def _turn(source: Source) -> tuple[Site, int] | None:
    """Return which turn of a loop a statement is read in, outside of it."""
    if not isinstance(source, Value) or len(source.turns) != 1 or source.lag:
        return None
    turn = source.turns[0]
    return (source.site, turn) if isinstance(turn, int) else None


def _sites(items: Sequence[Item]) -> Iterator[Site]:
    for item in items:
        if isinstance(item, Site):
            yield item
        else:
            yield from item.sites()
