"""What the bytecode of running code tells about it."""

from __future__ import annotations

import bisect
import functools
import inspect
import linecache
import os
from types import CodeType, FrameType
from typing import Any

from chainrule.core.instructions import instructions_of

__all__ = [
    "bounds",
    "calls_alone",
    "collects",
    "is_generator",
    "is_inside",
    "line_of",
    "position",
    "running",
]

_COLLECTING = frozenset({"LIST_APPEND", "SET_ADD", "MAP_ADD", "YIELD_VALUE"})


@functools.lru_cache(4096)
def _instructions(code: CodeType) -> tuple[list[int], list[str]]:
    found = [(x.offset, x.opname) for x in instructions_of(code)]
    return [offset for offset, _ in found], [name for _, name in found]


def running(frame: FrameType, ahead: int = 0) -> str:
    """Return the name of the instruction that a frame executes, or of one behind it."""
    offsets, names = _instructions(frame.f_code)
    return names[min(bisect.bisect_right(offsets, frame.f_lasti) - 1 + ahead, len(names) - 1)]


@functools.lru_cache(4096)
def _ends(code: CodeType) -> dict[int, int]:
    """Return for the head of each ``for`` loop where its body ends."""
    return {x.offset: x.argval for x in instructions_of(code) if x.opname == "FOR_ITER"}


def bounds(code: CodeType) -> list[tuple[int, int]]:
    """Return for each ``for`` loop of code where its head stands, and where its body ends."""
    return list(_ends(code).items())


def is_inside(frame: FrameType, head: int) -> bool:
    """Tell whether a frame is in the body of the loop with this head."""
    return head < frame.f_lasti < _ends(frame.f_code).get(head, head)


@functools.lru_cache(4096)
def _positions(code: CodeType) -> list[Any]:
    return list(code.co_positions())


def position(code: CodeType, offset: int) -> tuple[int | None, ...]:
    """Return where in the source an instruction is: the test of a loop may be compiled twice."""
    found: tuple[int | None, ...] = _positions(code)[offset // 2]
    return found


def line_of(code: CodeType, offset: int) -> str:
    """Describe the line of an instruction for a message."""
    number = position(code, offset)[0] or code.co_firstlineno
    text = linecache.getline(code.co_filename, number).strip()
    return f"line {number} of {os.path.basename(code.co_filename)}" + (f": {text}" if text else "")


def is_generator(code: CodeType) -> bool:
    """Tell code that is left in its middle, and gone on with."""
    return bool(code.co_flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE))


def collects(frame: FrameType) -> bool:
    """Tell whether a frame is that of a generator, or has a list built of what turns make."""
    return is_generator(frame.f_code) or _builds(frame.f_code)


@functools.lru_cache(4096)
def _builds(code: CodeType) -> bool:
    return any(x.opname in _COLLECTING for x in instructions_of(code))


@functools.lru_cache(4096)
def calls_alone(code: CodeType, names: tuple[str, ...]) -> frozenset[str]:
    """Return which of these functions code calls and does nothing else with."""
    called: set[str] = set()
    other: set[str] = set()
    for x in instructions_of(code):
        if x.argval in names and x.opname.startswith("LOAD"):
            calls = x.opname == "LOAD_GLOBAL" and x.arg is not None and x.arg & 1
            (called if calls else other).add(x.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner = calls_alone(constant, names)
            called |= inner
            other |= {name for name in names if name in constant.co_names} - inner
    return frozenset(called - other)
