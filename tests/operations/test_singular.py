"""Where a derivative is infinite, undefined or a matter of choice: what people expect of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

import chainrule as cr

inf, nan = np.inf, np.nan


# The branch not taken adds nothing, not even NaN: at 0 these are infinite or steep, at -1 often
# undefined.
UNTAKEN: dict[str, Callable[[Any], Any]] = {
    "sqrt": np.sqrt,
    "log": np.log,
    "log1p": lambda x: np.log1p(x - 1),
    "cbrt": np.cbrt,
    "1 / x": lambda x: 1 / x,
    "reciprocal": np.reciprocal,
    "x ** 1.5": lambda x: x**1.5,
    "x ** -2": lambda x: x**-2.0,
    "x ** x": lambda x: x**x,
    "arctan2": lambda x: np.arctan2(x, x),
    "gamma": scipy.special.gamma,
    "gammaln": scipy.special.gammaln,
    "xlogy": lambda x: scipy.special.xlogy(x, x),
    "log of sqrt": lambda x: np.log(np.sqrt(x)),
    "sqrt of log": lambda x: np.sqrt(np.log(x * np.e)),
    "sin of sqrt": lambda x: np.sin(np.sqrt(x)),
    "square of sqrt": lambda x: np.sqrt(x) ** 2,
    "square of log": lambda x: np.square(np.log(x)),
    "tanh of log": lambda x: np.tanh(np.log(x)),
    "sigmoid of log": lambda x: scipy.special.expit(np.log(x)),
    "erf of log": lambda x: scipy.special.erf(np.log(x)),
    "sinc of log": lambda x: np.sinc(np.log(x)),
    "exp of 1 / x": lambda x: np.exp(1 / x),
    "sinh of 1 / x": lambda x: np.sinh(1 / x),
    "abs of sqrt": lambda x: np.abs(np.sqrt(x)),
    "hypot of sqrt": lambda x: np.hypot(np.sqrt(x), 1.0),
    "maximum": lambda x: np.maximum(np.sqrt(x), np.log(x)),
    "logaddexp of log": lambda x: np.logaddexp(np.log(x), 0.0),
    "clipped log": lambda x: np.clip(np.log(x), -1.0, 2.0),
    "log over sqrt": lambda x: np.log(x) / np.sqrt(x),
    "product of quotients": lambda x: (1 / x) * (1 / x),
    "x log x": lambda x: x * np.log(x),
    "overflow": lambda x: x**3 * np.exp(np.where(x > 0, x, 1e3)),
}
untaken = pytest.mark.parametrize("branch", UNTAKEN.values(), ids=UNTAKEN.keys())
X, ONES = np.array([0.0, -1.0, 4.0]), np.ones(3)


def guarded(branch: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.where(x > 0, branch(x), 0.0)

    return f


def total(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: np.sum(f(x))


def along(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: cr.jvp(f, (x,), (ONES,))[1]


@untaken
def test_untaken_branch_first_order(branch: Any) -> None:
    f, slope = guarded(branch), cr.grad(branch)(4.0)
    np.testing.assert_allclose(cr.grad(total(f))(X), [0, 0, slope])
    np.testing.assert_allclose(along(f)(X), [0, 0, slope])
    assert np.isfinite(slope)


@untaken
def test_untaken_branch_second_order(branch: Any) -> None:
    f, curvature = guarded(branch), cr.grad(cr.grad(branch))(4.0)
    expected = np.zeros((3, 3))
    expected[2, 2] = curvature
    np.testing.assert_allclose(cr.hessian(total(f))(X), expected, atol=1e-15)
    for mixed in (along(along(f)), along(cr.grad(total(f))), cr.grad(total(along(f)))):
        np.testing.assert_allclose(mixed(X), [0, 0, curvature], atol=1e-15)


@untaken
def test_untaken_branch_third_order(branch: Any) -> None:
    f, expected = guarded(branch), cr.grad(cr.grad(cr.grad(branch)))(4.0)
    third = cr.grad(total(cr.grad(total(cr.grad(total(f))))))
    np.testing.assert_allclose(third(X), [0, 0, expected], atol=1e-14)


def test_a_branch_that_is_taken_keeps_its_infinity() -> None:
    assert cr.grad(np.sqrt)(0.0) == inf
    assert cr.grad(lambda x: np.where(x >= 0, np.sqrt(x), 0.0))(np.float64(0)) == inf
    np.testing.assert_array_equal(cr.grad(lambda x: np.sum(np.sqrt(x)))(np.zeros(2)), [inf, inf])


# Norms.


@pytest.mark.parametrize("order", [None, 1, 2, 3, 1.5, inf])
def test_norm_of_zero_has_gradient_zero(order: Any) -> None:
    def f(x: Any) -> Any:
        return np.linalg.norm(x, order)

    zero = np.zeros(3)
    np.testing.assert_array_equal(cr.grad(f)(zero), zero)
    np.testing.assert_array_equal(cr.hessian(f)(zero), np.zeros((3, 3)))
    assert cr.jvp(f, (zero,), (np.ones(3),)) == (0.0, 0.0)


SQUARES: dict[str, Callable[[Any], Any]] = {
    "norm**2": lambda x: np.linalg.norm(x) ** 2,
    "norm * norm": lambda x: np.linalg.norm(x) * np.linalg.norm(x),
    "square of norm": lambda x: np.square(np.linalg.norm(x)),
    "norms of rows": lambda x: np.sum(np.linalg.norm(x[None], axis=1) ** 2),
    "polynomial": lambda x: np.linalg.norm(x) ** 4 + np.linalg.norm(x) ** 2,
    "negative": lambda x: 3 * np.linalg.norm(x) ** 2 - 2 * np.linalg.norm(x) ** 2,
    "hypot**2": lambda x: np.hypot(x[0], x[1]) ** 2,
    "abs**2": lambda x: np.sum(np.abs(x) ** 2),
    "fabs**2": lambda x: np.sum(np.fabs(x) ** 2),
}


@pytest.mark.parametrize("f", SQUARES.values(), ids=SQUARES.keys())
def test_squares_of_sizes_are_smooth_at_zero(f: Any) -> None:
    zero, other = np.zeros(2), np.array([3.0, 4.0])
    hessian = cr.hessian(f)
    compiled = cr.compile(hessian)
    compiled(other)
    for function in (hessian, compiled, compiled):
        np.testing.assert_array_equal(function(zero), 2 * np.eye(2))
    np.testing.assert_array_equal(cr.jvp(cr.grad(f), (zero,), (other,))[1], 2 * other)
    np.testing.assert_allclose(hessian(other), compiled(other), atol=1e-14)


def test_the_square_of_a_deviation_is_the_variance() -> None:
    for x in (np.ones(3), np.arange(3.0)):
        squared, variance = (cr.hessian(f)(x) for f in (lambda x: np.std(x) ** 2, np.var))
        np.testing.assert_allclose(squared, variance, rtol=1e-14)


def test_the_gradient_of_a_squared_norm_is_written_as_people_know_it() -> None:
    for f in (SQUARES["norm**2"], SQUARES["abs**2"]):
        assert "dx = 2 * x  " in cr.stage(f, np.array([3.0, 4.0])).source


def test_norm_of_some_zero_rows() -> None:
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    g = cr.grad(lambda x: np.sum(np.linalg.norm(x, axis=1)))(x)
    np.testing.assert_allclose(g, [[0.6, 0.8], [0, 0]])


def test_norm_has_the_right_curvature_elsewhere() -> None:
    x = np.array([3.0, 4.0])
    expected = (np.eye(2) - np.outer(x, x) / 25) / 5
    np.testing.assert_allclose(cr.hessian(np.linalg.norm)(x), expected, rtol=1e-12)


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize(
    "std",
    [np.std, lambda *x, axis: np.sqrt(np.var(*x, axis=axis)), lambda x, axis: x.var(axis) ** 0.5],
    ids=["std", "sqrt of var", "var ** 0.5"],
)
def test_std_of_equal_entries_whose_mean_is_rounded(std: Any, axis: int | None) -> None:
    def f(x):
        return np.sum(std(x, axis=axis))

    x = np.full((3, 6), 0.1)
    assert f(x) > 0
    for gradient in (cr.grad(f), cr.compile(cr.grad(f)), lambda x: cr.stage(f, x)(x)[1][0]):
        np.testing.assert_array_equal(gradient(x), np.zeros((3, 6)))
    np.testing.assert_array_equal(cr.hessian(f)(x), np.zeros((3, 6, 3, 6)))
    assert std is not np.std or cr.jvp(f, (x,), (x,))[1] == 0
    squared = cr.stage(lambda x: std(x, axis=None) ** 2, x).source
    assert "dx = 2 * (x - np.mean(x)) / 18" in squared


def test_hypot_and_std_at_zero() -> None:
    assert cr.grad(np.hypot, (0, 1))(0.0, 0.0) == (0.0, 0.0)
    np.testing.assert_array_equal(cr.grad(np.std)(np.ones(3)), np.zeros(3))
    np.testing.assert_array_equal(cr.grad(np.nanstd)(np.array([1.0, nan, 1.0])), np.zeros(3))
    rows = np.array([[1.0, 1.0, nan], [1.0, 2.0, nan]])
    g = cr.grad(lambda x: np.sum(np.nanstd(x, axis=1)))(rows)
    np.testing.assert_array_equal(g, [[0, 0, 0], [-0.5, 0.5, 0]])


# Products with zeros among the factors: the derivative is the product of the others.

FACTORS = [
    [2.0, 0.0, 3.0],
    [0.0, 0.0, 3.0],
    [0.0, 0.0, 0.0],
    [2.0, 0.0, 3.0, 0.0, 5.0],
    [-0.0, 1.5, 2.0, 4.0],
    [7.0],
    [0.0],
]


def others(x: np.ndarray, *left_out: int) -> float:
    return float(np.prod(np.delete(x, left_out)))


@pytest.mark.parametrize("factors", FACTORS, ids=str)
def test_prod_with_zeros(factors: list[float]) -> None:
    x, n = np.array(factors), len(factors)
    np.testing.assert_array_equal(cr.grad(np.prod)(x), [others(x, k) for k in range(n)])
    curvature = [[0.0 if i == j else others(x, i, j) for j in range(n)] for i in range(n)]
    np.testing.assert_array_equal(cr.hessian(np.prod)(x), curvature)
    _, tangent = cr.jvp(np.prod, (x,), (np.ones(n),))
    assert tangent == sum(others(x, k) for k in range(n))


@pytest.mark.parametrize("factors", FACTORS, ids=str)
def test_cumprod_with_zeros(factors: list[float]) -> None:
    x, n = np.array(factors), len(factors)
    jacobian = [[others(x[: i + 1], j) if j <= i else 0.0 for j in range(n)] for i in range(n)]
    np.testing.assert_array_equal(cr.jacobian(np.cumprod)(x), jacobian)
    curvature = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            curvature[i, j] = curvature[j, i] = sum(
                others(x[: k + 1], i, j) for k in range(max(i, j), n)
            )
    np.testing.assert_array_equal(cr.hessian(lambda x: np.sum(np.cumprod(x)))(x), curvature)


def test_prod_with_zeros_along_axes() -> None:
    x = np.array([[[2.0, 0.0], [3.0, 5.0]], [[0.0, 7.0], [0.0, 1.0]]])
    g = cr.grad(lambda x: np.sum(np.prod(x, axis=(0, 2))))(x)
    expected = np.zeros_like(x)
    for i, j, k in np.ndindex(2, 2, 2):
        rest = x[:, j].ravel()
        expected[i, j, k] = others(rest, 2 * i + k)
    np.testing.assert_array_equal(g, expected)


# Ties.


@pytest.mark.parametrize("f", [np.max, np.min], ids=["max", "min"])
def test_ties_along_axes_share(f: Any) -> None:
    x = np.array([[1.0, 1.0, 1.0, 1.0], [2.0, 5.0, 5.0, 2.0]])
    expected = [[0.25] * 4, [0, 0.5, 0.5, 0] if f is np.max else [0.5, 0, 0, 0.5]]
    np.testing.assert_array_equal(cr.grad(lambda x: np.sum(f(x, axis=1)))(x), expected)


@pytest.mark.parametrize("f", [np.maximum, np.minimum, np.fmax, np.fmin])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ties_between_operands_share(f: Any, dtype: Any) -> None:
    a, b = np.array([1, 2, 3], dtype), np.array([1, 3, 2], dtype)
    da, db = cr.grad(lambda a, b: np.sum(f(a, b)), (0, 1))(a, b)
    first = [0.5, 0, 1] if f in (np.maximum, np.fmax) else [0.5, 1, 0]
    np.testing.assert_array_equal(da, first)
    np.testing.assert_array_equal(da + db, np.ones(3))
    assert da.dtype == db.dtype == dtype


def test_fmax_takes_the_number_beside_nan() -> None:
    a, b = np.array([nan, 1.0]), np.array([2.0, nan])
    da, db = cr.grad(lambda a, b: np.sum(np.fmax(a, b)), (0, 1))(a, b)
    np.testing.assert_array_equal(da, [0, 1])
    np.testing.assert_array_equal(db, [1, 0])


def test_relu_at_zero() -> None:
    assert cr.grad(lambda x: np.maximum(x, 0))(0.0) == 0.5
    assert cr.grad(np.abs)(0.0) == 0.0


def test_clip_passes_on_its_bounds_and_stops_beyond() -> None:
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    g = cr.grad(lambda x, low, high: np.sum(np.clip(x, low, high)), (0, 1, 2))(x, -1.0, 1.0)
    np.testing.assert_array_equal(g[0], [0, 1, 1, 1, 0])
    assert g[1:] == (1.0, 1.0)


def test_clip_with_its_bounds_in_the_wrong_order_is_the_upper_one() -> None:
    for x in (-1.0, 1.0, 2.0, 3.0):
        assert cr.grad(np.clip, (0, 1, 2))(x, 2.0, 1.0) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    "choose",
    [
        lambda v: np.maximum(v, 0),
        lambda v: np.fmax(v, 0.0),
        lambda v: -np.minimum(-v, 0.0),
        lambda v: np.clip(v, 0, None),
        lambda v: np.clip(v, 0.0, 9.0),
    ],
)
def test_what_a_choice_leaves_out_stops_an_infinite_gradient(choose: Any) -> None:
    def f(v: Any) -> Any:
        return np.sum(np.sqrt(choose(v)))

    v = np.array([-1.0, 4.0])
    np.testing.assert_array_equal(cr.grad(f)(v), [0.0, 0.25])
    np.testing.assert_array_equal(cr.jvp(f, (v,), (np.ones(2),))[1], 0.25)
    np.testing.assert_array_equal(cr.hessian(f)(v), [[0, 0], [0, -1 / 32]])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(cr.stage(f, v)(v)[1][0], [0.0, 0.25])
    compiled = cr.compile(cr.grad(f))
    for given in (np.array([1.0, 4.0]), v, v):
        found = compiled(given)
    np.testing.assert_array_equal(found, [0.0, 0.25])


def test_a_choice_passes_nan_on_to_what_was_chosen() -> None:
    g = cr.vjp(lambda v: np.maximum(v, 0), np.array([-1.0, 4.0]))[1](np.array([nan, nan]))[0]
    assert np.isnan(g[1])


def test_heaviside_by_what_it_is_at_zero() -> None:
    x, h = np.array([-1.0, 0.0, 2.0]), np.array([0.3, 0.3, 0.3])
    g = cr.grad(lambda x, h: np.sum(np.heaviside(x, h)), (0, 1))(x, h)
    np.testing.assert_array_equal(g, [[0, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e-160, 1.0, 1e160, 1e200, 1e300])
def test_arctan2_of_tiny_and_huge_numbers(size: float) -> None:
    gradient = cr.grad(np.arctan2, (0, 1))
    compiled = cr.compile(gradient)
    for function in (gradient, compiled, compiled):
        found = np.array(function(size * 3.0, size * 4.0)) * size
        np.testing.assert_allclose(found, [4 / 25, -3 / 25], rtol=1e-14)


def test_sort_hands_ties_on_in_order() -> None:
    g = cr.grad(lambda x: np.sort(x) @ np.arange(4.0))(np.array([1.0, 1.0, 0.0, 1.0]))
    np.testing.assert_array_equal(g, [1, 2, 0, 3])


def test_the_last_write_gets_the_gradient() -> None:
    def f(v: Any) -> Any:
        a = 0.0 * v
        a[[0, 2, 0]] = v
        return a @ np.array([1.0, 10.0, 100.0])

    np.testing.assert_array_equal(cr.grad(f)(np.array([1.0, 2.0, 3.0])), [0, 100, 1])


# Infinities and NaN.


def test_logarithms_of_sums_at_minus_infinity() -> None:
    x = np.array([[-inf, 0.0, 0.0], [-inf, -inf, -inf], [0.0, -inf, -inf]])

    def f(x: Any) -> Any:
        y = scipy.special.logsumexp(x, axis=1)
        return np.sum(np.where(np.isinf(y), 0.0, y))

    expected = [[0, 0.5, 0.5], [0, 0, 0], [1, 0, 0]]
    np.testing.assert_array_equal(cr.grad(f)(x), expected)
    np.testing.assert_array_equal(
        cr.vjp(lambda x: scipy.special.logsumexp(x, axis=1), x)[1](np.ones(3))[0], expected
    )
    assert cr.grad(np.logaddexp, (0, 1))(-inf, -inf) == (0.0, 0.0)
    assert cr.grad(np.logaddexp, (0, 1))(-inf, 2.0) == (0.0, 1.0)


def test_logsumexp_of_large_numbers() -> None:
    x = np.array([1e4, 1e4 - 1, -1e4])
    value, g = cr.value_and_grad(scipy.special.logsumexp)(x)
    assert value == 1e4 + np.log1p(np.exp(-1))
    np.testing.assert_allclose(g, scipy.special.softmax(x), rtol=1e-11)


@pytest.mark.parametrize("size", [0.0, 1e5, 1e16, -1e16, 1e300])
def test_gradients_of_logarithms_of_sums_add_up_to_one(size: float) -> None:
    x = np.array([[size, size, -inf], [size, -inf, -inf]])
    g = cr.grad(lambda x: np.sum(scipy.special.logsumexp(x, axis=1)))(x)
    np.testing.assert_allclose(g, [[0.5, 0.5, 0], [1, 0, 0]], rtol=1e-14)
    assert cr.grad(np.logaddexp, (0, 1))(size, size) == (0.5, 0.5)
    np.testing.assert_array_equal(cr.grad(np.logaddexp, (0, 1))(size, -inf), (1.0, 0.0))


def test_products_with_logarithms_at_zero() -> None:
    assert cr.grad(scipy.special.xlogy, (0, 1))(0.0, 0.0) == (0.0, 0.0)
    assert cr.grad(scipy.special.xlogy, (0, 1))(0.0, 2.0) == (np.log(2.0), 0.0)
    mixed = cr.grad(cr.grad(scipy.special.xlogy, 0), 1)
    assert mixed(0.0, 2.0) == 0.5
    assert cr.grad(cr.grad(scipy.special.xlogy, 1), 0)(0.0, 2.0) == 0.5
    assert cr.grad(scipy.special.xlog1py, (0, 1))(0.0, -1.0) == (0.0, 0.0)


def test_powers_at_zero() -> None:
    def f(x: Any, b: Any) -> Any:
        return np.sum(x**b)

    exponents = np.array([0.0, 1.0, 2.0, 3.0])
    dx, db = cr.grad(f, (0, 1))(np.zeros(4), exponents)
    np.testing.assert_array_equal(dx, [0, 1, 0, 0])
    np.testing.assert_array_equal(db, np.zeros(4))
    np.testing.assert_array_equal(
        np.diag(cr.hessian(f)(np.zeros(4), exponents)), [0.0, 0.0, 2.0, 0.0]
    )


def test_powers_beyond_the_domain_are_nan_and_not_complex() -> None:
    with np.errstate(invalid="ignore"):
        assert np.isnan(cr.grad(np.power)(-2.0, 0.5))
        assert np.isnan(cr.grad(np.float_power)(-2.0, -1.5))
        assert np.isnan(cr.grad(np.power)(np.array(-2.0), 0.5))
        assert np.isnan(cr.grad(cr.grad(np.power))(-2.0, 0.5))
        assert np.isnan(cr.grad(lambda x: abs(x**0.5))(-2.0))


@pytest.mark.parametrize(("order", "expected"), [(1, 0.0), (2, -(np.pi**2) / 3), (3, 0.0)])
def test_sinc_at_zero(order: int, expected: float) -> None:
    f: Any = np.sinc
    for _ in range(order):
        f = cr.grad(f)
    np.testing.assert_allclose(f(0.0), expected, rtol=1e-14)


@pytest.mark.parametrize("x", [0.0199, 0.0201, 1e-3, 0.3])
def test_sinc_where_its_formulas_meet(x: float) -> None:
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(40):
        t = mpmath.pi * mpmath.mpf(x)
        exact = (mpmath.cos(t) - mpmath.sin(t) / t) / mpmath.mpf(x)
    np.testing.assert_allclose(cr.grad(np.sinc)(x), float(exact), rtol=1e-12)


@pytest.mark.parametrize(
    "f", [np.exp, np.sqrt, np.abs, np.sin, lambda x: x / 2, lambda x: x**2, lambda x: x[[0, 1]]]
)
def test_nan_from_above_is_not_swallowed(f: Any) -> None:
    _, pullback = cr.vjp(f, np.array([1.0, 4.0]))
    (g,) = pullback(np.array([nan, 1.0]))
    assert np.isnan(g[0])
    assert np.isfinite(g[1])


def test_nan_in_the_input_reaches_the_gradient() -> None:
    g = cr.grad(lambda x: np.sum(np.sqrt(x)))(np.array([nan, 4.0]))
    np.testing.assert_array_equal(g, [nan, 0.25])
    assert np.isnan(cr.grad(np.max)(np.array([nan, 4.0]))).all()


def test_out_of_the_domain_is_nan_as_in_numpy() -> None:
    with np.errstate(invalid="ignore"):
        assert np.isnan(cr.grad(np.arcsin)(2.0))
        assert cr.grad(np.arcsin)(1.0) == inf
