"""A copy of a model that is trained for a while with Adam, to see whether it can learn at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chainrule.diagnose.probe import Subject
from chainrule.nn.random import key
from chainrule.optim.adaptive import adam
from chainrule.train.step import Trained, step

__all__ = ["Learner"]


class Learner:
    """Trains a copy of a model.

    Args:
        subject: the model and its loss.
        rate: the learning rate.
    """

    def __init__(self, subject: Subject, rate: float) -> None:
        optimiser = adam(rate)
        self._begun = subject
        self._step = step(subject.loss, optimiser, subject.context)
        self._trained = Trained(subject.model, subject.state, optimiser.init(subject.model))

    def step(self, number: int, batch: Sequence[Any]) -> float:
        """Make a step, and return the loss before it."""
        self._trained, value = self._step(self._trained, key(number), *batch)
        return float(value)

    @property
    def subject(self) -> Subject:
        """The model as it is now."""
        return replace(self._begun, model=self._trained.model, state=self._trained.state)
