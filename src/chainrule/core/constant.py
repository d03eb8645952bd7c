"""Operations whose output carries no gradient: comparisons, indices, `stop_gradient`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from chainrule.core.operation import Operation, rows_of

__all__ = ["Constant", "constant", "stopped"]


class Constant(Operation):
    """An operation whose output carries no gradient: comparisons, argmax, isnan."""

    differentiable = False

    def pull(
        self, k: int, g: Any, operands: Sequence[Any], output: Any, params: Mapping[str, Any]
    ) -> Any:
        return None

    def push(
        self,
        tangents: Sequence[Any],
        operands: Sequence[Any],
        output: Any,
        params: Mapping[str, Any],
    ) -> Any:
        return None

    def needs(self, k: int, arity: int) -> tuple[Set[int], bool]:
        return frozenset(), False


constant = rows_of(Constant)

#: A constant: a plain value in an eager gradient, but a part of the graph where that is noted.
stopped = constant("stop_gradient", lambda x: x, numpy=(), entrywise=True, moves=True, view=True)
