"""What the code of a function names, and whether it is the user's own."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Iterator
from types import CodeType

from chainrule.core.instructions import instructions_of
from chainrule.core.source import INSTALLED, LIBRARIES

__all__ = [
    "assigned",
    "has_statement",
    "home",
    "imports",
    "is_simple",
    "is_users",
    "is_users_class",
    "is_users_file",
    "keeps_attributes",
    "mentioned",
]

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a class statement
_PACKAGE = os.path.join(sys.modules["chainrule"].__path__[0], "")


@functools.lru_cache(4096)
def mentioned(code: CodeType) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the names that code mentions, those it assigns by ``global``, those of class bodies.

    Before Python 3.13 a class body looks its names up in a plain dict: no ``__missing__`` of the
    globals is asked.
    """
    names = set(code.co_names)
    stored = {i.argval for i in instructions_of(code) if i.opname == "STORE_GLOBAL"}
    static = set() if code.co_flags & inspect.CO_OPTIMIZED else set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            for mine, inner in zip((names, stored, static), mentioned(constant), strict=True):
                mine |= inner
    return frozenset(names), frozenset(stored), frozenset(static - stored)


@functools.lru_cache(4096)
def assigned(code: CodeType) -> frozenset[str]:
    """Return the variables of outer functions that code assigns to."""
    return frozenset(_named_by("STORE_DEREF", code))


@functools.lru_cache(4096)
def imports(code: CodeType) -> frozenset[str]:
    """Return the packages that code imports when it runs."""
    return frozenset(name.partition(".")[0] for name in _named_by("IMPORT_NAME", code))


def _named_by(opname: str, code: CodeType) -> Iterator[str]:
    """Yield the names in some instructions of code, and of the code in it."""
    for instruction in instructions_of(code):
        if instruction.opname == opname:
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _named_by(opname, constant)


def home(code: CodeType) -> str:
    """Return the directory of a file, or the name of what is none (``<stdin>``).

    Of a file of an installed package it is that of the whole package.
    """
    return _directory(code.co_filename)


@functools.lru_cache(4096)
def _directory(file: str) -> str:
    directory = os.path.dirname(file)
    for installed in INSTALLED:
        if directory.startswith(installed):
            package = directory.removeprefix(installed).partition(os.sep)[0]
            return os.path.join(installed, package, "")
    return os.path.join(directory, "") if directory else file


def is_users(code: CodeType, root: tuple[str, ...]) -> bool:
    """Tell a user's helper from library code, whose insides are left alone."""
    return code.co_filename.startswith(root) or not code.co_filename.startswith(LIBRARIES)


@functools.cache
def is_simple(kind: type) -> bool:
    """Tell a class of the user's whose instances are their ``__dict__`` and no more."""
    return keeps_attributes(kind) and not any(x.__dict__.get("__slots__") for x in kind.__mro__)


@functools.cache
def keeps_attributes(kind: type) -> bool:
    """Tell a class of the user's whose instances are ``__dict__`` and slots, and no more."""
    return is_users_class(kind) and all(
        has_statement(base) and (base.__dictoffset__ or "__slots__" in base.__dict__)
        for base in kind.__mro__[:-1]  # neither is so of what is made in C
    )


def has_statement(kind: type) -> bool:
    """Tell a class that a class statement has made, from one that is written in C."""
    return bool(kind.__flags__ & _HEAP_TYPE)


@functools.cache
def is_users_class(kind: type) -> bool:
    """Tell a class that a user wrote."""
    name = kind.__module__
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:  # typed at the prompt, or built in
        known = name in sys.builtin_module_names and name != "builtins"
        return has_statement(kind) and not known
    return is_users_file(file)


def is_users_file(file: str | None) -> bool:
    """Tell a file that is neither Python's, nor an installed library's, nor chainrule's."""
    internal = file is not None and file.startswith(_PACKAGE)
    return file is not None and not file.startswith(LIBRARIES) and not internal
