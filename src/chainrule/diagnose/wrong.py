"""What is wrong in the code: layers in the wrong mode, gradients that are no slopes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from chainrule.check import check_gradient
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
    """Compare a person's own gradient with differences of the loss, at a few entries of each."""

    def loss(model: Any) -> Any:
        return subject.call(model, *batch, training=True)

    def given(model: Any) -> Any:
        return gradient(model, *batch)

    report = check_gradient(
        loss, subject.model, argnums=0, gradient=given, max_entries=_ENTRIES, directions=0
    )
    found = []
    for path, checked in zip(parameters(subject.model), report.arguments, strict=True):
        if checked.problem is not None:
            found.append(_of_shape(path, checked.problem))
            continue
        scale = max((max(abs(e.analytic), abs(e.numeric)) for e in checked.entries), default=0.0)
        worst = max(checked.entries, key=lambda e: abs(e.analytic - e.numeric), default=None)
        if worst is None:
            continue
        error = abs(worst.analytic - worst.numeric) / max(scale, 1e-12)
        if error > _WRONG:
            found.append(
                Finding(
                    "wrong gradient",
                    "error",
                    path,
                    f"at {worst.place or 'its value'} it is {worst.analytic:.4g}, and the loss has "
                    f"the slope {worst.numeric:.4g} there",
                    ("chainrule.grad of the loss", "chainrule.review of the code that makes it"),
                    evidence={"error": error, "given": worst.analytic},
                )
            )
    return found


def _of_shape(path: str, problem: str) -> Finding:
    return Finding(
        "wrong gradient",
        "error",
        path,
        problem,
        ("a sum over the examples for a bias, a product of transposes for a weight",),
    )
