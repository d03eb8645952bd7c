"""The table of SciPy's functions that recorded code sees others in the place of."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any, NamedTuple, TypeVar

from chainrule.numpy.dispatch import with_out

__all__ = ["MEANINGS", "OTHERS", "Made", "in_modules", "loaded", "made_of", "means", "others_of"]

F = TypeVar("F")
M = TypeVar("M", bound=Callable[[Any], Any])


class Made(NamedTuple):
    """What recorded code sees is made of SciPy's own: by a function of it."""

    make: Callable[[Any], Any]


#: "scipy.linalg" -> "expm" -> the function of Arrays that does the same.
MEANINGS: dict[str, dict[str, Any]] = {}
#: "scipy.stats" -> what makes of a Python function of the module, which has no meaning, what is
#: seen of it.
OTHERS: dict[str, Made] = {}

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


def made_of(*names: str) -> Callable[[M], M]:
    """Enter what makes of SciPy's own, whatever it is called with, what recorded code sees.

    So it is for what is no function, such as ``scipy.stats.norm``, and for what is given functions,
    for these may know Arrays that are in no argument.
    """

    def enter(make: M) -> M:
        means(*names)(Made(make))
        return make

    return enter


def others_of(*modules: str) -> Callable[[M], M]:
    """Enter what makes what is seen of all other public functions of modules, if in Python."""

    def enter(make: M) -> M:
        OTHERS.update(dict.fromkeys(modules, Made(make)))
        return make

    return enter


def loaded() -> tuple[bool, ...]:
    """Tell which modules of the table user code has loaded."""
    global _loaded
    count = len(sys.modules)
    if count != _loaded[0]:
        _loaded = count, tuple([module in sys.modules for module in ("scipy", *MEANINGS, *OTHERS)])
    return _loaded[1]


def in_modules() -> Iterator[tuple[ModuleType, str, Any, Any]]:
    """Yield each loaded module, a name in it, SciPy's function and its meaning."""
    known = set()
    for full, names in MEANINGS.items():
        module = sys.modules.get(full)
        if module is not None:
            for name, meaning in names.items():
                if hasattr(module, name):
                    known.add(id(getattr(module, name)))
                    yield module, name, getattr(module, name), meaning
    for full, make in OTHERS.items():
        module = sys.modules.get(full)
        for name in getattr(module, "__all__", ()):
            original = getattr(module, name)
            if isinstance(original, FunctionType) and id(original) not in known:
                assert module is not None
                yield module, name, original, make
