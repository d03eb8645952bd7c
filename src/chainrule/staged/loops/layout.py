"""Folded statements as lines: loops with their variables, and the lists that are kept."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import NamedTuple

from chainrule.graph.loops.affine import Affine, Counter, Integer, plus
from chainrule.staged.formatting import comment
from chainrule.staged.lines import Line, Stage
from chainrule.staged.loops.counting import Counting, Sum, composed, fitted, written
from chainrule.staged.loops.fold import Folded
from chainrule.staged.loops.lists import plural, shortened
from chainrule.staged.loops.plan import Tape
from chainrule.staged.loops.statement import Place
from chainrule.staged.loops.tidy import Printed
from chainrule.staged.loops.tree import Block, Choice, Item, Leaf, Site, Source, Value

__all__ = ["Layout", "Row", "laid_out"]

_LETTERS = ("t", "k", "i", "j", "n")
_INDENT = 4


class Row(NamedTuple):
    """A line of code, the remark beside it, how deep in loops it is, and the parts it prints.

    ``number`` is that of the stage, 0 where there is none; in a loop the parts are those of all
    turns, in the order in which they run. ``backward`` says that it is in the backward pass.
    """

    text: str
    remark: str = ""
    depth: int = 0
    parts: Sequence[Stage | Line] = ()
    number: int = 0
    backward: bool = False


def laid_out(code: Folded, width: int) -> list[Row]:
    """Write folded statements, in so many columns."""
    layout = Layout(code, width)
    layout.items(code.items, ())
    return layout.rows


class Layout:
    """Writes the lines, from the first to the last.

    Args:
        code: the folded statements.
        width: of a line.
    """

    def __init__(self, code: Folded, width: int) -> None:
        self.code, self.plan, self.width = code, code.plan, width
        self.rows: list[Row] = []
        self.depth = 0
        self.backward = False
        self.instances: dict[tuple[int, ...], list[int]] = {}
        self.mains: dict[int, tuple[int, ...]] = {}  # the place of each stage's main statement
        self.ends: dict[int, tuple[int, ...]] = {}  # and of its last one
        for k, (ref, p) in enumerate(zip(code.where, code.printed, strict=True)):
            key = (ref.step, *ref.parts)
            self.instances.setdefault(key, []).append(k)
            if p.stage is not None and not p.backward:
                if p.part is not None:
                    self.mains[id(p.stage)] = key
                if p.part is not None or p.text in p.stage.after:
                    self.ends[id(p.stage)] = key
        self.taken = {*code.taken, *self.plan.names.values()}
        self.lists = {
            tape: self.fresh(plural(self.plan.names[tape.site]))
            for tape in sorted(self.plan.tapes.values(), key=lambda tape: tape.site.key)
        }
        self.choices: dict[tuple[Source, ...], str] = {}
        self._entries_of_arguments()
        self.known: dict[Counter, Counting] = {}
        self.used: set[str] = set()  # loop variables
        self.numbers: dict[tuple[int, ...], int] = {}
        self.texts: dict[tuple[int, ...], str] = {}
        self.heading: tuple[int, ...] | None = None

    def items(self, items: Sequence[Item], blocks: tuple[Block, ...]) -> None:
        """Write statements and loops."""
        for item in items:
            self.item(item, blocks)

    def item(self, item: Item, blocks: tuple[Block, ...]) -> None:
        """Write a statement or a loop."""
        first = item if isinstance(item, Site) else next(item.sites())
        self.backward = self.printed(first).backward
        if isinstance(item, Site):
            self.statement(item)
        else:
            self.loop((*blocks, item))

    def printed(self, site: Site) -> Printed:
        """Return the first statement that a folded one was."""
        return self.code.printed[self.instances[site.key][0]]

    def fresh(self, wanted: str) -> str:
        """Take a name that nothing else has."""
        names = itertools.chain([wanted], (f"{wanted}_{k}" for k in itertools.count(1)))
        name = next(name for name in names if name not in self.taken)
        self.taken.add(name)
        return name

    def row(
        self, text: str, remark: str = "", parts: Sequence[Stage | Line] = (), number: int = 0
    ) -> None:
        """Write a line."""
        self.rows.append(Row(text, remark, self.depth, parts, number, self.backward))

    def _entries_of_arguments(self) -> None:
        """Let turns choose from a list of the user's itself: ``Ws[t]``."""
        lists: dict[str, dict[int, Leaf]] = {}
        for number, name in enumerate(self.code.leaves):
            if name in self.code.entries:
                of, at = self.code.entries[name]
                lists.setdefault(of, {})[at] = Leaf(number)
        for name, entries in lists.items():
            if sorted(entries) == list(range(len(entries))):
                self.choices[tuple(entries[k] for k in range(len(entries)))] = name

    # Statements.

    def statement(self, site: Site) -> None:
        """Write a statement, and that its value is kept."""
        text = self.texts[site.key] = self.text(site)
        if site in self.plan.needless:
            return
        name = self.plan.names.get(site)
        if not _changes_nothing(text):
            self._main(site, text)
        for tape, many in self.lists.items():
            if tape.site is site:
                inner = "[-1]" * (len(site.blocks) - tape.start - 1)
                self.keep(tape, f"{many}{inner}.append({name})")

    def keep(self, tape: Tape, text: str) -> None:
        """Write that a value is kept in a list."""
        self.row(text)

    def _main(self, site: Site, text: str) -> None:
        """Write a statement, below what it is the backward pass of."""
        printed = [self.code.printed[k] for k in self.instances[site.key]]
        first = printed[0]
        if first.backward and first.stage is not None:
            heading = self.ends[id(first.stage)]
            if heading != self.heading:
                said = self.texts[heading]
                if not _changes_nothing(said):
                    self.row(comment(f"backprop {said}", self.width - _INDENT * self.depth))
                self.heading = heading
        parts = [p.part for p in printed if p.part is not None]
        number = self._number(site, first)
        self.row(text, self._remark(site, first, number), parts, number)

    def _number(self, site: Site, first: Printed) -> int:
        """Return the number of a statement's stage, 0 if there is none."""
        if first.part is None or first.stage is None:
            return 0
        if not first.backward:
            self.numbers[site.key] = self.number(site)
        # Where a stage leaves its variable as it was, it has no line.
        return self.numbers.get(self.mains[id(first.stage)], 0)

    def number(self, site: Site) -> int:
        """Return the number of a stage that is written now."""
        return max(self.numbers.values(), default=0) + 1

    def _remark(self, site: Site, first: Printed, number: int) -> str:
        """Return the stage's number, and the shape where the value is an array."""
        if not number:
            return ""
        count = len(first.shape)
        shape = ", ".join(str(self.sum(n)) for n in site.ints[len(site.ints) - count :])
        return f"# ({number})" + (f"  shape ({shape}{',' * (count == 1)})" if count else "")

    def text(self, site: Site) -> str:
        """Return a statement as it is written."""
        statement = self.code.statements[self.instances[site.key][0]]
        ints = iter(site.ints)
        sources = iter(range(len(site.sources)))
        written = []
        reads: list[int | None] = []
        for place in statement.places:
            reads.append(next(sources) if place.is_read else None)
            if place.kind == "int":
                written.append(self._integer(next(ints), place))
            elif place.kind == "write":
                written.append(self.plan.names[site])
            else:
                assert reads[-1] is not None
                written.append(self._read(site, reads[-1]))
        pieces = list(statement.pieces)
        for row in statement.series:
            entries = [self._entry(site, k) for k in reads[row.start : row.stop] if k is not None]
            shortened(entries, row, written, pieces)
        added_to = ""
        if site in self.plan.apart:
            added_to, written[0] = written[0], ""
            pieces[1] = pieces[1][4:]
        text = pieces[0] + "".join(map("".join, zip(written, pieces[1:], strict=True)))
        if site in self.plan.apart:
            return statement.as_assignment(self.plan.names[site], added_to, text)
        return text

    def _integer(self, integer: Integer, place: Place) -> str:
        return self._spelled(self.sum(integer), place)

    def _spelled(self, found: Sum, place: Place) -> str:
        simple = len(found) <= 1 and (str(found).isidentifier() or str(found).isdigit())
        return str(found) if simple or place.alone else f"({found})"

    def sum(self, integer: Integer) -> Sum:
        """Write an integer by the variables of the loops around it."""
        found = written(integer, self.known)
        self.used.update(name for names in found for name in names)
        return found

    def _read(self, site: Site, k: int) -> str:
        """Write what a statement reads."""
        source = site.sources[k]
        if (site, k) in self.plan.led:
            tape, turn = self.plan.led[site, k]
            return f"{self.lists[tape]}[{turn}]"
        if (site, k) in self.plan.viewed:
            assert isinstance(source, Value)
            return self._view(source)
        if (site, k) not in self.plan.taped | self.plan.before:
            return self._named(source)
        assert isinstance(source, Value)
        if (site, k) in self.plan.before:
            return self.plan.was(site, source)
        return self._from_list(source)

    def _from_list(self, source: Value) -> str:
        """Write an entry of a list."""
        tape = self.plan.tape(source)
        turns: list[Integer | None] = list(source.turns)
        if source.lag:
            counter = source.site.blocks[source.shared - 1].counter
            turns = [Affine(-source.lag, 1, counter), *turns]
        text = self.lists[tape]
        for n, place in enumerate(turns):
            assert place is not None
            last = n == len(turns) - 1
            place = plus(place, len(tape.leading) if last else 0)
            self.expect(place)
            text += f"[{self.sum(place)}]"
        return text

    def _view(self, source: Value) -> str:
        """Write the entries that a view shows, at the turn in which it was made."""
        site = source.site
        turns: list[Integer | None] = list(source.turns)
        if source.lag:
            counter = site.blocks[source.shared - 1].counter
            turns = [Affine(-source.lag, 1, counter), *turns]
        blocks = site.blocks[len(site.blocks) - len(turns) :]
        at = {b.counter: self.sum(n) for b, n in zip(blocks, turns, strict=True) if n is not None}
        statement = self.code.statements[self.instances[site.key][0]]
        text = self._named(site.sources[0])
        places = zip(statement.places[2:], site.ints, statement.pieces[2:], strict=False)
        for place, integer, piece in places:
            found = composed(integer, at, self.known)
            self.used.update(name for names in found for name in names)
            text += piece + self._spelled(found, place)
        return text + statement.pieces[-1].removesuffix(".copy()")

    def _entry(self, site: Site, k: int) -> tuple[str, int, int] | None:
        """Return the list that something is read from, how long it is, and at which place."""
        if (site, k) in self.plan.led:
            tape, turn = self.plan.led[site, k]
        else:
            source = site.sources[k]
            if (site, k) not in self.plan.taped or not isinstance(source, Value):
                return None
            tape = self.plan.tape(source)
            if len(source.turns) != 1 or source.lag or not isinstance(source.turns[0], int):
                return None
            turn = source.turns[0] + len(tape.leading)
        turns = tape.block.turns
        if not isinstance(turns, int):
            return None
        return self.lists[tape], turns + len(tape.leading), turn

    def _named(self, source: Source) -> str:
        if isinstance(source, Leaf):
            return self.code.leaves[source.number]
        if source in self.plan.listed:
            assert isinstance(source, Value)
            return self._from_list(source)
        if isinstance(source, Value):
            return self.plan.names[source.site]
        chosen = self._chosen(tuple(source.values))
        assert chosen is not None
        name, first, way = chosen
        return f"{name}[{self.sum(Affine(first, way, source.counter))}]"

    # Loops.

    def loop(self, blocks: tuple[Block, ...]) -> None:
        """Write a loop."""
        block = blocks[-1]
        self.before(blocks)
        counting, unused = self.counting(blocks)
        self.known[block.counter] = counting
        self.used.discard(counting.name)
        head, heading = len(self.rows), self.heading
        self.row("")
        self.depth += 1
        self.heading = None
        for name, old in self.plan.saved.get(block, {}).items():
            self.row(f"{old} = {name}")
        self.items(block.body, blocks)
        self.depth -= 1
        self.heading = None
        if len(self.rows) == head + 1:  # its statements only hand on what others have made
            del self.rows[head]
            self.heading = heading
            return
        name = counting.name if counting.name in self.used else unused
        if name == "_":  # no matter where it begins
            first = plus(block.turns, -1) if counting.down else 0
            counting = Counting(name, first, counting.down)
        self.expect(block.turns)
        start, end = self.sum(counting.first), self.sum(block.turns)
        through = counting.range(start, end)
        self.rows[head] = self.rows[head]._replace(text=f"for {name} in {through}:")

    def expect(self, integer: Integer) -> None:
        """Take notice that an integer must not be negative."""

    def before(self, blocks: tuple[Block, ...]) -> None:
        """Write what stands before a loop: what it begins with, and its lists."""
        block = blocks[-1]
        for name, source in self.plan.begun.get(block, {}).items():
            if isinstance(source, Value) and source.site in self.plan.needless:
                self.row(f"{name} = {self._view(source)}")
            else:
                self.row(f"{name} = {self._named(source)}")
        for tape, name in self.lists.items():
            self._list(tape, name, blocks)
        for site in block.sites():
            for source in site.sources:
                if isinstance(source, Choice) and source.counter is block.counter:
                    self._choice(source)

    def _list(self, tape: Tape, name: str, blocks: tuple[Block, ...]) -> None:
        """Begin a list before a loop, or a list in it before an inner loop."""
        depth = len(blocks) - 1
        if tape.site.blocks[: len(blocks)] != blocks or depth < tape.start:
            return
        first = ", ".join(self.leading(tape)) if len(blocks) == len(tape.site.blocks) else ""
        if depth == tape.start:
            self.row(f"{name} = [{first}]")
        else:
            inner = "[-1]" * (depth - tape.start - 1)
            self.row(f"{name}{inner}.append([{first}])")

    def leading(self, tape: Tape) -> list[str]:
        """Return what a list begins with."""
        if tape.by_name:
            return [self.plan.names[tape.site]]
        return [self._named(source) for source in tape.leading]

    def _choice(self, choice: Choice) -> None:
        values = tuple(choice.values)
        if self._chosen(values) is None:
            name = self.fresh("cs")
            self.choices[values] = name
            self.row(f"{name} = [{', '.join(map(self._named, values))}]")

    def _chosen(self, values: tuple[Source, ...]) -> tuple[str, int, int] | None:
        """Find a list that has some values one after the other: its name, where, and which way."""
        for known, name in self.choices.items():
            for first, way in itertools.product(range(len(known)), (1, -1)):
                last = first + way * (len(values) - 1)
                if 0 <= last < len(known) and values == tuple(
                    known[k] for k in range(first, last + way, way)
                ):
                    return name, first, way
        return None

    def counting(self, blocks: tuple[Block, ...]) -> tuple[Counting, str]:
        """Find the user's own loop variable, or take a letter.

        Returns:
            The variable, and what it is called where nothing is written by it.
        """
        block = blocks[-1]
        counters = [b.counter for b in blocks]
        outer = {self.known[b.counter].name for b in blocks[:-1]}
        backward = False
        for site in block.sites():
            instances = self.instances[site.key]
            printed = self.code.printed[instances[0]]
            backward = backward or printed.backward
            if printed.stage is None:
                continue
            for name, _ in printed.stage.counters:
                found = fitted(self._values(instances, name, len(blocks)), counters)
                if found is None or abs(found[1]) != 1:
                    continue
                if name == "_" or name in outer or name in self.taken:
                    return Counting(self._letter(outer), found[0], found[1] < 0), "_"
                return Counting(name, found[0], found[1] < 0), name
        backward = backward and not self._grows(block)
        first = plus(block.turns, -1) if backward else 0
        return Counting(self._letter(outer), first, backward), "_"

    def _grows(self, block: Block) -> bool:
        """Tell whether all integers in a loop that change from turn to turn grow."""
        steps = [
            n.growth
            for site in block.sites()
            for n in site.ints
            if isinstance(n, Affine) and n.counter is block.counter and isinstance(n.growth, int)
        ]
        return bool(steps) and min(steps) > 0

    def _letter(self, outer: Collection[str]) -> str:
        return next(x for x in (*_LETTERS, "turn") if x not in self.taken and x not in outer)

    def _values(
        self, instances: Sequence[int], name: str, depth: int
    ) -> list[tuple[tuple[int, ...], int]]:
        """Return what a variable was in the turns of outer loops, in the first of inner ones."""
        values = []
        for k in instances:
            stage, turns = self.code.printed[k].stage, self.code.where[k].turns
            given = dict(stage.counters) if stage is not None else {}
            if name in given and not any(turns[depth:]):
                values.append((tuple(t for t in turns[:depth] if t is not None), given[name]))
        return values


def _changes_nothing(text: str) -> bool:
    """Tell ``x = x``, and ``dx = (1) * dx``."""
    name, _, value = text.partition(" = ")
    return value in (name, f"(1) * {name}")
