"""Where a run stands, and how it goes on from there: the part that is saved and resumed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from chainrule import trees
from chainrule.errors import NonFiniteError
from chainrule.nn.random import key
from chainrule.operations.random import fold
from chainrule.train.batches import Data, shuffled
from chainrule.train.checkpoint import CheckpointError, load, named, restore, save
from chainrule.train.history import History
from chainrule.train.step import Trained
from chainrule.train.watching import Step, Watcher

__all__ = ["Loop", "Run"]


@dataclass
class Run:
    """A training run, as far as it has come.

    Attributes:
        model: the trained model.
        state: running statistics, by the path of their layer.
        optimiser_state: what the optimiser carries.
        history: the numbers of each epoch, as columns.
        epoch: how many epochs are complete.
        stopped: why it ended: ``"epochs"``, ``"early stopping"``, ``"callback"``, ``"interrupted"``
            or ``"not finite"``; empty while it runs.
    """

    model: Any
    state: Any
    optimiser_state: Any
    history: History
    epoch: int = 0
    stopped: str = ""


class Place(NamedTuple):
    """Where a run stands. It is replaced as a whole: Ctrl-C finds the old one or the new one."""

    trained: Trained
    history: History
    epoch: int = 0  # complete ones
    done: int = 0  # batches of the next
    total: float = 0.0  # the losses of their examples


class Loop:
    """The batches of a run, one after the other.

    Args:
        trained: what it begins with.
        data: what it trains with.
        size: examples in a batch.
        seed: decides their order, and what is dropped.
        shuffles: whether each epoch has an order of its own.
        draws: whether a step may need random numbers: a key of its own.
    """

    step: Callable[..., tuple[Trained, Any]]

    def __init__(
        self, trained: Trained, data: Data, size: int, seed: int, *, shuffles: bool, draws: bool
    ) -> None:
        self.place = Place(trained, History())
        self.best: Trained | None = None
        self.file: Path | None = None
        self.watcher: Watcher | None = None
        self.data, self.size, self.seed = data, size, seed
        self.shuffles, self.draws = shuffles, draws
        self.batches = data.count(size)
        self._key = key(seed)
        self._prepared: set[int] = set()  # lengths of batches that the step is compiled for

    def run(self, stopped: str = "") -> Run:
        """Return the run as it stands."""
        place = self.place
        return Run(*place.trained, place.history, place.epoch, stopped)

    def train(self, show: Callable[[int, int, float], None]) -> None:
        """Train with the rest of an epoch.

        Raises:
            NonFiniteError: a loss is NaN or infinite; the place is that before its batch.
        """
        place = self.place
        order = shuffled(self.data.length, self.seed, place.epoch) if self.shuffles else None
        key = self._key
        for batch in self.data.batches(self.size, order, first=place.done):
            if self.draws:
                key = fold(self._key, count=place.epoch * self.batches + place.done)
            inputs = place.trained, key, *batch
            if len(batch[0]) not in self._prepared:
                # Recorded by Python, whose last bits are others than those of compiled code: a run
                # that is resumed records at another place.
                self.step(*inputs)
                self._prepared.add(len(batch[0]))
            before = self._watched(place.trained)
            trained, value = self.step(*inputs)
            value = float(value)
            if self.watcher is not None:
                self.watcher.observe(Step(before, trained.model, batch, value))
            if not math.isfinite(value):
                raise NonFiniteError(self._fault(value))
            total = place.total + value * len(batch[0])
            place = Place(trained, place.history, place.epoch, place.done + 1, total)
            self.place = place
            show(place.epoch, place.done, value)

    def _watched(self, trained: Trained) -> Trained | None:
        """Return a copy of what the next step changes, if the watcher looks at it."""
        if self.watcher is None or not self.watcher.wants():
            return None
        model, state = (trees.map_leaves(np.array, tree) for tree in trained[:2])
        return Trained(model, state, None)

    def end_epoch(self, measured: Mapping[str, float]) -> None:
        """Enter the mean loss of the epoch, and what was measured after it, in the history."""
        place = self.place
        row = {"epoch": place.epoch + 1, "loss": place.total / self.data.length, **measured}
        history = place.history.with_row(row)
        self.place = Place(place.trained, history, place.epoch + 1)

    def _fault(self, value: float) -> str:
        place = self.place
        return (
            f"the loss became {value} in epoch {place.epoch + 1}, batch {place.done + 1} of "
            f"{self.batches}; the run ends with the parameters before that. A smaller learning "
            "rate, or gradients clipped by their global norm, may help"
        )

    # In a file.

    def save(self) -> None:
        """Write it into its file, if it has one."""
        if self.file is None:
            return
        place = self.place
        arrays = _arrays(place.trained)
        if self.best is not None:
            arrays |= {f"best {name}": x for name, x in _arrays(self.best).items()}
        notes = {
            **self._identity(),
            "epoch": place.epoch,
            "done": place.done,
            "total": place.total,
            "history": place.history.to_dict(),
        }
        save(self.file, arrays, notes)

    def resume(self) -> None:
        """Go on with what the file holds.

        Raises:
            CheckpointError: it is damaged, or of another run.
        """
        assert self.file is not None
        found = load(self.file)
        for name, value in self._identity().items():
            if found.notes[name] != value:
                raise CheckpointError(
                    f"{self.file} is of a run with {name} {found.notes[name]}, not {value}: gone "
                    "on with here, its result would be another one"
                )
        trained = self._trained(found, "")
        if any(name.startswith("best ") for name in found.arrays):
            self.best = self._trained(found, "best ")
        notes = found.notes
        history = History(notes["history"])
        self.place = Place(trained, history, notes["epoch"], notes["done"], notes["total"])

    def _identity(self) -> dict[str, int]:
        return {"seed": self.seed, "batch size": self.size, "examples": self.data.length}

    def _trained(self, found: Any, prefix: str) -> Trained:
        assert self.file is not None
        parts: Sequence[Any] = [
            restore(found, tree, f"{prefix}{name}", self.file)
            for name, tree in zip(Trained._fields, self.place.trained, strict=True)
        ]
        return Trained(*parts)


def _arrays(trained: Trained) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, tree in zip(Trained._fields, trained, strict=True):
        found |= named(tree, name)
    return found
