"""What is wrong in the code: layers in the wrong mode, gradients that are no slopes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.diagnose.findings import Finding
from chainrule.diagnose.probe import Subject
from chainrule.nn.module import modules, parameters

__all__ = ["gradients", "mode"]

_ENTRIES = 6  # of each parameter, that are compared with differences
_WRONG = 1e-3  # relative


def mode(subject: Subject, batch: Sequence[Any]) -> list[Finding]:
    """Look whether layers that do something else in training do it there, and only there."""
    special = [(path, m) for path, m in modules(subject.model) if m.needs_context]
    if special and not subject.context:
        path, module = special[0]
        name = type(module).__name__
        return [
            Finding(
                "mode",
                "error",
                path,
                f"the loss takes no context, so {name} does not know whether it is trained: it "
                "does what it does in prediction",
                ("def loss(model, x, y, context): return nn.cross_entropy(model(x, context), y)",),
            )
        ]
    first, second = (subject.value(batch, training=False, seed=seed) for seed in (0, 1))
    path = special[0][0] if special else ""
    if first != second and not (math.isnan(first) or math.isnan(second)):
        return [
            Finding(
                "mode",
                "error",
                path,
                f"prediction is random: the loss of the same batch is {first:.6g} and {second:.6g}",
                (
                    "hand the context of the loss over to the model, and make none inside",
                    "nn.Evaluation, and no random numbers, in prediction",
                ),
                evidence={"first": first, "second": second},
            )
        ]
    if not special:
        return []
    trained = [subject.value(batch, training=True, seed=seed) for seed in (0, 1)]
    if trained[0] == trained[1] == first:
        return [
            Finding(
                "mode",
                "error",
                path,
                f"{type(special[0][1]).__name__} does the same in training as in prediction: the "
                f"loss is {first:.6g} in both",
                ("hand the context of the loss over to the model: model(x, context)",),
                evidence={"loss": first},
            )
        ]
    return []


def gradients(
    subject: Subject, gradient: Callable[..., Any], batch: Sequence[Any]
) -> list[Finding]:
    """Compare a person's own gradient with differences of the loss, at a few entries of each.

    The difference is central, with a step of the cube root of the rounding error.
    """
    found = []
    given = parameters(gradient(subject.model, *batch))
    leaves, build = trees.flatten(subject.model)
    rng = np.random.default_rng(0)
    for k, (path, value) in enumerate(parameters(subject.model).items()):
        own, value = np.asarray(given[path]), np.asarray(value)
        if own.shape != value.shape:
            found.append(_of_shape(path, own, value))
            continue
        entries = rng.choice(value.size, size=min(_ENTRIES, value.size), replace=False)
        slopes = np.array([_slope(subject, batch, leaves, build, k, e) for e in entries])
        ours = own.ravel()[entries]
        scale = max(float(np.abs(slopes).max()), float(np.abs(ours).max()), 1e-12)
        error = float(np.abs(slopes - ours).max() / scale)
        if error > _WRONG:
            worst = int(np.argmax(np.abs(slopes - ours)))
            place = tuple(map(int, np.unravel_index(entries[worst], value.shape)))
            found.append(
                Finding(
                    "wrong gradient",
                    "error",
                    path,
                    f"at {list(place)} it is {ours[worst]:.4g}, and the loss has the slope "
                    f"{slopes[worst]:.4g} there",
                    ("chainrule.grad of the loss", "chainrule.review of the code that makes it"),
                    evidence={"error": error, "given": float(ours[worst])},
                )
            )
    return found


def _of_shape(path: str, own: Any, value: Any) -> Finding:
    return Finding(
        "wrong gradient",
        "error",
        path,
        f"its gradient has the shape {own.shape}, and it has {value.shape}",
        ("a sum over the examples for a bias, a product of transposes for a weight",),
    )


def _slope(
    subject: Subject, batch: Sequence[Any], leaves: list[Any], build: Any, k: int, entry: int
) -> float:
    values = []
    x = np.array(leaves[k], dtype=np.float64)
    h = 6e-6 * max(1.0, abs(float(x.ravel()[entry])))
    for sign in (1, -1):
        moved = x.copy()
        moved.reshape(-1)[entry] += sign * h
        model = build([*leaves[:k], moved.reshape(x.shape), *leaves[k + 1 :]])
        values.append(float(np.asarray(subject.call(model, *batch, training=True))))
    return (values[0] - values[1]) / (2 * h)
