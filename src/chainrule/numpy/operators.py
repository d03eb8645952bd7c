"""Python's operators on Arrays, installed from the rows that compute with them."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.core.apply import apply_binary, apply_unary
from chainrule.core.array import Array
from chainrule.core.operation import OPERATIONS, Operation
from chainrule.numpy.assignment import overwrite
from chainrule.numpy.casting import cast
from chainrule.operations import contraction, elementwise  # noqa: F401  # rows with operators

__all__: list[str] = []

_ndarray = np.ndarray

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
        if new is NotImplemented or self.__class__ is not np.ndarray:
            return new
        if new.shape != self.shape:
            raise ValueError(
                f"non-broadcastable output operand with shape {self.shape} doesn't match the "
                f"broadcast shape {new.shape}"
            )
        if not np.can_cast(new.dtype, self.dtype, "same_kind"):
            raise TypeError(f"cannot cast the result of {name} from {new.dtype} to {self.dtype}")
        return overwrite(self, cast(new, self.dtype), f"a {name} b")

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


def _install_operator(operation: Operation) -> None:
    """Install what Python calls the function of `operator` that an operation computes with."""
    name = operation.compute.__name__.rstrip("_")  # operator.and_
    if len(inspect.signature(operation.compute).parameters) == 1:
        _install(f"__{name}__", _unary(operation))
        return
    forward = _binary(operation)
    _install(f"__{name}__", forward)
    if hasattr(operator, f"i{name}"):  # comparisons have neither a reflected nor a writing form
        _install(f"__r{name}__", _reflected(operation))
        _install(f"__i{name}__", _in_place(f"{operation.symbol}=", forward))


for _operation in OPERATIONS.values():
    if getattr(operator, getattr(_operation.compute, "__name__", ""), None) is _operation.compute:
        _install_operator(_operation)
_install("__divmod__", lambda self, other: (self // other, self % other))
_install("__rdivmod__", lambda self, other: (other // self, other % self))
