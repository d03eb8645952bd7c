"""The lengths and strides of a product, and the tile that computes it soonest."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from chainrule.native.ir.access import Access
from chainrule.native.runtime.engine import Target

__all__ = ["Extents", "Tile", "best_tile"]

_BLOCK = 1 << 18  # bytes of the right operand in a block of a long sum
_STEPS = 128  # in a block of a sum along one axis: two vectors of each stay in the first cache


Steps = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Extents:
    """A product of matrices: lengths and, in entries, the strides of both operands.

    Attributes:
        batch: (length, stride of a, stride of b) of each axis of the batch.
        rows: (length, stride of a).
        steps: (length, stride of a, stride of b) of each axis that is summed.
        columns: (length, stride of b).
    """

    batch: Steps
    rows: tuple[int, int]
    steps: Steps
    columns: tuple[int, int]

    @classmethod
    def of_matrices(cls, a: Access, b: Access) -> Extents:
        """Describe a product of two batches of matrices."""
        batch = tuple(zip(a.size[:-2], a.strides[:-2], b.strides[:-2], strict=True))
        step = a.size[-1], a.strides[-1], b.strides[-2]
        return cls(batch, (a.size[-2], a.strides[-2]), (step,), (b.size[-1], b.strides[-1]))

    @classmethod
    def nested(cls, a: Access, b: Access) -> Extents:
        """Describe a sum along the first axes of b, all but one, which are the last ones of a."""
        count = len(b.size) - 1
        *batch, rows = _merged(
            (n, stride, 0) for n, stride in zip(a.size[:-count], a.strides[:-count], strict=True)
        )
        steps = _merged(zip(b.size[:-1], a.strides[-count:], b.strides[:-1], strict=True))
        return cls(tuple(batch), rows[:2], tuple(steps), (b.size[-1], b.strides[-1]))

    @property
    def sum(self) -> int:
        """How many products are summed."""
        return math.prod(n for n, *_ in self.steps)

    def split(self, itemsize: int) -> tuple[Steps, Steps]:
        """Return the axes that run over blocks of the sum, if it is long, and those in a block."""
        size, count = self.sum * self.columns[0] * itemsize, 0
        if len(self.steps) == 1 and size > _BLOCK and min(self.rows[0], self.columns[0]) > 16:
            ((n, a, b),) = self.steps
            blocks = -(-n // _STEPS)
            length = -(-n // blocks)
            outer = ((blocks, length * a, length * b),) if blocks > 1 else ()
            return outer, ((length, a, b),)
        while size > _BLOCK and count < len(self.steps) - 1:
            size //= self.steps[count][0]
            count += 1
        return self.steps[:count], self.steps[count:]


def _merged(axes: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Make one axis of neighbours where both operands go on as they did."""
    merged: list[tuple[int, int, int]] = []
    for n, *strides in axes:
        if merged and all(s == n * t for s, t in zip(merged[-1][1:], strides, strict=True)):
            n *= merged.pop()[0]
        merged.append((n, *strides))  # type: ignore[arg-type]
    return merged


@dataclass(frozen=True)
class Tile:
    """Rows by vectors of so many columns each."""

    rows: int
    vectors: int
    width: int

    def span(self, n: int) -> int:
        """Return the number of columns, of n that there are."""
        return min(self.vectors * self.width, n)

    def columns(self, n: int) -> list[int]:
        """Return the first column of each vector."""
        last = self.span(n) - self.width
        return [min(v * self.width, last) for v in range(self.vectors)]


@functools.cache
def best_tile(m: int, n: int, itemsize: int, target: Target, even: bool = False) -> Tile | None:
    """Choose the tile with which a product takes the least time.

    It is to divide the columns if that is to be ``even``: there may be none.

    Two vectors are multiplied and added in a cycle, the next but four after the last of the same
    sum; what is loaded counts for a third of that.
    """
    width = 1 << min(n, target.vector_bytes // itemsize).bit_length() - 1
    across = -(-n // width)
    registers = target.vector_registers

    def cycles(tile: Tile) -> tuple[float, int]:
        count = -(-m // tile.rows) * -(-across // tile.vectors)
        work = max(tile.rows * tile.vectors / 2, 4) + 0.3 * (tile.rows + tile.vectors)
        return count * work, count

    tiles = (
        Tile(rows, vectors, width)
        for rows in range(1, min(m, registers) + 1)
        for vectors in range(1, min(across, registers) + 1)
        if rows * vectors + vectors + 1 <= registers
    )
    if even:
        tiles = (tile for tile in tiles if not n % tile.span(n))
    return min(tiles, key=cycles, default=None)
