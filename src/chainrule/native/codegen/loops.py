"""The loop over the entries of a row, as LLVM IR.

Functions that have a *fast path*, for the arguments of a range, make two loops of one: the first
takes the fast path and notes whether an argument was outside. If so the row is done again by the
second, which takes the slow path, and some rows after it by the second alone: rows that are masked
with -inf come together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from chainrule.native.ir import math
from chainrule.native.ir.text import Code

__all__ = ["FEW", "METADATA", "ONE_BY_ONE", "SELDOM", "Body", "Carried", "Loop"]

#: What loops refer to, those of `reductions` too: that no turn has to do with another's memory, how
#: many turns are to be under way at once, so that a sum does not wait for itself, and what is to be
#: unrolled. A loop that was unrolled before it is vectorised takes several times as long to
#: compile: this is left to rows of few entries. Of others LLVM makes vectors first, and then writes
#: out the entries that are left over, and where !102 and so on say so, the vectors too. Those of
#: loops that call functions, !107 and !108, are not written out: it would win nothing. That turns
#: have to do with their own memory alone is said of the vectors, too: passes that come later would
#: else compare all accesses with one another.
METADATA = """\
!0 = distinct !{}
!1 = distinct !{!1, !3}
!2 = !{!"llvm.loop.vectorize.enable", i1 false}
!3 = !{!"llvm.loop.parallel_accesses", !0}
!4 = !{!"llvm.loop.unroll.disable"}
!5 = !{!"llvm.loop.interleave.count", i32 2}
!6 = !{!"llvm.loop.interleave.count", i32 4}
!7 = !{!"llvm.loop.isvectorized", i32 1}
!8 = !{!"llvm.loop.vectorize.followup_all", !7}
!9 = distinct !{!9, !4}
!10 = distinct !{!10, !4}
!11 = distinct !{!11, !4, !2}
!12 = !{!"llvm.loop.vectorize.followup_epilogue", !15, !3}
!13 = !{!"llvm.loop.vectorize.followup_vectorized", !4, !3}
!14 = !{!"llvm.loop.vectorize.followup_vectorized", !15, !3}
!15 = !{!"llvm.loop.unroll.runtime.disable"}
!16 = !{!"branch_weights", i32 1, i32 2000}
!17 = !{!"llvm.loop.vectorize.followup_epilogue", !4, !3}
!101 = distinct !{!101, !3, !4, !8, !12, !13}
!102 = distinct !{!102, !3, !4, !8, !12, !14}
!103 = distinct !{!103, !3, !4, !8, !12, !13, !5}
!104 = distinct !{!104, !3, !4, !8, !12, !14, !5}
!105 = distinct !{!105, !3, !4, !8, !12, !13, !6}
!106 = distinct !{!106, !3, !4, !8, !12, !14, !6}
!107 = distinct !{!107, !3, !4, !8, !17, !13}
!108 = distinct !{!108, !3, !4, !8, !17, !13, !5}"""
#: Metadata of a select whose condition hardly ever holds.
SELDOM = "!16"
#: Metadata of a loop whose turns LLVM leaves as they are, one after the other.
ONE_BY_ONE = "!11"
#: Of loops over entries: how many turns are to be under way, and whether vectors are written out.
_VECTORS = {
    (1, False): "!101",
    (1, True): "!102",
    (2, False): "!103",
    (2, True): "!104",
    (4, False): "!105",
    (4, True): "!106",
}
#: Of loops over entries that call functions: how many turns are to be under way.
_CALLING = {1: "!107", 2: "!108"}
FEW = 16  #: entries up to which LLVM may unroll a row before it makes vectors
_WHOLE = "!1"  # a loop over so few
_ENOUGH = 32  # entries for each turn that is to be under way: the rest are computed one by one
_SHORT, _MEDIUM = 16, 24  # lines of a turn
_VECTOR = 4  # entries, about
# Entries from which on two vectors at a time, of functions, are worth it even where they leave over
# what one at a time would not: they are 5 % quicker, and an entry on its own takes as long as four.
_MANY = 256
_LINES = {False: 100, True: 300}  # that may be written of all vectors: of one row, or of many
_SKIPPED = 15  # rows
_WIDTH = {"double": "i64", "float": "i32"}


@dataclass(frozen=True)
class Carried:
    """A register that goes from one entry of a row to the next: a sum, say.

    ``start`` is what it is at the first entry, and ``total`` what it is after this one.
    """

    register: str
    kind: str
    start: str
    total: str


@dataclass
class Body:
    """What one loop does with an entry, whose number is in the register ``column``."""

    name: str  # of the loop
    code: Code
    carried: list[Carried] = field(default_factory=list)

    @property
    def column(self) -> str:
        """The register that counts the entries."""
        return f"%{self.name}.column"

    @property
    def has_fast_path(self) -> bool:
        """Whether a function that is called has a fast path."""
        names = (name.removesuffix("_rare") for name, _ in self.code.functions)
        return any(name in math.HAVE_FAST_PATH for name in names)

    def name_of_sum(self) -> str:
        """Return the register for the next sum that is carried from entry to entry."""
        return f"%{self.name}.sum{len(self.carried)}"


class Loop:
    """The loop of one phase: a body, and perhaps one that is to be tried first.

    Args:
        number: of the phase.
        rows: how many there are, at most.
        entries: how many a row has, at most.
        repeats: whether it may do a row again: its body is then written with a fast path, too, if
            there is one.
    """

    def __init__(self, number: int, rows: int, entries: int, repeats: bool) -> None:
        self.number, self.rows, self.entries, self.repeats = number, rows, entries, repeats
        self.slow = Body(f"loop{number}.slow", (_RareCode if repeats else Code)(f"s{number}_"))
        self.fast: Body | None = None
        self._fast_code = _FastCode(f"f{number}_", f"%loop{number}.flag")

    def with_fast_path(self) -> Body:
        """Return the body of a loop to be tried first, in which functions take the fast path."""
        self.fast = Body(f"loop{self.number}.fast", self._fast_code)
        return self.fast

    @property
    def bodies(self) -> list[Body]:
        """What is written for an entry."""
        return [self.slow] if self.fast is None else [self.slow, self.fast]

    @property
    def functions(self) -> set[tuple[str, str]]:
        """The functions that are called."""
        return set().union(*(body.code.functions for body in self.bodies))

    def result(self, k: int) -> str:
        """Return the register of a sum, counted from 0, after the loop."""
        return f"%total{self.number}_{k}"

    def before(self) -> list[str]:
        """Write what goes before all rows: for how many of them the fast path is not tried."""
        rows = f"%rows{self.number}"
        return [f"  {rows} = alloca i32", f"  store i32 0, ptr {rows}"] if self.fast else []

    def lines(self, length: str, some: bool = True) -> list[str]:
        """Write the loop over the entries of a row, given their number, and whether it is not 0."""
        if not self.slow.code.lines:
            return []
        if some:
            return self._all(length)
        name = f"loop{self.number}"
        return [
            f"  br label %{name}.enter",
            f"{name}.enter:",
            f"  %{name}.some = icmp ne i64 {length}, 0",
            f"  br i1 %{name}.some, label %{name}.go, label %{name}.end",
            f"{name}.go:",
            *self._all(length, "enter"),
        ]

    def _all(self, length: str, *before: str) -> list[str]:
        """Write the loops, and what the sums are after them.

        ``before`` is the block that is left for the end where there are no entries.
        """
        if self.fast is None:
            return [*self._one(self.slow, length, "end"), *self._results("slow", before=before)]
        flags = self._fast_code.flags
        loop, rows, missed = f"loop{self.number}", f"%rows{self.number}", f"%missed{self.number}"
        tests = [f"  {missed}_{k} = icmp slt {x.kind} {x.total}, 0" for k, x in enumerate(flags)]
        tests.append(f"  {missed} = or i1 {missed}_0, {missed}_{len(flags) - 1}")
        return [
            f"  {rows}.left = load i32, ptr {rows}",
            f"  {rows}.none = icmp eq i32 {rows}.left, 0",
            f"  br i1 {rows}.none, label %{loop}.try, label %{loop}.skip",
            f"{loop}.try:",
            *self._one(self.fast, length, "look", *flags),
            *tests,
            f"  br i1 {missed}, label %{loop}.missed, label %{loop}.end",
            f"{loop}.missed:",
            f"  store i32 {_SKIPPED}, ptr {rows}",
            f"  br label %{loop}.again",
            f"{loop}.skip:",
            f"  {rows}.next = sub i32 {rows}.left, 1",
            f"  store i32 {rows}.next, ptr {rows}",
            f"  br label %{loop}.again",
            f"{loop}.again:",
            *self._one(self.slow, length, "end"),
            *self._results("slow", "look", before=before),
        ]

    def _results(self, *last: str, before: Sequence[str]) -> list[str]:
        """Write which loop the sums come from, given the block in which each of them ends."""
        sums = zip(*(body.carried for body in self.bodies), strict=True)
        lines = []
        for k, same in enumerate(sums):
            totals = [(c.total, block) for c, block in zip(same, last, strict=True)]
            totals += [(same[0].start, block) for block in before]
            found = ", ".join(f"[ {x}, %loop{self.number}.{block} ]" for x, block in totals)
            lines.append(f"  {self.result(k)} = phi {same[0].kind} {found}")
        return lines

    def _one(self, body: Body, length: str, leave: str, *more: Carried) -> list[str]:
        """Write one loop."""
        name, column, code = body.name, body.column, body.code
        return [
            f"  br label %{name}.start",
            f"{name}.start:",
            f"  br label %{name}",
            f"{name}:",
            f"  {column} = phi i64 [ 0, %{name}.start ], [ {column}.next, %{name} ]",
            *(
                f"  {c.register} = phi {c.kind} "
                f"[ {c.start}, %{name}.start ], [ {c.total}, %{name} ]"
                for c in (*body.carried, *more)
            ),
            *code.lines,
            f"  {column}.next = add nuw i64 {column}, 1",
            f"  {column}.more = icmp ult i64 {column}.next, {length}",
            f"  br i1 {column}.more, label %{name}, label %loop{self.number}.{leave}, "
            f"!llvm.loop {self._hints(body)}",
            f"loop{self.number}.{leave}:",
        ]

    def _hints(self, body: Body) -> str:
        """Return the metadata of a loop."""
        lines, entries = len(body.code.lines), self.entries
        if isinstance(body.code, _RareCode) and body.code.has_calls:
            return ONE_BY_ONE
        if body.code.functions:  # a slow path is seldom taken, and has to be compiled, too
            leaves_a_vector = entries < _MANY and entries % (2 * _VECTOR) >= _VECTOR
            is_slow = body is self.slow and self.fast is not None
            return _CALLING[1 if is_slow or leaves_a_vector else 2]
        if entries <= FEW:
            return _WHOLE
        at_once = 1
        if lines <= _SHORT and entries >= 2 * _ENOUGH:
            at_once = 4 if entries >= 4 * _ENOUGH else 2
        written_out = lines <= _MEDIUM and entries // _VECTOR * lines <= _LINES[self.rows > 1]
        return _VECTORS[at_once, written_out]


class _RareCode(Code):
    """Code of a slow path, in which the C library may compute what is hardly ever met."""

    @property
    def has_calls(self) -> bool:
        """Whether it does, so that no vectors can be made of the loop."""
        return any(name.endswith("_rare") for name, _ in self.functions)

    def call(self, name: str, kind: str, operands: Sequence[str]) -> str:
        """Write a call of a function."""
        return super().call(f"{name}_rare" if name in math.HAVE_RARE_PATH else name, kind, operands)


class _FastCode(Code):
    """Code in which functions take the fast path, and note whether an argument is not for it.

    There is one register for this of each type, of its width, so that all have their places in one
    vector.
    """

    def __init__(self, prefix: str, flag: str) -> None:
        super().__init__(prefix)
        self._flag = flag
        self._flags: dict[str, str] = {}

    @property
    def flags(self) -> list[Carried]:
        """Registers that are negative after the loop if an argument was not for the fast path."""
        return [Carried(self._start(k), _WIDTH[k], "0", x) for k, x in self._flags.items()]

    def call(self, name: str, kind: str, operands: Sequence[str]) -> str:
        """Write a call of a function, by its fast path if there is one."""
        if name not in math.HAVE_FAST_PATH:
            return super().call(name, kind, operands)
        (x,) = operands
        flag = self._flags.get(kind, self._start(kind))
        for sign in self._outside(kind, x, math.fast_range(name, kind)):
            flag = self.let(f"or {_WIDTH[kind]} {flag}, {sign}")
        self._flags[kind] = flag
        return super().call(f"{name}_fast", kind, operands)

    def _start(self, kind: str) -> str:
        return f"{self._flag}.{_WIDTH[kind]}"

    def _outside(self, kind: str, x: str, limits: tuple[float, float]) -> list[str]:
        """Write numbers of which one is negative if an argument, or NaN, is not between limits.

        They are differences of bits, which are in order for positive numbers. (Comparisons would be
        packed into vectors of fewer bits.)
        """
        width = _WIDTH[kind]
        dtype = np.dtype("f8" if kind == "double" else "f4")
        low, high = (int(np.array(x, dtype).view(f"i{dtype.itemsize}")) for x in limits)
        bits = self.let(f"bitcast {kind} {x} to {width}")
        if limits[0] == -limits[1]:
            size = self.let(f"and {width} {bits}, {np.iinfo(f'i{dtype.itemsize}').max}")
            return [self.let(f"sub {width} {high - 1}, {size}")]
        above = self.let(f"sub {width} {high - 1}, {bits}")
        return [above, self.let(f"sub {width} {bits}, {low + 1}")]
