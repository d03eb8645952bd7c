"""A transform of many lines, in IR.

Lines along the last axis are transformed where they lie. Others are brought together a few at a
time, as many as share a line of the cache: each of their entries is then read and written once, and
what is in between stays in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.native.fourier import pocketfft

__all__ = ["Lines", "definition", "scratch_bytes", "work"]

_TOGETHER = 64  # bytes
_APART = 64  # bytes between lines in scratch memory, that they do not share their places of a cache


@dataclass(frozen=True)
class Lines:
    """What is transformed.

    Attributes:
        function: the transform, ``rfft`` for instance.
        dtype: of real numbers.
        points: how many a line has, after it was cut or filled up with zeros.
        factor: the scale of the result.
        before: the product of the lengths of the axes before that of the lines.
        after: that of the axes after it.
        given: the length of a line that is given.
        made: the length of a line that is made.
        across: whether lines that are given lie across other axes in memory, and those that are
            made; otherwise one comes after the other.
    """

    function: str
    dtype: np.dtype[Any]
    points: int
    factor: float
    before: int
    after: int
    given: int
    made: int
    across: tuple[bool, bool] = (True, True)

    @property
    def ufunc(self) -> str:
        """NumPy's name of the loop."""
        if self.function != "rfft":
            return self.function
        return "rfft_n_odd" if self.points % 2 else "rfft_n_even"

    @property
    def sizes(self) -> tuple[int, int]:
        """The bytes of an entry that is given, and of one that is made."""
        size = self.dtype.itemsize
        return (
            size if self.function == "rfft" else 2 * size,
            size if self.function == "irfft" else 2 * size,
        )

    @property
    def together(self) -> int:
        """How many lines are brought together."""
        return min(self.after, max(1, _TOGETHER // min(self.sizes)))

    @property
    def distances(self) -> tuple[int, int]:
        """The bytes from line to line in scratch memory."""
        given, made = (
            n * size for n, size in zip((self.given, self.made), self.sizes, strict=True)
        )
        return -(-given // 16) * 16 + _APART, -(-made // 16) * 16 + _APART


def work(lines: Lines) -> int:
    """Return how long it takes, in rough nanoseconds."""
    return int(lines.before * lines.after * lines.points * math.log2(lines.points + 1))


def scratch_bytes(lines: Lines) -> int:
    """Return how much scratch memory it needs."""
    return 0 if lines.after == 1 or not any(lines.across) else lines.together * sum(lines.distances)


def definition(name: str, lines: Lines) -> tuple[str, set[str]]:
    """Return a function ``void(ptr given, ptr made, ptr scratch)``, and declarations."""
    loop, data = (
        pocketfft.symbol(lines.ufunc, lines.dtype),
        pocketfft.data(lines.ufunc, lines.dtype),
    )
    declarations = {f'declare void @"{loop}"(ptr, ptr, ptr, ptr)'}
    if data is not None:
        declarations.add(f'@"{data}" = external global i8')
    kind = "double" if lines.dtype.itemsize == 8 else "float"
    factor = float(lines.dtype.type(lines.factor))
    text = [
        f"define internal void @{name}(ptr %given, ptr %made, ptr %scratch) noinline {{",
        "entry:",
        f"  %factor = alloca {kind}",
        f"  store {kind} {_hexadecimal(factor)}, ptr %factor",
        *(f"  %{array} = alloca [5 x i64]" for array in ("arguments", "lengths", "steps")),
        "  %argument1 = getelementptr ptr, ptr %arguments, i64 1",
        "  store ptr %factor, ptr %argument1",
    ]
    given, made = lines.sizes
    call = f'call void @"{loop}"(ptr %arguments, ptr %lengths, ptr %steps, ptr {_pointer(data)})'
    if lines.after == 1 or not any(lines.across):
        text += _filled(
            "%given",
            "%made",
            lines,
            lines.before * lines.after,
            (lines.given * given, lines.made * made),
        )
        text += [f"  {call}", "  ret void", "}"]
        return "\n".join(text), declarations
    text += [f"  %room = getelementptr i8, ptr %scratch, i64 {lines.together * lines.distances[0]}"]
    blocks = [(0, lines.after // lines.together, lines.together)]
    rest = lines.after % lines.together
    if rest:
        blocks.append((lines.after - rest, 1, rest))
    last = "entry"
    for number, (first, count, width) in enumerate(blocks):
        block = _Block(f"b{number}", lines, first, count, width, last)
        text += block.lines(call)
        last = block.end
    return "\n".join([*text, "  ret void", "}"]), declarations


class _Block:
    """Writes the loop over as many lines as are brought together, or over those that are left.

    Args:
        name: begins the names of its registers.
        lines: what is transformed.
        first: the first of the lines, along the axes after theirs.
        count: how many times so many are brought together.
        width: how many are.
        last: the block of code before this loop.
    """

    def __init__(
        self, name: str, lines: Lines, first: int, count: int, width: int, last: str
    ) -> None:
        self.name, self.of, self.first, self.count, self.width = name, lines, first, count, width
        self.last, self.end = last, f"{name}.end"

    def lines(self, call: str) -> list[str]:
        """Write it."""
        b, of = self.name, self.of
        given, made = of.sizes
        text = [
            f"  br label %{b}",
            f"{b}:",
            f"  %{b}.i = phi i64 [ 0, %{self.last} ], [ %{b}.next, %{b}.made ]",
            f"  %{b}.outer = udiv i64 %{b}.i, {self.count}",
            f"  %{b}.inner = urem i64 %{b}.i, {self.count}",
            f"  %{b}.shift = mul i64 %{b}.inner, {self.width}",
            f"  %{b}.column = add i64 %{b}.shift, {self.first}",
            f"  %{b}.lines = mul i64 %{b}.outer, {of.after}",
            f"  %{b}.line = add i64 %{b}.lines, %{b}.column",
        ]
        whole = of.given * given, of.made * made
        places = ["%scratch", "%room"]
        for k, name in enumerate(("given", "made")):
            if not of.across[k]:
                places[k] = f"%{b}.{name}.line"
                text.append(f"  %{b}.{name}.offset = mul i64 %{b}.line, {whole[k]}")
                at = f"getelementptr i8, ptr %{name}, i64 %{b}.{name}.offset"
                text.append(f"  {places[k]} = {at}")
        if of.across[0]:
            text += self._moved("in", b, "%given", "%scratch", of.given, given, of.distances[0])
        distances = [
            own if across else line
            for own, line, across in zip(of.distances, whole, of.across, strict=True)
        ]
        text += [*_filled(places[0], places[1], of, self.width, distances, f"{b}."), f"  {call}"]
        before = f"{b}.in.end" if of.across[0] else b
        if of.across[1]:
            text += self._moved("out", before, "%made", "%room", of.made, made, of.distances[1])
        return [
            *text,
            f"  br label %{b}.made",
            f"{b}.made:",
            f"  %{b}.next = add i64 %{b}.i, 1",
            f"  %{b}.more = icmp ult i64 %{b}.next, {self.count * of.before}",
            f"  br i1 %{b}.more, label %{b}, label %{self.end}",
            f"{self.end}:",
        ]

    def _moved(
        self, name: str, before: str, whole: str, room: str, n: int, size: int, distance: int
    ) -> list[str]:
        """Write the loop that moves entries between an array and scratch memory."""
        b, kind = f"{self.name}.{name}", {4: "i32", 8: "i64", 16: "<2 x double>"}[size]
        text = [
            f"  %{b}.line = mul i64 %{self.name}.outer, {n * self.of.after}",
            f"  %{b}.first = add i64 %{b}.line, %{self.name}.column",
            f"  %{b}.at = getelementptr {kind}, ptr {whole}, i64 %{b}.first",
            f"  br label %{b}.head",
            f"{b}.head:",
            f"  %{b}.k = phi i64 [ 0, %{before} ], [ %{b}.next, %{b}.head ]",
            f"  %{b}.row = mul i64 %{b}.k, {self.of.after}",
            f"  %{b}.from = getelementptr {kind}, ptr %{b}.at, i64 %{b}.row",
            f"  %{b}.to = getelementptr {kind}, ptr {room}, i64 %{b}.k",
        ]
        for j in range(self.width):
            text += [
                f"  %{b}.from{j} = getelementptr {kind}, ptr %{b}.from, i64 {j}",
                f"  %{b}.to{j} = getelementptr i8, ptr %{b}.to, i64 {j * distance}",
            ]
        source, target = ("from", "to") if name == "in" else ("to", "from")
        align = min(size, 8)
        for j in range(self.width):
            text.append(f"  %{b}.x{j} = load {kind}, ptr %{b}.{source}{j}, align {align}")
        for j in range(self.width):
            text.append(f"  store {kind} %{b}.x{j}, ptr %{b}.{target}{j}, align {align}")
        return [
            *text,
            f"  %{b}.next = add i64 %{b}.k, 1",
            f"  %{b}.more = icmp ult i64 %{b}.next, {n}",
            f"  br i1 %{b}.more, label %{b}.head, label %{b}.end",
            f"{b}.end:",
        ]


def _filled(
    given: str, made: str, lines: Lines, count: int, distances: Sequence[int], prefix: str = ""
) -> list[str]:
    """Write what a loop is given: where lines begin, how many there are, and how they lie."""
    arrays = {
        "arguments": {0: f"ptr {given}", 2: f"ptr {made}"},
        "lengths": dict(enumerate(f"i64 {n}" for n in (count, lines.given, lines.made))),
        "steps": dict(enumerate(f"i64 {n}" for n in (distances[0], 0, distances[1], *lines.sizes))),
    }
    text = []
    for name, entries in arrays.items():
        for k, value in entries.items():
            place = f"%{prefix}{name}.{k}"
            text.append(f"  {place} = getelementptr i64, ptr %{name}, i64 {k}")
            text.append(f"  store {value}, ptr {place}")
    return text


def _pointer(data: str | None) -> str:
    return "null" if data is None else f'@"{data}"'


def _hexadecimal(number: float) -> str:
    return f"0x{np.float64(number).view(np.uint64):016X}"
