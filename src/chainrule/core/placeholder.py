"""Placeholders: arrays without their entries, of which only shape and dtype are known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["Placeholder", "is_array"]


class Placeholder:
    """Stands for an array whose entries nobody needs: it has a shape and a dtype alone.

    In a node it is an operand or output that no rule reads, in a graph the value of a vertex that
    rewriting made, which nobody has computed.
    """

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape = shape
        self.dtype = dtype

    def __repr__(self) -> str:
        return f"Placeholder({self.shape}, {self.dtype})"

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)


def is_array(value: Any) -> bool:
    """Tell whether a value is an array, or stands for one."""
    return isinstance(value, (np.ndarray, Placeholder))
