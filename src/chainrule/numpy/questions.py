"""What recorded code sees in place of Python's questions: ``isinstance``, ``type``, ``hasattr``.

An Array answers ``isinstance`` for its value by ``__class__``, everywhere. What asks the type
itself (``type(x) is float``, an abstract class such as ``Iterable``) or which attributes there are
would learn what an Array is. Recorded functions ask the value instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.core.array import Array
from chainrule.numpy.classes import SEEN

__all__ = ["QUESTIONS"]

#: What an Array has and its value has not, for code that knows of chainrule.
_OWN = frozenset({"value", "node", "grad", "backward"})
_MISSING: Any = object()


def _isinstance(instance: Any, kinds: Any, /) -> bool:
    if type(instance) is Array:
        return isinstance(instance.sample, kinds) or kinds is Array
    return isinstance(instance, kinds)


def _has(array: Array, name: str) -> bool:
    return name in _OWN or hasattr(array.sample, name)


def _hasattr(instance: Any, name: str, /) -> bool:
    return _has(instance, name) if type(instance) is Array else hasattr(instance, name)


def _getattr(instance: Any, name: str, default: Any = _MISSING, /) -> Any:
    if type(instance) is Array and not _has(instance, name):
        instance = instance.value  # which raises what it raises outside a recording
    if default is _MISSING:
        return getattr(instance, name)
    return getattr(instance, name, default)


#: Name of a builtin -> what recorded code sees under that name.
QUESTIONS: dict[str, Callable[..., Any]] = {
    "isinstance": _isinstance,
    "hasattr": _hasattr,
    "getattr": _getattr,
    "type": SEEN[type],
    "float": SEEN[float],
}
