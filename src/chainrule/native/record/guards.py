"""Guards: what Python looked at in a recorded run, and how a program finds out what it would see.

Numbers and booleans are guarded by themselves. Where Python saw a whole array (an index that
only an ndarray can be, ``x.tolist()``) or where a shape depends on values (``x[x > 0]``), the guard
is a comparison with that array, or the length.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.core import kinds
from chainrule.core.array import shape_of
from chainrule.core.node import Node
from chainrule.core.placeholder import Placeholder
from chainrule.core.source import Location
from chainrule.graph.graph import Apply, Constant, Vertex
from chainrule.native.record.conditions import Place
from chainrule.operations.elementwise import not_equal
from chainrule.operations.shape import reshape

__all__ = ["Guards", "Seen", "axes_shaped_by_values", "condition", "is_exact", "length"]

_ndarray = np.ndarray
_array_equal = kinds.Constant("same_array", lambda x, y: bool(np.array_equal(x, y)))
_truncated = kinds.Constant("whole", lambda x: int(x))
length = kinds.Constant("length", lambda x, axis: x.shape[axis])


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that Python looked at: a value, or (``axis``) a length that depends on values.

    ``asked`` says where a loop that is to have so many turns asked whether to go on, and how often
    it had asked before.
    """

    node: Node
    outcome: Any
    location: Location | None
    axis: int | None = None
    asked: tuple[Place, int] | None = None


@dataclass(slots=True)
class Guards:
    """The guards of a program, in order and each once.

    Attributes:
        met: the vertices and what must be found: a bool, an int or a float.
        keys: what tells the outcome of each from others.
        exact: whether the key is what is found, and not an array that it was compared with.
        locations: the lines of the user's code that looked.
        counts: which of them are for the number of turns of a loop.
    """

    met: list[tuple[Vertex, bool | int | float]] = field(default_factory=list)
    keys: list[tuple[Any, ...]] = field(default_factory=list)
    exact: list[bool] = field(default_factory=list)
    locations: list[Location | None] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    _known: set[Any] = field(default_factory=set)

    def add(self, vertex: Vertex, outcome: Any, location: Location | None) -> None:
        """Add a guard for what was seen of a vertex."""
        guard, key = _guard(vertex, outcome)
        if (vertex, key) not in self._known:
            self._known.add((vertex, key))
            self.met.append(guard)
            self.keys.append(key)
            self.exact.append(key[0] is not _ndarray)
            self.locations.append(location)

    def see(self, vertex: Vertex, seen: Seen) -> None:
        """Add the guard for what was seen of a node, given its vertex."""
        outcome = seen.outcome
        if seen.axis is not None:
            outcome = vertex.shape[seen.axis]
            vertex = Apply(length, (vertex,), {"axis": seen.axis}, outcome)
        self.add(vertex, outcome, seen.location)

    def count(self, first: Vertex, location: Location | None) -> None:
        """Add a guard that a loop has as many turns as it may have; ``first`` stands for it."""
        self.counts.append(len(self.met))
        self.met.append((first, True))
        self.keys.append(("turns", len(self.counts)))
        self.exact.append(False)
        self.locations.append(location)

    def forget(self) -> None:
        """Let go of the vertices, and with them of the values of the run; what is found stays."""
        self.met.clear()
        self._known.clear()

    @staticmethod
    def key(expected: bool | int | float, found: Any) -> tuple[Any, ...]:
        """Return the key of another outcome of an exact guard."""
        outcome = type(expected)(found)
        return type(expected), outcome.hex() if isinstance(outcome, float) else outcome


def is_exact(key: tuple[Any, ...]) -> bool:
    """Tell whether a key is for one outcome alone."""
    return key[0] in (bool, int, float)


def axes_shaped_by_values(node: Node) -> Iterable[int]:
    """Return the axes whose lengths depend on values: of ``x[x > 0]``."""
    return range(len(shape_of(node.output))) if node.is_shaped_by_values else ()


def condition(vertex: Vertex, outcome: bool) -> Vertex:
    """Return the boolean that Python saw of a vertex."""
    (found, _), _ = _guard(vertex, outcome)
    return found


def _guard(vertex: Vertex, outcome: Any) -> tuple[tuple[Vertex, Any], tuple[Any, ...]]:
    """Return a guard that a program can have, and what tells this outcome from others."""
    kind = type(outcome)
    if isinstance(outcome, np.generic):
        return _guard(vertex, outcome.item())
    if kind not in (bool, int, float) or (kind is int and abs(outcome) >= 2**63):
        outcome = np.array(outcome)
        same = Apply(_array_equal, (vertex, Constant(outcome, literal=True)), {}, True)
        return (same, True), (_ndarray, outcome.shape, outcome.dtype.str, outcome.tobytes())
    if vertex.shape != () or isinstance(vertex.value, _ndarray | Placeholder):
        vertex = Apply(reshape, (vertex,), {"shape": ()}, vertex.dtype.type())
    if kind is bool and vertex.dtype.kind != "b":
        vertex = Apply(not_equal, (vertex, Constant(0)), {}, np.bool_(outcome))
    elif kind is int and vertex.dtype.kind in "ub":
        integer = np.dtype(np.int64)  # a larger one is another number in it, too
        vertex = Apply(kinds.astype, (vertex,), {"dtype": integer}, integer.type(outcome))
    elif kind is int and vertex.dtype.kind != "i":
        vertex = Apply(_truncated, (vertex,), {}, outcome)
    key = outcome.hex() if kind is float else outcome
    return (vertex, outcome), (kind, key)
