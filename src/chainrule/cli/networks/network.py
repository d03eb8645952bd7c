"""The network of a run: its layers, its loss, its optimiser."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule import nn, optim
from chainrule.cli.networks.settings import Settings
from chainrule.cli.tables.goal import Classes, Goal

__all__ = ["amount", "build", "loss_of", "measured", "metric_of", "optimiser_of"]


def build(settings: Settings, features: int, outputs: int) -> nn.Sequential:
    """Return the network before training: by the seed, always the same."""
    rng = np.random.default_rng([settings.seed, 2])
    activation = getattr(nn, settings.activation)
    symmetric = settings.activation in ("sigmoid", "tanh")
    hidden = nn.glorot_uniform if symmetric else nn.he_normal
    layers: list[Any] = []
    for size in settings.hidden:
        layers += [nn.Linear(features, size, rng=rng, weight=hidden), activation]
        features = size
    layers.append(nn.Linear(features, outputs, rng=rng, weight=nn.glorot_uniform))
    return nn.Sequential(*layers)


def cross_entropy(model: Any, x: Any, labels: Any) -> Any:
    """Return the loss of a classification."""
    return nn.cross_entropy(model(x), labels)


def squared_error(model: Any, x: Any, y: Any) -> Any:
    """Return the loss of a regression, of numbers with mean 0 and deviation 1."""
    return nn.squared_error(model(x), y)


def loss_of(goal: Goal) -> Any:
    """Return the loss."""
    return cross_entropy if isinstance(goal, Classes) else squared_error


def metric_of(goal: Goal) -> tuple[str, Any]:
    """Return what is measured besides the loss, and what it is called."""
    from chainrule import train

    if isinstance(goal, Classes):
        return "accuracy", train.accuracy
    scale = goal.scale

    def error(model: Any, x: Any, y: Any) -> Any:
        return scale * np.mean(np.abs(model(x) - y))

    return "error", error


def measured(goal: Goal, output: Any, y: Any, known: Any) -> str:
    """Say how good outputs are, beside somebody who knows nothing of the features.

    Args:
        goal: what is predicted.
        output: of the network.
        y: what is true.
        known: what is true in training: the most frequent class, the mean is guessed from it.
    """
    if isinstance(goal, Classes):
        right = float(np.mean(output.argmax(axis=1) == y))
        common = int(np.argmax(np.bincount(known, minlength=len(goal.values))))
        guess = float(np.mean(y == common))
        return (
            f"{right:.1%} of {len(y)} are right; always guessing {goal.values[common]}: {guess:.1%}"
        )
    error = goal.scale * float(np.mean(np.abs(output - y)))
    guess = goal.scale * float(np.mean(np.abs(np.median(known) - y)))
    total = float(np.mean((y - y.mean()) ** 2))
    explained = 1 - float(np.mean((output - y) ** 2)) / total if total > 0 else float("nan")
    share = f"{explained:.0%}" if explained > 0 else "nothing"
    more = f"; {share} of the variance is explained" if len(y) >= 10 else ""
    return (
        f"wrong by {amount(error)} in the mean; always guessing the median: {amount(guess)}{more}"
    )


def amount(number: float) -> str:
    """Return a number as one reads it: 180,900, 0.01234."""
    return f"{number:,.0f}" if 1e3 <= abs(number) < 1e9 else f"{number:.4g}"


def optimiser_of(settings: Settings) -> optim.Optimiser:
    """Return the optimiser."""
    made: optim.Optimiser = getattr(optim, settings.optimiser)(settings.rate)
    return made
