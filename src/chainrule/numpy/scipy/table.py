"""The table of SciPy's functions that recorded code sees others in the place of."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any, NamedTuple, TypeVar

from chainrule.numpy.dispatch import with_out

__all__ = ["MEANINGS", "Made", "in_modules", "loaded", "made_of", "means"]

F = TypeVar("F")
M = TypeVar("M", bound=Callable[[Any], Any])

#: "scipy.linalg" -> "expm" -> the function of Arrays that does the same.
MEANINGS: dict[str, dict[str, Any]] = {}

_loaded: tuple[int, tuple[bool, ...]] = 0, ()  # when so many modules were, these of the table


def means(*names: str) -> Callable[[F], F]:
    """Enter a function as the meaning of SciPy's of some full names.

    Where it has an argument ``out``, that is taken care of here.
    """

    def enter(meaning: F) -> F:
        if isinstance(meaning, FunctionType):
            meaning = with_out(meaning, names[0], inspect.signature(meaning))
        for full in names:
            module, _, name = full.rpartition(".")
            MEANINGS.setdefault(module, {})[name] = meaning
        return meaning

    return enter


class Made(NamedTuple):
    """What recorded code sees is made of SciPy's own: by a function of it."""

    make: Callable[[Any], Any]


def made_of(*names: str) -> Callable[[M], M]:
    """Enter what makes of SciPy's own, whatever it is called with, what recorded code sees.

    So it is for what is no function, such as ``scipy.stats.norm``, and for what is given functions,
    for these may know Arrays that are in no argument.
    """

    def enter(make: M) -> M:
        means(*names)(Made(make))
        return make

    return enter


def loaded() -> tuple[bool, ...]:
    """Tell which modules of the table user code has loaded."""
    global _loaded
    count = len(sys.modules)
    if count != _loaded[0]:
        _loaded = count, tuple([module in sys.modules for module in MEANINGS])
    return _loaded[1]


def in_modules() -> Iterator[tuple[ModuleType, str, Any, Any]]:
    """Yield each loaded module, a name in it, SciPy's function and its meaning."""
    for full, names in MEANINGS.items():
        module = sys.modules.get(full)
        if module is not None:
            for name, meaning in names.items():
                if hasattr(module, name):
                    yield module, name, getattr(module, name), meaning
