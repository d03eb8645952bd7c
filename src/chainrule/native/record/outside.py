"""What cannot be watched: the world outside the program, and objects that hide their state."""

from __future__ import annotations

import functools
import os
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from chainrule.core.instructions import instructions_of

__all__ = ["buffer", "imported", "strings", "unwatched", "unwatched_builtin", "unwatched_name"]

_CLOCK = frozenset(
    {"time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns"}
    | {"process_time", "process_time_ns", "localtime", "gmtime", "ctime", "strftime"}
)
_SYSTEM = frozenset(
    {"environ", "environb", "getenv", "getcwd", "listdir", "scandir", "stat", "urandom", "getpid"}
)
#: Module -> what reads something there that may change between two calls.
_OUTSIDE: dict[str, frozenset[str]] = {
    "time": _CLOCK,
    "os": _SYSTEM,
    "posix": _SYSTEM,
    "nt": _SYSTEM,
    "datetime": frozenset({"datetime", "date"}),
    "numpy": frozenset({"load", "loadtxt", "genfromtxt", "fromfile", "memmap"}),
    "io": frozenset({"open"}),
    "_io": frozenset({"open"}),
    "pathlib": frozenset({"Path"}),
    "secrets": frozenset({"randbelow", "randbits", "token_bytes", "choice"}),
    "uuid": frozenset({"uuid1", "uuid4"}),
}
#: Builtins that read files, or names that only the running code knows.
_BUILTINS = frozenset({"eval", "exec", "globals", "open", "input", "__import__"})


def unwatched(value: Any, name: str) -> str | None:
    """Say why what an object holds cannot be watched, None if that does not follow from its kind.

    Args:
        value: what a function refers to.
        name: what it is called there.
    """
    kind = type(value)
    called, module = getattr(value, "__name__", None), getattr(value, "__module__", None)
    if module == "builtins" and called == "getattr" != name:
        return f"`{name}` is getattr, and which attributes it reads is not to be seen"
    if module == "builtins" and called in _BUILTINS:
        return unwatched_builtin(called)
    if isinstance(called, str) and called in _OUTSIDE.get(str(module), ()):
        return _reads(f"{module}.{called}")
    if isinstance(value, type(os.environ)):
        return _reads("the environment")
    if hasattr(kind, "__next__"):
        return f"`{name}` is a {kind.__name__}, which goes on with each use; pass what is in it"
    if hasattr(kind, "__dlpack__") and not isinstance(value, (np.ndarray, np.generic)):
        return f"`{name}` is a {kind.__name__} of another library; make it an ndarray"
    return None


def unwatched_name(module: ModuleType, names: frozenset[str]) -> str | None:
    """Say what of a library code reads that may change between two calls, None if nothing."""
    found = sorted(_OUTSIDE.get(module.__name__, frozenset()) & names)
    return _reads(f"{module.__name__}.{found[0]}") if found else None


def unwatched_builtin(name: str) -> str | None:
    """Say why code that calls a builtin cannot be watched, None if it can."""
    return (
        f"it calls {name}(), and what that reads is not to be seen" if name in _BUILTINS else None
    )


def _reads(what: str) -> str:
    return f"it reads {what}, which compiled code would not do again; pass the value as an argument"


def buffer(value: Any) -> bytes | None:
    """Return the bytes of an object that others can write into, None if it is none."""
    if isinstance(value, (bytes, np.ndarray, np.generic)):
        return None
    try:
        return memoryview(value).tobytes()
    except (TypeError, BufferError):
        return None


@functools.lru_cache(4096)
def strings(code: CodeType) -> frozenset[str]:
    """Return the strings in code that may be names: of ``getattr(x, "rate")``."""
    found: set[str] = set()
    for constant in code.co_consts:
        if isinstance(constant, str) and constant.isidentifier():
            found.add(constant)
        elif isinstance(constant, CodeType):
            found |= strings(constant)
    return frozenset(found)


@functools.lru_cache(4096)
def imported(code: CodeType) -> tuple[frozenset[str], frozenset[str]]:
    """Return the modules that code imports when it runs, and the globals that it loads."""
    modules, loaded = set(), set()
    for instruction in instructions_of(code):
        if instruction.opname == "IMPORT_NAME":
            modules.add(instruction.argval)
        elif instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            loaded.add(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner = imported(constant)
            modules |= inner[0]
            loaded |= inner[1]
    return frozenset(modules), frozenset(loaded)
