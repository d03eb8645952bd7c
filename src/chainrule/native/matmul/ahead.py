"""Arrays that are fetched into the second cache while tiles are computed.

What goes on with the rows of a product reads other arrays along the same rows, often from far away:
parameters, and what an optimiser knows of them. A tile is a long time without a read from there, so
each step of its sums asks for a few bytes of each of them, in the order of memory: when the rows
are multiplied, the arrays' own rows are there.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.native.ir.text import Code

__all__ = ["DECLARATION", "Ahead", "fits"]

DECLARATION = "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)"

_LINE = 64  # bytes that come at once
_MOST = 4  # arrays: each takes a register, and a place in the queue to memory


def fits(rows: Sequence[int], chunk: int, tiles: int, steps: int) -> bool:
    """Tell whether some tiles of so many steps have time for the rows of a chunk."""
    return len(rows) <= _MOST and all(chunk * n <= _LINE * tiles * steps for n in rows)


class Ahead:
    """Writes what fetches a chunk's rows of some arrays, a few bytes in each step.

    Args:
        rows: the bytes of a row of each array.
        chunk: the rows of a chunk.
        tiles: how many tiles a chunk has.
        steps: of the sums of a tile.
    """

    def __init__(self, rows: Sequence[int], chunk: int, tiles: int, steps: int) -> None:
        self.rows, self.steps = rows, steps
        self.moves = [-(-chunk * n // (tiles * steps)) for n in rows]
        self.begin: list[str] = []  # where the fetching of a tile begins

    def start(self, code: Code, arrays: Sequence[str], first: str, tile: str) -> None:
        """Write where to begin, given the arrays, the first row and the number of the tile."""
        self.begin = []
        for array, size, move in zip(arrays, self.rows, self.moves, strict=True):
            begin = code.let(f"mul i64 {first}, {size}")
            done = code.let(f"mul i64 {tile}, {self.steps * move}")
            at = code.let(f"add i64 {begin}, {done}")
            self.begin.append(code.let(f"getelementptr i8, ptr {array}, i64 {at}"))

    def carried(self, came: str, end: str) -> list[str]:
        """Return the registers that go from one step to the next."""
        return [
            f"  %ahead{k} = phi ptr [ {begin}, %{came} ], [ %ahead{k}.next, %{end} ]"
            for k, begin in enumerate(self.begin)
        ]

    def step(self, code: Code) -> None:
        """Write what is done in a step."""
        for k, move in enumerate(self.moves):
            code.add(f"call void @llvm.prefetch.p0(ptr %ahead{k}, i32 0, i32 2, i32 1)")
            code.add(f"%ahead{k}.next = getelementptr i8, ptr %ahead{k}, i64 {move}")
