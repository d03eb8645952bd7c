"""Loops that go on until a condition fails, as ``while``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chainrule.graph.loops.affine import Affine, Counter, Integer, at, plus
from chainrule.graph.open_code import Limit
from chainrule.staged.loops.counting import Counting, Sum
from chainrule.staged.loops.fold import Folded
from chainrule.staged.loops.general import UnlikeError
from chainrule.staged.loops.layout import Layout, Row
from chainrule.staged.loops.plan import Tape
from chainrule.staged.loops.tree import Block, Item, Site, Value
from chainrule.staged.text import assertion

__all__ = ["Until", "laid_out_open"]


class Until(NamedTuple):
    """A loop that goes on until a condition fails.

    Attributes:
        counter: stands for its number of turns.
        turns: how many these were in the run whose statements are written.
        limit: what else it may end at.
    """

    counter: Counter
    turns: int
    limit: Limit | None


def laid_out_open(code: Folded, loops: Sequence[Until], width: int) -> list[Row]:
    """Write folded statements whose loops have other numbers of turns in other runs.

    Args:
        code: the statements.
        loops: those loops.
        width: of a line.

    Raises:
        UnlikeError: it cannot be written without knowing these numbers.
    """
    layout = _Layout(code, loops, width)
    try:
        layout.items(code.items, ())
    except KeyError as error:
        if error.args[0] not in layout.loops:
            raise
        raise UnlikeError("something depends on its number of turns before it has ended") from None
    return layout.finished()


class _Open(NamedTuple):
    """A loop that is written: its rows from the first to the last, and what counts its turns."""

    counter: Counter
    counting: Counting
    first: Row
    last: Row
    behind: Row
    kept: str  # the list that has an entry of each turn, behind so many others
    leading: int
    is_counted: bool  # whether there is a variable that counts its turns
    line: int


class _Layout(Layout):
    def __init__(self, code: Folded, loops: Sequence[Until], width: int) -> None:
        super().__init__(code, width)
        self.loops = {loop.counter: loop for loop in loops}
        self.fewest: dict[Counter, int] = {}  # turns that there have to be
        self.early = {tape for tape in self.lists if self._is_early(tape)}
        self.open: list[_Open] = []
        self.waiting: list[str] | None = None  # what is kept behind the question
        self.same: dict[tuple[int, ...], tuple[int, ...]] = {}

    def statement(self, site: Site) -> None:
        """Write a statement: a condition is one of a loop that is none."""
        if self._asks(site):
            raise UnlikeError("its turns are not the same")
        super().statement(site)

    def items(self, items: Sequence[Item], blocks: tuple[Block, ...]) -> None:
        """Write statements and loops; behind an open one there is a part of a turn."""
        rest = list(items)
        while rest:
            item = rest.pop(0)
            test = self._test(item) if isinstance(item, Block) else None
            if isinstance(item, Block) and test is not None:
                del rest[: self._while((*blocks, item), test, rest)]
            else:
                self.item(item, blocks)

    def keep(self, tape: Tape, text: str) -> None:
        """Write that a value is kept: if the turn is a whole one, and unless it was before."""
        if tape in self.early:
            return
        if self.waiting is None:
            super().keep(tape, text)
        else:
            self.waiting.append(text)

    def leading(self, tape: Tape) -> list[str]:
        """Return what a list begins with."""
        return [] if tape in self.early else super().leading(tape)

    def number(self, site: Site) -> int:
        """Return the number of a stage; in a last turn it is that of the others."""
        if site.key in self.same:
            return self.numbers[self.same[site.key]]
        return super().number(site)

    def finished(self) -> list[Row]:
        """Return the lines, with those that count turns where others need that."""
        for loop in self.open:
            turns, fewest = self.known[loop.counter].name, self.fewest.get(loop.counter, 0)
            if turns in self.used or fewest:
                if loop.kept:
                    many = f"len({loop.kept})" + (f" - {loop.leading}" if loop.leading else "")
                    self._put(loop.behind, f"{turns} = {many}")
                elif loop.is_counted and isinstance(loop.counting.first, int):
                    self._put(loop.behind, f"{turns} = {_turn(loop.counting)}")
                else:
                    self._put(loop.first, f"{turns} = 0")
                    self._put(loop.last, f"{turns} += 1")
            if fewest:
                few = "no turn" if fewest == 1 else f"fewer than {fewest} turns"
                message = f"line {loop.line} takes {few}; stage again"
                self._put(loop.behind, assertion(f"{turns} >= {fewest}", message))
        return [row for row in self.rows if row.text]

    def counting(self, blocks: tuple[Block, ...]) -> tuple[Counting, str]:
        """Find a loop variable; where turns are gone back through, it begins at their number."""
        found, unused = super().counting(blocks)
        turns = blocks[-1].turns
        known = self.loops.get(turns.counter) if isinstance(turns, Affine) else None
        if known is None or not isinstance(found.first, int):
            return found, unused
        assert isinstance(turns, Affine)
        goes_down = known.limit is not None and known.limit.down
        if found.down == goes_down:
            return found, unused
        many = at(turns, {turns.counter: known.turns})
        if found.down:
            return Counting(found.name, plus(turns, found.first - many), True), unused
        assert isinstance(turns.first, int)
        assert isinstance(turns.growth, int)
        first = Affine(found.first + many - turns.first, -turns.growth, turns.counter)
        return Counting(found.name, first, False), unused

    def expect(self, integer: Integer) -> None:
        """Take notice of how many turns there have to be."""
        if not isinstance(integer, Affine) or integer.counter not in self.loops:
            return
        first, growth = integer.first, integer.growth
        if isinstance(first, Affine) or isinstance(growth, Affine) or growth < 0:
            raise UnlikeError("something depends on several numbers of turns")
        fewest = -(first // growth)
        self.fewest[integer.counter] = max(self.fewest.get(integer.counter, 0), fewest)

    def _put(self, place: Row, text: str) -> None:
        at = next(k for k, row in enumerate(self.rows) if row is place)
        self.rows.insert(at, place._replace(text=text))

    def _mark(self) -> Row:
        self.row("")
        return self.rows[-1]

    def _test(self, block: Block) -> int | None:
        """Return which item of a loop's body asks whether it goes on; None for other loops."""
        turns = block.turns
        if not isinstance(turns, Affine) or turns.counter not in self.loops:
            return None
        for k, item in enumerate(block.body):
            if isinstance(item, Site) and self._asks(item):
                if (turns.first, turns.growth) != (0, 1):
                    raise UnlikeError("some of its turns are not like the others")
                return k
        return None

    def _asks(self, site: Site) -> bool:
        printed = self.printed(site)
        test = printed.test
        return (
            test is not None and bool(test.condition) and printed.text == f"assert {test.condition}"
        )

    def _while(self, blocks: tuple[Block, ...], test: int, after: Sequence[Item]) -> int:
        """Write an open loop; return how much of what comes behind it belongs to it.

        Its last turn is a part of one: up to the question, which is answered otherwise.
        """
        block, depth = blocks[-1], self.depth
        question, first, rest = block.body[test], block.body[:test], block.body[test + 1 :]
        ends, last = after[: test + 1], after[test] if test < len(after) else None
        if not isinstance(question, Site) or not isinstance(last, Site) or not self._asks(last):
            raise UnlikeError("its last turn is not like the others")
        assert isinstance(block.turns, Affine)
        limit = self.loops[block.turns.counter].limit
        self.before(blocks)
        counting, _ = self.counting(blocks)
        if limit is not None:
            counting = Counting(limit.name or counting.name, limit.first, limit.down)
        self.known[block.counter] = counting
        self.used.discard(counting.name)
        mark, head = self._mark(), len(self.rows)
        self.row("")
        self.depth, self.heading = depth + 1, None
        for name, old in self.plan.saved.get(block, {}).items():
            self.row(f"{old} = {name}")
        is_first = len(self.rows) == head + 1 and not first and (limit is None or limit.name)
        if not is_first:
            self.known[block.turns.counter] = counting  # in its last turn so many are behind it
            self._first_part(blocks, first, ends[:-1])
            self.row(f"if {_asked(self.text(last))}:")
            del self.known[block.turns.counter]
            self.depth += 1
            self.row("break")
            self.depth -= 1
        text = self._head(counting, limit, _asked(self.text(question)) if is_first else "")
        self.rows[head] = self.rows[head]._replace(text=text)
        for tape, name in self.lists.items():
            if tape in self.early and tape.block is block:
                self.row(f"{name}.append({self.plan.names[tape.site]})")
        for kept in self.waiting or ():
            self.row(kept)
        self.waiting = None
        self.items(rest, blocks)
        end = self._mark()
        self.depth, self.heading = depth, None
        if limit is not None and not is_first:
            self._otherwise(self._line(question))
        is_counted = counting.name in self.used
        if is_counted and (limit is None or limit.name):
            self._put(mark, f"{counting.name} = {self.sum(counting.first)}")
            self._put(end, f"{counting.name} {'-' if counting.down else '+'}= 1")
        self.known[block.turns.counter] = Counting(self.fresh("turns"), 0, False)
        kept, leading = next(
            (
                (name, 0 if tape in self.early else len(tape.leading))
                for tape, name in self.lists.items()
                if tape.site.blocks == (block,) and tape.start == 0
            ),
            ("", 0),
        )
        behind = self._mark()
        self.open.append(
            _Open(
                block.turns.counter,
                counting,
                mark,
                end,
                behind,
                kept,
                leading,
                is_counted,
                self._line(question),
            )
        )
        return len(ends)

    def _is_early(self, tape: Tape) -> bool:
        """Tell whether a variable can be kept as it is when a turn begins, rather than at its end.

        So it can if nobody reads what the last turn has left, and it has its name by then.
        """
        site, name = tape.site, self.plan.names[tape.site]
        block, turns = tape.block, tape.block.turns
        if len(site.blocks) > 1 or tape.start or len(tape.leading) != 1:
            return False
        if not isinstance(turns, Affine) or turns.counter not in self.loops:
            return False
        test = self._test(block)
        alike = [x for x in block.sites() if self.plan.names.get(x) == name]
        first = _sites(block.body[: test or 0])
        if test is None or alike[-1] is not site or any(x in first for x in alike):
            return False
        if super().leading(tape) != [name] or any(x is tape for x, _ in self.plan.led.values()):
            return False
        if any(isinstance(x, Value) and x.site is site for x in self.plan.listed):
            return False
        return all(
            reader not in first and self._is_before(source, turns.counter)
            for reader, k in self.plan.taped
            if isinstance(source := reader.sources[k], Value) and source.site is site
        )

    def _is_before(self, source: Value, turns: Counter) -> bool:
        """Tell whether what is read of a loop is not of its last turn."""
        if source.lag:
            return not source.turns
        match source.turns:
            case (Affine(first=Affine(first=int(first), growth=1, counter=counter), growth=-1),):
                return counter is turns and first <= -2
        return False

    def _head(self, counting: Counting, limit: Limit | None, asked: str) -> str:
        """Write how a loop begins; ``asked`` is its condition, where it is asked first of all."""
        if limit is None:
            return f"while {asked or True}:"
        self.used.add(counting.name)
        if not limit.name:
            through = f"{limit.first}, {limit.end}" if limit.first else f"{limit.end}"
            through = f"{limit.first}, {limit.end}, -1" if limit.down else through
            return f"for {counting.name} in range({through}):"
        counted = f"{limit.name} {limit.symbol} {limit.end}"
        both = [counted, asked] if limit.comes_first else [asked, counted]
        return f"while {' and '.join(filter(None, both))}:"

    def _line(self, question: Site) -> int:
        """Return the user's line that asks a question."""
        test = self.printed(question).test
        assert test is not None
        return test.guard.location.lineno

    def _otherwise(self, line: int) -> None:
        """Refuse to end as the function did not, when the code was made."""
        self.row("else:")
        self.depth += 1
        self.row(f'raise AssertionError("line {line} does not end the loop; stage again")')
        self.depth -= 1

    def _first_part(
        self, blocks: tuple[Block, ...], first: Sequence[Item], last: Sequence[Item]
    ) -> None:
        """Write what comes before the question; in the last turn it is the same."""
        start, self.waiting = len(self.rows), []
        self.items(first, blocks)
        written, waiting = self.rows[start:], self.waiting
        del self.rows[start:]
        whole, part = _sites(first), _sites(last)
        if len(whole) != len(part):
            raise UnlikeError("its last turn is not like the others")
        self.same.update((b.key, a.key) for a, b in zip(whole, part, strict=True))
        self.depth -= 1
        self.heading = None
        self.waiting = []
        self.items(last, blocks[:-1])
        again = self.rows[start:]
        del self.rows[start:]
        self.depth += 1
        self.waiting = waiting
        if [row.text for row in written] != [row.text for row in again]:
            raise UnlikeError("its last turn is not like the others")
        for row, other in zip(written, again, strict=True):
            self.rows.append(row._replace(parts=[*row.parts, *other.parts]))


def _sites(items: Sequence[Item]) -> list[Site]:
    found: list[Site] = []
    for item in items:
        found += [item] if isinstance(item, Site) else item.sites()
    return found


def _turn(counting: Counting) -> Sum:
    """Write which turn it is by the variable that counts."""
    assert isinstance(counting.first, int)
    turn = Sum({(counting.name,): 1}).plus({(): counting.first}, -1)
    return Sum().plus(turn, -1) if counting.down else turn


def _asked(text: str) -> str:
    return text.removeprefix("assert ")
