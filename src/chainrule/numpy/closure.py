"""The walk over what functions refer to: globals, variables of enclosing functions, defaults.

A visitor says what becomes of each value. A counterpart of a function is the same code that sees
these values instead; the user's own function is left as it is.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from types import CellType, FunctionType
from typing import Any

from chainrule.core.source import is_own
from chainrule.numpy.names import home, is_users

__all__ = ["ABSENT", "FunctionWalk", "Parts", "content", "counterpart"]


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


#: What a name or cell holds that is not assigned.
ABSENT = _Absent()


class FunctionWalk:
    """A walk that begins at one function; its visitors are its subclasses."""

    def __init__(self) -> None:
        self._root: tuple[str, ...] = ()  # the directory of the first function met

    def visit(self, value: Any, name: str) -> Any:
        """Return what stands for a value in counterparts: the value itself if it needs nothing."""
        raise NotImplementedError

    def _saw_name(self, names: dict[str, Any], name: str, value: Any) -> None:
        """Take notice of an entry of a module's globals."""

    def _saw_cell(self, cell: CellType, value: Any) -> None:
        """Take notice of a variable of an enclosing function."""

    def enters(self, f: FunctionType) -> bool:
        """Tell whether a function is the user's own, so that the walk goes into it."""
        code = f.__code__
        if is_own(f) or (self._root and not is_users(code, self._root)):
            return False
        self._root = self._root or (home(code),)
        return True

    def parts(self, f: FunctionType, names: frozenset[str]) -> Parts:
        """Visit what a function refers to, by these names if it is global."""
        parts = self.cells_of(f)
        for name in sorted(names):
            module = _holder(f.__globals__, name)
            if module is None:
                continue
            value = module[name]
            self._saw_name(module, name, value)
            new = self.visit(value, name)
            if new is not value:
                parts.names[name] = new
        if f.__defaults__:
            parts.defaults = tuple(self.visit(value, f.__name__) for value in f.__defaults__)
            parts.changed |= any(map(operator.is_not, parts.defaults, f.__defaults__))
        if f.__kwdefaults__:
            parts.keywords = {key: self.visit(x, key) for key, x in f.__kwdefaults__.items()}
            parts.changed |= any(parts.keywords[k] is not x for k, x in f.__kwdefaults__.items())
        parts.changed |= bool(parts.names)
        return parts

    def cells_of(self, f: FunctionType) -> Parts:
        """Visit the variables of enclosing functions alone."""
        parts = Parts(f.__defaults__, f.__kwdefaults__)
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
            value = content(cell)
            self._saw_cell(cell, value)
            if value is not ABSENT:
                new = parts.cells[name] = self.visit(value, name)
                parts.changed |= new is not value
        return parts


@dataclass(slots=True)
class Parts:
    """What stands for that which a function refers to; ``changed`` if any of it is replaced."""

    defaults: tuple[Any, ...] | None
    keywords: dict[str, Any] | None
    names: dict[str, Any] = field(default_factory=dict)  # globals, those that are replaced alone
    cells: dict[str, Any] = field(default_factory=dict)
    changed: bool = False

    def put_into(self, new: FunctionType, f: FunctionType) -> None:
        """Let a counterpart of a function see it; cells that both share stay as they are."""
        new.__globals__.update(self.names)
        new.__defaults__, new.__kwdefaults__ = self.defaults, self.keywords
        pairs = zip(f.__code__.co_freevars, f.__closure__ or (), new.__closure__ or (), strict=True)
        for name, cell, mine in pairs:
            if mine is not cell and name in self.cells:
                mine.cell_contents = self.cells[name]


def counterpart(
    f: FunctionType, names: dict[str, Any], cells: tuple[CellType, ...]
) -> FunctionType:
    """Return the same function with other globals and other cells."""
    new = FunctionType(f.__code__, names, f.__name__, f.__defaults__, cells)
    new.__qualname__, new.__kwdefaults__ = f.__qualname__, f.__kwdefaults__
    return new


def _holder(names: dict[str, Any], name: str) -> dict[str, Any] | None:
    """Return the globals that have a name: those of a counterpart lie in front of the module's."""
    found: dict[str, Any] | None = names
    while found is not None and name not in found:
        found = getattr(found, "names", None)
    return found


def content(cell: CellType) -> Any:
    """Return what a cell holds."""
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return ABSENT
