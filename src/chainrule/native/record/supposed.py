"""Keeps code that would not run by itself from doing what cannot be undone.

The other way through a turn is run for what it computes. Whatever it calls in C may be arithmetic
or may print, write a file or end the program; only what is known to change nothing is let through.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, deque
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any

import numpy as np

from chainrule.core.counted import Doubt
from chainrule.core.source import is_internal
from chainrule.numpy.names import is_users_file

__all__ = ["Supposition", "is_safe"]

#: Modules in C whose functions compute and no more.
_HARMLESS = frozenset({"math", "cmath", "_operator", "itertools", "_functools", "_collections"})
_BUILTINS = frozenset(
    {"abs", "all", "any", "bin", "callable", "chr", "divmod", "format", "getattr", "hasattr"}
    | {"hash", "hex", "id", "isinstance", "issubclass", "iter", "len", "max", "min", "next", "oct"}
    | {"ord", "pow", "repr", "reversed", "round", "sorted", "sum"}
)
_WRITING = frozenset({"tofile", "dump"})  # files, by arrays
#: Whose methods change the object at most, which is put back.
_VALUES = (
    *(bool, int, float, complex, str, bytes, tuple, list, dict, OrderedDict, deque, range, slice),
    *(set, frozenset, np.ndarray, np.generic, np.ufunc, np.dtype),
)


class Supposition:
    """Whether code runs as it would not by itself, in this thread.

    Args:
        refuse: makes the error that is raised at what may have effects.
    """

    def __init__(self, refuse: Callable[[str], Doubt]) -> None:
        self._refuse = refuse
        self._holds = False

    def set(self, holds: bool) -> None:
        """Begin or end it.

        Raises:
            Doubt: what is called cannot be seen, for a profiler sees it already.
        """
        if holds == self._holds:
            return
        if holds and sys.getprofile() is not None:
            raise self._refuse("a profiler is running")
        self._holds = holds
        sys.setprofile(self._called if holds else None)

    def _called(self, frame: FrameType, event: str, function: Any) -> None:
        if event == "c_call" and not is_safe(function) and _is_for_user(frame):
            self._holds = False  # Python ends it with an error
            raise self._refuse(f"a way through a turn calls `{function.__name__}`")


def _is_for_user(frame: FrameType | None) -> bool:
    """Tell code that the user's has called from what chainrule does, and libraries for it."""
    while frame is not None and not is_internal(frame.f_code):
        file = frame.f_code.co_filename
        if is_users_file(file) and not file.startswith("<frozen "):
            return True
        frame = frame.f_back
    return False


def is_safe(function: Any) -> bool:
    """Tell a function in C that computes, or that changes an object and nothing else."""
    if function.__name__ in _WRITING:
        return False
    owner = getattr(function, "__self__", None)
    if owner is None or isinstance(owner, ModuleType):
        module = function.__module__ or getattr(function, "__objclass__", object).__module__
        if module == "builtins":
            owned = getattr(function, "__objclass__", None)
            return owned in _VALUES or function.__name__ in _BUILTINS
        return module in _HARMLESS or module.partition(".")[0] in ("numpy", "scipy")
    return issubclass(owner if isinstance(owner, type) else type(owner), _VALUES)
