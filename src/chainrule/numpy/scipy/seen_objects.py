"""Objects of SciPy's that recorded code sees others in the place of: splines, sparse matrices.

They are constants, and may be made anywhere; what is seen of them knows what to do with an Array.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["KINDS", "Seen", "is_seen", "seen_class", "seen_object", "seen_of"]

F = TypeVar("F", bound=Callable[[Any], Any])

#: The full name of a class of SciPy's -> what makes of an instance what is seen of it.
KINDS: dict[str, Callable[[Any], Any]] = {}


def seen_of(*names: str) -> Callable[[F], F]:
    """Enter what makes of instances of some classes what recorded code sees of them."""

    def enter(make: F) -> F:
        KINDS.update(dict.fromkeys(names, make))
        return make

    return enter


class Seen:
    """What is seen of an object: itself, but for what a subclass does otherwise."""

    def __init__(self, original: Any) -> None:
        self._original = original

    @property  # type: ignore[misc]  # isinstance asks it
    def __class__(self) -> type:
        """The class of the object."""
        return type(self._original)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_original"], name)


class _SeenClass(type):
    """What is seen of a class: called it makes what is seen of an instance."""

    _class: Any
    _make: Any

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls._make(*args, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls._class)

    def __subclasscheck__(cls, kind: type) -> bool:
        return issubclass(kind, cls._class)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.__dict__["_class"], name)


def seen_class(original: Any, make: Callable[..., Any]) -> Any:
    """Return what is seen of a class whose instances ``make`` makes."""
    names = {"_class": original, "_make": staticmethod(make), "__doc__": original.__doc__}
    return _SeenClass(original.__name__, (), {**names, "__module__": original.__module__})


_known: dict[type, Callable[[Any], Any] | None] = {}


def _maker(kind: type) -> Callable[[Any], Any] | None:
    if kind not in _known:
        found = None
        for name, make in KINDS.items():
            module, _, attribute = name.rpartition(".")
            base = getattr(sys.modules.get(module), attribute, None)
            if isinstance(base, type) and issubclass(kind, base):
                found = make
        _known[kind] = found
    return _known[kind]


def is_seen(kind: type) -> bool:
    """Tell a class of objects that are seen as others."""
    return kind.__module__.startswith("scipy.") and _maker(kind) is not None


def seen_object(value: Any) -> Any:
    """Return what is seen of an object of such a class."""
    make = _maker(type(value))
    assert make is not None
    return make(value)
