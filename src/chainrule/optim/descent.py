"""Steps along the gradient: plain, with momentum, with Nesterov's look ahead."""

from __future__ import annotations

from typing import Any, NamedTuple

from chainrule.optim.optimiser import Optimiser, Rate, count, like, rate_at, zeros_like
from chainrule.trees import map_leaves

__all__ = ["Descent", "momentum", "nesterov", "sgd"]


class Descent(NamedTuple):
    """The state of a descent: steps done, and the velocity where there is momentum."""

    steps: Any
    velocity: Any


def sgd(learning_rate: Rate) -> Optimiser:
    r"""Gradient descent: ``p -= learning_rate * g``.

    Stochastic where the gradient is that of a minibatch (Robbins and Monro, 1951).

    Args:
        learning_rate: a number, or a schedule (see `chainrule.optim.schedules`).

    >>> optimiser = sgd(0.5)
    >>> updates, state = optimiser.update([2.0], optimiser.init([1.0]), [1.0])
    >>> updates
    [-1.0]
    """

    def init(params: Any) -> Descent:
        return Descent(count(), None)

    def update(gradients: Any, state: Descent, params: Any) -> tuple[Any, Descent]:
        rate = rate_at(learning_rate, state.steps)
        return map_leaves(lambda g: like(-rate, g) * g, gradients), Descent(state.steps + 1, None)

    return Optimiser(init, update)


def momentum(learning_rate: Rate, decay: float = 0.9) -> Optimiser:
    """Descent with momentum (Polyak, 1964): ``v = decay * v + g; p -= learning_rate * v``.

    Args:
        learning_rate: a number, or a schedule.
        decay: what is left of the velocity after a step, from 0 to 1.
    """
    return _with_velocity(learning_rate, decay, ahead=False)


def nesterov(learning_rate: Rate, decay: float = 0.9) -> Optimiser:
    """Descent with Nesterov's momentum: ``p -= learning_rate * (g + decay * v)``.

    The velocity is ``v = decay * v + g``. In the form of Sutskever et al., "On the importance of
    initialization and momentum in deep learning", ICML 2013, which needs the gradient at the
    parameters alone.

    Args:
        learning_rate: a number, or a schedule.
        decay: what is left of the velocity after a step, from 0 to 1.
    """
    return _with_velocity(learning_rate, decay, ahead=True)


def _with_velocity(learning_rate: Rate, decay: float, *, ahead: bool) -> Optimiser:
    def init(params: Any) -> Descent:
        return Descent(count(), zeros_like(params))

    def update(gradients: Any, state: Descent, params: Any) -> tuple[Any, Descent]:
        rate = rate_at(learning_rate, state.steps)
        velocity = map_leaves(lambda v, g: decay * v + g, state.velocity, gradients)
        if ahead:
            updates = map_leaves(lambda v, g: like(-rate, g) * (g + decay * v), velocity, gradients)
        else:
            updates = map_leaves(lambda v: like(-rate, v) * v, velocity)
        return updates, Descent(state.steps + 1, velocity)

    return Optimiser(init, update)
