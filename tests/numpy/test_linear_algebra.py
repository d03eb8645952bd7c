"""NumPy's linear algebra: every spelling gives NumPy's value and the right derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.linalg import LinAlgError

import chainrule as cr
from tests.programs.functions import check_function, drawn

A = drawn(3, 3) + 3 * np.eye(3)
B = drawn(3, 3, seed=1)
SYMMETRIC = A + A.T
BATCH = drawn(2, 3, 3, seed=2) + 3 * np.eye(3)
TALL, WIDE = drawn(4, 2), drawn(2, 4)


def turned(a):
    return a + 0.3j * np.flip(a, -1)


CASES = {
    "inv": (lambda a: np.linalg.inv(a), BATCH),
    "inv_complex": (lambda a: np.linalg.inv(turned(a)), A),
    "det": (lambda a: np.linalg.det(a), BATCH),
    "det_complex": (lambda a: np.linalg.det(turned(a)), A),
    "slogdet": (lambda a: np.linalg.slogdet(a)[1], BATCH),
    "slogdet_named": (lambda a: np.linalg.slogdet(a).sign * np.linalg.slogdet(a).logabsdet, A),
    "slogdet_complex": (lambda a: np.linalg.slogdet(turned(a))[0], A),
    "eigh_values": (lambda a: np.linalg.eigh(a)[0], SYMMETRIC),
    "eigh_vectors": (lambda a: np.linalg.eigh(a, "U").eigenvectors, SYMMETRIC),
    "eigh_function": (
        lambda a: (lambda w, v: (v * np.exp(w / 5)) @ v.T)(*np.linalg.eigh(a + a.T)),
        A,
    ),
    "eigh_hermitian": (lambda a: np.abs(np.linalg.eigh(turned(a))[1]), SYMMETRIC),
    "eigvalsh": (lambda a: np.linalg.eigvalsh(a, "U"), BATCH),
    "eig_values": (lambda a: np.linalg.eig(a)[0], A),
    "eig_vectors": (lambda a: np.linalg.eig(a).eigenvectors, A),
    "eig_of_rotations": (
        lambda a: np.abs(np.linalg.eig(a - a.T + np.diag([1, 2, 4]))[1]),
        drawn(3, 3),
    ),
    "eigvals": (lambda a: np.linalg.eigvals(a), BATCH),
    "svd": (
        lambda a: (lambda u, s, vh: u * np.sqrt(s) @ vh)(*np.linalg.svd(a, False)),
        TALL,
    ),
    "svd_left": (lambda a: np.linalg.svd(a, full_matrices=False).U, TALL),
    "svd_full": (lambda a: (lambda u, s, vh: s @ vh)(*np.linalg.svd(a)), TALL),
    "svd_right": (lambda a: np.linalg.svd(a, full_matrices=False).Vh, WIDE),
    "svd_square": (lambda a: np.linalg.svd(a)[0], A),
    "svd_values": (lambda a: np.linalg.svd(a, compute_uv=False), WIDE),
    "svd_hermitian": (lambda a: np.linalg.svd(a, compute_uv=False, hermitian=True), SYMMETRIC),
    "svdvals": (lambda a: np.linalg.svdvals(a), BATCH),
    "qr": (lambda a: np.linalg.qr(a).Q, TALL),
    "qr_r": (lambda a: np.linalg.qr(a, mode="r"), TALL),
    "qr_wide": (lambda a: np.linalg.qr(a).R, WIDE),
    "qr_complete": (lambda a: np.linalg.qr(a, "complete")[0], A),
    "pinv": (lambda a: np.linalg.pinv(a), TALL),
    "pinv_rtol": (lambda a: np.linalg.pinv(a, rtol=1e-9), WIDE),
    "pinv_hermitian": (lambda a: np.linalg.pinv(a, hermitian=True), SYMMETRIC),
    "lstsq": (lambda a, b: np.linalg.lstsq(a, b)[0], TALL, drawn(4)),
    "lstsq_matrix": (lambda a, b: np.linalg.lstsq(a, b, rcond=-1)[0], WIDE, drawn(2, 2)),
    "lstsq_residuals": (lambda a, b: np.linalg.lstsq(a, b)[1], TALL, drawn(4, 2, seed=3)),
    "lstsq_residual": (lambda a, b: np.linalg.lstsq(a, b)[1], TALL, drawn(4)),
    "lstsq_singular_values": (lambda a: np.linalg.lstsq(a, np.ones(4))[3], TALL),
    "cond": (lambda a: np.linalg.cond(a), A),
    "cond_batch": (lambda a: np.linalg.cond(a, -2), BATCH),
    "cond_fro": (lambda a: np.linalg.cond(a, "fro"), A),
    "cond_one": (lambda a: np.linalg.cond(a, 1), A),
    "solve_vector": (lambda a, b: np.linalg.solve(a, b), BATCH, drawn(3)),
    "matrix_power": (lambda a: np.linalg.matrix_power(a, -3), A),
    "tensorsolve": (lambda a, b: np.linalg.tensorsolve(a, b), A.reshape(3, 1, 3), drawn(3, 1)),
    "tensorsolve_axes": (
        lambda a, b: np.linalg.tensorsolve(a, b, axes=(0,)),
        A.reshape(3, 3, 1),
        drawn(3, 1),
    ),
    "tensorinv": (lambda a: np.linalg.tensorinv(a, ind=1), A.reshape(3, 3, 1)),
    "norm_nuclear": (lambda a: np.linalg.norm(a, "nuc"), TALL),
    "norm_spectral": (lambda a: np.linalg.norm(a, 2, axis=(2, 0)), drawn(3, 2, 2)),
    "norm_least": (lambda a: np.linalg.norm(a, -2, axis=(0, 1), keepdims=True), TALL),
    "matrix_norm": (lambda a: np.linalg.matrix_norm(a, ord="nuc"), BATCH),
    "norm_complex": (lambda a: np.linalg.norm(turned(a)), TALL),
    "norm_complex_inf": (lambda a: np.linalg.norm(turned(a), np.inf), TALL),
    "norm_complex_nuclear": (lambda a: np.linalg.norm(turned(a), "nuc"), WIDE),
    "norm_complex_third": (lambda a: np.linalg.norm(turned(a), 3, axis=0), TALL),
    "cross": (lambda a, b: np.cross(a, b, axis=0), A, B),
    "vecdot": (lambda a, b: np.linalg.vecdot(turned(a), b), A, B),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.filterwarnings("ignore::chainrule.errors.NotHermitianWarning")
@pytest.mark.parametrize("name", CASES)
def test_value_and_derivatives(name):
    f, *args = CASES[name]
    check_function(f, tuple(args), tolerance=1e-5)


def test_rank_carries_no_gradient():
    def f(a):
        return np.linalg.matrix_rank(a) * np.sum(a)

    np.testing.assert_array_equal(cr.grad(f)(A), np.full((3, 3), 3.0))


# Singular and repeated cases.


def determinant(a):
    return np.linalg.det(a)


@pytest.mark.parametrize(
    ("singular", "expected"),
    [
        (np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]), None),
        (np.array([[1.0, 2.0], [2.0, 4.0]]), [[4.0, -2.0], [-2.0, 1.0]]),
        (np.diag([1.0, 0.0, 0.0]), np.zeros((3, 3))),
        (np.diag([2.0, 3.0, 0.0]), np.diag([0.0, 0.0, 6.0])),
        (np.zeros((1, 1)), [[1.0]]),
    ],
)
def test_determinant_of_singular_matrices(singular, expected):
    if expected is None:
        minors = [[np.delete(np.delete(singular, i, 0), j, 1) for j in range(3)] for i in range(3)]
        expected = [
            [(-1) ** (i + j) * np.linalg.det(minors[i][j]) for j in range(3)] for i in range(3)
        ]
    for g in (cr.grad(determinant), cr.compile(cr.grad(determinant))):
        np.testing.assert_allclose(g(singular), expected, atol=1e-12)


def test_what_needs_an_inverse_that_there_is_none_of_raises():
    for f in (
        np.linalg.inv,
        lambda a: np.linalg.solve(a, np.ones(2)),
        lambda a: np.linalg.slogdet(a)[1],
    ):
        with pytest.raises(LinAlgError, match="Singular"):
            cr.grad(lambda a, f=f: np.sum(f(a)))(np.ones((2, 2)))


def test_eigenvalues_that_are_equal():
    a = np.diag([2.0, 2.0, 5.0])
    np.testing.assert_allclose(cr.grad(lambda a: np.sum(np.linalg.eigvalsh(a) ** 2))(a), 2 * a)
    np.testing.assert_allclose(cr.grad(lambda a: np.sum(np.linalg.eigh(a)[0] ** 2))(a), 2 * a)
    g = cr.grad(lambda a: np.sum(np.linalg.eigh(a)[1] * B))(a)
    assert np.isnan(g).any()  # there are no eigenvectors that would vary smoothly
    g = cr.grad(lambda a: np.linalg.eigh(a)[1][2, 2])(a)  # which is of the other eigenvalue
    assert np.isfinite(g).all()


def test_singular_values_that_are_equal_or_zero():
    a = np.diag([2.0, 2.0, 0.0])
    np.testing.assert_allclose(cr.grad(lambda a: np.sum(np.linalg.svdvals(a) ** 2))(a), 2 * a)
    np.testing.assert_allclose(cr.grad(lambda a: np.linalg.norm(a, 2))(a), np.diag([0.5, 0.5, 0.0]))
    g = cr.grad(lambda a: np.sum(np.linalg.svd(a)[0] * B))(a)
    assert np.isnan(g).any()


def test_the_pseudoinverse_where_the_rank_stays():
    a = np.outer([1.0, 2.0, 3.0], [1.0, -1.0])
    u, v = np.array([0.3, -0.2, 0.5]), np.array([0.7, 0.1])
    moves = np.outer(u, [1.0, -1.0]), np.outer([1.0, 2.0, 3.0], v)  # they keep the rank
    g = cr.grad(lambda a: np.sum(np.linalg.pinv(a) ** 2))(a)
    for moved in moves:
        h = 1e-6
        up, down = (np.sum(np.linalg.pinv(a + s * h * moved) ** 2) for s in (1, -1))
        np.testing.assert_allclose(np.sum(g * moved), (up - down) / (2 * h), rtol=1e-6)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda a: np.linalg.svd(a)[0], r"columns of its U: some.*full_matrices=False"),
        (lambda a: np.linalg.qr(a, "complete")[0], "mode='complete'.*'reduced'"),
        (lambda a: np.linalg.qr(a, "raw")[0], "mode='raw'"),
    ],
)
def test_what_has_no_derivative_says_so(f, message):
    with pytest.raises(cr.errors.UnsupportedError, match=message):
        cr.grad(lambda a: np.sum(f(a)))(TALL)


def test_bad_operands_are_told_as_numpy_tells_them():
    with pytest.raises(LinAlgError, match="square"):
        cr.grad(lambda a: np.sum(np.linalg.inv(a)))(TALL)
    with pytest.raises(ValueError, match="UPLO"):
        cr.grad(lambda a: np.sum(np.linalg.eigvalsh(a, "X")))(A)
    with pytest.raises(LinAlgError, match="two-dimensional"):
        cr.grad(lambda a: np.sum(np.linalg.lstsq(a, np.ones(3))[0]))(BATCH)


@pytest.mark.parametrize("f", [np.linalg.inv, np.linalg.det, np.linalg.eigvalsh, np.linalg.svdvals])
def test_no_matrices_at_all(f):
    g = cr.grad(lambda a: np.sum(f(a)))(np.ones((0, 2, 2)))
    assert g.shape == (0, 2, 2)
    assert cr.grad(lambda a: np.sum(np.linalg.det(a)))(np.ones((2, 0, 0))).shape == (2, 0, 0)


@pytest.mark.parametrize("noise", [1e-1, 1e-8])
def test_a_large_cholesky_factor_is_pulled_back_to_the_last_digits(noise):
    # In blocks where it is well conditioned, else as a whole: blocks lose digits (1e-9 of these).
    x = np.linspace(0, 1, 150)
    a = np.exp(-((x[:, None] - x) ** 2) / 0.2) + noise * np.eye(150)
    weights = np.random.default_rng(0).normal(size=(150, 150))
    found = cr.grad(lambda a: np.sum(np.linalg.cholesky(a) * weights))(a)

    factor = np.linalg.cholesky(a).astype(np.longdouble)
    inverse = np.zeros_like(factor)
    for k, row in enumerate(factor):
        inverse[k] = (np.eye(150)[k] - row[:k] @ inverse[:k]) / row[k]
    inner = np.tril(factor.T @ np.tril(weights))
    inner -= np.diag(np.diag(inner)) / 2
    whole = inverse.T @ inner @ inverse
    expected = np.tril(whole + whole.T) - np.diag(np.diag(whole))
    assert np.max(abs(found - expected)) < 1e-11 * np.max(abs(expected))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 8, 8), (0, 2, 2), (5000, 4, 4)])
def test_many_small_factors_are_pulled_back_together(shape, dtype):
    random = np.random.default_rng(0)
    x, weights = random.normal(size=(2, *shape))
    matrices = (x @ x.swapaxes(-1, -2) + np.eye(shape[-1])).astype(dtype)
    weights = weights.astype(dtype)

    def f(a, weights):
        factor = np.linalg.cholesky(a)
        return np.sum(weights * factor * np.linalg.solve(factor, weights))

    found = cr.grad(f)(matrices, weights)
    assert found.dtype == dtype
    for index in list(np.ndindex(shape[:-2]))[:10]:
        expected = cr.grad(f)(matrices[index], weights[index])
        within = 1e4 * np.finfo(dtype).eps * np.max(abs(expected))
        np.testing.assert_allclose(found[index], expected, rtol=0, atol=within)
