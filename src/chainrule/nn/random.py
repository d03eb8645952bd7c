"""Keys of random numbers, and where initial parameters come from."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.operations.random import fold, uniform

_SPLIT = 1 << 32  # far from what a context counts up to

__all__ = ["Rng", "generator", "key", "random_uniform", "split"]

#: A generator of initial parameters, or the seed of one.
Rng = np.random.Generator | int


def generator(rng: Rng) -> np.random.Generator:
    """Return the generator, or one made from a seed."""
    return np.random.default_rng(rng)


def key(seed: int) -> Any:
    """Return the key of a stream of random numbers.

    A key is an array of two unsigned integers. What is drawn with it depends on nothing else, so
    that a run can be repeated and resumed, and be compiled.

    >>> float(random_uniform(key(0), ())) == float(random_uniform(key(0), ()))
    True
    """
    return np.random.SeedSequence(seed).generate_state(2, np.uint64)


def split(key: Any, number: int = 2) -> list[Any]:
    """Return further keys made from one; use the key itself no more."""
    return [fold(key, count=_SPLIT + k) for k in range(number)]


def random_uniform(key: Any, shape: tuple[int, ...], dtype: Any = np.float64) -> Any:
    """Return numbers from [0, 1) that depend on the key alone; float64 or float32."""
    return uniform(key, shape=tuple(shape), dtype=np.dtype(dtype))
