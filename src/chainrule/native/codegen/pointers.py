"""Where arrays lie while a kernel runs: pointers to tables, rows and entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.graph.graph import Vertex
from chainrule.native.ir.buffers import Buffer, address, integer
from chainrule.native.ir.moving import moves, this_turn
from chainrule.native.ir.text import Code
from chainrule.native.schedule.space import Nest, Walk

__all__ = ["PARALLEL", "Apart", "Pointers", "from_start"]

#: Metadata of a load or store: no other turn of the loop has to do with what it reads or writes.
PARALLEL = ", !llvm.access.group !0"
_SCOPES = 8  # arrays that one kernel writes and that are told apart


class Pointers:
    """Pointers of one kernel, each written once: into the entry block, or where a row begins.

    Attributes:
        given: the places in memory that are parameters, in order: where it is called, a kernel need
            not find them in the table, and can serve for others. None where it does find them.
    """

    def __init__(self, nest: Nest, entry: Code, row: Code, are_given: bool) -> None:
        self.given: list[Buffer] | None = [] if are_given else None
        self._nest = nest
        self._entry = entry
        self._row = row
        self._bases: dict[Buffer, str] = {}
        self._rows: dict[tuple[str, str, Walk], str] = {}
        self._indices: list[str] = []
        self._lengths: dict[int, str] = {}

    def base(self, buffer: Buffer) -> str:
        """Return the pointer to a place in memory."""
        if buffer not in self._bases:
            if self.given is None:
                self._bases[buffer] = address(self._entry, buffer)
            else:
                self._bases[buffer] = f"%at{len(self.given)}"
                self.given.append(buffer)
        return self._bases[buffer]

    def part(self, buffer: Buffer, step: int) -> str:
        """Return the pointer to what a thread has for itself, ``step`` bytes after the last's."""
        base = self.base(buffer)
        if self.given is not None:  # there is one thread
            return base
        own = self._entry.let(f"mul i64 %part, {step}")
        return self._entry.let(f"getelementptr i8, ptr {base}, i64 {own}")

    def row(self, base: str, kind: str, walk: Walk) -> str:
        """Return the pointer to the first entry of an array in this row."""
        if not any(walk.outer):
            return base
        key = base, kind, walk
        if key not in self._rows:
            code, total = self._row, None
            for index, stride in zip(self.indices(), walk.outer, strict=True):
                if not stride:
                    continue
                step = index if stride == 1 else code.let(f"mul i64 {index}, {stride}")
                total = step if total is None else code.let(f"add i64 {total}, {step}")
            self._rows[key] = code.let(f"getelementptr {kind}, ptr {base}, i64 {total}")
        return self._rows[key]

    def length(self, n: int) -> str:
        """Return the length of an axis in this turn."""
        if n not in self._lengths:
            self._lengths[n] = integer(self._entry, this_turn(n))
        return self._lengths[n]

    def indices(self) -> list[str]:
        """Return the index of this row along each outer axis."""
        if not self._indices:
            code, rest = self._row, "%row"
            indices = []
            for k, n in reversed(list(enumerate(self._nest.outer))):
                if k == 0:
                    indices.append(rest)
                else:
                    count = self.length(n)
                    indices.append(code.let(f"urem i64 {rest}, {count}"))
                    rest = code.let(f"udiv i64 {rest}, {count}")
            self._indices = indices[::-1]
        return self._indices

    def entry(self, row: str, kind: str, walk: Walk, code: Code, column: str) -> str:
        """Return the pointer to an entry of an array: the one of the row that column counts."""
        if not any(walk.inner):
            return row
        if len(walk.inner) == 1 or self._is_smooth(walk.inner):
            stride = walk.inner[-1]
            index = column if stride == 1 else code.let(f"mul i64 {column}, {stride}")
            return code.let(f"getelementptr {kind}, ptr {row}, i64 {index}")
        rest, total = column, None
        for k, n in reversed(list(enumerate(self._nest.inner))):
            count = self.length(n)
            part = rest if k == 0 else code.let(f"urem i64 {rest}, {count}")
            rest = rest if k == 0 else code.let(f"udiv i64 {rest}, {count}")
            step = code.let(f"mul i64 {part}, {walk.inner[k]}")
            total = step if total is None else code.let(f"add i64 {total}, {step}")
        return code.let(f"getelementptr {kind}, ptr {row}, i64 {total}")

    def _is_smooth(self, strides: tuple[int, ...]) -> bool:
        lengths = self._nest.inner
        return not moves(lengths) and all(
            strides[k] == lengths[k + 1] * strides[k + 1] for k in range(len(strides) - 1)
        )


class Apart:
    """Tells LLVM that no array which a kernel writes shares memory with any other.

    LLVM unrolls short rows before it vectorises loops, and what `PARALLEL` says goes with the loop.
    It makes vectors of what is left if it may read an entry before it has written the last.
    """

    def __init__(self, written: Sequence[Vertex]) -> None:
        few = written if len(written) <= _SCOPES else ()
        self._scopes = {vertex: f"!{31 + k}" for k, vertex in enumerate(few)}

    def mark(self, vertex: Vertex) -> str:
        """Return metadata for reading or writing an array."""
        own = self._scopes.get(vertex)
        others = ", ".join(scope for scope in self._scopes.values() if scope != own)
        mark = f", !alias.scope !{{{own}}}" if own else ""
        return f"{mark}, !noalias !{{{others}}}" if others else mark

    @property
    def declarations(self) -> set[str]:
        """The scopes, which LLVM makes anew for each kernel that it moves elsewhere."""
        scopes = [f"!{31 + k} = distinct !{{!{31 + k}, !30}}" for k in range(_SCOPES)]
        return {"\n".join(["!30 = distinct !{!30}", *scopes])} if self._scopes else set()


def from_start(code: Code, index: str, dtype: np.dtype[Any], n: int) -> tuple[str, str]:
    """Write an index along an axis of length n as one from its start, and whether it fits."""
    index = code.convert(index, dtype, np.dtype(np.int64))
    wrapped = code.let(f"add i64 {index}, {n}")
    negative = code.let(f"icmp slt i64 {index}, 0")
    index = code.let(f"select i1 {negative}, i64 {wrapped}, i64 {index}")
    return index, code.let(f"icmp ult i64 {index}, {n}")
