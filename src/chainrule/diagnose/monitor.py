"""A monitor: what a training loop tells of itself while it runs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.diagnose import watched
from chainrule.diagnose.findings import Finding, ordered
from chainrule.diagnose.probe import Probe, Subject
from chainrule.diagnose.report import Report
from chainrule.diagnose.spread import Course
from chainrule.nn.module import parameters
from chainrule.train.history import History
from chainrule.train.watching import Step

__all__ = ["Monitor"]

_MOMENT = 0.02  # seconds that looks may take beside their share of the time


@dataclass
class Monitor:
    """Watches any training loop: that of `chainrule.train.fit`, or one of plain NumPy.

    `fit` takes it as ``monitor``. In a loop of one's own, call `step` in each turn, and `report`
    when you like. Every so many steps it looks at parameters, gradients and signals; in between at
    the loss alone, so that it costs little.

    Args:
        every: steps between two looks.
        share: of the time, that looks may take, after a moment that is free: those that would
            take more are left out. None leaves none out.

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
    share: float | None = 0.03

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"Monitor(every={self.every}): it must be at least 1")
        self.steps = 0
        self.losses: list[float] = []
        self._cosines: list[float] = []
        self._columns: dict[str, list[float]] = {}
        self._dimensions: dict[str, int] = {}
        self._still: dict[str, bool] = {}
        self._flat: dict[str, bool] = {}
        self._units: dict[str, watched.Units] = {}
        self._courses: dict[tuple[str, str], Course] = {}
        self._arisen: Finding | None = None
        self._wanted: bool | None = None  # whether the next step is looked at, once it was asked
        self._began, self._spent = time.perf_counter(), 0.0
        self._loss: tuple[Callable[..., Any], bool] | None = None  # that of `fit`

    @property
    def history(self) -> History:
        """What was measured at each look, as columns.

        ``step``, ``loss``, and for each parameter ``gradient NAME`` (its RMS) and ``update NAME``
        (||dW|| / ||W||, where 1e-3 is usual; Karpathy, 2015).
        """
        return History(self._columns)

    def wants(self) -> bool:
        """Tell whether the next step is looked at, so that it needs gradients and signals."""
        if self._wanted is None:
            self._wanted = self.steps % self.every == 0 and self._affords()
        return self._wanted

    def _affords(self) -> bool:
        if self.share is None:
            return True
        return self._spent < _MOMENT + self.share * (time.perf_counter() - self._began)

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
        self._count(float(loss))
        if not look:
            return
        with self._timed():
            self._look(*(self._named(tree, params) for tree in (params, gradients, updated)))
            for name, h in (signals or {}).items():
                self._watch(name, np.asarray(h))

    @contextmanager
    def _timed(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._spent += time.perf_counter() - began

    def _named(self, tree: Any, params: Any) -> Mapping[str, Any]:
        """Return the leaves of a tree like the parameters by name; paths are found out once."""
        if type(tree) is dict and not any(map(trees.is_container, tree.values())):
            return tree
        leaves, _ = trees.flatten(tree)
        if type(tree) is not type(params) or len(leaves) != len(self._dimensions):
            return parameters(tree)
        return dict(zip(self._dimensions, leaves, strict=True))

    def _count(self, loss: float) -> None:
        self.steps += 1
        self._wanted = None
        self.losses.append(loss)
        if self._arisen is None and not math.isfinite(loss):
            self._arisen = watched.nan("", f"the loss is {loss} in step {self.steps}", self.steps)

    def _look(
        self, before: Mapping[str, Any], slopes: Mapping[str, Any], after: Mapping[str, Any]
    ) -> None:
        """Compare parameters, gradients and new parameters, by name."""
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
            self._dimensions[name] = p.ndim
            self._still[name] = self._still.get(name, True) and changed == 0
            self._flat[name] = self._flat.get(name, True) and steep == 0
            if p.ndim >= 2:
                self._course("gradient", name).add(self.steps, g)
            if self._arisen is None and not math.isfinite(steep + changed):
                what = "gradient" if not math.isfinite(steep) else "update"
                said = f"its {what} is not finite in step {self.steps}"
                self._arisen = watched.nan(name, said, self.steps)
        if size > 0 and slope > 0 and math.isfinite(size * slope):
            self._cosines.append(along / math.sqrt(size * slope))
        for column, number in row.items():
            self._columns.setdefault(column, []).append(number)

    def _watch(self, name: str, h: Any, kind: str = "", line: str = "") -> None:
        units = self._units.get(name)
        if units is None:
            units = self._units[name] = watched.Units(name, kind, line)
        units.look(h)
        course = self._course("activation", name)
        course.kind = units.kind
        course.add(self.steps, h)

    def _course(self, what: Any, name: str) -> Course:
        return self._courses.setdefault((what, name), Course(what, name))

    # In `chainrule.train.fit`, which calls these.

    def begin(self, loss: Callable[..., Any], context: bool) -> None:
        """Begin anew with a run; tell whether its loss takes a context."""
        self.__post_init__()
        self._loss = loss, context

    def observe(self, step: Step) -> None:
        """Take notice of a step of `fit`."""
        self._count(step.loss)
        if step.before is None:
            return
        assert self._loss is not None
        with self._timed():
            probe = Probe(Subject(step.before.model, *self._loss, step.before.state), step.batch)
            before = {name: value for name, _, value in probe.parameters}
            slopes = {name: probe.gradient(node) for name, node, _ in probe.parameters}
            zero = {n: np.zeros(np.shape(before[n])) for n, g in slopes.items() if g is None}
            self._look(before, slopes | zero, self._named(step.model, step.before.model))
            for activation in probe.hidden():
                layer = probe.layer(activation.node)
                assert layer is not None  # of such activations alone
                h = np.asarray(activation.node.output)
                if h.ndim >= 2:
                    h = np.moveaxis(h, layer.unit_axis, -1)
                    name = self._signal(layer.path, activation.kind, h.shape[-1])
                    self._watch(name, h, activation.kind, probe.line(activation.node))

    def _signal(self, path: str, kind: str, units: int) -> str:
        """Return what a signal of a layer is called: by its path, if there is no other kind."""
        for name in (path, f"{path} {kind}", f"{path} {kind} {units}"):
            known = self._units.get(name)
            if known is None or (known.kind == kind and known.count in (None, units)):
                return name
        return name

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
        if self._cosines:
            found += watched.steps(self._cosines, self._still, self._flat, self.steps)
            if not any(f.kind == "wrong sign" for f in found):
                found += watched.sizes(self._step_size(), np.asarray(self.losses))
            weights = [name for name, dimensions in self._dimensions.items() if dimensions >= 2]
            found += watched.gradients({n: max(self._columns[f"gradient {n}"]) for n in weights})
        elif (
            self.steps >= self.every
            and self._still
            and all(self._still.values())
            and not all(self._flat.values())
        ):
            found.append(watched.unmoved(self.steps))
        for units in self._units.values():
            found += units.findings()
        courses = [course for course in self._courses.values() if course.samples]
        profile = tuple(course.last() for course in courses)
        return Report(tuple(ordered(found)), f"{self.steps} steps", profile)

    def _step_size(self) -> float:
        """Return how large a step is beside the weights: the median of the largest parameter's."""
        names = [name for name, dimensions in self._dimensions.items() if dimensions >= 2]
        names = names or list(self._dimensions)
        return max(float(np.median(self._columns[f"update {name}"])) for name in names)

    def plot(self) -> Any:
        """Draw the run: loss, update to weight, and how signals and gradients spread over time.

        Returns:
            A matplotlib figure: ``monitor.plot().savefig("run.png")``.

        Raises:
            ImportError: there is no matplotlib.
            ValueError: nothing was looked at yet.
        """
        from chainrule.diagnose.plots import over_time

        return over_time(self.losses, self.history, list(self._courses.values()))
