"""Writes into arrays that share memory, and into what the function does not make itself.

Compiled code does what the function does also where the first call shows nothing: a write that
changes nothing then, as a multiplication of zeros.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import chainrule as cr

from ..conftest import same

POINTS = [np.arange(6.0).reshape(2, 3) * k for k in range(5)]  # zeros at first


class Model:
    shared = np.zeros(3)

    def __init__(self) -> None:
        self.state = np.zeros((2, 3))
        self.rows = [self.state[0]]
        self.places = np.array([0, 2, 1])


def view_of_an_argument(x, model):
    v = x[1:]
    v *= 2
    return np.sum(x)


def transposed_argument(x, model):
    v = x.T
    v[0] = v[0] * 2
    return np.sum(v)


def row_of_an_argument(x, model):
    for row in x:
        row *= 2
    return np.sum(x**2)


def view_of_an_array(x):
    a = x * 2
    v = a[0]
    v += x[1]
    return np.sum(a) + np.sum(v)


def array_with_a_view(x):
    a = x * 2
    v = a.reshape(3, 2)
    a *= x
    return np.sum(v * v)


def two_views(x):
    a = x * 2
    v, w = a[0], np.flip(a)
    v += x[1]
    return w


def condition_of_a_view(x):
    a = x * 2
    v = a[0, :]
    v += x[1]
    return np.sum(x) if np.sum(a) > 40 else np.sum(x * x)


def view_of_a_captured_array(x, model):
    v = model.state[:]
    v += x
    return np.sum(x)


def row_of_a_captured_array(x, model):
    for row in model.state:
        row += x[0]
    return np.sum(x)


def captured_view(x, model):
    model.rows[0][:] += x[1]
    return np.sum(x)


def put(x, model):
    np.put(model.state, 0, model.state[0, 0] * 2 + 1)
    return np.sum(x)


def put_that_does_nothing_at_first(x, model):
    np.put(model.state, 0, model.state[0, 0] * 2)
    return np.sum(x)


def sorted_in_place(x, model):
    model.state.sort()
    return np.sum(x)


def integers(x, model):
    k = model.places
    k[...] = k[::-1].copy()
    return x[0][[int(i) for i in k]]


def array_of_a_class(x, model):
    v = Model.shared[:]
    v += 1
    return np.sum(x)


AS_PYTHON = [
    *(view_of_an_argument, transposed_argument, row_of_an_argument, view_of_a_captured_array),
    *(row_of_a_captured_array, captured_view, put, put_that_does_nothing_at_first),
    *(sorted_in_place, integers, array_of_a_class),
]


@pytest.mark.parametrize("f", AS_PYTHON)
def test_what_is_written_is_seen(f: Any, compiled: Any) -> None:
    mine, theirs = Model(), Model()
    fast = compiled(lambda x: f(x, mine))
    for k, point in enumerate(POINTS):
        a, b = point.copy(), point.copy()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            before = Model.shared.copy()
            found = fast(a)
            if k == 0:
                assert [x.category for x in caught] == [cr.errors.NotCompiledWarning]
                assert "writes into" in str(caught[0].message) or f is array_of_a_class
            difference = Model.shared - before
        expected = f(b, theirs)
        same(found, expected)
        same(a, b)
        same(mine.state, theirs.state)
        assert np.array_equal(difference, np.full(3, float(f is array_of_a_class)))
        mine.state[0, 0] = theirs.state[0, 0] = k  # so that later calls find something to change


def view_alone(x):
    v = (x * 2)[0]
    v += x[1]
    a = np.reshape(x @ x.T, 4)
    a += 1
    a *= a
    return np.sum(v) + np.sum(a)


def parts(x):
    a = x * 2
    a[0] += x[1]
    a[:, 1:] *= 3
    a[1, 2] -= 7
    a[..., 0] /= 2
    return np.sum(a * a)


def copies(x):
    a, b, c = x.copy(), x.flatten(), np.array(x)
    v, w = a[0], c.T
    v += 1
    b += 2
    w *= 2
    return np.sum(x * x) + np.sum(v) + np.sum(b * b) + np.sum(w)


def numbers(x):
    first = x[0, 1]
    a = x[0] * 1
    second = a[1]
    a *= 3
    return first * second * np.sum(a)


def fresh_views(x):
    a = x * 2
    a[0] = x[1]
    v = a[0]
    a = a + 1
    v[1:] = 5
    return np.sum(a * a) + np.sum(v)


def written_before_it_is_used_in_a_gradient(x):
    def loss(y):
        e, p = np.exp(y * 0.01)[1:], np.exp(-y * 0.01).reshape(3, 2)
        e *= 2
        p[0] -= 1
        return np.sum(e * e) + np.sum(p * p)

    return cr.grad(loss)(x)


@pytest.mark.parametrize(
    "f",
    [
        *(view_alone, parts, copies, numbers, fresh_views, written_before_it_is_used_in_a_gradient),
        *(view_of_an_array, array_with_a_view, two_views, condition_of_a_view),
    ],
)
def test_writes_into_what_the_function_makes_are_compiled(f: Any, compiled: Any) -> None:
    fast = compiled(f)
    for point in POINTS:
        same(fast(point), f(point), 1e-12)


def own_array(x):
    buffer = np.linspace(0, 1, x.size).reshape(x.shape)
    a = x * buffer
    buffer += 1
    b = x * buffer
    buffer[:] = 7
    return a + b


def own_view(x):
    buffer = np.linspace(0, 1, x.size)
    row = buffer[:3]
    a = x * row
    buffer *= 2
    return a + x * row


@pytest.mark.parametrize("f", [own_array, own_view])
@pytest.mark.parametrize("rows", [2, 2000])
def test_arrays_that_the_function_fills_again(f: Any, rows: int, compiled: Any) -> None:
    fast = compiled(f)
    for k in range(5):
        x = np.random.default_rng(k).normal(size=(rows, 3))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", cr.errors.NotCompiledWarning)  # where it is large
            found = fast(x)
        same(found, f(x))


def test_an_argument_of_integers_that_is_written(compiled: Any) -> None:
    def f(x, k):
        k[0] += 1
        return [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0][int(k[0])] * x

    fast = compiled(f)
    mine, theirs = np.array([0]), np.array([0])
    with pytest.warns(cr.errors.NotCompiledWarning, match="writes into"):
        same(fast(2.0, mine), f(2.0, theirs))
    for _ in range(4):
        same(fast(2.0, mine), f(2.0, theirs))
        same(mine, theirs)
