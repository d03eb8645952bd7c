"""Names for the variables of printed code: the user's where possible, and never the same twice."""

from __future__ import annotations

import itertools
import keyword
from collections.abc import Iterable

__all__ = ["Names"]

# What printed code itself refers to. A user's variable of that name is printed with a _ behind it.
_TAKEN = frozenset(
    {"np", "math", "scipy", "base64", "zlib", "abs", "float", "int", "range", "reversed"}
)


class Names:
    """A set of names in use, from which fresh ones are chosen.

    Attributes:
        wanted: what each would have been called, had nothing else had the name; None where any name
            would do.
    """

    def __init__(self, used: Iterable[str] = ()) -> None:
        self.used = set(used)
        self.wanted: dict[str, str | None] = {}

    def fresh(self, wanted: str) -> str:
        """Take the wanted name, or ``name_1``, ``name_2`` ... where it is in use."""
        wanted = self._legal(wanted)
        name = wanted
        for k in itertools.count(1):
            if name not in self.used:
                break
            name = f"{wanted}_{k}"
        self.used.add(name)
        self.wanted[name] = wanted
        return name

    def numbered(self, letter: str) -> str:
        """Take the first free of ``t1``, ``t2`` ..."""
        name = next(n for k in itertools.count(1) if (n := f"{letter}{k}") not in self.used)
        self.used.add(name)
        self.wanted[name] = None
        return name

    def gradient(self, variable: str) -> str:
        """Take the name of a variable's gradient: ``dx``, or ``d_x`` where that is in use."""
        choices = (f"d{variable}", f"d_{variable}", f"grad_{variable}")
        name = next((n for n in choices if n not in self.used), choices[-1])
        name = self.fresh(name)
        of = self.wanted.get(variable)
        self.wanted[name] = f"d{of}" if of is not None else None
        return name

    def _legal(self, name: str) -> str:
        if keyword.iskeyword(name) or name in _TAKEN:
            return f"{name}_"
        return name
