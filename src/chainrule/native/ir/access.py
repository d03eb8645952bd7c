"""Where entries lie in memory: an offset, which may move with the turns of loops, and strides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.graph.graph import Vertex
from chainrule.native.ir.moving import Moving

__all__ = ["Access", "contiguous"]


@dataclass(frozen=True)
class Access:
    """Entries in the memory of some vertex: an offset and a stride per axis, counted in entries."""

    base: Vertex
    offset: int | Moving
    strides: tuple[int, ...]
    size: tuple[int, ...]

    @property
    def is_contiguous(self) -> bool:
        """Whether the entries lie one after the other, in C order."""
        want = 1
        for stride, n in zip(reversed(self.strides), reversed(self.size), strict=True):
            if n != 1 and stride != want:
                return False
            want *= n
        return True

    def view(
        self, strides: tuple[int, ...], size: tuple[int, ...], offset: int | Moving | None = None
    ) -> Access:
        """Return other entries of the same memory, which begin at the same one if not told."""
        return Access(self.base, self.offset if offset is None else offset, strides, size)

    def of(self, whole: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return these entries of an array that lies as the base does, as a view."""
        assert isinstance(self.offset, int)
        first = whole.reshape(-1)[self.offset :]
        strides = [stride * whole.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(first, self.size, strides)


def contiguous(vertex: Vertex) -> Access:
    """Return the access to a vertex that has memory of its own, in C order."""
    size = vertex.shape
    strides = []
    step = 1
    for n in reversed(size):
        strides.append(step)
        step *= n
    return Access(vertex, 0, tuple(reversed(strides)), size)
