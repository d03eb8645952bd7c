"""The walk over what functions refer to: globals, variables of enclosing functions, defaults.

A visitor says what becomes of each value. A counterpart of a function is the same code that sees
these values instead; the user's own function is left as it is.
"""

from __future__ import annotations

from types import CellType, FunctionType
from typing import Any

from chainrule.core.source import is_internal
from chainrule.numpy.names import home, is_users

__all__ = ["ABSENT", "FunctionWalk", "content", "counterpart"]


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
        if is_internal(code) or (self._root and not is_users(code, self._root)):
            return False
        self._root = self._root or (home(code),)
        return True

    def fill(self, f: FunctionType, new: FunctionType, names: frozenset[str]) -> bool:
        """Give a counterpart what stands for that which the function refers to, by these names.

        Returns:
            whether anything is another value than the function sees.
        """
        given = new.__globals__
        changed = False
        for name in sorted(names & f.__globals__.keys()):
            value = f.__globals__[name]
            self._saw_name(f.__globals__, name, value)
            replaced = self.visit(value, name)
            if replaced is not value:
                given[name] = replaced
                changed = True
        changed |= self.fill_cells(f, new)
        if f.__defaults__:
            new.__defaults__ = tuple(self.visit(value, f.__name__) for value in f.__defaults__)
            changed |= any(
                x is not y for x, y in zip(new.__defaults__, f.__defaults__, strict=True)
            )
        if f.__kwdefaults__:
            named = new.__kwdefaults__ = {k: self.visit(x, k) for k, x in f.__kwdefaults__.items()}
            changed |= any(named[k] is not x for k, x in f.__kwdefaults__.items())
        return changed

    def fill_cells(self, f: FunctionType, new: FunctionType) -> bool:
        """Fill those cells of a counterpart that are not the function's own."""
        changed = False
        pairs = zip(f.__code__.co_freevars, f.__closure__ or (), new.__closure__ or (), strict=True)
        for name, cell, mine in pairs:
            value = content(cell)
            self._saw_cell(cell, value)
            if mine is not cell and value is not ABSENT:
                mine.cell_contents = replaced = self.visit(value, name)
                changed |= replaced is not value
        return changed


def counterpart(
    f: FunctionType, names: dict[str, Any], cells: tuple[CellType, ...]
) -> FunctionType:
    """Return the same function with other globals and other cells."""
    new = FunctionType(f.__code__, names, f.__name__, f.__defaults__, cells)
    new.__qualname__, new.__kwdefaults__ = f.__qualname__, f.__kwdefaults__
    return new


def content(cell: CellType) -> Any:
    """Return what a cell holds."""
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return ABSENT
