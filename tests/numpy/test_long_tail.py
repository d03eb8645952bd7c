"""NumPy's less common functions: quantiles, polynomials, steps of ufuncs, spacings."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from tests.programs.functions import check_function, drawn

V, M = drawn(5), drawn(3, 4)
POSITIVE = drawn(4, low=0.3, high=3.0)
GAPS = np.array([[1.0, np.nan, 3.0, -2.0], [np.nan, 0.5, np.nan, 2.5], [0.1, 0.7, 1.9, -0.4]])


def gapped(x):
    return np.where(np.isnan(GAPS), np.nan, x)


METHODS = (
    *("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "hazen", "weibull"),
    *("interpolated_inverted_cdf", "median_unbiased", "normal_unbiased"),
    *("lower", "higher", "midpoint", "nearest", "linear"),
)
CASES = {
    **{
        f"quantile_{m}": (lambda x, m=m: np.quantile(x, [0.1, 0.6, 1.0], axis=1, method=m), M)
        for m in METHODS
    },
    "quantile_by_q": (lambda x, q: np.quantile(x, q, method="weibull"), V, np.array([0.37])),
    "quantile_of_one_share": (lambda x: np.quantile(x, 0.4, method="closest_observation"), V),
    "quantile_weights": (
        lambda x: np.quantile(x, 0.4, method="inverted_cdf", weights=POSITIVE),
        V[:4],
    ),
    "percentile_method": (lambda x: np.percentile(x, 30, method="hazen", keepdims=True), M),
    "nanmedian": (lambda x: np.nanmedian(gapped(x), axis=1), M),
    "nanquantile": (lambda x: np.nanquantile(gapped(x), [0.2, 0.7], axis=0), M),
    "nanquantile_by_q": (lambda x, q: np.nanquantile(gapped(x), q), M, 0.35),
    "nanpercentile": (lambda x: np.nanpercentile(gapped(x), 40, axis=(0, 1), keepdims=True), M),
    "nanquantile_method": (lambda x: np.nanquantile(gapped(x), 0.4, axis=1, method="hazen"), M),
    "nanmean_where": (lambda x: np.nanmean(gapped(x), axis=1, where=M > -1), M),
    "nanvar_where": (lambda x, m: np.nanvar(gapped(x), where=M > -1, mean=m), M, 0.2),
    "nanmax_initial": (lambda x: np.nanmax(gapped(x), axis=1, initial=0.5), M),
    "pad_ramp": (lambda x: np.pad(x, 2, mode="linear_ramp"), V),
    "pad_mean": (lambda x: np.pad(x, 1, mode="mean", stat_length=2), M),
    "cross_in_the_plane": (lambda x, y: np.cross(x[:, :2], y), M, drawn(3, 2)),
    "cross_out_of_the_plane": (lambda x, y: np.cross(x[:2], y[:3]), V, POSITIVE),
    "matmul_axes": (lambda a, b: np.matmul(a, b, axes=[(1, 0), (0, 1), (1, 0)]), M, drawn(3, 2)),
    "sort_complex": (lambda x: np.sort_complex(x * (1 + 2j) + x**2), V),
    "poly_of_any_matrix": (lambda a: np.poly(a), drawn(3, 3)),
    "cholesky_complex": (
        lambda a, b: np.linalg.cholesky((a + 1j * b) @ (a - 1j * b).T + 2 * np.eye(3)),
        drawn(3, 3),
        drawn(3, 3, seed=1),
    ),
    "piecewise_of_a_number": (lambda x: np.piecewise(x, [x < 0, x >= 0], [np.cos, np.sin]), 0.7),
    "cov_fweights": (lambda x: np.cov(x, fweights=[1, 2, 1, 3]), M),
    "cov_aweights": (lambda x, w: np.cov(x, aweights=w, bias=True), M, POSITIVE),
    "interp_period": (
        lambda x, fp: np.interp(x, [0.3, 1.2, 2.9, 0.7], fp, period=3.1),
        V,
        drawn(4),
    ),
    "interp_knots": (lambda x, xp, fp: np.interp(x, xp, fp), V, np.sort(POSITIVE), drawn(4)),
    "maximum_accumulate": (lambda x: np.maximum.accumulate(x, axis=1), M),
    "minimum_accumulate": (lambda x: np.minimum.accumulate(x), M),
    "logaddexp_accumulate": (lambda x: np.logaddexp.accumulate(x), V),
    "subtract_accumulate": (lambda x: np.subtract.accumulate(x, axis=-1), M),
    "divide_accumulate": (lambda x: np.divide.accumulate(x), POSITIVE),
    "hypot_accumulate": (lambda x: np.hypot.accumulate(x), V),
    "subtract_reduce": (lambda x: np.subtract.reduce(x), M),
    "hypot_reduce": (lambda x: np.hypot.reduce(x, axis=(0, 1), keepdims=True), M),
    "fmax_reduce": (lambda x: np.fmax.reduce(x, axis=1), M),
    "divide_reduce": (lambda x: np.divide.reduce(x, initial=2.0), POSITIVE),
    "add_reduceat": (lambda x: np.add.reduceat(x, [0, 2, 1, 3]), V),
    "maximum_reduceat": (lambda x: np.maximum.reduceat(x, [0, 3], axis=1), M),
    "power_outer": (lambda x, y: np.power.outer(x, y), POSITIVE, V),
    "roots": (lambda p: np.sort(np.roots(p).real), np.array([1.0, -6.0, 11.0, -5.5])),
    "roots_complex": (lambda p: np.roots(p), np.array([1.0, 0.5, 2.0, 0.0])),
    "poly": (lambda z: np.poly(z), V),
    "poly_of_matrix": (lambda a: np.poly(a + a.T), drawn(3, 3)),
    "polyfit": (lambda x, y: np.polyfit(x, y, 2), V, drawn(5, seed=1)),
    "polyfit_weights": (lambda x, y, w: np.polyfit(x, y, 1, w=w), POSITIVE, M[0], POSITIVE),
    "polyfit_columns": (lambda y: np.polyfit([0.0, 1.0, 2.5], y, 1), M),
    "polydiv": (lambda u, v: np.polydiv(u, v)[0], V, POSITIVE[:3]),
    "polydiv_rest": (lambda u, v: np.polydiv(u, v)[1], V, POSITIVE[:3]),
    "var_complex": (lambda x, y: np.var(x + 1j * y, ddof=1), V, V[::-1]),
    "std_complex": (lambda x: np.std(x * (1 + 2j) + x**2, axis=1), M),
    "var_complex_mean": (lambda x: np.var(x * 1j, mean=np.mean(x * 1j), where=x > 0), V),
    "i0": (lambda x: np.i0(x), V),
    "logspace": (lambda a, b: np.logspace(a, b, 5), 0.3, 1.2),
    "logspace_base": (lambda a, b, c: np.logspace(a, b, 4, False, base=c), 0.3, 1.2, 2.5),
    "geomspace": (lambda a, b: np.geomspace(a, b, 5), 0.3, 4.0),
    "geomspace_negative": (lambda a, b: np.geomspace(a, b, 4, endpoint=False), -0.3, -4.0),
    "apply_over_axes": (lambda x: np.apply_over_axes(np.sum, x, [0, 1]), M),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors:DeprecationWarning")
@pytest.mark.parametrize("name", CASES)
def test_value_and_derivatives(name):
    f, *args = CASES[name]
    check_function(f, tuple(args), tolerance=2e-6)


def test_a_row_of_nothing_but_nan():
    x = np.array([[np.nan, np.nan], [1.0, 2.0]])
    value, pullback = cr.vjp(lambda x: np.nanmedian(x, axis=1), x)
    np.testing.assert_array_equal(value, [np.nan, 1.5])
    np.testing.assert_array_equal(pullback(np.array([0.0, 1.0]))[0][1], [0.5, 0.5])


def test_ties_of_a_running_maximum_share():
    g = cr.grad(lambda x: np.sum(np.maximum.accumulate(x)))(np.array([1.0, 1.0, 0.0]))
    np.testing.assert_allclose(g, [2.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("f", "error"),
    [
        (lambda x: np.maximum.reduceat(x, [0, 9]), IndexError),
        (lambda x: np.subtract.reduce(np.outer(x, x), axis=None), ValueError),
        (lambda x: np.fmax.reduce(x[:0]), ValueError),
        (lambda x: np.nanquantile(x, 1.5), ValueError),
    ],
)
def test_bad_operands_are_told_as_numpy_tells_them(f, error):
    with pytest.raises(error):
        cr.grad(lambda x: np.sum(f(x)))(np.array([0.5, -1.0, 2.0, 0.1, 0.2]))
