"""jacobian and hessian in the lecture's shapes."""

import numpy as np
import pytest

import chainrule as cr

rng = np.random.default_rng(1)
A = rng.normal(size=(3, 4))
B = rng.normal(size=(4, 2))
v = rng.normal(size=4)

CASES = {
    # name: (function, argument, expected)
    "scalar by scalar": (lambda x: x**2, 3.0, 6.0),
    "scalar by vector": (lambda x: np.sum(x**2), v, 2 * v),
    "vector by scalar": (lambda x: x * v, 2.0, v),
    "vector by vector": (lambda x: A @ x, v, A),
    "scalar by matrix": (lambda X: np.sum(X @ v), A, np.tile(v, (3, 1))),
    "vector by matrix": (lambda X: X @ v, A, np.einsum("ik,j->ikj", np.eye(3), v)),
    "matrix by matrix": (lambda X: X @ B, A, np.einsum("ik,lj->ijkl", np.eye(3), B)),
    "matrix by scalar": (lambda x: x * A, 2.0, A),
    "tall by short": (lambda x: np.concatenate([x, x, x]), v[:2], np.tile(np.eye(2), (3, 1))),
}


@pytest.mark.parametrize("name", CASES)
def test_shapes_and_values(name):
    f, x, expected = CASES[name]
    J = cr.jacobian(f)(x)
    assert np.shape(J) == np.shape(f(x)) + np.shape(x)
    np.testing.assert_allclose(J, expected)


def test_several_arguments_and_outputs():
    J = cr.jacobian(lambda a, b: {"p": a * b, "s": np.sum(b)}, (0, 1))(2.0, v)
    np.testing.assert_allclose(J["p"][0], v)
    np.testing.assert_allclose(J["p"][1], 2 * np.eye(4))
    np.testing.assert_allclose(J["s"][1], np.ones(4))
    assert J["s"][0] == 0.0


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def test_hessian_of_rosenbrock():
    from scipy.optimize import rosen_hess

    H = cr.hessian(rosenbrock)(v)
    np.testing.assert_allclose(H, rosen_hess(v), rtol=1e-12)


def test_hessian_of_several_arguments():
    H = cr.hessian(lambda a, b: a**2 * np.sum(b), (0, 1))(3.0, v)
    assert H[0][0] == pytest.approx(2 * np.sum(v))
    np.testing.assert_allclose(H[0][1], np.full(4, 6.0))
    np.testing.assert_allclose(H[1][0], np.full(4, 6.0))
    np.testing.assert_allclose(H[1][1], np.zeros((4, 4)))


def test_jacobian_of_jacobian():
    T = cr.jacobian(cr.jacobian(lambda x: x**3))(v)
    expected = np.zeros((4, 4, 4))
    expected[range(4), range(4), range(4)] = 6 * v
    np.testing.assert_allclose(T, expected)


def test_float32_stays_float32():
    J = cr.jacobian(lambda x: A.astype(np.float32) @ x)(v.astype(np.float32))
    assert J.dtype == np.float32


@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("name", CASES)
def test_modes(name, mode):
    f, x, expected = CASES[name]
    J = cr.jacobian(f, mode=mode)
    np.testing.assert_allclose(J(x), expected)
    np.testing.assert_allclose(cr.compile(J)(x), expected)
    curved = lambda x: np.sum(np.sin(cr.jacobian(lambda x: np.tanh(f(x)), mode=mode)(x)))
    again = lambda x: np.sum(np.sin(cr.jacobian(lambda x: np.tanh(f(x)))(x)))
    np.testing.assert_allclose(cr.grad(curved)(x), cr.grad(again)(x), 1e-12, 1e-14)


def test_a_mode_that_there_is_not():
    with pytest.raises(cr.errors.ArgumentError, match="'auto', 'forward', 'reverse'"):
        cr.jacobian(np.sin, mode="backward")


# Products with second derivatives.


def test_products_with_a_vector():
    H = cr.hessian(rosenbrock)(v)
    w = rng.normal(size=4)
    for product in (cr.hvp(rosenbrock), cr.vhp(rosenbrock)):
        np.testing.assert_allclose(product(v, w), H @ w, rtol=1e-12)
        np.testing.assert_allclose(cr.compile(product)(v, w), H @ w, rtol=1e-12)
        np.testing.assert_allclose(cr.vmap(product, (None, 0))(v, np.eye(4)), H, rtol=1e-12)
        third = cr.grad(lambda x: w @ product(x, w))(v)
        np.testing.assert_allclose(
            third, np.einsum("ijk,i,j->k", cr.jacobian(cr.hessian(rosenbrock))(v), w, w)
        )


def test_products_of_trees_and_several_arguments():
    f = lambda p, x, n: np.sum(np.sin(p["a"] * x) ** n) + p["b"] * np.sum(x**2)
    p, w = {"a": v, "b": 2.0}, {"a": np.ones(4), "b": 3.0}
    for product in (cr.hvp(f, (0, 1)), cr.vhp(f, (0, 1))):
        dp, dx = product(p, v, 2, (w, v))
        flat = lambda z: f({"a": z[:4], "b": z[4]}, z[5:], 2)
        expected = cr.hessian(flat)(np.r_[v, 2.0, v]) @ np.r_[np.ones(4), 3.0, v]
        np.testing.assert_allclose(np.r_[dp["a"], dp["b"], dx], expected, rtol=1e-10)
        assert type(dp["b"]) is float


def test_gauss_newton():
    w = rng.normal(size=4)
    f = lambda x: np.tanh(A @ x)
    J = cr.jacobian(f)(v)
    np.testing.assert_allclose(cr.ggnvp(f)(v, w), J.T @ J @ w)
    loss = lambda y: np.sum(np.exp(y))
    product = cr.ggnvp(f, loss)
    expected = J.T @ (np.exp(f(v)) * (J @ w))
    np.testing.assert_allclose(product(v, w), expected)
    np.testing.assert_allclose(cr.compile(product)(v, w), expected)
    pair = cr.ggnvp(lambda x: (x * x, [x[0]]), lambda y: np.sum(y[0]) + y[1][0] ** 2)
    np.testing.assert_allclose(pair(v, w), np.r_[2 * w[0], 0, 0, 0])


def test_bad_vectors():
    with pytest.raises(ValueError, match=r"expected shape \(4,\), that of what it is"):
        cr.hvp(rosenbrock)(v, np.ones(3))
    with pytest.raises(cr.errors.ArgumentError, match="and, after them, the vector"):
        cr.hvp(rosenbrock)(v)


def test_products_of_a_network_in_compiled_code():
    """What no rule of a node reads is dropped there, and another one reads it."""
    X, T = rng.normal(size=(64, 40)), rng.normal(size=(64, 3))

    def loss(parameters):
        W1, b1, W2 = parameters
        h = 1 / (1 + np.exp(-(X @ W1 + b1)))
        return np.mean((h @ W2 - T) ** 2)

    parameters = rng.normal(size=(40, 50)), rng.normal(size=50), rng.normal(size=(50, 3))
    vector = tuple(np.cos(p) for p in parameters)
    product = cr.hvp(loss)
    found = cr.compile(product)(parameters, vector)
    for a, b in zip(found, product(parameters, vector), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_unit_vectors_are_not_multiplied_in_compiled_code():
    """The rows that a Jacobian begins with are those of the last matrix, scaled."""
    f = lambda x: np.tanh(B.T @ np.tanh(A.T @ x))
    compiled = cr.compile(cr.jacobian(f, mode="reverse"))
    x = rng.normal(size=3)
    np.testing.assert_allclose(compiled(x), cr.jacobian(f)(x), rtol=1e-12)
    assert str(compiled.lower(x).loops).count(" @ ") == 3  # f has two, and one is left


C = rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4))
z = v + 1j * rng.normal(size=4)
COMPLEX = {
    # name: (function, argument, expected)
    "complex by real": (lambda x: np.exp(1j * (C @ x)), v, 1j * np.exp(1j * (C @ v))[:, None] * C),
    "complex scalar by real": (lambda x: x[0] + 1j * x[1] ** 2, v, np.array([1, 2j * v[1], 0, 0])),
    "complex by float": (lambda t: np.exp(1j * t), 2.0, 1j * np.exp(2j)),
    "conjugate by real": (lambda x: np.conj(C @ x), v, np.conj(C)),
    "real by complex": (lambda z: np.abs(z) ** 2, z, np.diag(2 * np.conj(z))),
    "wide by complex": (
        lambda z: np.concatenate([z.real, z.imag]),
        z,
        np.vstack([np.eye(4), -1j * np.eye(4)]),
    ),
    "holomorphic": (lambda z: C @ z**2, z, 2 * C * z),
    "transform": (lambda z: np.fft.fft(z), z, np.fft.fft(np.eye(4))),
}


@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
@pytest.mark.parametrize("name", COMPLEX)
def test_complex_numbers(name, mode):
    f, x, expected = COMPLEX[name]
    derivative = cr.jacobian(f, mode=mode)
    for found in (derivative(x), cr.compile(derivative)(x)):
        assert np.asarray(found).dtype == complex
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("derivative", [cr.jacobian, cr.elementwise_grad])
def test_what_is_not_holomorphic_has_no_complex_derivative(derivative):
    with pytest.raises(cr.errors.ArgumentError, match="not holomorphic at this point"):
        derivative(lambda z: z * np.conj(z))(z)
