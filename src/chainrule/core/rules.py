"""What the kinds ask of a rule: that there is one per operand, and which values it reads."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Set
from types import CodeType, FunctionType
from typing import Any

__all__ = ["per_operand", "positions_read"]


def per_operand(rules: Any, variadic: bool) -> Any:
    """Return a tuple of rules, one per operand; the one rule that serves all where it does."""
    return rules if variadic or isinstance(rules, tuple) else (rules,)


def positions_read(rule: Callable[..., Any], arity: int, first: int) -> tuple[Set[int], bool]:
    """Return which operands a rule reads, and whether it reads the output after them.

    Args:
        rule: its parameters are ``first`` others, the operands, and maybe the output.
        arity: the number of operands.
        first: where the operands begin: 1 where the upstream gradient comes before them.
    """
    if not isinstance(rule, FunctionType):  # a bound method, say: it may read all of them
        return frozenset(range(arity)), True
    code = rule.__code__
    read = _names_read(code)
    names = code.co_varnames[first : code.co_argcount]
    operands = frozenset(k for k, name in enumerate(names[:arity]) if name in read)
    if code.co_flags & inspect.CO_VARARGS:  # *rest: the operands without a name, and the output
        if code.co_varnames[code.co_argcount + code.co_kwonlyargcount] not in read:
            return operands, False
        return operands.union(range(len(names), arity)), True
    return operands, len(names) > arity and names[arity] in read


def _names_read(code: CodeType) -> Set[str]:
    """Return the names that a function's body loads."""
    read: set[str] = set()
    for instruction in dis.get_instructions(code):
        if instruction.opname.startswith(("LOAD_", "STORE_FAST_LOAD")):
            names = instruction.argval
            read.update(names if isinstance(names, tuple) else (names,))
    return read
