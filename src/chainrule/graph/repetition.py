"""Arrays that are one number throughout, as rules make them: ``g`` for every term of a sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core.kinds import broadcast_to
from chainrule.graph.graph import Apply, Constant, Vertex, topological
from chainrule.graph.rewrite import substitute

__all__ = ["without_repetition"]


def without_repetition(outputs: Sequence[Vertex]) -> list[Vertex]:
    """Make arrays that are one number throughout, as rules make them, that number."""
    numbers: dict[Vertex, Vertex] = {}
    for vertex in topological(outputs):
        if isinstance(vertex, Constant) and _is_repetition(vertex.value):
            value = vertex.value
            number = Constant(value.ravel()[0])
            numbers[vertex] = Apply(broadcast_to, (number,), {"shape": value.shape}, value)
    return substitute(outputs, numbers) if numbers else list(outputs)


def _is_repetition(value: Any) -> bool:
    """Tell whether an array is one number, repeated, that nobody can overwrite."""
    if not isinstance(value, np.ndarray) or not value.size or any(value.strides):
        return False
    owner = value
    while isinstance(owner.base, np.ndarray):
        if owner.flags.writeable:
            return False
        owner = owner.base
    return not owner.flags.writeable
