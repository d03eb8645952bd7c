"""Where loops stand in bytecode that go on until a condition fails, and what else ends them."""

from __future__ import annotations

import dis
import functools
import operator
from collections.abc import Mapping, Sequence
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.array import Array
from chainrule.core.instructions import instructions_of
from chainrule.core.source import is_internal
from chainrule.graph.code import position
from chainrule.graph.exits import Exit, Region, break_at, exit_at

__all__ = [
    "Asked",
    "Limit",
    "LoopCode",
    "Site",
    "asked_at",
    "asked_in",
    "bound_of",
    "is_limit",
    "loops_in",
    "range_of",
    "remembers",
    "stored_in",
    "unclear",
]

_IN_PLACE = frozenset({"STORE_SUBSCR", "STORE_SLICE"})
_OPPOSITE = {">=": "<", ">": "<="}
_IDLE = frozenset({"PRECALL", "PUSH_NULL", "NOP"})
_ARITHMETIC = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
}


class Site(NamedTuple):
    """A loop in the user's code, in the same words in every run."""

    filename: str
    lineno: int
    name: str
    head: int


class Asked(NamedTuple):
    """A question that decides whether a loop goes on: of which loop, where, and what it answers."""

    site: Site
    position: tuple[int | None, ...]
    stays: bool


class Limit(NamedTuple):
    """``for k in range(first, end)``, or ``while k < end`` where k is ``first`` to begin with.

    Attributes:
        name: of the variable that counts, '' for that of a ``for``.
        symbol: how it is compared, '' for a ``for``.
        end: what it is compared with.
        first: what it is in the first turn.
        comes_first: whether that is asked before the other question.
        down: whether a ``for`` counts down.
    """

    name: str
    symbol: str
    end: int
    first: int
    comes_first: bool
    down: bool = False


def asked_in(frame: FrameType) -> Asked | None:
    """Return what a frame asks, if it is whether a loop goes on."""
    if is_internal(frame.f_code):
        return None
    found = _exit(frame.f_code, frame.f_lasti)
    return None if found is None else asked_at(frame.f_code, found)


def _exit(code: CodeType, offset: int) -> Exit | None:
    return break_at(code, offset) or exit_at(code, offset)


def asked_at(code: CodeType, found: Exit) -> Asked:
    """Return a question of a loop."""
    return Asked(_site(code, found.region), found.position, found.stays)


def _site(code: CodeType, region: Region) -> Site:
    return Site(code.co_filename, code.co_firstlineno, code.co_qualname, region.head)


class LoopCode(NamedTuple):
    """A loop: where it begins, with its first question, and the variables that it sets.

    ``counter`` is the one that a ``for`` sets.
    """

    site: Site
    region: Region
    start: int
    names: tuple[str, ...]
    in_place: bool
    is_for: bool
    counter: str


@functools.lru_cache(4096)
def loops_in(code: CodeType) -> tuple[LoopCode, ...]:
    """Return the loops of code that end at a question, the outermost first."""
    instructions = instructions_of(code)
    found = {}
    for x in instructions:
        exit = _exit(code, x.offset)
        if exit is not None:
            found[exit.region] = exit.region
    loops = []
    for region in sorted(found, key=lambda r: (r.head, -r.end)):
        body = [x for x in instructions if region.holds(x.offset)]
        names = {name: None for x in body for name in _set_by(x)}
        in_place = any(
            x.opname in _IN_PLACE or (x.opname == "BINARY_OP" and x.argrepr.endswith("="))
            for x in body
        )
        start = _start(code, instructions, region)
        is_for = body[0].opname == "FOR_ITER"
        counter = next(iter(_set_by(body[1])), "") if is_for else ""
        site = _site(code, region)
        loops.append(LoopCode(site, region, start, tuple(names), in_place, is_for, counter))
    return tuple(loops)


def _start(code: CodeType, instructions: Sequence[dis.Instruction], region: Region) -> int:
    """Return where a loop asks for the first time: its test may be compiled twice."""
    offsets = [x.offset for x in instructions]
    asks = [
        position(code, o)
        for o in offsets
        if o < region.head and (e := exit_at(code, o)) is not None and e.region == region
    ]
    if not asks or any(None in place for place in asks):
        return region.head
    first = min((line, column) for line, _, column, _ in asks if line is not None)
    start = offsets.index(region.head)
    while start > 0:
        line, _, column, _ = position(code, offsets[start - 1])
        if line is None or column is None or (line, column) < first:
            break
        start -= 1
    return offsets[start]


@functools.lru_cache(4096)
def stored_in(code: CodeType) -> Mapping[int, tuple[str, ...]]:
    """Return which variables each instruction sets."""
    return {x.offset: names for x in instructions_of(code) if (names := _set_by(x))}


def _set_by(x: dis.Instruction) -> tuple[str, ...]:
    """Return the variables that an instruction sets; from 3.13 on it may be two."""
    if not x.opname.startswith(("STORE_FAST", "STORE_DEREF")):
        return ()
    if isinstance(x.argval, str):
        return (x.argval,)
    names: tuple[str, ...] = x.argval
    return names if x.opname == "STORE_FAST_STORE_FAST" else names[:1]


def _read_by(x: dis.Instruction) -> tuple[str, ...]:
    """Return the variables that an instruction reads."""
    if x.opname == "STORE_FAST_LOAD_FAST":
        return (x.argval[1],)
    if not x.opname.startswith(("LOAD_FAST", "LOAD_DEREF")):
        return ()
    return (x.argval,) if isinstance(x.argval, str) else tuple(x.argval)


def is_limit(frame: FrameType) -> bool:
    """Tell whether code asks whether a loop goes on."""
    return _exit(frame.f_code, frame.f_lasti) is not None


@functools.lru_cache(4096)
def remembers(code: CodeType) -> bool:
    """Tell whether code changes what is there after it has run: an attribute, a global variable."""
    stores = {x.argval for x in instructions_of(code) if x.opname == "STORE_DEREF"}
    others = any(x.opname in ("STORE_ATTR", "STORE_GLOBAL") for x in instructions_of(code))
    return others or bool(stores & {*code.co_freevars})


def unclear(loop: LoopCode, frame: FrameType) -> str:
    """Say what a loop may do otherwise in another turn, though nothing recorded tells it to.

    Lists may grow, as long as nobody asks how long they are.
    """
    code = frame.f_code
    if remembers(code):
        return f"{code.co_name} sets what others may see"
    body = [x for x in instructions_of(code) if loop.region.holds(x.offset)]
    held = frame.f_locals
    for x in body:
        if x.opname == "LOAD_GLOBAL" and isinstance(
            frame.f_globals.get(x.argval), (list, dict, set, bytearray)
        ):
            return f"{x.argval} may be another one in each turn"
    for x, after, further in zip(body, body[1:], body[2:], strict=False):
        *others, last = _read_by(x) or ("",)
        for name in (*others, last):
            value = held.get(name)
            changes = isinstance(value, (dict, set, bytearray)) or hasattr(type(value), "__next__")
            if isinstance(value, list):
                appends = after.argval == "append"
                reads = after.opname == "LOAD_CONST" and further.opname == "BINARY_SUBSCR"
                is_clear = appends or (reads and type(after.argval) is int)
                changes = name is not last or not is_clear
            if changes:
                return f"{name} may be another one in each turn"
    return ""


def range_of(frame: FrameType, loop: LoopCode) -> Limit | None:
    """Return what a ``for`` goes through: a range by ones, or an array."""
    through = _gone_through(frame, loop)
    if _is_array(through) and np.ndim(through):
        through = range(len(through))
    if type(through) is not range or abs(through.step) != 1:
        return None
    return Limit("", "", through.stop, through.start, True, through.step < 0)


def _gone_through(frame: FrameType, loop: LoopCode) -> Any:
    """Reckon what stands behind ``in``, of names, integers, lengths and shapes; None if unknown."""
    code = frame.f_code
    before = [x for x in instructions_of(code) if x.offset < loop.region.head]
    if not before or before[-1].opname != "GET_ITER":
        return None
    line = position(code, before[-1].offset)[0] or 0
    start = len(before) - 1
    while start and (position(code, before[start - 1].offset)[0] or 0) >= line:
        start -= 1
    stack: list[Any] = []
    try:
        for x in before[start:-1]:
            if x.opname not in _IDLE:
                _reckon(x, stack, frame)
        (found,) = stack
    except (IndexError, TypeError, ValueError, ZeroDivisionError):
        return None
    return found


def _reckon(x: dis.Instruction, stack: list[Any], frame: FrameType) -> None:
    """Do what an instruction does to the stack.

    Raises:
        TypeError, IndexError: it is none of those that are known.
    """
    if x.opname in ("CALL", "CALL_FUNCTION"):
        count = len(stack) - (x.arg or 0)
        arguments = stack[count:]
        del stack[count:]
        function = stack.pop()
        if function is range and all(type(n) is int for n in arguments):
            stack.append(range(*arguments))
        elif function in (len, enumerate) and (_is_array(arguments[0])):
            length = len(arguments[0])
            stack.append(length if function is len else range(length))
        else:
            raise TypeError
    elif x.opname == "LOAD_ATTR" and x.argval == "shape" and _is_array(stack[-1]):
        stack.append(stack.pop().shape)
    elif x.opname == "BINARY_SUBSCR" and type(stack[-2]) is tuple:
        index = stack.pop()
        stack.append(stack.pop()[index])
    elif x.opname == "BINARY_OP" and x.argrepr in _ARITHMETIC and type(stack[-1]) is int:
        second, first = stack.pop(), stack.pop()
        if type(first) is not int:
            raise TypeError
        stack.append(_ARITHMETIC[x.argrepr](first, second))
    elif x.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
        stack.append(frame.f_globals.get(x.argval, frame.f_builtins.get(x.argval)))
    elif x.opname.startswith(("LOAD_CONST", "LOAD_FAST", "LOAD_DEREF")):
        stack.append(_value(frame, x))
    else:
        raise TypeError


def _is_array(value: Any) -> bool:
    return type(value) is Array or isinstance(value, np.ndarray)


def bound_of(
    frame: FrameType, loop: LoopCode, others: Sequence[Exit], ending: Asked
) -> Limit | None:
    """Return what ``while k < n`` compares before all else that it does."""
    (exit, *more) = others
    body = [x for x in instructions_of(frame.f_code) if loop.region.holds(x.offset)]
    places = {x.offset: _place(frame.f_code, x.offset) for x in body}
    stores = [places[x.offset] for x in body if _set_by(x)]
    at = next((k for k, x in enumerate(body) if _is_question(frame.f_code, x, exit)), None)
    if more or at is None or at < 2 or not stores or min(stores) < _start_of(exit.position):
        return None
    one, other, compare = body[at - 2], body[at - 1], body[at]
    first, end = _value(frame, one), _value(frame, other)
    symbol = compare.argval if exit.stays else _OPPOSITE.get(compare.argval)
    is_counter = one.argval in loop.names and other.argval not in loop.names
    if (
        not is_counter
        or type(first) is not int
        or type(end) is not int
        or symbol not in ("<", "<=")
    ):
        return None
    comes_first = _start_of(exit.position) < _start_of(ending.position)
    return Limit(one.argval, symbol, end, first, comes_first)


def _is_question(code: CodeType, x: dis.Instruction, exit: Exit) -> bool:
    return x.opname == "COMPARE_OP" and position(code, x.offset) == exit.position


def _place(code: CodeType, offset: int) -> tuple[int, int]:
    return _start_of(position(code, offset))


def _start_of(place: tuple[int | None, ...]) -> tuple[int, int]:
    return place[0] or 0, place[2] or 0


def _value(frame: FrameType, x: dis.Instruction) -> Any:
    """Return what an instruction loads."""
    if x.opname == "LOAD_CONST":
        return x.argval
    if x.opname.startswith("LOAD_GLOBAL"):
        return frame.f_globals.get(x.argval)
    return (
        frame.f_locals.get(x.argval) if x.opname.startswith(("LOAD_FAST", "LOAD_DEREF")) else None
    )
