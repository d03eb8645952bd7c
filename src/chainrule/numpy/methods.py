"""Methods and attributes that an Array shares with an ndarray, from the functions of the face."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from chainrule.core.array import Array
from chainrule.core.source import numpy_asks, where_am_i
from chainrule.errors import NoAttributeError
from chainrule.numpy import contraction, elementwise, indexing, reduction, shapes
from chainrule.numpy.assignment import overwrite, set_shape
from chainrule.numpy.casting import another, astype_method
from chainrule.numpy.dispatch import plain, unsupported
from chainrule.numpy.flat import Flat
from chainrule.numpy.memory import laid_out, take_view
from chainrule.numpy.ufuncs import methods_of_entries
from chainrule.numpy.writing import put
from chainrule.operations import shape as shape_rows

__all__: list[str] = []

_transpose = shape_rows.transpose
_AS_STRIDED = np.lib.stride_tricks.as_strided.__code__
_REVERSED = {"axes": None}


# Where a method is spelled differently from the function.


def _reshape(self: Array, *shape_: Any, order: str = "C", copy: Any = None) -> Any:
    return shapes.reshape(self, shape_[0] if len(shape_) == 1 else shape_, order, copy=copy)


def _transposed(self: Array, *axes: Any) -> Any:
    one = len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list)))
    return shapes.transpose(self, (axes[0] if one else axes) or None)


def _clip(self: Array, min: Any = None, max: Any = None, out: Any = None, **kwargs: Any) -> Any:
    return elementwise.clip(self, min, max, out, **kwargs)


def _compress(self: Array, condition: Any, axis: Any = None, out: Any = None) -> Any:
    return indexing.compress(condition, self, axis, out)


def _flatten(self: Array, order: str = "C") -> Any:
    return another(shapes.ravel(self, order))


def _copy(self: Array, order: str = "C") -> Any:
    return another(self, order)


def _T(self: Array) -> Any:
    return take_view(_transpose, self, _REVERSED)


def _mT(self: Array) -> Any:
    return shapes.matrix_transpose(self)


def _conjugate(self: Array) -> Any:
    return np.conjugate(self) if self.dtype.kind == "c" else self  # no copy, as in NumPy


# Where a method changes the array: the Array takes a new value and history.


def _sort(
    self: Array, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> None:
    overwrite(self, indexing.sort(self, axis, kind, order, stable=stable), "a.sort()")


def _partition(
    self: Array, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None
) -> None:
    overwrite(self, indexing.partition(self, kth, axis, kind, order), "a.partition(k)")


def _view(self: Array, dtype: Any = None, type: Any = None) -> Any:
    kind = dtype if isinstance(dtype, builtins.type) and issubclass(dtype, np.ndarray) else type
    if kind not in (None, np.ndarray) or (kind is not dtype and self.dtype != np.dtype(dtype)):
        raise unsupported(f"a.view({dtype or type})", "use a.astype, a.real and a.imag")
    return self[...]


def _fill(self: Array, value: Any) -> None:
    self[...] = value


def _resize(self: Array, *args: Any, **kwargs: Any) -> NoReturn:
    raise unsupported("a.resize(...), which changes the array in place", "use np.resize(a, shape)")


_METHODS: dict[str, Callable[..., Any]] = {
    "__array_wrap__": lambda self, made, *_: made,  # asked by np.linalg
    "all": reduction.all_,
    "any": reduction.any_,
    "argmax": reduction.argmax,
    "argmin": reduction.argmin,
    "argpartition": lambda self, *args, **kwargs: np.argpartition(self, *args, **kwargs),
    "argsort": indexing.argsort,
    "astype": astype_method,
    "choose": indexing.choose,
    "clip": _clip,
    "compress": _compress,
    "conj": _conjugate,
    "conjugate": _conjugate,
    "copy": _copy,
    "cumprod": reduction.cumprod,
    "cumsum": reduction.cumsum,
    "diagonal": shapes.diagonal,
    "dot": contraction.dot,
    "fill": _fill,
    "flatten": _flatten,
    "max": reduction.max_,
    "mean": reduction.mean,
    "min": reduction.min_,
    "nonzero": indexing.nonzero,
    "partition": _partition,
    "prod": reduction.prod,
    "put": put,
    "ravel": shapes.ravel,
    "repeat": shapes.repeat,
    "reshape": _reshape,
    "resize": _resize,
    "round": elementwise.round_,
    "searchsorted": indexing.searchsorted,
    "sort": _sort,
    "squeeze": shapes.squeeze,
    "std": reduction.std,
    "sum": reduction.sum_,
    "swapaxes": shapes.swapaxes,
    "take": indexing.take,
    "trace": shapes.trace,
    "transpose": _transposed,
    "var": reduction.var,
    "view": _view,
}
_ATTRIBUTES: dict[str, Callable[[Array], Any]] = {
    "T": _T,
    "mT": _mT,
    "real": elementwise.real,
    "imag": elementwise.imag,
    "flat": Flat,
    # NumPy's own code asks for them to lay out a result likewise, not for what is in it.
    "flags": lambda self: laid_out(self, noted=not numpy_asks()).flags,
    "strides": lambda self: laid_out(self).strides,
}


def _written(getter: Callable[[Array], Any]) -> Callable[[Array, Any], None]:
    def setter(self: Array, value: Any) -> None:
        getter(self)[...] = value

    return setter


_SETTERS: dict[str, Callable[[Array, Any], None]] = {
    "shape": set_shape,
    **{name: _written(_ATTRIBUTES[name]) for name in ("real", "imag", "flat")},
}
for _name, _method in _METHODS.items():
    setattr(Array, _name, _method)
for _name, _getter in _ATTRIBUTES.items():
    setattr(Array, _name, property(_getter))
for _name, _setter in _SETTERS.items():
    setattr(Array, _name, getattr(Array, _name).setter(_setter))


# What is no method or attribute of an Array.


def _constant(self: Array) -> Any:
    """Answer to ``__array__``: a mask or an index is a constant, so NumPy may have its value."""
    if sys._getframe(1).f_code is _AS_STRIDED:
        # NumPy would make an array of objects here, and read the memory behind its end.
        raise unsupported(
            "as_strided in a library, or where chainrule does not see it,", "use indices, x[i]"
        )
    if self.node is None or self.dtype.kind in "biu":
        return lambda dtype=None, copy=None: np.asarray(plain(self), dtype)
    raise AttributeError("__array__")


def _refusing(name: str) -> property:
    """Make an attribute that a value has, and an Array has not."""

    def refuse(self: Array) -> NoReturn:
        if not hasattr(self.value, name):
            raise AttributeError(f"'Array' object has no attribute {name!r}", name=name, obj=self)
        raise NoAttributeError(
            f"x.{name} has no derivative in chainrule, at {where_am_i()}. To go on, use "
            f"chainrule.stop_gradient(x).{name} where no gradient is meant (or x.value.{name}, to "
            "look at it)."
        )

    return property(refuse)


setattr(Array, "__array__", property(_constant))  # noqa: B010
for _name, _method in methods_of_entries().items():
    if not hasattr(Array, _name):
        setattr(Array, _name, _method)
for _kind in (np.ndarray, np.float64, np.complex128, np.int64, np.bool, complex):
    for _name in dir(_kind):
        if not _name.startswith("_") and not hasattr(Array, _name):
            setattr(Array, _name, _refusing(_name))
