"""NumPy's universal functions on Arrays: ``__array_ufunc__`` and what the methods of a ufunc mean.

The rows carry the names of the ufuncs that they are, so the table is read off them. A call computes
with the very ufunc that user code called, which gives the very number and dtype that it would get
without a recording.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy._core import umath

from chainrule.core.apply import apply, apply_binary, apply_unary
from chainrule.core.array import Array
from chainrule.core.kinds import astype
from chainrule.core.operation import Operation
from chainrule.numpy import reduction, steps
from chainrule.numpy.creation import asarray
from chainrule.numpy.dispatch import constant_call, full_name, into, is_constant, unsupported
from chainrule.numpy.lookup import named_in, operation_of
from chainrule.numpy.writing import at
from chainrule.operations import (  # noqa: F401  # rows that have names
    bessel,
    distribution_functions,
    elementwise,
    error_functions,
    gamma_functions,
    integrals,
    polynomials,
    special,
)
from chainrule.operations import shape as shape_rows
from chainrule.operations.elementwise import conjugated

__all__ = ["UFUNCS", "array_ufunc", "is_composed", "methods_of_entries"]

#: ufunc -> operation. Those that are not NumPy's are added when they are first called.
UFUNCS: dict[np.ufunc, Operation] = {
    **{
        ufunc: operation
        for name, operation in named_in("numpy").items()
        if isinstance(ufunc := getattr(np, name, None), np.ufunc)
    },
    umath.clip: elementwise.clip,  # type: ignore[attr-defined]  # what the method ndarray.clip calls; np.clip is no ufunc
}


def array_ufunc(self: Array, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """Run a ufunc that was called with an Array among its arguments (NEP 13)."""
    if not kwargs and method == "__call__":
        operation = UFUNCS.get(ufunc)
        if operation is not None:
            if len(inputs) == 1:
                return apply_unary(operation, ufunc, self)
            if len(inputs) == 2:
                return apply_binary(operation, ufunc, *inputs)
            return apply(operation, ufunc, inputs)
    out = kwargs.pop("out", (None,))
    if any(x is not None for x in out):
        return _into(out, ufunc, method, inputs, kwargs)
    if method == "__call__":
        return _call(ufunc, inputs, kwargs)
    try:
        implementation = _METHODS[method]
    except KeyError:
        raise unsupported(
            f"{full_name(ufunc)}.{method}",
            "use indexing: `a[i] = v` works on arrays that are being differentiated",
        ) from None
    return implementation(ufunc, *inputs, **kwargs)


Array.__array_ufunc__ = array_ufunc  # type: ignore[attr-defined]


def _into(
    out: tuple[Any, ...], ufunc: np.ufunc, method: str, inputs: Any, kwargs: dict[str, Any]
) -> Any:
    name = full_name(ufunc) if method == "__call__" else f"{full_name(ufunc)}.{method}"
    symbol = getattr(UFUNCS.get(ufunc), "symbol", None) if method == "__call__" else None
    or_instead = f" or `a = a {symbol} b`" if symbol else ""
    where = True if method == "reduce" else kwargs.pop("where", True)
    casting = kwargs.pop("casting", "same_kind")
    with np.errstate(all=None if where is True else "ignore"):  # of what is not wanted
        result = getattr(ufunc, method)(*inputs, **kwargs)
    results = result if type(result) is tuple else (result,)
    if len(results) > 1:
        shape = np.broadcast_shapes(*(np.shape(x) for x in (*out, *results) if x is not None))
        results = tuple(np.broadcast_to(y, shape) for y in results)
    written = tuple(
        y if x is None else into(x, y, name, where, casting, or_instead)
        for x, y in zip(out, results, strict=True)
    )
    return written if len(written) > 1 else written[0]


# Calls with options, and ufuncs that are more than one operation.


def _call(ufunc: np.ufunc, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if ufunc.signature is not None and not kwargs.keys().isdisjoint(("axes", "axis", "keepdims")):
        return _along(ufunc, inputs, **kwargs)
    operation = UFUNCS.get(ufunc) or _of_another_module(ufunc)
    if operation is None:
        composition = _COMPOSITIONS.get(ufunc)
        if composition is not None:
            _refuse_options(ufunc, kwargs)
            return composition(*inputs)
        if is_constant(inputs, kwargs):
            return constant_call(ufunc, inputs, kwargs)
        if set("".join(ufunc.types)) <= set("O->"):  # of np.frompyfunc: it calls a Python function
            objects = [_entries(x) for x in inputs]
            return asarray(ufunc(*objects, **kwargs))
        raise unsupported(full_name(ufunc))
    dtype = kwargs.pop("dtype", None)
    _refuse_options(ufunc, kwargs)
    if isinstance(dtype, type) and issubclass(dtype, np.dtype):
        dtype = dtype()  # type: ignore[call-overload]
    if dtype is not None:
        if not operation.differentiable or np.dtype(dtype).kind not in "f":
            raise unsupported(f"{full_name(ufunc)} with dtype={dtype!r}", "use .astype instead")
        inputs = tuple(astype(asarray(x), dtype=np.dtype(dtype)) for x in inputs)
    return apply(operation, ufunc, inputs)


def _along(
    ufunc: np.ufunc,
    inputs: tuple[Any, ...],
    axes: Any = None,
    axis: Any = None,
    keepdims: bool = False,
    **kwargs: Any,
) -> Any:
    """Call a ufunc of matrices or vectors with these in the last axes, where others are named."""
    if axes is None:
        axes = [-1 if axis is None else axis] * len(inputs)  # vectors to numbers
    named = [(x,) if isinstance(x, int) else tuple(x) for x in axes]
    moved = [
        np.moveaxis(asarray(x), places, tuple(range(-len(places), 0)))
        for x, places in zip(inputs, named, strict=False)
    ]
    result = ufunc(*moved, **kwargs)
    if keepdims:
        return np.expand_dims(result, named[0])
    places = named[len(inputs)] if len(named) > len(inputs) else ()
    return np.moveaxis(result, tuple(range(-len(places), 0)), places) if places else result


def _entries(x: Any) -> np.ndarray[Any, Any]:
    """Return an array of objects that holds the entries of an array, Arrays too."""
    x = asarray(x)
    objects = np.empty(x.shape, object)
    for place in np.ndindex(x.shape):
        objects[place] = x[place]
    return objects


def _refuse_options(ufunc: np.ufunc, kwargs: dict[str, Any]) -> None:
    for name, value in kwargs.items():
        if not any(value is default for default in _HARMLESS.get(name, ())):
            cure = " and choose with np.where" if name == "where" else ""
            raise unsupported(f"{full_name(ufunc)} with {name}=", f"leave it out{cure}")


#: Options of a ufunc that change nothing.
_HARMLESS: dict[str, tuple[Any, ...]] = {
    "casting": ("same_kind",),
    "order": ("K", "C"),
    "subok": (True, False),
    "where": (True,),
}


def _of_another_module(ufunc: np.ufunc) -> Operation | None:
    operation = operation_of(ufunc)
    if operation is not None:
        UFUNCS[ufunc] = operation
    return operation


def _modf(x: Any) -> tuple[Any, Any]:
    part, infinite = np.fmod(x, 1), np.isinf(x)
    if np.any(infinite):
        part = np.where(infinite, np.copysign(0.0, x), part)
    return part, np.trunc(x)


def _vecdot(a: Any, b: Any) -> Any:
    return np.sum(np.multiply(conjugated(asarray(a)), b), axis=-1)


def _matvec(a: Any, x: Any) -> Any:
    return np.squeeze(np.matmul(a, np.expand_dims(asarray(x), -1)), axis=-1)


def _vecmat(x: Any, a: Any) -> Any:
    return np.squeeze(np.matmul(np.expand_dims(conjugated(asarray(x)), -2), a), axis=-2)


_COMPOSITIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.divmod: lambda a, b: (np.floor_divide(a, b), np.remainder(a, b)),
    np.modf: _modf,
    **{
        getattr(np, name): composition
        for name, composition in [("vecdot", _vecdot), ("matvec", _matvec), ("vecmat", _vecmat)]
        if hasattr(np, name)  # vecdot since NumPy 2.0, the others since 2.2
    },
}


def is_composed(ufunc: np.ufunc) -> bool:
    """Tell a ufunc that is computed by several operations."""
    return ufunc in _COMPOSITIONS


# reduce, accumulate, outer.

_REDUCE: dict[np.ufunc, Callable[..., Any]] = {
    np.add: reduction.sum_,
    np.multiply: reduction.prod,
    np.maximum: reduction.max_,
    np.minimum: reduction.min_,
    np.logical_or: reduction.any_,
    np.logical_and: reduction.all_,
    np.logaddexp: reduction.logsumexp,
}
_ACCUMULATE: dict[np.ufunc, Callable[..., Any]] = {
    np.add: reduction.cumsum,
    np.multiply: reduction.cumprod,
}


def _reduce(ufunc: np.ufunc, array: Any, axis: Any = 0, *args: Any, **kwargs: Any) -> Any:
    if ufunc in _REDUCE:
        return _REDUCE[ufunc](array, axis, *args, **kwargs)
    return steps.reduce(ufunc, array, axis, *args, **kwargs)


def _accumulate(ufunc: np.ufunc, array: Any, axis: int = 0, *args: Any, **kwargs: Any) -> Any:
    if ufunc in _ACCUMULATE:
        return _ACCUMULATE[ufunc](array, axis, *args, **kwargs)
    return steps.accumulate(ufunc, array, axis, *args, **kwargs)


def _reduceat(
    ufunc: np.ufunc, array: Any, indices: Any, axis: int = 0, *args: Any, **kwargs: Any
) -> Any:
    def reduce(part: Any, axis: int) -> Any:
        return _reduce(ufunc, part, axis)

    return steps.reduceat(ufunc, reduce, array, indices, axis, *args, **kwargs)


def _outer(ufunc: np.ufunc, a: Any, b: Any, **kwargs: Any) -> Any:
    a, b = asarray(a), asarray(b)
    spread = np.shape(a) + (1,) * np.ndim(b)
    return array_ufunc(a, ufunc, "__call__", shape_rows.reshape(a, shape=spread), b, **kwargs)


_METHODS: dict[str, Callable[..., Any]] = {
    "reduce": _reduce,
    "accumulate": _accumulate,
    "reduceat": _reduceat,
    "outer": _outer,
    "at": at,
}


def methods_of_entries() -> dict[str, Callable[..., Any]]:
    """Return what NumPy calls on each entry of an object array: ``a.exp()`` for ``np.exp``.

    With these ``np.exp(np.array([a, b]))`` works, although NumPy made an object array of the two.
    """
    return {
        name: _elementwise(ufunc)
        for name, ufunc in vars(np).items()
        if isinstance(ufunc, np.ufunc) and ufunc in UFUNCS
    }


def _elementwise(ufunc: np.ufunc) -> Callable[..., Any]:
    operation = UFUNCS[ufunc]
    return lambda *operands: apply(operation, ufunc, operands)
