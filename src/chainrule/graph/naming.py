"""Which variable a value goes to, read off the instructions after the one that made it.

A small abstract interpreter follows one value on the stack, through tuples, swaps and returns,
until it is stored to a name. Nothing is executed and no source is parsed.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator, Sequence
from types import CodeType, FrameType

from chainrule.core.source import is_internal

__all__ = ["counters_of", "name_of_result"]

_STORES = frozenset({"STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF"})
_loops: dict[CodeType, list[tuple[int, int, list[str]]]] = {}
_instructions: dict[CodeType, tuple[list[dis.Instruction], dict[int, int]]] = {}


def name_of_result(frame: FrameType, part: int | None = None) -> str | None:
    """Return the variable that the result of a frame's running instruction is stored to.

    Where the result is a tuple, ``part`` is the place in it: ``w, V = np.linalg.eigh(a)``.

    A result that is returned is followed into the caller: ``z1 = sigmoid(h1)`` names the value that
    ``sigmoid`` computes in its return statement. None where the result is not stored, or the caller
    is chainrule itself.
    """
    path: list[int] = [] if part is None else [part]
    current: FrameType | None = frame
    while current is not None and not is_internal(current.f_code):
        destination = _follow(current.f_code, current.f_lasti, path)
        if not isinstance(destination, list):
            return destination
        path = destination
        current = current.f_back
    return None


def counters_of(frame: FrameType, outermost: CodeType) -> tuple[tuple[str, int], ...]:
    """Return the integers that count the loops in which a frame is, the outermost first.

    Args:
        frame: the innermost one; its callers are looked at, too.
        outermost: the code of the frame at which to stop.
    """
    found: list[tuple[str, int]] = []
    inner = frame
    current: FrameType | None = frame
    while current is not None and current.f_code is not outermost:
        names = _counted(current.f_code, current.f_lasti)
        if names:
            values = ((name, current.f_locals.get(name)) for name in names)
            found[:0] = [
                (_given_as(value, inner, current) or name, value)
                for name, value in values
                if type(value) is int
            ]
        inner, current = current, current.f_back
    return tuple(found)


def _given_as(value: int, inner: FrameType, outer: FrameType) -> str | None:
    """Return what the body that `chainrule.fori_loop` runs calls the integer that it is given."""
    code = inner.f_code
    if not code.co_argcount or not is_internal(outer.f_code) or is_internal(code):
        return None
    name = code.co_varnames[0]
    return name if inner.f_locals.get(name) is value else None


def _counted(code: CodeType, lasti: int) -> Sequence[str]:
    """Return the variables of the loops around an instruction."""
    if code not in _loops:
        _loops[code] = list(_loops_in(_decoded(code)[0]))
    return [name for first, end, names in _loops[code] if first < lasti < end for name in names]


def _loops_in(instructions: Sequence[dis.Instruction]) -> Iterator[tuple[int, int, list[str]]]:
    """Yield where each loop begins and ends, and its variables."""
    for k, instruction in enumerate(instructions):
        if instruction.opname != "FOR_ITER":
            continue
        names: list[str] = []
        for following in instructions[k + 1 :]:
            stored = following.argval if following.opname.startswith("STORE_FAST_") else ()
            if following.opname in _STORES:
                names.append(following.argval)
            elif stored:  # 3.13
                names += stored if following.opname == "STORE_FAST_STORE_FAST" else stored[:1]
            if following.opname not in (*_STORES, "UNPACK_SEQUENCE", "STORE_FAST_STORE_FAST"):
                break
            if following.opname in _STORES and instructions[k + 1].opname in _STORES:
                break  # one variable; what follows is the body
        count = instructions[k + 1].arg if instructions[k + 1].opname == "UNPACK_SEQUENCE" else 1
        yield instruction.offset, instruction.argval, names[:count]


def _decoded(code: CodeType) -> tuple[list[dis.Instruction], dict[int, int]]:
    try:
        return _instructions[code]
    except KeyError:
        # While a call runs, 3.11 points at the last cache entry of its instruction.
        listed: list[dis.Instruction] = []
        positions: dict[int, int] = {}
        for instruction in dis.get_instructions(code, show_caches=True):
            if instruction.opname != "CACHE":
                listed.append(instruction)
            positions[instruction.offset] = len(listed) - 1
        decoded = _instructions[code] = (listed, positions)
        return decoded


def _follow(code: CodeType, lasti: int, path: Sequence[int]) -> str | list[int] | None:
    """Follow the result of the instruction at lasti: a name, a path in what is returned, or None.

    ``path`` leads from the result to the value inside it where the result is a tuple of tuples.
    """
    instructions, positions = _decoded(code)
    at = positions.get(lasti)
    if at is None:
        return None
    if instructions[at].opname == "PRECALL":  # 3.11 runs some calls in it, and skips the CALL
        at += 1
    depth = 0  # of the value, or of the tuple that holds it, below the top of the stack
    inside = list(path)
    for _ in range(len(instructions)):
        at += 1
        if at >= len(instructions):
            return None
        instruction = instructions[at]
        op, arg = instruction.opname, instruction.arg or 0
        if op in ("NOP", "RESUME", "CACHE", "EXTENDED_ARG", "KW_NAMES"):
            continue
        if op in _STORES:
            if depth == 0:
                return None if inside else str(instruction.argval)
            depth -= 1
        elif op == "STORE_FAST_STORE_FAST":  # 3.13
            if depth < 2:
                return None if inside else str(instruction.argval[depth])
            depth -= 2
        elif op == "STORE_FAST_LOAD_FAST":  # 3.13
            if depth == 0:
                return None if inside else str(instruction.argval[0])
        elif op == "RETURN_VALUE":
            return inside if depth == 0 else None
        elif op == "COPY":
            depth = 0 if arg == depth + 1 else depth + 1
        elif op == "SWAP":
            if depth == 0:
                depth = arg - 1
            elif depth == arg - 1:
                depth = 0
        elif op in ("BUILD_TUPLE", "BUILD_LIST"):
            if depth < arg:
                inside.insert(0, arg - 1 - depth)
                depth = 0
            else:
                depth -= arg - 1
        elif op == "UNPACK_SEQUENCE":
            if depth == 0:
                if not inside:
                    return None
                depth = inside.pop(0)
            else:
                depth += arg - 1
        elif op in ("JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"):
            if op != "JUMP_FORWARD":
                return None
            at = positions[instruction.argval] - 1
        else:
            effect = dis.stack_effect(instruction.opcode, instruction.arg, jump=False)
            pops = max(0, 1 - effect) if effect <= 0 else 0
            if depth < pops:
                return None
            depth += effect
    return None
