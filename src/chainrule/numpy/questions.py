"""What recorded code sees in place of Python's questions: ``isinstance``, ``type``, ``hasattr``.

An Array answers ``isinstance`` for its value by ``__class__``, everywhere. What asks the type
itself (``type(x) is float``, an abstract class such as ``Iterable``) or which attributes there are
would learn what an Array is. Recorded functions ask the value instead.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.core.counted import Counted
from chainrule.numpy.creation import to_be_filled

__all__ = ["QUESTIONS", "ndarray"]

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


class _OfValue(builtins.type):
    """Makes ``type`` of recorded code one that asks values, and is Python's own otherwise."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs:
            kind = _type(args[0])
            return cls if kind is builtins.type else ndarray if kind is np.ndarray else kind
        return builtins.type(*args, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, builtins.type)

    def __subclasscheck__(cls, kind: Any) -> bool:
        return issubclass(kind, builtins.type)


def _type(x: Any) -> builtins.type:
    kind = builtins.type(x)
    return builtins.type(x.sample) if kind is Array else x.__class__ if kind is Counted else kind


class _Type(builtins.type, metaclass=_OfValue):
    pass


class _OfArrays(builtins.type):
    """Makes ``np.ndarray`` of recorded code one that makes Arrays, and is NumPy's own otherwise."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is not ndarray:  # a class of the user's
            return super().__call__(*args, **kwargs)
        return to_be_filled(np.ndarray(*args, **kwargs))

    def __instancecheck__(cls, instance: Any) -> bool:
        if cls is ndarray:
            return isinstance(instance, np.ndarray)
        return super().__instancecheck__(instance)

    def __subclasscheck__(cls, kind: Any) -> bool:
        return issubclass(kind, np.ndarray) if cls is ndarray else super().__subclasscheck__(kind)

    def __eq__(cls, other: Any) -> bool:  # as a key, say
        return cls is other or (cls is ndarray and other is np.ndarray)

    def __hash__(cls) -> int:
        return hash(np.ndarray) if cls is ndarray else super().__hash__()


class ndarray(np.ndarray[Any, Any], metaclass=_OfArrays):
    """The class ``np.ndarray`` as recorded code sees it."""

    __module__ = "numpy"  # as it says when it is printed


#: Name of a builtin -> what recorded code sees under that name.
QUESTIONS: dict[str, Callable[..., Any]] = {
    "isinstance": _isinstance,
    "hasattr": _hasattr,
    "getattr": _getattr,
    "type": _Type,
}
