"""Some steps of training with PyTorch on a copy, as they are, or longer or shorter."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from chainrule.diagnose.torch.subject import TorchSubject, arrays_of, as_in, load, tensors
from chainrule.diagnose.trial import Trial
from chainrule.train.batches import Data, shuffled

__all__ = ["TorchTrial"]


class TorchTrial(Trial):
    """A way to train.

    Args:
        subject: the model and its loss.
        data: what it is trained with.
        module: the model that the optimiser is of.
        optimiser: a ``torch.optim.Optimizer``.
        size: examples in a batch.
        count: steps.
        seed: decides their order.
    """

    def __init__(
        self,
        subject: TorchSubject,
        data: Data,
        module: Any,
        optimiser: Any,
        size: int,
        count: int,
        seed: int,
    ) -> None:
        self.subject, self.data, self.seed = subject, data, seed
        self.size, self.count = min(size, data.length), count
        rows = shuffled(data.length, seed, 1)[:512]
        self._held = [x[rows] for x in data.arrays]
        self._pair = module, optimiser

    def loss(self, model: Any) -> float:
        """Return the loss of a model on a fixed part of the data."""
        return replace(self.subject, model=model).value(self._held, training=True)

    def models(self, factor: float = 1.0) -> list[Any]:
        """Return the model before the first step and after each, with steps scaled by a factor."""
        module, optimiser = copy.deepcopy(self._pair)
        made = [arrays_of(module)]
        for number, batch in enumerate(self.batches()):
            with as_in(module, True, number), torch.enable_grad():
                optimiser.zero_grad()
                self.subject.loss(module, *tensors(batch, module)).backward()
            optimiser.step()
            after = arrays_of(module)
            if factor != 1.0:
                before = made[-1]
                after = {n: before[n] + factor * (a - before[n]) for n, a in after.items()}
                load(module, after)
            made.append(after)
            if not all(math.isfinite(np.sum(x)) for x in after.values()):
                break
        return made
