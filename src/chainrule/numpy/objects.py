"""Classes and objects of the user's as recorded code sees them: with other methods.

A class gets a subclass of the same name, and an object a twin of that subclass, which shares its
attributes. Both are of the user's own class again when the run is over, and so is what the run made
and left in places that last.
"""

from __future__ import annotations

import copy
import sys
import threading
import weakref
from abc import ABCMeta
from collections.abc import Callable
from types import FrameType
from typing import Any

from chainrule.core.array import Array
from chainrule.core.recording import FREE
from chainrule.errors import RUNS
from chainrule.numpy.lent import Lent
from chainrule.numpy.names import has_statement, is_users_class

__all__ = ["Objects"]


class Objects:
    """The classes and objects of one function's, while it runs and between its runs."""

    def __init__(self) -> None:
        #: What is seen in place of what an attribute holds: by id, with the original.
        self.swapped: dict[int, tuple[Any, Any]] = {}
        self._twins: list[tuple[Any, type]] = []
        self._made: list[Callable[[], Any]] = []
        self._own: dict[type, type] = {}  # the user's class of each subclass
        self._given: list[Array] = []  # what others have put there, for the run
        self._runs = 0
        self._lock = threading.Lock()
        self._metaclasses: tuple[Any, Any] | None = None  # made when they are needed: that is slow

    @staticmethod
    def has_room_for(kind: type) -> bool:
        """Tell whether a class can be given a subclass without anybody noticing."""
        return (
            type(kind) in (type, ABCMeta)
            and is_users_class(kind)
            and all(has_statement(base) for base in kind.__mro__[:-1])
            and not any("__getattribute__" in base.__dict__ for base in kind.__mro__[:-1])
            and not any("__init_subclass__" in base.__dict__ for base in kind.__mro__[:-1])
        )

    def subclass(self, kind: type, bases: tuple[type, ...]) -> Any:
        """Make a class that is seen as another one; ``bases`` are what is seen as its bases."""
        swapped = self.swapped

        def read(self: Any, name: str) -> Any:
            value = object.__getattribute__(self, name)
            found = swapped.get(id(value))
            return value if found is None else found[1]

        names = {name: getattr(kind, name) for name in ("__module__", "__qualname__", "__doc__")}
        names["__getattribute__"] = read
        if not kind.__dictoffset__:
            names["__slots__"] = ()
        if self._metaclasses is None:
            self._metaclasses = _metaclasses(self._made, self._own)
        meta = self._metaclasses[type(kind) is not type]
        new: Any = meta(kind.__name__, (kind, *bases), names)
        self._own[new] = kind
        return new

    def twin(self, value: Any, kind: type, lasting: bool = True) -> Any:
        """Make an object of another class that shares its attributes with an object.

        If it is not ``lasting``, it is of one run alone.
        """
        new: Any = object.__new__(kind)
        object.__setattr__(new, "__dict__", value.__dict__)
        if lasting:
            self._twins.append((new, kind))
        else:
            self._made.append(lambda: new)
            self._given += (x for x in vars(new).values() if type(x) is Array)
        return new

    @property
    def are_seen_otherwise(self) -> bool:
        """Whether there are any; if not, a run needs neither `begin` nor `end`."""
        return bool(self._own)

    def begin(self) -> None:
        """Let the twins be what recorded code is to see."""
        with self._lock:
            self._runs += 1
            for twin, kind in self._twins:
                object.__setattr__(twin, "__class__", kind)
                self._given += (x for x in vars(twin).values() if type(x) is Array)

    def end(self) -> None:
        """Give all objects the class that the user knows, and plain arrays for the run's own."""
        with self._lock:
            self._runs -= 1
            if self._runs:
                return
            made, self._made[:] = list(self._made), []
            inner = _is_inner()
            for value in (*(twin for twin, _ in self._twins), *(reference() for reference in made)):
                kind = self._own.get(type(value))
                if kind is not None:
                    object.__setattr__(value, "__class__", kind)
                    if not inner and kind.__dictoffset__:
                        _settle(value.__dict__, {id(x) for x in self._given})
            self._given.clear()


def _metaclasses(made: list[Callable[[], Any]], own: dict[type, type]) -> tuple[Any, Any]:
    """Make metaclasses that keep what their classes make, and answer for the user's own ones.

    One is for classes in general, the other for abstract ones.
    """

    class Meta(type):
        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            new = super().__call__(*args, **kwargs)
            made.append(weakref.ref(new) if type(new).__weakrefoffset__ else lambda: new)
            return new

        def __setattr__(cls, name: str, value: Any) -> None:
            type.__setattr__(own.get(cls, cls), name, value)  # Layer.count += 1

        def __delattr__(cls, name: str) -> None:
            type.__delattr__(own.get(cls, cls), name)

        def __instancecheck__(cls, instance: Any) -> bool:
            kind = own.get(cls)
            return (
                super().__instancecheck__(instance) if kind is None else isinstance(instance, kind)
            )

        def __subclasscheck__(cls, other: type) -> bool:
            kind = own.get(cls)
            return super().__subclasscheck__(other) if kind is None else issubclass(other, kind)

    class Abstract(Meta, ABCMeta):
        pass

    return Meta, Abstract


def _is_inner() -> bool:
    """Tell whether the run is a part of another one, which may go on to write."""
    frame: FrameType | None = sys._getframe(3)
    while frame is not None and frame.f_code not in RUNS:
        frame = frame.f_back
    return frame is not None


def _settle(attributes: dict[str, Any], given: set[int]) -> None:
    """Make plain arrays of the Arrays that a run has left, for its recording ends with it."""
    for name, value in attributes.items():
        if type(value) is not Array or id(value) in given:
            continue
        if value.node is None or value.node.recording is not FREE:
            # A backward pass may still read it.
            attributes[name] = value.value if type(value.views) is Lent else copy.copy(value.value)
