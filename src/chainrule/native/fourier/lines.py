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

__all__ = ["Lines", "definition", "rows", "scratch_bytes", "work"]

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
    def bytes(self) -> tuple[int, int]:
        """The bytes of a line that is given, and of one that is made."""
        return self.given * self.sizes[0], self.made * self.sizes[1]

    @property
    def moves(self) -> bool:
        """Whether lines are brought together, or put back."""
        return self.after > 1 and any(self.across)

    @property
    def together(self) -> int:
        """How many lines are brought together."""
        return min(self.after, max(1, _TOGETHER // min(self.sizes)))

    @property
    def distances(self) -> tuple[int, int]:
        """The bytes from line to line in scratch memory."""
        given, made = (-(-n // 16) * 16 + _APART for n in self.bytes)
        return given, made


def work(lines: Lines) -> int:
    """Return how long it takes, in rough nanoseconds."""
    return int(lines.before * lines.after * lines.points * math.log2(lines.points + 1) / 4)


def rows(lines: Lines) -> int:
    """Return how many rows threads may share: lines, or as many as are brought together."""
    if not lines.moves:
        return lines.before * lines.after
    return lines.before * -(-lines.after // lines.together)


def scratch_bytes(lines: Lines) -> int:
    """Return how much scratch memory each thread needs, in whole lines of the cache."""
    return -(-lines.together * sum(lines.distances) // 64) * 64 if lines.moves else 0


def definition(
    name: str, lines: Lines, entry: Sequence[str], given: str, made: str, scratch: str
) -> tuple[str, set[str]]:
    """Return a function ``void(ptr buffers, i64 begin, i64 end, i64 part)``, and declarations.

    Args:
        name: of the function.
        lines: what is transformed.
        entry: what it begins with.
        given: the register that points to what is transformed, after that.
        made: to where the result belongs.
        scratch: to scratch memory for all threads.
    """
    loop = pocketfft.symbol(lines.ufunc, lines.dtype)
    data = pocketfft.data(lines.ufunc, lines.dtype)
    declarations = {f'declare void @"{loop}"(ptr, ptr, ptr, ptr)'}
    if data is not None:
        declarations.add(f'@"{data}" = external global i8')
    kind = "double" if lines.dtype.itemsize == 8 else "float"
    factor = float(lines.dtype.type(lines.factor))
    pointer = "null" if data is None else f'@"{data}"'
    call = f'call void @"{loop}"(ptr %arguments, ptr %lengths, ptr %steps, ptr {pointer})'
    text = [
        f"define internal void @{name}(ptr %buffers, i64 %begin, i64 %end, i64 %part) noinline {{",
        "entry:",
        *entry,
        f"  %factor = alloca {kind}",
        f"  store {kind} {_hexadecimal(factor)}, ptr %factor",
        *(f"  %{array} = alloca [5 x i64]" for array in ("arguments", "lengths", "steps")),
        "  %argument1 = getelementptr ptr, ptr %arguments, i64 1",
        "  store ptr %factor, ptr %argument1",
        *(
            _moving(lines, call, given, made, scratch)
            if lines.moves
            else _still(lines, call, given, made)
        ),
        "  ret void",
        "}",
    ]
    return "\n".join(text), declarations


def _still(lines: Lines, call: str, given: str, made: str) -> list[str]:
    """Write the call for lines that are transformed where they lie."""
    own, other = lines.bytes
    return [
        "  %count = sub i64 %end, %begin",
        f"  %given.offset = mul i64 %begin, {own}",
        f"  %given.at = getelementptr i8, ptr {given}, i64 %given.offset",
        f"  %made.offset = mul i64 %begin, {other}",
        f"  %made.at = getelementptr i8, ptr {made}, i64 %made.offset",
        *_filled("%given.at", "%made.at", lines, "%count", lines.bytes),
        f"  {call}",
    ]


def _moving(lines: Lines, call: str, given: str, made: str, scratch: str) -> list[str]:
    """Write the loop over lines that are brought together."""
    whole, rest = divmod(lines.after, lines.together)
    blocks = [_Block("all", lines, lines.together, given, made)]
    if rest:
        blocks.append(_Block("rest", lines, rest, given, made))
    return [
        f"  %share = mul i64 %part, {scratch_bytes(lines)}",
        f"  %scratch = getelementptr i8, ptr {scratch}, i64 %share",
        f"  %room = getelementptr i8, ptr %scratch, i64 {lines.together * lines.distances[0]}",
        "  %any = icmp ult i64 %begin, %end",
        "  br i1 %any, label %head, label %done",
        "head:",
        "  %row = phi i64 [ %begin, %entry ], [ %next, %tail ]",
        f"  %outer = udiv i64 %row, {whole + bool(rest)}",
        f"  %inner = urem i64 %row, {whole + bool(rest)}",
        f"  %column = mul i64 %inner, {lines.together}",
        f"  %lines = mul i64 %outer, {lines.after}",
        "  %line = add i64 %lines, %column",
        f"  %is.whole = icmp ult i64 %inner, {whole}",
        f"  br i1 %is.whole, label %all, label %{'rest' if rest else 'all'}",
        *(line for block in blocks for line in block.lines(call)),
        "tail:",
        "  %next = add i64 %row, 1",
        "  %more = icmp ult i64 %next, %end",
        "  br i1 %more, label %head, label %done",
        "done:",
    ]


class _Block:
    """Writes what is done with lines that are brought together.

    Args:
        name: begins the names of its registers.
        lines: what is transformed.
        width: how many of them are brought together.
        given: see `definition`.
        made: likewise.
    """

    def __init__(self, name: str, lines: Lines, width: int, given: str, made: str) -> None:
        self.name, self.of, self.width, self.given, self.made = name, lines, width, given, made

    def lines(self, call: str) -> list[str]:
        """Write it."""
        b, of = self.name, self.of
        text = [f"{b}:"]
        places = ["%scratch", "%room"]
        for k, whole in enumerate((self.given, self.made)):
            if not of.across[k]:
                places[k] = f"%{b}.line{k}"
                text.append(f"  %{b}.offset{k} = mul i64 %line, {of.bytes[k]}")
                text.append(f"  {places[k]} = getelementptr i8, ptr {whole}, i64 %{b}.offset{k}")
        if of.across[0]:
            text += self._moved("in", b, self.given, "%scratch", 0)
        distances = [
            own if across else line
            for own, line, across in zip(of.distances, of.bytes, of.across, strict=True)
        ]
        count = str(self.width)
        text += [*_filled(places[0], places[1], of, count, distances, f"{b}."), f"  {call}"]
        if of.across[1]:
            text += self._moved("out", f"{b}.in.end" if of.across[0] else b, self.made, "%room", 1)
        return [*text, "  br label %tail"]

    def _moved(self, name: str, before: str, whole: str, room: str, which: int) -> list[str]:
        """Write the loop that moves entries between an array and scratch memory."""
        n = (self.of.given, self.of.made)[which]
        size, distance = self.of.sizes[which], self.of.distances[which]
        b, kind = f"{self.name}.{name}", {4: "i32", 8: "i64", 16: "<2 x double>"}[size]
        text = [
            f"  %{b}.line = mul i64 %outer, {n * self.of.after}",
            f"  %{b}.first = add i64 %{b}.line, %column",
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
    given: str, made: str, lines: Lines, count: str, distances: Sequence[int], prefix: str = ""
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


def _hexadecimal(number: float) -> str:
    return f"0x{np.float64(number).view(np.uint64):016X}"
