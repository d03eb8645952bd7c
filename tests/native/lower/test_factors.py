"""What is asked about large matrices: compiled against eager, and the decompositions made."""

import numpy as np
import pytest
from scipy.linalg import cho_solve, cholesky, expm, expm_frechet, solve_triangular

import chainrule as cr

N = 100
_random = np.random.default_rng(0)
_NOISE = _random.normal(size=(N, N))
DEFINITE = _NOISE @ _NOISE.T / N + np.eye(N)
W, B, Y = _random.normal(size=(N, N)) / N, _random.normal(size=N), _random.normal(size=(N, 3))


def _likelihood(K):
    L = np.linalg.cholesky(K)
    return B @ np.linalg.solve(L.T, np.linalg.solve(L, B)) + 2 * np.sum(np.log(np.diag(L)))


def _scipy_likelihood(K):
    L = cholesky(K, lower=True)
    return B @ cho_solve((L, True), B) + np.sum(np.log(np.diag(L)))


def _half(K):
    L = np.linalg.cholesky(K)
    a = solve_triangular(L, solve_triangular(L, B, lower=True), trans=1, lower=True)
    return B @ a / 2 + np.sum(np.log(np.diag(L)))


def _columns(K):
    R = np.linalg.cholesky(K, upper=True)
    return np.sum(np.linalg.solve(R, Y) ** 3 * np.linalg.solve(R.T, Y)) + np.sum(R * W)


def _student(K):
    L = np.linalg.cholesky(K)
    z = solve_triangular(L, B, lower=True)
    return (K[0, 1] + N) * np.log1p(z @ z / 5) + np.sum(np.log(L.diagonal()))


def _quadratic(K):
    R = cholesky(K)
    return K[0, 0] * np.sum(W[:, :3] * cho_solve((R, False), Y))


def _on_diagonal(K):
    L = np.linalg.cholesky(K)
    return np.sum(np.sin(9 * np.diag(L))) - np.prod(np.diag(L)) + 3 * np.sum(np.log(np.diag(L)))


def _matrix_again(K):
    A = K * K + N * np.eye(N)
    L = np.linalg.cholesky(A)
    x = solve_triangular(L, A * 2, lower=True)
    return np.sum(L * W) * np.sum(A**3) + np.sum(x**2) * np.sum(A * 2)


def _one_way(K):
    L = np.linalg.cholesky(K)
    return np.sum(solve_triangular(L, B, lower=True) ** 3) + np.sum(np.log(np.diag(L)))


def _other_triangle(K):
    L = np.linalg.cholesky(K)
    z = solve_triangular(L, B)  # what is read there is a diagonal
    return z @ z + np.sum(np.diag(L, -1) ** 2)


def _equations(K):
    A = K + W
    return np.sum(np.linalg.solve(A, B) ** 3) + np.sum(np.linalg.solve(A.T, Y) ** 2)


def _triangles(K):
    z = solve_triangular(K, B, lower=True) ** 2
    x = solve_triangular(K, Y, lower=True, trans=1, unit_diagonal=True)
    return np.sum(x**2) + z @ solve_triangular(K, z, trans=1) + np.sum(solve_triangular(K, x))


def _inverse(K):
    A = K + W
    return np.sum(np.linalg.inv(A) * W) + np.sum(np.linalg.inv(A.T) ** 2)


def _determinant(K):
    sign, log = np.linalg.slogdet(W - K[::-1])
    return sign * log + np.sum(np.linalg.solve(W - K[::-1], B))


@pytest.mark.parametrize(
    ("f", "made"),
    [
        (_likelihood, {"cholesky": 1, "cholesky_inverse": 1, "triangle": 2}),
        (_scipy_likelihood, {"cholesky": 1, "cholesky_inverse": 1, "triangle": 2}),
        (_half, {"cholesky": 1, "cholesky_inverse": 1, "triangle": 2}),
        (_student, {"cholesky": 1, "cholesky_inverse": 1, "triangle": 2}),
        (_quadratic, {"cholesky": 1, "triangle": 4}),
        (_on_diagonal, {"cholesky": 1, "cholesky_inverse": 1}),
        (_matrix_again, {"cholesky": 1, "cholesky_pullback": 1, "triangle": 2}),
        (_one_way, {"cholesky": 1, "cholesky_pullback": 1, "triangle": 2}),
        (_other_triangle, {"cholesky": 1, "cholesky_pullback": 1, "triangle": 2}),
        (_columns, {"cholesky": 1, "cholesky_pullback": 1, "triangle": 4}),
        (_equations, {"lu": 1, "lu_solve": 4}),
        (_triangles, {"triangle": 8}),
        (_inverse, {"lu": 1, "lu_inverse": 2}),
        (_determinant, {"lu": 1, "lu_inverse": 1, "lu_log": 2, "lu_solve": 2}),
    ],
)
def test_what_is_known_about_a_matrix_is_used_again(f, made):
    derivative = cr.value_and_grad(f)
    compiled = cr.compile(derivative)
    lines = compiled.lower(DEFINITE).loops.splitlines()
    called = [line.partition("lapack_")[2].partition("(")[0] for line in lines if "lapack_" in line]
    assert {name: called.count(name) for name in called} == made
    compiled(DEFINITE)
    for dtype, within in ((np.float64, 1e-12), (np.float32, 2e-5)):
        value, gradient = derivative(DEFINITE.astype(dtype))
        for _ in range(2):  # recorded, and then compiled
            found_value, found = compiled(DEFINITE.astype(dtype))
        np.testing.assert_allclose(found_value, value, rtol=within * 10)
        assert found.dtype == gradient.dtype
        assert np.max(abs(found - gradient)) <= within * np.max(abs(gradient))


def test_the_inverse_of_a_larger_matrix_is_made_of_larger_blocks():
    noise = _random.normal(size=(600, 600))
    K = noise @ noise.T / 600 + np.eye(600)
    compiled = cr.compile(cr.grad(lambda K: 2 * np.sum(np.log(np.diag(np.linalg.cholesky(K))))))
    compiled(K)
    inverse = np.tril(np.linalg.inv(K))
    np.testing.assert_allclose(compiled(K), inverse + np.tril(inverse, -1), rtol=0, atol=1e-13)


def test_derivatives_of_the_gradient_are_compiled():
    product = cr.hvp(_likelihood)
    compiled = cr.compile(product)
    compiled(DEFINITE, W)
    np.testing.assert_allclose(compiled(DEFINITE, W), product(DEFINITE, W), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("f", "bad", "message"),
    [(_likelihood, -DEFINITE, "not positive definite"), (_equations, -W, "Singular matrix")],
)
def test_a_matrix_without_factors_is_an_error(f, bad, message):
    compiled = cr.compile(cr.grad(f))
    compiled(DEFINITE)
    with pytest.raises(np.linalg.LinAlgError, match=message):
        compiled(bad)


def test_the_determinant_of_a_singular_matrix_has_a_sign():
    compiled = cr.compile(lambda a: np.linalg.slogdet(a))
    compiled(DEFINITE)
    assert compiled(np.zeros((N, N))) == (0.0, -np.inf)


def _matrices():
    a = _random.normal(size=(8, 8))
    nearly_nilpotent = np.triu(a * 300, 1) + 1e-3 * a
    return [a / 3, a * 4, nearly_nilpotent, np.tril(a), a[:2, :2], np.zeros((3, 3)), a[:0, :0]]


@pytest.mark.parametrize("a", _matrices())
def test_an_exponential_and_its_gradient_share_powers(a):
    g = _random.normal(size=a.shape)
    compiled = cr.compile(cr.value_and_grad(lambda a: np.sum(expm(a) * g)))
    compiled(a)
    value, found = compiled(a)
    assert abs(value - np.sum(expm(a) * g)) <= 1e-13 * np.sum(abs(expm(a) * g))
    if a.size:
        expected = expm_frechet(a.T, g, compute_expm=False)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13 * np.max(abs(expected)))
