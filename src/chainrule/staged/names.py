"""Names for the variables of printed code: the user's where possible, and never the same twice."""

from __future__ import annotations

import itertools
import keyword
from collections.abc import Container, Iterable

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
        self._own = set(used)  # names of what is no gradient, as they were wanted

    def fresh(self, wanted: str) -> str:
        """Take the wanted name, or ``name_1``, ``name_2`` ... where it is in use."""
        wanted = self._legal(wanted)
        self._own.add(wanted)
        return self._take(wanted)

    def numbered(self, letter: str) -> str:
        """Take the first free of ``t1``, ``t2`` ..."""
        name = next(n for k in itertools.count(1) if (n := f"{letter}{k}") not in self.used)
        self.used.add(name)
        self.wanted[name] = None
        return name

    def gradient(self, variable: str) -> str:
        """Take the name of a variable's gradient: ``dx``, or ``d_x`` where that is in use."""
        name = self._take(self._legal(_gradient(variable, self.used)))
        of = self.wanted.get(variable)
        self.wanted[name] = None if of is None else _gradient(of, self._own)
        return name

    def _take(self, wanted: str) -> str:
        name = wanted
        for k in itertools.count(1):
            if name not in self.used:
                break
            name = f"{wanted}_{k}"
        self.used.add(name)
        self.wanted[name] = wanted
        return name

    def _legal(self, name: str) -> str:
        if keyword.iskeyword(name) or name in _TAKEN:
            return f"{name}_"
        return name


def _gradient(variable: str, used: Container[str]) -> str:
    """Return the first of the names for a variable's gradient that is not in use."""
    choices = (f"d{variable}", f"d_{variable}", f"grad_{variable}")
    return next((name for name in choices if name not in used), choices[-1])
