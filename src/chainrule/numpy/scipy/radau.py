"""Implicit steps for stiff equations, by Radau's method of order 5, on the steps of a solver."""

from __future__ import annotations

import importlib
import itertools
from typing import Any

import numpy as np

from chainrule.core.array import value_of
from chainrule.numpy.creation import restack
from chainrule.numpy.scipy.runge_kutta import Slope, Step
from chainrule.operations.implicit import solution

__all__ = ["radau_steps"]

# Hairer and Wanner, Solving Ordinary Differential Equations II, 1996, section IV.5.
_R6 = 6**0.5
_C = np.array([(4 - _R6) / 10, (4 + _R6) / 10, 1.0])
_A = np.array(
    [
        [(88 - 7 * _R6) / 360, (296 - 169 * _R6) / 1800, (-2 + 3 * _R6) / 225],
        [(296 + 169 * _R6) / 1800, (88 + 7 * _R6) / 360, (-2 - 3 * _R6) / 225],
        [(16 - _R6) / 36, (16 + _R6) / 36, 1 / 9],
    ]
)


def radau_steps(f: Slope, times: list[Any], y: Any, sol: Any) -> list[Step]:
    """Take a step from each time to the next; ``sol`` is the solution, nearly, at plain times."""
    steps = []
    for t, end in itertools.pairwise(times):
        step = _step(f, t, end - t, y, sol)
        steps.append(step)
        y = step.y
    return steps


def _step(f: Slope, t: Any, h: Any, y: Any, sol: Any) -> Step:
    n = len(y)

    def residual(stages: Any) -> Any:
        parts = [stages[k * n : (k + 1) * n] for k in range(3)]
        slopes = [f(t + c * h, part) for c, part in zip(_C, parts, strict=True)]
        return np.concatenate(
            [
                part - y - h * sum(a * slope for a, slope in zip(row, slopes, strict=True))
                for part, row in zip(parts, _A, strict=True)
            ]
        )

    guess = np.concatenate([sol(value_of(t) + c * value_of(h)) for c in _C])
    root = importlib.import_module("scipy.optimize").root
    found = root(lambda z: value_of(restack(residual(z))), guess, tol=1e-13)
    stages = solution(residual, found.x)
    first, second, new = (stages[k * n : (k + 1) * n] for k in range(3))

    def within(x: Any) -> Any:
        """Interpolate by the polynomial through the start and the stages."""
        nodes = [0.0, *_C]
        total = 0.0
        for k, value in enumerate((y, first, second, new)):
            weight = 1.0
            for j, node in enumerate(nodes):
                if j != k:
                    weight = weight * (x - node) / (nodes[k] - node)
            total = total + weight * value
        return total

    return Step(t, h, new, within)
