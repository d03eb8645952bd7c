"""Lists and object arrays of Arrays become one Array, in sight of the view and out of it."""

from __future__ import annotations

import math
from types import MappingProxyType

import numpy as np
import pytest
import scipy.special

import chainrule as cr
import chainrule.numpy as cnp
from chainrule.core.array import Array
from chainrule.errors import GradientLostError, UnsupportedError
from chainrule.numpy.replace import replacements, replacements_in_scipy

# Out of the view's sight, for it is no dict.
ORIGINALS = MappingProxyType({"array": np.array, "asarray": np.asarray, "full": np.full})


def test_array_of_numbers():
    def f(x, y):
        return np.sum(np.array([x, 2 * y, 1.0]) * np.array([[x], [y]]))

    dx, dy = cr.grad(f, argnums=(0, 1))(2.0, 3.0)
    assert (dx, dy) == (4 + 2 * 3 + 1 + 3, 2 * 2 + 4 * 3 + 1 + 2)


def test_array_of_arrays():
    def f(x):
        rows = np.array([x, x * x, np.ones(2)])
        assert rows.shape == (3, 2)
        return np.sum(rows[1] * rows[0])

    np.testing.assert_allclose(cr.grad(f)(np.array([1.0, 2.0])), [3.0, 12.0])


def test_array_nested_and_of_uneven_nesting():
    def f(x, v):
        a = np.array([[x, 1.0], [2.0, x]])
        b = np.array([[x, x], v])
        assert a.shape == b.shape == (2, 2)
        return np.sum(a @ b)

    dx, dv = cr.grad(f, argnums=(0, 1))(3.0, np.array([1.0, 2.0]))
    assert dx == 2 * (3 + 2) + 2 * 3 + 3
    np.testing.assert_array_equal(dv, [1 + 3, 1 + 3])


def test_array_options():
    x = cr.array(2.0)
    assert cnp.array([x, 1.0], dtype=np.float32).dtype == np.float32
    assert cnp.array(x, ndmin=2).shape == (1, 1)
    assert cnp.array([x], ndmin=1).shape == (1,)
    assert cnp.array([]).shape == (0,)
    y = cr.array(np.ones(2)) * 1
    copied = cnp.array(y)
    copied[0] = 5.0
    assert y.value[0] == 1.0
    assert cnp.asarray(y) is y


def test_parts_of_different_shapes_are_an_error():
    with pytest.raises(ValueError, match=r"one shape, got \(\), \(2,\)"):
        cr.grad(lambda x: np.sum(np.array([x[0], x])))(np.ones(2))


@pytest.mark.parametrize("make", ["array", "asarray"])
def test_numpys_object_array_is_restacked_where_it_re_enters(make):
    def times_array(x, y):
        return np.sum(ORIGINALS[make]([x, y]) * x)

    def exponentials(x, y):
        return np.sum(np.exp(ORIGINALS[make]([x, y])) ** 2)

    def product(x, y):
        return np.dot(ORIGINALS[make]([x, y]), np.array([2.0, 3.0])) * y

    def matrix(x, y):
        return np.sum(ORIGINALS[make]([[x, y], [y, 1.0]]) @ ORIGINALS[make]([x, y]))

    for f in (times_array, exponentials, product, matrix):
        value, gradients = cr.value_and_grad(f, argnums=(0, 1))(0.5, 0.75)
        assert value == pytest.approx(f(0.5, 0.75), rel=1e-14)
        for k, gradient in enumerate(gradients):
            step = 1e-6 * np.eye(2)[k]
            above, below = f(0.5 + step[0], 0.75 + step[1]), f(0.5 - step[0], 0.75 - step[1])
            assert gradient == pytest.approx((above - below) / 2e-6, rel=1e-6)


def test_vectors_in_numpys_object_array():
    def f(x):
        rows = ORIGINALS["array"]([x, 2 * x])
        return np.sum(rows * np.eye(2)[0] * x)

    np.testing.assert_allclose(cr.grad(f)(np.array([3.0, 5.0])), [2 * 3 + 4 * 3, 0])


def test_function_that_returns_an_object_array():
    def f(x):
        return ORIGINALS["array"]([x[0] * x[1], np.sin(x[0])])

    x = np.array([0.3, 2.0])
    np.testing.assert_allclose(cr.jacobian(f)(x), [[2.0, 0.3], [np.cos(0.3), 0.0]])


def test_a_dtype_out_of_sight_is_not_a_silent_loss():
    def f(x):
        return ORIGINALS["array"]([x, 1.0], dtype=float).sum()

    with pytest.raises(GradientLostError, match=r"test_creation\.py"):
        cr.grad(f)(1.0)


def test_full_linspace_and_their_relatives():
    assert cr.grad(lambda x: np.sum(np.full((2, 3), x)))(1.0) == 6.0
    assert cr.grad(lambda x: np.sum(np.full(4, x * x)))(3.0) == 24.0
    assert cr.grad(lambda x: np.sum(np.full_like(np.ones(3), x)))(1.0) == 3.0
    assert cr.grad(lambda x: np.sum(np.linspace(0, x, 5)))(1.0) == 2.5
    assert cr.grad(lambda x: np.sum(np.fromiter((x * k for k in range(3)), float)))(1.0) == 3.0
    assert cr.grad(lambda x: x * np.sum(np.arange(np.argmax([1, x]) + 2)))(3.0) == 3.0
    with pytest.raises(UnsupportedError, match=r"np\.arange"):
        cr.grad(lambda x: np.sum(np.arange(x)))(3.0)
    with pytest.raises(GradientLostError):
        cr.grad(lambda x: np.sum(ORIGINALS["full"](2, x, dtype=float)))(3.0)


def test_filling_an_array_made_like_an_input():
    def f(x):
        out = np.zeros_like(x)
        for k in range(len(x)):
            out[k] = x[k] ** 2
        return np.sum(out * np.ones_like(x, shape=(2, 1)))

    np.testing.assert_array_equal(cr.grad(f)(np.array([1.0, 2.0])), [4.0, 8.0])
    x = cr.array(np.ones(2, np.float32))
    assert np.zeros_like(x).dtype == np.float32
    assert np.empty_like(x, dtype=float).dtype == np.float64
    assert type(np.ones_like(x, dtype=int)) is np.ndarray


@pytest.mark.parametrize("name", ["mean", "std", "var", "median", "average", "percentile"])
def test_statistics_of_a_list_of_numbers(name):
    f = getattr(np, name)
    rest = (30,) if name == "percentile" else ()

    def of_list(x, y):
        return f([x, y, x * y], *rest)

    def of_array(x, y):
        return f(np.array([x, y, x * y]), *rest)

    found = cr.value_and_grad(of_list, argnums=(0, 1))(2.0, 5.0)
    assert found == cr.value_and_grad(of_array, argnums=(0, 1))(2.0, 5.0)


MATH = {
    "acos": 0.3, "acosh": 1.7, "asin": 0.3, "asinh": 0.3, "atan": 0.3, "atanh": 0.3, "cbrt": 0.3,
    "cos": 0.3, "cosh": 0.3, "degrees": 0.3, "erf": 0.3, "erfc": 0.3, "exp": 0.3, "exp2": 0.3,
    "expm1": 0.3, "fabs": -0.3, "gamma": 1.3, "lgamma": 1.3, "log": 0.3, "log10": 0.3,
    "log1p": 0.3, "log2": 0.3, "radians": 0.3, "sin": 0.3, "sinh": 0.3, "sqrt": 0.3, "tan": 0.3,
    "tanh": 0.3,
}  # fmt: skip


@pytest.mark.parametrize("name", MATH)
def test_math_of_one_number(name):
    if not hasattr(math, name):
        pytest.skip("newer Python")
    f, x = getattr(math, name), MATH[name]

    def g(x):
        return f(x)

    value, slope = cr.value_and_grad(g)(x)
    assert value == f(x)
    assert type(value) is float
    assert slope == pytest.approx((f(x + 1e-6) - f(x - 1e-6)) / 2e-6, rel=1e-8)


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: math.pow(x, y),
        lambda x, y: math.atan2(x, y),
        lambda x, y: math.hypot(x, y),
        lambda x, y: math.hypot(x, y, 2.0),
        lambda x, y: math.copysign(x, -y),
        lambda x, y: math.fmod(x + 5, y),
        lambda x, y: math.log(x, y),
        lambda x, y: math.dist([x, 1.0], (y, 2.0)),
        lambda x, y: math.fsum([x, y * x, 1.0]),
        lambda x, y: math.prod([x, y, x]),
        lambda x, y: math.prod((x, y), start=2.0),
        lambda x, y: math.ldexp(x, 3) * y,
        lambda x, y: math.modf(x * 6)[0] * y + math.modf(y)[1],
        lambda x, y: math.sin(x) if math.isfinite(y) and not math.isnan(x) else y,
        lambda x, y: x * math.comb(5, math.ceil(y)) * math.pi,
    ],
)
def test_math_of_several_numbers(f):
    value, gradients = cr.value_and_grad(f, argnums=(0, 1))(0.4, 1.3)
    assert value == pytest.approx(f(0.4, 1.3), rel=1e-15)
    steps = [(1e-6, 0.0), (0.0, 1e-6)]
    for gradient, (dx, dy) in zip(gradients, steps, strict=True):
        numeric = (f(0.4 + dx, 1.3 + dy) - f(0.4 - dx, 1.3 - dy)) / 2e-6
        assert gradient == pytest.approx(numeric, rel=1e-7, abs=1e-9)


def test_math_without_a_rule_is_named():
    with pytest.raises(UnsupportedError, match=r"math\.remainder"):
        cr.grad(lambda x: math.remainder(x, 2.0))(3.0)


def test_scipys_python_functions():
    x = np.array([[0.5, 2.0, -1.0], [0.0, 3.0, 1.0]])
    weights = np.cos(np.arange(6.0)).reshape(2, 3)
    functions = [
        lambda x: np.sum(weights * scipy.special.softmax(x, axis=1)),
        lambda x: np.sum(weights * scipy.special.log_softmax(x)),
        lambda x: np.sum(scipy.special.logsumexp(x, axis=0)),
        lambda x: scipy.special.logsumexp(x),
        lambda x: scipy.special.logsumexp(x, b=np.abs(weights)),
        lambda x: np.sum(scipy.special.logsumexp(x, axis=1, keepdims=True, b=2.0)),
    ]
    for f in functions:
        value, gradient = cr.value_and_grad(f)(x)
        assert value == pytest.approx(f(x), rel=1e-13)
        for at in np.ndindex(x.shape):
            step = np.zeros(x.shape)
            step[at] = 1e-6
            numeric = (f(x + step) - f(x - step)) / 2e-6
            assert gradient[at] == pytest.approx(numeric, rel=1e-6, abs=1e-8)


def test_replacements_are_the_originals_on_plain_arguments():
    table = replacements()
    originals = [original for original, _ in table]
    assert np.array in originals
    assert math.exp in originals
    of_scipy = [original for _, _, original, _ in replacements_in_scipy()]
    assert scipy.special.logsumexp in of_scipy
    by_name = dict(table)
    assert by_name[math.exp](1.0) == math.exp(1.0)
    assert by_name[math.log](8, 2) == 3.0
    assert type(by_name[np.array]([1, 2])) is np.ndarray
    assert by_name[np.array]([1, 2], dtype=float).dtype == float
    np.testing.assert_array_equal(by_name[np.linspace](0, 1, 3), [0, 0.5, 1])
    np.testing.assert_array_equal(by_name[np.full](2, 7), [7, 7])
    np.testing.assert_array_equal(by_name[np.arange](2, 5), [2, 3, 4])
    with pytest.raises(ValueError, match="math domain"):
        by_name[math.sqrt](-1.0)


def test_the_namespace_is_numpy_with_lists_of_arrays():
    assert cnp.exp is np.exp
    assert cnp.shape is np.shape
    assert cnp.float64 is np.float64
    assert cnp.pi == np.pi
    assert cnp.linalg is np.linalg
    assert cnp.fft is np.fft
    x = cr.array(2.0)
    assert type(cnp.array([x, 1.0])) is Array
    assert x.__array_namespace__() is cnp
    assert "exp" in dir(cnp)
    with pytest.raises(AttributeError):
        cnp.no_such_function  # noqa: B018
