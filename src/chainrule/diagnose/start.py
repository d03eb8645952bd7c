"""Before the first step: symmetry, the size of initial weights, and the first loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.node import Node
from chainrule.diagnose.findings import Finding
from chainrule.diagnose.probe import Layer, Probe, rms
from chainrule.operations.arithmetic import divide

__all__ = ["connected", "initial_loss", "symmetry", "variance"]

_FAR = 10  # times what guessing is wrong by, or the outputs
_SURE = 4  # times what guessing gives, and 2: weights by He give up to that in a last layer
_AWAY = 1.5  # times what guessing is wrong by, of targets that are far larger than outputs


def connected(probe: Probe, again: Callable[[], Probe]) -> list[Finding]:
    """Find parameters that the loss does not depend on, and those whose gradient is exactly 0.

    Args:
        probe: a run.
        again: makes one of other examples: gradients of balanced ones may add up to 0.
    """
    found = []
    other: Probe | None = None
    for path, node, value in probe.parameters:
        if np.asarray(value).dtype.kind not in "fc" or not np.size(value):
            continue
        g = probe.gradient(node)
        if node is not None and node in probe.run.reached and g is not None and np.any(g):
            continue
        reached = node is not None and node in probe.run.reached
        what = "its gradient is exactly 0" if reached else "the loss does not depend on it"
        if reached and not _nothing_else_is_zero(probe, path):
            continue  # a consequence: all before a place are 0
        if reached:
            other = again() if other is None else other
            if any(np.any(other.gradient(n)) for name, n, _ in other.parameters if name == path):
                continue
        found.append(
            Finding(
                "not connected",
                "warning",
                path,
                f"{what}: no step will change it",
                (
                    "look whether it is used, and whether stop_gradient, an argmax or a rounding "
                    "stands between it and the loss",
                ),
                evidence={"reached": reached},
            )
        )
    return found


def _nothing_else_is_zero(probe: Probe, path: str) -> bool:
    """Tell whether a zero gradient is this parameter's own, not one of all that stand before."""
    zero = [
        name
        for name, node, value in probe.parameters
        if (g := probe.gradient(node)) is not None and np.size(value) and not np.any(g)
    ]
    return len(zero) <= max(2, len(probe.parameters) // 4) or zero[-1:] == [path]


def symmetry(probe: Probe) -> list[Finding]:
    """Find hidden layers whose units are all alike: with equal gradients they stay alike.

    The outputs are told apart by the targets, so the last matrix may begin with zeros. Goodfellow,
    Bengio and Courville, "Deep learning", 2016, section 8.4.
    """
    found = []
    mixing = [number for number, layer in enumerate(probe.layers) if _mixes(layer)]
    for layer in probe.layers[: mixing[-1] if mixing else 0]:
        for path, node, value in layer.weights:
            w, g = np.asarray(value), probe.gradient(node)
            if w.ndim < 2:
                continue
            rows = w.ndim >= 3 or layer.rows_are_units(node, w)
            units = _by_unit(w, rows)
            if len(units) < 2 or not _alike(units):
                continue
            slopes = np.zeros_like(units) if g is None else _by_unit(np.asarray(g), rows)
            stay = _alike(slopes)
            zero = not np.any(w)
            found.append(
                Finding(
                    "symmetry",
                    "error" if stay else "warning",
                    layer.path,
                    f"the {len(units)} units of {path} begin alike"
                    + (", all with weights of 0" if zero else "")
                    + (
                        ", and get the same gradient: they will always be one unit"
                        if stay
                        else ": only the layers behind it tell them apart"
                    ),
                    ("draw the weights at random: nn.he_normal, nn.glorot_uniform",),
                    evidence={"units": len(units), "zero": zero},
                )
            )
            break
    return found


def _mixes(layer: Layer) -> bool:
    """Tell whether a layer multiplies signals with a matrix or kernel: a bias does not."""
    made = [layer.product(node) for _, node, value in layer.weights if np.ndim(value) >= 2]
    return any(p is None or not p.entrywise for p in made)


def _by_unit(w: Any, rows: bool) -> Any:
    """Return a row for each unit: they lie along the first axis, or along the last."""
    axis = 0 if rows else w.ndim - 1
    return np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1)


def _alike(rows: Any) -> bool:
    return bool(np.allclose(rows, rows[:1], rtol=1e-6, atol=1e-12))


def variance(probe: Probe) -> list[Finding]:
    """Compare weights with what keeps signals at their size: a variance of 1 to 2 over the fan in.

    LeCun et al., 1998; Glorot and Bengio, 2010; He et al., 2015. Ten times more or less is said,
    where signals show it: behind a normalisation it does no harm.
    """
    found = []
    for layer in probe.layers:
        for path, node, value in layer.weights:
            w = np.asarray(value)
            if w.ndim < 2 or w.dtype.kind != "f" or not np.any(w):
                continue
            if w.ndim == 2:
                fan_in, fan_out = w.shape[::-1] if layer.rows_are_units(node, w) else w.shape
            else:
                fan_in, fan_out = int(np.prod(w.shape[1:])), w.shape[0]
            product = layer.product(node)
            if product is None or w.size < 8:
                continue
            gain = float(w.var()) * fan_in + (float(w.mean()) * fan_in) ** 2
            ratio = rms(product.node.output) / max(product.signal, 1e-300)
            if 0.02 <= gain <= 20 or 0.14 <= ratio <= 4.5 or _normalised(layer, product.node):
                continue
            word = "large" if gain > 1 else "small"
            found.append(
                Finding(
                    "initial variance",
                    "warning",
                    layer.path,
                    f"the initial weights of {path} are too {word}: with a mean of {w.mean():.2g} "
                    f"and a deviation of {w.std():.2g}, {fan_in} inputs of size 1 give a mean "
                    f"square of {gain:.2g}, where 1 (tanh, sigmoid) to 2 (ReLU) keeps signals at "
                    f"their size; here it changes by a factor of {ratio:.2g}",
                    (
                        *(("weights around 0",) if abs(w.mean()) > w.std() else ()),
                        f"nn.he_normal for ReLU: a deviation of {math.sqrt(2 / fan_in):.2g}",
                        f"nn.glorot_normal for tanh and sigmoid: "
                        f"{math.sqrt(2 / (fan_in + fan_out)):.2g}",
                        "nn.BatchNorm or nn.LayerNorm behind it",
                    ),
                    probe.line(product.node),
                    {
                        "gain": gain,
                        "ratio": ratio,
                        "fan in": fan_in,
                        "last": layer is probe.layers[-1],
                    },
                )
            )
            break
    return found


def _normalised(layer: Layer, product: Node) -> bool:
    """Tell whether a signal's size does not matter: a division stands behind the product."""
    return any(n.operation is divide for n in layer.nodes if n.birth > product.birth)


def initial_loss(probe: Probe, classes: int | None, y: Any = None) -> list[Finding]:
    """Compare the first loss with that of guessing: ln(classes), or what the mean would give.

    Karpathy, "A recipe for training neural networks", 2019: verify loss at init.
    """
    if not math.isfinite(probe.value):
        return []
    if classes is None:
        return [] if y is None else _far_from(probe, np.asarray(y))
    if classes < 2:
        return []
    guess = math.log(classes)
    if probe.value <= _SURE * guess + 2:
        return []
    return _begins_far(
        probe,
        f"the first loss is {probe.value:.3g}, and guessing among {classes} classes would give "
        f"ln({classes}) = {guess:.3g}: the model begins with wrong answers that it is sure of",
        ("smaller weights, or zeros, in the last layer", "inputs with mean 0 and variance 1"),
        {"loss": probe.value, "guess": guess},
    )


def _far_from(probe: Probe, y: Any) -> list[Finding]:
    """Compare the first outputs of a regression with its targets."""
    output = None if probe.output is None else np.asarray(probe.output.output)
    if output is None or y.dtype.kind != "f" or y.ndim == 0:
        return []
    if output.shape == (*y.shape, 1):
        output = output[..., 0]
    if output.shape != y.shape:
        return []
    off, guess = rms(output - y), rms(y - y.mean(axis=0))
    away = rms(y) > _FAR * max(rms(output), 0.5) and off > _AWAY * guess
    if guess == 0 or not (off > _FAR * guess or away):
        return []
    return _begins_far(
        probe,
        f"the first outputs are wrong by {off:.3g} (RMS), and always answering the mean would "
        f"be by {guess:.3g}: the first steps go into nothing but their size",
        (
            "targets with mean 0 and variance 1",
            "smaller weights, or zeros, in the last layer, and a bias like the targets' mean",
        ),
        {"off": off, "guess": guess},
    )


def _begins_far(
    probe: Probe, said: str, cures: tuple[str, ...], evidence: dict[str, float]
) -> list[Finding]:
    last = probe.layers[-1].path if probe.layers else ""
    return [Finding("initial loss", "warning", last, said, cures, evidence=evidence)]
