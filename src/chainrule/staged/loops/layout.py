"""Folded statements as lines: loops with their variables, and the lists that are kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from chainrule.graph.loops.affine import Affine, plus
from chainrule.staged.formatting import comment
from chainrule.staged.lines import Line, Stage
from chainrule.staged.loops.counting import Counting, fitted
from chainrule.staged.loops.fold import Folded
from chainrule.staged.loops.plan import Tape
from chainrule.staged.loops.tidy import Printed
from chainrule.staged.loops.tree import Block, Choice, Item, Site, Value
from chainrule.staged.loops.wording import Wording

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


class Layout(Wording):
    """Writes the lines, from the first to the last.

    Args:
        code: the folded statements.
        width: of a line.
    """

    def __init__(self, code: Folded, width: int) -> None:
        super().__init__(code)
        self.width = width
        self.rows: list[Row] = []
        self.depth = 0
        self.backward = False
        self.mains: dict[int, tuple[int, ...]] = {}  # the place of each stage's main statement
        self.ends: dict[int, tuple[int, ...]] = {}  # and of its last one
        for ref, p in zip(code.where, code.printed, strict=True):
            key = (ref.step, *ref.parts)
            if p.stage is not None and not p.backward:
                if p.part is not None:
                    self.mains[id(p.stage)] = key
                if p.part is not None or p.text in p.stage.after:
                    self.ends[id(p.stage)] = key
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

    def row(
        self, text: str, remark: str = "", parts: Sequence[Stage | Line] = (), number: int = 0
    ) -> None:
        """Write a line."""
        self.rows.append(Row(text, remark, self.depth, parts, number, self.backward))

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

    def before(self, blocks: tuple[Block, ...]) -> None:
        """Write what stands before a loop: what it begins with, and its lists."""
        block = blocks[-1]
        for name, source in self.plan.begun.get(block, {}).items():
            if isinstance(source, Value) and source.site in self.plan.needless:
                self.row(f"{name} = {self._view(source)}")
            else:
                self.row(f"{name} = {self.named(source)}")
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
        return [self.named(source) for source in tape.leading]

    def _choice(self, choice: Choice) -> None:
        values = tuple(choice.values)
        if self.chosen(values) is None:
            name = self.fresh("cs")
            self.choices[values] = name
            self.row(f"{name} = [{', '.join(map(self.named, values))}]")

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
