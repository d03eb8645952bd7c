"""What is minimised: the mean loss over examples and half the squares of the weights."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special

from chainrule import nn
from chainrule.native import compile
from chainrule.transforms.reverse import value_and_grad

__all__ = ["Objective", "Weighted", "linear_layers", "value_and_gradient"]


@dataclass(frozen=True)
class Objective:
    """``loss(model, x, y)``; equal ones are compiled once.

    Args:
        kind: ``"softmax"`` (y are classes from 0), ``"logistic"`` (0 or 1 for each output),
            ``"squared_error"`` (halved) or ``"poisson"`` (half the deviance).
        alpha: how much half the squares of all weights, but no biases, count against the sum over
            the examples.
    """

    kind: str
    alpha: float

    def __call__(self, model: Any, x: Any, y: Any) -> Any:
        """Return the mean over the examples, and the penalty over their number."""
        each = _EACH[self.kind](model(x), y)
        return (np.sum(each) + self.penalty(model)) / len(x)

    def penalty(self, model: Any) -> Any:
        """Return half the squares of the weights, times alpha."""
        if not self.alpha:
            return 0.0
        return 0.5 * self.alpha * sum(np.sum(x.weight * x.weight) for x in linear_layers(model))


@dataclass(frozen=True)
class Weighted(Objective):
    """``loss(model, x, y, weights)``: the weighted mean."""

    def __call__(self, model: Any, x: Any, y: Any, weights: Any) -> Any:  # type: ignore[override]
        """Return the mean over the examples, and the penalty over the sum of their weights."""
        each = _EACH[self.kind](model(x), y)
        total = np.maximum(np.sum(weights), np.finfo(weights.dtype).tiny)  # all may be 0
        return (np.sum(weights * each) + self.penalty(model)) / total


def linear_layers(model: Any) -> list[nn.Linear]:
    """Return the layers that have weights."""
    return [layer for layer in model.layers if isinstance(layer, nn.Linear)]


@functools.lru_cache(maxsize=16)
def value_and_gradient(objective: Objective) -> Callable[..., Any]:
    """Return an objective with its gradient, compiled."""
    return compile(value_and_grad(objective))


# Of each example, the sum over its outputs.


def _softmax(logits: Any, labels: Any) -> Any:
    return -nn.log_softmax(logits)[np.arange(len(labels)), labels]


def _logistic(logits: Any, y: Any) -> Any:
    return np.sum(np.logaddexp(logits, 0) - y * logits, axis=1)


def _squared_error(predicted: Any, y: Any) -> Any:
    return 0.5 * np.sum((predicted - y) ** 2, axis=1)


def _poisson(logs: Any, y: Any) -> Any:
    return np.sum(np.exp(logs) - y * logs + (scipy.special.xlogy(y, y) - y), axis=1)


_EACH = {
    "softmax": _softmax,
    "logistic": _logistic,
    "squared_error": _squared_error,
    "poisson": _poisson,
}
