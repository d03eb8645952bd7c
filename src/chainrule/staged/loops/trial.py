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
from collections.abc import Callable, Mapping, Sequence

from chainrule.graph.loops.affine import Counter, at
from chainrule.staged.loops.faults import ApartError, CannotPrintError
from chainrule.staged.loops.instances import Instances
from chainrule.staged.loops.names import Variables
from chainrule.staged.loops.plan import Plan, Tape, Unrolled
from chainrule.staged.loops.rows import read_in_a_row
from chainrule.staged.loops.tree import Block, Choice, Item, Leaf, Site, Source, Value

__all__ = ["planned"]

_ROUNDS = 40


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
            raise CannotPrintError(planner.instances.at)
        except ApartError as error:
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
        self.instances = Instances(items, unrolled)
        self.variables = Variables(self.instances, unrolled, self.plan)
        # What a loop begins with: by reader and position, or None where an inner loop begins so.
        self.carried: dict[Block, list[tuple[Site, int | None, Value]]] = {}
        for site in self.instances.sites.values():
            for k, source in enumerate(site.sources):
                self._carry(site, k, source)
            self.plan.taped.update((site, k) for k in read_in_a_row(site))
        self.variables.begin()
        for carried in self.carried.values():
            carried.sort(key=lambda c: self._by_list(*c[:2]))  # these make way for the others
        self.not_led: set[tuple[Site, int]] = set()
        self.not_viewed: set[tuple[Site, int]] = set()
        self.read: set[Site] = set()  # by name
        self.env: dict[str, int] = {}
        self.latest: dict[Site, int] = {}  # what each statement did last
        self.same: dict[int, int] = {}  # what ``x = x`` leaves as it was
        self.later: list[Callable[[], None]] = []
        self.good = True

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
                self.variables.handed.append((initial.site, source.site))

    # Trying.

    def run(self) -> bool:
        """Go through the code once; tell whether it is right, or else change the plan."""
        self.env = {name: ~k for k, name in enumerate(self.unrolled.leaves) if name is not None}
        self.latest.clear()
        self.same.clear()
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
        self.variables.number()
        shown = self._shown() | self.seen
        self.plan.needless = shown - self.read - {site for site, _ in self.plan.tapes}
        return self.plan

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
        number = self.instances.numbers[site.key, turns]
        if self.good:
            self.instances.at = site
        for k, source in enumerate(site.sources):
            ref = self.unrolled.steps[number].refs[k].step
            if self.instances.number(source, site.blocks, turns) != ref:
                raise AssertionError(f"{site.step.content}: folding took one value for another")
            if (site, k) in self.plan.led:
                tape, turn = self.plan.led[site, k]
                if self.instances.number(tape.leading[turn], (), ()) == ref:
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
                    raise CannotPrintError(self.instances.at)
            elif not self._holds(source, ref):
                self._fault(site, k, source, ref)
            elif isinstance(source, Value):
                self.read.add(source.site)
        if self.unrolled.names[number] is not None:
            name = self.plan.names[site]
            if site.step.content.is_copy and self._name(site.sources[0]) == name:
                ref = self.unrolled.steps[number].refs[0].step
                self.same[number] = self.same.get(ref, ref)
            self.env[name] = number
            self.latest[site] = number

    def _read_by_name(self, source: Source) -> None:
        if isinstance(source, Value) and source.site not in self.seen:
            self.read.add(source.site)

    def _is_seen(self, source: Source) -> bool:
        return isinstance(source, Value) and source.site in self.seen

    def _sees(self, source: Source, ref: int) -> bool:
        """Tell whether a view that was made in some turn can be made again here."""
        if ref < 0 or not isinstance(source, Value) or self.instances.site(ref) is not source.site:
            return False
        (shown,) = source.site.sources
        if isinstance(shown, Choice) or (isinstance(shown, Value) and shown.shared):
            return False
        return self._holds(shown, self.unrolled.steps[ref].refs[0].step)

    def _not_seen(self, site: Site, k: int, source: Source) -> None:
        """Change the plan where something else has the name of what a view shows."""
        self.good = False
        shown = source.site.sources[0] if isinstance(source, Value) else None
        if (
            isinstance(shown, Value)
            and self.variables.root(shown.site) not in self.variables.renamed
        ):
            self.later.append(lambda: self.variables.rename(shown.site))
            return
        self.plan.viewed.remove((site, k))
        self.not_viewed.add((site, k))

    def _holds(self, source: Source, ref: int) -> bool:
        """Tell whether a source, by name, is what the unrolled code reads."""
        if isinstance(source, Value) and source.site in self.seen:
            return False
        name = self._name(source)
        if name is None or self.env.get(name) == ref:
            return True
        held = self.env.get(name, -1)
        return self.same.get(held, held) == self.same.get(ref, ref)

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
            raise CannotPrintError(self.instances.at)
        holder = self.env.get(name, -1)
        culprit = self.instances.site(holder) if holder >= 0 else None
        updates = self.variables.updates(site, k)
        if updates and isinstance(source, Value) and self.latest.get(source.site) != ref:
            self.variables.cannot_update(site)  # what is added to belongs to an earlier turn
        if isinstance(source, Value) and not updates:
            start = source.shared - (source.lag > 0)
            own = culprit is None or self.variables.root(culprit) is self.variables.root(
                source.site
            )
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
            raise CannotPrintError(self.instances.at)
        victim = source.site if isinstance(source, Value) else None
        if victim is not None and self.variables.root(victim) is self.variables.root(culprit):
            self._part(victim)
        # Rather what stands in no loop gets another name.
        alone = (
            victim is not None
            and not victim.blocks
            and self.variables.root(victim) not in self.variables.renamed
        )
        at_fault = victim if victim is not None and alone else culprit
        rest = culprit if at_fault is victim else victim
        self.later.append(lambda: self.variables.rename(at_fault, rest))

    def _part(self, site: Site) -> None:
        """Let what adds to a variable of an earlier turn be another one."""
        for other in self.instances.sites.values():
            if self.variables.root(other) is self.variables.root(site) and self.variables.updates(
                other, 0
            ):
                source = other.sources[0]
                if isinstance(source, Value) and source.lag:
                    self.variables.cannot_update(other)

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
                self.instances.at = site
            if k is not None and (site, k) in self.plan.taped:
                continue
            ref = self.instances.number(value.initial[0], site.blocks, turns)
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
                        raise CannotPrintError(self.instances.at)
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
        return k is not None and not self.variables.updates(site, k)

    def _tape_or_give_up(self, site: Site, k: int | None) -> None:
        if k is None:
            raise CannotPrintError(self.instances.at)
        if self.variables.updates(site, k):
            self.variables.cannot_update(site)
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
            raise CannotPrintError(self.instances.at)
        self.good = False
        self.later.append(lambda: self.variables.rename(self.instances.site(holder)))

    def _choose(self, choice: Choice) -> None:
        """Check that all that turns choose from is there before the loop."""
        for value in choice.values:
            if not isinstance(value, Leaf):
                raise CannotPrintError(self.instances.at)
            if not self._holds(value, ~value.number):
                raise CannotPrintError(self.instances.at)

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
        beginning = self.instances.beginning(value.site)
        if beginning is None or any(turn < 0 for turn in there[:-1]):
            raise CannotPrintError(self.instances.at)
        if value.lag and len(there) == 1:  # there may be others that begin with something else
            own, first = value.initial[there[0]], beginning.initial[there[0]]
            outer = turns[: tape.start]
            if self.instances.number(own, blocks, outer) != self.instances.number(
                first, blocks, outer
            ):
                raise CannotPrintError(self.instances.at)
        if not tape.leading:
            tape.leading = beginning.initial
            self.good = False

    def _begin_tape(self, tape: Tape, turns: tuple[int, ...]) -> None:
        for source in tape.leading:
            ref = self.instances.number(source, tape.site.blocks, turns)
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
            beginning = self.instances.beginning(tape.site)
            after = reader.key[0] > tape.site.key[0]
            if beginning is None or len(tape.site.blocks) > 1 or not after:
                continue
            for turn, source in enumerate(beginning.initial):
                if self.instances.number(source, (), ()) == ref:
                    tape.leading = beginning.initial
                    return tape, turn
        return None
