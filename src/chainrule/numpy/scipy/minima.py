"""scipy.optimize: minima, as SciPy finds them, differentiated where they are.

A minimum is where the gradient of the Lagrangian is zero: of the objective, less the constraints
that hold it, times their multipliers (Fiacco, Introduction to Sensitivity and Stability Analysis in
Nonlinear Programming, 1983). Bounds are constraints, too.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from chainrule.core.array import Array, dtype_of, shape_of, value_of
from chainrule.core.backward import backward
from chainrule.core.node import Leaf
from chainrule.core.recording import Recording
from chainrule.numpy.axes import operand
from chainrule.numpy.creation import restack
from chainrule.numpy.dispatch import plain
from chainrule.numpy.scipy.constraints import Constraint, all_of, bounds_of, plain_constraints
from chainrule.numpy.scipy.roots import (
    arguments,
    check_converged,
    differentiated,
    unrecorded,
    with_plain_numbers,
)
from chainrule.numpy.scipy.table import made_of
from chainrule.numpy.scipy.vertices import one_vertex
from chainrule.operations.implicit import depends_on_arrays, solution

__all__ = ["minimum"]

Function = Callable[..., Any]

_NEAR = 1e-6  # how far from its bound a constraint may hold a minimum, relatively
_FLAT = 1e-4  # a gradient that is small enough, where a solver says that it could not go on


def _gradient(y: Any, x: Array) -> Any:
    """Return the gradient of a number by an input, recorded."""
    y = restack(y)
    g = None
    if depends_on_arrays(y):
        one = np.ones(shape_of(y), dtype_of(y))
        (g,) = backward([(y, one)], [x.node], recorded=True)
    return np.zeros(shape_of(x), dtype_of(x)) if g is None else g


def _slope(f: Function, x: Any) -> Any:
    """Return the gradient of a function at x, plain."""
    at = Array(x, Leaf(Recording()))
    return value_of(_gradient(f(at), at))


def _holding(f: Function, x: Any, constraints: Iterable[Constraint]) -> list[tuple[Function, Any]]:
    """Return the constraints that hold a minimum of f, with their multipliers."""
    near = _NEAR * (1 + np.max(abs(x), initial=0.0))
    met = [c for c in constraints if c.is_equation or value_of(restack(c.f(x))) <= near]
    if not met:
        return []
    slopes = np.stack([_slope(c.f, x) for c in met])
    least = [-np.inf if c.is_equation else 0.0 for c in met]
    solve = importlib.import_module("scipy.optimize").lsq_linear
    multipliers = solve(slopes.T, _slope(f, x), (least, np.inf)).x
    pulls = multipliers > near * (1 + np.max(abs(multipliers)))
    return [
        (c.f, m)
        for c, m, pull in zip(met, multipliers, pulls, strict=True)
        if c.is_equation or pull
    ]


def minimum(f: Function, x: Any, constraints: Iterable[Constraint] = ()) -> Any:
    """Return the minimum x of a function as what it is of all that the function depends on."""
    holding = _holding(f, x, constraints)
    if not holding:
        return solution(lambda x: _gradient(f(x), x), x)
    n = len(x)

    def lagrangian(z: Any) -> Any:
        held = np.sum(z[n:] * np.stack([operand(restack(c(z[:n]))) for c, _ in holding]))
        return f(z[:n]) - held

    start = np.concatenate([x, [multiplier for _, multiplier in holding]])
    return solution(lambda z: _gradient(lagrangian(z), z), start)[:n]


@made_of("scipy.optimize.minimize")
def _minimize(original: Function) -> Function:
    @one_vertex("x", "fun")
    @functools.wraps(original)
    def minimize(
        fun: Function,
        x0: Any,
        args: Any = (),
        method: Any = None,
        jac: Any = None,
        hess: Any = None,
        hessp: Any = None,
        bounds: Any = None,
        constraints: Any = (),
        **options: Any,
    ) -> Any:
        plainly = map(unrecorded, (fun, x0, args, method, jac, hess, hessp))
        limits = plain_constraints(bounds) if hasattr(bounds, "lb") else plain(bounds)
        found = original(*plainly, limits, plain_constraints(constraints), **options)
        given = arguments(args)

        def f(x: Any) -> Any:
            return fun(x, *given)[0] if jac is True else fun(x, *given)

        x = minimum(f, found.x, (*bounds_of(found.x, bounds), *all_of(found.x, constraints)))
        if depends_on_arrays(x):
            flat = not found.success and np.max(abs(_slope(f, found.x)), initial=0.0) <= _FLAT
            check_converged(original, found.success or flat, x, found.message)
            found.x, found.fun = x, f(x)
        return differentiated(found, x, "x", "fun")

    return minimize


@made_of("scipy.optimize.minimize_scalar")
def _minimize_scalar(original: Function) -> Function:
    @one_vertex("x", "fun")
    @functools.wraps(original)
    def minimize(
        fun: Function, bracket: Any = None, bounds: Any = None, args: Any = (), **options: Any
    ) -> Any:
        found = with_plain_numbers(original, fun, bracket, bounds, args, **options)
        given = arguments(args)
        x = minimum(lambda x: fun(x, *given), found.x)
        check_converged(original, found.success, x, found.message)
        if depends_on_arrays(x):
            found.x, found.fun = x, fun(x, *given)
        return differentiated(found, x, "x", "fun")

    return minimize
