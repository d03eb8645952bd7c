"""Where loops stand in bytecode that end at a question: ``while``, and ``for`` with ``break``."""

from __future__ import annotations

import dis
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

from chainrule.core.instructions import instructions_of
from chainrule.graph.code import bounds, is_generator, position

__all__ = ["Exit", "Region", "break_at", "exit_at", "exits_of", "regions"]

_ENDS = ("RETURN", "RAISE", "RERAISE")
_ALWAYS = frozenset({"JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"})
#: Instructions before a jump that may ask what it jumps by, in its place.
_ASKING = frozenset({"TO_BOOL", "COMPARE_OP"})


@dataclass(frozen=True, slots=True)
class Region:
    """The instructions of a ``while`` loop.

    Attributes:
        head: the first of them.
        end: the last one.
        around: the head of the ``for`` loop around it; None if there is none, or a ``while``.
        returns: whether the code may leave it at several places, and come back.
    """

    head: int
    end: int
    around: int | None
    returns: bool

    def holds(self, offset: int) -> bool:
        """Tell whether an instruction is one of them."""
        return self.head <= offset <= self.end


@dataclass(frozen=True, slots=True)
class Exit:
    """A question at which a loop may end.

    Attributes:
        region: the loop.
        position: where it is in the source.
        stays: the answer with which the loop goes on.
    """

    region: Region
    position: tuple[int | None, ...]
    stays: bool


def exit_at(code: CodeType, offset: int) -> Exit | None:
    """Return the exit that an instruction asks about, None if it is none of a ``while`` loop."""
    exits = _exits(code, False)
    return exits.get(position(code, offset)) if exits else None


def break_at(code: CodeType, offset: int) -> Exit | None:
    """Return the same of a ``for`` loop."""
    exits = _exits(code, True)
    return exits.get(position(code, offset)) if exits else None


def regions(code: CodeType) -> list[Region]:
    """Return the ``while`` loops that end at a question."""
    return list(dict.fromkeys(x.region for x in _exits(code, False).values()))


def exits_of(code: CodeType, region: Region) -> list[Exit]:
    """Return the questions at which a loop may end."""
    exits = (x for is_for in (False, True) for x in _exits(code, is_for).values())
    return [x for x in exits if x.region == region]


@functools.lru_cache(4096)
def _exits(code: CodeType, is_for: bool) -> Mapping[tuple[int | None, ...], Exit]:
    if is_generator(code):
        return {}
    instructions = instructions_of(code)
    loops = _loops(instructions, is_for)
    found: dict[tuple[int | None, ...], Exit | None] = {}
    for head, end in loops:
        asks = _asks(instructions, head, end)
        where = {position(code, offset) for offset, _ in asks}
        region = _region(code, loops, head, end, len(where))
        for offset, stays in asks:
            place = position(code, offset)
            made = Exit(region, place, stays)
            unclear = None in place or found.get(place, made) != made
            found[place] = None if unclear else made
    return {place: x for place, x in found.items() if x is not None}


def _loops(instructions: Sequence[dis.Instruction], is_for: bool) -> list[tuple[int, int]]:
    """Return the first and the last instruction of each ``while`` loop, or ``for`` loop."""
    heads = {x.offset for x in instructions if x.opname == "FOR_ITER"}
    ends: dict[int, int] = {}
    for x in instructions:
        back = _target(x)
        if back is not None and back <= x.offset and (back in heads) is is_for:
            ends[back] = max(ends.get(back, 0), x.offset)
    made: list[tuple[int, int]] = []
    for head, end in sorted(ends.items()):
        # With a test that is compiled twice, ``continue`` goes to the first one.
        crossed = [k for k, (_, other) in enumerate(made) if head <= other < end]
        if crossed:
            made[crossed[0]] = made[crossed[0]][0], end
            del made[crossed[0] + 1 :]
        else:
            made.append((head, end))
    return made


def _target(x: dis.Instruction) -> int | None:
    jumps = "JUMP" in x.opname and x.opname != "JUMP_BACKWARD_NO_INTERRUPT"
    return x.argval if jumps else None


def _asks(instructions: Sequence[dis.Instruction], head: int, end: int) -> list[tuple[int, bool]]:
    """Return where a loop asks whether it ends, and the answer with which it does not."""
    number = {x.offset: k for k, x in enumerate(instructions)}
    inside = range(number[head], number[end] + 1)
    ways = {k: _ways(instructions, number, k) for k in inside}
    back = {k for k in inside if _target(instructions[k]) == head}
    # Whatever lies on a way to a jump back stays in the loop.
    before: dict[int, list[int]] = {}
    for k, after in ways.items():
        for other in after:
            if other in ways and other != number[head]:
                before.setdefault(other, []).append(k)
    staying, stack = set(back), list(back)
    while stack:
        for k in before.get(stack.pop(), ()):
            if k not in staying:
                staying.add(k)
                stack.append(k)
    found = []
    for k in sorted(staying):
        jump = instructions[k]
        if not jump.opname.startswith("POP_JUMP") or not jump.opname.endswith(("TRUE", "FALSE")):
            continue
        taken, passed = (way in staying or way == number[head] for way in ways[k])
        if taken != passed:
            stays = jump.opname.endswith("TRUE") == taken
            found.append((jump.offset, stays))
            if instructions[k - 1].opname in _ASKING:
                found.append((instructions[k - 1].offset, stays))
    return found


def _ways(
    instructions: Sequence[dis.Instruction], number: Mapping[int, int], k: int
) -> tuple[int, ...]:
    """Return which instructions may come after one: first where it jumps to."""
    x = instructions[k]
    if x.opname.startswith(_ENDS):
        return ()
    target: Any = x.argval if "JUMP" in x.opname or x.opname in ("FOR_ITER", "SEND") else None
    jump = () if target is None else (number[target],)
    return jump if x.opname in _ALWAYS else (*jump, k + 1)


def _region(
    code: CodeType, loops: Sequence[tuple[int, int]], head: int, end: int, exits: int
) -> Region:
    outer = [(a, b, True) for a, b in bounds(code) if a < head and end < b]
    outer += [(a, b, False) for a, b in loops if (a, b) != (head, end) and a <= head and end <= b]
    returns = bool(outer) and (exits > 1 or bool(code.co_exceptiontable))
    around, _, is_for = max(outer, default=(0, 0, False))
    return Region(head, end, around if is_for else None, returns)
