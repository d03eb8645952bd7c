"""Scratch memory of one run: places that are used again as soon as their last reader is done."""

from __future__ import annotations

__all__ = ["Arena"]

_ALIGNMENT = 64  # bytes: a cache line, and the widest vector


class Arena:
    """Hands out places in one block of memory, the first that is free and large enough."""

    def __init__(self) -> None:
        self.size = 0  #: bytes of the block so far
        self._free: list[tuple[int, int]] = []  # (offset, bytes), in order, never touching
        self._taken: dict[int, int] = {}

    def take(self, size: int) -> int:
        """Return the offset of a free place."""
        size = -(-max(size, 1) // _ALIGNMENT) * _ALIGNMENT
        best = min(((room, offset) for offset, room in self._free if room >= size), default=None)
        if best is None:
            offset = self.size
            if self._free and sum(self._free[-1]) == self.size:  # what is free at the end grows
                offset, _ = self._free.pop()
            self.size = offset + size
        else:
            room, offset = best
            self._free.remove((offset, room))
            if room > size:
                self._give(offset + size, room - size)
        self._taken[offset] = size
        return offset

    def give(self, offset: int) -> None:
        """Free a place."""
        self._give(offset, self._taken.pop(offset))

    def _give(self, offset: int, size: int) -> None:
        self._free.append((offset, size))
        self._free.sort()
        merged: list[tuple[int, int]] = []
        for place in self._free:
            if merged and sum(merged[-1]) == place[0]:
                merged[-1] = merged[-1][0], merged[-1][1] + place[1]
            else:
                merged.append(place)
        self._free = merged
