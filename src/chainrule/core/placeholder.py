"""What stands for a value: placeholders, which have no entries, and values that are deferred."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["Deferred", "Placeholder", "computed", "is_array", "without_entries"]


class Placeholder:
    """Stands for an array whose entries nobody needs: it has a shape and a dtype alone.

    In a node it is an operand or output that no rule reads, in a graph the value of a vertex that
    rewriting made, which nobody has computed.
    """

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape = shape
        self.dtype = dtype

    def __repr__(self) -> str:
        return f"Placeholder({self.shape}, {self.dtype})"

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)


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
        dtype: np.dtype[Any],
        call: tuple[Callable[..., Any], Sequence[Any], Mapping[str, Any]],
    ) -> None:
        super().__init__(shape, dtype)
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
        return type(self.like) is np.ndarray

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


def computed(values: Sequence[Any]) -> list[Any]:
    """Return some values, after the deferred ones have been computed."""
    return [x.value if type(x) is Deferred else x for x in values]


def is_array(value: Any) -> bool:
    """Tell whether a value is an array, or stands for one."""
    return isinstance(value, (np.ndarray, Placeholder))


def without_entries(value: Any) -> Any:
    """Return a placeholder for an array, and anything else as it is."""
    if type(value) is Deferred:
        return value.light
    return Placeholder(value.shape, value.dtype) if isinstance(value, np.ndarray) else value
