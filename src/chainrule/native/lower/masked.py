"""Sums over what a mask picks: over all entries, of which those that it does not pick are 0.

``x[mask]`` has as many entries as the mask has truths, so that it would be for NumPy to pick them.
"""

from __future__ import annotations

import numpy as np

from chainrule.core.kinds import astype, broadcast_to
from chainrule.graph.graph import Apply, Constant, Vertex, is_operation
from chainrule.graph.placeholder import make
from chainrule.native.record.guards import length
from chainrule.operations import reduction
from chainrule.operations.elementwise import where
from chainrule.operations.indexing import getitem, scatter_add
from chainrule.operations.slot import SLOT

__all__ = ["of_masked"]

_INTEGER = np.dtype(np.int64)


def of_masked(vertex: Apply) -> Vertex | None:
    """Return a sum over what a mask picks, how much that is, or the gradient of the sum."""
    operation = vertex.operation
    if operation is scatter_add:
        return _scattered(vertex)
    if operation is not reduction.sum and operation is not length:
        return None
    if vertex.shape or not is_operation(vertex.operands[0], getitem):
        return None
    picked = vertex.operands[0]
    if not _is_masked(picked.operands, picked.params) or picked.operands[0].shape != (
        shape := picked.operands[1].shape
    ):
        return None
    x, mask = picked.operands
    if operation is length:
        ones = make(astype, [mask], _INTEGER, shape, dtype=_INTEGER)
        return Apply(reduction.sum, (ones,), {"axis": None, "keepdims": False}, vertex.value)
    if vertex.dtype.kind != "f" or vertex.dtype != x.dtype:
        return None
    chosen = make(where, [mask, x, Constant(0.0)], x.dtype, shape)
    return Apply(reduction.sum, (chosen,), {**vertex.params, "axis": None}, vertex.value)


def _scattered(vertex: Apply) -> Vertex | None:
    """Return the gradient of a sum: the same number wherever the mask picks."""
    if not _is_masked(vertex.operands, vertex.params) or vertex.dtype.kind != "f":
        return None
    given, mask = vertex.operands
    if not is_operation(given, broadcast_to) or given.operands[0].shape:
        return None
    if mask.shape != vertex.shape or given.dtype != vertex.dtype:
        return None
    return Apply(where, (mask, given.operands[0], Constant(0.0)), {}, vertex.value)


def _is_masked(operands: tuple[Vertex, ...], params: object) -> bool:
    """Tell whether an index is a mask and nothing else."""
    index = params["index"]  # type: ignore[index]
    return len(operands) == 2 and index == (SLOT,) and operands[1].dtype == np.dtype(bool)
