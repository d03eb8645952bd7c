"""What cannot be written in folded code."""

from __future__ import annotations

from chainrule.staged.loops.tree import Site, Value

__all__ = ["ApartError", "CannotPrintError"]


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


class ApartError(Exception):
    """What a statement adds to cannot be changed: its sum has to be another variable."""

    def __init__(self, site: Site) -> None:
        self.site = site
