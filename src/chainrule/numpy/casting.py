"""Changing the dtype: between floating types with a gradient, to integers and booleans without."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.apply import apply, apply_unary
from chainrule.core.array import Array, value_of
from chainrule.core.kinds import astype, constant, identity, real, to_float
from chainrule.core.node import Leaf
from chainrule.core.recording import FREE
from chainrule.numpy.dispatch import implements, unsupported

__all__ = ["another", "as_float", "astype_method", "cast", "number", "own", "to_integers", "whole"]

to_integers = constant(
    "to_integers",
    lambda x, dtype: np.asarray(x).astype(dtype)[()],
    source="{0}.astype(np.{dtype})",
)


def another(a: Array, order: Any = "K") -> Array:
    """Return another Array with the same history, which may be written into.

    Its entries lie as those of NumPy's copy do: what is a view of that is one of this, too.
    """
    if a.node is None:
        return Array(a.value.copy(order), None)
    if isinstance(a.node, Leaf) and a.node.recording is FREE:
        made: Array = identity(a)  # an input itself may not
    else:
        made = Array(a.value, a.node)
    value = made.value
    if type(value) is np.ndarray and value.ndim:
        laid = {"C": value.flags.c_contiguous, "F": value.flags.f_contiguous}
        if not laid.get(order, value.flags.forc):
            made.value = value.copy(order)
    return made


def own(a: Any) -> Any:
    """Return an array with the same entries that shares its memory with no other."""
    if type(a) is not Array:
        return np.array(a, order="C")
    made = another(a, "C")
    value = made.value
    if type(value) is np.ndarray and (value.base is not None or not value.flags.writeable):
        made.value = np.array(value, order="C")
    return made


def whole(a: Any) -> Any:
    """Return an array, a number as one without axes."""
    if type(a) is not Array:
        return np.asarray(a)
    if type(a.value) is np.ndarray:
        return a
    return apply_unary(identity, np.asarray, a)


def number(a: Any) -> Any:
    """Return a number for an array without axes, as NumPy's functions do."""
    return a[()] if type(value_of(a)) is np.ndarray and not a.ndim else a


def as_float(x: Array) -> Any:
    """Return an Array of one number as Python's ``float`` would, with its gradient.

    It is a Python number: beside a float32 array it does not make float64 of it.
    """
    if x.node is None or x.size != 1 or x.dtype.kind not in "biufc":
        return float(x.value)  # or the error that it raises
    if x.ndim or x.dtype.kind == "c":
        float(x.value)  # which warns or raises
        x = real(x.reshape(()) if x.ndim else x)
    return x if type(x.sample) is float else to_float(x)


def cast(a: Any, dtype: Any) -> Any:
    """Cast to a dtype; the same array where it has it already, or where ``dtype`` is None."""
    if dtype is None:
        return a
    dtype = np.dtype(dtype)
    if type(a) is not Array:
        return np.asarray(a, dtype)
    if a.dtype == dtype and type(a.value) is not float:
        return a
    if dtype.kind in "biu":
        return apply(to_integers, to_integers.compute, (a,), {"dtype": dtype})
    if dtype.kind not in "fc":
        raise unsupported(f"astype({dtype})", "stay with floating-point numbers")
    return astype(a, dtype=dtype)


def astype_function(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    return astype_method(x, dtype, copy=copy)


if hasattr(np, "astype"):  # since NumPy 2.1
    implements(np.astype)(astype_function)


def astype_method(
    x: Array,
    dtype: Any,
    order: str = "K",
    casting: Any = "unsafe",
    subok: bool = True,
    copy: bool = True,
) -> Any:
    """Cast as ``ndarray.astype`` does. Integers and booleans carry no gradient."""
    if not np.can_cast(x.dtype, dtype, casting):
        raise TypeError(f"Cannot cast array from {x.dtype!r} to {np.dtype(dtype)!r} by {casting!r}")
    result = cast(x, dtype)
    if type(result) is Array and type(x.value) is np.ndarray:  # one without axes stays an array
        result = whole(result)
    return another(result) if result is x and copy else result
