"""What the variables of folded code are called, and which statements share one."""

from __future__ import annotations

import itertools
from typing import NoReturn

from chainrule.staged.loops.faults import ApartError, CannotPrintError
from chainrule.staged.loops.instances import Instances
from chainrule.staged.loops.plan import Plan, Unrolled
from chainrule.staged.loops.tree import Site, Source, Value

__all__ = ["Variables"]


class Variables:
    """The variables of folded code, whose names are in the plan.

    Args:
        instances: the statements.
        unrolled: what they were.
        plan: what is decided, which is changed.

    Attributes:
        handed: what a loop begins with, and goes on with.
        renamed: those that have another name than the user's.
    """

    def __init__(self, instances: Instances, unrolled: Unrolled, plan: Plan) -> None:
        self.instances, self.unrolled, self.plan = instances, unrolled, plan
        self.handed: list[tuple[Site, Site]] = []
        self.renamed: set[Site] = set()
        self.storage = {site: site for site in instances.sites.values()}

    def begin(self) -> None:
        """Give the statements their variables, and these the user's names."""
        sites = self.instances.sites.values()
        for site in sites:
            if self.updates(site, 0):
                self.unite(site, site.sources[0], site)
        for site in sites:
            if self.unrolled.names[self.instances.first[site]] is not None:
                self.plan.names[site] = self.base(self.root(site))

    def root(self, site: Site) -> Site:
        """Return the first statement that has the same variable."""
        while self.storage[site] is not site:
            site = self.storage[site]
        return site

    def updates(self, site: Site, k: int | None) -> bool:
        """Tell whether what a statement reads first, second ... is what it changes."""
        return (
            k == 0
            and self.unrolled.updates[self.instances.first[site]]
            and site not in self.plan.apart
        )

    def cannot_update(self, site: Site) -> NoReturn:
        """Give up changing what a statement changes."""
        if self.unrolled.sums[self.instances.first[site]]:
            raise ApartError(site)
        raise CannotPrintError(site)

    def unite(self, site: Site, source: Source, update: Site) -> None:
        """Let what changes a variable have the same variable as what it changes."""
        if not isinstance(source, Value):
            self.cannot_update(update)
        self.storage[self.root(source.site)] = self.root(site)
        for initial in source.initial:
            self.unite(site, initial, update)

    def base(self, site: Site) -> str:
        """Return what a variable is called, if nothing else is."""
        number = self.instances.first[site]
        base, name = self.unrolled.bases[number], self.unrolled.names[number]
        assert name is not None
        return self.unrolled.temporaries[name] if base is None else base

    def _call(self, root: Site, name: str) -> None:
        for site in self.instances.sites.values():
            if self.root(site) is root:
                self.plan.names[site] = name

    def rename(self, site: Site, other: Site | None = None) -> None:
        """Give a variable a name that nothing else has, and those that it goes on with.

        ``other`` is what it has to be told from.
        """
        root = self.root(site)
        number = self.instances.first[root]
        base = self.unrolled.bases[number]
        names = (f"t{k}" if base is None else f"{base}_{k}" for k in itertools.count(1))
        used = {*self.plan.names.values(), *self.unrolled.leaves}
        name = next(name for name in names if name not in used)
        together = {root}
        if root not in self.renamed:
            together = self._going_on(root, None if other is None else self.root(other))
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
                for x, y in ((self.root(a), self.root(b)), (self.root(b), self.root(a))):
                    known = x is not here or y in found or y is without
                    if not known and self.plan.names[y] == name:
                        found.add(y)
                        stack.append(y)
        return found

    def number(self) -> None:
        """Let one of the variables that were told apart by numbers have the name without one."""
        plan = self.plan
        used = {*self.unrolled.leaves, *plan.names.values()}
        for site, name in sorted(plan.names.items(), key=lambda item: -len(item[0].blocks)):
            base = self.unrolled.bases[self.instances.first[self.root(site)]]
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
