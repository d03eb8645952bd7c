"""What a monitor makes of its numbers: of steps, of gradients, of units."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.diagnose.findings import Finding
from chainrule.explain.measures import FLAT

__all__ = ["Units", "gradients", "nan", "sizes", "steps", "unmoved"]

_LARGE, _SMALL = 0.1, 1e-6  # update to weight
_RATIO = 1e3  # of gradients, the last layer's to the first one's
_FEW = 5  # losses of which a mean tells something
_EXPLODED = 100.0  # times the first loss
_SURE = 20  # looks after which the kind of an activation function is known


def nan(name: str, what: str, step: int) -> Finding:
    """Say where a number was not finite for the first time."""
    return Finding(
        "nan",
        "error",
        name,
        what,
        (
            "diagnose(model, loss, data) with the parameters before this step names the line",
            "a smaller learning rate, or gradients clipped by their norm",
        ),
        evidence={"step": step},
    )


def unmoved(count: int) -> Finding:
    """Say that steps change nothing."""
    return Finding(
        "not applied",
        "error",
        "",
        f"in {count} steps no parameter has changed, though gradients are not 0",
        ("go on with the new parameters", "look whether the learning rate is 0"),
    )


def steps(
    cosines: Sequence[float], still: Mapping[str, bool], flat: Mapping[str, bool], count: int
) -> list[Finding]:
    """Look where steps go, and which parameters they leave out.

    Args:
        cosines: between step and gradient, for each look.
        still: by parameter, whether it has never changed.
        flat: by parameter, whether its gradient has always been 0.
        count: steps so far.
    """
    along = float(np.median(cosines))
    if along > 0.05:
        return [
            Finding(
                "wrong sign",
                "error",
                "",
                f"steps go along the gradient, uphill: the cosine between them is {along:.2f}",
                ("subtract the gradient: p = p - learning_rate * g",),
                evidence={"cosine": along},
            )
        ]
    found = []
    for name, unchanged in still.items():
        if unchanged and not flat[name]:
            found.append(
                Finding(
                    "not trained",
                    "error",
                    name,
                    f"it has not changed in {count} steps, though its gradient is not 0",
                    ("look whether the optimiser is given all parameters",),
                )
            )
        elif flat[name] and len(cosines) > 1:
            found.append(
                Finding(
                    "not connected",
                    "warning",
                    name,
                    f"its gradient was exactly 0 in {count} steps",
                    ("look whether the loss depends on it",),
                )
            )
    return found


def sizes(share: float, losses: Any) -> list[Finding]:
    """Look how large steps are, and whether the loss falls.

    Args:
        share: a step to the weights, by their norms: the median over looks, the largest parameter.
        losses: of all steps.
    """
    losses = losses[np.isfinite(losses)]
    if len(losses) < _FEW or not math.isfinite(share):
        return []
    part = max(len(losses) // 4, _FEW)
    first, last = float(np.mean(losses[:part])), float(np.mean(losses[-part:]))
    exploded = last > _EXPLODED * abs(losses[0])  # from the first step on, perhaps
    if exploded:
        first = float(losses[0])
    elif len(losses) < 4 * _FEW:
        return []
    fallen = (first - last) / max(abs(first), 1e-300)
    evidence = {"update to weight": share, "first": first, "last": last}
    said = (
        f"the loss went from {first:.4g} to {last:.4g}; a step changes the weights by "
        f"{share:.1e} of their norm, where 1e-3 is usual"
    )
    if share > _LARGE and fallen < 0.2:
        cures: tuple[str, ...] = ("a tenth of the learning rate", "optim.clip_by_global_norm")
        return [Finding("learning rate too large", "warning", "", said, cures, "", evidence)]
    if share < _SMALL and fallen < 0.05:
        cures = ("10 to 1000 times the learning rate",)
        return [Finding("learning rate too small", "warning", "", said, cures, "", evidence)]
    return []


def gradients(largest: Mapping[str, float]) -> list[Finding]:
    """Compare the gradients of the first and the last weights.

    Args:
        largest: by weight, the largest RMS of its gradient.
    """
    if len(largest) < 3:
        return []
    (name, first), *_, (behind, last) = largest.items()
    if not (first > 0 and last > 0 and math.isfinite(first + last)):
        return []
    ratio = first / last
    if 1 / _RATIO <= ratio <= _RATIO:
        return []
    kind = "vanishing" if ratio < 1 else "exploding"
    return [
        Finding(
            kind,
            "warning",
            name,
            f"the RMS of its gradient is {first:.2g}, that of {behind} is {last:.2g}",
            (
                ("nn.relu in place of sigmoid or tanh", "nn.Residual, nn.BatchNorm")
                if kind == "vanishing"
                else ("optim.clip_by_global_norm(1.0)", "smaller initial weights")
            ),
            evidence={"ratio": ratio},
        )
    ]


@dataclass
class Units:
    """An activation function that is watched: when each unit was alive, and how flat it is.

    The later half of the looks counts: units die in training, and saturated ones may come back.

    Attributes:
        name: of the signal.
        kind: ``"sigmoid"``, ``"tanh"`` or ``"relu"``; guessed from its values where it is not said.
        line: of user code.
    """

    name: str
    kind: str = ""
    line: str = ""

    def __post_init__(self) -> None:
        self._guessed = not self.kind
        self._begin()

    def _begin(self) -> None:
        self._lively: Any = None  # for each unit, the last look at which a slope was not 0
        self._flat: list[float] = []  # for each look, the share of flat entries
        self._examples: list[int] = []

    @property
    def count(self) -> int | None:
        """How many units there are, None before the first look."""
        return None if self._lively is None else int(self._lively.size)

    def look(self, h: Any) -> None:
        """Take notice of its output: (examples, ..., units)."""
        rows = h.reshape(-1, h.shape[-1]) if h.ndim else h.reshape(1, 1)
        if not rows.size:
            return
        if self._guessed and len(self._examples) < _SURE:
            self._guess(rows)
        if self._lively is None:
            self._lively = np.full(rows.shape[1], -1)
        if self.kind == "relu":
            lively = rows.max(axis=0) > 0
        else:
            flat = (1 - rows**2 if self.kind == "tanh" else 4 * rows * (1 - rows)) < FLAT
            lively = ~flat.all(axis=0)
            self._flat.append(float(flat.mean()))
        self._lively[lively] = len(self._examples)
        self._examples.append(len(rows))

    def _guess(self, rows: Any) -> None:
        low, high = float(rows.min()), float(rows.max())
        kind = self.kind or "sigmoid"
        if low < 0:
            kind = "tanh"
        elif kind != "tanh" and (high > 1 or np.count_nonzero(rows) < 0.99 * rows.size):
            kind = "relu"
        if kind != self.kind:
            self.kind = kind
            self._begin()

    def findings(self) -> list[Finding]:
        """Say what is wrong with it."""
        late = len(self._examples) // 2
        examples = sum(self._examples[late:])
        if examples < 10:
            return []
        still = int((self._lively < late).sum())
        share = still / self._lively.size
        if self.kind == "relu":
            if not still:
                return []
            return [
                Finding(
                    "dead",
                    "error" if share > 0.9 else "warning" if share > 0.25 else "note",
                    self.name,
                    f"{still} of {self._lively.size} units are silent on {examples} samples",
                    ("a smaller learning rate", "nn.leaky_relu", "initial weights by He"),
                    self.line,
                    {"dead": still, "units": int(self._lively.size)},
                )
            ]
        flat = float(np.mean(self._flat[late:]))
        if flat < 0.25 and share < 0.25:
            return []
        return [
            Finding(
                "saturated",
                "error" if flat > 0.9 else "warning",
                self.name,
                f"{flat:.0%} of the {self.kind}s are saturated, {still} of {self._lively.size} "
                f"units on all of {examples} samples",
                ("smaller initial weights", "inputs with mean 0 and variance 1", "nn.relu"),
                self.line,
                {"share": flat, "stuck": still},
            )
        ]
