"""The chain rule: products along paths, sums at forks, whichever way the graph is shaped."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr

X = np.array([0.5, -1.5, 2.0])


def test_the_circuit_of_the_lecture():
    def f(x, y, z):
        return (x + y) * z

    assert cr.value_and_grad(f, (0, 1, 2))(-2.0, 5.0, -4.0) == (-12.0, (-4.0, -4.0, 3.0))


def test_gradients_are_summed_at_forks():
    def f(x):
        return x * x + 3.0 * x + x  # four paths

    assert cr.grad(f)(5.0) == 14.0


def test_a_doubling_graph_is_walked_once_per_node():
    calls = 0

    def slope(x, y):
        nonlocal calls
        calls += 1
        return 2.0

    double = cr.elementwise("counted_double", lambda x: x + x, d=slope)

    def f(x):
        for _ in range(40):  # 2 ** 40 paths
            x = double(x) + 0.0
        return x

    assert cr.grad(f)(1.0) == 2.0**40
    assert calls == 40


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=30))
def test_random_graphs_of_products_and_sums(edges):
    """Against dual numbers, which know nothing of graphs."""

    def f(x):
        values = [x, x * 0.5]
        for k, (a, b) in enumerate(edges):
            a, b = values[a % len(values)], values[b % len(values)]
            values.append(a + b if k % 2 else a * b * 0.25)
        return values[-1]

    class Dual(tuple):
        def __add__(self, other):
            return Dual((self[0] + other[0], self[1] + other[1]))

        def __mul__(self, other):
            if isinstance(other, float):
                return Dual((self[0] * other, self[1] * other))
            return Dual((self[0] * other[0], self[1] * other[0] + self[0] * other[1]))

    value, slope = f(Dual((1.25, 1.0)))
    found = cr.value_and_grad(f)(1.25)
    assert found[0] == value
    assert found[1] == pytest.approx(slope, rel=1e-12)


def test_an_array_added_into_is_nobody_elses():
    kept = []

    def hand_on(g, x, y):
        kept.append((g, np.array(g)))
        return g  # the very array that came in

    same = cr.operation("handed_on", lambda x: x.copy(), pullback=hand_on)
    np.testing.assert_array_equal(
        cr.grad(lambda x: np.sum(same(x) * 2.0) + np.sum(x * x) + np.sum(x))(X), 3.0 + 2.0 * X
    )
    for g, before in kept:
        np.testing.assert_array_equal(g, before)


def test_indexing_adds_into_one_buffer_and_keeps_all_paths():
    def f(x):
        return x[0] * x[1] + np.sum(x[[0, 0, 2]] ** 2) + np.sum(x)

    np.testing.assert_allclose(
        cr.grad(f)(X), [X[1] + 4 * X[0] + 1, X[0] + 1, 2 * X[2] + 1], rtol=1e-15
    )


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_higher_orders_through_forks(order):
    f = lambda x: x * x * x * x + x * x
    expected = [4 * 27 + 6.0, 12 * 9 + 2.0, 24 * 3.0, 24.0]
    for _ in range(order):
        f = cr.grad(f)
    assert f(3.0) == expected[order - 1]


def test_zero_stops_at_an_infinite_local_gradient():
    g = cr.grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)))(np.array([0.0, 4.0]))
    np.testing.assert_array_equal(g, [0.0, 0.25])


def test_chain_of_100_000_operations():
    def chain(x):
        for _ in range(100_000):
            x = x * 1.0 + 0.0 * 1e-9
        return x

    assert cr.grad(chain)(3.0) == 1.0
    assert cr.jvp(chain, (3.0,), (2.0,)) == (3.0, 2.0)


def test_local_gradient_that_python_cannot_compute_is_inf():
    assert cr.grad(lambda x: math.sqrt(x))(0.0) == math.inf


def test_nan_is_handed_through():
    g = cr.grad(lambda x: np.sum(x * x))(np.array([np.nan, 1.0]))
    np.testing.assert_array_equal(g, [np.nan, 2.0])
