"""Namespaces in which some names are replaced, in front of live ones: globals and modules."""

from __future__ import annotations

import builtins
import functools
import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from chainrule.numpy.replace import replacements, replacements_in_scipy
from chainrule.numpy.scipy.table import loaded

__all__ = ["Globals", "ModuleView", "tables"]


class Globals(dict[str, Any]):
    """Replaced names, ``given``, in front of a module's live globals.

    Args:
        names: the globals.
        fills_copies: whether code writes into what it makes of constants.
    """

    def __init__(self, names: dict[str, Any], fills_copies: bool = False) -> None:
        own = names.get("__builtins__", builtins)
        found = vars(own) if isinstance(own, ModuleType) else own
        super().__init__(
            __builtins__={**found, "__import__": functools.partial(_import, fills_copies)}
        )
        for name in ("__name__", "__package__", "__spec__", "__file__"):  # relative imports
            if name in names:
                self[name] = names[name]
        self.names = names
        self.given: dict[str, Any] = {}

    def __missing__(self, name: str) -> Any:
        return self.names[name]


def _import(fills_copies: bool, name: str, *args: Any, **kwargs: Any) -> ModuleType:
    """Import a module where a recorded function does so by itself."""
    return _view_of(builtins.__import__(name, *args, **kwargs), fills_copies)


def _view_of(module: ModuleType, fills_copies: bool) -> ModuleType:
    view, _ = tables(loaded(), fills_copies)[1].get(id(module), (module, None))
    return view


def _loading(module: ModuleType, fills_copies: bool) -> Callable[[str], Any]:
    """Return a package's ``__getattr__``, which may load a module, for the package's view."""

    def load(name: str) -> Any:
        value = getattr(module, name)
        return _view_of(value, fills_copies) if isinstance(value, ModuleType) else value

    return load


class ModuleView(ModuleType):
    """Replaced names in front of a live module."""

    def __init__(self, module: ModuleType, names: dict[str, Any]) -> None:
        super().__init__(module.__name__)
        self.__dict__.update(names, __wrapped__=module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["__wrapped__"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__dict__["__wrapped__"], name, value)


@functools.cache
def tables(
    of_scipy: tuple[bool, ...], fills_copies: bool = False
) -> tuple[dict[int, Any], dict[int, tuple[ModuleType, frozenset[str]]]]:
    """Return what replaces which function (by id), and the modules that have such functions.

    For each module there is its view and the names in it that are replaced. ``of_scipy`` tells
    which of SciPy's are loaded, ``fills_copies`` that code writes into what it makes of constants.
    """
    pairs = replacements(fills_copies)
    replacing: dict[int, Any] = {id(original): new for original, new in pairs}
    places = [
        (module, _name_of(original), original, new)
        for original, new in pairs
        for module in _homes(original, _name_of(original))
    ]
    found: dict[int, tuple[ModuleType, dict[str, Any]]] = {}
    for module, name, original, new in [*places, *replacements_in_scipy()]:
        found.setdefault(id(module), (module, {}))[1][name] = new
        replacing[id(original)] = new
    if "scipy" in sys.modules:  # which may load its modules when they are asked for
        found.setdefault(id(sys.modules["scipy"]), (sys.modules["scipy"], {}))
    for module, _ in list(found.values()):
        outer = module.__name__.rpartition(".")[0]
        while outer.partition(".")[0] == "numpy":
            found.setdefault(id(sys.modules[outer]), (sys.modules[outer], {}))
            outer = outer.rpartition(".")[0]
    views = {}
    for key, (module, names) in sorted(found.items(), key=_depth):
        view = ModuleType(module.__name__)
        view.__dict__.update(module.__dict__)
        view.__dict__.update(names)
        if "__getattr__" in vars(module):
            view.__dict__["__getattr__"] = _loading(module, fills_copies)
        views[key] = view, frozenset(names)
        outer, _, name = module.__name__.rpartition(".")
        if outer and id(sys.modules[outer]) in found:
            found[id(sys.modules[outer])][1][name] = view
    return replacing, views


def _depth(entry: tuple[int, tuple[ModuleType, Any]]) -> int:
    return -entry[1][0].__name__.count(".")  # np.lib.stride_tricks, np.lib, np


def _name_of(original: Any) -> str:
    """Return what a function is called; ``np.r_`` is no function, and knows no name of its own."""
    name = getattr(original, "__name__", None)
    return name or next(name for name, value in vars(np).items() if value is original)


def _homes(original: Any, name: str) -> Iterator[ModuleType]:
    if getattr(np, name, None) is original:
        yield np
        return
    full = original.__module__
    while full:  # numpy.random.mtrand, numpy.random
        module = sys.modules.get(full)
        if module is not None and getattr(module, name, None) is original:
            yield module
        full = full.rpartition(".")[0]
