"""How folded code is written: what its variables are called, and which values are kept in lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from chainrule.graph.loops.steps import Ref, Step
from chainrule.staged.loops.tree import Block, Site, Source, Value

__all__ = ["Plan", "Tape", "Unrolled"]


class Unrolled(NamedTuple):
    """The statements before they were folded.

    Attributes:
        steps: what each of them reads.
        where: where it is now.
        names: the variable that it assigns or changes, None if none.
        bases: what the user calls that; None if it has no name.
        updates: whether it changes what was there.
        sums: whether it does so by adding to all of it, which can be written as an assignment.
        leaves: variables that no statement makes, by number; None for other leaves.
        temporaries: what variables without a name could be called.
    """

    steps: Sequence[Step]
    where: Sequence[Ref]
    names: Sequence[str | None]
    bases: Sequence[str | None]
    updates: Sequence[bool]
    sums: Sequence[bool]
    leaves: Sequence[str | None]
    temporaries: Mapping[str | None, str]


@dataclass(eq=False)
class Tape:
    """A list of what a statement gave in each turn of the loops from ``start`` on.

    ``leading`` comes before the turns of the innermost loop.
    """

    site: Site
    start: int
    leading: Sequence[Source] = ()
    by_name: bool = False
    """What comes before the first turn is what the variable holds then."""

    @property
    def block(self) -> Block:
        """The innermost loop."""
        return self.site.blocks[-1]


@dataclass
class Plan:
    """How folded code is written.

    Attributes:
        names: what each statement's variable is called.
        taped: what is read from a list: by the reader and the number of what it reads.
        viewed: what is read as the entries of an array that it shows, in place of a list of them.
        led: what is read from a list as that which comes before the first turn, and where there.
        begun: the variables that are set before a loop, and to what.
        listed: those of these values that are read from a list.
        saved: the variables of which a loop keeps what they were when a turn began, and its name.
        before: what is read from such: by the reader and the number of what it reads.
        tapes: the lists, by the statement and the first loop.
        needless: the statements that nobody reads, since views show what they give.
        apart: the sums ``dx += g`` that are written as ``dx_1 = dx + g``.
    """

    names: dict[Site, str] = field(default_factory=dict)
    taped: set[tuple[Site, int]] = field(default_factory=set)
    viewed: set[tuple[Site, int]] = field(default_factory=set)
    led: dict[tuple[Site, int], tuple[Tape, int]] = field(default_factory=dict)
    begun: dict[Block, dict[str, Source]] = field(default_factory=dict)
    listed: set[Source] = field(default_factory=set)
    saved: dict[Block, dict[str, str]] = field(default_factory=dict)
    before: set[tuple[Site, int]] = field(default_factory=set)
    tapes: dict[tuple[Site, int], Tape] = field(default_factory=dict)
    needless: set[Site] = field(default_factory=set)
    apart: set[Site] = field(default_factory=set)

    def was(self, site: Site, value: Value) -> str:
        """Return the variable that holds what another one was when a turn began."""
        return self.saved[site.blocks[value.shared - 1]][self.names[value.site]]

    def tape(self, value: Value) -> Tape:
        """Return the list that a value is read from."""
        start = value.shared - (value.lag > 0)
        key = (value.site, start)
        if key not in self.tapes:
            self.tapes[key] = Tape(*key)
        return self.tapes[key]
