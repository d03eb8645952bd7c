"""How folded statements are written: what they read, from variables, lists and views."""

from __future__ import annotations

import itertools

from chainrule.graph.loops.affine import Affine, Counter, Integer, plus
from chainrule.staged.loops.counting import Counting, Sum, composed, written
from chainrule.staged.loops.fold import Folded
from chainrule.staged.loops.lists import plural, shortened
from chainrule.staged.loops.statement import Place
from chainrule.staged.loops.tidy import Printed
from chainrule.staged.loops.tree import Leaf, Site, Source, Value

__all__ = ["Wording"]


class Wording:
    """Writes statements, given the loops that are around them.

    Args:
        code: the folded statements.

    Attributes:
        instances: which of the unrolled statements each folded one was.
        lists: what the lists are called.
        choices: the lists of what is another one in each turn, by what they hold.
        known: the loop variables.
        used: those that are written.
    """

    def __init__(self, code: Folded) -> None:
        self.code, self.plan = code, code.plan
        self.instances: dict[tuple[int, ...], list[int]] = {}
        for k, ref in enumerate(code.where):
            self.instances.setdefault((ref.step, *ref.parts), []).append(k)
        self.taken = {*code.taken, *self.plan.names.values()}
        self.lists = {
            tape: self.fresh(plural(self.plan.names[tape.site]))
            for tape in sorted(self.plan.tapes.values(), key=lambda tape: tape.site.key)
        }
        self.choices: dict[tuple[Source, ...], str] = {}
        self._entries_of_arguments()
        self.known: dict[Counter, Counting] = {}
        self.used: set[str] = set()

    def printed(self, site: Site) -> Printed:
        """Return the first statement that a folded one was."""
        return self.code.printed[self.instances[site.key][0]]

    def fresh(self, wanted: str) -> str:
        """Take a name that nothing else has."""
        names = itertools.chain([wanted], (f"{wanted}_{k}" for k in itertools.count(1)))
        name = next(name for name in names if name not in self.taken)
        self.taken.add(name)
        return name

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

    def sum(self, integer: Integer) -> Sum:
        """Write an integer by the variables of the loops around it."""
        found = written(integer, self.known)
        self.used.update(name for names in found for name in names)
        return found

    def expect(self, integer: Integer) -> None:
        """Take notice that an integer must not be negative."""

    def _integer(self, integer: Integer, place: Place) -> str:
        return self._spelled(self.sum(integer), place)

    def _spelled(self, found: Sum, place: Place) -> str:
        simple = len(found) <= 1 and (str(found).isidentifier() or str(found).isdigit())
        return str(found) if simple or place.alone else f"({found})"

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
            return self.named(source)
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
        text = self.named(site.sources[0])
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

    def named(self, source: Source) -> str:
        """Return the variable or the entry of a list that a source is."""
        if isinstance(source, Leaf):
            return self.code.leaves[source.number]
        if source in self.plan.listed:
            assert isinstance(source, Value)
            return self._from_list(source)
        if isinstance(source, Value):
            return self.plan.names[source.site]
        chosen = self.chosen(tuple(source.values))
        assert chosen is not None
        name, first, way = chosen
        return f"{name}[{self.sum(Affine(first, way, source.counter))}]"

    def chosen(self, values: tuple[Source, ...]) -> tuple[str, int, int] | None:
        """Find a list that has some values one after the other: its name, where, and which way."""
        for known, name in self.choices.items():
            for first, way in itertools.product(range(len(known)), (1, -1)):
                last = first + way * (len(values) - 1)
                if 0 <= last < len(known) and values == tuple(
                    known[k] for k in range(first, last + way, way)
                ):
                    return name, first, way
        return None

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
