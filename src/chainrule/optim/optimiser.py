"""What an optimiser is: a state, and updates made from gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from chainrule.trees import map_leaves

__all__ = [
    "Optimiser",
    "Rate",
    "Update",
    "apply_updates",
    "chain",
    "count",
    "like",
    "rate_at",
    "zeros_like",
]

#: A learning rate: a number, or a schedule that makes one of the number of steps done before.
Rate = float | Callable[[Any], Any]


class Update(Protocol):
    """How `Optimiser.update` is called."""

    def __call__(self, gradients: Any, state: Any, params: Any) -> tuple[Any, Any]:
        """Return the updates, to be added to the parameters, and the next state."""


@dataclass(frozen=True)
class Optimiser:
    """A method of descent, or a part of one: a state and how gradients become updates.

    Args:
        init: takes the parameters, returns the first state.
        update: takes gradients, state and parameters; returns updates and the next state. The
            updates have the structure and shapes of the parameters.

    >>> half = Optimiser(lambda params: (), lambda g, state, params: (map_leaves(_half, g), state))
    >>> half.update([4.0], half.init([1.0]), [1.0])
    ([2.0], ())
    """

    init: Callable[[Any], Any]
    update: Update


def _half(g: Any) -> Any:
    return g / 2


def chain(*parts: Optimiser) -> Optimiser:
    """Return the optimiser whose updates go through all parts, from the first to the last.

    >>> from chainrule.optim import clip_by_global_norm, sgd
    >>> import numpy as np
    >>> optimiser = chain(clip_by_global_norm(1.0), sgd(0.1))
    >>> params = [np.array([3.0, 4.0])]
    >>> updates, _ = optimiser.update(params, optimiser.init(params), params)
    >>> updates
    [array([-0.06, -0.08])]
    """

    def init(params: Any) -> tuple[Any, ...]:
        return tuple(part.init(params) for part in parts)

    def update(gradients: Any, state: tuple[Any, ...], params: Any) -> tuple[Any, tuple[Any, ...]]:
        following = []
        for part, here in zip(parts, state, strict=True):
            gradients, after = part.update(gradients, here, params)
            following.append(after)
        return gradients, tuple(following)

    return Optimiser(init, update)


def apply_updates(params: Any, updates: Any) -> Any:
    """Return the parameters with the updates added, entry by entry; dtypes stay."""
    return map_leaves(_added, params, updates)


def _added(p: Any, u: Any) -> Any:
    return p + u


# What the methods share.


def count() -> np.int64:
    """Return zero steps, as a number of NumPy's: compiled code takes Python's as constants."""
    return np.int64(0)


def rate_at(rate: Rate, steps: Any) -> Any:
    """Return the learning rate after a number of steps."""
    return rate(steps) if callable(rate) else rate


def like(number: Any, x: Any) -> Any:
    """Return a number in the dtype of an array that it scales: float32 stays float32.

    Numbers that are made from a count of steps are NumPy's float64, which would widen it.
    """
    dtype = getattr(x, "dtype", None)
    return number if dtype is None or not hasattr(number, "astype") else number.astype(dtype)


def zeros_like(params: Any) -> Any:
    """Return a tree of zeros with the shapes and dtypes of the parameters."""
    return map_leaves(np.zeros_like, params)
