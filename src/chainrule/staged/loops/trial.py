"""What the variables of folded code are called, and which values are kept, found by trial.

A variable of a loop gets the name that the user gave it, and every statement is followed through
all turns to see whether each name holds what the unrolled code reads there. Where it does not,
because a later turn has changed it, the value is read from a list of what it was in each turn, or
from what the variable was when the turn began; where another variable of the same name is in the
way, one of them gets another name.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

from chainrule.graph.loops.affine import Counter, at
from chainrule.staged.loops.plan import Plan, Tape, Unrolled
from chainrule.staged.loops.tree import Block, Choice, Item, Leaf, Site, Source, Value

__all__ = ["CannotPrintError", "planned"]

_ROUNDS = 40


class CannotPrintError(Exception):
    """These loops cannot be written with the means there are; they stay unrolled."""


def planned(items: Sequence[Item], unrolled: Unrolled, taken: set[str]) -> Plan:
    """Find names and lists.

    Args:
        items: the folded statements.
        unrolled: what they were.
        taken: the names of the unrolled code.

    Raises:
        CannotPrintError: there are none with which the code would be right.
    """
    planner = _Planner(items, unrolled, taken)
    for _ in range(_ROUNDS):
        if planner.run():
            return planner.plan
    raise CannotPrintError


class _Planner:
    def __init__(self, items: Sequence[Item], unrolled: Unrolled, taken: set[str]) -> None:
        self.items, self.unrolled, self.taken = items, unrolled, taken
        self.plan = Plan()
        self.sites = {site.key: site for site in _sites(items)}
        self.instances = {
            ((ref.step, *ref.parts), ref.turns): k for k, ref in enumerate(unrolled.where)
        }
        self.first: dict[Site, int] = {}
        for k in range(len(unrolled.where)):
            self.first.setdefault(self._site(k), k)
        # What a loop begins with: by reader and position, or None where an inner loop begins so.
        self.carried: dict[Block, list[tuple[Site, int | None, Value]]] = {}
        for site in self.sites.values():
            for k, source in enumerate(site.sources):
                self._carry(site, k, source)
        self.storage = {site: site for site in self.sites.values()}
        for site in self.sites.values():
            if unrolled.updates[self.first[site]]:
                self._unite(site, site.sources[0])
        for carried in self.carried.values():
            carried.sort(key=lambda c: self._by_list(*c[:2]))  # these make way for the others
        for site in self.sites.values():
            if unrolled.names[self.first[site]] is not None:
                self.plan.names[site] = self._base(self._root(site))
        self.renamed: set[Site] = set()
        self.not_led: set[tuple[Site, int]] = set()
        self.env: dict[str, int] = {}
        self.latest: dict[Site, int] = {}  # what each statement did last
        self.later: list[Callable[[], None]] = []
        self.good = True

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
            raise CannotPrintError
        else:
            self.plan.taped.add((site, k))
        for initial in source.initial:
            self._carry(site, None, initial)

    # Names.

    def _root(self, site: Site) -> Site:
        while self.storage[site] is not site:
            site = self.storage[site]
        return site

    def _unite(self, site: Site, source: Source) -> None:
        """Let what changes a variable have the same variable as what it changes."""
        if not isinstance(source, Value):
            raise CannotPrintError
        self.storage[self._root(source.site)] = self._root(site)
        for initial in source.initial:
            self._unite(site, initial)

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

    def _rename(self, site: Site) -> None:
        """Give a variable a name that nothing else has."""
        root = self._root(site)
        number = self.first[root]
        base = self.unrolled.bases[number]
        names = (f"t{k}" if base is None else f"{base}_{k}" for k in itertools.count(1))
        used = {*self.plan.names.values(), *self.unrolled.leaves}
        self._call(root, next(name for name in names if name not in used))
        self.renamed.add(root)
        self.plan.begun.clear()
        self.plan.saved.clear()
        self.plan.before.clear()

    # Trying.

    def run(self) -> bool:
        """Go through the code once; tell whether it is right, or else change the plan."""
        self.env = {name: ~k for k, name in enumerate(self.unrolled.leaves) if name is not None}
        self.latest.clear()
        self.good = True
        self.later.clear()
        lists = len(self.plan.tapes)
        self._walk(self.items, {}, ())
        if self.later and len(self.plan.tapes) == lists:  # with a new list this may be different
            self.later[0]()
        return self.good

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
            if (site, k) in self.plan.taped:
                assert isinstance(source, Value)
                self._taped(source, site.blocks, turns)
            elif (site, k) in self.plan.before:
                assert isinstance(source, Value)
                if self.env.get(self.plan.was(site, source)) != ref:
                    raise CannotPrintError
            elif not self._holds(source, ref):
                self._fault(site, k, source, ref)
        if self.unrolled.names[number] is not None:
            self.env[self.plan.names[site]] = number
            self.latest[site] = number

    def _holds(self, source: Source, ref: int) -> bool:
        """Tell whether a source, by name, is what the unrolled code reads."""
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
            raise CannotPrintError
        holder = self.env.get(name, -1)
        culprit = self._site(holder) if holder >= 0 else None
        updates = k == 0 and self.unrolled.updates[self.first[site]]
        if updates and isinstance(source, Value) and self.latest.get(source.site) != ref:
            raise CannotPrintError  # what is added to belongs to an earlier turn
        if isinstance(source, Value) and not updates:
            start = source.shared - (source.lag > 0)
            own = culprit is None or self._root(culprit) is self._root(source.site)
            gone = own or self.latest.get(source.site) != ref
            if len(source.site.blocks) > start and (
                gone or (source.site, start) in self.plan.tapes
            ):
                if source.lag != 1 or (source.site, start) in self.plan.tapes:
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
            raise CannotPrintError
        # Rather what stands in no loop gets another name.
        victim = source.site if isinstance(source, Value) else None
        alone = victim is not None and not victim.blocks and self._root(victim) not in self.renamed
        at_fault = victim if victim is not None and alone else culprit
        self.later.append(lambda: self._rename(at_fault))

    def _save(self, site: Site, k: int, value: Value) -> None:
        """Keep what a variable was when a turn began."""
        saved = self.plan.saved.setdefault(site.blocks[value.shared - 1], {})
        name = self.plan.names[value.site]
        if name not in saved:
            names = itertools.chain([f"{name}_old"], (f"{name}_old{n}" for n in itertools.count(2)))
            saved[name] = next(old for old in names if old not in self.taken)
            self.taken.add(saved[name])
        self.plan.before.add((site, k))

    def _begin(self, block: Block, turns: tuple[int, ...]) -> None:
        """Set the variables that a loop begins with, and check what its lists begin with."""
        done: dict[str, int] = {}
        begun = self.plan.begun.setdefault(block, {})
        for site, k, value in self.carried.get(block, ()):
            if k is not None and (site, k) in self.plan.taped:
                continue
            ref = self._number(value.initial[0], site.blocks, turns)
            name = self.plan.names[value.site]
            if done.setdefault(name, ref) != ref:
                self._tape_or_give_up(site, k)
            elif name in begun or self.env.get(name) != ref:
                (source,) = value.initial
                if name not in begun:
                    begun[name] = source
                    self.good = False
                if not self._holds(source, ref):
                    self._begun_fault(source)
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
        return k is not None and not (k == 0 and self.unrolled.updates[self.first[site]])

    def _tape_or_give_up(self, site: Site, k: int | None) -> None:
        if k is None or not self._by_list(site, k):
            raise CannotPrintError
        self.good = False
        self.plan.taped.add((site, k))

    def _begun_fault(self, source: Source) -> None:
        """Make way for a variable that a loop begins with."""
        name = self._name(source)
        holder = -1 if name is None else self.env.get(name, -1)
        if holder < 0:
            raise CannotPrintError
        self.good = False
        self.later.append(lambda: self._rename(self._site(holder)))

    def _choose(self, choice: Choice) -> None:
        """Check that all that turns choose from is there before the loop."""
        for value in choice.values:
            if not isinstance(value, Leaf):
                raise CannotPrintError
            if not self._holds(value, ~value.number):
                raise CannotPrintError

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
                raise CannotPrintError
            first = beginning.initial[beginning.lag + there[-1]]
            return self._number(first, site.blocks, there[:-1])
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
            raise CannotPrintError
        if value.lag and len(there) == 1:  # there may be others that begin with something else
            own, first = value.initial[there[0]], beginning.initial[there[0]]
            outer = turns[: tape.start]
            if self._number(own, blocks, outer) != self._number(first, blocks, outer):
                raise CannotPrintError
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
            if self._holds(source, ref):
                continue
            if len(tape.leading) == 1 and self.env.get(self.plan.names[tape.site]) == ref:
                tape.by_name = True
                continue
            self._begun_fault(source)

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


def _sites(items: Sequence[Item]) -> Iterator[Site]:
    for item in items:
        if isinstance(item, Site):
            yield item
        else:
            yield from item.sites()
