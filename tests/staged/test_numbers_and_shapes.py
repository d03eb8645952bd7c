"""Numbers are written for Python's floats, whatever type they had in the run; shapes are kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr

V, COLUMN, ZERO_D = np.array([1.0, 2.0, 3.0]), np.array([[1.0], [2.0]]), np.array(0.5)


def single_beside_double(x: Any) -> Any:
    return np.sum(x.astype(np.float32)) + np.sum(x)


@pytest.mark.parametrize(
    ("f", "x", "lines"),
    [
        (lambda x: np.sum(x[1:]) + np.sum(x), V, ["dx = np.ones_like(x)", "dx[1:] += 1.0"]),
        (lambda x: np.sum(x[None]), V, ["dx = np.ones_like(x)"]),
        (lambda x: (x.T @ x).reshape(()), COLUMN, ["dx = 2 * (x @ np.ones((1, 1)))"]),
        (lambda x: np.mean(np.atleast_1d(x / np.sqrt(2.0))), 0.5, ["dx = 1 / math.sqrt(2)"]),
        (lambda x: np.sum(np.transpose(x)), ZERO_D, ["dx = 1.0"]),
        (lambda x: np.sum(np.swapaxes(x, 0, 0)), V, ["dx = np.ones_like(x)"]),
        (lambda x: np.squeeze(-(x @ V) / 3), V, None),
        (single_beside_double, V, None),
        (lambda x: np.sum(np.float32(2.0) * x) * np.sum(x[::-1]), V, None),
        (lambda x: np.sum(x[...] * x[()]) + np.sum(x[None, None] ** 2), ZERO_D, None),
    ],
)  # fmt: skip
def test_numbers_that_become_arrays(f: Any, x: Any, lines: list[str] | None) -> None:
    staged = cr.stage(f, x)
    if lines is not None:
        assert [line.text for line in staged.backward] == lines
    (g,) = staged(x)[1]
    np.testing.assert_allclose(g, cr.grad(f)(x), rtol=1e-6)
    assert np.shape(g) == np.shape(x)
    assert cr.explain(f, x).text


def test_a_tree_of_one_stays_a_tuple_on_many_lines() -> None:
    names = ("weights1", "biases1", "weights2", "biases2", "weights3")

    def loss(p: Any, x: Any) -> Any:
        hidden = (p["weights1"] * x + p["biases1"]) * p["weights2"]
        return np.sum(hidden + p["biases2"] * p["weights3"])

    p = {name: np.ones(2) for name in names}
    _, gradients = cr.stage(loss, p, 2.0, argnums=0)(p, 2.0)
    assert isinstance(gradients, tuple)
    assert gradients[0].keys() == p.keys()


def residual(w: Any) -> Any:
    def u(x: Any) -> Any:
        return np.sum(np.tanh(w * x))

    return cr.grad(cr.grad(u))(0.5) ** 2 + u(0.5) ** 2


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (residual, np.array([1.0, 2.0])),
        (lambda x: cr.grad(lambda y: y**2 * x)(3.0), 0.5),
        (lambda w: np.sum(cr.grad(lambda v: np.sum(np.sqrt(v) * w))(V)), V),
        (lambda w: np.sum(cr.jacobian(lambda v: w @ np.sin(v))(V)), np.eye(3)),
        (lambda w: np.sum(cr.hessian(lambda v: np.sum(v**3) * w)(V)), 2.0),
    ],
)
def test_gradients_inside_at_constant_points(f: Any, x: Any) -> None:
    (g,) = cr.stage(f, x)(x)[1]
    np.testing.assert_allclose(g, cr.grad(f)(x), rtol=1e-10)
    assert cr.explain(f, x).text


def test_a_gradient_inside_reads_as_a_person_would_write_it() -> None:
    def f(x: Any) -> Any:
        return cr.grad(lambda y: y**2 * x)(3.0)

    (stage,) = cr.stage(f, 0.5).stages
    assert stage.text == "value = 6.0 * x"


def test_gradients_are_arrays_of_their_own() -> None:
    def f(w: Any) -> Any:
        return np.sum(cr.jacobian(lambda v: w @ np.sin(v))(np.ones(3)))

    staged = cr.stage(f, np.ones((3, 3)))
    (g,) = staged(np.ones((3, 3)))[1]
    g[0, 0] = 7.0
    assert np.count_nonzero(g == 7.0) == 1
