"""jvp through its public face."""

import numpy as np
import pytest

import chainrule as cr

X = np.array([0.5, -1.5, 2.0])


def f(x, w):
    return {"a": np.tanh(x * w), "b": np.sum(x) * w[0]}


def test_pushforward_is_the_transpose_of_the_pullback():
    rng = np.random.default_rng(0)
    w = rng.normal(size=3)
    tx, tw, ga = rng.normal(size=(3, 3))
    y, t = cr.jvp(f, (X, w), (tx, tw))
    _, pullback = cr.vjp(f, X, w)
    gx, gw = pullback({"a": ga, "b": 0.5})
    assert np.vdot(ga, t["a"]) + 0.5 * t["b"] == pytest.approx(gx @ tx + gw @ tw)
    np.testing.assert_array_equal(y["a"], np.tanh(X * w))


def test_forward_over_reverse_and_back():
    def cube(x):
        return np.sum(x**3)

    v = np.array([1.0, 2.0, 3.0])
    _, hv = cr.jvp(cr.grad(cube), (X,), (v,))
    np.testing.assert_allclose(hv, 6 * X * v)
    hv = cr.grad(lambda x: cr.jvp(cube, (x,), (v,))[1])(X)
    np.testing.assert_allclose(hv, 6 * X * v)


def test_broadcast_tangent_has_the_shape_of_the_output():
    _, t = cr.jvp(lambda a: a + np.zeros((2, 3)), (1.0,), (2.0,))
    np.testing.assert_array_equal(t, np.full((2, 3), 2.0))


def test_nested_pushforwards_do_not_confuse_one_another():
    def outer(x):
        return x * cr.jvp(lambda y: x + y, (1.0,), (1.0,))[1]

    assert cr.jvp(outer, (1.0,), (1.0,))[1] == 1.0


def test_independent_output_has_zero_tangent():
    _, t = cr.jvp(lambda x: np.ones(2), (1.0,), (1.0,))
    np.testing.assert_array_equal(t, [0.0, 0.0])


def test_wrong_tangents_are_refused():
    with pytest.raises(cr.errors.ArgumentError, match="one tangent per argument"):
        cr.jvp(lambda x, y: x * y, (1.0, 2.0), (1.0,))
    with pytest.raises(ValueError, match=r"expected shape \(3,\), that of the arguments"):
        cr.jvp(np.sum, (X,), (np.ones(2),))
    for x in (1.0, np.ones(2)):
        with pytest.raises(ValueError, match="expected real numbers, as those of the arguments"):
            cr.jvp(np.sin, (x,), (1j * x,))
