"""What a function found outside its arguments, watched so that no compiled code is ever stale.

`Captured` is filled by the walk over a function (`chainrule.native.record.capture`). A name in a
module's globals, a closure's cell, an attribute, an item of a list: each is watched by what it
refers to.
Arrays may change their contents freely where recorded code reads them at each call; those that the
walk could not put into the recording are compared with a copy.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CellType, CodeType, FunctionType
from typing import Any

import numpy as np

from chainrule.core.node import Leaf
from chainrule.numpy.closure import ABSENT, content

__all__ = ["Captured"]

_NUMBERS = frozenset({int, float, bool, str, complex})


@dataclass(slots=True)
class Captured:
    """What was found, as it was when it was found.

    Attributes:
        names: entries of dicts (globals, attributes, the user's own) with what they held.
        cells: closure cells with what they held.
        functions: functions with their code and defaults.
        lists: lists with their items.
        counts: dicts and sets with the number of their items.
        attributes: what classes and objects with slots hold, by a function that tells.
        arrays: what recorded code reads at each call, with the nodes that stand for them.
        compared: arrays that were plain to the recorded run, each with a copy.
        buffers: memory of other objects than arrays, with its bytes.
        generators: what draws random numbers.
        statics: static arguments, kept alive for their ids are in the key of the signature.
        obstacle: why the function cannot be compiled at all.
    """

    names: list[tuple[dict[Any, Any], Any, Any]] = field(default_factory=list)
    cells: list[tuple[CellType, Any]] = field(default_factory=list)
    lists: list[tuple[Any, list[Any]]] = field(default_factory=list)
    counts: list[tuple[Any, int]] = field(default_factory=list)
    functions: list[tuple[FunctionType, CodeType, Any, Any]] = field(default_factory=list)
    attributes: list[tuple[Callable[[Any, Any], Any], Any, Any, Any]] = field(default_factory=list)
    arrays: list[tuple[np.ndarray[Any, Any], Leaf, str]] = field(default_factory=list)
    compared: list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], str]] = field(
        default_factory=list
    )
    buffers: list[tuple[Any, bytes]] = field(default_factory=list)
    generators: list[Any] = field(default_factory=list)
    statics: list[Any] = field(default_factory=list)
    obstacle: str | None = None
    _shapes: list[tuple[np.ndarray[Any, Any], tuple[int, ...], np.dtype[Any]]] = field(
        default_factory=list
    )

    def settle(self) -> None:
        """Drop what was found twice, and remember what the arrays looked like."""
        self.names = list({(id(d), name): (d, name, v) for d, name, v in self.names}.values())
        self.cells = list({id(cell): (cell, value) for cell, value in self.cells}.values())
        self._shapes = [(array, array.shape, array.dtype) for array, _, _ in self.arrays]

    @property
    def is_simple(self) -> bool:
        """Whether names, cells, functions and the arrays' shapes are all that is to be watched."""
        return not (self.lists or self.counts or self.attributes or self.compared or self.buffers)

    def is_current(self) -> bool:
        """Tell whether everything is still what it was."""
        for names, name, value in self.names:
            now = names.get(name, ABSENT)
            if now is not value and not _same(now, value):
                return False
        for cell, value in self.cells:
            now = content(cell)
            if now is not value and not _same(now, value):
                return False
        for f, code, defaults, named in self.functions:
            if f.__code__ is not code or f.__defaults__ is not defaults:
                return False
            if f.__kwdefaults__ is not named:
                return False
        for array, shape, dtype in self._shapes:
            if array.shape != shape or array.dtype is not dtype:
                return False
        return self.is_simple or self._is_rest_current()

    def _is_rest_current(self) -> bool:
        for items, before in self.lists:
            if len(items) != len(before) or not all(map(operator.is_, items, before)):
                return False
        return (
            all(len(names) == count for names, count in self.counts)
            and all(get(x, name) is value for get, x, name, value in self.attributes)
            and all(_unchanged(array, copy) for array, copy, _ in self.compared)
            and all(memoryview(x).tobytes() == before for x, before in self.buffers)
        )

    def changed_since(self) -> str | None:
        """Name what is no longer what it was, None if there is nothing."""
        return None if self.is_current() else self.changed()

    def restore(self) -> None:
        """Give arrays that were plain to the recorded run their contents back."""
        for array, copy, _ in self.compared:
            if array.shape == copy.shape and not _unchanged(array, copy):
                array[...] = copy

    def changed(self) -> str:
        """Name what is no longer what it was."""
        for names, name, value in self.names:
            if not _same(names.get(name, ABSENT), value):
                return f"`{name}`"
        for array, copy, name in self.compared:
            if not _unchanged(array, copy):
                return f"the array `{name}`"
        for cell, value in self.cells:
            if not _same(content(cell), value):
                return "a variable of the enclosing function"
        return "something that the function refers to"


def _same(a: Any, b: Any) -> bool:
    """Tell whether code that saw b would do the same with a."""
    if a is b:
        return True
    kind = type(a)
    if kind is not type(b) or not (kind in _NUMBERS or isinstance(a, np.generic)):
        return False
    return bool(a == b) and repr(a) == repr(b)  # -0.0 is another number than 0.0


def _unchanged(array: np.ndarray[Any, Any], copy: np.ndarray[Any, Any]) -> bool:
    if array.shape != copy.shape or array.dtype != copy.dtype:
        return False
    if array.dtype.hasobject:
        return all(map(operator.is_, array.ravel().tolist(), copy.ravel().tolist()))
    return array.tobytes() == copy.tobytes() if array.nbytes < 4096 else _equal(array, copy)


def _equal(array: np.ndarray[Any, Any], copy: np.ndarray[Any, Any]) -> bool:
    a, b = np.ascontiguousarray(array), np.ascontiguousarray(copy)
    return bool(np.array_equal(a.view(np.uint8), b.view(np.uint8)))
