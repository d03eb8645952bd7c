"""How the entries of a signal or a gradient are spread: samples of them, at one look or at many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from chainrule.diagnose.probe import Probe

__all__ = ["Course", "Spread", "of_probe"]

_ENTRIES = 256  # of each array that are kept at one of many looks
_MORE = 4096  # and at a single one
_LOOKS = 128  # that are kept at most; then every second is dropped

What = Literal["activation", "gradient"]


@dataclass(frozen=True)
class Spread:
    """A sample of the entries of an array.

    Attributes:
        what: whether it is the output of an activation function, or the gradient of a parameter.
        name: the layer's path, or the parameter's.
        values: some entries, floats.
        kind: of an activation function: ``"sigmoid"``, ``"tanh"`` or ``"relu"``.
    """

    what: What
    name: str
    values: Any
    kind: str = ""


@dataclass
class Course:
    """Samples of the same array, look after look: few enough to keep, over the whole run."""

    what: What
    name: str
    steps: list[int] = field(default_factory=list)
    samples: list[Any] = field(default_factory=list)
    kind: str = ""
    _seen: int = 0
    _each: int = 1
    _chosen: Any = None

    def add(self, step: int, array: Any) -> None:
        """Take notice of an array, if it is its turn."""
        self._seen += 1
        if (self._seen - 1) % self._each or not array.size:
            return
        if self._chosen is None or array.size <= int(self._chosen[-1]):
            self._chosen = _places(array.size, _ENTRIES)
        self.steps.append(step)
        self.samples.append(np.take(array, self._chosen))
        if len(self.steps) > _LOOKS:
            del self.steps[1::2], self.samples[1::2]
            self._each *= 2

    def last(self) -> Spread:
        """Return the latest sample."""
        return Spread(self.what, self.name, self.samples[-1], self.kind)


def _places(size: int, most: int) -> Any:
    """Return indices of entries, in order: the same for the same size."""
    if size <= most:
        return np.arange(size)
    return np.sort(np.random.default_rng(size).choice(size, most, replace=False))


def of_probe(probe: Probe) -> tuple[Spread, ...]:
    """Return samples of the signals and gradients of a run, layer by layer."""
    return (*_activations(probe), *_gradients(probe))


def _activations(probe: Probe) -> Iterator[Spread]:
    seen: set[tuple[str, str]] = set()
    for activation in probe.hidden():
        key = probe.layer_of(activation.node), activation.kind
        if key not in seen:  # of the turns of a recurrent layer the first
            seen.add(key)
            values = np.asarray(activation.node.output, dtype=float)
            yield Spread("activation", key[0], np.take(values, _places(values.size, _MORE)), key[1])


def _gradients(probe: Probe) -> Iterator[Spread]:
    for layer in probe.layers:
        for name, node, value in layer.weights:
            g = probe.gradient(node)
            if g is not None and np.ndim(value) >= 2:
                values = np.asarray(g, dtype=float)
                yield Spread("gradient", name, np.take(values, _places(values.size, _MORE)))
