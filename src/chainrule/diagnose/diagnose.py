"""`diagnose`: everything that can be said of a model, its loss and its data before one waits."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from chainrule.diagnose import data as of_data
from chainrule.diagnose import losses, precision, start, steps, units, wrong
from chainrule.diagnose.findings import Finding, ordered
from chainrule.diagnose.probe import Probe, Subject
from chainrule.diagnose.report import Report
from chainrule.diagnose.spread import Spread, of_probe
from chainrule.diagnose.trial import Trial
from chainrule.optim.optimiser import Optimiser
from chainrule.train.batches import Data, as_data, non_finite, shuffled
from chainrule.train.step import takes_context
from chainrule.transforms.reverse import grad

__all__ = ["diagnose"]

_PROBED = 256  # examples in one look
_LOOKS = 8  # looks over the data for dead units


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Let nothing be warned of: what is wrong is in the report."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@_without_warnings()
def diagnose(
    model: Any,
    loss: Callable[..., Any],
    data: Any,
    *,
    optimiser: Optimiser | None = None,
    step: Callable[..., Any] | None = None,
    gradient: Callable[..., Any] | None = None,
    state: Any = None,
    batch_size: int = 32,
    trial: int = 60,
    seed: int = 0,
) -> Report:
    """Say what keeps a model from learning, or may.

    The model is not changed. It is looked at as it is, before training or after; a copy of it is
    trained for some steps.

    Args:
        model: a module, or any tree of arrays.
        loss: ``loss(model, *batch)``, or ``loss(model, *batch, context)``, as `train.fit` takes it.
        data: a tuple of arrays with one row for each example, inputs first, then targets.
        optimiser: what it is trained with.
        step: in place of an optimiser, a training step of one's own: ``step(model, *batch)``
            returns the next model.
        gradient: a gradient of one's own, ``gradient(model, *batch)``, which is checked.
        state: running statistics, where the model was trained before.
        batch_size: examples in a step.
        trial: steps that are tried with the optimiser or step.
        seed: decides which examples are looked at.

    Raises:
        TypeError: the loss takes other arguments.
        ValueError: the data are empty or of different lengths.

    >>> import numpy as np
    >>> from chainrule import nn
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 4))
    >>> model = nn.Sequential(nn.Linear(4, 8, rng=0), nn.sigmoid, nn.Linear(8, 1, rng=1))
    >>> def loss(model, x, y):
    ...     return nn.squared_error(model(x), y)
    >>> report = diagnose(model, loss, (100 * x, x[:, :1]))
    >>> report.kinds[:2]
    ['unscaled features', 'saturated']
    """
    whole, found = _read(data)
    title = f"{getattr(loss, '__name__', 'loss')} of {type(model).__name__}"
    if whole is None:
        return Report(tuple(found), title)
    context = takes_context(loss, len(whole.arrays))
    subject = Subject(model, loss, context, state or {})
    order = shuffled(whole.length, seed, 0)
    batches = [tuple(map(np.copy, b)) for b in islice(whole.batches(_PROBED, order), _LOOKS)]
    found += _of_data(whole)
    found += wrong.mode(subject, batches[0])
    profile: tuple[Spread, ...] = ()
    if context or not any(f.kind == "mode" for f in found):
        probe = Probe(subject, batches[0])
        profile = of_probe(probe)
        classes, of_model = _of_model(probe, batches, whole)
        found += of_model
        slope = _slope(subject, batches[0])
        if gradient is not None and _has_slopes(found):
            found += wrong.gradients(subject, gradient, batches[0])
        if slope is not None:
            trying = Trial(subject, whole, step, optimiser, batch_size, trial, seed)
            if step is not None or optimiser is not None:
                found += _of_steps(trying, optimiser, slope)
            found += steps.decay(optimiser if step is None else None, model, slope)
            if not any(f.severity == "error" for f in found):
                found += steps.overfit(subject, batches[0], classes)
    return Report(tuple(ordered(_without_consequences(found))), title, profile)


def _read(data: Any) -> tuple[Data | None, list[Finding]]:
    """Return the data, or what is wrong with their numbers."""
    given = data if isinstance(data, (tuple, list)) else (data,)
    for k, x in enumerate(given):
        array = np.asarray(x)
        wrong_at = non_finite(array)
        if wrong_at is not None:
            count, place = wrong_at
            kind = "nan" if np.isnan(array).any() else "inf"
            return None, [
                Finding(
                    kind,
                    "error",
                    f"data[{k}]",
                    f"{count} values are NaN or infinite, the first at {list(place)}",
                    ("fill them in, or leave these examples out",),
                    evidence={"count": count},
                )
            ]
    return as_data(data, "data"), []


def _of_data(whole: Data) -> list[Finding]:
    x, *rest = whole.arrays
    return [*of_data.features(x), *(of_data.labels(rest[0]) if rest else [])]


def _of_model(
    probe: Probe, batches: Sequence[Any], whole: Data
) -> tuple[int | None, list[Finding]]:
    """Look at the model as it is: its numbers, its loss, its layers, its units.

    Returns:
        The number of classes, if there are, and what was found.
    """
    subject, first = probe.subject, batches[0]
    found = [*precision.non_finite(probe), *losses.probabilities(probe)]
    classes = losses.classes_of(probe)
    if not math.isfinite(probe.value):
        return classes, found
    if len(first) > 1:
        found += losses.output_range(probe, first[1])
        found += of_data.used(subject, first)
    found += losses.summed(subject, first)
    found += start.connected(probe)
    found += start.symmetry(probe)
    found += start.variance(probe)
    found += start.initial_loss(probe, classes)
    found += units.saturated(probe)
    found += units.flow(probe)
    found += units.dead([probe, *(Probe(subject, batch) for batch in batches[1:])])
    found += precision.coarse(subject, first, probe)
    if len(first) > 1 and not any(f.kind == "data not used" for f in found):
        found += of_data.relations(
            whole.arrays[0],
            whole.arrays[1],
            lambda: steps.learnt(subject, whole.arrays, seed=0),
        )
    return classes, found


def _has_slopes(found: list[Finding]) -> bool:
    """Tell whether differences of the loss say something: it is finite, and the same each time."""
    return not any(f.kind in ("nan", "inf") or "second" in f.evidence for f in found)


def _slope(subject: Subject, batch: Sequence[Any]) -> Any:
    """Return the gradient of the model, None where it is of no use."""
    found = grad(subject.call)(subject.model, *batch)
    entries = steps.flat(found)
    return found if np.any(entries) and np.isfinite(entries).all() else None


def _of_steps(trying: Trial, optimiser: Optimiser | None, slope: Any) -> list[Finding]:
    models = trying.models()
    batch = next(trying.batches())
    of_batch = _slope(trying.subject, batch)
    found = steps.first_step(models[0], models[1], slope if of_batch is None else of_batch)
    if found and found[0].kind != "not trained":
        return found
    if optimiser is not None:
        found += steps.memory(optimiser, trying.subject.model, slope)
    return found + steps.sizes(trying, models)


#: What often follows from another finding, and is a note then.
_CONSEQUENCES = frozenset(
    {"cannot overfit", "initial loss", "learning rate too large", "learning rate too small"}
    | {"not connected", "precision", "unrelated labels"}
)
#: What follows from some kinds only. Of units with weights of 0 nothing comes, nor goes back.
_EFFECTS = {
    "symmetry": {"dead", "vanishing", "weight decay"},
    "missing softmax": {"nan", "inf"},
    "initial variance": {"dead"},
}


def _without_consequences(found: list[Finding]) -> list[Finding]:
    causes = [f for f in found if f.severity != "note" and f.kind not in _CONSEQUENCES]
    if not causes:
        kinds = {f.kind for f in found if f.severity != "note"}
        if kinds <= {"cannot overfit"} or len(kinds) < 2:
            return found
        return [replace(f, severity="note") if f.kind == "cannot overfit" else f for f in found]
    follows = set(_CONSEQUENCES)
    for kind, effects in _EFFECTS.items():
        if any(f.kind == kind for f in causes):
            follows |= effects
    return [replace(f, severity="note") if f.kind in follows else f for f in found]
