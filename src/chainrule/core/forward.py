"""The forward pass of derivatives: tangents pushed from the inputs to the outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.core.backward import Attempt, are_finite
from chainrule.core.captured import check_unchanged
from chainrule.core.counted import seeds
from chainrule.core.node import Node
from chainrule.core.reach import is_recorded, reach
from chainrule.core.saved import as_numpy, lift

__all__ = ["attempt_forward"]


def attempt_forward(
    outputs: Sequence[Array], inputs: Sequence[Node], tangents: Sequence[Any], recorded: bool
) -> Attempt:
    """Push tangents of the inputs to the outputs, and tell whether all went well.

    Args:
        outputs: arrays computed from the inputs.
        inputs: nodes that the tangents belong to.
        tangents: one for each input, of its shape; None for zero.
        recorded: record the derivative even if nothing outside can depend on it.

    Returns:
        One tangent per output: None where it depends on no input; an Array where the result itself
        can be differentiated further, else a plain value.
    """
    for recording in {node.recording for node in inputs}:
        check_unchanged(recording)
    nodes, outside = reach([y.node for y in outputs], inputs)
    recorded = recorded or is_recorded(nodes, inputs, outside, tangents)
    if recorded:
        tangents = seeds(tangents)
    pushed: dict[Node, Any] = {
        node: t for node, t in zip(inputs, tangents, strict=True) if t is not None
    }
    met: list[Any] = []
    with np.errstate(all="ignore", invalid="call", call=lambda *error: met.append(error)):
        for node in reversed(nodes):
            if node in pushed or not node.parents or not node.operation.differentiable:
                continue
            incoming = [None if parent is None else pushed.get(parent) for parent in node.parents]
            if all(t is None for t in incoming):
                continue
            operands: Sequence[Any] = node.operands
            output = node.output
            if recorded:
                operands = [lift(x, p) for x, p in zip(operands, node.parents, strict=True)]
                output = lift(output, node)
            try:
                tangent = node.operation.push(incoming, operands, output, node.params)
            except (ZeroDivisionError, OverflowError, ValueError):
                tangent = node.operation.push(
                    as_numpy(incoming), as_numpy(operands), as_numpy([output])[0], node.params
                )
            if tangent is not None:
                pushed[node] = tangent
    derivatives = [pushed.get(y.node) for y in outputs]
    return Attempt(derivatives, not met and are_finite((*outputs, *derivatives)))
