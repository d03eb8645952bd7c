"""What steps do: whether they go downhill, reach every parameter, and have the right size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.diagnose.findings import Finding
from chainrule.diagnose.learner import Learner
from chainrule.diagnose.probe import Subject
from chainrule.diagnose.trial import Trial
from chainrule.nn.module import parameters
from chainrule.optim.optimiser import Optimiser

__all__ = ["decay", "first_step", "flat", "learnt", "memory", "sizes"]

LearnerOf = Callable[[Subject, float], Learner]

_USUAL = 1e-3  # of the weights' norm, in a step
_SHORTER = ("tenth", 0.1), ("hundredth", 0.01), ("thousandth", 1e-3), ("millionth", 1e-6)


def flat(tree: Any) -> Any:
    """Return all entries of a tree as one vector."""
    leaves = [np.asarray(x, dtype=np.float64).ravel() for x in trees.flatten(tree)[0]]
    return np.concatenate(leaves) if leaves else np.zeros(0)


def cosine(a: Any, b: Any) -> float:
    """Return the cosine of the angle between two vectors, 0 where one is 0."""
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / size if size > 0 else 0.0


def first_step(before: Any, after: Any, gradient: Any) -> list[Finding]:
    """Look at one step: its direction, and which parameters it leaves as they are."""
    change = flat(after) - flat(before)
    g = flat(gradient)
    if not np.any(change):
        return [
            Finding(
                "not applied",
                "error",
                "",
                "a step leaves every parameter as it was, though the gradient is not 0",
                (
                    "hand the new parameters back: params = optim.apply_updates(params, updates)",
                    "look whether the learning rate is 0",
                ),
            )
        ]
    along = cosine(change, g)
    if along > 0.05:
        return [
            Finding(
                "wrong sign",
                "error",
                "",
                f"a step goes along the gradient, uphill: the cosine between them is {along:.2f}",
                ("subtract the gradient: p = p - learning_rate * g",),
                evidence={"cosine": along},
            )
        ]
    found = []
    new, slopes = parameters(after), parameters(gradient)
    rate = float(np.linalg.norm(change) / np.linalg.norm(g))
    for path, old in parameters(before).items():
        if np.array_equal(new[path], old) and _shows(rate * np.asarray(slopes[path]), old):
            found.append(
                Finding(
                    "not trained",
                    "error",
                    path,
                    "a step leaves it as it was, though its gradient is not 0 "
                    f"(RMS {np.sqrt(np.mean(np.square(slopes[path]))):.2g})",
                    ("look whether the optimiser is given all parameters",),
                )
            )
    return found


def _shows(step: Any, p: Any) -> bool:
    """Tell whether a step would be seen in numbers of this type.

    In front of a normalisation the gradient of a bias is 0 but for rounding.
    """
    p = np.asarray(p)
    return p.dtype.kind == "f" and bool(np.any(np.abs(step) > np.spacing(np.abs(p))))


def memory(optimiser: Optimiser, model: Any, gradient: Any) -> list[Finding]:
    """Ask an optimiser for what it makes of a constant gradient, and of one that turns round.

    With momentum b the step grows to 1 / (1 - b) of the first, and after a turn it takes about
    log(2) / (1 - b) steps until it follows.
    """
    found: list[Finding] = []
    state = optimiser.init(model)
    first, size = None, 0.0
    turned = trees.map_leaves(lambda g: -g, gradient)
    g = flat(gradient)
    nothing = trees.map_leaves(np.zeros_like, model)
    for _ in range(60):
        updates, state = optimiser.update(gradient, state, nothing)
        size = float(np.linalg.norm(flat(updates)))
        first = first or size
    late = 0
    for _ in range(60):
        updates, state = optimiser.update(turned, state, nothing)
        if flat(updates) @ g > 0:
            break
        late += 1
    growth = size / first if first else 1.0
    if late > 30 or growth > 25:
        found.append(
            Finding(
                "momentum",
                "warning",
                "",
                f"under a constant gradient steps grow {growth:.1f} times in 60 steps, and when it "
                f"turns round they follow after {late if late < 60 else 'more than 60'}: the "
                "momentum is too large",
                ("a momentum of 0.9; of Adam b1 = 0.9 and b2 = 0.999, in this order",),
                evidence={"growth": growth, "late": late},
            )
        )
    return found


def decay(optimiser: Optimiser | None, model: Any, gradient: Any) -> list[Finding]:
    """Look whether the weights' own size decides the steps: in the optimiser, or in the loss."""
    p, g = _weights(model, model), _weights(gradient, model)
    if p.size < 20 or not np.any(p):
        return []
    pull, where = cosine(g, p), "the gradient of the loss"
    if optimiser is not None and pull < 0.5:
        updates, _ = optimiser.update(gradient, optimiser.init(model), model)
        still, _ = optimiser.update(
            trees.map_leaves(np.zeros_like, model), optimiser.init(model), model
        )
        size = float(np.linalg.norm(_weights(updates, model)))
        own = float(np.linalg.norm(_weights(still, model))) / max(size, 1e-300)
        pull = max(cosine(-_weights(updates, model), p), 0.0)
        where = "a step"
        if pull < 0.5 or own < 0.3:
            return []
    if pull < 0.5:
        return []
    return [
        Finding(
            "weight decay",
            "warning",
            "",
            f"{where} points at smaller weights (cosine {pull:.2f}) more than at a better fit: the "
            "penalty on the weights drowns the data",
            ("a smaller penalty: 1e-4 to 1e-2 of the weights, by the step",),
            evidence={"cosine": pull},
        )
    ]


def _weights(tree: Any, model: Any) -> Any:
    """Return the entries of a tree that belong to the weights of a model, biases left out."""
    leaves, places = trees.flatten(tree)[0], trees.flatten(model)[0]
    kept = [x for x, p in zip(leaves, places, strict=True) if np.ndim(p) >= 2]
    return flat(kept)


def learnt(subject: Subject, learner_of: LearnerOf, arrays: Sequence[Any], seed: int) -> float:
    """Train with two thirds of the examples, and compare the rest with shuffled targets.

    Returns:
        How much lower the loss is with the right targets than with shuffled ones, in deviations
        of these; the best of a few moments on the way.
    """
    length = len(arrays[0])
    order = np.random.default_rng(seed).permutation(length)[:2000]
    seen, rest = order[: len(order) * 2 // 3], order[len(order) * 2 // 3 :]
    learner = learner_of(subject, 3e-3)
    rng, best = np.random.default_rng(seed), -math.inf
    x, *others = (np.asarray(a)[rest] for a in arrays)
    for number in range(1, 401):
        rows = rng.choice(seen, size=min(32, len(seen)), replace=False)
        learner.step(number, [np.asarray(a)[rows] for a in arrays])
        if number % 50:
            continue
        here = learner.subject
        chance = []
        for _ in range(12):
            shuffled = rng.permutation(len(rest))
            chance.append(here.value([x, *(a[shuffled] for a in others)]))
        gain = float(np.mean(chance)) - here.value([x, *others])
        best = max(best, gain / (float(np.std(chance)) + 1e-12))
    return best


def sizes(trial: Trial, models: list[Any]) -> list[Finding]:
    """Judge the size of steps: by where they led, and where longer or shorter ones lead."""
    start, end = trial.loss(models[0]), trial.loss(models[-1])
    changes = [flat(b) - flat(a) for a, b in pairwise(models)]
    weights = max(float(np.linalg.norm(flat(models[0]))), 1e-300)
    lengths = [float(np.linalg.norm(c)) for c in changes]
    share = float(np.median([x for x in lengths if math.isfinite(x)] or [math.inf])) / weights
    evidence = {"first": start, "last": end, "update to weight": share}
    gained = start - end if math.isfinite(end) else -math.inf
    if gained < 0.5 * abs(start) or share > 0.05:
        worse = not end <= start
        for part, factor in _SHORTER[: None if worse else 2]:
            shorter = trial.loss(trial.models(factor)[-1])
            better = end - shorter > 0.15 * abs(start) or not math.isfinite(end)
            if not (math.isfinite(shorter) and better and shorter < start):
                continue
            return [
                Finding(
                    "learning rate too large",
                    "warning" if end < start else "error",
                    "",
                    f"after {len(changes)} steps the loss is {end:.3g}, {start:.3g} at the start; "
                    f"with steps a {part} as long it is {shorter:.3g}. A step changes the weights "
                    f"by {share:.1e} of their norm, where 1e-3 is usual",
                    (f"a {part} of the learning rate", "optim.warmup, optim.clip_by_global_norm"),
                    evidence={**evidence, "shorter": shorter},
                )
            ]
    if gained < 0.05 * abs(start) and share < _USUAL:
        for factor in (10.0, 100.0, 1e3, 1e4, 1e5, 1e6, 1e7):
            if share * factor > 0.1:
                break
            longer = trial.loss(trial.models(factor)[-1])
            if math.isfinite(longer) and start - longer > max(5 * gained, 0.1 * abs(start)):
                return [
                    Finding(
                        "learning rate too small",
                        "warning",
                        "",
                        f"after {len(changes)} steps the loss is {end:.4g}, {start:.4g} at the "
                        f"start; with steps {factor:.0f} times as long it is {longer:.4g}. A step "
                        f"changes the weights by {share:.1e} of their norm, where 1e-3 is usual",
                        (f"{factor:.0f} times the learning rate",),
                        evidence={**evidence, "longer": longer},
                    )
                ]
    return []
