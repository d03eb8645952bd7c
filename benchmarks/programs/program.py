"""What a program with loops is: written for NumPy, and as users of JAX write it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Function = Callable[..., Any]


@dataclass(frozen=True)
class Program:
    """Value and gradient of a program, as data.

    Attributes:
        name: on the command line.
        title: what it is, with its sizes.
        numpy: the program, of the inputs alone, in plain NumPy; it returns one number. By all
            inputs it is differentiated.
        inputs: makes them: arrays, or Python floats.
        jax: makes the same program in JAX, with `lax.scan` and `lax.fori_loop`; None where JAX has
            no gradient of it.
        numba: makes a function that returns value and gradients, derived by hand, for Numba; None
            where nobody has.
        tolerance: by which results may differ, relative to the largest entry of each.
    """

    name: str
    title: str
    numpy: Function
    inputs: Callable[[], tuple[Any, ...]]
    jax: Callable[[], Function] | None
    numba: Callable[[], Function] | None = None
    tolerance: float = 1e-8


def normal(*shapes: int | tuple[int, ...], scale: float = 1.0) -> tuple[Any, ...]:
    """Return arrays of random numbers."""
    random = np.random.default_rng(0)
    return tuple(scale * random.normal(size=shape) for shape in shapes)


def positive(*shapes: int | tuple[int, ...]) -> tuple[Any, ...]:
    """Return arrays of random numbers from 0.5 to 1.5."""
    random = np.random.default_rng(0)
    return tuple(random.uniform(0.5, 1.5, shape) for shape in shapes)


def definite(n: int) -> Any:
    """Return a symmetric matrix with positive eigenvalues."""
    (a,) = normal((n, n))
    return a @ a.T + n * np.eye(n)


def squared(*arrays: Any) -> Any:
    """Return the sum of the squares of all entries."""
    return sum((np.sum(x * x) for x in arrays[1:]), np.sum(arrays[0] * arrays[0]))
