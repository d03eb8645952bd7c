"""The walk over what a function refers to, which also readies it for being recorded.

The walk starts at a function (a method, a partial, an object that is called, a transform of one)
and follows what its code names: globals, the variables of enclosing functions, default arguments,
helpers, objects and their attributes, containers, modules of the user's. For the recording it makes
a counterpart of each function, object and container in which arrays are replaced by recorded ones:
whatever the code does with them is then noted, and the compiled code reads them anew at each call.
The user's own objects are left as they are. What was found is in a `Captured`.
"""

from __future__ import annotations

import builtins
import enum
import functools
import random
import sys
from collections.abc import Callable, Mapping
from types import (
    BuiltinFunctionType,
    CellType,
    FunctionType,
    MappingProxyType,
    MethodType,
    MethodWrapperType,
    ModuleType,
)
from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.core.node import Leaf
from chainrule.core.recording import Recording
from chainrule.core.source import is_own
from chainrule.graph.code import calls_alone
from chainrule.native.record.contents import contents
from chainrule.native.record.objects import ObjectWalk, of_name
from chainrule.native.record.outside import (
    imported,
    strings,
    unwatched,
    unwatched_builtin,
)
from chainrule.native.record.signature import Recorded
from chainrule.numpy.closure import ABSENT, counterpart
from chainrule.numpy.names import assigned, is_simple, mentioned
from chainrule.numpy.view import UserFunction
from chainrule.transforms.derived import Derived

__all__ = ["Walk", "capture", "unwritable"]

_ndarray = np.ndarray
_DEEPEST = 12  # containers and objects in one another, and several functions for one of them
_FUNCTION = 0.2
_MOST = 10_000  # items of one container
_PASSES = 8  # a pass may find methods, whose code names further attributes
_BOUND = (BuiltinFunctionType, MethodWrapperType)
_DRAWING = (np.random.Generator, np.random.RandomState, random.Random)
_PLAIN = (int, float, complex, str, bytes, type(None), np.generic, np.dtype, np.ufunc, enum.Enum)


def capture(
    f: Any,
    statics: list[Any],
    recording: Recording | None,
    loops: Mapping[str, Callable[..., Any]] | None = None,
) -> Walk:
    """Walk over a function and the static arguments that it is called with.

    Args:
        f: the function.
        statics: what else it is given.
        recording: whose nodes are to stand for the arrays; None to leave all arrays plain.
        loops: what functions that call ``range`` and its like are to see under these names.

    Raises:
        Recorded: the function refers to an Array, so it is a part of another recording.
    """
    names: frozenset[str] = frozenset()
    for _ in range(_PASSES):
        walk = Walk(recording, names)
        walk.function = walk.visit(f, of_name(f))
        walk.statics = {id(value): walk.visit(value, type(value).__name__) for value in statics}
        if walk.mentioned <= names:
            break
        names |= walk.mentioned
    walk.found.settle()
    walk.show(loops or {})
    return walk


class Walk(ObjectWalk):
    """One pass over everything, in an order that is the same in every process.

    Attributes:
        found: what is to be watched.
        function: the counterpart of the function.
        statics: counterparts of the static arguments, by the id of the original.
        mentioned: every name in the code that was met.
    """

    def changes(self) -> str | None:
        """Say what of the user's own the recorded run has changed, if anything."""
        for new, before in self._filled:
            now = contents(new)
            if len(now) != len(before) or not all(
                name in now and now[name] is value for name, value in before.items()
            ):
                kind = type(new).__name__
                what = f"an attribute of a {kind}" if hasattr(new, "__dict__") else f"a {kind}"
                return f"it changes {what} that it does not make itself"
        for array, leaf, name in self.found.arrays:
            made = self._made[True, id(array)]
            if made.node is not leaf:
                return f"it writes into the array `{name}`, which it does not make itself"
        return None

    def show(self, loops: Mapping[str, Callable[..., Any]]) -> None:
        """Let functions see something else than the builtins of these names, if they call them."""
        for place, codes in self._codes.items():
            names = self._globals[place]
            for name in loops.keys() - names.keys():
                if all(
                    name in calls_alone(code, tuple(loops)) or name not in mentioned(code)[0]
                    for code in codes
                ):
                    names[name] = loops[name]

    # What each kind of value is replaced by.

    def visit(self, value: Any, name: str) -> Any:
        """Return the counterpart of a value, the value itself if it needs none."""
        kind = type(value)
        if kind is Array:
            raise Recorded
        if kind is Derived:
            return self.visit(value.func, name)
        if isinstance(value, _PLAIN):
            if isinstance(value, enum.Enum):
                self._attributes_of(value)
            return value
        key = self.recording is not None, id(value)
        if key in self._made:
            return self._made[key]
        if self._depth > _DEEPEST:
            self._obstacle(f"`{name}` lies too deep in objects and containers to be watched")
            return value
        step = _FUNCTION if kind is FunctionType else 1
        self._depth += step
        try:
            self._kept.append(value)
            self._made[key] = value
            new = self._made[key] = self._counterpart(value, kind, name, key)
            return new
        finally:
            self._depth -= step

    def _counterpart(self, value: Any, kind: type, name: str, key: tuple[bool, int]) -> Any:
        if isinstance(value, _ndarray):
            return self._array(value, name)
        if kind is FunctionType:
            return self._function(value, key)
        if kind is MethodType:
            return MethodType(self.visit(value.__func__, name), self.visit(value.__self__, name))
        reason = unwatched(value, name)
        if reason is not None:
            self._obstacle(reason)
            return value
        if kind is functools.partial:
            self._items_of(value.keywords)
            args = [self.visit(x, name) for x in value.args]
            keywords = {key: self.visit(x, key) for key, x in value.keywords.items()}
            return functools.partial(self.visit(value.func, name), *args, **keywords)
        if kind is UserFunction:
            f = self.visit(value.f, name)
            return value if f is value.f else UserFunction(f)
        if kind is dict or kind is list or kind is tuple:
            return self._container(value, kind, name, key)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return kind(
                *(self.visit(x, field) for x, field in zip(value, value._fields, strict=True))
            )
        if isinstance(value, ModuleType):
            return self._module(value)
        if isinstance(value, _DRAWING):
            self.found.generators.append(value)
            return value
        if isinstance(value, type):
            self._class(value)
            self._class(kind)  # the metaclass
            return value
        wrapped = getattr(value, "__wrapped__", None)
        if wrapped is not None and getattr(kind, "is_compiled", False):
            return self.visit(wrapped, name)  # it runs as Python inside a recording anyhow
        if isinstance(value, (staticmethod, classmethod, property)) or wrapped is not None:
            if self._root:
                self._plainly(value)
            return value
        if kind in _BOUND:
            with self._plain():
                if not isinstance(value.__self__, ModuleType):
                    self.visit(value.__self__, name)
            return value
        if is_simple(kind):
            return self._instance(value, kind, key)
        self._other(value, kind, name)
        return value

    def _array(self, array: _ndarray[Any, Any], name: str) -> Any:
        lifted = type(array) is _ndarray and array.dtype.kind in "fbiu"
        if self.recording is None or not lifted:
            if all(array is not x for x, _, _ in self.found.compared):
                self.found.compared.append((array, array.copy(), name))
            return unwritable(array)
        leaf = Leaf(self.recording)
        self.found.arrays.append((array, leaf, name))
        return Array(array, leaf)

    def _container(self, value: Any, kind: type, name: str, key: tuple[bool, int]) -> Any:
        if len(value) > _MOST:
            self._obstacle(
                f"`{name}` is a {kind.__name__} of {len(value)} items, more than are watched: make "
                "it an array"
            )
            return value
        if kind is tuple:
            return tuple(self.visit(item, name) for item in value)
        new = self._made[key] = kind()
        if kind is list:
            self.found.lists.append((value, list(value)))
            new += [self.visit(item, name) for item in value]
        else:
            self.found.counts.append((value, len(value)))
            for entry, item in value.items():
                self.found.names.append((value, entry, item))
                new[entry] = self.visit(item, str(entry))
        self._filled.append((new, contents(new)))
        return new

    def _function(self, f: FunctionType, key: tuple[bool, int]) -> Any:
        code = f.__code__
        if is_own(f):
            return self._transform(f, key)
        if not self.enters(f):
            registry = getattr(f, "registry", None)  # of functools.singledispatch
            if isinstance(registry, MappingProxyType):
                with self._plain():
                    self.visit(registry, f.__name__)
            return f
        names, stored, _ = mentioned(code)
        names |= strings(code)
        self.mentioned |= names
        self._watch_what_runs(f)
        if stored:
            self._obstacle(f"{f.__name__} assigns to the global `{min(stored)}`")
        nonlocals = assigned(code) & set(code.co_freevars)
        if nonlocals:
            self._obstacle(f"{f.__name__} assigns to `{min(nonlocals)}` of an enclosing function")
        place = key[0], id(f.__globals__)
        if place not in self._globals:
            self._globals[place] = dict(f.__globals__)
            self._kept.append(f.__globals__)
        self._codes.setdefault(place, []).append(code)
        new = self._made[key] = counterpart(f, self._globals[place], self._cells(f, key))
        new.__dict__.update(f.__dict__)
        self.found.functions.append((f, code, f.__defaults__, f.__kwdefaults__))
        self.parts(f, names).put_into(new, f)
        for name in sorted((names & vars(builtins).keys()) - f.__globals__.keys()):
            self.found.names.append((f.__globals__, name, ABSENT))
        for name in sorted(names & f.__dict__.keys()):
            self.found.names.append((f.__dict__, name, f.__dict__[name]))
            new.__dict__[name] = self.visit(f.__dict__[name], name)
        self._filled.append((new, contents(new)))
        return new

    def _watch_what_runs(self, f: FunctionType) -> None:
        """Watch what code finds by itself when it runs: builtins and modules that it imports."""
        modules, loaded = imported(f.__code__)
        for name in sorted(loaded - f.__globals__.keys()):
            reason = unwatched_builtin(name)
            if reason is not None:
                self._obstacle(reason)
        for name in sorted(modules):
            module = sys.modules.get(name)
            if module is None:
                self._obstacle(f"{f.__name__} imports `{name}` when it runs; import it outside")
            else:
                with self._plain():
                    self.visit(module, name)

    def _attributes_of(self, value: Any) -> None:
        with self._plain():
            for name in sorted(value.__dict__.keys() & self.names):
                self.found.names.append((value.__dict__, name, value.__dict__[name]))
                self.visit(value.__dict__[name], name)

    def _transform(self, f: FunctionType, key: tuple[bool, int]) -> Any:
        """Rebuild what ``grad`` and its like have made of a function."""
        if f.__closure__ is None:
            return f
        new = self._made[key] = counterpart(f, f.__globals__, self._cells(f, key))
        new.__dict__.update(f.__dict__)
        self.cells_of(f).put_into(new, f)
        return new

    def _cells(self, f: FunctionType, key: tuple[bool, int]) -> tuple[CellType, ...]:
        cells = []
        for cell in f.__closure__ or ():
            place = key[0], id(cell)
            if place not in self._made:
                self._kept.append(cell)
                self._made[place] = CellType()
            cells.append(self._made[place])
        return tuple(cells)

    def _saw_name(self, names: dict[str, Any], name: str, value: Any) -> None:
        self.found.names.append((names, name, value))

    def _saw_cell(self, cell: CellType, value: Any) -> None:
        self.found.cells.append((cell, value))


def unwritable(array: _ndarray[Any, Any]) -> _ndarray[Any, Any]:
    """Return an array of the user's for a run that must not write into it."""
    fixed = array.view()
    fixed.flags.writeable = False
    return fixed
