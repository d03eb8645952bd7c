"""The loop nest of one kernel: which axes it has, and how each array is walked through.

The axes of the kernel's space are merged where every array allows it, so that most kernels have one
loop over rows and one over the entries of a row. A long last axis is cut into blocks, which are
rows, too: a block stays in the cache, is the share of a thread, and bounds the rounding error of
sums.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chainrule.native.ir.moving import moves

__all__ = ["Nest", "Walk", "nest"]

_BLOCK = 4096
_WHOLE = 8192  # entries up to which an axis is not cut


@dataclass(frozen=True)
class Walk:
    """Strides of one array (in entries) over the merged outer and inner axes."""

    outer: tuple[int, ...]
    inner: tuple[int, ...]


@dataclass(frozen=True)
class Nest:
    """Merged axes of a kernel.

    ``groups`` are the axes of the space in each merged axis, outer ones first; ``outer`` and
    ``inner`` are lengths. Where ``block`` is set, the last outer axis counts blocks of the one
    inner axis, whose whole length is ``inner[0]``.
    """

    groups: tuple[tuple[int, ...], ...]
    outer: tuple[int, ...]
    inner: tuple[int, ...]
    block: int | None = None

    @property
    def moves(self) -> bool:
        """Whether the number of rows, or of entries in a row, moves with the turns of loops."""
        return moves(self.outer) or moves(self.inner)

    @property
    def rows(self) -> int:
        """Number of rows, at most."""
        return math.prod(self.outer)

    @property
    def columns(self) -> int:
        """Number of entries in a (whole) row, at most."""
        return self.block or math.prod(self.inner)

    def walk(self, strides: Sequence[int]) -> Walk:
        """Translate strides over the axes of the space."""
        merged = [strides[group[-1]] for group in self.groups]
        count = len(self.groups) - len(self.inner)
        outer, inner = merged[:count], merged[count:]
        if self.block:
            outer.append(self.block * inner[0])
        return Walk(tuple(outer), tuple(inner))

    @property
    def axes(self) -> tuple[list[int], list[int]]:
        """The axes of the space that run over rows, and those over the entries of a row."""
        split = len(self.groups) - len(self.inner)
        outer, inner = self.groups[:split], self.groups[split:]
        return [k for group in outer for k in group], [k for group in inner for k in group]

    def is_inner(self, axes: Iterable[int]) -> bool:
        """Tell whether any of the axes of the space is an inner one."""
        return not set(self.axes[1]).isdisjoint(axes)


def _product(lengths: Sequence[int]) -> int:
    return lengths[0] if len(lengths) == 1 else math.prod(lengths)


def nest(
    space: tuple[int, ...],
    inner: int | None,
    accesses: Iterable[tuple[int, ...]],
    reductions: Iterable[frozenset[int]],
) -> Nest:
    """Merge the axes of a space.

    Args:
        space: lengths of the axes.
        inner: the first axis of those that are reduced within the kernel, if there are such.
        accesses: strides of each array over the axes.
        reductions: for each reduction, the axes that it sums.
    """
    accesses, reductions = list(accesses), list(reductions)
    groups: list[list[int]] = []
    for axis, length in enumerate(space):
        if groups and axis != inner:
            before = groups[-1][-1]
            fixed = not moves((space[before], length))
            smooth = fixed and all(s[before] == length * s[axis] for s in accesses)
            alike = all((before in gone) == (axis in gone) for gone in reductions)
            if smooth and alike:
                groups[-1].append(axis)
                continue
        groups.append([axis])
    lengths = [_product([space[axis] for axis in group]) for group in groups]
    if inner is None:
        count = max(len(groups) - 1, 0)
    else:
        count = next(k for k, group in enumerate(groups) if group[0] >= inner)
    outer, within = lengths[:count], lengths[count:]
    block = None
    if inner is None and within and within[0] > _WHOLE and not moves(within):
        block = _BLOCK
        outer.append(-(-within[0] // block))
    return Nest(tuple(map(tuple, groups)), tuple(outer), tuple(within), block)
