"""Some steps of training on a copy, with the steps as they are, or longer or shorter."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.diagnose.probe import Subject
from chainrule.nn.random import key
from chainrule.operations.random import fold
from chainrule.optim.optimiser import Optimiser
from chainrule.train.batches import Data, shuffled
from chainrule.train.step import Trained
from chainrule.train.step import step as compiled_step

__all__ = ["Trial"]


def _is_like(following: Any, model: Any) -> None:
    """Check what a step of one's own returns.

    Raises:
        TypeError: it is not a model of the same structure and shapes.
    """
    (new, _), (old, _) = trees.flatten(following), trees.flatten(model)
    if len(new) != len(old) or any(
        np.shape(a) != np.shape(b) for a, b in zip(new, old, strict=True)
    ):
        raise TypeError(
            f"step(model, *batch) returns the next model, of {len(old)} arrays of the same shapes: "
            + (f"got {following!r}" if not new else f"got shapes {[np.shape(a) for a in new]}, ")
            + ("" if not new else f"of the model {[np.shape(b) for b in old]}")
        )


class Trial:
    """A way to train, and the batches that it is tried with.

    Args:
        subject: the model and its loss.
        data: what it is trained with.
        step: ``step(model, *batch)``, the next model, if it is one's own.
        optimiser: what is used where there is no step.
        size: examples in a batch.
        count: steps.
        seed: decides their order.
    """

    def __init__(
        self,
        subject: Subject,
        data: Data,
        step: Callable[..., Any] | None,
        optimiser: Optimiser | None,
        size: int,
        count: int,
        seed: int,
    ) -> None:
        self.subject, self.data, self.seed = subject, data, seed
        self.size, self.count = min(size, data.length), count
        self._step, self._optimiser = step, optimiser
        self._compiled = None
        if optimiser is not None:
            self._compiled = compiled_step(subject.loss, optimiser, subject.context)
        rows = shuffled(data.length, seed, 1)[:512]
        self._held = [x[rows] for x in data.arrays]

    def batches(self) -> Iterator[tuple[Any, ...]]:
        """Yield the batches of the steps."""
        made, epoch = 0, 0
        while True:
            order = shuffled(self.data.length, self.seed, epoch)
            for batch in self.data.batches(self.size, order):
                if made == self.count:
                    return
                if len(batch[0]) == self.size or self.data.length < 2 * self.size:
                    made += 1
                    yield batch
            epoch += 1

    def loss(self, model: Any) -> float:
        """Return the loss of a model on a fixed part of the data."""
        with np.errstate(all="ignore"):
            return replace(self.subject, model=model).value(self._held, training=True)

    def models(self, factor: float = 1.0) -> list[Any]:
        """Return the model before the first step and after each, with steps scaled by a factor.

        It ends where a parameter is not finite.
        """
        model = self.subject.model
        made = [model]
        carried: Any = None
        if self._optimiser is not None:
            carried = Trained(model, self.subject.state, self._optimiser.init(model))
        for number, batch in enumerate(self.batches()):
            with np.errstate(all="ignore"):
                if self._compiled is None:
                    assert self._step is not None
                    following = self._step(model, *batch)
                    if number == 0:
                        _is_like(following, model)
                else:
                    moved, _ = self._compiled(
                        carried._replace(model=model), fold(key(self.seed), count=number), *batch
                    )
                    carried, following = moved, moved.model
                if factor != 1.0:
                    following = trees.map_leaves(
                        lambda old, new: old + factor * (np.asarray(new) - old), model, following
                    )
            model = trees.map_leaves(np.array, following)  # a step may go on to write into it
            made.append(model)
            if not all(math.isfinite(np.sum(x)) for x in trees.flatten(model)[0]):
                break
        return made
