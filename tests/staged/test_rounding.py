"""What a shorter formula would round or overflow otherwise is printed as the rules give it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

SINGLE = np.array([1.0, 2.0], np.float32)
DOUBLE = np.array([1.0, 1.5])
CASES: list[tuple[Callable[..., Any], Any]] = [
    (lambda x: 1e200 * (1e200 * x) * 1e-300, 2.0),
    (lambda x: np.sum(1e200 * (1e200 * (1e-300 * x))), DOUBLE),
    (lambda x: 1e-200 * (1e-200 * x) * 1e300, 1.0),
    (lambda x: x / 1e200 / 1e200 * 1e300, 1.0),
    (lambda x: np.sum(x / 1e-200 / 1e-200), DOUBLE),
    (lambda x: np.sum(x * 1e200 * 1e100 / 1e200 / 1e200), DOUBLE),
    (lambda x: np.sum(x * math.sqrt(2) * 1e308 / math.sqrt(2)), DOUBLE),
    (lambda x: 1e300 * x - 1e300 * x, 3.0),
    (lambda x: np.sum(1e300 * x - 1e300 * x + x), DOUBLE),
    (lambda x: np.sum(1e16 * x - (1e16 * x - x)), DOUBLE),
    (lambda x: np.sum(1e307 * x - 1e307 * x * (1 - 1e-16)), DOUBLE),
    (lambda x: sum((1e17 * x + k * x) - 1e17 * x for k in range(5)), 1.1),
    (lambda x: np.exp(x) - np.exp(x) * (1 + 1e-15), 30.0),
    (lambda x: np.sum(1e30 * x - 1e30 * x + x), SINGLE),
    (lambda x: np.sum(x * np.float32(1e8) - x * np.float32(1e8) * np.float32(0.9999999)), SINGLE),
    (lambda x: np.sum(x * np.float32(3e38) * np.float32(1e-20)), SINGLE),
    (lambda x: np.sum(x * np.float64(1e39)), SINGLE),
    (lambda x: np.sum(x * 10**300), DOUBLE),
    (lambda x: x * 2**70 * 2**70, 0.5),
    (lambda x: np.sum(x * np.array([1e200, 1e-200]) * np.array([1e150, 1e-200])), DOUBLE),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("k", range(len(CASES)))
def test_the_gradient_is_that_of_eager_mode(k: int) -> None:
    f, x = CASES[k]
    expected, eager = cr.value_and_grad(f)(x)
    value, (dx,) = cr.stage(f, x)(x)
    np.testing.assert_allclose(value, expected, rtol=1e-15)
    np.testing.assert_allclose(dx, eager, rtol=1e-12)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.linalg.norm(x * 1e200), DOUBLE),
        (lambda x: np.log(x * 1e200 * 1e200), 1.0),
        (lambda x: (1e300 * x) * 1e10 - (1e300 * x) * 1e10, 3.0),
        (lambda x: 1e200 / (x * 1e-200), 1.0),
    ],
)
def test_a_value_that_overflows_is_not_called_a_bug(f: Any, x: Any) -> None:
    assert "return" in cr.stage(f, x).source


def test_the_function_is_run_once() -> None:
    runs = []

    def f(x):
        runs.append(1)
        return np.sum(1e300 * x - 1e300 * x + x)

    cr.stage(f, DOUBLE)
    assert len(runs) == 1
