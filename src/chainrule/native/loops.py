"""The loops of a kernel, around what its phases compute.

Functions that are quicker for arguments of moderate size make two loops of one: the first notes
whether an argument was large, and if so the row is done again by the second.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from chainrule.native import math
from chainrule.native.text import Code, constant

__all__ = ["METADATA", "Carried", "Phase"]

#: What the loops refer to: that no turn has to do with another's memory, and for short ones how
#: many turns are to be under way at once, so that a sum does not wait for itself.
METADATA = """\
!0 = distinct !{}
!1 = distinct !{!1, !3}
!2 = distinct !{!2, !3, !4}
!3 = !{!"llvm.loop.parallel_accesses", !0}
!4 = !{!"llvm.loop.interleave.count", i32 4}"""
_SHORT = 16  # instructions


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
        near = {name: f"{name}_near" for name, _ in code.functions if name in math.HAVE_NEAR}
        if not near or self.adds:
            return [*self._one("far", code.lines, length, "end"), *self._results("far")]
        quick, flag = self._with_flags(near)
        noted = Carried(f"%flag{number}", "i32", "0", flag)
        code.functions |= {(near[name], kind) for name, kind in code.functions if name in near}
        return [
            *self._one("near", quick, length, "look", noted),
            f"  %any.far{number} = icmp ne i32 {flag}.near, 0",
            f"  br i1 %any.far{number}, label %loop{number}.again, label %loop{number}.end",
            f"loop{number}.again:",
            *self._one("far", code.lines, length, "end"),
            *self._results("far", "near"),
        ]

    def _results(self, *variants: str) -> list[str]:
        last = {"near": f"%loop{self.number}.look", "far": f"%loop{self.number}.far"}
        return [
            f"  {c.total} = phi {c.kind} "
            + ", ".join(f"[ {c.total}.{variant}, {last[variant]} ]" for variant in variants)
            for c in self.carried
        ]

    def _with_flags(self, near: dict[str, str]) -> tuple[list[str], str]:
        """Call the quicker functions, and note in a register whether an argument is too large."""
        lines, code, flag = [], self.inner, f"%flag{self.number}"
        for line in code.lines:
            called = re.search(r"call (\w+) @cr\.(\w+)\.\w+\(\w+ (\S+)\)", line)
            if called is None or called[2] not in near:
                lines.append(line)
                continue
            kind, name, x = called.groups()
            suffix = "f64" if kind == "double" else "f32"
            code.declarations.add(f"declare {kind} @llvm.fabs.{suffix}({kind})")
            edge = constant(math.near_limit(kind), np.dtype("f8"))
            size, large, bit, new = (code.name() for _ in range(4))
            lines += [
                f"  {size} = call {kind} @llvm.fabs.{suffix}({kind} {x})",
                f"  {large} = fcmp oge {kind} {size}, {edge}",
                f"  {bit} = zext i1 {large} to i32",
                f"  {new} = or i32 {flag}, {bit}",
                line.replace(f"@cr.{name}.", f"@cr.{near[name]}."),
            ]
            flag = new
        return lines, flag

    def _one(
        self, variant: str, body: list[str], length: str, leave: str, *more: Carried
    ) -> list[str]:
        """Write one loop; its registers end in the name of the variant."""
        number = self.number
        name = f"loop{number}.{variant}"
        carried = (*self.carried, *more)
        loop = "!2" if len(body) <= _SHORT and not self.inner.functions else "!1"
        own = re.compile(rf"%(?:i{number}_\d+|sum{number}_\d+|flag{number})\b")
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
