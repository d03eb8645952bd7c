"""The general kind: an operation whose pullback may use all operands and the output."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any, Unpack

import numpy as np

from chainrule.core.array import Array, dtype_of, shape_of
from chainrule.core.backward import backward
from chainrule.core.linear import conform
from chainrule.core.node import Leaf
from chainrule.core.operation import Operation, rows_of
from chainrule.core.recording import Recording
from chainrule.core.rules import per_operand, positions_read
from chainrule.core.traits import Traits

__all__ = ["General", "general"]


class General(Operation):
    """Anything else: its pullback may use all operands and the output."""

    def __init__(
        self,
        name: str,
        compute: Callable[..., Any],
        *,
        pullback: Any,
        pushforward: Callable[..., Any] | None = None,
        variadic: bool = False,
        **traits: Unpack[Traits],
    ) -> None:
        super().__init__(name, compute, **traits)
        self.pullback: Any = per_operand(pullback, variadic)
        self.pushforward = pushforward
        self.variadic = variadic

    def pull(
        self, k: int, g: Any, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
    ) -> Any:
        if self.variadic:
            return conform(self.pullback(k, g, operands, output, **params), operands[k])
        rule = self.pullback[k]
        if rule is None:
            return None
        return conform(rule(g, *operands, output, **params), operands[k])

    pull_fast = pull

    def push(
        self,
        tangents: Sequence[Any],
        operands: Sequence[Any],
        output: Any,
        params: Mapping[str, Any],
    ) -> Any:
        if self.pushforward is not None:
            return self.pushforward(tangents, *operands, output, **params)
        # The pullback is linear in g, so its own pullback, wherever it starts, is the pushforward
        # (Griewank and Walther, Evaluating Derivatives, 2008, section 3.7).
        start = np.zeros(shape_of(output), dtype=dtype_of(output))
        probe = Array(start, Leaf(Recording()))
        total = None
        for k, tangent in enumerate(tangents):
            if tangent is None:
                continue
            pulled = self.pull(k, probe, operands, output, params)
            if type(pulled) is not Array:
                continue
            (part,) = backward([(pulled, tangent)], [probe.node])
            if part is not None:
                total = part if total is None else total + part
        return total

    def flows(self, k: int) -> bool:
        return self.variadic or (k < len(self.pullback) and self.pullback[k] is not None)

    def needs(self, k: int, arity: int) -> tuple[Set[int], bool]:
        if self.variadic:
            return frozenset(range(arity)), True
        if self.pullback[k] is None:
            return frozenset(), False
        operands, output = positions_read(self.pullback[k], arity, first=1)
        if self.pushforward is not None:
            more, output_too = positions_read(self.pushforward, arity, first=1)
            operands, output = operands | more, output or output_too
        return operands, output


general = rows_of(General)
