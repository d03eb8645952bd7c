"""Products of small matrices as loops of our own: the result tile by tile, each in registers.

A tile is some rows of the result by a few vectors of its columns. For each step of the sum, the
vectors are read from a row of the right operand and multiplied by one number of each row of the
left one, so the left operand may lie in any way, and the right one by rows; where it does not, or
its rows are far apart and are read for many tiles, a panel of it, as wide as a tile, is copied
first. The last tile of a row or column begins earlier rather than being smaller: some entries are
then computed twice, and there is one loop for all.

The unit of work is a chunk of the rows of one matrix of a batch, so that its rows stay in the cache
from one panel to the next, and threads have something to share.

What is summed may lie along several axes of both operands (`Extents`): so windows of an array are
multiplied where they lie, and are never written out. A long sum of this kind is cut into blocks,
which all units add to the result before the next, so that the operands' entries stay in the cache.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.native.ir.access import Access
from chainrule.native.ir.text import Code, register_type
from chainrule.native.matmul.ahead import DECLARATION, Ahead, fits
from chainrule.native.matmul.extents import Extents, best_tile
from chainrule.native.runtime.engine import host

__all__ = ["Loops", "call", "call_nested"]

_CHUNK = 1 << 14  # bytes of the left operand in a chunk: half of a small first-level cache
_ROWS = 64  # of a chunk at least

#: Nothing is gained by unrolling these loops or vectorising the copying ones, and compiling takes
#: three times as long. (Numbers are far from those of `loops.METADATA`.)
_METADATA = """\
!20 = distinct !{!20, !21, !22}
!21 = !{!"llvm.loop.unroll.disable"}
!22 = !{!"llvm.loop.vectorize.enable", i1 false}"""
_AS_IT_IS = "!llvm.loop !20"
_CACHE = 1 << 15  # bytes of a small first-level cache
_OFTEN = 8  # tiles that read a panel from which on it is worth a copy
_UNROLLED = 4  # steps of a sum up to which they are written one after the other


def call(a: Access, b: Access, at: Sequence[str], parts: int, code: Code) -> None:
    """Write the product of two batches of matrices; the result is C-contiguous.

    Args:
        a: where the left operands lie.
        b: where the right ones lie.
        at: pointers to the first entries of a, b and the result.
        parts: how many threads may share the work.
        code: what the call is written into, and the function among its declarations.
    """
    _call(Loops(Extents.of_matrices(a, b), a.base.dtype, parts), at, parts, code)


def call_nested(a: Access, b: Access, at: Sequence[str], parts: int, code: Code) -> None:
    """Write a product that is summed along several axes, see `Extents.nested`, as `call` does."""
    _call(Loops(Extents.nested(a, b), a.base.dtype, parts), at, parts, code)


def _call(loops: Loops, at: Sequence[str], parts: int, code: Code) -> None:
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


class Loops:
    """Writes the function ``void(ptr context, i64 begin, i64 end, i64 part)`` over units of work.

    ``context`` has the pointers to the operands and the result, and to what is fetched ``ahead``.

    Args:
        extents: the product.
        dtype: of its entries.
        parts: how many threads may share the work.
        most: how many rows a chunk may have; None for what suits the product.
        ahead: the bytes of a row of each array that is fetched meanwhile, if that can be done.
    """

    def __init__(
        self,
        extents: Extents,
        dtype: np.dtype[Any],
        parts: int,
        most: int | None = None,
        ahead: Sequence[int] = (),
    ) -> None:
        self.extents = extents
        self.kind, self.itemsize = register_type(dtype), dtype.itemsize
        (self.m, self.down), (self.n, self.across) = extents.rows, extents.columns
        self.blocks, self.steps = extents.split(self.itemsize)
        sizes = self.m, self.n, self.itemsize, host()
        # In blocks no column may be computed twice: it would be added twice.
        tile = best_tile(*sizes, even=bool(self.blocks))
        if tile is None:
            self.blocks, self.steps, tile = (), extents.steps, best_tile(*sizes)
            assert tile is not None
        self.tile = tile
        width = tile.width
        self.vector = self.kind if width == 1 else f"<{width} x {self.kind}>"
        self.columns = tile.columns(self.n)
        self.span = tile.span(self.n)
        self.packs = self.n > 1 and (self.across != 1 or self._is_scattered())
        self.rows = self._rows(parts, most)
        self.chunks = -(-self.m // self.rows)
        self.units = math.prod(n for n, *_ in extents.batch) * self.chunks
        lies = [(self.m, self.down), (self.n, self.across), *extents.batch, "of", *extents.steps]
        text = "_".join(x if isinstance(x, str) else ".".join(map(str, x)) for x in lies)
        self.ahead = self._ahead(ahead)
        more = "".join(f"_{n}" for n in self.ahead.rows)
        self.name = f"cr.tiles.{self.kind}.{text}_{self.rows}{more}"
        self.code = Code("t")
        self.end = ""  # of the sum in a block, where the last one is shorter

    def _ahead(self, rows: Sequence[int]) -> Ahead:
        """Return what fetches arrays, none of them if there is no time for that."""
        (steps, *_), *more = self.steps
        blocks = math.prod(n for n, *_ in self.blocks)
        tiles = blocks * -(-self.rows // self.tile.rows) * -(-self.n // self.span)
        fine = not more and steps > _UNROLLED and fits(rows, self.rows, tiles, steps)
        return Ahead(rows if fine else (), self.rows, tiles, steps)

    def _is_scattered(self) -> bool:
        """Tell whether rows of a panel lie so far apart that many tiles read a copy sooner.

        Few of them lie in a page, and where they are a power of two apart, they share few places
        of the first cache.
        """
        if len(self.steps) > 1 or self.m < _OFTEN * self.tile.rows:
            return False
        ((count, _, down),) = self.steps
        size = count * self.itemsize
        return down != self.span and size * self.n > _CACHE and size * self.span <= _CACHE

    def _rows(self, parts: int, most: int | None) -> int:
        """Return the number of rows in a chunk, whole tiles where there are several chunks."""
        row = math.prod(n for n, *_ in self.steps) * self.itemsize
        fit = (4 if self.packs else 1) * max(_CHUNK // row, _ROWS)
        chunks = -(-self.m // min(fit, most or fit))
        if math.prod(n for n, *_ in self.extents.batch) < 4 * parts:
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
            DECLARATION,
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
            for k in range(3 + len(self.ahead.rows))
        ]
        arrays = at[3:]
        panel = ""
        if self.packs:
            (step,) = self.steps
            panel = code.let(f"alloca [{step[0] * self.span} x {self.kind}], align 64")
        code.add("%any = icmp ult i64 %begin, %end")
        if self.blocks:
            size = self.tile.vectors * self.tile.width
            code.add(f"%nowhere = alloca [{size} x {self.kind}], align 64")
            code.add("br i1 %any, label %block, label %done")
            code.label("block")
            code.add("%q = phi i64 [ 0, %entry ], [ %q.next, %block.end ]")
            at[:2] = self._moved(at[0], at[1], "%q", self.blocks)
            self._shorten()
            code.add("br label %unit")
        else:
            code.add("br i1 %any, label %unit, label %done")
        code.label("unit")
        code.add(
            f"%u = phi i64 [ %begin, %{'block' if self.blocks else 'entry'} ], "
            "[ %u.next, %unit.end ]"
        )
        a, b, c, first, last = self._unit(at[:3])
        code.add("br label %panel")
        code.label("panel")
        code.add("%j = phi i64 [ 0, %unit ], [ %j.next, %panel.end ]")
        column = code.let(f"call i64 @llvm.umin.i64(i64 %j, i64 {self.n - self.span})")
        c = self._at(c, column)
        b = self._at(b, self._times(column, self.across))
        came = "panel"
        if self.packs:
            b, came = self._pack(b, panel), "pack.done"
        code.add("br label %tile")
        code.label("tile")
        code.add(f"%i = phi i64 [ {first}, %{came} ], [ %i.next, %tile.end ]")
        if self.ahead.rows:
            self.ahead.start(code, arrays, first, self._number(first))
        row = code.let(f"call i64 @llvm.umin.i64(i64 %i, i64 {self.m - self.tile.rows})")
        c = self._at(c, self._times(row, self.n))
        sums, _ = self._sums(0, self._at(a, self._times(row, self.down)), b, self._begun(c), "tile")
        code.add("br label %tile.end")
        code.label("tile.end")
        places = list(self._entries(c))
        if self.blocks:
            places = self._not_again(places, row)
        for place, register in zip(places, itertools.chain(*sums), strict=True):
            code.add(f"store {self.vector} {register}, ptr {place}, align {self.itemsize}")
        self._next("i", self.tile.rows, last, "tile", "panel.end")
        self._next("j", self.span, self.n, "panel", "unit.end")
        self._next("u", 1, "%end", "unit", "block.end" if self.blocks else "done")
        if self.blocks:
            self._next("q", 1, math.prod(n for n, *_ in self.blocks), "block", "done")
        return "\n".join([head, "entry:", *code.lines, "  ret void", "}"])

    def _number(self, first: str) -> str:
        """Return the number of a tile among those of its chunk, in the order in which they come."""
        code, down = self.code, -(-self.rows // self.tile.rows)
        row = code.let(f"sub i64 %i, {first}")
        row = code.let(f"udiv i64 {row}, {self.tile.rows}")
        column = code.let(f"udiv i64 %j, {self.span}")
        if self.blocks:
            before = code.let(f"mul i64 %q, {-(-self.n // self.span)}")
            column = code.let(f"add i64 {before}, {column}")
        return code.let(f"add i64 {code.let(f'mul i64 {column}, {down}')}, {row}")

    def _next(self, index: str, step: int, end: str | int, loop: str, leave: str) -> None:
        code = self.code
        code.add(f"%{index}.next = add nuw i64 %{index}, {step}")
        code.add(f"%{index}.more = icmp ult i64 %{index}.next, {end}")
        code.add(f"br i1 %{index}.more, label %{loop}, label %{leave}, {_AS_IT_IS}")
        code.label(leave)

    def _moved(
        self, a: str, b: str, number: str, axes: Sequence[tuple[int, int, int]]
    ) -> tuple[str, str]:
        """Move the pointers to the place that has this number along some axes."""
        code = self.code
        for axis, (n, in_a, in_b) in reversed(list(enumerate(axes))):
            index = number
            if axis:
                index = code.let(f"urem i64 {number}, {n}")
                number = code.let(f"udiv i64 {number}, {n}")
            a = self._at(a, self._times(index, in_a))
            b = self._at(b, self._times(index, in_b))
        return a, b

    def _shorten(self) -> None:
        """Let the last block of a sum along one axis end where that ends."""
        (whole, *_), *more = self.extents.steps
        ((count, *_), *_), ((blocks, *_), *_) = self.steps, self.blocks
        if not more and blocks * count != whole:
            begun = self._times("%q", count)
            left = self.code.let(f"sub i64 {whole}, {begun}")
            self.end = self.code.let(f"call i64 @llvm.umin.i64(i64 {left}, i64 {count})")

    def _not_again(self, places: Sequence[str], row: str) -> list[str]:
        """Return where a tile is stored: rows that the tile before it has stored go nowhere."""
        code, found = self.code, []
        if self.m % self.tile.rows == 0:
            return list(places)
        for k, place in enumerate(places):
            r, v = divmod(k, self.tile.vectors)
            if v == 0:
                own = code.let(f"add i64 {row}, {r}")
                new = code.let(f"icmp uge i64 {own}, %i")
            nowhere = self._at("%nowhere", v * self.tile.width)
            found.append(code.let(f"select i1 {new}, ptr {place}, ptr {nowhere}"))
        return found

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
        return *self._moved(a, b, rest, self.extents.batch), c, first, last

    def _pack(self, b: str, panel: str) -> str:
        """Copy a panel of the right operand, row after row; sums read it from there."""
        code = self.code
        ((count, along, down),) = self.steps
        code.add("br label %pack")
        code.label("pack")
        last = "pack" if self.across == 1 else "pack.end"
        code.add(f"%pack.k = phi i64 [ 0, %panel ], [ %pack.k.next, %{last} ]")
        source = self._at(b, self._times("%pack.k", down))
        target = self._at(panel, self._times("%pack.k", self.span))
        self.steps = ((count, along, self.span),)
        if self.across == 1:
            for start in self.columns:
                aligned = f"align {self.itemsize}"
                place = self._at(source, start)
                vector = code.let(f"load {self.vector}, ptr {place}, {aligned}")
                code.add(f"store {self.vector} {vector}, ptr {self._at(target, start)}, {aligned}")
            self._next("pack.k", 1, self.end or count, "pack", "pack.done")
            return panel
        code.add("br label %pack.row")
        code.label("pack.row")
        code.add("%pack.j = phi i64 [ 0, %pack ], [ %pack.j.next, %pack.row ]")
        entry = self._at(source, self._times("%pack.j", self.across))
        entry = code.let(f"load {self.kind}, ptr {entry}")
        code.add(f"store {self.kind} {entry}, ptr {self._at(target, '%pack.j')}")
        self._next("pack.j", 1, self.span, "pack.row", "pack.end")
        self._next("pack.k", 1, self.end or count, "pack", "pack.done")
        return panel

    # A tile.

    def _entries(self, c: str) -> Iterator[str]:
        """Yield the pointers to a tile's vectors in the result, row after row."""
        for r in range(self.tile.rows):
            for start in self.columns:
                yield self._at(c, r * self.n + start)

    def _begun(self, c: str) -> list[list[str]]:
        """Return what a tile's sums begin with: what the blocks before have made, if any."""
        code, rows, vectors = self.code, self.tile.rows, self.tile.vectors
        zero = "zeroinitializer" if self.tile.width > 1 else "0.0"
        if not self.blocks:
            return [[zero] * vectors] * rows
        fresh = code.let("icmp eq i64 %q, 0")
        found = []
        for place in list(self._entries(c)):
            old = code.let(f"load {self.vector}, ptr {place}, align {self.itemsize}")
            vector = self.vector
            found.append(code.let(f"select i1 {fresh}, {vector} {zero}, {vector} {old}"))
        return [found[r * vectors : (r + 1) * vectors] for r in range(rows)]

    def _sums(
        self, depth: int, a: str, b: str, sums: Sequence[Sequence[str]], came: str
    ) -> tuple[Sequence[Sequence[str]], str]:
        """Write the sums of one tile over some axis, and those within.

        Returns:
            Their registers, and the block in which they are known.
        """
        code = self.code
        count, along, step = self.steps[depth]
        is_last = depth == len(self.steps) - 1
        if is_last and not self.end and count <= _UNROLLED:
            for p in range(count):
                sums = self._added(sums, self._at(a, p * along), self._at(b, p * step))
            return sums, came
        loop = f"sum{depth}"
        code.add(f"br label %{loop}")
        code.label(loop)
        first, start = len(code.lines), sums
        names = [[code.name() for _ in registers] for registers in sums]
        at = f"%{loop}.a", f"%{loop}.b"
        if is_last:
            self.ahead.step(code)
            sums, end = self._added(names, *at), loop
        else:
            sums, end = self._sums(depth + 1, *at, names, loop)
        code.lines[first:first] = [
            f"  %{loop}.p = phi i64 [ 0, %{came} ], [ %{loop}.p.next, %{end} ]",
            f"  {at[0]} = phi ptr [ {a}, %{came} ], [ {at[0]}.next, %{end} ]",
            f"  {at[1]} = phi ptr [ {b}, %{came} ], [ {at[1]}.next, %{end} ]",
            *self.ahead.carried(came, end),
            *(
                f"  {name} = phi {self.vector} [ {zero}, %{came} ], [ {total}, %{end} ]"
                for row in zip(names, start, sums, strict=True)
                for name, zero, total in zip(*row, strict=True)
            ),
        ]
        for pointer, stride in zip(at, (along, step), strict=True):
            code.add(f"{pointer}.next = getelementptr {self.kind}, ptr {pointer}, i64 {stride}")
        self._next(f"{loop}.p", 1, self.end or count, loop, f"{loop}.end")
        return sums, f"{loop}.end"

    def _added(self, sums: Sequence[Sequence[str]], a: str, b: str) -> list[list[str]]:
        """Add the products of one column of the left operand and one row of the right one."""
        code, vector = self.code, self.vector
        row = [
            code.let(f"load {vector}, ptr {self._at(b, start)}, align {self.itemsize}")
            for start in self.columns
        ]
        result = []
        for r, registers in enumerate(sums):
            place = self._at(a, r * self.down)
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
