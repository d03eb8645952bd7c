"""Sparse derivatives within other transforms, in compiled code, and with constants that change."""

import numpy as np
import pytest
import scipy.sparse

import chainrule as cr
from chainrule.errors import UnsupportedError
from tests.transforms.sparse.test_derivatives import band, same, x


def test_under_other_transforms():
    def f(x):
        return x[1:] * x[:-1] ** 2

    def squares(jacobian):
        return lambda x: np.sum((jacobian(f)(x) @ x) ** 2)

    np.testing.assert_allclose(
        cr.grad(squares(cr.sparse_jacobian))(x), cr.grad(squares(cr.jacobian))(x)
    )
    many = np.stack([x, 2 * x])
    entries = cr.vmap(lambda x: cr.sparse_jacobian(f)(x).data)(many)
    np.testing.assert_allclose(entries[1], cr.sparse_jacobian(f)(2 * x).data)

    def dense(x):
        J = cr.sparse_jacobian(f)(x)
        return (
            np.sum(J.toarray() ** 3) + np.sum(np.ones((2, 11)) @ J) + np.sum(J.T @ np.ones((11, 2)))
        )

    def expected(x):
        J = cr.jacobian(f)(x)
        return np.sum(J**3) + np.sum(np.ones((2, 11)) @ J) + np.sum(J.T @ np.ones((11, 2)))

    np.testing.assert_allclose(cr.grad(dense)(x), cr.grad(expected)(x))


@pytest.mark.parametrize(
    "transform", [cr.jacobian, cr.vmap, lambda f: lambda x: cr.vjp(f, x), cr.sparse_jacobian]
)
def test_a_recorded_matrix_is_no_result(transform):
    jacobian = cr.sparse_jacobian(lambda x: x[1:] * x[:-1])
    with pytest.raises(UnsupportedError, match=r"return its entries, J\.data"):
        transform(jacobian)(np.ones((3, 4)) if transform is cr.vmap else x)


def test_what_a_recorded_matrix_cannot_do():
    jacobian = cr.sparse_jacobian(lambda x: x[1:] * x[:-1])
    for use, message in [
        (lambda J: J @ J.T, "the product of two sparse matrices"),
        (lambda J: J.diagonal(), "has no diagonal, but data, indices"),
        (lambda J: J @ np.ones(3), "do not fit"),
    ]:
        with pytest.raises(Exception, match=message):
            cr.grad(lambda x, use=use: np.sum(use(jacobian(x))))(x)


def test_compiled():
    def f(x, edges):
        return np.sin(x[edges[:, 0]] - x[edges[:, 1]]) if x[0] > -5 else x[1:] * x[:-1]

    def loss(x, edges):
        return np.sum(f(x, edges) ** 2)

    jacobian = cr.compile(cr.sparse_jacobian(f))
    both = cr.compile(lambda x, edges: (cr.sparse_hessian(loss)(x, edges), 2 * x))
    transposed = cr.compile(lambda x, edges: cr.sparse_jacobian(f)(x, edges).T)
    edges = np.array([[0, 1], [1, 2], [2, 5], [7, 11]])
    for args in [(x, edges), (2 * x, edges), (x, edges[::-1]), (x - 10, edges)]:
        same(jacobian(*args), cr.jacobian(f)(*args))
        hessian, twice = both(*args)
        same(hessian, cr.hessian(loss)(*args))
        np.testing.assert_array_equal(twice, 2 * args[0])
    assert type(transposed(*args)) is scipy.sparse.csc_array
    same(transposed(*args).T, cr.jacobian(f)(*args))


def test_compiled_with_indices_from_outside():
    picked = np.array([3, 1, 1])
    jacobian = cr.compile(cr.sparse_jacobian(lambda x: x[picked] * x[np.argsort(x)[:3]]))
    for k in range(3):
        picked[0] = k
        turned = np.roll(x, k)
        same(jacobian(turned), cr.jacobian(lambda x: x[picked] * x[np.argsort(x)[:3]])(turned))


@pytest.mark.parametrize("product", ["A @ x", "x @ A", "x X A", "A X x", "np.dot", "A.dot", "ints"])
def test_zeros_of_a_constant_factor(product):
    A = np.diag(np.full(12, -2.0)) + np.diag(np.ones(11), 1)
    f = {
        "A @ x": lambda x: A @ x**2,
        "x @ A": lambda x: x**2 @ A,
        "x X A": lambda x: np.outer(x[:2], x) @ A,
        "A X x": lambda x: A @ np.outer(x, x[:2]),
        "np.dot": lambda x: np.dot(A, x**2),
        "A.dot": lambda x: A.dot(x**2),
        "ints": lambda x: A.astype(int) @ x**2,
    }[product]
    expected = cr.jacobian(f)(x)
    found = cr.sparse_jacobian(f)(x)
    same(found, expected)
    if product != "A.dot":  # which NumPy computes number by number
        assert found.nnz == np.count_nonzero(expected)

    def loss(x):
        return np.sum(np.sin(f(x)))

    same(cr.sparse_hessian(loss)(x), cr.hessian(loss)(x))
    runs = [cr.sparse_jacobian(f)]
    if product in ("A @ x", "A.dot"):
        runs.append(cr.compile(runs[0]))
        runs[1](x)
        assert runs[1](x).nnz == np.count_nonzero(expected)
    A[3, 9] = 5.0
    for run in runs:
        same(run(x), cr.jacobian(f)(x))


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
@pytest.mark.parametrize("compiled", [False, True])
def test_a_sparse_factor_that_changes(compiled):
    factor = band.tocsr()
    jacobian = cr.sparse_jacobian(lambda x: factor @ x**3)
    gradient = cr.grad(lambda x: np.sum((factor @ x) ** 2))
    if compiled:
        jacobian, gradient = cr.compile(jacobian), cr.compile(gradient)
    for change in range(3):
        if change == 1:
            factor.data *= 2
        elif change == 2:
            factor[0, 5] = 3.0
        dense = factor.toarray()
        same(jacobian(x), dense * (3 * x**2))
        np.testing.assert_allclose(gradient(x), 2 * dense.T @ (dense @ x))
