"""What is the matter with the loss: a range too small, a wrong sign, sums for means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core.node import Node
from chainrule.diagnose.data import class_numbers
from chainrule.diagnose.findings import Finding
from chainrule.diagnose.outputs import after_output, compared, differences, softmaxes
from chainrule.diagnose.probe import Probe, Subject
from chainrule.explain.activations import RANGES, at_points
from chainrule.operations import softmax

__all__ = ["output_range", "summed", "uphill"]

#: Where outputs are looked at, and from where on they no longer change if they are bounded.
_FAR_AND_NEAR = np.array([-1e4, -1e2, -10.0, -1.0, -0.1, 0.0, 0.1, 1.0, 10.0, 1e2, 1e4])
_AGAINST = 0.5  # cosine from which on a gradient points the other way
_MOSTLY = 0.95  # share of examples


def output_range(probe: Probe, y: Any) -> list[Finding]:
    """Compare targets with what the function behind the last layer can give."""
    y = np.asarray(y)
    found = _of_one(probe)
    if found:
        return found
    predicted = compared(probe, y)
    if predicted is None or probe.output is None or predicted is probe.output:
        return []
    kind = next((a.kind for a in probe.activations if a.node is predicted), "function")
    low, high = RANGES[kind] if kind in RANGES else _reach(predicted, probe.output)
    outside = float(np.mean((y < low - 1e-9) | (y > high + 1e-9)))
    if outside < 0.01:
        return []
    last = probe.layers[-1].path
    reach = (
        f"{low:.3g} to {high:.3g}"
        if math.isfinite(low) and math.isfinite(high)
        else f"{low:.3g} and more"
        if math.isfinite(low)
        else f"{high:.3g} and less"
    )
    return [
        Finding(
            "output range",
            "error" if outside > 0.2 else "warning",
            last,
            f"the output is that of a {kind}, {reach}, and {outside:.0%} of the targets are "
            f"outside of it: they go from {y.min():.3g} to {y.max():.3g}",
            (
                "no activation behind the last layer of a regression",
                "targets that are scaled to what it can give",
            ),
            probe.line(predicted),
            {"outside": outside, "smallest": float(y.min()), "largest": float(y.max())},
        )
    ]


def _of_one(probe: Probe) -> list[Finding]:
    """Find a softmax of a single number: it is 1, whatever that is."""
    for node in after_output(probe):
        if node.operation is softmax.softmax and np.shape(node.operands[0])[-1:] == (1,):
            return [
                Finding(
                    "output range",
                    "error",
                    probe.layers[-1].path,
                    "the output is a softmax of one number, which is always 1",
                    ("a sigmoid for one output, or an output for each class",),
                    probe.line(node),
                )
            ]
    return []


def _reach(node: Node, output: Node) -> tuple[float, float]:
    """Return between what a node can be, whatever the model's output is."""
    z = at_points(node, output, _FAR_AND_NEAR)
    if z is None or np.isnan(z).any():
        return -math.inf, math.inf
    near = z[1:-1]
    low = float(z.min()) if near.min() - z.min() <= 1e-6 else -math.inf
    high = float(z.max()) if z.max() - near.max() <= 1e-6 else math.inf
    return low, high


def uphill(probe: Probe, y: Any) -> list[Finding]:
    """Find a loss that gets smaller the further outputs are from their targets: its sign is wrong.

    Of a regression the gradient by the output points away from the target then; of classes that
    by the logit of the right one is positive, and of a probability that of a positive example.
    """
    y = np.asarray(y)
    said = _away(probe, y) or _against(probe, y)
    if not said:
        return []
    return [
        Finding(
            "wrong sign",
            "error",
            "",
            f"{said}: the loss is to be made small, and has the wrong sign",
            ("-loss: minus a likelihood, plus an error",),
            probe.line(probe.run.live[-1]),
        )
    ]


def _away(probe: Probe, y: Any) -> str:
    for node, made in differences(probe, y):
        g, p = probe.gradient(node.parents[made]), np.asarray(node.operands[made])
        if g is None or p.size != y.size:
            continue
        g, off = np.ravel(g).astype(np.float64), np.ravel(p) - np.ravel(y)
        size = np.linalg.norm(g) * np.linalg.norm(off)
        if size > 0 and g @ off < -_AGAINST * size:
            return "the loss gets smaller when outputs go away from their targets"
    return ""


def _against(probe: Probe, y: Any) -> str:
    after = after_output(probe)
    y = class_numbers(y)
    if y.dtype.kind in "iu" and y.ndim == 1:
        for softmax_ in softmaxes(probe, after)[-1:]:
            logits = softmax_.node.parents[0]
            g = None if logits is None else probe.gradient(logits)
            if g is None or np.ndim(g) != 2 or len(g) != len(y) or not 0 <= y.min() <= y.max():
                continue
            if y.max() < g.shape[1] and _mostly(g[np.arange(len(y)), y]):
                return "the loss gets smaller when the right class gets less probable"
    if y.size and np.isin(y, (0, 1)).all() and len(np.unique(y)) == 2:
        for activation in probe.activations:
            node = activation.node
            g = probe.gradient(node)
            if activation.kind == "sigmoid" and node in after and np.size(g) == y.size:
                sides = np.ravel(g) * (2.0 * np.ravel(y) - 1)
                if _mostly(sides):
                    return "the loss gets smaller when the right answer gets less probable"
    return ""


def _mostly(slopes: Any) -> bool:
    """Tell whether nearly all slopes are positive, as far as they are not 0."""
    some = slopes[slopes != 0]
    return len(some) > 1 and bool(np.mean(some > 0) > _MOSTLY)


def summed(subject: Subject, batch: Sequence[Any], probe: Probe) -> list[Finding]:
    """Compare the loss of a batch with that of the batch twice over: a mean is the same."""
    twice = [np.concatenate([x, x]) for x in map(np.asarray, batch)]
    one, two = subject.value(batch), subject.value(twice)
    if not (math.isfinite(one) and math.isfinite(two)) or abs(one) < 1e-12:
        return []
    ratio = two / one
    if ratio < 1.5:
        return []
    return [
        Finding(
            "summed loss",
            "warning",
            "",
            f"the loss of a batch given twice is {ratio:.2f} times as large: it is summed over the "
            "examples, so that the learning rate depends on the size of the batch",
            ("np.mean in place of np.sum in the loss",),
            probe.line(probe.run.live[-1]) if probe.run.live else "",
            evidence={"once": one, "twice": two},
        )
    ]
