"""What is measured on whole data sets, in batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.nn.containers import call
from chainrule.train.batches import as_data
from chainrule.train.step import evaluation, takes_context

__all__ = ["Meter", "accuracy", "evaluate"]

_BATCH = 1024  # examples measured at once


def accuracy(model: Any, x: Any, labels: Any, context: Any = None) -> Any:
    """Return the share of examples whose largest logit is that of their label.

    Args:
        model: a model that returns logits, (batch, classes).
        x: a batch.
        labels: integers, (batch,).
        context: as `fit` hands it over.
    """
    return np.mean(np.argmax(call(model, x, context), axis=-1) == labels)


class Meter:
    """A loss or metric, compiled once, and its mean over data sets."""

    def __init__(self, f: Callable[..., Any], arrays: int) -> None:
        self._measured = evaluation(f, takes_context(f, arrays))
        self._prepared: set[int] = set()  # lengths of batches that it is compiled for

    def __call__(self, model: Any, state: Any, data: Any) -> float:
        """Return the mean over all examples: each batch counts by its length."""
        total = 0.0
        for batch in data.batches(_BATCH):
            if len(batch[0]) not in self._prepared:
                # Recorded by Python, whose last bits are others: a resumed run would have them
                # in another epoch.
                self._measured(model, state, *batch)
                self._prepared.add(len(batch[0]))
            total += float(self._measured(model, state, *batch)) * len(batch[0])
        return float(total / data.length)


def evaluate(
    model: Any,
    functions: Callable[..., Any] | Mapping[str, Callable[..., Any]],
    data: Any,
    state: Any = None,
) -> Any:
    """Return the mean of a loss or metric over data, without training.

    Args:
        model: a model.
        functions: ``f(model, *batch)`` or ``f(model, *batch, context)``, or a dict of such.
        data: a tuple of arrays with a row for each example.
        state: running statistics, if the model has any.

    Returns:
        A number, or a dict of numbers.

    >>> from chainrule import nn
    >>> model = nn.Linear(2, 3, rng=0)
    >>> 0 <= evaluate(model, accuracy, (np.ones((8, 2)), np.zeros(8, dtype=int))) <= 1
    True
    """
    data = as_data(data, "data")
    if callable(functions):
        return Meter(functions, len(data.arrays))(model, state, data)
    return {name: Meter(f, len(data.arrays))(model, state, data) for name, f in functions.items()}
