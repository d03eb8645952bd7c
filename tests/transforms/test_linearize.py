"""linearize, elementwise_grad, holomorphic_grad."""

import cmath

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import ArgumentError, NonScalarOutputError

A = np.array([[1.0, -2.0, 0.5], [0.3, 0.7, 2.0]])
X = np.array([0.3, -1.0, 2.0])


def network(p, x):
    return {"y": np.tanh(p["W"] @ x) + p["b"], "n": 3, "s": np.sum(x) * p["b"]}


def test_linearize_is_jvp_for_many_directions():
    args = ({"W": A, "b": 1.5}, X)
    y, pushforward = cr.linearize(network, *args)
    for k in range(3):
        direction = ({"W": A * k, "b": k - 1.0}, np.cos(X + k))
        value, expected = cr.jvp(network, args, direction)
        found = pushforward(*direction)
        assert y["s"] == value["s"]
        np.testing.assert_array_equal(found["y"], expected["y"])
        assert (found["s"], found["n"]) == (expected["s"], expected["n"])


def test_linearize_keeps_the_point():
    x = np.array([1.0, 2.0])
    y, pushforward = cr.linearize(lambda x: x**3, x)
    x[0] = y[0] = 100.0
    np.testing.assert_array_equal(pushforward(np.ones(2)), [3.0, 12.0])


def test_linearize_inside_other_derivatives():
    along = lambda x: cr.linearize(lambda x: np.sum(np.sin(x)), x)[1](X)
    np.testing.assert_allclose(cr.grad(along)(X), -np.sin(X) * X)
    np.testing.assert_allclose(cr.compile(cr.grad(along))(X), -np.sin(X) * X)


def test_elementwise():
    f = lambda x, y: np.sin(x) * y
    np.testing.assert_allclose(cr.elementwise_grad(f)(X, 2.0), 2 * np.cos(X))
    np.testing.assert_allclose(cr.elementwise_grad(f, 1)(X, 2.0), np.sum(np.sin(X)))
    assert cr.elementwise_grad(np.exp)(0.0) == 1.0
    second = cr.elementwise_grad(cr.elementwise_grad(np.tanh))
    np.testing.assert_allclose(second(X), -2 * np.tanh(X) / np.cosh(X) ** 2)
    np.testing.assert_allclose(cr.compile(second)(X), second(X))


def test_holomorphic():
    z = 0.5 + 0.3j
    f = lambda z, k: np.exp(z**k) * z
    expected = cmath.exp(z**2) * (2 * z * z + 1)
    assert cr.holomorphic_grad(f)(z, 2) == pytest.approx(expected, rel=1e-14)
    zs = np.array([z, 1j, 2.0])
    np.testing.assert_allclose(cr.holomorphic_grad(lambda z: np.sum(z**3))(zs), 3 * zs**2)
    np.testing.assert_allclose(cr.elementwise_grad(np.exp)(zs), np.exp(zs))
    np.testing.assert_allclose(
        cr.elementwise_grad(lambda x: np.exp(1j * x))(X), 1j * np.exp(1j * X)
    )
    second = cr.holomorphic_grad(cr.holomorphic_grad(lambda z: z**3))
    assert second(z) == pytest.approx(6 * z, rel=1e-14)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: cr.linearize(np.sin, X)[1](X, X), ArgumentError, "1 arguments and 2 tangents"),
        (lambda: cr.linearize(np.sin, X)[1](A), ValueError, r"expected shape \(3,\)"),
        (lambda: cr.elementwise_grad(np.sum)(X), NonScalarOutputError, r"returned shape \(\) for"),
        (lambda: cr.elementwise_grad(np.sin)(2), ArgumentError, "is an int, 2"),
        (lambda: cr.holomorphic_grad(np.sin)(2.0), ArgumentError, "given dtype float64"),
        (lambda: cr.holomorphic_grad(np.conj)(1j), ArgumentError, "is not holomorphic"),
        (lambda: cr.holomorphic_grad(np.abs)(1 + 1j), ArgumentError, "is not holomorphic"),
        (lambda: cr.holomorphic_grad(np.sin)(X + 1j), NonScalarOutputError, r"shape \(3,\)"),
    ],
)
def test_faults(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
