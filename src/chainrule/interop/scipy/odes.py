"""`solve_ivp` of scipy.integrate, with exact Jacobians for stiff equations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.core.callables import name_of
from chainrule.errors import ArgumentError
from chainrule.interop.scipy import derivatives
from chainrule.interop.scipy.parameters import as_vector, refuse_arrays, start
from chainrule.numpy.creation import restack
from chainrule.numpy.view import UserFunction
from chainrule.transforms.jacobians import jacobian
from chainrule.transforms.ravel import Unravel

__all__ = ["solve_ivp"]

Function = Callable[..., Any]

_IMPLICIT = ("Radau", "BDF", "LSODA")


def solve_ivp(
    fun: Function,
    t_span: Sequence[float],
    y0: Any,
    method: Any = "RK45",
    t_eval: Any = None,
    dense_output: bool = False,
    events: Any = None,
    vectorized: bool = False,
    args: Any = None,
    **options: Any,
) -> Any:
    """Solve ``dy/dt = fun(t, y, *args)`` as `scipy.integrate.solve_ivp` does.

    The right-hand side and, for the implicit methods ``Radau``, ``BDF`` and ``LSODA``, its exact
    Jacobian by the state are compiled, once for a function and the shapes of its arguments.

    Args:
        fun: a function of the time, the state and further arguments; it returns the state's
            derivative, as a tree like it.
        t_span: the first and the last time.
        y0: the state at first: an array, or a tree of arrays and numbers, as in `minimize`.
        method: as in SciPy.
        t_eval: as in SciPy.
        dense_output: as in SciPy.
        events: one or more functions of the same arguments, as in SciPy.
        vectorized: fun takes many states as columns; then it is still given one at a time.
        args: further arguments of fun and events, in a tuple.
        options: as in SciPy; ``jac`` is used in place of the exact Jacobian.

    Returns:
        SciPy's OdeResult. Of a tree ``y`` is a tree whose leaves have the times as a last axis,
        as has what ``sol`` returns for many times.

    Raises:
        ArgumentError: y0 is not what is needed; fun returned something else than a state.
        NonFiniteError: y0 is not finite.

    >>> import numpy as np
    >>> def van_der_pol(t, y, mu):
    ...     return [y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]]
    >>> found = solve_ivp(van_der_pol, (0, 100), [2, 0], method="BDF", args=(100.0,))
    >>> found.success
    True
    """
    from scipy import integrate

    args = () if args is None else args if isinstance(args, tuple) else (args,)
    refuse_arrays("solve_ivp", y0, args, t_span)
    y, unravel = start(y0, "y0")
    by_state = derivatives.swapped(_one_at_a_time(fun) if vectorized else fun)
    compiled = derivatives.vector(derivatives.value, by_state, unravel)
    name = method if isinstance(method, str) else getattr(method, "__name__", "")
    if name in _IMPLICIT:
        options["jac"] = _jacobian(options.get("jac"), by_state, unravel)
    if events is not None:
        several = isinstance(events, (tuple, list))
        made = [_event(e, unravel) for e in (events if several else [events])]
        events = made if several else made[0]
    start_time = float(t_span[0])
    if unravel.structure is not None:
        as_vector(fun(start_time, unravel(y), *args), unravel, f"what {name_of(fun)} returned")
    slope = compiled(y, start_time, *args)
    refuse_arrays("solve_ivp", slope)
    if len(slope) != unravel.size:
        raise ArgumentError(
            f"{name_of(fun)} returned {len(slope)} numbers for {unravel.size} entries of y0: it "
            "returns the derivative of each"
        )

    def right_hand_side(t: Any, y: Any, *args: Any) -> Any:
        return compiled(y, float(t), *args)

    found = integrate.solve_ivp(
        right_hand_side, t_span, y, method, t_eval, dense_output, events, args=args, **options
    )
    if unravel.structure is None and len(unravel.shapes[0]) == 1:
        return found
    found.y = _in_columns(found.y, unravel)
    if found.sol is not None:
        sol = found.sol
        found.sol = lambda t: _in_columns(sol(t), unravel)
    if found.y_events is not None:
        found.y_events = [_in_columns(np.transpose(y), unravel) for y in found.y_events]
    return found


def _jacobian(given: Any, by_state: Function, unravel: Unravel) -> Any:
    if given is None:
        rows = derivatives.vector(jacobian, by_state, unravel)
        return lambda t, y, *args: rows(y, float(t), *args)
    if callable(given):
        return lambda t, y, *args: given(t, unravel(y), *args)
    return given


def _one_at_a_time(f: Function) -> Function:
    run = UserFunction(f)

    def one(t: Any, y: Any, *args: Any) -> Any:
        return np.reshape(restack(run((t, y[:, None], *args), {})), -1)

    return derivatives.named(one, f)


def _event(event: Function, unravel: Unravel) -> Function:
    def happens(t: Any, y: Any, *args: Any) -> Any:
        return event(t, unravel(np.asarray(y)), *args)

    for attribute in ("terminal", "direction"):
        if hasattr(event, attribute):
            setattr(happens, attribute, getattr(event, attribute))
    return happens


def _in_columns(y: Any, unravel: Unravel) -> Any:
    """Return a tree of states, of an array in which they are columns."""
    blocks = zip(unravel.spans, unravel.shapes, strict=True)
    return unravel.build(y[a:b].reshape((*shape, *y.shape[1:])) for (a, b), shape in blocks)
