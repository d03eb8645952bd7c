"""taylor: coefficients along a line."""

import math

import numpy as np
import pytest
import scipy.special

import chainrule as cr

rng = np.random.default_rng(3)
A = rng.normal(size=(3, 3)) / 2
X = rng.uniform(0.4, 1.2, 3)
V = rng.normal(size=3)


def net(x):
    h = np.tanh(A @ x)
    for _ in range(3):
        h = np.sin(A @ h) / (1 + h**2)
    return np.sum(h * np.exp(-h))


def filled(x):
    y = np.zeros(3)
    for i in range(3):
        y[i] = x[i] ** 1.5 + y[i - 1]
    return np.sort(y)[1] if x[0] > 0 else y[0]


@pytest.mark.parametrize("f", [net, filled, np.linalg.norm, scipy.special.logsumexp])
def test_a_polynomial_that_is_near(f):
    """The remainder shrinks as a power of the step."""
    coefficients = cr.taylor(f, X, V, 6)
    for t in (0.02, -0.02):
        near = sum(c * t**k for k, c in enumerate(coefficients))
        assert near == pytest.approx(f(X + t * V), rel=1e-11)


CLOSED = {
    "exp": (np.exp, lambda k: 1 / math.factorial(k)),
    "log1p": (np.log1p, lambda k: -((-1) ** k) / k if k else 0.0),
    "geometric": (lambda x: 1 / (1 - x), lambda k: 1.0),
    "sine": (math.sin, lambda k: [0, 1, 0, -1][k % 4] / math.factorial(k)),
    "square at zero": (lambda x: x**2, lambda k: float(k == 2)),
    "no series": (lambda x: 3.0, lambda k: 3.0 * (k == 0)),
}


@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms(name):
    f, coefficient = CLOSED[name]
    found = cr.taylor(f, 0.0, 1.0, 12)
    np.testing.assert_allclose(found, [coefficient(k) for k in range(13)], 1e-12, 1e-15)
    assert all(type(c) is float for c in found)


def test_high_orders_of_chains_of_derivatives():
    """No call waits within another, and equal derivatives are one."""
    found = cr.taylor(lambda x: scipy.special.jv(1.5, x) + x**0.5, 2.0, 1.0, 30)
    near = sum(c * 0.5**k for k, c in enumerate(found))
    assert near == pytest.approx(scipy.special.jv(1.5, 2.5) + 2.5**0.5, rel=1e-13)


def test_composed():
    fourth = lambda f: lambda x: 24 * cr.taylor(f, x, V, 4)[4]
    inner = cr.grad(lambda x: cr.taylor(net, x, V, 2)[2])
    along = lambda t: net(X + t * V)
    for _ in range(4):
        along = cr.grad(along)
    assert fourth(net)(X) == pytest.approx(along(0.0), rel=1e-10)
    np.testing.assert_allclose(cr.compile(fourth(net))(X), fourth(net)(X), rtol=1e-9)
    expected = cr.grad(lambda x: cr.jvp(cr.grad(net), (x,), (V,))[1] @ V / 2)(X)
    np.testing.assert_allclose(inner(X), expected, rtol=1e-10)
    np.testing.assert_allclose(cr.compile(inner)(X), expected, rtol=1e-9)
    Xs = np.stack([X, 0.5 * X])
    np.testing.assert_allclose(cr.vmap(fourth(net))(Xs), [fourth(net)(x) for x in Xs], rtol=1e-12)
    coefficients = cr.taylor(cr.grad(net), X, V, 3)
    np.testing.assert_allclose(coefficients[1], cr.hessian(net)(X) @ V, rtol=1e-10)
    batch = cr.taylor(lambda Xs: cr.vmap(net)(Xs), Xs, np.stack([V, V]), 3)
    each = [cr.taylor(net, x, V, 3) for x in Xs]
    np.testing.assert_allclose(np.stack(batch, axis=1), each, rtol=1e-12)


def test_trees_and_types():
    f = lambda p: {"y": p["w"] * p["b"], "n": p["w"].astype(np.float32)}
    point, way = {"w": X, "b": 2.0}, {"w": V, "b": 1.0}
    c = cr.taylor(f, point, way, 3)
    np.testing.assert_allclose(c[1]["y"], 2 * V + X)
    np.testing.assert_allclose(c[2]["y"], V)
    np.testing.assert_array_equal(c[3]["y"], np.zeros(3))
    assert [k["n"].dtype for k in c] == [np.float32] * 4
    assert cr.taylor(np.sin, 0.5, 1.0, 0) == (math.sin(0.5),)


def test_a_branch_in_compiled_code():
    f = lambda x: cr.taylor(lambda x: x**3 if x > 1 else x, x, 1.0, 2)[2]
    compiled = cr.compile(f)
    assert [compiled(x) for x in (2.0, 0.5, 3.0)] == [6.0, 0.0, 9.0]


def test_bad_input():
    with pytest.raises(cr.errors.ArgumentError, match="order is -1: it is a natural number"):
        cr.taylor(np.sin, 0.5, 1.0, -1)
    with pytest.raises(cr.errors.ArgumentError, match="is an int, 3: a gradient exists"):
        cr.taylor(np.sin, 3, 1.0, 1)
    with pytest.raises(ValueError, match=r"expected shape \(3,\), that of the point"):
        cr.taylor(net, X, np.ones(2), 1)
