"""What is the user's own, and what a library's."""

from __future__ import annotations

import functools
import os
import sys

from chainrule.core.source import LIBRARIES

__all__ = ["is_simple", "is_users_class", "is_users_file"]

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: made by a class statement
_PACKAGE = os.path.join(sys.modules["chainrule"].__path__[0], "")


@functools.cache
def is_simple(kind: type) -> bool:
    """Tell a class of the user's whose instances are their ``__dict__`` and no more."""
    bases = kind.__mro__[:-1]
    return is_users_class(kind) and all(
        base.__flags__ & _HEAP_TYPE and not base.__dict__.get("__slots__") for base in bases
    )


@functools.cache
def is_users_class(kind: type) -> bool:
    """Tell a class that a user wrote."""
    name = kind.__module__
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:  # typed at the prompt, or built in
        known = name in sys.builtin_module_names and name != "builtins"
        return bool(kind.__flags__ & _HEAP_TYPE) and not known
    return is_users_file(file)


def is_users_file(file: str | None) -> bool:
    """Tell a file that is neither Python's, nor an installed library's, nor chainrule's."""
    internal = file is not None and file.startswith(_PACKAGE)
    return file is not None and not file.startswith(LIBRARIES) and not internal
