"""The loops of a kernel, around what its phases compute.

Functions that are quicker for arguments of a range make two loops of one: the first notes whether
an argument was outside, and if so the row is done again by the second, and some rows after it by
the second alone: rows that are masked with -inf come together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from chainrule.native.ir import math
from chainrule.native.ir.text import Code

__all__ = ["METADATA", "Carried", "Phase"]

#: What loops refer to, those of `reductions` too: that no turn has to do with another's memory, how
#: many turns are to be under way at once, so that a sum does not wait for itself, and that more of
#: them would be compiled for nothing.
METADATA = """\
!0 = distinct !{}
!1 = distinct !{!1, !3}
!2 = distinct !{!2, !3, !4}
!3 = !{!"llvm.loop.parallel_accesses", !0}
!4 = !{!"llvm.loop.interleave.count", i32 4}
!5 = distinct !{!5, !3, !6, !7}
!6 = !{!"llvm.loop.interleave.count", i32 2}
!7 = !{!"llvm.loop.unroll.disable"}
!8 = distinct !{!8, !3, !7}
!9 = distinct !{!9, !7}
!10 = distinct !{!10, !7}"""
_SHORT = 16  # instructions
_SKIPPED = 15  # rows
_WIDTH = {"double": "i64", "float": "i32"}


@dataclass(frozen=True)
class Carried:
    """A register that goes from one entry of a row to the next: a sum, say."""

    register: str
    kind: str
    start: str
    total: str


@dataclass
class Phase:
    """What is written for one pass over a row: before its loop, and in it.

    ``adds`` says that the loop adds into memory, so that it must not run twice.
    """

    number: int
    row: Code
    inner: Code
    carried: list[Carried] = field(default_factory=list)
    adds: bool = False

    def loop(self, length: str) -> list[str]:
        """Write the loop over the entries of a row."""
        code, number = self.inner, self.number
        if not code.lines:
            return []
        near = self._near()
        if not near:
            return [*self._one("far", code.lines, length, "end"), *self._results("far")]
        quick, flags = self._with_flags(near)
        code.functions |= {(near[name], kind) for name, kind in code.functions if name in near}
        ends = [f"icmp slt {flag.kind} {flag.total}.near, 0" for flag in flags]
        tests = [f"  %far{number}_{k} = {end}" for k, end in enumerate(ends)]
        tests.append(f"  %any.far{number} = or i1 %far{number}_0, %far{number}_{len(ends) - 1}")
        loop, rows = f"%loop{number}", f"%rows{number}"
        return [
            f"  {rows}.left = load i32, ptr {rows}",
            f"  {rows}.none = icmp eq i32 {rows}.left, 0",
            f"  br i1 {rows}.none, label {loop}.try, label {loop}.skip",
            f"loop{number}.try:",
            *self._one("near", quick, length, "look", *flags),
            *tests,
            f"  br i1 %any.far{number}, label {loop}.missed, label {loop}.end",
            f"loop{number}.missed:",
            f"  store i32 {_SKIPPED}, ptr {rows}",
            f"  br label {loop}.again",
            f"loop{number}.skip:",
            f"  {rows}.next = sub i32 {rows}.left, 1",
            f"  store i32 {rows}.next, ptr {rows}",
            f"  br label {loop}.again",
            f"loop{number}.again:",
            *self._one("far", code.lines, length, "end"),
            *self._results("far", "near"),
        ]

    def before(self) -> list[str]:
        """Write what goes before all rows: the number of rows for which quick loops are skipped."""
        rows = f"%rows{self.number}"
        return [f"  {rows} = alloca i32", f"  store i32 0, ptr {rows}"] if self._near() else []

    def _near(self) -> dict[str, str]:
        """Return the quick functions to try, by the names of those that they stand for."""
        if self.adds:
            return {}
        return {name: f"{name}_near" for name, _ in self.inner.functions if name in math.HAVE_NEAR}

    def _results(self, *variants: str) -> list[str]:
        last = {"near": f"%loop{self.number}.look", "far": f"%loop{self.number}.far"}
        return [
            f"  {c.total} = phi {c.kind} "
            + ", ".join(f"[ {c.total}.{variant}, {last[variant]} ]" for variant in variants)
            for c in self.carried
        ]

    def _with_flags(self, near: dict[str, str]) -> tuple[list[str], list[Carried]]:
        """Call the quicker functions, and note in registers whether an argument is not for them.

        There is one for each type, of its width, so that all have their places in one vector.
        """
        lines, code = [], self.inner
        flags: dict[str, str] = {}
        for line in code.lines:
            called = re.search(r"call (\w+) @cr\.(\w+)\.\w+\(\w+ (\S+)\)", line)
            if called is None or called[2] not in near:
                lines.append(line)
                continue
            kind, name, x = called.groups()
            flag = flags.get(kind, self._flag(kind))
            for sign in self._outside(kind, x, math.near_range(name, kind), lines):
                flags[kind] = code.name()
                lines.append(f"  {flags[kind]} = or {_WIDTH[kind]} {flag}, {sign}")
                flag = flags[kind]
            lines.append(line.replace(f"@cr.{name}.", f"@cr.{near[name]}."))
        return lines, [Carried(self._flag(k), _WIDTH[k], "0", flag) for k, flag in flags.items()]

    def _flag(self, kind: str) -> str:
        return f"%flag{self.number}_{_WIDTH[kind]}"

    def _outside(
        self, kind: str, x: str, limits: tuple[float, float], lines: list[str]
    ) -> list[str]:
        """Write numbers of which one is negative if an argument, or NaN, is not between limits.

        They are differences of bits, which are in order for positive numbers. (Comparisons would be
        packed into vectors of fewer bits.)
        """
        code, width = self.inner, _WIDTH[kind]
        dtype = np.dtype("f8" if kind == "double" else "f4")
        low, high = (int(np.array(x, dtype).view(f"i{dtype.itemsize}")) for x in limits)
        bits, size, above, below = (code.name() for _ in range(4))
        lines.append(f"  {bits} = bitcast {kind} {x} to {width}")
        if limits[0] == -limits[1]:
            lines += [
                f"  {size} = and {width} {bits}, {np.iinfo(f'i{dtype.itemsize}').max}",
                f"  {above} = sub {width} {high - 1}, {size}",
            ]
            return [above]
        lines += [
            f"  {above} = sub {width} {high - 1}, {bits}",
            f"  {below} = sub {width} {bits}, {low + 1}",
        ]
        return [above, below]

    def _one(
        self, variant: str, body: list[str], length: str, leave: str, *more: Carried
    ) -> list[str]:
        """Write one loop; its registers end in the name of the variant."""
        number = self.number
        name = f"loop{number}.{variant}"
        carried = (*self.carried, *more)
        loop = "!2" if len(body) <= _SHORT else "!1"
        if self.inner.functions:  # a careful loop is seldom run, and has to be compiled, too
            loop = "!8" if variant == "far" and self._near() else "!5"
        own = re.compile(rf"%(?:i{number}_\d+|sum{number}_\d+|flag{number}_i\d+)\b")
        lines = [
            f"  br label %{name}.start",
            f"{name}.start:",
            f"  br label %{name}",
            f"{name}:",
            f"  %column = phi i64 [ 0, %{name}.start ], [ %column.next, %{name} ]",
            *(
                f"  {c.register} = phi {c.kind} "
                f"[ {c.start}, %{name}.start ], [ {c.total}, %{name} ]"
                for c in carried
            ),
            *body,
            "  %column.next = add nuw i64 %column, 1",
            f"  %column.more = icmp ult i64 %column.next, {length}",
            f"  br i1 %column.more, label %{name}, label %loop{number}.{leave}, !llvm.loop {loop}",
            f"loop{number}.{leave}:",
        ]
        return [
            own.sub(rf"\g<0>.{variant}", line).replace("%column", f"%column.{number}.{variant}")
            for line in lines
        ]
