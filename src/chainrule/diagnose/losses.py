"""What is the matter with the loss: probabilities for logits, sums for means, a range too small."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.node import Node
from chainrule.diagnose.findings import Finding
from chainrule.diagnose.probe import Probe, Subject
from chainrule.explain.activations import RANGES, at_points
from chainrule.operations import elementwise, softmax
from chainrule.operations.arithmetic import negative, subtract

__all__ = ["classes_of", "output_range", "probabilities", "summed", "uphill"]

#: Operations that take logits: a softmax, or its logarithm, is inside of them.
_OF_LOGITS = frozenset({softmax.log_softmax, softmax.softmax, softmax.logsumexp})
#: What is written around an output so that its logarithm is finite.
_BARELY = frozenset(
    {elementwise.add, elementwise.maximum, elementwise.minimum, elementwise.clip}
    | {elementwise.absolute}
)
#: Where outputs are looked at, and from where on they no longer change if they are bounded.
_FAR_AND_NEAR = np.array([-1e4, -1e2, -10.0, -1.0, -0.1, 0.0, 0.1, 1.0, 10.0, 1e2, 1e4])
_AGAINST = 0.5  # cosine from which on a gradient points the other way
_MOSTLY = 0.95  # share of examples
_LOGARITHMS = frozenset({elementwise.log, elementwise.log2, elementwise.log10})


def classes_of(probe: Probe) -> int | None:
    """Return the number of classes of a loss that takes logits, None for other losses."""
    found = _softmaxes(probe, probe.run.live)
    return int(found[-1].entering[0].shape[-1]) if found else None


@dataclass(frozen=True)
class _Softmax:
    """A softmax, or its logarithm, however it is written.

    Attributes:
        node: the operation, or the exponential, that its logits go into.
        entering: the logits; behind them what they were before something was subtracted, so that
            their exponentials are finite.
        entered: the node that made them.
    """

    node: Node
    entering: tuple[Any, ...]
    entered: Node


def _softmaxes(probe: Probe, nodes: Collection[Node]) -> list[_Softmax]:
    """Return the softmaxes among some nodes, in their order."""
    found = []
    for node in sorted(nodes, key=lambda n: n.birth):
        if node.operation in _OF_LOGITS:
            found.append(_Softmax(node, (_input(node),), _unmoved(node.parents[0]) or node))
        elif node.operation is elementwise.exp and _is_shared_out(probe, node):
            before = node.parents[0]
            shifted = before is not None and before.operation is elementwise.subtract
            whole = (_input(before),) if before is not None and shifted else ()
            source = before.parents[0] if before is not None and shifted else before
            found.append(_Softmax(node, (_input(node), *whole), _unmoved(source) or node))
    return found


def _is_shared_out(probe: Probe, node: Node) -> bool:
    """Tell whether exponentials are added up along the last axis of a matrix, or of more axes."""
    e = np.asarray(node.output)
    if e.ndim < 2 or e.shape[-1] < 2:
        return False
    users = [user for user, _ in probe.run.consumers.get(node, []) if user.operation.reduces]
    sums = [np.asarray(user.output) for user in users]
    return any(s.size == e.size // e.shape[-1] and np.allclose(s.ravel(), _rows(e)) for s in sums)


def _rows(e: Any) -> Any:
    return e.sum(axis=-1).ravel()


def _input(node: Node) -> Any:
    return np.asarray(node.operands[0], dtype=np.float64)


def probabilities(probe: Probe, y: Any) -> list[Finding]:
    """Find a softmax or sigmoid before a loss that has one inside, and logarithms without one.

    Args:
        probe: a run.
        y: its targets.
    """
    found = _linear(probe, np.asarray(y))
    last = probe.layers[-1].path if probe.layers else ""
    after = _after_output(probe)
    shares = [s for s in _softmaxes(probe, after) if any(map(_are_shares, s.entering))]
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
    if y.dtype.kind != "f" or not y.size:
        return ""
    after = _after_output(probe)
    for node in probe.run.live:
        if node.operation is not subtract or len(node.operands) != 2:
            continue
        for k, parent in enumerate(node.parents):
            other = np.asarray(node.operands[1 - k])
            if parent not in after or other.size != y.size or not _same(other, y):
                continue
            g, p = probe.gradient(parent), np.asarray(node.operands[k])
            if g is None or p.size != y.size:
                continue
            g, off = np.ravel(g).astype(np.float64), np.ravel(p) - np.ravel(y)
            size = np.linalg.norm(g) * np.linalg.norm(off)
            if size > 0 and g @ off < -_AGAINST * size:
                return "the loss gets smaller when outputs go away from their targets"
    return ""


def _against(probe: Probe, y: Any) -> str:
    after = _after_output(probe)
    if y.ndim == 2 and np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all():
        y = y.argmax(axis=1)
    if y.dtype.kind in "iu" and y.ndim == 1:
        for softmax_ in _softmaxes(probe, after)[-1:]:
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


def _made_by(node: Node, output: Node) -> bool:
    """Tell whether a logarithm is of the output itself, or of its entries: nothing bends it."""
    return _unmoved(node.parents[0], output) is output


def _unmoved(node: Node | None, output: Node | None = None) -> Node | None:
    """Return what the entries of a node are from, as far as they are only moved, or some taken.

    Args:
        node: where they are.
        output: where to stop; up to there what keeps a logarithm finite is seen through, too.
    """
    while node is not None and node is not output and node.parents:
        moved = node.operation.moves or (output is not None and node.operation in _BARELY)
        if not moved:
            break
        node = next((p for p in node.parents if p is not None), None)
    return node


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
        if any(_unmoved(before) in sigmoids for before in entering):
            return node
    return None


def output_range(probe: Probe, y: Any) -> list[Finding]:
    """Compare targets with what the function behind the last layer can give."""
    y = np.asarray(y)
    found = _of_one(probe)
    if found:
        return found
    predicted = _compared(probe, y)
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
    for node in _after_output(probe):
        if node.operation is softmax.softmax and _input(node).shape[-1:] == (1,):
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


def _compared(probe: Probe, y: Any) -> Node | None:
    """Return what the loss compares with the targets, None where these are no numbers."""
    if y.dtype.kind != "f" or not y.size or probe.output is None:
        return None
    after = _after_output(probe)
    for node in probe.run.live:
        if node.operation is not subtract:
            continue  # a product with them compares nothing: a likelihood has one
        for made, parent in enumerate(node.parents):
            if parent not in after or len(node.operands) != 2:
                continue
            other = np.asarray(node.operands[1 - made])
            if other.dtype.kind == "f" and other.size == y.size and _same(other, y):
                return parent
    return None


def _reach(node: Node, output: Node) -> tuple[float, float]:
    """Return between what a node can be, whatever the model's output is."""
    z = at_points(node, output, _FAR_AND_NEAR)
    if z is None or np.isnan(z).any():
        return -math.inf, math.inf
    near = z[1:-1]
    low = float(z.min()) if near.min() - z.min() <= 1e-6 else -math.inf
    high = float(z.max()) if z.max() - near.max() <= 1e-6 else math.inf
    return low, high


def _same(a: Any, b: Any) -> bool:
    return bool(np.allclose(a.ravel(), b.ravel(), equal_nan=True))


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
