"""The paths through a function that are known, as a tree of what Python looked at.

Each recorded run is a path: it holds as long as its guards come out as they did. Runs share their
first guards until one of them comes out otherwise, so what was found at the first guard that was
not met tells which other paths are possible.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.core.source import Location
from chainrule.native.record.guards import is_exact
from chainrule.native.record.program import Runnable
from chainrule.native.record.recorded import Recorded

__all__ = ["MISSED", "Path", "Paths"]

#: What a run returns if no known path fits.
MISSED: Any = object()


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """A recorded run that can be run again.

    ``notes`` say which of its loops and conditions are in it turn by turn, and why; ``compared``
    why the whole function was run, to be compared with what few turns of its loops tell.
    """

    recorded: Recorded
    runnable: Runnable
    notes: tuple[str, ...] = ()
    compared: str = ""


@dataclass(slots=True, eq=False)
class _Branch:
    """What comes after some guards: by the outcome of the next one, or the end of a path."""

    children: dict[Any, _Branch] = field(default_factory=dict)
    path: Path | None = None

    def paths(self) -> Iterator[Path]:
        if self.path is not None:
            yield self.path
        for child in self.children.values():
            yield from child.paths()


class Paths:
    """All known paths for one signature and one state of what the function refers to.

    ``diverged`` is the line of the guard at which the last run left all known paths.
    """

    def __init__(self, arrays: list[np.ndarray[Any, Any]]) -> None:
        self.arrays = arrays
        self.diverged: Location | None = None
        self.count = 0
        self._root = _Branch()
        self._latest: Path | None = None

    def add(self, path: Path) -> None:
        """Enter a path."""
        branch = self._root
        for key in path.recorded.guards.keys:
            branch = branch.children.setdefault(key, _Branch())
        branch.path = path
        self.count += 1
        self._latest = path

    def run(self, inputs: list[Any]) -> Any:
        """Return the function's result, or `MISSED`."""
        path = self._latest
        if path is None:
            return MISSED
        outputs, found = path.runnable(inputs, self.arrays)
        if found is True:
            return path.recorded.result(outputs)
        tried = {path}
        while True:
            path = next((p for p in self._possible(path, found) if p not in tried), None)
            if path is None:
                return MISSED
            outputs, found = path.runnable(inputs, self.arrays)
            if found is True:
                self._latest = path
                return path.recorded.result(outputs)
            tried.add(path)

    def _possible(self, path: Path, found: bool | tuple[Any, ...]) -> Iterator[Path]:
        """Yield the paths that fit what a run of another path found."""
        if not isinstance(found, tuple):
            yield from self._root.paths()
            return
        guards = path.recorded.guards
        branch = self._root
        expectations = path.recorded.program.guards
        for key, exact, value, (_, expected), location in zip(
            guards.keys, guards.exact, found, expectations, guards.locations, strict=False
        ):
            if branch.path is not None:  # it looks at nothing further
                yield branch.path
            if value == expected or (value != value and expected != expected):
                branch = branch.children[key]
                continue
            self.diverged = location
            # A loop that ends when a condition fails is the same path for many outcomes.
            found_key = guards.key(expected, value) if exact else None
            if found_key in branch.children:
                yield from branch.children[found_key].paths()
            for other, child in list(branch.children.items()):
                if other not in (key, found_key) and not (exact and is_exact(other)):
                    yield from child.paths()
            return
