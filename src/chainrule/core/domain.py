"""Where an operation's operands may lie: what the tests draw from, and where its edges are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

__all__ = [
    "ABOVE_MINUS_ONE",
    "ABOVE_ONE",
    "INSIDE_ONE",
    "INVERTIBLE",
    "NONZERO",
    "POSITIVE",
    "POSITIVE_DEFINITE",
    "REAL",
    "Domain",
    "Example",
    "Interval",
    "Matrices",
    "example",
]


class Interval(NamedTuple):
    """Numbers between low and high; with a hole around 0 where ``hole`` is positive."""

    low: float
    high: float
    hole: float = 0.0


class Matrices(NamedTuple):
    """Invertible matrices in the last two axes: numbers from -1 to 1, and more on the diagonal.

    Where they are to be ``definite``, they are symmetric and positive definite.
    """

    definite: bool


#: Of all operands, or of each.
Domain: TypeAlias = "Interval | Matrices | tuple[Interval | Matrices, ...]"


class Example(NamedTuple):
    """A call in the tests: the shapes of the operands, which are drawn, and the parameters."""

    shapes: tuple[tuple[int, ...], ...]
    params: Mapping[str, Any]


def example(*shapes: tuple[int, ...], **params: Any) -> Example:
    """Make an `Example`: ``example((2, 3), axis=1)``."""
    return Example(shapes, params)


REAL = Interval(-3.0, 3.0)
NONZERO = Interval(-3.0, 3.0, 0.3)
POSITIVE = Interval(0.2, 4.0)
INSIDE_ONE = Interval(-0.9, 0.9)
ABOVE_ONE = Interval(1.1, 4.0)
ABOVE_MINUS_ONE = Interval(-0.8, 4.0)
INVERTIBLE = Matrices(definite=False)
POSITIVE_DEFINITE = Matrices(definite=True)
