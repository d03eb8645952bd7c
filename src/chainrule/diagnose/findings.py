"""What can be found, and how it is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["KINDS", "Finding", "Severity", "ordered"]

Severity = Literal["error", "warning", "note"]

#: Every kind of finding, with what it means. Causes stand before what follows from them.
KINDS: Mapping[str, str] = {
    "inf": "infinity arises",
    "nan": "NaN arises",
    "data not used": "the loss does not depend on a part of the data",
    "unrelated labels": "inputs and labels do not belong together",
    "constant features": "features that are the same in every example",
    "unscaled features": "features far from mean 0 and variance 1, or of very different sizes",
    "unbalanced labels": "some classes are much rarer than others",
    "softmax twice": "probabilities go into a loss of logits",
    "missing softmax": "logits go into a loss of probabilities",
    "output range": "the output cannot reach the targets",
    "summed loss": "the loss grows with the number of examples",
    "mode": "a layer that does something else in training is in the wrong mode",
    "wrong gradient": "a gradient is not the slope of the loss",
    "not connected": "a parameter has no part in the loss",
    "symmetry": "units that are alike, and stay alike",
    "initial variance": "initial weights that make signals grow or shrink from layer to layer",
    "saturated": "sigmoids or tanhs where they are flat",
    "dead": "ReLUs that are zero for every example",
    "vanishing": "gradients that get smaller from layer to layer, or from turn to turn",
    "exploding": "gradients that get larger from layer to layer, or from turn to turn",
    "initial loss": "a loss at the start that is worse than guessing",
    "wrong sign": "steps that go uphill",
    "not applied": "steps that change nothing",
    "not trained": "a parameter that no step changes",
    "momentum": "steps that follow gradients of long ago",
    "weight decay": "steps, or a loss, that see the weights' size and little else",
    "learning rate too large": "steps that jump over the minimum",
    "learning rate too small": "steps that hardly get anywhere",
    "cannot overfit": "a few examples that cannot be learnt by heart",
    "precision": "float32 is too coarse for the gradient",
}
_ORDER = {kind: number for number, kind in enumerate(KINDS)}


@dataclass(frozen=True)
class Finding:
    """Something that keeps a model from learning, or may.

    Attributes:
        kind: one of `KINDS`.
        severity: ``"error"``: it cannot learn like this; ``"warning"``: it learns less than it
            could; ``"note"``: good to know.
        layer: the path of the layer or parameter, ``"layers.2"``; empty where it is the whole.
        message: what was found, with its numbers.
        cures: what to do about it, the most promising first.
        line: the line of user code, ``"line 12 of net.py: z = sigmoid(h)"``, where known.
        evidence: the numbers behind it.
    """

    kind: str
    severity: Severity
    layer: str
    message: str
    cures: tuple[str, ...] = ()
    line: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no kind of finding is called {self.kind!r}")

    def __str__(self) -> str:
        where = f"{self.layer}: " if self.layer else ""
        return f"{self.severity}: {self.kind}: {where}{self.message}"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "layer": self.layer,
            "line": self.line,
            "message": self.message,
            "cures": list(self.cures),
            "evidence": dict(self.evidence),
        }


def ordered(findings: list[Finding]) -> list[Finding]:
    """Return findings, causes before what follows from them, notes at the end; each said once."""
    once: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        once.setdefault((finding.kind, finding.layer), finding)
    return sorted(once.values(), key=lambda f: (f.severity == "note", _ORDER[f.kind]))
