"""What NumPy makes of Abstracts: the shape, the dtype and the type of its result, and no more.

The computations of the operations need this of NumPy, nothing else does: user code never holds an
Abstract, but an Array of one. Types and dtypes come from NumPy itself, which runs on examples (one
entry for a whole axis); where shapes are not those of broadcasting or of a reduction, it runs on
zeros that take no memory. What is not listed here asks for values, and so does what may raise, or
give a result of another shape, for some of them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from chainrule.core.abstract import Abstract, Scope
from chainrule.core.array import shape_of
from chainrule.operations.contraction import spelled_out

__all__: list[str] = []

_ndarray = np.ndarray
_NUMBERS = (float, int, bool)  # Python's

#: NumPy function -> what gives the Abstract of its result.
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}


def array_function(
    self: Abstract,
    function: Callable[..., Any],
    types: Iterable[type],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """Run a NumPy function that was given an Abstract (NEP 18)."""
    known = FUNCTIONS.get(function)
    if known is None:
        self.scope.needs_values()
    return known(function, self.scope, *args, **kwargs)


def array_ufunc(self: Abstract, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """Run a ufunc that was given an Abstract (NEP 13)."""
    if method == "reduce":
        return _reduced_by(ufunc.reduce, self.scope, *inputs, **kwargs)
    if method != "__call__" or kwargs:
        self.scope.needs_values()
    if ufunc is np.matmul:
        return _product(ufunc, self.scope, *inputs)
    if ufunc.signature is not None or ufunc.nout != 1:
        self.scope.needs_values()
    return _broadcast(ufunc, self.scope, *inputs)


def _example(value: Any, scope: Scope) -> Any:
    """Return an operand with axes of length 1: its entries are not needed, either."""
    if type(value) is Abstract:
        return value.example
    if isinstance(value, (*_NUMBERS, np.generic)):
        return value
    if type(value) is not _ndarray or value.dtype.hasobject:
        scope.needs_values()  # user code has taken the Abstract out of its Array
    return np.ones([min(n, 1) for n in value.shape], value.dtype)


def _zeros(value: Any) -> Any:
    """Return a real operand of the same shape."""
    if type(value) is Abstract:
        return value.stand_in()
    return type(value)(map(_zeros, value)) if type(value) in (list, tuple) else value


def _abstract(value: Any, scope: Scope) -> Abstract:
    """Return the Abstract of what NumPy made of zeros."""
    if isinstance(value, _ndarray):
        return scope.array(value.shape, value.dtype)
    return Abstract((), type(value)(1), scope)


# Functions of every entry.


def _broadcast(function: Callable[..., Any], scope: Scope, *operands: Any, **options: Any) -> Any:
    with np.errstate(all="ignore"):
        example = function(*(_example(x, scope) for x in operands), **options)
    found = Abstract(np.broadcast_shapes(*map(shape_of, operands)), example, scope)
    if found.dtype.kind not in "fb":
        # NumPy raises for a negative power of integers, and for a Python int that does not fit.
        whole = any(type(x) is Abstract and type(x.example) is int for x in operands)
        if whole or function in (np.power, operator.pow):
            scope.needs_values()
    return found


def _rounded(function: Callable[..., Any], scope: Scope, x: Any, decimals: int = 0) -> Any:
    return _broadcast(lambda example: function(example, decimals), scope, x)


def _operator(name: str, apply: Callable[..., Any]) -> None:
    exact = name in ("add", "sub", "mul", "lt", "le", "gt", "ge", "eq", "ne")

    def method(self: Abstract, other: Any) -> Any:
        return compute(self, self, other)

    def reflected(self: Abstract, other: Any) -> Any:
        return compute(self, other, self)

    def compute(self: Abstract, a: Any, b: Any) -> Any:
        kinds = [type(x.example if type(x) is Abstract else x) for x in (a, b)]
        if not exact and all(kind in _NUMBERS for kind in kinds):
            self.scope.needs_values()  # Python raises for some numbers: 1.0 / 0.0
        return _broadcast(apply, self.scope, a, b)

    setattr(Abstract, f"__{name}__", method)
    if name not in ("lt", "le", "gt", "ge", "eq", "ne"):
        setattr(Abstract, f"__r{name}__", reflected)


def _unary(name: str, apply: Callable[..., Any]) -> None:
    setattr(Abstract, f"__{name}__", lambda self: _broadcast(apply, self.scope, self))


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor"):
    _operator(_name, getattr(operator, f"__{_name}__"))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    _operator(_name, getattr(operator, _name))
for _name in ("neg", "pos", "abs", "invert"):
    _unary(_name, getattr(operator, _name))


# Functions along axes.


def _reduced(function: Callable[..., Any], scope: Scope, x: Any, *axes: Any, **options: Any) -> Any:
    if not x.size:
        scope.needs_values()  # NumPy may warn
    return _reduced_by(function, scope, x, *axes, **options)


def _reduced_by(
    function: Callable[..., Any],
    scope: Scope,
    x: Any,
    axis: Any = None,
    keepdims: bool = False,
    **options: Any,
) -> Any:
    with np.errstate(all="ignore"):
        example = function(x.example, axis=axis, keepdims=keepdims, **options)
    axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)
    shape = tuple(1 if k in axes else n for k, n in enumerate(x.shape) if keepdims or k not in axes)
    return Abstract(shape, example, scope)


def _moment(function: Callable[..., Any], scope: Scope, x: Any, ddof: Any = 0, **axes: Any) -> Any:
    return _reduced(np.mean, scope, x, **axes)  # which has the same type, and does not warn


def _norm(
    function: Callable[..., Any], scope: Scope, x: Any, ord: Any, axis: Any, keepdims: bool
) -> Any:
    return _reduced(function, scope, x, axis, keepdims, ord=ord)


def _arranged(
    function: Callable[..., Any], scope: Scope, x: Any, *args: Any, **options: Any
) -> Any:
    """Do a function whose result has the shape of its operand."""
    if type(x) is not Abstract:
        scope.needs_values()
    example = function(x.example, *args, **options)
    if np.shape(example) != np.shape(x.example):
        scope.needs_values()
    return Abstract(x.shape, example, scope)


# Functions that move entries.


def _moved(function: Callable[..., Any], scope: Scope, *operands: Any, **options: Any) -> Any:
    return _abstract(function(*map(_zeros, operands), **options), scope)


def _filled(function: Callable[..., Any], scope: Scope, *operands: Any, **options: Any) -> Any:
    return function(*map(_zeros, operands), **options)


def _getitem(self: Abstract, index: Any) -> Any:
    parts = index if type(index) is tuple else (index,)
    if any(type(part) is Abstract and part.dtype.kind == "b" for part in parts):
        self.scope.needs_values()
    taken = _zeros(self)[_zeros(index) if type(index) is tuple else _zeros((index,))]
    return _abstract(taken, self.scope)


# Products.


def _product(function: Callable[..., Any], scope: Scope, a: Any, b: Any) -> Any:
    """Do ``matmul``."""
    m, n = len(shape_of(a)), len(shape_of(b))
    if not m or not n:
        scope.needs_values()
    (*outer, k), inner = shape_of(a), shape_of(b)
    if k != inner[max(n - 2, 0)] or not k:
        scope.needs_values()
    batch = np.broadcast_shapes(tuple(outer[:-1]), inner[:-2])
    shape = (*batch, *outer[-1:], *(inner[-1:] if n > 1 else ()))
    return Abstract(shape, function(_example(a, scope), _example(b, scope)), scope)


def _outer(function: Callable[..., Any], scope: Scope, a: Any, b: Any) -> Any:
    (m,), (n,) = shape_of(a), shape_of(b)
    return Abstract((m, n), function(_example(a, scope), _example(b, scope)), scope)


def _dot(function: Callable[..., Any], scope: Scope, a: Any, b: Any) -> Any:
    m, n = len(shape_of(a)), len(shape_of(b))
    if not m or not n or (function is np.vdot and max(m, n) > 1):
        scope.needs_values()
    axes = (m - 1,), (max(n - 2, 0) if function is np.dot else n - 1,)
    return _contracted(lambda x, y, axes: function(x, y), scope, a, b, axes)


def _contracted(function: Callable[..., Any], scope: Scope, a: Any, b: Any, axes: Any) -> Any:
    first, second = axes
    m, n = shape_of(a), shape_of(b)
    if [m[k] for k in first] != [n[k] for k in second] or 0 in m or 0 in n:
        scope.needs_values()
    shape = [length for k, length in enumerate(m) if k not in first]
    shape += [length for k, length in enumerate(n) if k not in second]
    example = function(_example(a, scope), _example(b, scope), axes)
    return Abstract(tuple(shape), example, scope)


def _einsum(
    function: Callable[..., Any], scope: Scope, subscripts: str, *xs: Any, optimize: Any = False
) -> Any:
    shapes = [shape_of(x) for x in xs]
    terms, output = spelled_out(subscripts, shapes)
    lengths: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        for letter, n in zip(term, shape, strict=True):
            if lengths.setdefault(letter, n) == 1:
                lengths[letter] = n
            if not n or n not in (1, lengths[letter]):
                scope.needs_values()
    example = function(subscripts, *(_example(x, scope) for x in xs))
    return Abstract(tuple(lengths[letter] for letter in output), example, scope)


# What functions look at, apart from entries.


def _shown(function: Callable[..., Any], scope: Scope, *operands: Any) -> Any:
    return function(*(_zeros(x) for x in operands))


def _enter(rule: Callable[..., Any], *functions: Callable[..., Any]) -> None:
    FUNCTIONS.update(dict.fromkeys(functions, rule))


_enter(_broadcast, np.where, np.clip, np.sinc, np.nan_to_num, np.real, np.imag)
_enter(_rounded, np.round, np.around)
_enter(_reduced, np.sum, np.mean, np.max, np.min, np.any, np.all, np.count_nonzero)
_enter(_reduced, np.argmax, np.argmin)
_enter(_moment, np.var, np.std)
_enter(_norm, np.linalg.norm)
_enter(_arranged, np.sort, np.argsort, np.cumsum, np.cumprod, np.roll, np.tril, np.triu)
_enter(_moved, np.reshape, np.transpose, np.swapaxes, np.expand_dims, np.squeeze, np.flip)
_enter(_moved, np.broadcast_to, np.diagonal, np.diag, np.trace, np.tile, np.repeat, np.pad)
_enter(_moved, np.concatenate, np.stack, np.take, np.take_along_axis, np.searchsorted)
_enter(_filled, np.zeros_like, np.ones_like, np.empty_like)
_enter(_moved, np.kron)
_enter(_dot, np.dot, np.inner, np.vdot)
_enter(_outer, np.outer)
_enter(_contracted, np.tensordot)
_enter(_einsum, np.einsum)
_enter(_shown, np.shape, np.ndim, np.size, np.result_type)

for _name, _method in {
    "__array_function__": array_function,
    "__array_ufunc__": array_ufunc,
    "__getitem__": _getitem,
    "__matmul__": lambda self, other: np.matmul(self, other),
    "__rmatmul__": lambda self, other: np.matmul(other, self),
}.items():
    setattr(Abstract, _name, _method)
