"""autograd.misc: trees as vectors, optimisers, fixed points, graphs of one run."""

from __future__ import annotations

import numpy
import pytest

import chainrule.interop.autograd.numpy as np
from chainrule.interop.autograd import grad, primitive
from chainrule.interop.autograd.misc import const_graph, flatten, optimizers
from chainrule.interop.autograd.misc.fixed_points import fixed_point
from chainrule.interop.autograd.misc.flatten import flatten_func
from chainrule.transforms.ravel import ravel

TREE = {"w": numpy.arange(6.0).reshape(2, 3), "b": (0.5, numpy.float32(2.0)), "none": []}


def test_flatten_and_back():
    vector, unflatten = flatten(TREE)
    numpy.testing.assert_array_equal(vector, [0.5, 2, 0, 1, 2, 3, 4, 5])
    again = unflatten(2 * vector)
    assert again["b"] == (1.0, 4.0)
    assert type(again["b"][0]) is float
    assert again["b"][1].dtype == numpy.float32
    numpy.testing.assert_array_equal(again["w"], 2 * TREE["w"])
    function, _, start = flatten_func(lambda t: {"w": t["w"] * 2, "b": t["b"]}, TREE)
    numpy.testing.assert_array_equal(function(start), [0.5, 2, 0, 2, 4, 6, 8, 10])
    assert grad(lambda x, y: np.sum(flatten([x, [y]])[0] ** 2))(3.0, 1.0) == 6.0
    by_vector = grad(lambda v: np.sum(unflatten(v)["w"] ** 2) + unflatten(v)["b"][0])(vector)
    numpy.testing.assert_array_equal(by_vector, [1, 0, 0, 2, 4, 6, 8, 10])


def test_ravel_refuses_what_is_no_number():
    with pytest.raises(TypeError, match=r"\['a'\] is a str"):
        ravel({"a": "text"})
    with pytest.raises(ValueError, match="2 entries, got an array of shape"):
        ravel([1.0, 2.0])[1](numpy.ones(3))


@pytest.mark.parametrize("name", ["adam", "rmsprop", "sgd"])
def test_optimizers_descend(name):
    target = {"a": numpy.array([1.0, -2.0]), "b": 0.5}
    seen = []

    def loss(p, i):
        return np.sum((p["a"] - target["a"]) ** 2) + (p["b"] - target["b"]) ** 2

    start = {"a": numpy.zeros(2), "b": 0.0}
    found = getattr(optimizers, name)(
        grad(loss), start, lambda p, i, g: seen.append((i, p["b"], g["b"])), 300, step_size=0.05
    )
    numpy.testing.assert_allclose(found["a"], target["a"], atol=0.05)
    assert seen[0] == (0, 0.0, -1.0)
    assert len(seen) == 300


def test_fixed_points():
    def newton(a):
        return lambda x: 0.5 * (x + a / x)

    distance = lambda x, y: np.abs(x - y)
    root = lambda a: fixed_point(newton, a, 1.0, distance, 1e-12)
    assert root(2.0) == pytest.approx(2**0.5)
    assert grad(root)(2.0) == pytest.approx(0.5 / 2**0.5)
    assert grad(grad(root))(2.0) == pytest.approx(-0.25 / 2**1.5)


def test_const_graph_runs_python_once():
    calls = []

    @primitive
    def noted(x, name):
        calls.append(name)
        return x

    def f(x, y, z):
        return noted(x, "x") + 2 * noted(y, "y") * grad(np.sin)(y) + z["w"]

    again = const_graph(f, 1.0, z={"w": 3.0})
    for _ in range(3):
        assert again(0.5) == f(1.0, 0.5, {"w": 3.0})
    assert calls == ["x", "y", "x", "y", "y", "x", "y", "y", "x", "y"]
