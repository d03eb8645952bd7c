"""Schedules: learning rates as functions of the number of steps done.

Each returns a function that takes the number of steps before the present one, so that the first
step's rate is that at 0, and works on recorded and compiled numbers, too.

>>> rate = warmup(10, cosine(0.1, 100))
>>> [round(float(rate(t)), 3) for t in (0, 5, 9, 10, 60, 110, 200)]
[0.01, 0.06, 0.1, 0.1, 0.05, 0.0, 0.0]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.optim.optimiser import Rate, rate_at

__all__ = ["constant", "cosine", "exponential", "linear", "step", "warmup"]

Schedule = Callable[[Any], Any]


def constant(rate: float) -> Schedule:
    """Return the same rate at every step."""
    return lambda steps: rate


def linear(first: float, last: float, length: int) -> Schedule:
    """Go from one rate to another in ``length`` steps, and stay there."""
    _at_least_one(length, "linear")
    return lambda steps: first + (last - first) * np.minimum(steps / length, 1.0)


def cosine(rate: float, length: int, last: float = 0.0) -> Schedule:
    """Fall from a rate to ``last`` along half a cosine in ``length`` steps, and stay there.

    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017,
    equation 5.
    """
    _at_least_one(length, "cosine")

    def at(steps: Any) -> Any:
        share = np.minimum(steps / length, 1.0)
        return last + (rate - last) * 0.5 * (1 + np.cos(np.pi * share))

    return at


def exponential(rate: float, factor: float, every: int = 1) -> Schedule:
    """Multiply the rate by a factor every so many steps, smoothly in between."""
    _at_least_one(every, "exponential")
    return lambda steps: rate * factor ** (steps / every)


def step(rate: float, factors: Mapping[int, float]) -> Schedule:
    """Multiply the rate by factors after given numbers of steps.

    >>> rate = step(1.0, {100: 0.1, 150: 0.1})
    >>> [round(float(rate(t)), 3) for t in (0, 99, 100, 150)]
    [1.0, 1.0, 0.1, 0.01]
    """

    def at(steps: Any) -> Any:
        found: Any = rate
        for after, factor in factors.items():
            found = found * np.where(steps >= after, factor, 1.0)
        return found

    return at


def warmup(length: int, then: Rate) -> Schedule:
    """Grow to a rate in ``length`` equal steps, and go on with it, or with a schedule, from there.

    Goyal et al., "Accurate, large minibatch SGD", 2017, section 2.2.
    """
    _at_least_one(length, "warmup")

    def at(steps: Any) -> Any:
        rate = rate_at(then, np.maximum(steps - length, 0))
        return rate * np.minimum((steps + 1) / length, 1.0)

    return at


def _at_least_one(length: int, name: str) -> None:
    if length < 1:
        raise ValueError(f"{name}: a length of {length} steps; it must be at least 1")
