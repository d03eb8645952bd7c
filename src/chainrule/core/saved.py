"""The values that nodes saved, as rules are given them in a backward or forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.core.node import Node
from chainrule.core.placeholder import Deferred, Placeholder
from chainrule.core.recording import has_ended

__all__ = ["as_numpy", "lift"]


def lift(value: Any, node: Node | None) -> Any:
    """Give a saved value its history back, so that a rule which uses it is recorded."""
    if node is None or type(value) is Placeholder or value is None or has_ended(node.recording):
        return value.value if type(value) is Deferred else value
    return Array(value, node)


def as_numpy(values: Sequence[Any]) -> list[Any]:
    """Turn Python's numbers, which raise where NumPy's give inf or NaN, into NumPy's."""

    def convert(value: Any) -> Any:
        if type(value) is Array:
            return Array(convert(value.value), value.node)
        if type(value) is float:
            return np.float64(value)
        return np.complex128(value) if type(value) is complex else value

    return [convert(value) for value in values]
