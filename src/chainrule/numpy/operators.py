"""Python's operators on Arrays, installed from the rows that declare a symbol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.abstract import type_of
from chainrule.core.apply import apply_binary, apply_unary
from chainrule.core.array import Array
from chainrule.core.operation import Operation
from chainrule.numpy.casting import cast
from chainrule.numpy.indexing import rebind
from chainrule.operations import contraction, elementwise

__all__: list[str] = []

_ndarray = np.ndarray

_BINARY: dict[str, Operation] = {
    "add": elementwise.add,
    "sub": elementwise.subtract,
    "mul": elementwise.multiply,
    "truediv": elementwise.divide,
    "floordiv": elementwise.floor_divide,
    "mod": elementwise.remainder,
    "pow": elementwise.power,
    "matmul": contraction.matmul,
    "and": elementwise.bitwise_and,
    "or": elementwise.bitwise_or,
    "xor": elementwise.bitwise_xor,
}
_COMPARISONS: dict[str, Operation] = {
    "lt": elementwise.less,
    "le": elementwise.less_equal,
    "gt": elementwise.greater,
    "ge": elementwise.greater_equal,
    "eq": elementwise.equal,
    "ne": elementwise.not_equal,
}
_UNARY: dict[str, Operation] = {
    "neg": elementwise.negative,
    "pos": elementwise.positive,
    "abs": elementwise.absolute,
    "invert": elementwise.invert,
}
# What an operator computes with. Anything else may know itself what to do with an Array, and to let
# it meet the bare value would lose the gradient.
_OPERANDS = (Array, np.ndarray, np.generic, int, float, complex, list, tuple)


def _binary(operation: Operation) -> Callable[[Array, Any], Any]:
    compute = operation.compute

    def method(self: Array, other: Any) -> Any:
        if type(other) is Array or isinstance(other, _OPERANDS):
            return apply_binary(operation, compute, self, other)
        return NotImplemented

    return method


def _reflected(operation: Operation) -> Callable[[Array, Any], Any]:
    compute = operation.compute

    def method(self: Array, other: Any) -> Any:
        if isinstance(other, _OPERANDS):
            return apply_binary(operation, compute, other, self)
        return NotImplemented

    return method


def _in_place(name: str, forward: Callable[[Array, Any], Any]) -> Callable[[Array, Any], Any]:
    """Do ``a += b`` as NumPy does: an array changes for all who hold it, a number does not."""

    def method(self: Array, other: Any) -> Any:
        new = forward(self, other)
        if new is NotImplemented or type_of(self.value) is not np.ndarray:
            return new
        if new.shape != self.shape:
            raise ValueError(
                f"non-broadcastable output operand with shape {self.shape} doesn't match the "
                f"broadcast shape {new.shape}"
            )
        if not np.can_cast(new.dtype, self.dtype, "same_kind"):
            raise TypeError(f"cannot cast the result of {name} from {new.dtype} to {self.dtype}")
        return rebind(self, cast(new, self.dtype), f"a {name} b")

    return method


def _unary(operation: Operation) -> Callable[[Array], Any]:
    compute = operation.compute

    def method(self: Array) -> Any:
        return apply_unary(operation, compute, self)

    return method


def _install(name: str, method: Callable[..., Any]) -> None:
    method.__name__ = name
    method.__qualname__ = f"Array.{name}"
    setattr(Array, name, method)


for _name, _operation in _BINARY.items():
    _install(f"__{_name}__", _binary(_operation))
    _install(f"__r{_name}__", _reflected(_operation))
    _forward = getattr(Array, f"__{_name}__")
    _install(f"__i{_name}__", _in_place(f"{_operation.symbol}=", _forward))
_install("__divmod__", lambda self, other: (self // other, self % other))
_install("__rdivmod__", lambda self, other: (other // self, other % self))
for _name, _operation in _COMPARISONS.items():
    _install(f"__{_name}__", _binary(_operation))
for _name, _operation in _UNARY.items():
    _install(f"__{_name}__", _unary(_operation))
