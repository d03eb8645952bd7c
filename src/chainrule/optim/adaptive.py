"""Methods that give every entry a step size of its own, by the gradients seen so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from chainrule.optim.optimiser import Optimiser, Rate, chain, count, like, rate_at, zeros_like
from chainrule.trees import map_leaves

__all__ = ["Moments", "adagrad", "adam", "adamw", "lion", "rmsprop"]


class Moments(NamedTuple):
    """The state of an adaptive method.

    Attributes:
        steps: number of steps done.
        first: running mean of the gradients, or None.
        second: running mean, or sum, of their squares, or None.
    """

    steps: Any
    first: Any
    second: Any


def adagrad(learning_rate: Rate, eps: float = 1e-10) -> Optimiser:
    """Adagrad: ``s += g**2; p -= learning_rate * g / (sqrt(s) + eps)``.

    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", JMLR 12, 2011.
    """
    return _by_root(learning_rate, eps, lambda s, g: s + g * g)


def rmsprop(learning_rate: Rate, decay: float = 0.99, eps: float = 1e-8) -> Optimiser:
    """RMSprop: ``s = decay * s + (1 - decay) * g**2; p -= learning_rate * g / (sqrt(s) + eps)``.

    Tieleman and Hinton, "Lecture 6.5", Coursera: Neural networks for machine learning, 2012.
    """
    return _by_root(learning_rate, eps, lambda s, g: _mean(s, g * g, decay))


def _by_root(learning_rate: Rate, eps: float, gathered: Callable[[Any, Any], Any]) -> Optimiser:
    """Divide gradients by the root of what is gathered of their squares."""

    def init(params: Any) -> Moments:
        return Moments(count(), None, zeros_like(params))

    def update(gradients: Any, state: Moments, params: Any) -> tuple[Any, Moments]:
        rate = rate_at(learning_rate, state.steps)
        second = map_leaves(gathered, state.second, gradients)
        updates = map_leaves(
            lambda g, s: like(-rate, g) * g / (np.sqrt(s) + eps), gradients, second
        )
        return updates, Moments(state.steps + 1, None, second)

    return Optimiser(init, update)


def adam(learning_rate: Rate, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Optimiser:
    """Adam: means of the gradients and of their squares, both corrected for beginning at zero.

    ``m = b1 * m + (1 - b1) * g``, ``s = b2 * s + (1 - b2) * g**2``, and at step t
    ``p -= learning_rate * m / (1 - b1**t) / (sqrt(s / (1 - b2**t)) + eps)``.
    Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.

    Args:
        learning_rate: a number, or a schedule.
        b1: how much of the mean of the gradients stays at each step.
        b2: how much of the mean of their squares stays.
        eps: keeps the step finite where gradients are zero.
    """

    def init(params: Any) -> Moments:
        return Moments(count(), zeros_like(params), zeros_like(params))

    def update(gradients: Any, state: Moments, params: Any) -> tuple[Any, Moments]:
        rate = rate_at(learning_rate, state.steps)
        steps = state.steps + 1
        first = map_leaves(lambda m, g: _mean(m, g, b1), state.first, gradients)
        second = map_leaves(lambda s, g: _mean(s, g * g, b2), state.second, gradients)
        # Both sides of the quotient times the root: one division for each entry, not two.
        root = np.sqrt(1 - b2**steps)
        rate = rate * root / (1 - b1**steps)
        updates = map_leaves(
            lambda m, s: like(-rate, m) * m / (np.sqrt(s) + like(eps * root, s)), first, second
        )
        return updates, Moments(steps, first, second)

    return Optimiser(init, update)


def adamw(
    learning_rate: Rate,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.01,
) -> Optimiser:
    """Adam with weight decay beside the gradient: ``p -= learning_rate * weight_decay * p``, too.

    Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Args:
        learning_rate: a number, or a schedule.
        b1: see `adam`.
        b2: see `adam`.
        eps: see `adam`.
        weight_decay: which share of a parameter is taken off at each step, times the rate.
    """
    return chain(adam(learning_rate, b1, b2, eps), _decoupled(learning_rate, weight_decay))


def lion(
    learning_rate: Rate, b1: float = 0.9, b2: float = 0.99, weight_decay: float = 0.0
) -> Optimiser:
    """Lion: the sign of a mean. ``p -= learning_rate * (sign(b1 * m + (1 - b1) * g) + decay * p)``.

    Then ``m = b2 * m + (1 - b2) * g``. Chen et al., "Symbolic discovery of optimization
    algorithms", NeurIPS 2023, program 1. Its rates are 3 to 10 times smaller than Adam's.
    """

    def init(params: Any) -> Moments:
        return Moments(count(), zeros_like(params), None)

    def update(gradients: Any, state: Moments, params: Any) -> tuple[Any, Moments]:
        rate = rate_at(learning_rate, state.steps)
        updates = map_leaves(
            lambda m, g: like(-rate, m) * np.sign(_mean(m, g, b1)), state.first, gradients
        )
        first = map_leaves(lambda m, g: _mean(m, g, b2), state.first, gradients)
        return updates, Moments(state.steps + 1, first, None)

    return chain(Optimiser(init, update), _decoupled(learning_rate, weight_decay))


def _decoupled(learning_rate: Rate, weight_decay: float) -> Optimiser:
    """Take a share of the parameters off, beside whatever the updates are."""

    def update(gradients: Any, state: Any, params: Any) -> tuple[Any, Any]:
        rate = rate_at(learning_rate, state)
        if weight_decay:
            share = rate * weight_decay
            gradients = map_leaves(lambda u, p: u - like(share, p) * p, gradients, params)
        return gradients, state + 1

    return Optimiser(lambda params: count(), update)


def _mean(mean: Any, new: Any, decay: float) -> Any:
    return decay * mean + (1 - decay) * new
