"""Calls of ``float`` in recorded code: ``float(x)`` keeps the gradient."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

KIND = float
KINDS = {float: "a number"}
X = np.array([0.4, -1.2, 0.9])


def summed(x):
    total = 0.0
    for k in range(3):
        total += float(x[k]) ** 2
    return total * total


def mapped(x):
    return sum(map(float, x**2)) * float("2.5")


def of_dtypes(x):
    a = np.zeros(3, dtype=float)
    a[:] = x.astype(float) * np.array([1, 2, 3], float)
    return float(np.sum(a)) if a.dtype == float and np.issubdtype(x.dtype, float) else 0.0


def asked(x):
    y = float(x[0])
    assert x.dtype.type is np.float64
    assert float is KIND
    known = isinstance(y, float) and type(y) is float and type(y) in (int, float)
    return y * y if known and KINDS[type(y)] == "a number" and issubclass(bool, (int, float)) else x


def printed(x):
    return float(f"{x[0]:.17g}") * float(f"{x[1]}") * float(format(x[2], ".16e")) + float("2.5")


def own_name(x):
    def map(f, y):
        return f(y) * 2.0

    return map(np.sin, x[0]) + sum([*(float(v) for v in x), *[float(v) ** 2 for v in x]])


def inherited(x):
    class Celsius(float):
        """A user's own kind of number."""

    t = Celsius("1.5")
    assert type(t) is Celsius
    assert isinstance(t, float)
    assert not isinstance(1.5, Celsius)
    return float(x[0]) * float(t)


def counted(x):
    y = x[0]
    for k in range(1, 60):
        y = y + np.sin(y) / float(k) ** 2
    return y


@pytest.mark.parametrize(
    "f",
    [summed, mapped, of_dtypes, asked, printed, own_name, inherited, counted],
    ids=lambda f: f.__name__,
)
def test_a_number_keeps_its_gradient(f):
    cr.check_gradient(f, X)
    value, gradient = cr.value_and_grad(f)(X)
    compiled = cr.compile(cr.value_and_grad(f))
    for scale in (1.0, 0.5, 1.5, 0.8, 1.0):
        found = compiled(X * scale)
        np.testing.assert_allclose(found[0], f(X * scale))
    np.testing.assert_allclose(found[0], value)
    np.testing.assert_allclose(found[1], gradient)
    np.testing.assert_allclose(cr.stage(f, X)(X)[1][0], gradient)


def test_it_widens_no_dtype():
    def f(x):
        return np.sum(x * float(x[0]) * x[1].item())

    x = X.astype(np.float32)
    assert f(x).dtype == np.float32
    value, gradient = cr.value_and_grad(f)(x)
    assert value == f(x)
    assert value.dtype == gradient.dtype == np.float32
    staged, (of_staged,) = cr.stage(f, x)(x)
    compiled, of_compiled = cr.compile(cr.value_and_grad(f))(x)
    assert staged.dtype == compiled.dtype == of_staged.dtype == of_compiled.dtype == np.float32
    np.testing.assert_allclose(of_staged, gradient, rtol=1e-6)
    np.testing.assert_allclose(of_compiled, gradient, rtol=1e-6)


def test_it_prints_as_written():
    assert "value = float(np.sum(x**2))" in cr.stage(lambda x: float(np.sum(x**2)), X).source


def test_second_derivatives_and_batches():
    h = np.diag(np.full(3, 4 * np.sum(X**2))) + 8 * np.outer(X, X)
    np.testing.assert_allclose(cr.hessian(summed)(X), h)
    rows = np.stack([X, 2 * X])
    np.testing.assert_allclose(cr.vmap(summed)(rows), [summed(x) for x in rows])


def test_what_python_refuses_is_refused():
    with pytest.raises(TypeError, match="only"):
        cr.grad(lambda x: float(x) * x)(X)
    with pytest.warns(np.exceptions.ComplexWarning):
        g = cr.grad(lambda x: float(x[0] * (2 + 1j)) * x[0])(X)
    np.testing.assert_allclose(g, [4 * X[0], 0, 0])
    with pytest.raises(TypeError, match="complex"):
        cr.grad(lambda x: float(x * 1j) * x)(2.0)
    with pytest.raises(ValueError, match="could not convert"):
        cr.grad(lambda x: float("a") * x)(2.0)
