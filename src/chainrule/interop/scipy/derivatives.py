"""What solvers ask of a function of parameters, compiled: values, gradients, Jacobians, Hessians.

A solver calls them with a vector. Further arguments are arguments of the compiled function, too, so
that other data of the same shapes need no other code.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import numpy as np

from chainrule import trees
from chainrule.core.array import shape_of
from chainrule.core.callables import name_of
from chainrule.core.source import defined_at
from chainrule.errors import ArgumentError, NonScalarOutputError
from chainrule.native import compile
from chainrule.numpy.creation import restack
from chainrule.numpy.view import UserFunction
from chainrule.transforms.ravel import Unravel, ravel

__all__ = ["Function", "keeping", "named", "number", "swapped", "value", "vector", "weighted"]

Function: TypeAlias = Callable[..., Any]
M = TypeVar("M", bound=Callable[..., Callable[..., Any]])

#: How many compiled functions are kept for the next call with the same function.
_MOST_KEPT = 64


def value(f: Function) -> Function:
    """Return a function itself: what is no derivative of it."""
    return f


def number(transform: Function, f: Function, unravel: Unravel) -> Function:
    """Return a derivative of a function of parameters that returns one number, compiled.

    Args:
        transform: `grad`, `hessian` or the like, or `value`.
        f: a function of parameters and further arguments.
        unravel: makes parameters of a vector.

    Returns:
        A function of a vector and the further arguments, the same one for the same function.
    """
    return _compiled(transform, _number, f, unravel)


def vector(transform: Function, f: Function, unravel: Unravel) -> Function:
    """Return a derivative of a function of parameters whose results make one vector, compiled."""
    return _compiled(transform, _vector, f, unravel)


def weighted(transform: Function, f: Function, unravel: Unravel) -> Function:
    """Return a derivative of a sum of such results, each times a weight, compiled.

    Returns:
        A function of a vector, the weights, and the further arguments.
    """
    return _compiled(transform, _weighted, f, unravel)


def keeping(make: M) -> M:
    """Let a function that makes functions return what it made of the same ones before."""
    kept = functools.lru_cache(_MOST_KEPT)(make)

    @functools.wraps(make)
    def get(*given: Any) -> Any:
        try:
            hash(given)
        except TypeError:
            return make(*given)
        return kept(*given)

    return get  # type: ignore[return-value]


@keeping
def swapped(f: Function) -> Function:
    """Return a function of the state, the time and more, of a function of time, state and more."""
    run = UserFunction(f)

    def slope(y: Any, t: Any, *args: Any) -> Any:
        return run((t, y, *args), {})

    return named(slope, f)


@keeping
def _compiled(transform: Function, of: Function, f: Function, unravel: Unravel) -> Function:
    return compile(transform(of(f, unravel)))


def named(made: Function, f: Function) -> Function:
    """Give a function the name of another one, for messages."""
    made.__name__ = name_of(f)
    return made


def _number(f: Function, unravel: Unravel) -> Function:
    run = UserFunction(f)

    def objective(x: Any, *args: Any, **kwargs: Any) -> Any:
        y = restack(run((unravel(x), *args), kwargs))
        shape = () if isinstance(y, (int, float)) else _shape_of_number(y, f)
        return y if shape == () else y.reshape(())

    return named(objective, f)


def _shape_of_number(y: Any, f: Function) -> tuple[int, ...]:
    if trees.is_container(y) or not hasattr(y, "dtype"):
        shown = f"a {type(y).__name__}"
    elif math.prod(shape_of(y)) != 1:
        shown = f"an array of shape {shape_of(y)}"
    else:
        return shape_of(y)
    raise NonScalarOutputError(
        f"{name_of(f)} ({defined_at(f)}) returned {shown}: what is minimised is one number, such "
        "as np.sum of it. A vector of residuals is for least_squares"
    )


def _vector(f: Function, unravel: Unravel) -> Function:
    run = UserFunction(f)

    def results(x: Any, *args: Any, **kwargs: Any) -> Any:
        return _one_vector(run((unravel(x), *args), kwargs), f)

    return named(results, f)


def _weighted(f: Function, unravel: Unravel) -> Function:
    run = UserFunction(f)

    def total(x: Any, weights: Any, *args: Any) -> Any:
        return np.sum(weights * _one_vector(run((unravel(x), *args), {}), f))

    return named(total, f)


def _one_vector(y: Any, f: Function) -> Any:
    try:
        return ravel(y)[0]
    except TypeError as error:
        raise ArgumentError(
            f"{name_of(f)} ({defined_at(f)}) returned something else than numbers: {error}"
        ) from None
