"""Results written over arguments that were given up: the same numbers, and all at once or not."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.native.compiled import Compiled
from chainrule.native.executable import donating

RNG = np.random.default_rng(0)
A, B, X = RNG.normal(size=(3, 40, 40))


def descent(carried, x):
    p, v = carried
    g = cr.grad(lambda p: np.mean(np.tanh(x @ p["w"] + p["b"]) ** 2))(p)
    v = {name: 0.9 * v[name] + g[name] for name in p}
    return ({name: p[name] - 0.1 * v[name] for name in p}, v), np.sum(g["b"])


def recurrent(carried, x):
    w, u = carried

    def loss(w):
        h = np.zeros(40)
        for row in x:
            h = np.tanh(w @ h + row)
        return np.sum(h * u[0])

    return [w - 0.1 * cr.grad(loss)(w), u * 0.5], loss(w)


def swapped(carried, x):
    a, b = carried
    return [b + x, a - x], np.sum(x)


def transposed(carried, x):
    a, b = carried
    return [a.T + x, b * 2], np.sum(x)


def of_each_other(carried, x):
    a, b = carried
    return [a + 0.1 * x @ b, b + 0.1 * x @ a], np.sum(a @ b)


def picked(carried, x):
    a, b = carried
    return [a[::-1] * x, b + a], np.sum(b)


def again(carried, x):  # a is read a second time when the means of a row are known
    a, b = carried
    return [a + 0.1 * a * b, b - 0.1 * (a - np.mean(a + b, axis=1, keepdims=True))], np.sum(x)


def unchanged(carried, x):
    a, b = carried
    return [a, b + np.sum(a) * x], np.max(a)


def weights():
    return {"w": A.copy(), "b": B[0].copy()}, {"w": np.zeros((40, 40)), "b": np.zeros(40)}


def pair():
    return [A.copy(), B.copy()]


@pytest.mark.parametrize(
    ("f", "make", "in_place"),
    [
        (descent, weights, True),
        (recurrent, pair, True),
        (swapped, pair, False),
        (transposed, pair, False),
        (of_each_other, pair, True),
        (picked, pair, False),
        (again, pair, False),
        (unchanged, pair, True),
    ],
)
def test_results_are_those_of_a_function_that_writes_over_nothing(f, make, in_place):
    plain, donated = Compiled(f), Compiled(f, donating)
    plain(make(), X), donated(make(), X)  # recorded, by Python
    expected, found = make(), make()
    for _ in range(3):
        expected, number = plain(expected, X)
        given = cr.trees.flatten(found)[0]
        found, other = donated(found, X)
        leaves = cr.trees.flatten(found)[0]
        np.testing.assert_allclose(number, other, rtol=1e-12)
        for ours, theirs in zip(leaves, cr.trees.flatten(expected)[0], strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert [x is y for x, y in zip(given, leaves, strict=True)] == [in_place] * len(leaves)


def test_what_ends_a_run_early_finds_the_arguments_as_they_were():
    def f(carried, rows, x):
        (a,) = carried
        if np.sum(x) < 0:
            return [a - x], 0.0
        return [a + x[rows]], np.sum(a)

    step = Compiled(f, donating)
    rows = np.arange(40)
    step([A.copy()], rows, abs(X))
    a = A.copy()
    (found,), _ = step([a], rows, abs(X))
    assert found is a
    np.testing.assert_allclose(a, A + abs(X))
    (found,), number = step([a], rows, -abs(X))  # another way through the function
    assert number == 0
    np.testing.assert_allclose(found, A + 2 * abs(X))
    before = found.copy()
    with pytest.raises(IndexError):
        step([found], rows + 1, abs(X))
    np.testing.assert_array_equal(found, before)


def test_arrays_of_other_shapes_than_the_results_are_left_alone():
    step = Compiled(lambda carried, x: ([carried[0] @ x, carried[1].sum()], 0.0), donating)
    for _ in range(3):
        a, b = np.ones((2, 40)), np.ones(3)
        (found, total), _ = step([a, b], X)
        np.testing.assert_allclose(found, np.ones((2, 40)) @ X)
        assert total == 3
        assert found is not a
        assert (a == 1).all()
