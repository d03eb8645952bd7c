"""grad, value_and_grad and vjp through their public face."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

import chainrule as cr

X = np.array([0.5, -1.5, 2.0])


def test_value_and_grad_of_a_float_gives_floats():
    value, g = cr.value_and_grad(lambda x: np.sin(x) * x)(2.0)
    assert type(value) is float
    assert type(g) is float
    assert value == np.sin(2.0) * 2.0
    assert g == pytest.approx(math.cos(2.0) * 2.0 + math.sin(2.0), rel=1e-15)


def test_argnums_choose_arguments():
    def f(a, b, c):
        return a * b + c

    assert cr.grad(f)(2.0, 3.0, 4.0) == 3.0
    assert cr.grad(f, 1)(2.0, 3.0, 4.0) == 2.0
    assert cr.grad(f, -1)(2.0, 3.0, 4.0) == 1.0
    assert cr.grad(f, (0, 2))(2.0, 3.0, 4.0) == (3.0, 1.0)
    assert cr.grad(f, [1])(2.0, 3.0, 4.0) == (2.0,)


def test_keyword_arguments_are_handed_through():
    assert cr.grad(lambda x, *, power: x**power)(3.0, power=2) == 6.0


def test_aux_is_handed_through_as_plain_values():
    def f(x):
        h = x * x
        return np.sum(h), {"h": h, "note": "aux"}

    (value, aux), g = cr.value_and_grad(f, has_aux=True)(X)
    assert value == np.sum(X * X)
    assert type(aux["h"]) is np.ndarray
    assert aux["note"] == "aux"
    np.testing.assert_array_equal(g, 2 * X)
    g, aux = cr.grad(f, has_aux=True)(X)
    np.testing.assert_array_equal(aux["h"], X * X)


class Pair(NamedTuple):
    left: float
    right: np.ndarray


@dataclass
class Layer:
    W: np.ndarray
    b: float
    name: None = None


def test_arguments_may_be_trees():
    def f(params):
        return (
            np.sum(params["layer"].W * 2.0)
            + params["layer"].b * params["pair"].left
            + (params["list"][1] ** 2)
        )

    params = {"layer": Layer(X, 4.0), "pair": Pair(3.0, X), "list": [1.0, 5.0], "none": None}
    with np.errstate(all="raise"):
        g = cr.grad(f)(params)
    assert isinstance(g["layer"], Layer)
    np.testing.assert_array_equal(g["layer"].W, [2.0, 2.0, 2.0])
    assert g["layer"].b == 3.0
    assert g["layer"].name is None
    assert g["pair"].left == 4.0
    np.testing.assert_array_equal(g["pair"].right, 0 * X)
    assert g["list"] == [0.0, 10.0]
    assert g["none"] is None


@pytest.mark.parametrize("order", range(6))
def test_derivatives_of_any_order(order):
    f = lambda x: x**5
    for _ in range(order):
        f = cr.grad(f)
    expected = [2.0**5, 5 * 2.0**4, 20 * 2.0**3, 60 * 2.0**2, 120 * 2.0, 120.0]
    assert f(2.0) == pytest.approx(expected[order], rel=1e-14)


def test_nested_derivatives_do_not_confuse_one_another():
    # Siskind and Pearlmutter, "Perturbation confusion and referential transparency", 2005.
    assert cr.grad(lambda x: x * cr.grad(lambda y: x + y)(2.0))(1.0) == 1.0
    assert cr.grad(lambda x: x * cr.grad(lambda y: x * y * y)(3.0))(2.0) == 24.0
    assert cr.grad(lambda x: cr.grad(lambda y: y * y * y)(x) * x)(2.0) == 36.0
    third = cr.grad(lambda x: cr.grad(lambda y: cr.grad(lambda z: x * y * z * z)(y))(x))
    assert third(3.0) == pytest.approx(24.0)  # 2 x y^2, then 4 x y at y = x, then 8 x


def test_inner_gradient_of_a_constant_is_plain():
    def f(x):
        inner = cr.grad(lambda y: y * y)(3.0)
        assert type(inner) is float
        return x * inner

    assert cr.grad(f)(2.0) == 6.0


def test_gradients_have_memory_of_their_own():
    a, b = cr.grad(lambda a, b: np.sum(a + b), (0, 1))(X, X)
    a += 1.0
    np.testing.assert_array_equal(b, np.ones(3))
    g = cr.grad(np.sum)(X)
    g[0] = 7.0  # writable
    assert X[0] == 0.5


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_is_kept(dtype):
    x = X.astype(dtype)
    value, g = cr.value_and_grad(lambda x: np.sum(np.exp(x) * 2.0 + np.maximum(x, 0) / 3))(x)
    assert value.dtype == dtype if dtype != np.float64 else type(value) is float
    assert g.dtype == dtype


def test_wide_constants_do_not_widen_the_gradient():
    g = cr.grad(lambda x: np.sum(x * np.arange(3.0)))(X.astype(np.float32))
    assert g.dtype == np.float32


def test_vjp_pulls_back_many_times():
    A = np.arange(6.0).reshape(2, 3)
    y, pullback = cr.vjp(lambda A, x: A @ x, A, X)
    np.testing.assert_array_equal(y, A @ X)
    for g in (np.array([1.0, 0.0]), np.array([0.0, 2.0])):
        dA, dx = pullback(g)
        np.testing.assert_array_equal(dA, np.outer(g, X))
        np.testing.assert_array_equal(dx, A.T @ g)


def test_vjp_of_a_tree_output():
    y, pullback = cr.vjp(lambda x: {"s": np.sum(x), "v": x * 2}, X)
    assert y["s"] == np.sum(X)
    (g,) = pullback({"s": 1.0, "v": np.ones(3)})
    np.testing.assert_array_equal(g, [3.0, 3.0, 3.0])
    with pytest.raises(ValueError, match=r"expected shape \(3,\)"):
        pullback({"s": 1.0, "v": np.ones(4)})


def test_vjp_differentiates():
    def f(x):
        _, pullback = cr.vjp(lambda z: z**3, x)
        return pullback(1.0)[0]

    assert cr.grad(f)(2.0) == 12.0


def test_list_and_object_outputs_are_one_number():
    assert cr.grad(lambda x: np.array([x, x * x]).sum())(3.0) == 7.0


def test_functions_keep_their_names():
    def loss(w):
        """Return the loss."""
        return w * w

    assert cr.grad(loss).__name__ == "loss"
    assert cr.grad(loss).__doc__ == "Return the loss."


def test_stop_gradient():
    assert cr.grad(lambda x: x * cr.stop_gradient({"x": x})["x"])(3.0) == 3.0


@pytest.mark.parametrize("argnums", [np.int64(1), iter([1]), np.array([1])])
def test_argnums_may_be_any_integers(argnums):
    gradient = cr.grad(lambda a, b: a * b, argnums)
    for _ in range(2):  # an iterator is not used up
        assert np.all(np.equal(gradient(2.0, 3.0), 2.0))


@pytest.mark.parametrize("argnums", [1.0, "1", (0, 1.0), None])
def test_argnums_that_are_no_integers(argnums):
    with pytest.raises(cr.errors.ArgumentError, match="position of an argument, 0, or several"):
        cr.grad(lambda a, b: a * b, argnums)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("f", [math.exp, lambda x: np.float64(2.0) * x, lambda x: x * X[0]])
def test_a_number_of_another_precision_keeps_it(f, dtype):
    for g in (cr.grad(f)(dtype(2.0)), cr.jacobian(f)(dtype(2.0))):
        assert type(g) is dtype


LIKES = [2.0, np.float64(2.0), np.float32(2.0), np.array(2.0), np.array(2.0, np.float32)]


@pytest.mark.parametrize("x", LIKES, ids=lambda x: f"{type(x).__name__}-{np.asarray(x).dtype}")
@pytest.mark.parametrize(
    "derive",
    [
        lambda x: cr.grad(lambda t: t * t)(x),
        lambda x: cr.grad(lambda t: np.sum(t * X) + np.sum(t))(x),
        lambda x: cr.grad(lambda t, u: u * u, (0, 1))(x, x)[0],
        lambda x: cr.grad(lambda t, u: u * u, (0, 1))(x, x)[1],
        lambda x: cr.grad(cr.grad(lambda t: t**3))(x),
        lambda x: cr.grad(lambda t: cr.grad(lambda u: t * np.sum(u * X))(t))(x),
        lambda x: cr.vjp(lambda t: t * X, x)[1](X)[0],
        lambda x: cr.jacobian(lambda t: t * t)(x),
        lambda x: cr.hessian(lambda t: t * t * t)(x),
    ],
)
@pytest.mark.filterwarnings("ignore::chainrule.errors.IndependentOutputWarning")
def test_a_gradient_has_the_type_and_shape_of_its_input(derive, x):
    g = derive(x)
    assert type(g) is type(x)
    assert np.asarray(g).dtype == np.asarray(x).dtype
    assert np.shape(g) == ()


@pytest.mark.parametrize("x", LIKES, ids=lambda x: f"{type(x).__name__}-{np.asarray(x).dtype}")
def test_a_gradient_inside_another_has_the_type_of_its_input(x):
    found = []

    def f(s):
        g = cr.grad(lambda t: np.sum(t * s * X))(x)
        found.append(type(g.value))
        return np.sum(g)

    cr.grad(f)(3.0)
    assert found == [type(x)]


def test_complex_outputs_have_no_gradient_but_a_pullback():
    with pytest.raises(cr.errors.UnsupportedError, match=r"output of .* is complex"):
        cr.grad(lambda x: x * 1j)(2.0)
    z = np.array([1 + 2j, 0.5 - 1j])
    g = np.array([0.3 - 1j, 2 + 0.1j])
    for f in (np.exp, np.conj, lambda z: z * np.abs(z), lambda z: np.fft.fft(z)):
        _, pullback = cr.vjp(f, z)
        expected = cr.grad(lambda z, f=f: np.sum(g * f(z)).real)(z)
        np.testing.assert_allclose(pullback(g)[0], expected, rtol=1e-13)


# Arguments that are not differentiated by, and are overwritten.


def relaxed(a, b, turns=3, scale=None):
    for _ in range(turns):
        b[1:-1] = (a[:-2] + a[2:]) / 2
        if scale is not None:
            scale *= 2
            b *= scale
        a[1:-1] = (b[:-2] + b[2:]) / 2
    return np.sum(a**2) + np.sum(b)


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("scaled", [False, True])
def test_arguments_that_are_not_differentiated_may_be_overwritten(named, scaled):
    a, b = np.linspace(1, 2, 6) ** 2, np.linspace(0, 1, 6)
    scale = np.array([1.5]) if scaled else None
    kept = a.copy(), b.copy()
    expected = cr.grad(relaxed, (0, 1))(a, b, 3, scale)[0]
    gradient = cr.grad(relaxed)
    for _ in range(2):
        found = gradient(a, b=b, scale=scale) if named else gradient(a, b, 3, scale)
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    found = cr.jacobian(relaxed, 1)(a, b, 3, scale)
    np.testing.assert_allclose(found, cr.grad(relaxed, (0, 1))(a, b, 3, scale)[1], rtol=1e-13)
    compiled = cr.compile(cr.value_and_grad(relaxed))
    for k in (1.0, 0.5, -2.0):
        value, found = compiled(k * a, b, 3, scale)
        plain = relaxed(k * a, b.copy(), 3, None if scale is None else scale.copy())
        np.testing.assert_allclose(value, plain, rtol=1e-13)
        expected = cr.grad(relaxed)(k * a, b, 3, scale)
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    np.testing.assert_array_equal((a, b), kept)
    assert scale is None or scale[0] == 1.5


def test_a_dictionary_that_is_not_differentiated_may_be_filled():
    def f(x, cache):
        cache["rows"][0] = x
        cache["rows"][1] *= x
        return np.sum(cache["rows"] ** 2)

    rows = np.array([1.0, 3.0])
    assert cr.grad(f)(2.0, {"rows": rows}) == 2 * 2.0 + 2 * 2.0 * 9
    np.testing.assert_array_equal(rows, [1.0, 3.0])


def test_an_inner_gradient_leaves_the_outer_ones_arrays_alone():
    def inner(x, b):
        b[0] = x**2
        return np.sum(b) * x

    def outer(b):
        return cr.grad(inner)(2.0, b) + np.sum(b**2)

    b = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(cr.grad(outer)(b), [2.0, 5.0, 7.0])


def test_a_global_that_is_written_into_is_refused_all_the_same():
    with pytest.raises(cr.errors.GradientLostError):
        cr.grad(lambda x, b: _TABLE.__setitem__(0, x) or np.sum(b * x))(2.0, np.ones(3))


_TABLE = np.zeros(3)
