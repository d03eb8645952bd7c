"""What running code holds: kept, put back, and made one of two.

A turn of a loop that Python goes through in two ways is run in both, from the same beginning. Where
they have left different numbers, a choice between these is what the turn hands on.
"""

from __future__ import annotations

import ctypes
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from types import CellType, FrameType, FunctionType
from typing import Any, NoReturn, TypeAlias

import numpy as np

from chainrule.core.apply import apply
from chainrule.core.array import Array, dtype_of, shape_of
from chainrule.core.counted import Counted, Doubt
from chainrule.core.node import Node
from chainrule.core.placeholder import Placeholder
from chainrule.core.symbolic import Symbolic
from chainrule.native.record.changing import content_of, put_into
from chainrule.native.record.state import alike, everything
from chainrule.numpy.assignment import overwrite
from chainrule.numpy.closure import content
from chainrule.operations.elementwise import where
from chainrule.operations.indexing import getitem, set_at

__all__ = ["Beginning", "Left", "Unset", "set_variables"]

_ndarray = np.ndarray
_NUMBERS = (bool, int, float, np.bool_, np.integer, np.floating)
_ATOMS = (bool, int, float, complex, str, bytes, range, type(None), np.generic)
_MOST = 4_096  # entries of an array that is chosen as a whole
_MOST_WRITES = 32  # of single entries, which are chosen one by one


class Unset(Symbolic):
    """The value of a variable that one way through a turn has set, and the other has not.

    Whoever looks at it raises `Doubt`: in the user's run it may be an unbound variable.
    """

    def applied(self, *_: Any) -> NoReturn:
        """Raise, for an operation that takes it."""
        self._looked_at()

    def __getattr__(self, name: str) -> NoReturn:
        self._looked_at()

    def _looked_at(self, *_: Any, **__: Any) -> NoReturn:
        raise Doubt("a variable is read that only one way through a turn sets")


for _name in (
    *("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "pow", "rpow", "mod"),
    *("matmul", "rmatmul", "floordiv", "rfloordiv", "neg", "pos", "abs", "lt", "le", "gt", "ge"),
    *("eq", "ne", "bool", "float", "int", "index", "complex", "len", "iter", "getitem", "setitem"),
    *("call", "hash", "str", "repr", "format", "array", "array_ufunc", "array_function"),
):
    setattr(Unset, f"__{_name}__", Unset._looked_at)


#: The value and the node of an Array.
_Held: TypeAlias = "tuple[Any, Node | None]"


class Left:
    """What code has left: variables, and what lists, dicts, cells and Arrays hold.

    Args:
        variables: of the function that runs.
        contents: what each of the objects that can change holds.
        apart: arrays and lists that are no longer what other names stood for, since they have been
            chosen.
        test: what a ``while`` loop asks before its next turn.
    """

    def __init__(
        self,
        variables: dict[str, Any],
        contents: list[Any],
        apart: Sequence[Any] = (),
        test: Array | None = None,
    ) -> None:
        self.variables, self.contents, self.apart = variables, contents, apart
        self.test = test


class Beginning:
    """What code holds at the beginning of a turn, and how that is put back.

    Args:
        frame: it stands at the head of the loop.
        passing: types of what belongs to loops themselves.

    Raises:
        Doubt: there is something whose state cannot be seen.
    """

    def __init__(self, frame: FrameType, passing: tuple[type, ...]) -> None:
        self._frame = frame
        self._passing = (*passing, Unset)
        self._state, self._objects = everything(frame.f_locals, self._passing)
        self._left = self.left()

    def left(self, test: Array | None = None) -> Left:
        """Return what the code holds now."""
        contents = [content_of(x) for x in self._objects]
        return Left(dict(self._frame.f_locals), contents, test=test)

    def put_back(self) -> None:
        """Let the code hold what it did.

        Raises:
            Doubt: something else has changed, which cannot be put back.
        """
        for x, held in zip(self._objects, self._left.contents, strict=True):
            put_into(x, held)
        before = self._left.variables
        fresh = self._frame.f_locals.keys() - before.keys()
        set_variables(self._frame, dict.fromkeys(fresh, Unset()) | before)
        now = self._frame.f_locals
        state, _ = everything({name: now[name] for name in before}, self._passing)
        if not alike(self._state, state):
            raise Doubt("a way through a turn changes what cannot be put back")

    def chosen(self, condition: Array, yes: Left, no: Left) -> Left:
        """Return what a turn leaves where a condition chooses between two ways through it.

        Raises:
            Doubt: there is no choice between what they leave.
        """
        ids = list(map(id, self._objects))
        choice = _Choice(
            condition,
            dict(zip(ids, yes.contents, strict=True)),
            dict(zip(ids, no.contents, strict=True)),
        )
        names = yes.variables | no.variables
        test = choice.of(yes.test, no.test)
        return Left(
            {
                name: choice.of(yes.variables.get(name, Unset()), no.variables.get(name, Unset()))
                for name in names
            },
            [
                choice.of_contents(x, a, b)
                for x, a, b in zip(self._objects, yes.contents, no.contents, strict=True)
            ],
            [*yes.apart, *no.apart, *choice.apart],
            test,
        )

    def go_on(self, left: Left) -> None:
        """Let the code hold what a turn has left."""
        for x, held in zip(self._objects, left.contents, strict=True):
            if type(x) is not Array:
                put_into(x, held)
            elif x.origin is None and held[1] is not x.node:
                overwrite(x, Array(*held), "a write in one way through a turn")
        set_variables(self._frame, left.variables)


def set_variables(frame: FrameType, variables: dict[str, Any]) -> None:
    """Set the variables of a running function."""
    now = frame.f_locals
    now.update(variables)
    if sys.version_info < (3, 13):  # f_locals is a copy
        ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))


# Choices.


class _Choice:
    """Makes one value of two.

    Args:
        condition: tells which of them it is.
        yes: what objects held, by id, in the way that is taken where the condition is true.
        no: what they held in the other.

    Attributes:
        apart: arrays and lists that were chosen, and those that they were chosen from.
    """

    def __init__(self, condition: Array, yes: dict[int, Any], no: dict[int, Any]) -> None:
        self.condition, self.yes, self.no = condition, yes, no
        self.apart: list[Any] = []
        self._pairs: list[tuple[Any, Any, Any]] = []  # two lists or dicts, and what is one of them

    def of(self, a: Any, b: Any) -> Any:
        """Return what a variable holds."""
        if a is b:
            return a
        arrays = [x for x in (a, b) if type(x) is Array and issubclass(x.__class__, _ndarray)]
        pair = a, b
        a, b = _as_left(a, self.yes), _as_left(b, self.no)
        kind = type(a)
        if kind is Unset or type(b) is Unset:
            return Unset()
        if kind is Counted is type(b):
            return _if_equal(a, b, a.key == b.key and repr(a.value) == repr(b.value))
        if _is_number(a) and _is_number(b):
            made = self._of_numbers(a, b)
            if arrays:
                self.apart += [*arrays, made]
            return made
        if kind is not type(b):
            raise Doubt(f"a {kind.__name__} in one way through a turn, a {type(b).__name__} else")
        if isinstance(a, _ATOMS):
            return _if_equal(a, b, repr(a) == repr(b))
        if isinstance(a, tuple):
            items = self._items(a, b)
            return kind(*items) if hasattr(a, "_fields") else kind(items)
        if kind in (list, deque, dict):
            return self._of_lists(*pair, a, b)
        if kind is _ndarray:
            same = a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
            return _if_equal(a, b, same and not a.dtype.hasobject)
        if kind is FunctionType:
            return _if_equal(a, b, self._is_same_function(a, b))
        raise Doubt(f"no choice between two of {kind.__name__}")

    def of_contents(self, x: Any, a: Any, b: Any) -> Any:
        """Return what a list, a dict, a cell or an Array holds."""
        kind = type(x)
        if kind is Array:
            if (a[1] is b[1] and (a[1] is not None or a[0] is b[0])) or x.origin is not None:
                return a
            made = self._written(a, b, x)
            if made is None:
                made = self._of_arrays(Array(*a), Array(*b))
            return made.held, made.node
        if kind is CellType:
            return self.of(a, b)
        if isinstance(a, dict):
            return dict(zip(self._keys(a, b), self._items(a.values(), b.values()), strict=True))
        return self._items(a, b)

    def _of_lists(self, first: Any, second: Any, a: Any, b: Any) -> Any:
        """Return one list or dict of two, the same one for the same two.

        Args:
            first: one of them.
            second: the other.
            a: what the first one held.
            b: what the second one held.
        """
        for x, y, made in self._pairs:
            if x is first and y is second:
                return made
        if type(a) is dict:
            items = self._items(a.values(), b.values())
            made = dict(zip(self._keys(a, b), items, strict=True))
        else:
            made = type(a)(self._items(a, b))
        others = [m for x, y, m in self._pairs if x is first or y is second]
        if others or id(first) in self.yes or id(second) in self.no:
            self.apart += [first, second, made, *others]
        self._pairs.append((first, second, made))
        return made

    def _items(self, a: Iterable[Any], b: Iterable[Any]) -> list[Any]:
        first, second = list(a), list(b)
        if len(first) != len(second):
            raise Doubt("a list that is longer in one way through a turn")
        return [self.of(x, y) for x, y in zip(first, second, strict=True)]

    @staticmethod
    def _keys(a: dict[Any, Any], b: dict[Any, Any]) -> list[Any]:
        if list(a) != list(b):
            raise Doubt("a dict that has other keys in one way through a turn")
        return list(a)

    def _is_same_function(self, a: FunctionType, b: FunctionType) -> bool:
        if a.__code__ is not b.__code__ or a.__defaults__ != b.__defaults__:
            return False
        cells = zip(a.__closure__ or (), b.__closure__ or (), strict=True)
        return all(content(x) is content(y) for x, y in cells)

    def _of_numbers(self, a: Any, b: Any) -> Any:
        arrays = [x for x in (a, b) if type(x) is Array]
        if not arrays and type(a) is type(b) and repr(a) == repr(b):
            return a
        kinds = {dtype_of(x).kind for x in (a, b)}
        if len(kinds) > 1 and (len(arrays) == 2 or "b" in kinds):
            raise Doubt("numbers of another kind in one way through a turn")
        if not (_is_exact(a, b) or _is_exact(b, a)):
            raise Doubt("numbers of another precision in one way through a turn")
        return self._of_arrays(a, b)

    def _of_arrays(self, a: Any, b: Any) -> Any:
        if type(a) is Array is type(b) and a.node is b.node and a.node is not None:
            return a
        if shape_of(a) != shape_of(b) or dtype_of(a).kind not in "fiub":
            raise Doubt("arrays of another shape in one way through a turn")
        if np.prod(shape_of(a)) > _MOST:
            raise Doubt("large arrays that differ between ways through a turn")
        return apply(where, where.compute, (self.condition, a, b))

    def _written(self, a: _Held, b: _Held, before: Array) -> Array | None:
        """Choose entry by entry, where both ways have only written some into the same array."""
        (_, yes), (_, no) = a, b
        if yes is None or no is None:
            return None
        base, yes_writes, no_writes = _writes(yes, no)
        if base is None:
            return None
        held = {node: x for x, node in ((base.output, base), (before.held, before.node), a, b)}
        if isinstance(held[base], Placeholder):
            return None
        made = Array(held[base], base)
        for node in yes_writes:
            made = self._write(made, node, True)
        for node in no_writes:
            made = self._write(made, node, False)
        return made

    def _write(self, array: Array, node: Node, answer: bool) -> Array:
        """Write an entry where the condition comes out like that, and else what is there."""
        value = Array(node.operands[1], node.parents[1])
        there = apply(getitem, getitem.compute, (array,), node.params)
        pair = (value, there) if answer else (there, value)
        number = apply(where, where.compute, (self.condition, *pair))
        made: Array = apply(set_at, set_at.compute, (array, number), node.params)
        return made


def _writes(a: Node, b: Node) -> tuple[Node | None, list[Node], list[Node]]:
    """Return what two nodes have been before numbers were written into them, and these writes."""
    first, second = _before(a), _before(b)
    known = {id(node): k for k, node in enumerate(first)}
    for k, node in enumerate(second):
        if id(node) in known:
            return node, first[: known[id(node)]][::-1], second[:k][::-1]
    return None, [], []


def _before(node: Node) -> list[Node]:
    found = [node]
    while node.operation is set_at and len(node.operands) == 2 and not shape_of(node.operands[1]):
        base = node.parents[0]
        if base is None or len(found) > _MOST_WRITES:
            break
        node = base
        found.append(node)
    return found


def _as_left(x: Any, contents: dict[int, Any]) -> Any:
    """Return what an object held in one way through a turn."""
    if id(x) not in contents or type(x) is CellType:
        return x
    held = contents[id(x)]
    return Array(*held) if type(x) is Array else held


def _is_number(x: Any) -> bool:
    kind = type(x)  # not its __class__, for that of a loop's number is that of its value
    return kind is Array or issubclass(kind, _NUMBERS)


def _is_exact(x: Any, like: Any) -> bool:
    """Tell whether a number is of the precision of another one, or a plain one that has it."""
    own, other = dtype_of(x), dtype_of(like)
    if own == other or own.kind != "f" or other.kind != "f":
        return True
    return type(x) is float and (x != x or float(other.type(x)) == x)


def _if_equal(a: Any, b: Any, equal: bool) -> Any:
    if not equal:
        raise Doubt(f"another {type(a).__name__} in one way through a turn")
    return a
