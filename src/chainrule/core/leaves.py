"""Define by run: the backward pass from one number into ``grad`` of every input that it needs."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import Array, shape_of, value_of
from chainrule.core.backward import backward
from chainrule.core.node import Leaf
from chainrule.core.reach import ancestors
from chainrule.core.recording import check_running, has_ended

__all__ = ["backward_into_leaves"]


def backward_into_leaves(y: Array, gradient: Any) -> None:
    """Add the gradient of y into ``grad`` of every leaf that it depends on.

    Raises:
        EndedRecordingError: y was made by a function under a transform that has returned.
    """
    check_running(y.node.recording)
    inputs = [
        node
        for node in ancestors([y.node])
        if isinstance(node, Leaf) and not has_ended(node.recording)
    ]
    for leaf, g in zip(inputs, backward([(y, gradient)], inputs), strict=True):
        if g is not None:
            g = value_of(g)
            if leaf.grad is None:
                leaf.grad = np.array(g) if shape_of(g) else g
            else:
                leaf.grad = leaf.grad + g
