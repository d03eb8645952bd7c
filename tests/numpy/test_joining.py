"""What joins arrays in brackets, and functions of lists of what is recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy import r_

import chainrule as cr

V, M = np.array([0.5, 1.5, 2.5]), np.arange(6.0).reshape(3, 2)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.r_[x, 1.0, x[0], 2:4],
        lambda x: r_[x[0], x],
        lambda x: np.r_[0:1:3j, x],
        lambda x: np.c_[x, V, x**2],
        lambda x: np.c_[M, x, [1.0, 2.0, 3.0]],
        lambda x: np.r_["0,2", x, x],
        lambda x: np.r_[V, V] * x[0],
    ],
)
def test_arrays_in_brackets(f: Any) -> None:
    def total(x: Any) -> Any:
        return np.sum(f(x) ** 2)

    assert cr.value_and_grad(total)(V)[0] == total(V)
    cr.check_gradient(total, V)
    np.testing.assert_allclose(cr.compile(cr.grad(total))(V), cr.grad(total)(V))


def test_brackets_keep_single_precision() -> None:
    x = V.astype(np.float32)
    assert cr.vjp(lambda x: np.r_[x, 1.0], x)[0].dtype == np.float32
    assert cr.vjp(lambda x: np.c_[x, V], x)[0].dtype == np.float64


def test_brackets_record_one_operation() -> None:
    stage, *_ = cr.stage(lambda x: np.sum(np.c_[x, x]), V).stages
    assert stage.expression == "np.sum(np.concatenate((x[:, None], x[:, None]), axis=1))"


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.mean(np.square([x[0], x[1] * 3])),
        lambda x: np.std(np.abs([x[0], x[1]])),
        lambda x: np.mean((np.array([1.0, 5.0]) - [x[0], x[1]]) ** 2),
        lambda x: np.median(np.exp([x[0], x[1], x[2]])),
    ],
)
def test_functions_of_lists(f: Any) -> None:
    assert cr.value_and_grad(f)(V)[0] == pytest.approx(f(V), rel=1e-15)
    cr.check_gradient(f, V)
