"""In which order a model is looked at, whichever library it is written with."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from chainrule.diagnose import data as of_data
from chainrule.diagnose import losses, precision, start, steps, units
from chainrule.diagnose.findings import Finding, ordered
from chainrule.diagnose.heart import overfit
from chainrule.diagnose.learner import Learner
from chainrule.diagnose.outputs import classes_of
from chainrule.diagnose.probabilities import probabilities
from chainrule.diagnose.probe import Probe, Subject
from chainrule.diagnose.report import Report
from chainrule.diagnose.spread import Spread, of_probe
from chainrule.diagnose.trial import Trial
from chainrule.train.batches import Data, as_data, non_finite, shuffled

__all__ = ["Means", "examine", "read", "without_warnings"]

_PROBED = 256  # examples in one look
_LOOKS = 8  # looks over the data for dead units


@contextmanager
def without_warnings() -> Iterator[None]:
    """Let nothing be warned of: what is wrong is in the report."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@dataclass(frozen=True)
class Means:
    """How a model is looked at.

    Attributes:
        subject: the model and its loss.
        probe: runs the loss of a subject on a batch, with all signals and gradients.
        learner: trains a copy.
        mode: looks whether layers are in the right mode, on a batch.
        non_finite: finds where NaN and infinity arise in a probe.
        exact: the same probe in float64, None where it is.
        slope: the gradient of the model on a batch, None where it is of no use.
        gradients: compares a person's own gradient with differences, on a batch.
        trial: the steps that are tried, None where there is no way to make one.
        memory: looks for how long steps remember, by the gradient.
        decay: looks whether they see the weights' size and little else.
        inputs: returns the gradient by the inputs, of a model and a batch; None if there is no way.
    """

    subject: Subject
    probe: Callable[[Subject, Sequence[Any]], Probe]
    learner: Callable[[Subject, float], Learner]
    mode: Callable[[Sequence[Any]], list[Finding]]
    non_finite: Callable[[Probe], list[Finding]]
    exact: Callable[[Sequence[Any]], Probe | None]
    slope: Callable[[Sequence[Any]], Any]
    gradients: Callable[[Sequence[Any]], list[Finding]]
    trial: Trial | None
    memory: Callable[[Any], list[Finding]]
    decay: Callable[[Any], list[Finding]]
    inputs: Callable[[Any, Sequence[Any]], Any] | None = None


def examine(
    means: Means, whole: Data, title: str, seed: int, lax: bool, kinds: Collection[str] | None
) -> Report:
    """Look at everything.

    Args:
        means: how.
        whole: the data.
        title: of the report.
        seed: decides which examples are looked at.
        lax: whether a layer in the wrong mode is no reason to end there.
        kinds: of findings that are wanted; None for all.
    """
    order = shuffled(whole.length, seed, 0)
    batches = [tuple(map(np.copy, b)) for b in islice(whole.batches(_PROBED, order), _LOOKS)]
    found = _of_data(whole)
    found += means.mode(batches[0])
    profile: tuple[Spread, ...] = ()
    if lax or not any(f.kind == "mode" for f in found):
        probe = means.probe(means.subject, batches[0])
        profile = of_probe(probe)
        classes, of_model = _of_model(means, probe, batches, whole)
        found += of_model
        slope = means.slope(batches[0])
        if _has_slopes(found):
            found += means.gradients(batches[0])
        if slope is not None:
            if means.trial is not None:
                found += _of_steps(means, means.trial, slope)
            found += means.decay(slope)
            wanted = kinds is None or "cannot overfit" in kinds
            if wanted and not any(f.severity == "error" for f in found):
                found += overfit(means.subject, means.learner, means.probe, batches[0], classes)
    if kinds is not None:
        found = [finding for finding in found if finding.kind in kinds]
    return Report(tuple(ordered(_without_consequences(found))), title, profile)


def read(data: Any) -> tuple[Data | None, list[Finding]]:
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
    means: Means, probe: Probe, batches: Sequence[Any], whole: Data
) -> tuple[int | None, list[Finding]]:
    """Look at the model as it is: its numbers, its loss, its layers, its units.

    Returns:
        The number of classes, if there are, and what was found.
    """
    subject, first = means.subject, batches[0]
    target = first[-1]  # of an autoencoder the input
    found = [*means.non_finite(probe), *probabilities(probe, target)]
    classes = classes_of(probe)
    if not math.isfinite(probe.value):
        return classes, found
    found += losses.output_range(probe, target)
    found += losses.uphill(probe, target)
    if len(first) > 1:
        found += of_data.used(subject, first)
        if means.inputs is not None and not any(f.kind == "data not used" for f in found):
            found += of_data.unused_features(subject, first, means.inputs)
    found += losses.summed(subject, first, probe)
    part = [x[: 2 * len(x) // 3] for x in first]
    found += start.connected(probe, lambda: means.probe(subject, part))
    found += start.symmetry(probe)
    found += start.variance(probe)
    found += start.initial_loss(probe, classes, first[1] if len(first) > 1 else None)
    found += units.saturated(probe)
    found += units.flow(probe)
    found += units.dead([probe, *(means.probe(subject, batch) for batch in batches[1:])])
    found += precision.coarse(probe, means.exact(first))
    if len(first) > 1 and not any(f.kind == "data not used" for f in found):
        found += of_data.relations(
            whole.arrays[0],
            whole.arrays[1],
            lambda: steps.learnt(subject, means.learner, whole.arrays, seed=0),
        )
    return classes, found


def _has_slopes(found: list[Finding]) -> bool:
    """Tell whether differences of the loss say something: it is finite, and the same each time."""
    return not any(f.kind in ("nan", "inf") or "second" in f.evidence for f in found)


def _of_steps(means: Means, trying: Trial, slope: Any) -> list[Finding]:
    models = trying.models()
    batch = next(trying.batches())
    of_batch = means.slope(batch)
    found = steps.first_step(models[0], models[1], slope if of_batch is None else of_batch)
    if found and found[0].kind != "not trained":
        return found
    return [*found, *means.memory(slope), *steps.sizes(trying, models)]


#: What often follows from another finding, and is a note then.
_CONSEQUENCES = frozenset(
    {"cannot overfit", "initial loss", "learning rate too large", "learning rate too small"}
    | {"not connected", "precision", "unrelated labels"}
)
#: What follows from some kinds only. Of units with weights of 0 nothing comes, nor goes back.
_EFFECTS = {
    "symmetry": {"dead", "vanishing", "weight decay"},
    "missing softmax": {"nan", "inf"},
    "initial variance": {"dead", "weight decay"},
    "exploding": {"weight decay"},
    "output range": {"data not used"},
}


def _without_consequences(found: list[Finding]) -> list[Finding]:
    causes = [f for f in found if f.severity != "note" and f.kind not in _CONSEQUENCES]
    if not causes:
        kinds = {f.kind for f in found if f.severity != "note"}
        if kinds <= {"cannot overfit"} or len(kinds) < 2:
            return found
        return [replace(f, severity="note") if f.kind == "cannot overfit" else f for f in found]
    follows = set(_CONSEQUENCES)
    if all(f.evidence.get("last") for f in causes):
        follows.remove("initial loss")  # it is told, too, of a last layer with weights too large
    silent = [f for f in causes if f.kind == "dead" and f.evidence["dead"] == f.evidence["units"]]
    if any(f.evidence["varies"] for f in silent):
        follows.add("data not used")
    elif any(f.kind == "data not used" for f in causes):
        follows.add("dead")  # nothing comes to these units
    for kind, effects in _EFFECTS.items():
        if any(f.kind == kind for f in causes):
            follows |= effects
    return [replace(f, severity="note") if f.kind in follows else f for f in found]
