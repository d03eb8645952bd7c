"""Gradients that are off by a constant, which is made up for in the last lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from chainrule.explain.reviews.compare import ratio
from chainrule.explain.reviews.reference import Reference
from chainrule.explain.reviews.segments import Segment

__all__ = ["find_scales"]


def find_scales(reference: Reference, segments: Sequence[Segment]) -> None:
    """Find gradients that are off by a constant while those of the arguments are not.

    ``dz = p - y``, with the 1/N of a mean left to ``dW = x.T @ dz / N``, is such a one.
    """
    arguments = {a.node for a in reference.arguments}
    ends = {s.node: s for s in segments if s.node in arguments}
    for segment in segments:
        returned = ends.get(segment.node)
        if segment.complete or segment is returned:
            continue
        k = ratio(segment.value, reference.gradient(segment.node))
        if k is not None and returned is not None and returned.complete:
            segment.scale, segment.complete = k, True  # `return dw / n`
            continue
        if k is None or np.size(segment.value) < 2:
            continue
        offs = [
            ratio(ends[a].value, reference.gradient(a))
            for a in reference.upstream_arguments[segment.node] & ends.keys()
        ]
        common = Counter(round(off, 9) for off in offs if off is not None)
        if not common:
            continue
        off = max(common, key=lambda r: (common[r], r == 1.0, r))
        earlier = [ratio(s.value, reference.gradient(segment.node)) for s in segment.steps[:-1]]
        if any(r is not None and abs(off - r) <= 1e-6 * abs(r) for r in earlier):
            continue  # it was in line with them, and went on to be another gradient
        if (off == 1.0 or common[off] > 1) and abs(off - k) > 1e-6 * abs(k):
            segment.scale, segment.complete = k / off, off == 1.0
    scales = [s for s in segments if s.scale != 1.0]
    for segment in segments:
        if not segment.complete and segment.scale == 1.0 and segment.node not in arguments:
            before = [s for s in scales if s.end < segment.end]
            segment.scale = before[-1].scale if before else 1.0
