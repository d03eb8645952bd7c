"""Classes and objects of the user's as recorded code sees them: with other methods.

A class gets a subclass of the same name, and an object a twin of that subclass, which shares its
attributes: it has the same ``__dict__``, and reads and writes the same slots. Both are of the
user's own class again when the run is over, and so is what the run made and left in places that
last.
"""

from __future__ import annotations

import copy
import sys
import threading
import weakref
from abc import ABCMeta
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from types import FrameType, MemberDescriptorType
from typing import Any

from chainrule.core.array import Array
from chainrule.core.recording import FREE
from chainrule.errors import RUNS
from chainrule.numpy.lent import Lent
from chainrule.numpy.names import has_statement, is_users_class

__all__ = ["Objects", "attributes"]


def attributes(value: Any) -> MutableMapping[str, Any]:
    """Return the attributes of an object, to read and to write."""
    slots = _slots(type(value))
    return _Attributes(value, slots) if slots else vars(value)


class _Attributes(MutableMapping[str, Any]):
    """The slots of an object, and its ``__dict__`` if it has one."""

    def __init__(self, value: Any, slots: dict[str, MemberDescriptorType]) -> None:
        self._value, self._slots = value, slots
        self._others = getattr(value, "__dict__", {})

    def __getitem__(self, name: str) -> Any:
        if name not in self._slots:
            return self._others[name]
        try:
            return self._slots[name].__get__(self._value)
        except AttributeError:
            raise KeyError(name) from None

    def __setitem__(self, name: str, held: Any) -> None:
        if name in self._slots:
            self._slots[name].__set__(self._value, held)
        else:
            self._others[name] = held

    def __delitem__(self, name: str) -> None:
        raise NotImplementedError

    def __iter__(self) -> Iterator[str]:
        return iter([name for name in (*self._slots, *self._others) if name in self])

    def __len__(self) -> int:
        return len(list(iter(self)))


def _slots(kind: type) -> dict[str, MemberDescriptorType]:
    """Return what reads and writes the slots of a class's instances."""
    found: dict[str, Any] = {}
    for base in kind.__mro__:
        for name, member in vars(base).items():
            if type(member) is MemberDescriptorType:
                found.setdefault(name, member)
    return found


class Objects:
    """The classes and objects of one function's, while it runs and between its runs."""

    def __init__(self) -> None:
        #: What is seen in place of what an attribute holds: by id, with the original.
        self.swapped: dict[int, tuple[Any, Any]] = {}
        self._twins: list[tuple[Any, type]] = []
        self._made: list[Callable[[], Any]] = []
        self._own: dict[type, type] = {}  # the user's class of each subclass
        self._swapped_for_a_run: list[int] = []
        self._originals: dict[int, Any] = {}  # whose slots a twin has, by its id
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
        names |= {name: _shared(member, self._originals) for name, member in _slots(kind).items()}
        if self._metaclasses is None:
            self._metaclasses = _metaclasses(self._made, self._own)
        meta = self._metaclasses[type(kind) is not type]
        new: Any = meta(kind.__name__, (kind, *bases), names)
        self._own[new] = kind
        return new

    def twin(self, value: Any, kind: type) -> Any:
        """Make an object of another class that shares its attributes with an object."""
        new = self._twin(value, kind)
        self._twins.append((new, kind))
        return new

    def twin_for_a_run(self, value: Any, kind: type, swapped: Iterable[tuple[Any, Any]]) -> Any:
        """Make a twin of an argument, with what is seen in place of some of its attributes."""
        new = self._twin(value, kind)
        self._made.append(lambda: new)
        self._given += (x for x in attributes(value).values() if type(x) is Array)
        for held, seen in swapped:
            self.swapped[id(held)] = held, seen
            self._swapped_for_a_run.append(id(held))
        return new

    def _twin(self, value: Any, kind: type) -> Any:
        new: Any = object.__new__(kind)
        if kind.__dictoffset__:
            object.__setattr__(new, "__dict__", value.__dict__)
        if _slots(kind):
            self._originals[id(new)] = value
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
                held = attributes(self._originals.get(id(twin), twin))
                self._given += (x for x in held.values() if type(x) is Array)

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
                    original = self._originals.get(id(value), value)
                    if not inner:
                        _settle(attributes(original), {id(x) for x in self._given})
                    if original is not value:  # it may have been kept somewhere
                        attributes(value).update(attributes(original))
            for value in (reference() for reference in made):
                self._originals.pop(id(value), None)
            for key in self._swapped_for_a_run:
                self.swapped.pop(key, None)
            self._swapped_for_a_run.clear()
            self._given.clear()


def _shared(member: MemberDescriptorType, originals: dict[int, Any]) -> property:
    """Return a property that reads and writes this slot of the object that a twin stands for."""

    def of(twin: Any) -> Any:
        return originals.get(id(twin), twin)

    return property(
        lambda twin: member.__get__(of(twin)),
        lambda twin, held: member.__set__(of(twin), held),
        lambda twin: member.__delete__(of(twin)),
    )


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


def _settle(attributes: MutableMapping[str, Any], given: set[int]) -> None:
    """Make plain arrays of the Arrays that a run has left, for its recording ends with it."""
    for name, value in list(attributes.items()):
        if type(value) is not Array or id(value) in given:
            continue
        if value.node is None or value.node.recording is not FREE:
            # A backward pass may still read it.
            attributes[name] = value.value if type(value.views) is Lent else copy.copy(value.value)
