"""The loop: epochs of minibatches until something ends it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from chainrule.core.callables import name_of
from chainrule.errors import NonFiniteError
from chainrule.nn.context import initial_state
from chainrule.optim.adaptive import adam
from chainrule.optim.optimiser import Optimiser
from chainrule.train.batches import Data, as_data
from chainrule.train.history import History
from chainrule.train.loop import Loop, Run
from chainrule.train.metrics import Meter
from chainrule.train.progress import Progress
from chainrule.train.step import Trained, advance, check_context, takes_context
from chainrule.train.stopping import EarlyStopping
from chainrule.train.watching import Watcher

__all__ = ["DivergenceWarning", "fit"]

CHECKPOINT = "checkpoint.safetensors"


class DivergenceWarning(UserWarning):
    """Training was stopped because the loss is no finite number any more."""


def fit(
    model: Any,
    loss: Callable[..., Any],
    data: Any,
    optimiser: Optimiser | None = None,
    *,
    optimiser_state: Any = None,
    epochs: int = 20,
    batch_size: int = 32,
    shuffle: bool = True,
    validation: Any = None,
    metrics: Mapping[str, Callable[..., Any]] | None = None,
    stopping: EarlyStopping | None = None,
    callbacks: Sequence[Callable[[Run], Any]] = (),
    monitor: Watcher | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    seed: int = 0,
    progress: bool = True,
) -> Run:
    """Train a model.

    Args:
        model: a module, or any tree of arrays.
        loss: ``loss(model, *batch)``, a number; or ``loss(model, *batch, context)`` where layers
            drop units or keep running statistics: it calls ``model(x, context)``.
        data: a tuple of arrays with one row for each example: ``(x, y)``. SciPy's sparse arrays are
            made dense batch by batch.
        optimiser: `chainrule.optim.adam` with a rate of 0.001 if left out. What is compiled for it
            and a loss is kept as long as it is: another run with both begins at once.
        optimiser_state: what it carries, of an earlier run that this one goes on with.
        epochs: how often to go over the data.
        batch_size: examples in a step; the last batch of an epoch may be smaller.
        shuffle: whether each epoch has an order of its own.
        validation: data like ``data`` that are not trained with; the loss, and the metrics, are
            measured on them after each epoch.
        metrics: functions called as the loss is, by name; such as `accuracy`.
        stopping: when to end before the last epoch.
        callbacks: each is called with the `Run` after each epoch; it ends if one returns True.
        monitor: a `chainrule.diagnose.Monitor`: it looks at steps, and says at the end of each line
            of progress what is the matter. The run is the same with it, bit for bit.
        checkpoint: a folder; the run is written there after each epoch, and when it is interrupted.
        resume: go on with what is in that folder, if there is something: the run ends with the
            same parameters, bit for bit, as if it had never been interrupted.
        seed: decides the order of examples and what is dropped.
        progress: show how far it is.

    Returns:
        The run. Ctrl-C ends it early, with the parameters it has.

    Raises:
        TypeError: the loss takes other arguments, or no context where a layer needs one; or the
            optimiser is something else.
        ValueError: data are empty, of different lengths, or not finite.
        CheckpointError: what is in the folder is damaged, or of another model.

    Warns:
        DivergenceWarning: the loss became NaN or infinite; the run ends with the last parameters
            whose loss was finite.
    """
    if epochs < 0 or batch_size < 1:
        raise ValueError(f"epochs={epochs} and batch_size={batch_size} must be positive")
    training = as_data(data, "data")
    context = takes_context(loss, len(training.arrays))
    if not context:
        check_context(loss, model)
    if optimiser is None:
        optimiser = adam(1e-3)
    if not isinstance(optimiser, Optimiser):
        raise TypeError(_no_optimiser(optimiser))
    carried = optimiser.init(model) if optimiser_state is None else optimiser_state
    trained = Trained(model, initial_state(model), carried)
    loop = Loop(trained, training, batch_size, seed, shuffles=shuffle, draws=context)
    if checkpoint is not None:
        loop.file = Path(checkpoint) / CHECKPOINT
        if resume and loop.file.exists():
            loop.resume()
    loop.step = advance(loss, optimiser, context)
    measures = _measures(loss, metrics or {}, training, validation)
    run = loop.run()
    if monitor is not None:
        monitor.begin(loss, context)
        loop.watcher = monitor
    with Progress(epochs, loop.batches, training.length, monitor, shown=progress) as shown:
        try:
            while loop.place.epoch < epochs and not run.stopped:
                began = time.perf_counter()
                loop.train(shown.batch)
                seconds = time.perf_counter() - began
                model, state, _ = loop.copy()
                loop.end_epoch({name: f(model, state) for name, f in measures.items()})
                run = loop.run()
                shown.epoch(run.history.last(), seconds)
                if stopping is not None:
                    values = _column(run.history, stopping.column)
                    if stopping.best(values) == len(values) - 1:
                        loop.best = Trained(run.model, run.state, run.optimiser_state)
                    if stopping.over(values):
                        run.stopped = "early stopping"
                ended = [callback(run) is True for callback in callbacks]  # each is called
                if any(ended):
                    run.stopped = run.stopped or "callback"
                loop.save()
        except KeyboardInterrupt:
            run = loop.run("interrupted")
            loop.save()
        except NonFiniteError as error:
            run = loop.run("not finite")
            loop.save()
            warnings.warn(str(error), DivergenceWarning, stacklevel=2)
    if stopping is not None and stopping.restore and loop.best is not None:
        run.model, run.state = loop.best[:2]
    run.stopped = run.stopped or "epochs"
    return run


def _no_optimiser(given: Any) -> str:
    """Say what to write in place of something that is no optimiser."""
    if isinstance(given, (int, float)):
        return f"optimiser={given!r} is a number: optim.adam({given!r}) is an optimiser"
    if callable(given):
        name = name_of(given)
        return f"optimiser is {name} itself: call it with a learning rate, optim.{name}(0.001)"
    return f"optimiser is a {type(given).__name__}: it should be one of chainrule.optim's"


def _measures(
    loss: Callable[..., Any],
    metrics: Mapping[str, Callable[..., Any]],
    training: Data,
    validation: Any,
) -> dict[str, Callable[[Any, Any], float]]:
    """Return what is measured after an epoch, functions of a model and its state, by column."""
    data, prefix, functions = training, "", dict(metrics)
    if validation is not None:
        data, prefix = as_data(validation, "validation"), "validation "
        functions = {"loss": loss, **functions}
    meters = {name: Meter(f, len(data.arrays)) for name, f in functions.items()}
    return {f"{prefix}{name}": partial(meter, data=data) for name, meter in meters.items()}


def _column(history: History, name: str) -> list[float]:
    try:
        return history[name]
    except KeyError:
        raise ValueError(
            f"EarlyStopping watches {name!r}, and the history has {', '.join(history)}: hand over "
            "validation data, or say which column"
        ) from None
