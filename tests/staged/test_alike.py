"""Stages of one kind are derived once: never where another derivation would have been found."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import trees


def root_that_meets_zero(x: Any) -> Any:
    """In one turn alone the local gradient is infinite."""
    y = 0.0 * x
    for t in range(9):
        y = y + np.where(x > t - 4, np.sqrt(np.maximum(x - t + 4, 0.0)), 0.0)
    return np.sum(y * x)


def powers(x: float) -> float:
    y = x
    for t in range(9):
        y = y + 0.1 * x**t
    return y


def scaled_by_other_numbers(x: float) -> float:
    y = x
    for c in (0.3, 0.7, 1.1, 2.0, 1.3, 0.9, 1.0, -0.4, 0.0, 0.6):
        y = math.sin(c * y) + c * x
    return y


def windows(x: Any) -> Any:
    s = 0.0
    for t in range(1, 9):
        s = s + np.sum(x[t - 1 : t + 2]) * x[t] * np.mean(x[:t])
    return s


def rows_and_columns(A: Any) -> Any:
    s = 0.0
    for i in range(6):
        for j in range(6):
            s = s + A[i, j] * A[j, i] * A[i, 5 - i]
    return s


def overlapping(x: Any) -> Any:
    x = x.copy()
    for t in range(8):
        x[t : t + 2] = x[t + 1 : t + 3] * x[t : t + 2]
    return np.sum(x)


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (root_that_meets_zero, (np.array([0.0, 1.0, 2.5]),)),
        (powers, (0.6,)),
        (scaled_by_other_numbers, (0.4,)),
        (windows, (np.linspace(0.5, 1.5, 10),)),
        (rows_and_columns, (np.linspace(0.5, 1.5, 36).reshape(6, 6),)),
        (overlapping, (np.linspace(0.5, 1.5, 10),)),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_each_turn_has_its_own_gradient(f: Any, args: tuple[Any, ...]) -> None:
    code = cr.stage(f, *args)
    with np.errstate(divide="ignore", invalid="ignore"):
        value, gradients = cr.value_and_grad(f, argnums=(0,))(*args)
        found = trees.flatten(code(*args))[0]
    for a, b in zip(found, trees.flatten((value, gradients))[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)
