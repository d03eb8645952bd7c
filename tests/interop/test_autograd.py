"""autograd's interface: each operator against chainrule's own, and its modules by their names."""

from __future__ import annotations

import importlib

import numpy
import pytest

import chainrule as cr
import chainrule.interop.autograd as autograd
import chainrule.interop.autograd.numpy as np
from chainrule.errors import IndependentOutputWarning
from chainrule.interop.autograd import builtins, extend, test_util, tracer
from chainrule.interop.autograd.core import make_vjp
from chainrule.interop.autograd.scipy import signal, special, stats

RANDOM = numpy.random.default_rng(0)
A = RANDOM.standard_normal((4, 3))
X = RANDOM.standard_normal(3)
V = RANDOM.standard_normal(3)


def stack(x):
    return np.tanh(np.dot(A, x))


def loss(x):
    return np.sum(stack(x) ** 2 * np.array([1.0, x[0], 2.0, x[1]]))


J = cr.jacobian(stack)(X)
H = cr.hessian(loss)(X)
G = cr.grad(loss)(X)

OPERATORS = {
    "grad": (lambda: autograd.grad(loss)(X), G),
    "value_and_grad": (lambda: autograd.value_and_grad(loss)(X)[1], G),
    "elementwise_grad": (lambda: autograd.elementwise_grad(np.sin)(X), np.cos(X)),
    "deriv": (lambda: autograd.deriv(np.sin)(0.5), np.cos(0.5)),
    "jacobian": (lambda: autograd.jacobian(stack)(X), J),
    "hessian": (lambda: autograd.hessian(loss)(X), H),
    "make_vjp": (lambda: autograd.make_vjp(stack)(X)[0](A[:, 0]), A[:, 0] @ J),
    "make_jvp": (lambda: autograd.make_jvp(stack)(X)(V)[1], J @ V),
    "make_jvp_reversemode": (lambda: autograd.make_jvp_reversemode(stack)(X)(V), J @ V),
    "make_hvp": (lambda: autograd.make_hvp(loss)(X)[0](V), H @ V),
    "hessian_vector_product": (lambda: autograd.hessian_vector_product(loss)(X, V), H @ V),
    "tensor_jacobian_product": (
        lambda: autograd.tensor_jacobian_product(stack)(X, A[:, 0]),
        A[:, 0] @ J,
    ),
    "make_ggnvp": (lambda: autograd.make_ggnvp(stack)(X)(V), J.T @ J @ V),
    "grad_and_aux": (lambda: autograd.grad_and_aux(lambda x: (loss(x), x))(X)[0], G),
    "grad_named": (lambda: autograd.grad_named(lambda a, x: a * loss(x), "x")(1.0, X), G),
    "multigrad_dict": (
        lambda: autograd.multigrad_dict(lambda x, a=2.0: a * loss(x))(X)["x"],
        2 * G,
    ),
    "holomorphic_grad": (
        lambda: autograd.holomorphic_grad(lambda z: np.sum(z**3))(X + 1j),
        3 * (X + 1j) ** 2,
    ),
    "checkpoint": (lambda: autograd.grad(autograd.checkpoint(loss))(X), G),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators(name):
    found, expected = OPERATORS[name]
    numpy.testing.assert_allclose(found(), expected, rtol=1e-10, atol=1e-14)


def test_grad_of_several_arguments_and_of_containers():
    def f(p, x):
        return np.sum(p["w"] * x) + p["b"][0]

    p = {"w": X, "b": (2.0, 3.0)}
    by_p, by_x = autograd.grad(f, (0, 1))(p, V)
    assert by_p["b"] == (1.0, 0.0)
    numpy.testing.assert_array_equal(by_p["w"], V)
    numpy.testing.assert_array_equal(by_x, X)


def test_grad_lets_an_array_of_one_entry_through_and_refuses_more():
    gradient = autograd.grad(lambda x: np.sum(x**2, keepdims=True))(X)
    numpy.testing.assert_allclose(gradient, 2 * X)
    with pytest.raises(TypeError, match="real scalar-output"):
        autograd.grad(np.sin)(X)
    with pytest.raises(TypeError, match="real scalar-output"):
        autograd.grad(lambda x: x * 1j)(1.0)
    with pytest.raises(TypeError, match="is an int, 3"):
        autograd.grad(np.sin)(3)
    with pytest.raises(TypeError, match="argnum is 'x'"):
        autograd.grad(np.sin, "x")
    with pytest.warns(IndependentOutputWarning):
        assert autograd.grad(lambda x: 1.0)(2.0) == 0.0


def test_names_and_docs():
    assert autograd.grad(loss, 0).__name__ == "grad_of_loss_wrt_argnum_0"


def test_pullback_of_complex_numbers():
    f = lambda z: np.exp(1j * z) * z
    z, g = X + 0.5j, V - 0.25j
    vjp, y = autograd.make_vjp(f)(z)
    numpy.testing.assert_allclose(y, f(z))
    numpy.testing.assert_allclose(vjp(g), g * (1j * z + 1) * np.exp(1j * z))
    test_util.check_grads(f)(z)


# Primitives.


def softplus_of(primitive=extend.primitive):
    @primitive
    def softplus(x, scale, power=1):
        numpy.asarray(x) + 1.0  # NumPy sees plain values
        return numpy.log1p(numpy.exp(x * scale)) ** power

    return softplus


def test_primitives_have_the_rules_declared_for_them():
    softplus = softplus_of()

    def slope(x, scale, power):
        inner = np.log1p(np.exp(x * scale))
        return power * inner ** (power - 1) * special.expit(x * scale)

    extend.defvjp(
        softplus,
        lambda y, x, scale, power=1: lambda g: g * scale * slope(x, scale, power),
        lambda y, x, scale, power=1: lambda g: np.sum(g * x * slope(x, scale, power)),
    )
    check = lambda modes: test_util.check_grads(
        lambda x, s: softplus(x, s, power=2), (0, 1), modes=modes
    )
    check(["rev"])(X, 0.7)
    check(["fwd"])(X, 0.7)  # had by pulling back twice
    extend.defjvp(
        softplus,
        lambda t, y, x, scale, power=1: t * scale * slope(x, scale, power),
        lambda t, y, x, scale, power=1: t * x * slope(x, scale, power),
    )
    check(["fwd", "rev"])(X, 0.7)


def test_primitives_without_rules_are_refused():
    double = extend.primitive(lambda x: 2 * x)
    assert double(2.0) == 4.0
    with pytest.raises(NotImplementedError, match="VJP of <lambda> wrt argnums"):
        autograd.grad(double)(1.0)
    with pytest.raises(NotImplementedError, match="JVP of <lambda> wrt argnums"):
        autograd.deriv(double)(1.0)
    extend.defvjp(double, lambda y, x: lambda g: 2 * g, argnums=[1])
    with pytest.raises(NotImplementedError, match="VJP"):
        autograd.grad(double)(1.0)


def test_primitives_of_containers_with_several_answers():
    calls = []

    @extend.primitive
    def both(pair, c):
        return {"product": pair[0] * pair[1], "sum": pair[0] + c}

    def maker(argnums, y, args, kwargs):
        (a, b), _ = args

        def vjp(g):
            calls.append(argnums)
            by_pair = (g["product"] * b + g["sum"], g["product"] * a)
            return [by_pair if k == 0 else g["sum"] for k in argnums]

        return vjp

    extend.defvjp_argnums(both, maker)

    def f(a, b, c):
        y = both((a, b), c)
        return np.sin(y["product"]) * y["sum"]

    def plain(a, b, c):
        return np.sin(a * b) * (a + c)

    args = (0.5, 1.5, -2.0)
    assert autograd.grad(f, (0, 1, 2))(*args) == pytest.approx(cr.grad(plain, (0, 1, 2))(*args))
    found, expected = autograd.hessian(f, 1)(*args), cr.hessian(plain, 1)(*args)
    assert found == pytest.approx(expected)
    assert (0, 1) in calls


def test_linear_primitives_and_sparse_gradients():
    take = extend.primitive(lambda x, k: x[k])

    def add_at(space, g, k):
        def mut_add(zeros):
            zeros[k] += g
            return zeros

        return extend.SparseObject(space, mut_add)

    extend.defvjp(take, lambda y, x, k: lambda g: add_at(extend.vspace(x), g, k))
    extend.defjvp(take, "same")
    f = lambda x: take(x, 1) ** 2
    numpy.testing.assert_allclose(autograd.grad(f)(X), [0, 2 * X[1], 0])
    numpy.testing.assert_allclose(autograd.make_jvp(f)(X)(V)[1], 2 * X[1] * V[1])
    scaled = extend.primitive(lambda x, y: x * y)
    extend.def_linear(scaled)
    assert autograd.make_jvp(scaled, (0, 1))(2.0, 3.0)((1.0, 1.0))[1] == 5.0


# What else the package has.


def test_vector_spaces():
    space = extend.vspace({"a": 1.0, "b": np.ones(2) + 0j})
    assert space.size == 5
    assert space == extend.vspace({"a": 0.0, "b": np.zeros(2) + 0j})
    assert space != extend.vspace({"a": 0.0, "b": np.zeros(2)})
    assert space.inner_prod(space.ones(), space.ones()) == 5
    assert len(list(space.standard_basis())) == 5
    with pytest.raises(TypeError, match="no vector space of 'x'"):
        extend.vspace("x")


def test_builtins_and_boxes():
    seen = []

    def f(x):
        seen.append((tracer.isbox(x), builtins.type(x), tracer.getval(x)))
        assert builtins.isinstance(x, float)
        assert isinstance(x, tracer.Box)
        pair = builtins.tuple((x, x))
        return pair[0] * builtins.dict(a=x)["a"]

    assert autograd.grad(f)(3.0) == 6.0
    assert seen == [(True, float, 3.0)]


def test_numpy_of_autograd():
    assert type(np.where(True, 1, 2)) is int
    assert np.where([True, False], [1, 2], [3, 4]) == [1, 4]
    with pytest.raises(ValueError, match="either both or neither"):
        np.where([True], 1)
    numbers = autograd.grad(lambda x: x[np.int64(x[2])] ** 2)(np.array([1.0, 5.0, 1.0]))
    numpy.testing.assert_array_equal(numbers, [0, 10, 0])
    test_util.check_grads(lambda d: np.make_diagonal(d, axis1=-1, axis2=-2))(A)
    with pytest.raises(NotImplementedError):
        np.make_diagonal(A)
    filled = autograd.grad(lambda x: np.sum(np.stack([x, np.zeros(3), x**2])))(X)
    numpy.testing.assert_allclose(filled, 1 + 2 * X)


@pytest.mark.parametrize("mode", ["full", "valid", "same"])
def test_convolve_several_axes(mode):
    from scipy.signal import convolve

    a, b = RANDOM.standard_normal((2, 4, 3)), RANDOM.standard_normal((3, 2, 5))
    found = signal.convolve(a, b, axes=([1], [1]), dot_axes=([2], [0]), mode=mode)
    expected = [
        [sum(convolve(a[i, :, k], b[k, :, j], mode) for k in range(3)) for j in range(5)]
        for i in range(2)
    ]
    numpy.testing.assert_allclose(found, expected)
    test_util.check_grads(signal.convolve, (0, 1), order=1)(a[0], b[0, :, :3], mode=mode)


def test_distributions_are_modules():
    norm = importlib.import_module("chainrule.interop.autograd.scipy.stats.norm")
    assert norm is stats.norm
    assert autograd.grad(norm.logpdf)(0.5, 0.0, 1.0) == -0.5


def test_check_grads_finds_what_is_wrong():
    wrong = extend.primitive(lambda x: x * 2.0)
    extend.defvjp(wrong, lambda y, x: lambda g: g * 2.001)
    with pytest.raises(AssertionError, match=r"\(VJP\) check of <lambda> failed"):
        test_util.check_grads(wrong, modes=["rev"])(1.0)
    with pytest.raises(ValueError, match="modes are"):
        test_util.check_grads(np.sin, modes=["back"])

    def writes(A, b):
        A[1] = b
        return A

    with pytest.raises(cr.errors.ArgumentError, match="writes writes into its argument"):
        test_util.check_grads(writes)(np.ones(3), 2.0)


def test_core_takes_functions_of_one_argument():
    vjp, y = make_vjp(lambda x: x["a"] * 2, {"a": 3.0})
    assert (y, vjp(1.0)) == (6.0, {"a": 2.0})
