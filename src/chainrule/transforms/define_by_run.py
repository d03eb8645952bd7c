"""Define by run: the backward pass from one number into ``grad`` of every input that it needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import Array, shape_of, value_of
from chainrule.core.backward import attempt_backward
from chainrule.core.node import Leaf, Node
from chainrule.core.placeholder import Placeholder
from chainrule.core.reach import ancestors
from chainrule.core.recording import check_running, has_ended
from chainrule.core.source import where_am_i
from chainrule.errors import NonScalarOutputError
from chainrule.transforms.inputs import derived_again
from chainrule.transforms.reverse import upstream

__all__: list[str] = []


def _backward(self: Array, gradient: Any = None) -> None:
    """Add the gradient of this Array by every input that it depends on into their ``grad``.

    It starts from ``gradient``, the upstream gradient, of this Array's shape; from 1 for a number.

    Raises:
        NonScalarOutputError: the Array is not one number and no gradient was given.
        EndedRecordingError: it was made by a function under a transform that has returned.
    """
    if gradient is None:
        if self.size != 1:
            raise NonScalarOutputError(
                f"backward() starts at one number, but this Array has shape {self.shape}, at "
                f"{where_am_i()}: reduce it first, as in x.sum().backward(), or give the upstream "
                "gradient, x.backward(g)"
            )
        gradient = 1.0
    if type(self.value) is not float and type(gradient) is not Array:
        gradient = np.broadcast_to(np.asarray(gradient, self.dtype), self.shape)[()]
    check_running(self.node.recording)
    nodes = ancestors([self.node])
    leaves = [x for x in nodes if isinstance(x, Leaf) and not has_ended(x.recording)]
    gradients, sure = attempt_backward([(self, gradient)], leaves)
    if not sure:
        values = _values(nodes, leaves)
        gradients = derived_again(upstream([gradient]), [self], leaves, values, gradients)
    for leaf, g in zip(leaves, gradients, strict=True):
        if g is not None:
            g = value_of(g)
            if leaf.grad is None:
                leaf.grad = np.array(g) if shape_of(g) else g
            else:
                leaf.grad = leaf.grad + g


def _values(nodes: Iterable[Node], leaves: Sequence[Node]) -> list[Any]:
    """Return the values of leaves, as those nodes kept them that were computed from them."""
    found: dict[Node | None, Any] = {}
    for node in nodes:
        for x, parent in zip(node.operands, node.parents, strict=True):
            if type(found.get(parent)) in (type(None), Placeholder):
                found[parent] = value_of(x)
    return [found.get(leaf) for leaf in leaves]


Array.backward = _backward  # type: ignore[method-assign]
