"""Example programs that the tests of several rooms share: ``from tests.programs.lecture import f``.

In the order to read them: `lecture`, the functions of the lecture, `networks` and `layers`, those
of courses and papers, and `derivations`, their backward passes as people write them by hand.
`golden` are the programs whose printed gradients stand in files, `loops` those that iterate, and
`scientific` those of people who compute: buffers, writes, loops. `random_staged` and
`random_native` make programs, for printed and for compiled code; `random_shapes`, which
``make fuzz`` draws from, for all there is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Program", "normal"]


class Program(NamedTuple):
    """A function and arguments to call it with."""

    function: Callable[..., Any]
    args: tuple[Any, ...]


def normal(*shapes: int | tuple[int, ...], seed: int = 0) -> tuple[np.ndarray, ...]:
    """Return arrays of these shapes, the same ones each time."""
    random = np.random.default_rng(seed)
    return tuple(random.normal(size=shape) for shape in shapes)
