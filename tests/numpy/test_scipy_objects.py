"""Splines, grids and sparse matrices of SciPy's, made inside or outside of a function."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.interpolate as interpolate
import scipy.sparse as sparse
import scipy.sparse.linalg as sparse_linalg
from scipy.interpolate import CubicSpline, RegularGridInterpolator, interp1d

import chainrule as cr
from chainrule.errors import UnsupportedError

RANDOM = np.random.default_rng(0)
KNOTS = np.linspace(0.0, 3.0, 6)
Y = RANDOM.normal(size=(6, 2))
POINTS = np.array([0.1, 1.7, 2.95, 3.3])
PAIRS = np.array([[0.1, 0.5], [2.2, 1.1]])
GRID = (KNOTS, np.arange(4.0))
VALUES = RANDOM.normal(size=(6, 4, 2))
SPLINE = CubicSpline(KNOTS, Y[:, 0])
LINE = interp1d(KNOTS, Y, axis=0, fill_value="extrapolate")
SURFACE = RegularGridInterpolator(GRID, VALUES[..., 0])
B_SPLINE = interpolate.make_interp_spline(KNOTS, Y, k=2)
SMOOTH = interpolate.UnivariateSpline(KNOTS, Y[:, 1], s=0)
TCK = interpolate.splrep(KNOTS, Y[:, 0])
ENDS = ((1, np.array([0.5, 1.0])), (2, np.zeros(2)))
PERIODIC = CubicSpline(KNOTS, np.sin(2 * np.pi * KNOTS / 3), bc_type="periodic")

INTERPOLATIONS = {
    "spline": (lambda q: SPLINE(q), (POINTS,)),
    "spline_derivatives": (lambda q: SPLINE(q, 1) * SPLINE.derivative(2)(q), (POINTS,)),
    "spline_periodic": (lambda q: PERIODIC(q), (POINTS,)),
    "spline_of_values": (lambda y, q: CubicSpline(KNOTS, y, bc_type="natural")(q), (Y, POINTS)),
    "spline_along_an_axis": (
        lambda y, q: CubicSpline(KNOTS, y, axis=1, bc_type=ENDS)(q),
        (Y.T, POINTS),
    ),
    "spline_inside": (
        lambda y, q: np.nan_to_num(CubicSpline(KNOTS, y, extrapolate=False)(q)),
        (Y[:, 0], POINTS),
    ),
    "pchip": (lambda q: interpolate.PchipInterpolator(KNOTS, Y)(q), (POINTS,)),
    "b_spline": (lambda q: B_SPLINE(q), (POINTS,)),
    "b_spline_of_values": (
        lambda y, q: interpolate.make_interp_spline(KNOTS, y)(q),
        (Y, POINTS),
    ),
    "univariate": (lambda q: SMOOTH(q), (POINTS,)),
    "splev": (lambda q: interpolate.splev(q, TCK) + interpolate.splev(q, TCK, 1), (POINTS,)),
    "line": (lambda q: LINE(q), (POINTS,)),
    **{
        f"line_{kind}": (
            lambda y, q, kind=kind: interp1d(
                KNOTS[::-1], y, kind, axis=0, bounds_error=False, fill_value=2.0
            )(q),
            (Y, POINTS),
        )
        for kind in ("linear", "quadratic", "cubic", "nearest", "previous")
    },
    "grid": (lambda q: SURFACE(q), (PAIRS,)),
    "grid_of_values": (lambda v, q: RegularGridInterpolator(GRID, v)(q), (VALUES, PAIRS)),
    "grid_one_number_after_another": (
        lambda v, q: RegularGridInterpolator(GRID, v)(q),
        (VALUES, PAIRS.ravel()),
    ),
    "grid_of_coordinates": (
        lambda v, q: RegularGridInterpolator(GRID, v)((q[:, None], np.array([0.3, 2.2, 1.1]))),
        (VALUES, POINTS[:3]),
    ),
    "grid_of_one_axis": (lambda v, q: RegularGridInterpolator(GRID[:1], v)(q), (Y, POINTS[:3])),
    "grid_of_falling_knots": (
        lambda v, q: RegularGridInterpolator((KNOTS[::-1], GRID[1]), v)(q),
        (VALUES, PAIRS),
    ),
    "attributes": (
        lambda y: (
            CubicSpline(KNOTS, y).c.sum(axis=0)
            * interp1d(KNOTS, y, axis=0).y[1:]
            * RegularGridInterpolator(GRID[:1], y).values[1:]
        ),
        (Y,),
    ),
    "grid_filled": (
        lambda q: RegularGridInterpolator(GRID, VALUES, bounds_error=False, fill_value=1.0)(q),
        (PAIRS + [[0, 0], [5, 0]],),
    ),
}


@pytest.mark.parametrize("name", INTERPOLATIONS)
def test_interpolation(name):
    f, args = INTERPOLATIONS[name]
    y, pullback = cr.vjp(f, *args)
    np.testing.assert_allclose(y, f(*args), rtol=1e-12, atol=1e-13)
    g = RANDOM.normal(size=np.shape(y))
    for k, (x, gradient) in enumerate(zip(args, pullback(g), strict=True)):
        v = RANDOM.normal(size=x.shape)
        ends = [f(*args[:k], x + h * v, *args[k + 1 :]) for h in (1e-6, -1e-6)]
        slope = np.sum(g * (ends[0] - ends[1])) / 2e-6
        np.testing.assert_allclose(np.sum(gradient * v), slope, rtol=1e-5, atol=1e-6)


def test_points_outside_raise_as_ever():
    with pytest.raises(ValueError, match="above the interpolation range"):
        cr.grad(lambda q: np.sum(interp1d(KNOTS, Y[:, 0])(q)))(POINTS)
    with pytest.raises(ValueError, match="out of bounds"):
        cr.grad(lambda q: np.sum(SURFACE(q)))(PAIRS + 10)


@pytest.mark.parametrize(
    ("f", "match"),
    [
        (lambda y: CubicSpline(y, KNOTS)(1.0), "CubicSpline by its knots"),
        (lambda y: CubicSpline(KNOTS, y, bc_type="periodic")(1.0), "with these ends"),
        (lambda y: interpolate.PchipInterpolator(KNOTS, y)(1.0), "PchipInterpolator by its values"),
        (lambda y: CubicSpline(KNOTS, y).integrate(0, 1), "integrate .* by its values"),
        (lambda y: interpolate.make_interp_spline(KNOTS, y).c[0], "attribute c .* by its values"),
        (
            lambda y: SURFACE(np.stack([y[1], y[2]]), method="cubic")[0],
            "RegularGridInterpolator of method 'cubic'",
        ),
    ],
)
def test_what_has_no_derivative(f, match):
    y = np.sort(np.r_[Y[:5, 0] % 1, 0.0])
    y[-1] = y[0] if "ends" in match else y[-1]
    with pytest.raises(UnsupportedError, match=match):
        cr.grad(f)(y)


def test_a_spline_is_printed_and_compiled_for_all_values():
    def f(y):
        line = interp1d(KNOTS, y, "quadratic", axis=0)
        return np.sum(CubicSpline(KNOTS, y, bc_type=ENDS)(POINTS) ** 2) + np.sum(line(1.3))

    staged, fast = cr.stage(f, Y), cr.compile(cr.value_and_grad(f))
    fast(Y)
    for found in (staged(3 - Y), fast(3 - Y)):
        value, gradient = cr.value_and_grad(f)(3 - Y)
        assert found[0] == pytest.approx(value, rel=1e-12)
        np.testing.assert_allclose(np.reshape(found[1], Y.shape), gradient, rtol=1e-10, atol=1e-12)


# Sparse matrices.

S = sparse.random(5, 5, 0.5, format="csr", random_state=0) + 5 * sparse.eye(5)
ROWS = sparse.csr_array(S)
V = RANDOM.normal(size=5)


class Model:
    def __init__(self, matrix):
        self.matrix = matrix

    def __call__(self, v):
        return self.matrix @ v


MODEL = Model(ROWS)
PRODUCTS = {
    "matrix": (lambda v: S @ v, lambda d, v: d @ v),
    "array": (lambda v: ROWS @ v, lambda d, v: d @ v),
    "columns": (lambda v: ROWS @ np.stack([v, v**2], axis=1), None),
    "dot": (lambda v: ROWS.dot(v), lambda d, v: d @ v),
    "star": (lambda v: S * v, lambda d, v: d @ v),
    "transposed": (lambda v: ROWS.T @ v + ROWS.transpose() @ v, lambda d, v: 2 * d.T @ v),
    "from_the_left": (lambda v: v @ ROWS, lambda d, v: v @ d),
    "attribute": (lambda v: MODEL(v), lambda d, v: d @ v),
    "container": (lambda v: {"a": [ROWS]}["a"][0] @ v, lambda d, v: d @ v),
    "arithmetic": (lambda v: (2 * ROWS + ROWS / 2) @ v, lambda d, v: 2.5 * d @ v),
    "made_inside": (
        lambda v: (sparse.diags(np.ones(4), 1) + sparse.csr_array(np.eye(5)).tocsc()) @ v,
        lambda d, v: (np.eye(5, k=1) + np.eye(5)) @ v,
    ),
    "solve": (lambda v: sparse_linalg.spsolve(S.tocsc(), v), lambda d, v: np.linalg.solve(d, v)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_with_sparse_matrices(name):
    f, dense = PRODUCTS[name]
    dense = dense or (lambda d, v: d @ np.stack([v, v**2], axis=1))
    D = S.toarray()
    np.testing.assert_allclose(cr.jacobian(f)(V), cr.jacobian(lambda v: dense(D, v))(V), atol=1e-12)
    loss = lambda v: np.sum(np.sin(f(v)))
    expected = cr.hessian(lambda v: np.sum(np.sin(dense(D, v))))(V)
    np.testing.assert_allclose(cr.hessian(loss)(V), expected, atol=1e-11)


def test_sparse_matrices_as_arguments_in_compiled_code_and_unchanged_otherwise():
    f = lambda v, matrix: np.sum(np.sin(matrix @ v))
    expected = S.T @ np.cos(S @ V)
    np.testing.assert_allclose(cr.grad(f)(V, ROWS), expected)
    np.testing.assert_allclose(cr.compile(cr.grad(lambda v: f(v, ROWS)))(V), expected)

    def looks(v):
        assert isinstance(ROWS, sparse.csr_array)
        assert not isinstance(ROWS, sparse.csc_array)
        assert isinstance(SPLINE, CubicSpline)
        assert ROWS.shape == (5, 5)
        assert len(ROWS.data) == ROWS.nnz
        assert ROWS[0, 0] == ROWS.toarray()[0, 0]
        np.testing.assert_array_equal((ROWS @ ROWS).toarray(), (S @ S).toarray())
        return np.sum((ROWS - ROWS + v - 1.0) * 2.0)

    np.testing.assert_array_equal(cr.grad(looks)(V), np.full(5, 10.0))
    with pytest.raises(UnsupportedError, match="sparse matrix whose entries"):
        cr.grad(lambda v: np.sum((ROWS * v[0]) @ V))(V)
