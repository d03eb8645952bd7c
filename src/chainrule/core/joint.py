"""The joint kind: an operation that pulls back to all its operands at once."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

import numpy as np

from chainrule.core.array import Array, dtype_of, shape_of
from chainrule.core.backward import backward
from chainrule.core.general import General
from chainrule.core.linear import conform
from chainrule.core.node import Leaf
from chainrule.core.recording import Recording
from chainrule.core.traits import Traits

__all__ = ["Joint", "added"]


class Joint(General):
    """An operation of any number of operands whose gradients are made in one go.

    They share most of their work, as those of a function that is run again, or of an equation that
    is solved.
    """

    together = True

    def __init__(
        self,
        name: str,
        compute: Callable[..., Any],
        *,
        pushforward: Callable[..., Any] | None = None,
        **traits: Unpack[Traits],
    ) -> None:
        traits.setdefault("numpy", ())
        super().__init__(
            name, compute, pullback=None, pushforward=pushforward, variadic=True, **traits
        )

    @abstractmethod
    def pull_together(
        self,
        sums: Sequence[Any],
        asked: Sequence[bool],
        g: Any,
        operands: Sequence[Any],
        output: Any,
        params: Mapping[str, Any],
        guarded: bool,
    ) -> Sequence[Any]:
        """See `Operation.pull_together`."""

    def pull(
        self, k: int, g: Any, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
    ) -> Any:
        asked = [k == j for j in range(len(operands))]
        sums = [None] * len(operands)
        return self.pull_together(sums, asked, g, operands, output, params, True)[k]

    pull_fast = pull

    def push(
        self,
        tangents: Sequence[Any],
        operands: Sequence[Any],
        output: Any,
        params: Mapping[str, Any],
    ) -> Any:
        if self.pushforward is not None:
            return super().push(tangents, operands, output, params)
        # As for every general operation, by pulling back twice; here all operands at once.
        probe = Array(np.zeros(shape_of(output), dtype_of(output)), Leaf(Recording()))
        asked = [t is not None for t in tangents]
        sums = [None] * len(operands)
        pulled = self.pull_together(sums, asked, probe, operands, output, params, True)
        starts = [
            (x, t)
            for x, t, is_asked in zip(pulled, tangents, asked, strict=True)
            if is_asked and type(x) is Array
        ]
        return backward(starts, [probe.node])[0] if starts else None


def added(sums: Sequence[Any], parts: Sequence[Any], operands: Sequence[Any]) -> list[Any]:
    """Return gradients with a node's share of each, of its operand's shape; None is zero."""
    made = []
    for total, part, operand in zip(sums, parts, operands, strict=True):
        part = None if part is None else conform(part, operand)
        made.append(part if total is None else total if part is None else total + part)
    return made
