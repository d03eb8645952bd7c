"""Matrices of which one triangle is read, where the other says something else."""

import warnings

import numpy as np
import pytest
import scipy.linalg

import chainrule as cr
from chainrule.errors import NotHermitianWarning

A = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]])
ODD = A + np.array([[0, 0.25, 0], [0, 0, 0], [0, 0, 0]])

FUNCTIONS = {
    "np.linalg.eigh": (lambda a: np.linalg.eigh(a)[0], "lower"),
    "np.linalg.eigvalsh": (lambda a: np.linalg.eigvalsh(a, "U"), "upper"),
    "np.linalg.cholesky": (np.linalg.cholesky, "lower"),
    "scipy.linalg.eigh": (lambda a: scipy.linalg.eigh(a, eigvals_only=True), "lower"),
    "scipy.linalg.cholesky": (scipy.linalg.cholesky, "upper"),
    "scipy.linalg.cho_factor": (lambda a: scipy.linalg.cho_factor(a)[0], "upper"),
}
EVERY = pytest.mark.parametrize(("name", "f", "read"), [(k, *v) for k, v in FUNCTIONS.items()])


def slope(f):
    return cr.grad(lambda a: np.sum(f(a) ** 3))


@EVERY
def test_a_warning_says_what_is_read_and_what_to_write(name, f, read):
    with pytest.warns(NotHermitianWarning) as met:
        slope(f)(ODD)
    (warning,) = met
    other, only = ("upper", "tril") if read == "lower" else ("lower", "triu")
    text = str(warning.message)
    assert text.startswith(f"{name} reads the {read} triangle of a matrix alone, and the {other} ")
    assert "a[0, 1] and a[1, 0] differ by 0.25" in text
    assert "(a + a.T) / 2 for a symmetric matrix" in text
    assert f"np.{only}(a)" in text
    assert warning.filename == __file__


@EVERY
def test_what_is_symmetric_or_left_empty_is_silent(name, f, read):
    expected = slope(f)(A)
    only = np.tril if read == "lower" else np.triu
    np.testing.assert_allclose(slope(f)(only(A)), expected, rtol=1e-12)
    slope(f)(A * (1 + 1e-15 * np.arange(9.0).reshape(3, 3)))  # rounding


def test_the_gradient_is_that_of_the_triangle_that_is_read():
    with pytest.warns(NotHermitianWarning):
        g = cr.grad(lambda a: np.linalg.eigvalsh(a)[0])(ODD)
    np.testing.assert_allclose(g, cr.grad(lambda a: np.linalg.eigvalsh(a)[0])(A))
    assert not np.triu(g, 1).any()


def test_a_batch_of_complex_ones_and_nothing():
    batch = np.stack([A, A]) + 0j
    batch[1, 2, 0] += 0.5j
    with pytest.warns(NotHermitianWarning, match=r"a\[0, 2\].*differ by 0.5.*Hermitian"):
        cr.grad(lambda a: np.sum(np.linalg.eigvalsh(a)))(batch)
    cr.vmap(cr.grad(lambda a: np.linalg.eigvalsh(a)[0]))(np.stack([A, A]))
    cr.grad(lambda a: np.sum(np.linalg.eigvalsh(a)))(np.zeros((0, 3, 3)))


def test_compiled_code_looks_once():
    fast = cr.compile(slope(np.linalg.cholesky))
    with pytest.warns(NotHermitianWarning):
        fast(ODD)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fast(ODD)
