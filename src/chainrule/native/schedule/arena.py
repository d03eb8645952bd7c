"""Scratch memory of one run: places that are used again as soon as their last reader is done."""

from __future__ import annotations

__all__ = ["Arena"]

_ALIGNMENT = 64  # bytes: a cache line, and the widest vector
_SLOT = 8  # bytes of a number: several of them share a cache line


class Arena:
    """Hands out places in one block of memory, the first that is free and large enough."""

    def __init__(self) -> None:
        self.size = 0  #: bytes of the block so far
        self._free: list[tuple[int, int]] = []  # (offset, bytes), in order, never touching
        self._taken: dict[int, int] = {}
        self._slots: list[int] = []  # free ones for a number
        self._numbers: set[int] = set()  # slots that are not

    def take(self, size: int) -> int:
        """Return the offset of a free place."""
        if size > _SLOT:
            return self._take(size)
        if not self._slots:
            line = self._take(_ALIGNMENT)
            self._slots = list(range(line, line + _ALIGNMENT, _SLOT))[::-1]
        offset = self._slots.pop()
        self._numbers.add(offset)
        return offset

    def _take(self, size: int) -> int:
        size = -(-size // _ALIGNMENT) * _ALIGNMENT
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
        if offset in self._numbers:
            self._numbers.remove(offset)
            self._slots.append(offset)
        else:
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
