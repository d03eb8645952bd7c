"""SciPy's functions that are Python code of supported functions: they run as user code does.

Where that asks SciPy for the namespace of its arrays, it gets NumPy as recorded code sees it.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from chainrule import trees
from chainrule.errors import ChainruleError
from chainrule.numpy.boundary import at_the_boundary
from chainrule.numpy.casting import own, whole
from chainrule.numpy.creation import restack, to_be_filled
from chainrule.numpy.dispatch import arrays_in, constant_call, is_constant
from chainrule.numpy.namespaces import tables
from chainrule.numpy.scipy.table import loaded, made_of, others_of
from chainrule.numpy.view import UserFunction

__all__: list[str] = []

Function = Callable[..., Any]


@others_of(
    *("scipy.fft", "scipy.integrate", "scipy.interpolate", "scipy.linalg", "scipy.ndimage"),
    *("scipy.optimize", "scipy.signal", "scipy.signal.windows", "scipy.sparse.linalg"),
    *("scipy.spatial", "scipy.spatial.distance", "scipy.special", "scipy.stats"),
    "scipy.stats.contingency",
)
def _as_user_code(original: FunctionType) -> Function:
    @functools.cache
    def code() -> UserFunction:
        # A copy, for the original is what recorded code sees this in the place of.
        copy = FunctionType(
            original.__code__,
            original.__globals__,
            original.__name__,
            original.__defaults__,
            original.__closure__,
        )
        copy.__kwdefaults__ = original.__kwdefaults__
        return UserFunction(copy)

    @functools.wraps(original)
    def run(*args: Any, **kwargs: Any) -> Any:
        if next(arrays_in([args, kwargs]), None) is None:
            return original(*args, **kwargs)
        if is_constant(args, kwargs):
            return constant_call(original, args, kwargs)
        try:
            return _restacked(code().seen()(*args, **kwargs))
        except ChainruleError:
            raise
        except Exception as error:  # which user code may catch
            instead = at_the_boundary(error, original, args, kwargs)
            if instead is None:
                raise
            raise instead from error

    return run


def _restacked(result: Any) -> Any:
    """Return a result with an Array in place of each object array that holds Arrays."""
    if not (trees.is_container(result) or type(result) is np.ndarray):
        return result
    leaves, build = trees.flatten(result)
    whole = [restack(x) if type(x) is np.ndarray else x for x in leaves]
    return result if all(map(operator.is_, whole, leaves)) else build(whole)


@made_of("scipy._lib._array_api.array_namespace", "scipy._lib._array_api_override.array_namespace")
def _namespace(original: Function) -> Function:
    def seen(*arrays: Any) -> ModuleType:
        view, _ = tables(loaded())[1][id(np)]
        return view

    return seen


class _At:
    """What ``at`` of the array API's extras is: ``at(x, index).set(y)`` writes, and returns x."""

    def __init__(self, x: Any, *index: Any) -> None:
        self._x, self._index = x, index

    def __getitem__(self, index: Any) -> _At:
        return _At(self._x, index)

    def _write(
        self, operation: Function | None, y: Any, copy: bool | None = None, xp: Any = None
    ) -> Any:
        x = own(whole(self._x)) if copy else whole(self._x)
        x, (index,) = to_be_filled(x), self._index
        x[index] = y if operation is None else operation(x[index], y)
        return x

    set = functools.partialmethod(_write, None)
    add = functools.partialmethod(_write, operator.add)
    subtract = functools.partialmethod(_write, operator.sub)
    multiply = functools.partialmethod(_write, operator.mul)
    divide = functools.partialmethod(_write, operator.truediv)
    power = functools.partialmethod(_write, operator.pow)
    min = functools.partialmethod(_write, np.minimum)
    max = functools.partialmethod(_write, np.maximum)


made_of("scipy._lib.array_api_extra._lib._at.at")(lambda original: _At)
