"""scipy.optimize: constraints and bounds, as functions that are not negative where they hold."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.array import shape_of, value_of
from chainrule.numpy.axes import operand
from chainrule.numpy.creation import restack
from chainrule.numpy.dispatch import plain
from chainrule.numpy.scipy.roots import arguments, unrecorded

__all__ = ["Constraint", "all_of", "bounds_of", "plain_constraints"]

Function = Callable[..., Any]


class Constraint(NamedTuple):
    """A function of x, one number, that is not negative; zero, if it is to be an equation."""

    f: Function
    is_equation: bool


def plain_constraints(given: Any) -> Any:
    """Return constraints as SciPy may have them: their functions return plain numbers."""
    if isinstance(given, (list, tuple)):
        return [plain_constraints(x) for x in given]
    if isinstance(given, dict):
        return {name: unrecorded(value) for name, value in given.items()}
    made = copy.copy(given)
    for name, value in vars(given).items():
        setattr(made, name, unrecorded(value))
    return made


def bounds_of(x: Any, bounds: Any) -> Iterator[Constraint]:
    """Yield the constraints that bounds are: a Bounds, or a pair for each coordinate."""
    if bounds is None:
        return
    if hasattr(bounds, "lb"):
        low, high = bounds.lb, bounds.ub
    else:
        low, high = [pair[0] for pair in bounds], [pair[1] for pair in bounds]
    for k in range(len(x)):
        yield from _between(lambda x, k=k: x[k], _entry(low, k), _entry(high, k))


def all_of(x: Any, constraints: Any) -> Iterator[Constraint]:
    """Yield constraints as `minimize` takes them, one number each."""
    for given in constraints if isinstance(constraints, (list, tuple)) else [constraints]:
        if isinstance(given, dict):
            more = arguments(given.get("args", ()))
            for f in _entries(lambda x, f=given["fun"], more=more: f(x, *more), x):
                yield Constraint(f, given["type"] == "eq")
            continue
        whole = (lambda x, A=given.A: A @ x) if hasattr(given, "A") else given.fun
        for k, f in enumerate(_entries(whole, x)):
            yield from _between(f, _entry(given.lb, k), _entry(given.ub, k))


def _between(f: Function, low: Any, high: Any) -> Iterator[Constraint]:
    """Yield the constraints that a number is between two others."""
    lowest = -np.inf if low is None else value_of(low)
    highest = np.inf if high is None else value_of(high)
    if lowest == highest:
        yield Constraint(lambda x: f(x) - low, True)
        return
    if np.isfinite(lowest):
        yield Constraint(lambda x: f(x) - low, False)
    if np.isfinite(highest):
        yield Constraint(lambda x: high - f(x), False)


def _entry(ends: Any, k: int) -> Any:
    if isinstance(ends, list):
        return ends[k]
    shape = shape_of(ends)
    return ends[k if shape[0] > 1 else 0] if shape else ends


def _entries(f: Function, x: Any) -> Iterator[Function]:
    """Yield the entries of a function of x, each as a function."""
    shape = shape_of(plain(restack(f(x))))
    for k in range(int(np.prod(shape))):
        yield lambda x, k=k: operand(restack(f(x))).ravel()[k]
