"""Declaring an operation: rows of one's own, and what is read off their rules."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.core.kinds import constant, elementwise, general, linear

X = np.array([0.5, -1.5, 2.0])


def test_an_elementwise_row_broadcasts_and_goes_both_ways():
    mix = elementwise("mix", lambda a, b: a * a + b, d=(lambda a, b, y: 2 * a, 1))
    a, b = X[:, None], np.array([1.0, 2.0])
    da, db = cr.grad(lambda a, b: np.sum(mix(a, b)), (0, 1))(a, b)
    np.testing.assert_allclose(da, 4 * a)
    np.testing.assert_allclose(db, [3.0, 3.0])
    _, tangent = cr.jvp(mix, (a, b), (np.ones_like(a), np.zeros_like(b)))
    np.testing.assert_allclose(tangent, np.broadcast_to(2 * a, (3, 2)))


def test_a_linear_row_pushes_forward_by_itself():
    double = linear(
        "double_sum", lambda x: 2.0 * np.sum(x), pullback=lambda g, x: g * np.full(3, 2.0)
    )
    assert cr.jvp(double, (X,), (np.ones(3),)) == (2.0 * X.sum(), 6.0)
    np.testing.assert_array_equal(cr.grad(double)(X), np.full(3, 2.0))


def test_a_general_row_pushes_forward_by_pulling_back_twice():
    length = general("length", lambda x: np.sqrt(np.sum(x * x)), pullback=lambda g, x, y: g * x / y)
    value, tangent = cr.jvp(length, (X,), (np.array([1.0, 0.0, 0.0]),))
    assert tangent == pytest.approx(X[0] / value)
    np.testing.assert_allclose(
        cr.hessian(length)(X), cr.hessian(lambda x: np.sqrt(np.sum(x * x)))(X), atol=1e-14
    )


def test_a_constant_row_stops_the_gradient():
    rank = constant("rank", lambda x: np.argsort(np.argsort(x)))
    np.testing.assert_array_equal(
        cr.grad(lambda x: np.sum(rank(x) * x))(X), np.argsort(np.argsort(X))
    )


@pytest.mark.parametrize(
    ("rule", "operands", "output"),
    [
        (lambda x, y: y * y, set(), True),
        (lambda x, y: 2 * x, {0}, False),
        (lambda x, y: 2.0, set(), False),
        (1, set(), False),
    ],
)
def test_what_a_rule_reads_is_read_off_its_code(rule, operands, output):
    row = elementwise("probed", np.negative, d=rule)
    assert row.needs(0, 1) == (operands, output)


def test_plain_values_make_no_nodes():
    cube = elementwise("cubed", lambda x: x**3, d=lambda x, y: 3 * x**2)
    assert cube(2.0) == 8.0
    assert type(cube(X)) is np.ndarray


def test_parameters_reach_the_rule():
    scale = elementwise("scale_by", lambda x, factor: x * factor, d=lambda x, y, factor: factor)
    np.testing.assert_array_equal(
        cr.grad(lambda x: np.sum(scale(x, factor=3.0)))(X), np.full(3, 3.0)
    )
