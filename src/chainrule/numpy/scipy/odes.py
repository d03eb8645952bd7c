"""scipy.integrate: ordinary differential equations, by differentiating the steps."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.core.array import value_of
from chainrule.core.source import where_am_i
from chainrule.errors import NotConvergedError
from chainrule.numpy.axes import operand
from chainrule.numpy.creation import restack
from chainrule.numpy.dispatch import has_history, looked_at, plain, unsupported
from chainrule.numpy.scipy.radau import radau_steps
from chainrule.numpy.scipy.roots import Plainly, arguments, unrecorded
from chainrule.numpy.scipy.runge_kutta import Slope, Step, explicit_steps
from chainrule.numpy.scipy.table import made_of
from chainrule.numpy.scipy.vertices import one_vertex

__all__: list[str] = []

Function = Callable[..., Any]

_EXPLICIT = ("RK23", "RK45", "DOP853")
_IMPLICIT = ("Radau", "BDF", "LSODA")
_STIFF = 20  # times as many slopes as a method for stiff equations asks for


def _moved(times: Any, t_span: Sequence[Any]) -> list[Any]:
    """Return the times of steps, which move with the ends of the interval."""
    start, end = t_span
    if not has_history([start, end]):
        return list(map(float, times))
    shares = (times - times[0]) / (times[-1] - times[0])
    return [start + (end - start) * share for share in shares]


def _read_off(steps: list[Step], points: Any, ends: Any, first: Any) -> Any:
    """Return the solution at points, which lie in steps that end at some times."""
    direction = 1 if ends[-1] >= ends[0] else -1
    places = np.searchsorted(direction * ends, direction * value_of(points), side="left")
    columns = []
    for k, place in enumerate(places):
        if place == 0 and not has_history(points):
            columns.append(first)
            continue
        step = steps[min(max(place, 1), len(steps)) - 1]
        columns.append(step.within((points[k] - step.t) / step.h))
    return np.stack(columns, axis=-1)


@made_of("scipy.integrate.solve_ivp")
def _solve_ivp(original: Function) -> Function:
    @one_vertex("t", "y")
    @functools.wraps(original)
    def solve_ivp(
        fun: Function,
        t_span: Sequence[Any],
        y0: Any,
        method: Any = "RK45",
        t_eval: Any = None,
        dense_output: bool = False,
        events: Any = None,
        vectorized: bool = False,
        args: Any = None,
        **options: Any,
    ) -> Any:
        more = () if args is None else arguments(args)
        slopes = Plainly(lambda t, y: fun(t, y, *more))
        y0, t_eval = restack(y0), restack(t_eval)
        span = [float(plain(t)) for t in t_span]
        options = {name: unrecorded(x) for name, x in options.items()}
        asked = (plain(t_eval), dense_output, unrecorded(events), vectorized)
        found = original(slopes, span, plain(y0), method, *asked, **options)
        if not (slopes.met or has_history([y0, t_eval, list(t_span)])):
            return found
        name = method if isinstance(method, str) else getattr(method, "__name__", str(method))
        if events is not None or dense_output or name not in (*_EXPLICIT, *_IMPLICIT):
            what = "events" if events is not None else "dense_output=True"
            what = what if name in (*_EXPLICIT, *_IMPLICIT) else f"method={name}"
            raise unsupported(
                f"scipy.integrate.solve_ivp with {what}", "leave it out, and give times by t_eval"
            )
        if not found.success:
            raise NotConvergedError(
                f"scipy.integrate.solve_ivp has not reached the end, at {where_am_i()}: "
                f"{found.message}"
            )
        again = (slopes, span, plain(y0), method, None, True, None, vectorized)
        sol = original(*again, **options).sol

        def slope(t: Any, y: Any) -> Any:
            return operand(restack(fun(t, y, *more)))

        times = _moved(sol.ts, t_span)
        y, steps = _steps(name, slope, times, operand(y0) * 1.0, sol)
        if t_eval is None:
            result = np.stack([y, *(step.y for step in steps)], axis=-1)
            found.t = np.stack(times) if has_history(times) else found.t
        else:
            points = operand(t_eval)
            result = _read_off(steps, points, sol.ts, y)
            found.t = points if has_history(points) else found.t
        looked_at(result)
        found.y = result + (found.y - value_of(result))  # the very numbers that SciPy gives
        return found

    return solve_ivp


def _steps(name: str, f: Slope, times: list[Any], y: Any, sol: Any) -> tuple[Any, list[Step]]:
    if name in _EXPLICIT:
        method = getattr(importlib.import_module("scipy.integrate"), name)
        return y, explicit_steps(method, f, times, y)
    return y, radau_steps(f, times, y, sol)


@made_of("scipy.integrate.odeint")
def _odeint(original: Function) -> Function:
    @one_vertex()
    @functools.wraps(original)
    def odeint(
        func: Function,
        y0: Any,
        t: Any,
        args: Any = (),
        Dfun: Any = None,
        *rest: Any,
        **options: Any,
    ) -> Any:
        more = arguments(args)
        first = options.get("tfirst", False)
        slopes = Plainly(lambda a, b: func(a, b, *more))
        y0, t = np.atleast_1d(operand(restack(y0))), operand(restack(t))
        jacobian = None if Dfun is None else unrecorded(lambda a, b: Dfun(a, b, *more))
        found = original(slopes, plain(y0), plain(t), (), jacobian, *rest, **options)
        if not (slopes.met or has_history([y0, t])):
            return found
        count = slopes.count

        def slope(t: Any, y: Any) -> Any:
            return operand(restack(func(*((t, y) if first else (y, t)), *more)))

        result = _by_steps(slope, y0 * 1.0, t, options, count)
        looked_at(result)
        values = found[0] if isinstance(found, tuple) else found
        result = result + (values - value_of(result))  # the very numbers that SciPy gives
        return (result, *found[1:]) if isinstance(found, tuple) else result

    return odeint


def _by_steps(f: Slope, y0: Any, t: Any, options: Any, count: int) -> Any:
    """Return the solution at some times by steps of a method of high order."""
    solve = importlib.import_module("scipy.integrate").solve_ivp
    tolerances = {
        "rtol": np.max(options.get("rtol") or 1.49012e-8),
        "atol": options.get("atol") or 1.49012e-8,
    }
    times = value_of(t)
    slopes = Plainly(f)
    limit = max(_STIFF * count, 2_000)

    def limited(t: Any, y: Any) -> Any:
        if slopes.count > limit:
            raise _Stiff
        return slopes(t, y)

    name = "DOP853"
    try:
        sol = solve(limited, (times[0], times[-1]), plain(y0), name, None, True, **tolerances).sol
    except _Stiff:
        name = "Radau"
        sol = solve(slopes, (times[0], times[-1]), plain(y0), name, None, True, **tolerances).sol
    y, steps = _steps(name, f, _moved(sol.ts, (t[0], t[-1])), y0, sol)
    return _read_off(steps, t, sol.ts, y).T


class _Stiff(Exception):
    """An explicit method takes too many steps."""
