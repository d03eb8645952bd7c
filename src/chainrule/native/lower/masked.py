"""What a mask picks, ``x[mask]``: the same is done to all entries, and chosen by the mask.

It has as many entries as the mask has True, so that it would be for NumPy to pick them.
"""

from __future__ import annotations

import numpy as np

from chainrule.core.kinds import astype, broadcast_to, unbroadcast
from chainrule.graph.graph import Apply, Constant, Vertex, is_operation
from chainrule.graph.placeholder import make
from chainrule.graph.rewrite import about
from chainrule.native.ir.elements import lowered
from chainrule.native.record.guards import length
from chainrule.operations import reduction
from chainrule.operations.elementwise import where
from chainrule.operations.indexing import getitem, scatter_add, set_at
from chainrule.operations.slot import SLOT

__all__ = ["of_masked"]

_INTEGER = np.dtype(np.int64)
_DEEPEST = 16  # operations on what was picked


@about(length, reduction.sum, unbroadcast, scatter_add, set_at)
def of_masked(vertex: Apply) -> Vertex | None:
    """Return what is done to entries that a mask picks as something done to all entries.

    That is their sum, how many they are, what is written in their places, and the gradients of
    these.
    """
    operation = vertex.operation
    if operation is length:
        mask = _mask_of(vertex.operands[0])
        if mask is None:
            return None
        ones = make(astype, [mask], _INTEGER, mask.shape, dtype=_INTEGER)
        return Apply(reduction.sum, (ones,), {"axis": None, "keepdims": False}, vertex.value)
    if vertex.dtype.kind != "f":
        return None
    if operation in (reduction.sum, unbroadcast):
        if vertex.shape:
            return None
        mask = _mask_in(vertex.operands[0])
        whole = None if mask is None else _whole(vertex.operands[0], mask, _DEEPEST)
        if mask is None or whole is None or whole.dtype != vertex.dtype:
            return None
        chosen = make(where, [mask, whole, Constant(0.0)], vertex.dtype, mask.shape)
        return Apply(reduction.sum, (chosen,), {"axis": None, "keepdims": False}, vertex.value)
    *given, mask = vertex.operands
    if vertex.params["index"] != (SLOT,) or len(given) != 1 + (operation is set_at):
        return None
    if mask.dtype != np.dtype(bool) or mask.shape != vertex.shape:
        return None
    whole = _whole(given[-1], mask, _DEEPEST)
    if whole is None or whole.dtype != vertex.dtype:
        return None
    other = given[0] if operation is set_at else Constant(0.0)
    return Apply(where, (mask, whole, other), {}, vertex.value)


def _whole(picked: Vertex, mask: Vertex, deepest: int) -> Vertex | None:
    """Return an array of which a mask picks these entries, or one number for all of them."""
    if not picked.shape:
        return picked
    if not isinstance(picked, Apply) or not deepest:
        return None
    if _mask_of(picked) is mask:
        return picked.operands[0]
    if picked.operation is broadcast_to and not picked.operands[0].shape:
        return picked.operands[0]
    if not lowered(picked) or any(x.shape not in ((), picked.shape) for x in picked.operands):
        return None
    operands = [_whole(x, mask, deepest - 1) for x in picked.operands]
    found = [x for x in operands if x is not None]
    if len(found) < len(operands):
        return None
    shape = mask.shape if any(x.shape for x in found) else ()
    return make(picked.operation, found, picked.dtype, shape, **picked.params)


def _mask_in(picked: Vertex) -> Vertex | None:
    """Return the mask by which something was picked, the first one that is found."""
    for _ in range(_DEEPEST):
        mask = _mask_of(picked)
        inside = [x for x in picked.operands if x.shape] if isinstance(picked, Apply) else []
        if mask is not None or not inside:
            return mask
        picked = inside[0]
    return None


def _mask_of(picked: Vertex) -> Vertex | None:
    """Return the mask that picks entries of an array of the same shape."""
    if not is_operation(picked, getitem) or len(picked.operands) != 2:
        return None
    x, mask = picked.operands
    fits = picked.params["index"] == (SLOT,) and mask.dtype == np.dtype(bool)
    return mask if fits and mask.shape == x.shape else None
