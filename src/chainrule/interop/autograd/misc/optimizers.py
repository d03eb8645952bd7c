"""Stochastic gradient descent, RMSProp and Adam, over trees of parameters.

Each takes ``grad(parameters, iteration)``, and calls ``callback(parameters, iteration, gradient)``
before each step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.transforms.ravel import ravel

__all__ = ["adam", "rmsprop", "sgd"]

#: ``(gradient, iteration) -> what is taken from the parameters``.
_Rule = Callable[[Any, int], Any]


def _descend(
    grad: Any, x0: Any, callback: Any, num_iters: int, make: Callable[[Any], _Rule]
) -> Any:
    x, unravel = ravel(x0)
    rule = make(x)
    for i in range(num_iters):
        tree = grad(unravel(x), i)
        if callback:
            callback(unravel(x), i, tree)
        x = x - rule(ravel(tree)[0], i)
    return unravel(x)


def sgd(
    grad: Callable[[Any, int], Any],
    x: Any,
    callback: Callable[[Any, int, Any], Any] | None = None,
    num_iters: int = 200,
    step_size: float = 0.1,
    mass: float = 0.9,
) -> Any:
    """Descend with momentum; returns the parameters after the last step."""

    def make(x: Any) -> _Rule:
        velocity = np.zeros(len(x))

        def rule(g: Any, i: int) -> Any:
            nonlocal velocity
            velocity = mass * velocity + (1.0 - mass) * g
            return step_size * velocity

        return rule

    return _descend(grad, x, callback, num_iters, make)


def rmsprop(
    grad: Callable[[Any, int], Any],
    x: Any,
    callback: Callable[[Any, int, Any], Any] | None = None,
    num_iters: int = 100,
    step_size: float = 0.1,
    gamma: float = 0.9,
    eps: float = 1e-8,
) -> Any:
    """Descend by RMSProp (Tieleman and Hinton, 2012); returns the parameters."""

    def make(x: Any) -> _Rule:
        squares = np.ones(len(x))

        def rule(g: Any, i: int) -> Any:
            nonlocal squares
            squares = squares * gamma + g**2 * (1 - gamma)
            return step_size * g / (np.sqrt(squares) + eps)

        return rule

    return _descend(grad, x, callback, num_iters, make)


def adam(
    grad: Callable[[Any, int], Any],
    x: Any,
    callback: Callable[[Any, int, Any], Any] | None = None,
    num_iters: int = 100,
    step_size: float = 0.001,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
) -> Any:
    """Descend by Adam (Kingma and Ba, arxiv.org/abs/1412.6980); returns the parameters."""

    def make(x: Any) -> _Rule:
        m, v = np.zeros(len(x)), np.zeros(len(x))

        def rule(g: Any, i: int) -> Any:
            nonlocal m, v
            m = (1 - b1) * g + b1 * m
            v = (1 - b2) * g**2 + b2 * v
            m_hat = m / (1 - b1 ** (i + 1))
            v_hat = v / (1 - b2 ** (i + 1))
            return step_size * m_hat / (np.sqrt(v_hat) + eps)

        return rule

    return _descend(grad, x, callback, num_iters, make)
