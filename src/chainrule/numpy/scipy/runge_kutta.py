"""The steps of SciPy's solvers of differential equations, taken again on Arrays.

A solver chooses its steps by plain numbers. On the steps that it chose, the formulas of the method
are differentiated as any other program: by the start, by parameters, by the times. What comes of
that is the derivative of the numbers that the solver gives, which is as exact as they are (Hairer,
Norsett and Wanner, Solving Ordinary Differential Equations I, 1993, section I.14).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

__all__ = ["Step", "explicit_steps"]

Slope = Callable[[Any, Any], Any]


class Step(NamedTuple):
    """One step: where it begins, how long it is, its end, and the solution within.

    ``within(x)`` is the solution after a share x of the step.
    """

    t: Any
    h: Any
    y: Any
    within: Callable[[Any], Any]


def _combined(weights: Any, slopes: Sequence[Any]) -> Any:
    """Return a sum of slopes, by weights of which some are zero."""
    terms = [w * k for w, k in zip(weights, slopes, strict=False) if w]
    return sum(terms[1:], terms[0]) if terms else 0.0 * slopes[0]


def explicit_steps(method: Any, f: Slope, times: Sequence[Any], y: Any) -> list[Step]:
    """Take the steps of an explicit method of SciPy's, one from each time to the next."""
    steps = []
    slope = f(times[0], y)
    for t, end in itertools.pairwise(times):
        h = end - t
        slopes = [slope]
        for row, c in zip(
            method.A[1 : method.n_stages], method.C[1 : method.n_stages], strict=True
        ):
            slopes.append(f(t + c * h, y + h * _combined(row, slopes)))
        new = y + h * _combined(method.B, slopes)
        slope = f(end, new)
        slopes.append(slope)
        dense = _dense_of_order_7 if hasattr(method, "D") else _dense
        steps.append(Step(t, h, new, dense(method, f, t, h, y, new, slopes)))
        y = new
    return steps


def _dense(
    method: Any, f: Slope, t: Any, h: Any, y: Any, new: Any, slopes: list[Any]
) -> Callable[[Any], Any]:
    """Return the polynomial of RK23 and RK45 within a step."""

    def within(x: Any) -> Any:
        powers = [x ** (k + 1) for k in range(method.P.shape[1])]
        weights = [sum(p * power for p, power in zip(row, powers, strict=True)) for row in method.P]
        return y + h * sum(w * k for w, k in zip(weights, slopes, strict=True))

    return within


def _dense_of_order_7(
    method: Any, f: Slope, t: Any, h: Any, y: Any, new: Any, slopes: list[Any]
) -> Callable[[Any], Any]:
    """Return the polynomial of DOP853 within a step, which takes three more slopes."""
    made: list[Any] = []

    def within(x: Any) -> Any:
        if not made:
            more = list(slopes)
            for row, c in zip(method.A_EXTRA, method.C_EXTRA, strict=True):
                more.append(f(t + c * h, y + h * _combined(row, more)))
            change = new - y
            made.extend([change, h * slopes[0] - change, 2 * change - h * (slopes[-1] + slopes[0])])
            made.extend(h * _combined(row, more) for row in method.D)
        total = 0.0
        for k, part in enumerate(reversed(made)):
            total = (total + part) * (1 - x if k % 2 else x)
        return y + total

    return within
