"""Abstract values: arrays and numbers of which only shape, dtype and type are known.

A recorded run needs no more of the arrays that it goes through, as long as Python looks at none of
their values. An `Abstract` takes the place of one as the value of an Array; NumPy's functions of it
are in `chainrule.numpy.abstract`. Whatever asks for entries raises `ValuesNeeded`, and the run is
to be made again with real values: an Abstract never turns into numbers that mean nothing.
"""

from __future__ import annotations

import math
from typing import Any, NoReturn

import numpy as np

__all__ = [
    "Abstract",
    "Scope",
    "ValuesNeeded",
    "as_array",
    "beside",
    "is_abstract",
    "retyped",
    "type_of",
]

_ndarray = np.ndarray


class ValuesNeeded(Exception):  # never seen by a user: the run is made again with real values
    """Something looked at the entries of an Abstract."""


class Scope:
    """The Abstracts of one run.

    Args:
        least: arrays of fewer entries stay real.

    Attributes:
        used: whether there is any.
        needed: whether the entries of one were asked for. The exception alone would not tell, since
            code may catch it.
    """

    __slots__ = ("least", "needed", "used")

    def __init__(self, least: int) -> None:
        self.least = least
        self.used = self.needed = False

    def of(self, value: Any) -> Any:
        """Return the Abstract of a large array, and anything else as it is."""
        if type(value) is not _ndarray or value.size < self.least:
            return value
        self.used = True
        return self.array(value.shape, value.dtype)

    def array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Abstract:
        """Make the Abstract of an array."""
        return Abstract(shape, np.ones([min(n, 1) for n in shape], dtype), self)

    def needs_values(self) -> NoReturn:
        """End the run."""
        self.needed = True
        raise ValuesNeeded


class Abstract:
    """An array or number without its entries.

    ``example`` is a number of its type, or for an array one of its dtype in which each axis has
    length 1 (0 where it is empty): what NumPy makes of examples has the type of what it would make
    of the values.
    """

    __slots__ = ("dtype", "example", "scope", "shape")
    __hash__ = None  # type: ignore[assignment]  # like an ndarray

    def __init__(self, shape: tuple[int, ...], example: Any, scope: Scope) -> None:
        self.shape = shape
        self.example = example
        self.scope = scope
        self.dtype: np.dtype[Any] = (
            example.dtype if hasattr(example, "dtype") else np.asarray(example).dtype
        )

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)

    def astype(self, dtype: Any) -> Abstract:
        """Return the array of another dtype."""
        return Abstract(self.shape, np.asarray(self.example).astype(dtype), self.scope)

    def stand_in(self) -> Any:
        """Return a real value of the same shape, dtype and type: zeros that take no memory."""
        if isinstance(self.example, _ndarray):
            zero = np.zeros((), self.dtype)
            zero.flags.writeable = False
            return np.ndarray(self.shape, self.dtype, zero, 0, (0,) * self.ndim)
        return type(self.example)(0)

    def __getattr__(self, name: str) -> NoReturn:
        if not name.startswith("__"):
            self.scope.needed = True
        raise AttributeError(f"an Abstract has no attribute {name!r}", name=name, obj=self)


def _refuses(name: str) -> None:
    def method(self: Abstract, *args: Any, **kwargs: Any) -> NoReturn:
        self.scope.needs_values()

    setattr(Abstract, name, method)


for _name in (
    *("__array__", "__iter__", "__len__", "__contains__", "__setitem__", "__reduce_ex__"),
    *("__bool__", "__int__", "__float__", "__complex__", "__index__"),
    *("__round__", "__floor__", "__ceil__", "__trunc__"),
    *("__repr__", "__str__", "__format__", "item", "tolist", "as_integer_ratio"),
):
    _refuses(_name)


def is_abstract(*values: Any) -> bool:
    """Tell whether an Abstract is among some values."""
    return any(type(value) is Abstract for value in values)


def beside(value: Any, *others: Any) -> Any:
    """Return a real array as an Abstract where one of others is one, which it is to be used with.

    An ndarray does not ask what it is indexed with.
    """
    for other in others:
        if type(other) is Abstract and type(value) is _ndarray:
            return other.scope.array(value.shape, value.dtype)
    return value


def type_of(value: Any) -> type:
    """Return the type of a value; of an Abstract, that of what it stands for."""
    return type(value.example if type(value) is Abstract else value)


def as_array(value: Any) -> Any:
    """Do ``np.asarray``, also of an Abstract."""
    if type(value) is not Abstract:
        return np.asarray(value)
    return Abstract(value.shape, np.asarray(value.example), value.scope)


def retyped(value: Any, kind: type) -> Any:
    """Return a number or array as float, ndarray or a NumPy scalar, of the same dtype."""
    if type(value) is Abstract:
        return Abstract(value.shape, retyped(value.example, kind), value.scope)
    return np.asarray(value) if kind is _ndarray else kind(value)
