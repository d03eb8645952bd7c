"""What functions and their arguments are called, in messages and in generated code."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["argument_names", "global_name", "name_of", "positional"]


def name_of(f: Callable[..., Any]) -> str:
    """Return what a function is called."""
    return str(getattr(f, "__name__", None) or repr(f))


def global_name(value: Any) -> str | None:
    """Return the name in its module that stands for a value, None if another one has it."""
    name: str = getattr(value, "__qualname__", "")
    found: Any = sys.modules.get(getattr(value, "__module__", ""))
    for part in name.split("."):
        found = getattr(found, part, None)
    return name if found is value else None


def positional(f: Callable[..., Any]) -> tuple[list[str], str | None]:
    """Return the names of the parameters given by position, and that of ``*args`` if it has one."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # written in C
        return [], None
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return names, next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """Return a name for each of so many positional arguments; ``xs_0``, ``xs_1`` for ``*xs``."""
    names, rest = positional(f)
    more = range(len(names), count)
    names += [f"x{k}" if rest is None else f"{rest}_{k - len(names)}" for k in more]
    return names[:count]
