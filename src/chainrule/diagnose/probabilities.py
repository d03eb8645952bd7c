"""Probabilities where a loss wants logits, and logits where it wants probabilities."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from chainrule.core.node import Node
from chainrule.diagnose.findings import Finding
from chainrule.diagnose.outputs import after_output, softmaxes, unmoved
from chainrule.diagnose.probe import Probe
from chainrule.operations import elementwise
from chainrule.operations.arithmetic import negative

__all__ = ["probabilities"]

_LOGARITHMS = frozenset({elementwise.log, elementwise.log2, elementwise.log10})


def probabilities(probe: Probe, y: Any) -> list[Finding]:
    """Find a softmax or sigmoid before a loss that has one inside, and logarithms without one.

    Args:
        probe: a run.
        y: its targets.
    """
    found = _linear(probe, np.asarray(y))
    last = probe.layers[-1].path if probe.layers else ""
    after = after_output(probe)
    shares = [s for s in softmaxes(probe, after) if any(map(_are_shares, s.entering))]
    if shares:
        again = shares[-1]
        found.append(
            Finding(
                "softmax twice",
                "warning",
                last,
                "what goes into the softmax of the loss are probabilities already: its largest "
                "share is bounded, the loss stays high and its gradient small",
                ("hand the logits over: leave out the softmax, or sigmoid, before the loss",),
                probe.line(again.entered) or probe.line(again.node),
                {"largest": float(again.entering[-1].max())},
            )
        )
    twice = _sigmoid_twice(probe, after)
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
        if probe.output is None or not _made_by(node, probe.output):
            continue
        p = np.asarray(probe.output.output, dtype=np.float64)
        if np.asarray(y).dtype.kind == "f" and np.max(y) > 1 + 1e-6:
            break  # of counts, say: a rate is wanted, and its logarithm is told as NaN
        if p.size and (p.min() < 0 or p.max() > 1 + 1e-6):
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


def _linear(probe: Probe, y: Any) -> list[Finding]:
    """Find a loss that is minus the output of the right class, as of its log-probability.

    Its gradient by the output is the same for each example, and 0 for the other classes: what
    keeps a log-probability below 0 is missing.
    """
    output = probe.output
    g = None if output is None else probe.gradient(output)
    if g is None or y.dtype.kind not in "iu" or y.ndim != 1 or len(y) < 2:
        return []
    g = np.asarray(g)
    if g.ndim != 2 or len(g) != len(y) or y.min() < 0 or y.max() >= g.shape[1] < 2:
        return []
    own = g[np.arange(len(y)), y]
    if not (own[0] < 0 and np.allclose(own, own[0])) or np.count_nonzero(g) > len(y):
        return []
    return [
        Finding(
            "missing softmax",
            "error",
            probe.layers[-1].path,
            "the loss is minus the model's output for the right class, as if that were the "
            "logarithm of a probability: without a log_softmax it has no lower bound",
            (
                "a loss of logits: nn.cross_entropy",
                "nn.log_softmax behind the last layer",
            ),
            probe.line(probe.run.live[-1]),
            {"slope": float(own[0])},
        )
    ]


def _made_by(node: Node, output: Node) -> bool:
    """Tell whether a logarithm is of the output itself, or of its entries: nothing bends it."""
    return unmoved(node.parents[0], output) is output


def _are_shares(p: Any) -> bool:
    """Tell whether rows are probabilities: between 0 and 1, with 1 as their sum; or sigmoids."""
    if p.ndim < 2 or p.shape[-1] < 2 or p.min() < 0 or p.max() > 1:
        return False
    return bool(np.allclose(p.sum(axis=-1), 1, atol=1e-4))


def _sigmoid_twice(probe: Probe, after: Collection[Node]) -> Node | None:
    """Return the second of two sigmoids behind one another at the output.

    It may be the softplus of a binary cross-entropy of logits.
    """
    sigmoids = {a.node: a for a in probe.activations if a.kind == "sigmoid" and a.node in after}
    for node in probe.run.live:
        if node.operation is elementwise.logaddexp:
            entering = list(node.parents)
        else:
            entering = [sigmoids[node].source] if node in sigmoids else []
        # 1 / (1 + exp(-z)) is one of -z
        entering = [p.parents[0] if p and p.operation is negative else p for p in entering]
        if any(unmoved(before) in sigmoids for before in entering):
            return node
    return None
