"""What the code of a function names, and whether it is the user's own."""

from __future__ import annotations

import dis
import functools
import inspect
import os
from types import CodeType

from chainrule.core.source import LIBRARIES

__all__ = ["assigned", "home", "is_users", "mentioned"]


@functools.lru_cache(4096)
def mentioned(code: CodeType) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the names that code mentions, those it assigns by ``global``, those of class bodies.

    Before Python 3.13 a class body looks its names up in a plain dict: no ``__missing__`` of the
    globals is asked.
    """
    names = set(code.co_names)
    stored = {i.argval for i in dis.get_instructions(code) if i.opname == "STORE_GLOBAL"}
    static = set() if code.co_flags & inspect.CO_OPTIMIZED else set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            for mine, inner in zip((names, stored, static), mentioned(constant), strict=True):
                mine |= inner
    return frozenset(names), frozenset(stored), frozenset(static - stored)


@functools.lru_cache(4096)
def assigned(code: CodeType) -> frozenset[str]:
    """Return the variables of outer functions that code assigns to."""
    names = {i.argval for i in dis.get_instructions(code) if i.opname == "STORE_DEREF"}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= assigned(constant)
    return frozenset(names)


def home(code: CodeType) -> str:
    """Return the directory of a file, or the name of what is none (``<stdin>``)."""
    directory = os.path.dirname(code.co_filename)
    return os.path.join(directory, "") if directory else code.co_filename


def is_users(code: CodeType, root: tuple[str, ...]) -> bool:
    """Tell a user's helper from library code, whose insides are left alone."""
    return code.co_filename.startswith(root) or not code.co_filename.startswith(LIBRARIES)
