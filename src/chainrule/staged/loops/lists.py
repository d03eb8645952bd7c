"""How lists of what was in each turn are written: their names, and many of their entries."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Sequence

from chainrule.staged.partition import LONG

__all__ = ["plural", "shortened"]


def shortened(
    entries: Sequence[tuple[str, int, int] | None],
    row: range,
    written: list[str],
    pieces: list[str],
) -> None:
    """Write a row of entries of a list as the list: ``np.stack(hs)``, ``(x, *hs[1:])``."""
    start = 0
    way = 0
    for end in range(1, len(entries) + 1):
        first, last = entries[start], entries[end - 1]
        here = entries[end] if end < len(entries) else None
        if here is not None and last is not None and here[:2] == last[:2]:
            step = here[2] - last[2]
            if abs(step) == 1 and way in (0, step):
                way = step
                continue
        if first is not None and last is not None and end - start >= LONG:
            a, b = row.start + start, row.start + end - 1
            written[a] = "*" + _part(*first, last[2])
            written[a + 1 : b + 1] = [""] * (b - a)
            pieces[a + 1 : b + 1] = [""] * (b - a)
            around = pieces[a][-2:], pieces[b + 1][:2]
            if around == ("((", "))") or (around[0][-1:], around[1][:1]) == ("[", "]"):
                written[a] = written[a][1:]
                pieces[a], pieces[b + 1] = pieces[a][:-1], pieces[b + 1][1:]
        start, way = end, 0


def _part(name: str, length: int, first: int, last: int) -> str:
    """Write the entries of a list from one to another."""
    if first <= last:
        whole = first == 0 and last == length - 1
        return name if whole else f"{name}[{first or ''}:{last + 1}]"
    if first == length - 1 and last == 0:
        return f"{name}[::-1]"
    return f"{name}[{first}:{last - 1 if last else ''}:-1]"


def plural(name: str) -> str:
    """Return what a list of so named values is called."""
    if name.endswith("_t"):
        return name[:-2]
    many = f"{name}es" if name.endswith(("s", "x")) and len(name) > 2 else f"{name}s"
    return f"{many}_" if keyword.iskeyword(many) or hasattr(builtins, many) else many
