"""Products of small matrices as loops of our own: the result tile by tile, each in registers.

A tile is some rows of the result by a few vectors of its columns. For each step of the sum, the
vectors are read from a row of the right operand and multiplied by one number of each row of the
left one, so the left operand may lie in any way, and the right one by rows; where it does not, a
panel of it, as wide as a tile, is copied first. The last tile of a row or column begins earlier
rather than being smaller: some entries are then computed twice, and there is one loop for all.

The unit of work is a chunk of the rows of one matrix of a batch, so that its rows stay in the cache
from one panel to the next, and threads have something to share.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from chainrule.native.ir.access import Access
from chainrule.native.ir.text import Code, register_type
from chainrule.native.runtime.engine import Target, host

__all__ = ["call", "is_quicker", "packs"]

_CHUNK = 1 << 14  # bytes of the left operand in a chunk: half of a small first-level cache
_ROWS = 64  # of a chunk at least
_RIGHT = 1 << 15  # bytes of a right operand that stays in the cache, however many rows there are
_PANEL = 1 << 16  # bytes of a panel, which lies on the stack

#: Nothing is gained by unrolling these loops or vectorising the copying ones, and compiling takes
#: three times as long. (Numbers are far from those of `loops.METADATA`.)
_METADATA = """\
!20 = distinct !{!20, !21, !22}
!21 = !{!"llvm.loop.unroll.disable"}
!22 = !{!"llvm.loop.vectorize.enable", i1 false}"""
_AS_IT_IS = "!llvm.loop !20"
_UNROLLED = 4  # steps of a sum up to which they are written one after the other


def packs(b: Access) -> bool:
    """Tell whether panels of the right operand are copied."""
    return b.size[-1] > 1 and b.strides[-1] != 1


def is_quicker(a: Access, b: Access) -> bool:
    """Tell whether the loops take less time than BLAS, which packs both operands and is called.

    How many times faster they were (AVX2, one thread, in cache, the four ways to transpose):

    ==================  =========  =========    ==================  =========  =========
    m x k x n           float64    float32      m x k x n           float64    float32
    ==================  =========  =========    ==================  =========  =========
    4 x 4 x 4           12 - 28    18 - 32      128 x 64 x 100      1.1 - 1.4  1.0 - 1.3
    16 x 16 x 16        1.9 - 3.0  2.4 - 5.1    100 x 100 x 100     1.1 - 1.3  1.1 - 1.3
    64 x 64 x 64        1.1 - 1.5  1.2 - 1.7    128 x 128 x 128     0.7 - 0.9  0.6 - 1.7
    1000 x 10 x 10      2.1 - 2.6  1.7 - 2.6    2000 x 64 x 64      1.1 - 1.3  1.1 - 1.6
    10 x 1000 x 10      1.8 - 3.0  2.0 - 5.1    64 x 4000 x 64      0.5 - 0.7  0.7 - 1.4
    10 x 10 x 1000      0.9 - 2.6  1.6 - 4.2    12 x 1000 x 2000    0.6 - 1.4  0.3 - 0.8
    ==================  =========  =========    ==================  =========  =========
    """
    (m, k), n = a.size[-2:], b.size[-1]
    itemsize = a.base.dtype.itemsize
    if m * n == 1:
        return k <= 1024  # each addition waits for the last
    if packs(b):
        span = _tile(m, n, itemsize, host()).span(n)
        if (m < 16 and k * n > 256) or k * span * itemsize > _PANEL:
            return False
    if k * n * itemsize <= _RIGHT:
        return True
    if min(m, n) <= 16:
        return n <= 16 or k * n * itemsize <= 32 * _RIGHT
    return m * k * n <= 1 << 20


@dataclass(frozen=True)
class _Tile:
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
def _tile(m: int, n: int, itemsize: int, target: Target) -> _Tile:
    """Choose the tile with which a product takes the least time.

    Two vectors are multiplied and added in a cycle, the next but four after the last of the same
    sum; what is loaded counts for a third of that.
    """
    width = 1 << min(n, target.vector_bytes // itemsize).bit_length() - 1
    across = -(-n // width)
    registers = target.vector_registers

    def cycles(tile: _Tile) -> tuple[float, int]:
        count = -(-m // tile.rows) * -(-across // tile.vectors)
        work = max(tile.rows * tile.vectors / 2, 4) + 0.3 * (tile.rows + tile.vectors)
        return count * work, count

    tiles = (
        _Tile(rows, vectors, width)
        for rows in range(1, min(m, registers) + 1)
        for vectors in range(1, min(across, registers) + 1)
        if rows * vectors + vectors + 1 <= registers
    )
    return min(tiles, key=cycles)


def call(a: Access, b: Access, at: Sequence[str], parts: int, code: Code) -> None:
    """Write the product of two batches of matrices; the result is C-contiguous.

    Args:
        a: where the left operands lie.
        b: where the right ones lie.
        at: pointers to the first entries of a, b and the result.
        parts: how many threads may share the work.
        code: what the call is written into, and the function among its declarations.
    """
    loops = _Loops(a, b, parts)
    code.declarations |= loops.declarations()
    context = code.let("alloca [3 x ptr]")
    for k, pointer in enumerate(at):
        slot = code.let(f"getelementptr ptr, ptr {context}, i64 {k}")
        code.add(f"store ptr {pointer}, ptr {slot}")
    if parts > 1 and loops.units > 1:
        code.add(
            f"call void @cr.parallel(ptr @{loops.name}, ptr {context}, i64 {loops.units}, "
            f"i64 {parts})"
        )
    else:
        code.add(f"call void @{loops.name}(ptr {context}, i64 0, i64 {loops.units}, i64 0)")


class _Loops:
    """Writes the function ``void(ptr context, i64 begin, i64 end, i64 part)`` over units of work.

    ``context`` has the pointers to the operands and the result.
    """

    def __init__(self, a: Access, b: Access, parts: int) -> None:
        self.a, self.b = a, b
        self.batch = a.size[:-2]
        (self.m, self.k), self.n = a.size[-2:], b.size[-1]
        dtype = a.base.dtype
        self.kind, self.itemsize = register_type(dtype), dtype.itemsize
        self.tile = _tile(self.m, self.n, self.itemsize, host())
        width = self.tile.width
        self.vector = self.kind if width == 1 else f"<{width} x {self.kind}>"
        self.columns = self.tile.columns(self.n)
        self.span = self.tile.span(self.n)
        self.packs = packs(b)
        self.rows = self._rows(parts)
        self.chunks = -(-self.m // self.rows)
        self.units = math.prod(self.batch) * self.chunks
        lies = (self.m, self.k, self.n, *self.batch, "a", *a.strides, "b", *b.strides, self.rows)
        self.name = f"cr.tiles.{self.kind}.{'_'.join(map(str, lies))}"
        self.code = Code("t")

    def _rows(self, parts: int) -> int:
        """Return the number of rows in a chunk, whole tiles where there are several chunks."""
        fit = (4 if self.packs else 1) * max(_CHUNK // (self.k * self.itemsize), _ROWS)
        chunks = -(-self.m // fit)
        if math.prod(self.batch) < 4 * parts:
            chunks = -(-chunks // parts) * parts
        rows = self.tile.rows
        return min(-(-self.m // (chunks * rows)) * rows, self.m)

    def declarations(self) -> set[str]:
        """Return the function, and what it refers to."""
        width = "" if self.tile.width == 1 else f"v{self.tile.width}"
        self.fma = f"{self.vector} @llvm.fmuladd.{width}f{8 * self.itemsize}"
        return {
            f"declare {self.fma}({self.vector}, {self.vector}, {self.vector})",
            "declare i64 @llvm.umin.i64(i64, i64)",
            _METADATA,
            self._definition(),
        }

    def _at(self, pointer: str, index: str | int) -> str:
        if index in (0, "0"):
            return pointer
        return self.code.let(f"getelementptr {self.kind}, ptr {pointer}, i64 {index}")

    def _times(self, index: str, factor: int) -> str:
        if factor == 1 or index == "0":
            return index
        return self.code.let(f"mul i64 {index}, {factor}") if factor else "0"

    def _definition(self) -> str:
        code = self.code
        # LLVM would take as long again if it moved this into what calls it.
        parameters = "ptr %context, i64 %begin, i64 %end, i64 %part"
        head = f"define internal void @{self.name}({parameters}) noinline {{"
        at = [
            code.let(f"load ptr, ptr {code.let(f'getelementptr ptr, ptr %context, i64 {k}')}")
            for k in range(3)
        ]
        panel = ""
        if self.packs:
            panel = code.let(f"alloca [{self.k * self.span} x {self.kind}], align 64")
        code.add("%any = icmp ult i64 %begin, %end")
        code.add("br i1 %any, label %unit, label %done")
        code.label("unit")
        code.add("%u = phi i64 [ %begin, %entry ], [ %u.next, %unit.end ]")
        a, b, c, first, last = self._unit(at)
        code.add("br label %panel")
        code.label("panel")
        code.add("%j = phi i64 [ 0, %unit ], [ %j.next, %panel.end ]")
        column = code.let(f"call i64 @llvm.umin.i64(i64 %j, i64 {self.n - self.span})")
        c = self._at(c, column)
        b = self._at(b, self._times(column, self.b.strides[-1]))
        came, step = "panel", self.b.strides[-2]
        if self.packs:
            self._pack(b, panel)
            b, came, step = panel, "pack.done", self.span
        code.add("br label %tile")
        code.label("tile")
        code.add(f"%i = phi i64 [ {first}, %{came} ], [ %i.next, %tile.end ]")
        row = code.let(f"call i64 @llvm.umin.i64(i64 %i, i64 {self.m - self.tile.rows})")
        sums = self._sums(self._at(a, self._times(row, self.a.strides[-2])), b, step)
        code.add("br label %tile.end")
        code.label("tile.end")
        c = self._at(c, self._times(row, self.n))
        for r, registers in enumerate(sums):
            for start, register in zip(self.columns, registers, strict=True):
                place = self._at(c, r * self.n + start)
                code.add(f"store {self.vector} {register}, ptr {place}, align {self.itemsize}")
        self._next("i", self.tile.rows, last, "tile", "panel.end")
        self._next("j", self.span, self.n, "panel", "unit.end")
        self._next("u", 1, "%end", "unit", "done")
        return "\n".join([head, "entry:", *code.lines, "  ret void", "}"])

    def _next(self, index: str, step: int, end: str | int, loop: str, leave: str) -> None:
        code = self.code
        code.add(f"%{index}.next = add nuw i64 %{index}, {step}")
        code.add(f"%{index}.more = icmp ult i64 %{index}.next, {end}")
        code.add(f"br i1 %{index}.more, label %{loop}, label %{leave}, {_AS_IT_IS}")
        code.label(leave)

    def _unit(self, at: Sequence[str]) -> tuple[str, str, str, str, str]:
        """Return pointers to the matrices of a unit, its first row, and the end of its rows."""
        code = self.code
        rest, first, last = "%u", "0", str(self.m)
        if self.chunks > 1:
            chunk = code.let(f"urem i64 %u, {self.chunks}")
            rest = code.let(f"udiv i64 %u, {self.chunks}")
            first = self._times(chunk, self.rows)
            end = code.let(f"add i64 {first}, {self.rows}")
            last = code.let(f"call i64 @llvm.umin.i64(i64 {end}, i64 {self.m})")
        a, b, c = at
        c = self._at(c, self._times(rest, self.m * self.n))
        for axis in reversed(range(len(self.batch))):
            index = rest
            if axis:
                index = code.let(f"urem i64 {rest}, {self.batch[axis]}")
                rest = code.let(f"udiv i64 {rest}, {self.batch[axis]}")
            a = self._at(a, self._times(index, self.a.strides[axis]))
            b = self._at(b, self._times(index, self.b.strides[axis]))
        return a, b, c, first, last

    def _pack(self, b: str, panel: str) -> None:
        """Copy a panel of the right operand, row after row."""
        code = self.code
        down, across = self.b.strides[-2:]
        code.add("br label %pack")
        code.label("pack")
        code.add("%pack.k = phi i64 [ 0, %panel ], [ %pack.k.next, %pack.end ]")
        source = self._at(b, self._times("%pack.k", down))
        target = self._at(panel, self._times("%pack.k", self.span))
        code.add("br label %pack.row")
        code.label("pack.row")
        code.add("%pack.j = phi i64 [ 0, %pack ], [ %pack.j.next, %pack.row ]")
        entry = self._at(source, self._times("%pack.j", across))
        entry = code.let(f"load {self.kind}, ptr {entry}")
        code.add(f"store {self.kind} {entry}, ptr {self._at(target, '%pack.j')}")
        self._next("pack.j", 1, self.span, "pack.row", "pack.end")
        self._next("pack.k", 1, self.k, "pack", "pack.done")

    def _sums(self, a: str, b: str, step: int) -> list[list[str]]:
        """Write the sums of one tile; return their registers."""
        code, along = self.code, self.a.strides[-1]
        sums = [["zeroinitializer" if self.tile.width > 1 else "0.0"] * self.tile.vectors]
        sums *= self.tile.rows
        if self.k <= _UNROLLED:
            for p in range(self.k):
                sums = self._added(sums, self._at(a, p * along), self._at(b, p * step))
            return sums
        code.add("br label %sum")
        code.label("sum")
        code.add("%p = phi i64 [ 0, %tile ], [ %p.next, %sum ]")
        code.add(f"%a.p = phi ptr [ {a}, %tile ], [ %a.next, %sum ]")
        code.add(f"%b.p = phi ptr [ {b}, %tile ], [ %b.next, %sum ]")
        first, start = len(code.lines), sums
        names = [[code.name() for _ in registers] for registers in sums]
        sums = self._added(names, "%a.p", "%b.p")
        code.lines[first:first] = [
            f"  {name} = phi {self.vector} [ {zero}, %tile ], [ {total}, %sum ]"
            for row in zip(names, start, sums, strict=True)
            for name, zero, total in zip(*row, strict=True)
        ]
        code.add(f"%a.next = getelementptr {self.kind}, ptr %a.p, i64 {along}")
        code.add(f"%b.next = getelementptr {self.kind}, ptr %b.p, i64 {step}")
        self._next("p", 1, self.k, "sum", "sum.end")
        return sums

    def _added(self, sums: Sequence[Sequence[str]], a: str, b: str) -> list[list[str]]:
        """Add the products of one column of the left operand and one row of the right one."""
        code, vector = self.code, self.vector
        row = [
            code.let(f"load {vector}, ptr {self._at(b, start)}, align {self.itemsize}")
            for start in self.columns
        ]
        result = []
        for r, registers in enumerate(sums):
            place = self._at(a, r * self.a.strides[-2])
            x = self._repeated(code.let(f"load {self.kind}, ptr {place}, align {self.itemsize}"))
            result.append(
                [
                    code.let(f"call {self.fma}({vector} {x}, {vector} {y}, {vector} {total})")
                    for y, total in zip(row, registers, strict=True)
                ]
            )
        return result

    def _repeated(self, x: str) -> str:
        """Return a vector of one number."""
        width = self.tile.width
        if width == 1:
            return x
        one = self.code.let(f"insertelement {self.vector} poison, {self.kind} {x}, i64 0")
        mask = f"<{width} x i32> zeroinitializer"
        return self.code.let(f"shufflevector {self.vector} {one}, {self.vector} poison, {mask}")
