"""Where a run stands, and how it goes on from there: the part that is saved and resumed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from chainrule.train.step import Carried, Trained
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
    """Where a run stands.

    It is replaced as a whole, and a step writes over all of what it carries at once or over nothing
    (`chainrule.train.step.advance`): Ctrl-C finds what was before a step, or after it.
    """

    carried: Carried
    history: History
    epoch: int = 0  # complete ones

    @property
    def done(self) -> int:
        """The batches of the next epoch that are done."""
        return int(self.carried.tally[0])

    @property
    def total(self) -> float:
        """The losses of their examples."""
        return float(self.carried.tally[1])


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

    step: Callable[..., tuple[Carried, Any]]

    def __init__(
        self, trained: Trained, data: Data, size: int, seed: int, *, shuffles: bool, draws: bool
    ) -> None:
        self.place = _place(trained, History())
        self._copy: tuple[int, Trained] | None = None  # the steps before it was made
        # An earlier place from which on all losses were finite.
        self._good: tuple[Trained, History, int, tuple[int, float]] | None = None
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
        return Run(*self.copy(), self.place.history, self.place.epoch, stopped)

    def copy(self) -> Trained:
        """Return what is trained as it is now, in arrays that nothing is written over."""
        steps = self.place.epoch * self.batches + self.place.done
        if self._copy is None or self._copy[0] != steps:
            leaves, build = trees.flatten(self.place.carried.trained)
            self._copy = steps, build(map(_as_given, leaves))
        return self._copy[1]

    def train(self, show: Callable[[int, int, float], None]) -> None:
        """Train with the rest of an epoch.

        Raises:
            NonFiniteError: a loss is NaN or infinite; the place is the last whose loss was finite.
        """
        _, history, epoch = self.place
        done = self.place.done
        begun = self.copy(), history, epoch, (done, self.place.total)
        for drawn, *batch in self._inputs(epoch, done):
            if len(batch[0]) not in self._prepared:
                # Recorded by Python, whose last bits are others than those of compiled code: a run
                # that is resumed records at another place.
                self.step(_copied(self.place.carried), drawn, *batch)
                self._prepared.add(len(batch[0]))
            before = self._watched()
            carried, value = self.step(self.place.carried, drawn, *batch)
            value = float(value)
            if self.watcher is not None:
                self.watcher.observe(Step(before, carried.trained.model, tuple(batch), value))
            if not math.isfinite(value):
                fault = NonFiniteError(self._fault(value))
                self._go_back()
                raise fault
            self.place = Place(carried, history, epoch)
            self._good = begun
            done += 1
            show(epoch, done, value)

    def _inputs(self, epoch: int, done: int) -> Iterator[tuple[Any, ...]]:
        """Yield the key and the arrays of each batch of an epoch, from one on."""
        order = shuffled(self.data.length, self.seed, epoch) if self.shuffles else None
        key = self._key
        for number, batch in enumerate(self.data.batches(self.size, order, first=done), done):
            if self.draws:
                key = fold(self._key, count=epoch * self.batches + number)
            yield key, *batch

    def _go_back(self) -> None:
        """Go back by a step, to the last parameters whose loss was finite.

        What they were is written over by then, so it is computed again from an earlier place.
        """
        if self._good is None:
            return
        place = _place(*self._good)
        steps = (self.place.epoch - place.epoch) * self.batches + self.place.done - place.done
        inputs = self._inputs(place.epoch, place.done)
        for drawn, *batch in itertools.islice(inputs, steps - 1):
            place = place._replace(carried=self.step(place.carried, drawn, *batch)[0])
        self.place = place

    def _watched(self) -> Trained | None:
        """Return a copy of what the next step changes, if the watcher looks at it."""
        if self.watcher is None or not self.watcher.wants():
            return None
        model, state, _ = self.place.carried.trained
        return Trained(trees.map_leaves(_as_given, model), trees.map_leaves(_as_given, state), None)

    def end_epoch(self, measured: Mapping[str, float]) -> None:
        """Enter the mean loss of the epoch, and what was measured after it, in the history."""
        place = self.place
        row = {"epoch": place.epoch + 1, "loss": place.total / self.data.length, **measured}
        history = place.history.with_row(row)
        self.place = Place(place.carried._replace(tally=np.zeros(2)), history, place.epoch + 1)

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
        arrays = _arrays(self.copy())
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
        trained = self._restored(found, "")
        if any(name.startswith("best ") for name in found.arrays):
            self.best = self._restored(found, "best ")
        notes = found.notes
        tally = notes["done"], notes["total"]
        self.place = _place(trained, History(notes["history"]), notes["epoch"], tally)

    def _identity(self) -> dict[str, int]:
        return {"seed": self.seed, "batch size": self.size, "examples": self.data.length}

    def _restored(self, found: Any, prefix: str) -> Trained:
        assert self.file is not None
        parts: Sequence[Any] = [
            restore(found, tree, f"{prefix}{name}", self.file)
            for name, tree in zip(Trained._fields, self.copy(), strict=True)
        ]
        return Trained(*parts)


def _place(
    trained: Trained, history: History, epoch: int = 0, tally: tuple[int, float] = (0, 0.0)
) -> Place:
    """Return a place with arrays of its own, also for numbers."""
    carried = Carried(trained, np.array(tally, np.float64))
    return Place(_copied(carried), history, epoch)


def _copied(tree: Any) -> Any:
    return trees.map_leaves(_own, tree)


def _as_given(x: Any) -> Any:
    """Return a copy of an array; a number where it has no axes."""
    return _own(x) if np.ndim(x) else _own(x)[()]


def _own(x: Any) -> Any:
    """Return an array of one's own for an array or a number."""
    return np.array(x, order="C")


def _arrays(trained: Trained) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, tree in zip(Trained._fields, trained, strict=True):
        found |= named(tree, name)
    return found
