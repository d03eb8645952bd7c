"""Classes as recorded code sees them: ``type``, ``float``, ``np.ndarray``, ``np.float32``.

Such a class is called to make something of an Array, which Python would hand on to a method of the
Array's that has to return a plain number. What stands in its place makes an Array. Everywhere else,
as a dtype, in ``isinstance`` or as a key of a dict, it is the class itself.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.core.counted import Counted
from chainrule.numpy.casting import as_float, cast, number
from chainrule.numpy.conversion import Printed
from chainrule.numpy.creation import to_be_filled

__all__ = ["SEEN"]


class _Seen(builtins.type):
    """Makes a class that stands in another's place: it is called otherwise, and else the same."""

    original: builtins.type
    make: Callable[..., Any]

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if "make" in cls.__dict__:
            return cls.make(*args, **kwargs)
        return super().__call__(*args, **kwargs)  # a class of the user's that inherits from it

    def __instancecheck__(cls, instance: Any) -> bool:
        if "make" in cls.__dict__:
            return isinstance(instance, cls.original)
        return super().__instancecheck__(instance)

    def __subclasscheck__(cls, kind: Any) -> bool:
        if "make" in cls.__dict__:
            return issubclass(kind, cls.original)
        return super().__subclasscheck__(kind)

    def __eq__(cls, other: Any) -> bool:  # as a key, say
        return cls is other or ("make" in cls.__dict__ and other is cls.original)

    def __hash__(cls) -> int:
        return hash(cls.original) if "make" in cls.__dict__ else super().__hash__()

    def __repr__(cls) -> str:
        return repr(cls.original) if "make" in cls.__dict__ else super().__repr__()


#: A class -> what recorded code sees under its names.
SEEN: dict[type, type] = {}


def _stands_for(original: builtins.type, **attributes: Any) -> Callable[[Any], Any]:
    def stand(make: Callable[..., Any]) -> Callable[..., Any]:
        base = object if original is builtins.type else original
        body = {"original": original, "make": staticmethod(make), "__slots__": (), **attributes}
        body |= {"__module__": original.__module__, "__doc__": original.__doc__}
        SEEN[original] = _Seen(original.__name__, (base,), body)
        return make

    return stand


def _as_seen(kind: Any) -> Any:
    """Return what recorded code sees in the place of a class."""
    return SEEN.get(kind, kind) if isinstance(kind, builtins.type) else kind


@_stands_for(builtins.type)
def _type(*args: Any, **kwargs: Any) -> Any:
    if len(args) != 1 or kwargs:
        return builtins.type(*args, **kwargs)
    (x,) = args
    kind = builtins.type(x)
    asked = builtins.type(x.sample) if kind is Array else x.__class__ if kind is Counted else kind
    return _as_seen(asked)


@_stands_for(np.ndarray)
def _ndarray(*args: Any, **kwargs: Any) -> Any:
    return to_be_filled(np.ndarray(*args, **kwargs))


@_stands_for(builtins.float, dtype=np.dtype(float))
def _float(x: Any = 0.0, /) -> Any:
    kind = builtins.type(x)
    if kind is Counted:
        return x.with_one("float", builtins.float)
    if kind is Printed and x.exact is not None:
        x = x.exact
    return as_float(x) if builtins.type(x) is Array else builtins.float(x)


def _of_dtype(kind: builtins.type) -> None:
    @_stands_for(kind)
    def make(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and builtins.type(args[0]) is Array:
            return number(cast(args[0], kind))
        return kind(*args, **kwargs)


for _kind in (np.float16, np.float32, np.float64, np.complex64, np.complex128):
    _of_dtype(_kind)
