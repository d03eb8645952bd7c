"""Whether a model can learn a few examples by heart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.diagnose.findings import Finding
from chainrule.diagnose.learner import Learner
from chainrule.diagnose.probe import Probe, Subject, rms

__all__ = ["overfit"]

_FEW = 20  # examples
_HEART = 300  # steps
_REST = 0.3  # of the gradient by the outputs: its square, what is left to gain, is below a tenth
_SOME = 0.8  # of the first loss: what is asked of a model with fewer parameters than targets


def overfit(
    subject: Subject,
    learner_of: Callable[[Subject, float], Learner],
    probe_of: Callable[[Subject, Sequence[Any]], Probe],
    batch: Sequence[Any],
    classes: int | None,
) -> list[Finding]:
    """Learn a few examples by heart, with Adam. Karpathy, 2019: overfit one batch.

    Not every loss ends at 0: that of a Poisson distribution does not. There they are learnt where
    no example asks for another output any more.

    Returns:
        A finding if the loss stays above a third of what it was, or of what guessing gives.
    """
    few = [np.asarray(x)[:_FEW] for x in batch]
    first = subject.value(few)
    if not math.isfinite(first):
        return []
    best = first
    for rate in (3e-3, 3e-2):
        learner = learner_of(subject, rate)
        value = first
        for number in range(_HEART):
            value = learner.step(number, few)
            if not math.isfinite(value):
                break
        if math.isfinite(value):
            best = min(best, value)
        if best < 0.1 * first or _at_rest(probe_of(subject, few), probe_of(learner.subject, few)):
            return []
    guess = first if classes is None else min(first, math.log(classes))
    if best < guess / 3 or (best < _SOME * guess and _is_small(subject, few)):
        return []
    return [
        Finding(
            "cannot overfit",
            "warning",
            "",
            f"{len(few[0])} examples cannot be learnt by heart: after {_HEART} steps of Adam the "
            f"loss is {best:.3g}, {first:.3g} at the start",
            (
                "look at the findings above first: one of them may be the reason",
                "look whether equal inputs have different labels",
                "a wider model",
            ),
            evidence={"first": first, "last": best},
        )
    ]


def _is_small(subject: Subject, few: Sequence[Any]) -> bool:
    """Tell whether there are fewer parameters than targets: no model fits any numbers then."""
    count = sum(np.size(p) for p in trees.flatten(subject.model)[0])
    return count < np.size(few[-1])


def _at_rest(before: Probe, after: Probe) -> bool:
    """Tell whether the loss asks no example for another output.

    That is not so where it could not: an entry whose gradient is exactly 0 is cut off.
    """
    slopes = [_by_output(probe) for probe in (before, after)]
    if any(g is None or np.shape(g)[:1] != (_FEW,) for g in slopes):
        return False
    first, last = slopes
    return bool(np.all(last)) and rms(last) < _REST * rms(first)


def _by_output(probe: Probe) -> Any:
    """Return the gradient by the output of the model, None if there is none.

    A loss may call the model several times: what goes back to each of them is added.
    """
    output = probe.output
    if output is None:
        return None
    same = [
        node
        for node in probe.layers[-1].nodes
        if node.operation is output.operation and np.array_equal(node.output, output.output)
    ]
    found = [g for node in same if (g := probe.gradient(node)) is not None]
    return sum(found[1:], found[0]) if found else None
