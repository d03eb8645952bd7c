"""The signature of a call: what of its arguments is an input, and what is part of the key.

Inputs are the floating-point and complex numbers of the arguments, and all NumPy arrays and scalars
of numbers or booleans, wherever they lie in tuples, lists, dicts and dataclasses. They are known by
type, dtype and shape. Anything else, a Python int or bool, a string, None, an object, is static:
known by type and value (an object of a user's class: by identity).
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import Array
from chainrule.errors import ArgumentError
from chainrule.trees import is_record

__all__ = ["Recorded", "Replacing", "flatten", "is_input", "statics_of"]

_ndarray = np.ndarray
_VALUES = frozenset({int, bool, str, bytes, type(None), type(Ellipsis)})
_NUMERIC = frozenset("fbiuc")


class Recorded(Exception):  # never seen by a user: a way out of `flatten`
    """An argument is an Array: the call is part of a recording."""


def flatten(args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], list[Any]]:
    """Return the key of a call and its inputs.

    Raises:
        Recorded: an Array is among the arguments.
        ArgumentError: an argument is neither an array nor can be part of a key.
    """
    key: list[Any] = []
    leaves: list[Any] = []
    for value in args:
        kind = type(value)
        if kind is float:
            key.append(float)
            leaves.append(value)
        elif kind is _ndarray and value.dtype.kind in _NUMERIC:
            key.append((value.dtype, value.shape))
            leaves.append(value)
        else:
            _add(value, key, leaves)
    for name, value in kwargs.items():
        key.append((Mapping, name))
        _add(value, key, leaves)
    return tuple(key), leaves


def _add(value: Any, key: list[Any], leaves: list[Any]) -> None:
    kind = type(value)
    if kind is float or kind is complex:
        key.append(kind)
        leaves.append(value)
    elif kind is _ndarray and value.dtype.kind in _NUMERIC:
        key.append((value.dtype, value.shape))
        leaves.append(value)
    elif kind in _VALUES:
        key.append((kind, value))
    elif kind is tuple or kind is list:
        key.append((kind, len(value)))
        for item in value:
            _add(item, key, leaves)
    elif kind is dict:
        key.append((dict, *value))
        for item in value.values():
            _add(item, key, leaves)
    elif kind is Array:
        raise Recorded
    elif isinstance(value, np.generic) and value.dtype.kind in _NUMERIC:
        key.append(kind)
        leaves.append(value)
    else:
        _add_unusual(value, key, leaves)


def _add_unusual(value: Any, key: list[Any], leaves: list[Any]) -> None:
    kind = type(value)
    parts = _parts(value)
    if parts is not None:
        key.append((kind, len(parts)))
        for part in parts:
            _add(part, key, leaves)
        return
    if isinstance(value, dict):  # a subclass
        key.append((kind, *value))
        for item in value.values():
            _add(item, key, leaves)
        return
    if isinstance(value, slice):
        key.append((slice, value.start, value.stop, value.step))
        return
    if isinstance(value, (_ndarray, np.generic)) or hasattr(kind, "__next__"):
        raise _refused(value)
    by_identity = hasattr(value, "__dict__")  # its attributes may change; they are watched
    try:
        hash(value)
    except TypeError:
        if not by_identity:
            raise _refused(value) from None
        key.append((kind, id(value)))
    else:
        key.append((kind, id(value), value) if by_identity else (kind, value))


def is_input(value: Any) -> bool:
    """Tell whether a leaf of the arguments is an input."""
    kind = type(value)
    return kind in (float, complex) or (
        (kind is _ndarray or isinstance(value, np.generic)) and value.dtype.kind in _NUMERIC
    )


def _parts(value: Any) -> list[Any] | None:
    """Return the children of a dataclass, a named tuple or a subclass of a sequence, else None."""
    if is_record(value):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    if isinstance(value, (tuple, list)):
        return list(value)
    return None


def _refused(value: Any) -> ArgumentError:
    kind = type(value)
    if hasattr(kind, "__next__"):  # a generator, a file: the recording would use it up
        return ArgumentError(
            f"a compiled function was given a {kind.__name__}, which can be read only once: pass a "
            "list of what is in it"
        )
    if isinstance(value, _ndarray) and kind is not _ndarray:
        cure = "pass a plain array, np.asarray(x)"
    elif isinstance(value, (_ndarray, np.generic)):
        return ArgumentError(
            f"a compiled function was given an array of dtype {value.dtype}, but it takes "
            "numbers and booleans: call the Python function, `.__wrapped__`, with it"
        )
    else:
        cure = "pass a tuple, a list, a dict, a dataclass, or something that can be hashed"
    return ArgumentError(
        f"a compiled function was given a {kind.__name__}, which is neither a number, an array, a "
        f"container of such, nor a constant that could be told from another: {cure}"
    )


class Replacing:
    """Rebuilds arguments with something else in the place of inputs and of static values.

    Args:
        leaf: given each input, in the order of `flatten`, and its path.
        static: given every other value that is not a container.
    """

    def __init__(
        self, leaf: Callable[[Any, str], Any], static: Callable[[Any], Any] = lambda value: value
    ) -> None:
        self.leaf = leaf
        self.static = static
        self._made: list[tuple[Any, list[Any]]] = []

    def is_unchanged(self) -> bool:
        """Tell whether all that was rebuilt holds what it was built with."""
        return all(
            len(before) == len(now := _held(made)) and all(map(operator.is_, now, before))
            for made, before in self._made
        )

    def __call__(self, value: Any, path: str) -> Any:
        """Rebuild one argument, which is called ``path``."""
        new = self._rebuilt(value, path)
        if isinstance(value, (list, dict)) or is_record(value):
            self._made.append((new, _held(new)))
        return new

    def _rebuilt(self, value: Any, path: str) -> Any:
        kind = type(value)
        if is_input(value):
            return self.leaf(value, path)
        if is_record(value):
            new = object.__new__(kind)
            if hasattr(value, "__dict__"):
                new.__dict__.update(value.__dict__)
            for field in dataclasses.fields(value):
                part = self(getattr(value, field.name), f"{path}.{field.name}")
                object.__setattr__(new, field.name, part)
            return new
        if isinstance(value, (tuple, list)):
            items = [self(item, f"{path}[{k}]") for k, item in enumerate(value)]
            if isinstance(value, tuple) and hasattr(value, "_fields"):
                return kind(*items)
            return items if kind is list else kind(items)
        if isinstance(value, dict):
            pairs = {name: self(item, f"{path}[{name!r}]") for name, item in value.items()}
            if kind is dict:
                return pairs
            new = value.copy()
            new.update(pairs)
            return new
        return self.static(value)


def _held(container: Any) -> list[Any]:
    if isinstance(container, list):
        return list(container)
    if isinstance(container, dict):
        return [*container.values()]
    return [getattr(container, field.name, None) for field in dataclasses.fields(container)]


def statics_of(args: Iterable[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """Return what is in the arguments that is no input and no container."""
    statics: list[Any] = []
    collect = Replacing(lambda value, _: value, statics.append)
    for value in (*args, *kwargs.values()):
        collect(value, "")
    return statics
