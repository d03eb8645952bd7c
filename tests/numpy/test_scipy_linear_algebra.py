"""scipy.linalg: every spelling gives SciPy's value and the right derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import scipy
from scipy import linalg
from scipy.linalg import expm

import chainrule as cr
from tests.programs.functions import check_function, drawn

A = drawn(3, 3) + 3 * np.eye(3)
B = drawn(3, 3, seed=1)
POSITIVE = A @ A.T
B2, V = drawn(3, 2, seed=4), drawn(3, seed=5)
TALL, WIDE = drawn(4, 2), drawn(2, 4)


def turned(a):
    return a + 0.3j * np.flip(a, -1)


CASES = {
    "solve": (lambda a, b: linalg.solve(a, b), A, B2),
    "solve_positive": (lambda a, b: linalg.solve(a, b, assume_a="pos"), POSITIVE, V),
    "solve_symmetric": (lambda a, b: linalg.solve(a, b, lower=True, assume_a="sym"), A, V),
    "solve_transposed": (lambda a, b: linalg.solve(a, b, transposed=True), A, V),
    "solve_triangular": (lambda a, b: linalg.solve_triangular(a, b, lower=True), A, B2),
    "solve_triangular_trans": (lambda a, b: linalg.solve_triangular(a, b, "T"), A, V),
    "solve_triangular_adjoint": (
        lambda a, b: linalg.solve_triangular(turned(a), b, "C", unit_diagonal=True),
        A,
        B2,
    ),
    "cholesky": (lambda a: linalg.cholesky(a), POSITIVE),
    "cho_solve": (lambda a, b: linalg.cho_solve(linalg.cho_factor(a), b), POSITIVE, V),
    "cho_solve_lower": (
        lambda a, b: linalg.cho_solve(linalg.cho_factor(a, lower=True), b),
        POSITIVE,
        B2,
    ),
    "lu_solve": (lambda a, b: linalg.lu_solve(linalg.lu_factor(a), b), B, B2),
    "lu_solve_transposed": (lambda a, b: linalg.lu_solve(linalg.lu_factor(a), b, trans=1), B, V),
    "lu_left": (lambda a: linalg.lu(a)[1], TALL),
    "lu_right": (lambda a: linalg.lu(a)[2], WIDE),
    "lu_permuted": (lambda a: linalg.lu(a, permute_l=True)[0], B),
    "lu_back": (lambda a: (lambda p, l, u: p @ l @ u)(*linalg.lu(a)), B),
    "inv": (lambda a: linalg.inv(a), A),
    "det": (lambda a: linalg.det(a), B),
    "pinv": (lambda a: linalg.pinv(a, rtol=1e-8), WIDE),
    "pinv_rank": (lambda a: linalg.pinv(a, return_rank=True)[0], TALL),
    "lstsq": (lambda a, b: linalg.lstsq(a, b)[0], TALL, drawn(4)),
    "lstsq_residues": (lambda a, b: linalg.lstsq(a, b)[1], TALL, drawn(4)),
    "norm": (lambda a: linalg.norm(a, 2), WIDE),
    "qr": (lambda a: linalg.qr(a)[0], A),
    "qr_economic": (lambda a: linalg.qr(a, mode="economic")[1], TALL),
    "qr_r": (lambda a: linalg.qr(a, mode="r")[0], TALL),
    "qr_pivoting": (lambda a: linalg.qr(a, pivoting=True)[1], B),
    "svd": (lambda a: linalg.svd(a, full_matrices=False)[2], WIDE),
    "svdvals": (lambda a: linalg.svdvals(a), TALL),
    "eigh": (lambda a: linalg.eigh(a)[0], POSITIVE),
    "eigh_vectors": (lambda a: linalg.eigh(a, lower=False)[1] ** 2, POSITIVE),
    "eigh_of_two": (
        lambda a, b: linalg.eigh(a, b @ b.T + np.eye(3), eigvals_only=True),
        POSITIVE,
        B,
    ),
    "pinvh": (lambda a: linalg.pinvh(a), POSITIVE),
    "solve_discrete_lyapunov": (
        lambda a, q: linalg.solve_discrete_lyapunov(0.2 * a, q),
        A,
        B,
    ),
    "solveh_banded": (
        lambda d, e, b: linalg.solveh_banded(np.stack([d**2 + 3, e]), b, lower=True),
        V,
        V[::-1],
        V,
    ),
    "solve_toeplitz": (lambda c, r, b: linalg.solve_toeplitz((c**2 + 4, r), b), V, V[::-1], V),
    "companion": (lambda a: linalg.companion(a), V**2 + 1),
    "eigh_subset": (
        lambda a: linalg.eigh(a, eigvals_only=True, subset_by_index=(1, 2)),
        POSITIVE,
    ),
    "eigvalsh": (lambda a: linalg.eigvalsh(a), POSITIVE),
    "eig": (lambda a: linalg.eig(a)[0], A),
    "eig_vectors": (lambda a: np.abs(linalg.eig(a)[1]), A),
    "eigvals": (lambda a: linalg.eigvals(a), B),
    "polar": (lambda a: linalg.polar(a)[0], TALL),
    "polar_left": (lambda a: linalg.polar(a, side="left")[1], A),
    "polar_of_orthogonal": (lambda a: linalg.polar(np.eye(3) + (a - a.T) * 0)[0] + a, A),
    "expm": (lambda a: linalg.expm(a), B),
    "expm_imported": (lambda a: expm(turned(a)), B),
    "expm_batch": (lambda a: scipy.linalg.expm(a), drawn(2, 2, 2)),
    "logm": (lambda a: linalg.logm(a), POSITIVE),
    "sqrtm": (lambda a: linalg.sqrtm(a), POSITIVE),
    "cosm": (lambda a: linalg.cosm(a), B),
    "sinm": (lambda a: linalg.sinm(turned(a)), B),
    "tanm": (lambda a: linalg.tanm(a / 4), B),
    "coshm": (lambda a: linalg.coshm(a), B),
    "sinhm": (lambda a: linalg.sinhm(a), B),
    "tanhm": (lambda a: linalg.tanhm(a), B),
    "solve_banded": (lambda b: linalg.solve_banded((1, 1), np.ones((3, 3)) + 2 * b, b), B),
    "solve_sylvester": (lambda a, b, q: linalg.solve_sylvester(a, b, q), A, B[:2, :2], B2),
    "lyapunov": (lambda a, q: linalg.solve_continuous_lyapunov(a, q), A, B),
    "block_diag": (lambda a, b, c: linalg.block_diag(a, b, c), A, V, TALL),
    "toeplitz": (lambda c: linalg.toeplitz(c), V),
    "toeplitz_row": (lambda c, r: linalg.toeplitz(c, r), V, drawn(4)),
    "circulant": (lambda c: linalg.circulant(c), V),
    "hankel": (lambda c: linalg.hankel(c), V),
    "hankel_row": (lambda c, r: linalg.hankel(c, r), V, drawn(4)),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", CASES)
def test_value_and_derivatives(name):
    f, *args = CASES[name]
    check_function(f, tuple(args), tolerance=1e-5)


def test_the_polar_factor_of_an_orthogonal_matrix():
    """Its singular values are equal, and yet it is smooth there."""
    q = np.linalg.qr(B)[0]
    check_function(lambda a: linalg.polar(a)[0], (q,), tolerance=1e-6)


def test_the_square_root_of_a_multiple_of_the_identity():
    check_function(lambda a: linalg.sqrtm(a), (4 * np.eye(3),), tolerance=1e-6)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda a: linalg.qr(a)[0], "mode='full'.*'economic'"),
        (lambda a: linalg.polar(a.T)[0], "more columns than rows"),
        (lambda a: linalg.eigh(a[:2], a[:2])[0], "with b="),
        (lambda a: linalg.eig(a[:2], left=True)[1], "left=True"),
        (lambda a: linalg.logm(a[None, :2]), "3 axes"),
        (lambda a: linalg.pinv(a, atol=1e-3), "atol="),
    ],
)
def test_what_has_no_derivative_says_so(f, message):
    with pytest.raises(cr.errors.UnsupportedError, match=message):
        cr.grad(lambda a: np.sum(f(a)))(TALL)
