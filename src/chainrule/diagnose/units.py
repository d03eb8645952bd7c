"""Units that do not learn: dead ReLUs, saturated sigmoids; gradients that vanish or explode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from chainrule.core.node import Node
from chainrule.diagnose.findings import Finding, Severity
from chainrule.diagnose.probe import Layer, Probe, rms
from chainrule.explain.measures import FLAT

__all__ = ["dead", "flow", "saturated"]

_MANY = 0.25  # share of units, or entries, from which on it is a warning
_MOST = 0.9  # and from which on nothing can be learnt
_RATIO = 1e3  # between the first and the last gradient
_EACH_TURN = 2  # by which a gradient may shrink from turn to turn in a healthy cell
_EACH_INPUT = 3  # and that by what enters a turn; with PyTorch's initial weights it is 2 to 2.5
_SLOPE = 0.25  # in powers of ten for each layer
_EACH_LAYER = 2.5  # by which a gradient shrinks from layer to layer where it is steep
_SOME = 1e-2  # and then this ratio is enough
_GROWS = math.log10(1.5)  # by which one grows, in powers of ten, where a hundredfold is enough


def dead(probes: Sequence[Probe]) -> list[Finding]:
    """Find ReLUs whose input is positive for no example.

    Of a ReLU the slope is 0 there, so its unit gives 0 and its weights never change (Lu, Shin, Su
    and Karniadakis, "Dying ReLU and initialization", 2020). ``score`` is the mean of E|h_j| over
    the mean of all units: 0 for a dead one.

    Args:
        probes: runs over the whole data set, or a part of it.
    """
    found = []
    for number, first in enumerate(probes[0].activations):
        if first.kind != "relu":
            continue
        layer = probes[0].layer(first.node)
        assert layer is not None  # of such activations alone
        size, examples = None, 0
        for probe in probes:
            same = probe.activations
            if number >= len(same) or same[number].kind != "relu":
                break
            h = np.asarray(same[number].node.output)
            axis = layer.unit_axis
            if h.ndim < 2 or (size is not None and h.shape[axis] != len(size)):
                break  # signals of another layout: there are no units to follow
            units = np.moveaxis(h, axis, -1).reshape(-1, h.shape[axis])
            here = np.abs(units).sum(axis=0)
            size = here if size is None else size + here
            examples += h.shape[0 if axis != -2 else -1]
        if size is None or examples < 10:
            continue
        off = size == 0
        share = float(off.mean())
        if not off.any():
            continue
        weak = size / max(float(size.mean()), 1e-300) < 0.01
        severity: Severity = "error" if share > _MOST else "warning" if share > _MANY else "note"
        found.append(
            Finding(
                "dead",
                severity,
                layer.path,
                f"{int(off.sum())} of {off.size} ReLUs have no positive input in {examples} "
                "examples: they give 0, get no gradient, and never change",
                (
                    "a smaller learning rate, if they died in training",
                    "initial weights by He (nn.he_normal), biases at 0",
                    "inputs with mean 0 and variance 1",
                    "nn.leaky_relu or nn.elu",
                ),
                probes[0].line(first.node),
                {
                    "dead": int(off.sum()),
                    "units": int(off.size),
                    "weak": int(weak.sum()),
                    "varies": bool(np.ptp(np.asarray(first.input), axis=0).any()),
                },
            )
        )
    return found


def saturated(probe: Probe) -> list[Finding]:
    """Find hidden sigmoids and tanhs where their slope is nearly 0.

    An entry counts where |phi'(z)| is below 0.06 of its largest: |z| > 4.1 for a sigmoid.
    Rakitianskaia and Engelbrecht, "Measuring saturation in neural networks", 2015, have a graded
    form.
    """
    found = []
    for activation in probe.hidden():
        if activation.kind == "relu":
            continue
        flat = np.asarray(activation.slope) < FLAT
        if flat.ndim < 2 or not flat.size:
            continue
        layer = probe.layer(activation.node)
        assert layer is not None
        axis = layer.unit_axis if flat.ndim > 1 else -1
        stuck = np.moveaxis(flat, axis, -1).reshape(-1, flat.shape[axis]).all(axis=0)
        share = float(flat.mean())
        if share < _MANY and stuck.mean() < _MANY:
            continue
        severity: Severity = "error" if share > _MOST else "warning"
        found.append(
            Finding(
                "saturated",
                severity,
                layer.path,
                f"{share:.0%} of the {activation.kind}s are saturated, {int(stuck.sum())} of "
                f"{stuck.size} units for every example: there the slope is below {FLAT:.0%} of the "
                "largest, and almost no gradient gets through",
                (
                    "smaller initial weights (nn.glorot_uniform)",
                    "inputs with mean 0 and variance 1",
                    "normalisation before the activation (nn.BatchNorm, nn.LayerNorm)",
                    "nn.relu in place of it",
                ),
                probe.line(activation.node),
                {"share": share, "stuck": int(stuck.sum()), "units": int(stuck.size)},
            )
        )
    return found


def flow(probe: Probe) -> list[Finding]:
    """Compare the gradients of the signals from layer to layer, and from turn to turn.

    RMS of dL/dh by layer: they vanish where the first is less than a thousandth of the last, and
    the slope of their logarithm over depth agrees; through time also each turn has to halve them,
    or the first must get less than a millionth. Bengio, Simard and Frasconi, "Learning long-term
    dependencies with gradient descent is difficult", 1994; Glorot and Bengio, 2010, section 4.
    """
    found = []
    signals = [(layer, _signal(layer)) for layer in _chain(probe.layers)[:-1]]
    sizes = [
        (layer, node, rms(g))
        for layer, node in signals
        if node is not None and (g := probe.gradient(node)) is not None
    ]
    if len(sizes) >= 3:
        numbers = [size for _, _, size in sizes]
        layer, node, _ = sizes[0]
        found += _trend(numbers, "layer", layer.path, probe.line(node))
    told = set()  # the matrices of a cell share what is carried on
    for layer in probe.layers:
        turns = _turns(layer)
        if len(turns) >= 5 and turns[-1] not in told:
            told.add(turns[-1])
            numbers = [rms(probe.gradient(node)) for node in turns]
            found += _trend(numbers, "turn", layer.path, probe.line(turns[0]))
        whole = probe.through_time(layer)
        if whole is not None and len(whole[1]) >= 5:
            found += [
                replace(f, severity="note")
                if f.kind == "vanishing" and f.evidence["slope"] < math.log10(_EACH_INPUT)
                else f
                for f in _trend(whole[1], "turn", layer.path, probe.line(whole[0]))
            ]
    return found


def _trend(sizes: list[float], unit: str, path: str, line: str) -> list[Finding]:
    first, last = sizes[0], sizes[-1]
    if not (math.isfinite(first) and math.isfinite(last) and last > 0):
        return []
    ratio = first / last
    logs = np.log10(np.maximum(sizes, 1e-300))
    slope = float(np.polyfit(np.arange(len(logs)), logs, 1)[0])  # back to front it is -slope
    least = _SLOPE if unit == "layer" else math.log10(_RATIO) / len(sizes) / 2
    evidence = {"first": first, "last": last, "ratio": ratio, "slope": slope}
    path_of = "through the layers" if unit == "layer" else "through time"
    steep = unit == "layer" and ratio < _SOME and slope > math.log10(_EACH_LAYER)
    if steep or (ratio < 1 / _RATIO and slope > least):
        severity: Severity = "error" if ratio < 1e-6 else "warning"
        if unit == "turn" and ratio >= 1e-6 and slope < math.log10(_EACH_TURN):
            severity = "note"  # what comes of many turns, and none of them does much
        return [
            Finding(
                "vanishing",
                severity,
                path,
                f"the gradient vanishes {path_of}: its RMS is {last:.2g} at the last {unit} and "
                f"{first:.2g} at the first, a factor of {10**-slope:.2g} for each {unit}",
                _MORE_LAYERS if unit == "layer" else _MORE_TIME,
                line,
                evidence,
            )
        ]
    if (ratio > _RATIO or (ratio > 1 / _SOME and slope < -_GROWS)) and slope < -least:
        return [
            Finding(
                "exploding",
                "error" if ratio > 1e6 else "warning",
                path,
                f"the gradient explodes {path_of}: its RMS is {last:.2g} at the last {unit} and "
                f"{first:.2g} at the first, a factor of {10**-slope:.2g} for each {unit}",
                (
                    "smaller initial weights (nn.he_normal, nn.glorot_uniform, nn.orthogonal)",
                    "clip the gradient's norm: optim.clip_by_global_norm(1.0)",
                    "nn.LayerNorm or nn.BatchNorm",
                ),
                line,
                evidence,
            )
        ]
    return []


_MORE_LAYERS = (
    "nn.relu in place of sigmoid or tanh",
    "larger initial weights (nn.he_normal, nn.glorot_uniform)",
    "shortcuts around layers (nn.Residual)",
    "nn.BatchNorm or nn.LayerNorm",
)
_MORE_TIME = (
    "nn.LSTMCell or nn.GRUCell in place of nn.RNNCell",
    "orthogonal recurrent weights (nn.orthogonal)",
    "shorter sequences, or a loss at every turn",
)


def _chain(layers: Sequence[Layer]) -> list[Layer]:
    """Return the layers of which each is computed from the one before, and not the other way.

    Branches stand beside one another; so do the matrices of a cell, which are all made of each
    other in turn.
    """
    found: list[Layer] = []
    for number in range(len(layers) - 1, -1, -1):
        layer, later = layers[number], layers[number + 1 :]
        signal = _signal(layer)
        if signal is None or not layer.nodes:
            continue
        begun = [each.nodes[0] for each in later if each.nodes]
        before = _makers(signal, min((node.birth for node in begun), default=signal.birth))
        if any(node in before for node in begun):
            continue
        if not found or _made_with(found[0].nodes[-1], signal):
            found.insert(0, layer)
    return found


def _makers(node: Node, earliest: int) -> set[Node]:
    """Return the nodes that a node is made of, back to a time."""
    waiting, seen = [node], {node}
    while waiting:
        later = (p for p in waiting.pop().parents if p is not None and p.birth >= earliest)
        new = [p for p in later if p not in seen]
        seen.update(new)
        waiting += new
    return seen


def _signal(layer: Layer) -> Node | None:
    """Return the last signal of a layer, of as many entries as its largest."""
    arrays = [node for node in layer.nodes if np.ndim(node.output) >= 1]
    return arrays[-1] if arrays else None


def _turns(layer: Layer) -> list[Node]:
    """Return what is carried from turn to turn in a recurrent layer: its activations, in order.

    A matrix is multiplied with what its own last product had a part in. Of several matrices the one
    counts that is multiplied most often, of those the first.
    """
    found: list[Node] = []
    for _, matrix, value in layer.weights:
        if np.ndim(value) != 2:
            continue
        carried: list[Node] = []
        before: Node | None = None
        for product in (n for n in layer.nodes if matrix in n.parents):
            signal = next((p for p in product.parents if p is not None and p is not matrix), None)
            if signal is not None and before is not None and _made_with(signal, before):
                carried.append(signal)
            before = product
        if len(carried) > len(found) and len({np.shape(n.output) for n in carried}) == 1:
            found = carried
    return found


def _made_with(node: Node, other: Node) -> bool:
    """Tell whether a node is made, by way of others, of one that was there before."""
    return other in _makers(node, other.birth)
