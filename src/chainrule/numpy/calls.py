"""Calls of ``float`` in recorded code, told apart from other uses of the name.

Python hands ``float(x)`` on to a method that has to return a plain number. Recorded code calls
another function there. The class itself, as a dtype or in ``type(x) is float``, stays Python's own:
so it is the instruction that loads it for a call which loads something else instead.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from types import CodeType
from typing import Any

from chainrule.core.array import Array
from chainrule.core.counted import Counted
from chainrule.core.instructions import instructions_of
from chainrule.numpy.casting import as_float
from chainrule.numpy.conversion import Printed

__all__ = ["CALLS", "MAPPED", "is_of", "with_calls"]


def _float(x: Any = 0.0, /) -> Any:
    kind = type(x)
    if kind is Counted:
        return x.with_one("float", float)
    if kind is Printed and x.exact is not None:
        x = x.exact
    return as_float(x) if type(x) is Array else float(x)


def _map(function: Callable[..., Any], /, *iterables: Any) -> Any:
    return map(_float if function is float else function, *iterables)


#: Name of a builtin class -> what recorded code calls in its place.
CALLS: dict[str, Callable[..., Any]] = {"float": _float, "map": _map}
#: The name under which it finds that, which is none that could be written.
MAPPED = "{}()"


def with_calls(code: CodeType, own: frozenset[str]) -> CodeType:
    """Return the code of a function in which names of `CALLS` are others where they are called.

    Args:
        code: of the function.
        own: names that are the user's own.
    """
    return _with_calls(code, code.co_filename, own)


@functools.lru_cache(4096)
def _with_calls(code: CodeType, file: str, own: frozenset[str]) -> CodeType:
    """Do that once; ``file`` is there because code from another one may be equal."""
    names, instructions = list(code.co_names), bytearray(code.co_code)
    for found in instructions_of(code):
        if found.opname != "LOAD_GLOBAL" or not found.arg or not found.arg & 1:
            continue  # the lowest bit says that it is for a call
        name = found.argval
        if name in CALLS and name not in own:
            called = MAPPED.format(name)
            if called not in names:
                names.append(called)
            _write(instructions, found.offset, found.arg, names.index(called) << 1 | 1)
    inner = (with_calls(x, own) if isinstance(x, CodeType) else x for x in code.co_consts)
    constants = tuple(inner)
    if len(names) == len(code.co_names) and all(map(operator.is_, constants, code.co_consts)):
        return code
    return code.replace(co_code=bytes(instructions), co_names=tuple(names), co_consts=constants)


def _write(instructions: bytearray, offset: int, old: int, new: int) -> None:
    """Give an instruction another operand, if that has the room of the old one."""
    if new < 256 and old < 256:
        instructions[offset + 1] = new
    elif 256 <= old < 65536 and new < 65536:
        instructions[offset - 1], instructions[offset + 1] = divmod(new, 256)


def is_of(code: CodeType, written: CodeType) -> bool:
    """Tell whether code is a user's own, or what `with_calls` has made of it."""
    places = ((c.co_filename, c.co_firstlineno, c.co_qualname) for c in (code, written))
    return len(set(places)) == 1
