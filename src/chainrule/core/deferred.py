"""Deferred values: those of a recorded run that nobody has looked at yet.

A run that is recorded for compiling goes by shapes, dtypes and types; entries are needed only where
Python looks at them, or an operation has to compute. So of large arrays they are computed when they
are first asked for, and once: most are never asked for, and take neither time nor memory. What the
value will be like is found out by computing with stand-ins that have one entry, or one that stands
for all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import Array, dtype_of, shape_of
from chainrule.core.node import Node
from chainrule.core.operation import Operation
from chainrule.core.placeholder import Placeholder

__all__ = ["Deferred", "array_of", "computed", "deferred", "held", "sample"]

_ndarray = np.ndarray
_LARGE = 16_384  # entries from which on computing takes longer than finding out what will come


class Deferred(Placeholder):
    """A value that is computed when it is first asked for.

    ``like`` has its type and dtype, but for an array perhaps not its shape. The operands, which may
    be deferred, too, are held until then.
    """

    __slots__ = ("_call", "_value", "like")

    def __init__(
        self,
        like: Any,
        shape: tuple[int, ...],
        call: tuple[Callable[..., Any], Sequence[Any], Mapping[str, Any]],
    ) -> None:
        super().__init__(shape, dtype_of(like))
        self.like = like
        self._call: Any = call
        self._value: Any = None

    @property
    def is_computed(self) -> bool:
        """Whether it has been asked for."""
        return self._call is None

    @property
    def is_array(self) -> bool:
        """Whether it will be an array, and not a number."""
        return type(self.like) is _ndarray

    @property
    def light(self) -> Any:
        """What stands for it where the entries are not needed: a placeholder, or any number."""
        return Placeholder(self.shape, self.dtype) if self.is_array else self.like

    @property
    def value(self) -> Any:
        """The value itself."""
        stack = [self]
        with np.errstate(all="ignore"):
            while stack:
                call = stack[-1]._call
                if call is None:
                    stack.pop()
                    continue
                compute, operands, params = call
                missing = [x for x in operands if type(x) is Deferred and x._call is not None]
                if missing:
                    stack.extend(missing)
                    continue
                done = stack.pop()
                done._value = compute(*computed(operands), **params)
                done._call = None
        return self._value


def array_of(value: Any, node: Node) -> Array:
    """Return the Array of a value, which may be deferred."""
    if type(value) is not Deferred:
        return Array(value, node)
    if value.is_computed:
        return Array(value.value, node)
    array = object.__new__(Array)
    array.deferred, array.node = value, node
    array.origin = array.views = None
    return array


def held(array: Array) -> Any:
    """Return the value of an Array as it is held: it may be deferred."""
    return array.value if array.deferred is None else array.deferred


def sample(array: Array) -> Any:
    """Return a value of the type and dtype of an Array: its value, unless that is deferred."""
    return array.value if array.deferred is None else array.deferred.like


def computed(values: Sequence[Any]) -> list[Any]:
    """Return values, those that are deferred as what they are."""
    return [x.value if type(x) is Deferred else x for x in values]


def deferred(
    operation: Operation,
    compute: Callable[..., Any],
    operands: Sequence[Any],
    params: Mapping[str, Any],
) -> Deferred | None:
    """Return what an operation gives as a value for later; None where it is to be computed now.

    That is where it takes no time, or where nothing less tells what comes of it.
    """
    moves = operation.moves or operation.view
    waits = any(type(x) is Deferred and not x.is_computed for x in operands)
    if not waits and (moves or not any(map(_is_large, operands))):
        return None
    try:
        with np.errstate(all="ignore"):
            if operation.entrywise:
                shape = np.broadcast_shapes(*map(shape_of, operands))
                like = compute(*map(_one_entry, operands), **params)
            elif operation.shape is not None:
                shape = operation.shape(*map(shape_of, operands), **params)
                like = compute(*map(_one_entry, operands), **params)
            elif operation.reduces or (moves and len(operands) == 1):
                like = compute(*map(_alike, operands), **params)
                shape = shape_of(like)
            else:
                return None
    except Exception:  # which NumPy raises in its own words when it computes
        return None
    if moves and math.prod(shape) < _LARGE <= math.prod(shape_of(operands[0])):
        return None  # a piece: who picks one will pick more
    return Deferred(like, shape, (compute, operands, params))


def _is_large(x: Any) -> bool:
    return type(x) is _ndarray and x.size >= _LARGE


def _alike(x: Any) -> Any:
    """Return a value of the same type, shape and dtype; an array takes no memory."""
    if type(x) is Deferred:
        return _ones(x.shape, x.dtype) if x.is_array else x.like
    return _ones(x.shape, x.dtype) if _is_large(x) else x


def _ones(shape: tuple[int, ...], dtype: np.dtype[Any]) -> _ndarray[Any, Any]:
    one = np.ones((), dtype)
    return np.ndarray(shape, dtype, one, 0, (0,) * len(shape))


def _one_entry(x: Any) -> Any:
    """Return a value of the same type, dtype and number of axes, of which each has length 1."""
    if type(x) is Deferred and not x.is_array:
        return x.like
    return np.ones((1,) * len(x.shape), x.dtype) if isinstance(x, (_ndarray, Placeholder)) else x
