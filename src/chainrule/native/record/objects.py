"""The walk over objects, classes and modules that a function refers to."""

from __future__ import annotations

import dataclasses
import operator
import weakref
from collections import ChainMap, UserDict, UserList, deque
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from contextlib import contextmanager
from contextvars import ContextVar
from types import CodeType, FunctionType, MappingProxyType, ModuleType
from typing import Any

import numpy as np

from chainrule.core.recording import Recording
from chainrule.native.record.contents import (
    attribute_of,
    contents,
    current_of,
    is_in,
    item_of,
    of_class,
    target_of,
    words,
)
from chainrule.native.record.outside import buffer, unwatched_name
from chainrule.native.record.watch import Captured
from chainrule.numpy.closure import ABSENT, FunctionWalk
from chainrule.numpy.names import is_users_class, is_users_file

__all__ = ["ObjectWalk", "of_name"]

_ndarray = np.ndarray
_ANY_ATTRIBUTE = frozenset({"getattr", "vars", "__dict__", "hasattr"})
_GETTERS = (operator.attrgetter, operator.itemgetter, operator.methodcaller)
_WRAPPING = (UserDict, UserList, ChainMap)  # their items are in attributes that code does not name


def of_name(f: Any) -> str:
    """Return what a function or an object is called."""
    return getattr(f, "__name__", type(f).__name__)


class ObjectWalk(FunctionWalk):
    """A walk, as far as it meets objects.

    Attributes:
        recording: whose nodes are to stand for arrays; None where they are left plain.
        names: what code names.
        found: what is to be watched.
        function: the counterpart of the function.
        statics: counterparts of the static arguments, by the id of the original.
        mentioned: every name in the code that was met.
    """

    def __init__(self, recording: Recording | None, names: frozenset[str]) -> None:
        super().__init__()
        self.recording = recording
        self.names = names
        self.mentioned: frozenset[str] = frozenset()
        self.found = Captured()
        self.function: Any = None
        self.statics: dict[int, Any] = {}
        self._made: dict[tuple[bool, int], Any] = {}  # counterparts, by lifting and id
        self._kept: list[Any] = []  # what an id stands for stays alive
        self._globals: dict[tuple[bool, int], dict[str, Any]] = {}
        self._codes: dict[tuple[bool, int], list[CodeType]] = {}  # of functions that see these
        self._filled: list[tuple[Any, Any]] = []  # counterparts, and what they were filled with
        self._depth = 0.0

    def _obstacle(self, reason: str) -> None:
        self.found.obstacle = self.found.obstacle or reason

    def _items_of(self, items: Any) -> None:
        """Watch the items of a mapping that is not a dict, or that is given no counterpart."""
        self.found.counts.append((items, len(items)))
        for key, item in items.items():
            self.found.attributes.append((item_of, items, key, item))
            if isinstance(items, MappingProxyType):
                self.visit(item, str(key))

    def _module(self, module: ModuleType) -> ModuleType:
        if not is_users_file(getattr(module, "__file__", None)):
            reason = unwatched_name(module, self.names)
            if reason is not None:
                self._obstacle(reason)
            return module
        named = sorted(self.names & module.__dict__.keys())
        if not named:
            return module
        new = self._made[self.recording is not None, id(module)] = ModuleType(module.__name__)
        new.__dict__.update(module.__dict__)
        for name in named:
            value = module.__dict__[name]
            self.found.names.append((module.__dict__, name, value))
            new.__dict__[name] = self.visit(value, name)
        self._filled.append((new, contents(new)))
        return new

    def _instance(self, value: Any, kind: type, key: tuple[bool, int]) -> Any:
        self._class(kind)
        own = value.__dict__
        wanted = own.keys() if self._reads_all(value) else sorted(own.keys() & self.names)
        new: Any = object.__new__(kind)
        self._made[key] = new
        new.__dict__.update(own)
        for name in wanted:
            self.found.names.append((own, name, own[name]))
            new.__dict__[name] = self.visit(own[name], name)
        for name in sorted(self.names - own.keys()):  # one that is set later hides the class's
            if any(name in base.__dict__ for base in kind.__mro__):
                self.found.names.append((own, name, ABSENT))
        self._filled.append((new, contents(new)))
        return new

    def _other(self, value: Any, kind: type, name: str) -> None:
        """Watch an object that cannot be given a counterpart: of a library, or with slots."""
        with self._plain():
            if isinstance(value, (set, frozenset)):
                self.found.counts.append((value, len(value)))
                self.found.attributes += [(is_in, value, item, True) for item in value]
            elif isinstance(value, (list, deque)):
                self.found.lists.append((value, list(value)))
                for item in value:
                    self.visit(item, name)
            elif isinstance(value, dict):
                self.found.counts.append((value, len(value)))
                for entry, item in value.items():
                    self.found.names.append((value, entry, item))
                    self.visit(item, str(entry))
            elif isinstance(value, MappingProxyType):
                self._items_of(value)
            elif isinstance(value, (KeysView, ValuesView, ItemsView)):
                self.found.lists.append((value, list(value)))
            elif isinstance(value, ContextVar):
                held = current_of(value, "")
                self.found.attributes.append((current_of, value, "", held))
                self.visit(held, name)
            elif isinstance(value, weakref.ref):
                self.found.attributes.append((target_of, value, "", value()))
                self.visit(value(), name)
            elif isinstance(value, _GETTERS):
                self.mentioned |= words(value.__reduce__())
            else:
                held = buffer(value)
                if held is not None:
                    self.found.buffers.append((value, held))
            whole = self._reads_all(value)
            for attribute, held in list(getattr(value, "__dict__", {}).items()):
                if whole or attribute in self.names or isinstance(held, _ndarray):
                    self.found.names.append((value.__dict__, attribute, held))
                    self.visit(held, attribute)
            if is_users_class(kind):
                self._class(kind)
                for base in kind.__mro__:
                    for attribute in base.__dict__.get("__slots__") or ():
                        if whole or attribute in self.names:
                            held = attribute_of(value, attribute)
                            self.found.attributes.append((attribute_of, value, attribute, held))
                            self.visit(held, attribute)

    def _reads_all(self, value: Any) -> bool:
        if dataclasses.is_dataclass(value) or isinstance(value, _WRAPPING):
            return True
        return not self.names.isdisjoint(_ANY_ATTRIBUTE)

    def _class(self, kind: type) -> None:
        """Watch what code reads of a class; its methods see arrays of their own module plain."""
        for base in kind.__mro__:
            if not is_users_class(base):
                continue
            for name in sorted(self.names - base.__dict__.keys()):  # one set later hides another
                if any(name in other.__dict__ for other in kind.__mro__):
                    self.found.attributes.append((of_class, base, name, ABSENT))
            for name, value in list(base.__dict__.items()):
                special = name.startswith("__") and isinstance(value, FunctionType)
                if name in self.names or special:
                    self.found.attributes.append((of_class, base, name, value))
                    self._plainly(value)

    def _plainly(self, value: Any) -> None:
        """Walk over something that cannot be given counterparts of arrays."""
        with self._plain():
            parts = [getattr(value, name, None) for name in ("__wrapped__", "fget", "__func__")]
            if any(part is not None for part in parts) and not isinstance(value, FunctionType):
                for part in parts:
                    self.visit(part, of_name(value))
            else:
                self.visit(value, of_name(value))

    @contextmanager
    def _plain(self) -> Iterator[None]:
        """Leave arrays plain, and compare them."""
        recording, self.recording = self.recording, None
        try:
            yield
        finally:
            self.recording = recording
