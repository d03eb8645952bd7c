"""A monitor: what a training loop tells of itself while it runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.diagnose.findings import Finding, ordered
from chainrule.diagnose.report import Report
from chainrule.explain.findings import FLAT
from chainrule.nn.module import parameters
from chainrule.train.history import History

__all__ = ["Monitor"]

_LARGE, _SMALL = 0.1, 1e-6  # update to weight
_RATIO = 1e3  # of gradients, the last layer's to the first one's


@dataclass
class _Units:
    """An activation that is watched: for each unit, how often it lives, and how flat it is."""

    kind: str
    alive: Any
    steep: Any
    flat: float = 0.0
    looks: int = 0
    examples: int = 0


@dataclass
class Monitor:
    """Watches any training loop, one of plain NumPy, too.

    Call `step` in each turn, and `report` when you like. Every so many steps it looks at
    parameters, gradients and updates; in between at the loss alone, so that it costs little.

    Args:
        every: steps between two looks.

    Attributes:
        history: what was measured at each look, as columns: ``step``, ``loss``, and for each
            parameter ``gradient NAME`` (its RMS) and ``update NAME`` (||dW|| / ||W||, where 1e-3
            is usual; Karpathy, 2015).

    >>> monitor = Monitor(every=1)
    >>> w = np.array([1.0, 2.0])
    >>> for _ in range(20):
    ...     g = 2 * w
    ...     new = w + 0.1 * g  # uphill
    ...     monitor.step({"w": w}, {"w": g}, {"w": new}, loss=np.sum(w**2))
    ...     w = new
    >>> monitor.report().kinds
    ['wrong sign']
    """

    every: int = 10
    history: History = field(default_factory=History)

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"Monitor(every={self.every}): it must be at least 1")
        self.steps = 0
        self.losses: list[float] = []
        self._cosines: list[float] = []
        self._rows: list[dict[str, float]] = []
        self._shapes: dict[str, int] = {}
        self._still: dict[str, bool] = {}
        self._flat: dict[str, bool] = {}
        self._units: dict[str, _Units] = {}
        self._arisen: Finding | None = None

    def wants(self) -> bool:
        """Tell whether the next step is looked at, so that it needs gradients and signals."""
        return self.steps % self.every == 0

    def step(
        self,
        params: Any,
        gradients: Any,
        updated: Any,
        loss: float,
        signals: Mapping[str, Any] | None = None,
    ) -> None:
        """Take notice of a step.

        Args:
            params: the parameters before it, a tree.
            gradients: their gradients; anything where `wants` said no.
            updated: the parameters after it.
            loss: the loss before it.
            signals: outputs of activation functions by name, (examples, ..., units): of a sigmoid
                they lie between 0 and 1, of a tanh between -1 and 1, of a ReLU above 0.
        """
        look = self.wants()
        self.steps += 1
        self.losses.append(float(loss))
        if self._arisen is None and not math.isfinite(self.losses[-1]):
            self._arisen = self._of_nan("", f"the loss is {loss} in step {self.steps}")
        if not look:
            return
        before, slopes, after = (parameters(tree) for tree in (params, gradients, updated))
        row: dict[str, float] = {"step": self.steps, "loss": self.losses[-1]}
        along = size = slope = 0.0
        for name, p in before.items():
            p, g = (np.asarray(x, dtype=np.float64) for x in (p, slopes[name]))
            change = np.asarray(after[name], dtype=np.float64) - p
            dot, steep = float(np.vdot(change, g)), float(np.vdot(g, g))
            changed = float(np.vdot(change, change))
            along, size, slope = along + dot, size + changed, slope + steep
            row[f"gradient {name}"] = math.sqrt(steep / max(p.size, 1))
            row[f"update {name}"] = math.sqrt(changed / max(float(np.vdot(p, p)), 1e-300))
            self._shapes[name] = p.ndim
            self._still[name] = self._still.get(name, True) and changed == 0
            self._flat[name] = self._flat.get(name, True) and steep == 0
            if self._arisen is None and not math.isfinite(steep + changed):
                what = "gradient" if not math.isfinite(steep) else "update"
                self._arisen = self._of_nan(name, f"its {what} is not finite in step {self.steps}")
        if size > 0 and slope > 0 and math.isfinite(size * slope):
            self._cosines.append(along / math.sqrt(size * slope))
        self.history = self.history.with_row(row)
        for name, h in (signals or {}).items():
            self._watch(name, np.asarray(h))

    def _of_nan(self, name: str, what: str) -> Finding:
        return Finding(
            "nan",
            "error",
            name,
            what,
            (
                "diagnose(model, loss, data) with the parameters before this step names the line",
                "a smaller learning rate, or gradients clipped by their norm",
            ),
            evidence={"step": self.steps},
        )

    def _watch(self, name: str, h: Any) -> None:
        rows = h.reshape(-1, h.shape[-1]) if h.ndim else h.reshape(1, 1)
        if not rows.size:
            return
        low, high = float(rows.min()), float(rows.max())
        units = self._units.get(name)
        if units is None:
            none = np.zeros(rows.shape[1], dtype=bool)
            units = self._units[name] = _Units("sigmoid", none, none.copy())
        if low < 0:
            units.kind = "tanh"
        elif units.kind != "tanh" and (high > 1 or (rows == 0).mean() > 0.01):
            units.kind = "relu"
        slope = 1 - rows**2 if units.kind == "tanh" else 4 * rows * (1 - rows)
        flat = slope < FLAT
        units.alive |= (rows > 0).any(axis=0)
        units.steep |= ~flat.all(axis=0)
        units.flat += float(flat.mean())
        units.looks += 1
        units.examples += len(rows)

    # What it says.

    @property
    def health(self) -> str:
        """The most pressing finding in a few words, or "healthy"."""
        alarms = self.report().alarms
        if not alarms:
            return "healthy"
        first = alarms[0]
        return f"{first.kind} in {first.layer}" if first.layer else first.kind

    def report(self) -> Report:
        """Return what was found so far."""
        found = [] if self._arisen is None else [self._arisen]
        looks = len(self._cosines)
        if looks >= 1:
            found += self._of_steps()
            found += self._of_gradients()
        elif self.steps >= self.every and self._still and all(self._still.values()):
            found += self._unmoved()
        for name, units in self._units.items():
            found += _of_units(name, units)
        return Report(tuple(ordered(found)), f"{self.steps} steps")

    def _unmoved(self) -> list[Finding]:
        if all(self._flat.values()):
            return []
        return [
            Finding(
                "not applied",
                "error",
                "",
                f"in {self.steps} steps no parameter has changed, though gradients are not 0",
                ("go on with the new parameters", "look whether the learning rate is 0"),
            )
        ]

    def _of_steps(self) -> list[Finding]:
        along = float(np.median(self._cosines))
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
        for name, still in self._still.items():
            if still and not self._flat[name]:
                found.append(
                    Finding(
                        "not trained",
                        "error",
                        name,
                        f"it has not changed in {self.steps} steps, though its gradient is not 0",
                        ("look whether the optimiser is given all parameters",),
                    )
                )
            elif self._flat[name] and len(self._cosines) > 1:
                found.append(
                    Finding(
                        "not connected",
                        "warning",
                        name,
                        f"its gradient was exactly 0 in {self.steps} steps",
                        ("look whether the loss depends on it",),
                    )
                )
        return found + self._of_sizes()

    def _of_sizes(self) -> list[Finding]:
        names = [f"update {name}" for name, ndim in self._shapes.items() if ndim >= 2]
        names = names or [f"update {name}" for name in self._shapes]
        share = max(float(np.median(self.history[name])) for name in names)
        losses = np.asarray(self.losses)
        losses = losses[np.isfinite(losses)]
        if len(losses) < 20 or not math.isfinite(share):
            return []
        part = max(len(losses) // 4, 5)
        first, last = float(np.mean(losses[:part])), float(np.mean(losses[-part:]))
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

    def _of_gradients(self) -> list[Finding]:
        weights = [name for name, ndim in self._shapes.items() if ndim >= 2]
        if len(weights) < 3:
            return []
        sizes = [max(self.history[f"gradient {name}"]) for name in weights]
        first, last = sizes[0], sizes[-1]
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
                weights[0],
                f"the RMS of its gradient is {first:.2g}, that of {weights[-1]} is {last:.2g}",
                (
                    ("nn.relu in place of sigmoid or tanh", "nn.Residual, nn.BatchNorm")
                    if kind == "vanishing"
                    else ("optim.clip_by_global_norm(1.0)", "smaller initial weights")
                ),
                evidence={"ratio": ratio},
            )
        ]


def _of_units(name: str, units: _Units) -> list[Finding]:
    if units.examples < 10:
        return []
    count = units.alive.size
    if units.kind == "relu":
        dead = int((~units.alive).sum())
        if not dead:
            return []
        share = dead / count
        return [
            Finding(
                "dead",
                "error" if share > 0.9 else "warning" if share > 0.25 else "note",
                name,
                f"{dead} of {count} units are silent on {units.examples} samples",
                ("a smaller learning rate", "nn.leaky_relu", "initial weights by He"),
                evidence={"dead": dead, "units": count},
            )
        ]
    flat, stuck = units.flat / units.looks, int((~units.steep).sum())
    if flat < 0.25 and stuck / count < 0.25:
        return []
    return [
        Finding(
            "saturated",
            "error" if flat > 0.9 else "warning",
            name,
            f"{flat:.0%} of the {units.kind}s are saturated, {stuck} of {count} units on all of "
            f"{units.examples} samples",
            ("smaller initial weights", "inputs with mean 0 and variance 1", "nn.relu"),
            evidence={"share": flat, "stuck": stuck},
        )
    ]
