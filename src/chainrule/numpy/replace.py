"""What a recorded function sees in place of functions that NumPy, SciPy or Python run unasked.

``np.array``, ``scipy.linalg.expm`` and the whole of ``math`` never ask an Array what they mean.
A recorded function sees its globals through a view in which they are the functions here: called
with plain arguments each is the original, and with an Array it records the operation.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from functools import cache, update_wrapper, wraps
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

from chainrule.core.apply import apply
from chainrule.core.array import Array, value_of
from chainrule.core.kinds import broadcast_to, constant, linear
from chainrule.core.operation import Operation
from chainrule.numpy import creation
from chainrule.numpy.creation import asarray
from chainrule.numpy.dispatch import arrays_in, has_history, is_constant, plain_call, unsupported
from chainrule.numpy.generators import makers_of_generators
from chainrule.numpy.joining import Joiner
from chainrule.numpy.lookup import named_in
from chainrule.numpy.questions import ndarray
from chainrule.numpy.scipy.table import Made, in_modules
from chainrule.numpy.strides import as_strided
from chainrule.operations import elementwise

__all__ = ["replacements", "replacements_in_scipy"]

Function = Callable[..., Any]


def replacements(fills_copies: bool = False) -> list[tuple[Any, Any]]:
    """List pairs of a function (or ``np.r_``) and what recorded code is to see in its place.

    Random numbers are arrays that can be written into where the code is known to do so.
    """
    return [*_of_numpy(), *_of_math(), *(makers_of_generators() if fills_copies else ())]


def replacements_in_scipy() -> Iterator[tuple[ModuleType, str, Any, Any]]:
    """Yield loaded modules of SciPy, a name in each, what it is, and what is seen of it."""
    for module, name, original, meaning in in_modules():
        made = type(meaning) is Made
        yield (
            module,
            name,
            original,
            (meaning.make(original) if made else _when_recorded(original, meaning)),
        )


def _when_recorded(original: Function, recorded: Function) -> Function:
    """Call ``recorded`` if an Array is anywhere among the arguments, else the original."""

    @wraps(original)
    def replacement(*args: Any, **kwargs: Any) -> Any:
        if next(arrays_in([args, kwargs]), None) is None:
            return original(*args, **kwargs)
        return recorded(*args, **kwargs)

    return replacement


# NumPy: what makes arrays.


@cache
def _of_numpy() -> list[tuple[Any, Any]]:
    pairs: list[tuple[Function, Function]] = [
        (np.asarray, creation.asarray),
        (np.asanyarray, creation.asarray),
        (np.ascontiguousarray, creation.contiguous),
        (np.asarray_chkfinite, creation.finite),
        (np.asfortranarray, creation.column_order),
        (np.require, creation.required),
        (np.lib.stride_tricks.as_strided, as_strided),
    ]
    return [
        *((original, _when_recorded(original, recorded)) for original, recorded in pairs),
        *((original, _new(original, recorded)) for original, recorded in _NEW.items()),
        (np.ndarray, ndarray),
        (np.empty, _new(np.zeros, np.zeros)),  # what nobody wrote would be printed with its garbage
        (np.fromiter, creation.fromiter),
        (np.isscalar, _when_recorded(np.isscalar, lambda element: np.isscalar(value_of(element)))),
        (np.ndenumerate, _when_recorded(np.ndenumerate, _entries)),
        (np.nditer, _when_recorded(np.nditer, _iterator)),
        *((original, _when_recorded(original, _asked(original))) for original in _DEAF_TO_SOME),
        *((original, _OfLists(original)) for original in _DEAF_TO_LISTS),
        *((original, Joiner(original)) for original in (np.r_, np.c_)),
    ]


#: What makes a new array, and what does so with Arrays among the arguments.
_NEW: dict[Function, Function] = {
    np.array: creation.array,
    np.full: creation.full,
    np.full_like: creation.full_like,
    np.linspace: creation.linspace,
    np.arange: creation.arange,
    **{
        original: original  # they ask, or take no Arrays
        for original in (
            copy.copy,
            copy.deepcopy,
            np.copy,
            np.empty_like,
            np.eye,
            np.geomspace,
            np.identity,
            np.logspace,
            np.meshgrid,
            np.ones,
            np.ones_like,
            np.zeros,
            np.zeros_like,
        )
    },
}


def _new(original: Function, recorded: Function) -> Function:
    """Let a function that makes a new array make one that Arrays can be written into."""

    @wraps(original)
    def replacement(*args: Any, **kwargs: Any) -> Any:
        if next(arrays_in([args, kwargs]), None) is None:
            made = original(*args, **kwargs)
        else:
            made = recorded(*args, **kwargs)
        if type(made) is tuple:
            return tuple(map(creation.to_be_filled, made))
        return creation.to_be_filled(made)

    return replacement


def _entries(arr: Any) -> Iterator[tuple[Any, Any]]:
    """Do ``np.ndenumerate``, which shows what is written while it goes on."""
    return ((place, arr[place]) for place in np.ndindex(np.shape(arr)))


def _iterator(*args: Any, **kwargs: Any) -> NoReturn:
    raise unsupported("np.nditer", "loop over np.ndindex(a.shape), and read and write a[i]")


#: What asks its first arguments alone whether they know better.
_DEAF_TO_SOME: tuple[Function, ...] = (np.pad, np.piecewise, np.select)


def _asked(original: Function) -> Function:
    def asking(first: Any, *args: Any, **kwargs: Any) -> Any:
        whole = type(first) is list or type(first) is tuple
        known = [Array(asarray(x), None) for x in first] if whole else Array(asarray(first), None)
        return original(first if has_history(first) else known, *args, **kwargs)

    return asking


#: What calls float() on the entries of a list, or of the object array that it makes of one; and
#: what does to the entries of an object array as Python's ``and`` does.
_DEAF_TO_LISTS: tuple[Function, ...] = (
    np.average,
    np.corrcoef,
    np.cov,
    np.logical_and,
    np.logical_not,
    np.logical_or,
    np.logical_xor,
    np.mean,
    np.median,
    np.percentile,
    np.quantile,
    np.std,
    np.var,
)


class _OfLists:
    """A function that is given one Array in the place of a list, or object array, of several."""

    def __init__(self, original: Any) -> None:
        update_wrapper(self, original)
        self.original = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.original(*map(creation.restack, args), **kwargs)


# math: numbers in, number out.


@cache
def _of_math() -> list[tuple[Function, Function]]:
    operations = named_in("math")
    return [
        (original, _recorded_math(name, original, operations.get(name)))
        for name, original in vars(math).items()
        if callable(original) and not name.startswith("_")
    ]


def _recorded_math(name: str, original: Function, operation: Operation | None) -> Function:
    composition = _MATH_COMPOSITIONS.get(name)
    if composition is not None:
        return _when_recorded(original, composition)
    if operation is None:

        def refuse(*args: Any, **kwargs: Any) -> Any:
            if is_constant(args, kwargs):
                return plain_call(original, args, kwargs)
            raise unsupported(f"math.{name}")

        return _when_recorded(original, refuse)

    @wraps(original)
    def replacement(*args: Any) -> Any:
        for arg in args:
            if type(arg) is Array:
                return apply(operation, original, args)
        return original(*args)

    return replacement


_exact_sum = linear(
    "fsum",
    math.fsum,
    pullback=lambda g, x: broadcast_to(g, shape=x.shape),
    numpy="math.fsum",
    source="math.fsum({0})",
)
_close = constant(
    "math_isclose",
    math.isclose,
    numpy="math.isclose",
    source="math.isclose({0}, {1}, rel_tol={rel_tol}, abs_tol={abs_tol})",
)


def _log(x: Any, *base: Any) -> Any:
    if not base:
        return apply(elementwise.log, math.log, (x,))
    return _log(x) / _log(*base)


def _hypot(*coordinates: Any) -> Any:
    if len(coordinates) == 2:
        return apply(elementwise.hypot, math.hypot, coordinates)
    return np.linalg.norm(asarray(coordinates))


def _dist(p: Any, q: Any) -> Any:
    p, q = list(p), list(q)
    if len(p) != len(q):
        raise ValueError("both points must have the same number of dimensions")
    return _hypot(*(a - b for a, b in zip(p, q, strict=True)))


def _fsum(seq: Any) -> Any:
    return _exact_sum(asarray(list(seq)))


def _isclose(a: Any, b: Any, *, rel_tol: float = 1e-9, abs_tol: float = 0.0) -> Any:
    return _close(a, b, rel_tol=rel_tol, abs_tol=abs_tol)


def _prod(iterable: Any, *, start: Any = 1) -> Any:
    for factor in iterable:
        start = start * factor
    return start


def _sumprod(p: Any, q: Any) -> Any:
    return sum((a * b for a, b in zip(p, q, strict=True)), 0)


def _fma(x: Any, y: Any, z: Any) -> Any:
    return x * y + z


def _modf(x: Any) -> Any:
    whole = apply(elementwise.trunc, _float_trunc, (x,))
    if elementwise.isinf(x):
        return apply(elementwise.copysign, math.copysign, (0.0, x)), whole
    return apply(elementwise.fmod, math.fmod, (x, 1.0)), whole


def _float_trunc(x: float) -> float:
    return math.modf(x)[1]


_MATH_COMPOSITIONS: dict[str, Function] = {
    "ceil": math.ceil,  # floor, ceil and trunc do ask
    "floor": math.floor,
    "trunc": math.trunc,
    "log": _log,
    "hypot": _hypot,
    "dist": _dist,
    "fsum": _fsum,
    "isclose": _isclose,
    "prod": _prod,
    "sumprod": _sumprod,
    "fma": _fma,
    "modf": _modf,
}
