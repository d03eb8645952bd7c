"""What is the matter with the loss: probabilities for logits, sums for means, a range too small."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core.node import Node
from chainrule.diagnose.findings import Finding
from chainrule.diagnose.probe import Probe, Subject
from chainrule.explain.activations import RANGES
from chainrule.operations import elementwise, softmax

__all__ = ["classes_of", "output_range", "probabilities", "summed"]

#: Operations that take logits: a softmax, or its logarithm, is inside of them.
_OF_LOGITS = frozenset({softmax.log_softmax, softmax.softmax, softmax.logsumexp})
#: What is written around an output so that its logarithm is finite.
_BARELY = frozenset({elementwise.add, elementwise.maximum, elementwise.minimum})
_LOGARITHMS = frozenset({elementwise.log, elementwise.log2, elementwise.log10})


def classes_of(probe: Probe) -> int | None:
    """Return the number of classes of a loss that takes logits, None for other losses."""
    node = _of_logits(probe)
    if node is None:
        return None
    return int(np.shape(_input(node))[-1])


def _of_logits(probe: Probe) -> Node | None:
    return next((n for n in reversed(probe.run.live) if n.operation in _OF_LOGITS), None)


def _input(node: Node) -> Any:
    return np.asarray(node.operands[0], dtype=np.float64)


def probabilities(probe: Probe) -> list[Finding]:
    """Find a softmax or sigmoid before a loss that has one inside, and logarithms without one."""
    found = []
    last = probe.layers[-1].path if probe.layers else ""
    node = _of_logits(probe)
    after = _after_output(probe)
    if node is not None and node in after and _are_shares(_input(node)):
        found.append(
            Finding(
                "softmax twice",
                "warning",
                last,
                "what goes into the softmax of the loss are probabilities already: its largest "
                "share is bounded, the loss stays high and its gradient small",
                ("hand the logits over: leave out the softmax, or sigmoid, before the loss",),
                probe.line(node),
                {"largest": float(_input(node).max())},
            )
        )
    twice = _sigmoid_twice(probe)
    if twice is not None:
        found.append(
            Finding(
                "softmax twice",
                "warning",
                last,
                "what goes into the sigmoid of the loss is between 0 and 1 already, a sigmoid's "
                "output: it can say no probability below 0.5",
                ("hand the logits over: leave out the sigmoid before the loss",),
                probe.line(twice),
            )
        )
    for node in probe.run.live:
        if node.operation not in _LOGARITHMS or node not in after:
            continue
        p = _input(node)
        raw = p.size and (p.min() < 0 or p.max() > 1 + 1e-6)
        if raw and _made_by(node, probe.output):
            found.append(
                Finding(
                    "missing softmax",
                    "error",
                    last,
                    f"the loss takes a logarithm of the model's output, which goes from "
                    f"{p.min():.3g} to {p.max():.3g}: these are no probabilities",
                    (
                        "a loss of logits: nn.cross_entropy, nn.binary_cross_entropy",
                        "a softmax, or sigmoid, behind the last layer",
                    ),
                    probe.line(node),
                    {"smallest": float(p.min()), "largest": float(p.max())},
                )
            )
            break
    return found


def _after_output(probe: Probe) -> set[Node]:
    """Return the nodes that are made of the model's output, itself included."""
    found: set[Node] = set()
    if probe.output is None:
        return found
    found.add(probe.output)
    for node in probe.run.live:
        if any(parent in found for parent in node.parents):
            found.add(node)
    return found


def _made_by(node: Node, output: Node | None) -> bool:
    """Tell whether a logarithm is of the output itself, or of its entries: nothing bends it."""
    here: Node | None = node.parents[0]
    while here is not None and here is not output:
        moved = here.operation.moves or here.operation in _BARELY
        if not (moved or here.operation is elementwise.clip) or not here.parents:
            return False
        here = here.parents[0]
    return here is not None


def _are_shares(p: Any) -> bool:
    """Tell whether rows are probabilities: between 0 and 1, with 1 as their sum; or sigmoids."""
    if p.ndim < 2 or p.shape[-1] < 2 or p.min() < 0 or p.max() > 1:
        return False
    return bool(np.allclose(p.sum(axis=-1), 1, atol=1e-4))


def _sigmoid_twice(probe: Probe) -> Node | None:
    """Return the softplus of a binary cross-entropy of logits, if it is fed with a sigmoid."""
    output = probe.output
    for activation in probe.activations:
        if activation.kind != "sigmoid" or output is None:
            continue
        if probe.layer_of(activation.node) != probe.layers[-1].path:
            continue
        for node in probe.run.live:
            if node.operation is elementwise.logaddexp and activation.node in node.parents:
                return node
    return None


def output_range(probe: Probe, y: Any) -> list[Finding]:
    """Compare targets with what the last activation can give."""
    y = np.asarray(y)
    if y.dtype.kind != "f" or not y.size or _of_logits(probe) is not None or not probe.layers:
        return []
    last = probe.layers[-1].path
    own = [a for a in probe.activations if probe.layer_of(a.node) == last]
    if not own or np.size(own[-1].node.output) != y.size:
        return []
    activation = own[-1]
    low, high = RANGES[activation.kind]
    outside = float(np.mean((y < low - 1e-9) | (y > high + 1e-9)))
    if outside < 0.01:
        return []
    reach = f"{low:.0f} to {high:.0f}" if math.isfinite(high) else f"{low:.0f} and more"
    return [
        Finding(
            "output range",
            "error" if outside > 0.2 else "warning",
            last,
            f"the output is a {activation.kind}, {reach}, and {outside:.0%} of the targets are "
            f"outside of it: they go from {y.min():.3g} to {y.max():.3g}",
            (
                "no activation behind the last layer of a regression",
                "targets that are scaled to what it can give",
            ),
            probe.line(activation.node),
            {"outside": outside, "smallest": float(y.min()), "largest": float(y.max())},
        )
    ]


def summed(subject: Subject, batch: Sequence[Any]) -> list[Finding]:
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
            evidence={"once": one, "twice": two},
        )
    ]
