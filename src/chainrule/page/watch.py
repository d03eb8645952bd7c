"""What goes wrong, as functions of the inputs: it comes and goes as one drags.

They are the measures that `explain` goes by, applied to Arrays of the replayed run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.core.array import shape_of
from chainrule.core.node import Node
from chainrule.explain.activations import Activation, activations
from chainrule.explain.findings import first_and_last, percent
from chainrule.explain.measures import (
    FLAT,
    dead_units,
    is_saturated,
    is_steep,
    share,
    size,
    slope,
    units,
)
from chainrule.explain.observation import Observation
from chainrule.page.replay import Replay

__all__ = ["Alarm", "alarms"]


@dataclass(frozen=True)
class Alarm:
    """Something that is said at a node as long as ``when`` is true.

    Attributes:
        text: its key in `chainrule.explain.measures.TEXTS`.
        node: where.
        when: whether it is said.
        names: what stands in the text as it is.
        numbers: and the numbers in it.
        shares: and those that are written in percent.
    """

    text: str
    node: Node
    when: Any
    names: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)
    shares: Mapping[str, Any] = field(default_factory=dict)


def alarms(run: Observation, replay: Replay) -> Iterator[Alarm]:
    """Yield everything that may go wrong in a run."""
    with np.errstate(all="ignore"):
        for activation in activations(run):
            if activation.source in run.reached and np.size(activation.input):
                yield from _of_activation(run, replay, activation)
        for argument in run.trace.inputs:
            gradient = None if argument.node is None else replay.gradient_array(argument.node)
            if argument.node is not None and gradient is not None and argument.value is not None:
                yield Alarm("zero", argument.node, np.all(gradient == 0), {"name": argument.name})
        yield from _on_the_way(run, replay)


def _of_activation(run: Observation, replay: Replay, activation: Activation) -> Iterator[Alarm]:
    node, kind = activation.node, activation.kind
    x = replay.array(activation.source)
    names: dict[str, Any] = {"kind": kind, "name": run.name(node)}
    shape = shape_of(x)
    if kind == "relu":
        off = np.logical_not(slope(kind, activation.scale * x))
        if not shape:
            yield Alarm("silent", node, off, names, {"value": x})
            return
        in_rows = units(off) is not None
        of = shape[-1] if in_rows else int(np.prod(shape))
        names |= {"of": of, "rows": int(np.prod(shape[:-1]))}
        dead = dead_units(off)
        key = "silent rows" if in_rows else "silent here"
        yield Alarm(key, node, dead > 0, names, {"units": dead})
        return
    steepness = slope(kind, activation.scale * x)
    flat = steepness < FLAT
    if not shape:
        value = {"value": replay.array(node)}
        yield Alarm("saturated", node, flat, names, value, {"slope": steepness})
        return
    when, stuck = is_saturated(flat), units(flat)
    names |= {"flat": percent(FLAT)}
    shares = {"share": share(flat)}
    if stuck is None:
        yield Alarm("saturated share", node, when, names, {}, shares)
        return
    alone = np.logical_and(when, stuck == 0)
    yield Alarm("saturated share", node, alone, names, {}, shares)
    names = {**names, "of": shape[-1]}
    yield Alarm("saturated units", node, stuck > 0, names, {"units": stuck}, shares)


def _on_the_way(run: Observation, replay: Replay) -> Iterator[Alarm]:
    """Compare the gradients at both ends, as `first_and_last` chooses them in the recorded run."""
    ends = first_and_last(run)
    if ends is None:
        return
    first, last = ends
    gradients = [replay.gradient_array(node) for node in ends]
    if any(g is None for g in gradients):
        return
    early, late = map(size, gradients)
    names = {"first": run.name(first), "last": run.name(last)}
    for kind in ("vanishing", "exploding"):
        when = is_steep(early, late, kind == "vanishing")
        yield Alarm(kind, first, when, names, {"early": early, "late": late})
