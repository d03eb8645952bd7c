"""Numbers: where NaN and infinity arise, and whether float32 is fine enough."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.core.node import Node
from chainrule.diagnose.findings import Finding
from chainrule.diagnose.probe import Probe, Subject, rms
from chainrule.explain.non_finite import non_finite_gradients, non_finite_values

__all__ = ["coarse", "exact", "non_finite"]

_COARSE = 1e-2  # relative error of a gradient
_NOTHING = 1e-9  # share of the largest gradient that is 0 but for rounding


def non_finite(probe: Probe) -> list[Finding]:
    """Find where NaN and infinity first arise, forwards and backwards."""
    found = []
    values = non_finite_values(probe.run)
    infinite = any(a.kind == "inf" for a in values)
    for arisen in [*values, *non_finite_gradients(probe.run)]:
        node = arisen.node
        # NaN that comes of an infinity, inf - inf or inf / inf, follows from that: it counts where
        # it is what the loss is.
        follows = infinite and arisen.kind == "nan" and node is not None and _of_infinity(node)
        follows = follows and not math.isnan(probe.value)
        found.append(
            Finding(
                "nan" if arisen.kind == "nan" else "inf",
                "note" if follows else "error",
                probe.layer_of(node) if node is not None else "",
                arisen.message.rstrip("."),
                (
                    "a form that does not overflow: np.logaddexp, losses of logits",
                    "a smaller learning rate, if it came with training",
                    "gradients clipped by their norm: optim.clip_by_global_norm(1.0)",
                ),
                probe.line(node) if node is not None else "",
            )
        )
    return found


def _of_infinity(node: Node) -> bool:
    """Tell whether a node is computed from an infinity."""
    return any(np.isinf(x).any() for x in map(np.asarray, node.operands) if x.dtype.kind in "fc")


def exact(subject: Subject, batch: Sequence[Any]) -> Probe | None:
    """Run the same numbers in float64; None where they are that already."""
    leaves, build = trees.flatten(subject.model)
    if not any(np.asarray(x).dtype in (np.float32, np.float16) for x in leaves):
        return None
    fine = Subject(
        build([_wide(x) for x in leaves]),
        subject.loss,
        subject.context,
        trees.map_leaves(_wide, subject.state),
    )
    return Probe(fine, [_wide(x) for x in batch])


def coarse(probe: Probe, exact: Probe | None) -> list[Finding]:
    """Compare gradients in float32 with those of the same numbers in float64."""
    if exact is None:
        return []
    worst, where = 0.0, ""
    slopes = [exact.gradient(node) for _, node, _ in exact.parameters]
    whole = max((rms(h) for h in slopes if h is not None), default=0.0)
    for (path, node, _), (_, other, _) in zip(probe.parameters, exact.parameters, strict=True):
        g, h = probe.gradient(node), exact.gradient(other)
        if g is None or h is None or not np.all(np.isfinite(h)):
            continue
        if not rms(h) > _NOTHING * whole:  # of a bias in front of a normalisation, say
            continue
        g, h = np.asarray(g, dtype=np.float64), np.asarray(h)
        error = float(np.linalg.norm((g - h).ravel()) / np.linalg.norm(h.ravel()))
        if error > worst:
            worst, where = error, path
    if worst <= _COARSE:
        return []
    return [
        Finding(
            "precision",
            "warning",
            where,
            f"in {probe.parameters[0][2].dtype} the gradient of {where} is wrong by {worst:.1%}: "
            "differences of large numbers, or sums of very many, lose their digits",
            (
                "float64 for the model and the data",
                "data with mean 0 and variance 1, losses that subtract before they square",
            ),
            evidence={"error": worst},
        )
    ]


def _wide(x: Any) -> Any:
    x = np.asarray(x)
    return x.astype(np.float64) if x.dtype.kind == "f" else x
