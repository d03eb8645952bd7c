"""The state of running code: all that decides what the next turn of a loop will do.

Two states are alike where they are the same but for the entries of recorded arrays, and for the
loop's own numbers. If a turn begins and ends in states that are alike, the next one does what it
did, and so do all that follow.
"""

from __future__ import annotations

import functools
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable, Mapping, Sequence
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FrameType,
    FunctionType,
    MethodType,
    ModuleType,
)
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.array import Array
from chainrule.core.captured import fingerprint
from chainrule.core.counted import Counted, Doubt, Seen
from chainrule.core.node import Node
from chainrule.graph.loops.affine import skeleton
from chainrule.numpy.closure import ABSENT, content
from chainrule.numpy.names import is_simple
from chainrule.numpy.view import UserFunction

__all__ = ["State", "alike", "are_handed_on", "everything", "state_of"]

_MOST = 10_000  # parts of a state that are compared
_MADE = 3  # states between which two turns lie
_VALUES = (bool, int, float, complex, str, bytes, range, type(None), type(Ellipsis))
_FIXED = (ModuleType, type, CodeType, BuiltinFunctionType, np.dtype, np.ufunc)
_LISTS = (list, tuple, deque)
_CHANGING = frozenset({Array, CellType, list, deque, dict, OrderedDict})


class State(NamedTuple):
    """All that the next turn of a loop depends on.

    Attributes:
        parts: what is the same in states that are alike.
        nodes: of the recorded arrays, in order.
    """

    parts: list[Any]
    nodes: list[Node]


def state_of(frame: FrameType, passing: tuple[type, ...]) -> State:
    """Return the state of a frame: its variables, and what can be reached from them.

    Args:
        frame: it stands at the head of a loop.
        passing: what belongs to the loop itself.

    Raises:
        Doubt: there is something whose state cannot be seen.
    """
    walk = _walked(frame.f_locals, passing)
    return State(walk.parts, walk.nodes)


def are_handed_on(states: Sequence[State]) -> bool:
    """Tell whether each recorded array is what all turns have, or what the last two have made.

    What is older goes from variable to variable, as in ``a, b, c, d = b, c, d, f(a)``. Then the
    first turns read what was there before the loop, which later ones do not.

    Args:
        states: at the heads of turns, which are alike.
    """
    if len(states) < _MADE:
        return False
    known = set(map(id, states[-_MADE].nodes))
    return all(
        id(node) not in known or all(state.nodes[k] is node for state in states)
        for k, node in enumerate(states[-1].nodes)
    )


def everything(
    variables: Mapping[str, Any], passing: tuple[type, ...]
) -> tuple[list[Any], list[Any]]:
    """Return the state of some variables, and what of all that they refer to can change."""
    walk = _walked(variables, passing)
    found = {id(x): x for x in walk.kept if type(x) in _CHANGING}
    for x in list(found.values()):
        if type(x) is Array and type(x.views) is list:
            living = (view() for view in x.views)
            found |= {id(view): view for view in living if view is not None}
    return walk.parts, list(found.values())


def _walked(variables: Mapping[str, Any], passing: tuple[type, ...]) -> _Walk:
    walk = _Walk(passing)
    for name, value in sorted(variables.items()):
        walk.parts.append(name)
        walk.add(value)
    return walk


def alike(before: list[Any], now: list[Any]) -> bool:
    """Tell whether two states are the same but for what is computed."""
    if len(before) != len(now):
        return False
    for old, new in zip(before, now, strict=True):
        if type(old) is Counted is type(new):
            moves = new.key == old.key and new.series.site == old.series.site
            if new is not old and not (moves and abs(new.turn - old.turn) <= 1):
                return False
        elif type(old) is not type(new) or not (old is new or old == new):
            return False
    return True


class _Walk:
    def __init__(self, passing: tuple[type, ...]) -> None:
        self.passing = passing
        self.parts: list[Any] = []
        self.nodes: list[Node] = []
        self._seen: dict[int, int] = {}
        self.kept: list[Any] = []  # what an id stands for stays alive

    def add(self, value: Any) -> None:
        """Add a value and what can be reached from it."""
        stack = [value]
        while stack:
            value = stack.pop()
            if len(self.parts) > _MOST:
                raise Doubt("there is more to be compared than is worth it")
            if type(value) is Counted:
                self.parts.append(value)
                continue
            if type(value) in _VALUES:
                self.parts.append((type(value), repr(value)))
                continue
            if id(value) in self._seen:
                self.parts.append(("seen", self._seen[id(value)]))
                continue
            self._seen[id(value)] = len(self._seen)
            self.kept.append(value)
            stack += reversed(list(self._inside(value)))

    def _inside(self, value: Any) -> Iterable[Any]:
        """Add what a value is by itself, and return what it refers to."""
        kind = type(value)
        if kind is Array:
            return self._array(value)
        if isinstance(value, np.generic) and not isinstance(value, np.void):
            self.parts.append((kind, value.tobytes()))
        elif kind is np.ndarray and not value.dtype.hasobject:
            self.parts.append((id(value), value.shape, value.dtype.str, fingerprint(value)))
        elif kind in _LISTS:
            self.parts.append((kind, len(value)))
            return list(value)
        elif kind in (dict, OrderedDict):
            self.parts.append((kind, len(value)))
            return [x for pair in value.items() for x in pair]
        elif kind is slice:
            self.parts.append(kind)
            return [value.start, value.stop, value.step]
        elif kind is FunctionType:
            self.parts.append((kind, id(value.__code__)))
            own = [value.__defaults__, value.__kwdefaults__, value.__dict__ or None]
            return [*own, *(value.__closure__ or ())]
        elif kind is CellType:
            self.parts.append(kind)
            return [] if content(value) is ABSENT else [value.cell_contents]
        elif kind is MethodType:
            self.parts.append(kind)
            return [value.__func__, value.__self__]
        elif isinstance(value, functools.partial):
            self.parts.append(kind)
            return [value.func, value.args, value.keywords]
        elif kind is UserFunction:
            self.parts.append(kind)
            return [value.f]
        elif kind is BuiltinFunctionType:
            self.parts.append((kind, value.__name__))
            return [] if isinstance(value.__self__, ModuleType) else [value.__self__]
        elif isinstance(value, (*_FIXED, *self.passing)):
            self.parts.append(id(value))
        elif issubclass(kind, Seen) or is_simple(kind):  # type: ignore[arg-type]
            self.parts.append(kind)
            return [value.__dict__]
        else:
            raise Doubt(f"the state of a {kind.__name__} cannot be seen")
        return ()

    def _array(self, array: Array) -> Iterable[Any]:
        looks: Hashable = (array.__class__, array.shape, array.dtype.str)
        if array.node is None:
            held = np.asarray(array.value)
            self.parts.append((Array, looks, fingerprint(held)))
            return ()
        self.parts.append((Array, looks))
        self.nodes.append(array.node)
        if array.origin is None:
            return ()
        base, operation, params = array.origin
        self.parts.append((getattr(operation, "name", ""), skeleton(params, [])))
        return (base,)
