"""scipy.signal, ndimage, integrate and spatial.distance: SciPy's values, right derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, ndimage, signal
from scipy.spatial import distance

import chainrule as cr
from tests.programs.functions import check_function, drawn

V, W = drawn(6), drawn(3, seed=1)
M, K, K2 = drawn(4, 5), drawn(3, 2, seed=2), drawn(2, 3, seed=3)
X, T = np.sort(drawn(5, low=0.1, high=3.0)), drawn(3, 5)
POINTS = drawn(3, 2), drawn(2, 2, seed=5)
MODES = ("reflect", "constant", "nearest", "mirror", "wrap")

CASES = {
    # scipy.signal
    **{
        f"{name}_{mode}": (lambda a, v, f=f, mode=mode: f(a, v, mode), V, W)
        for name, f in {
            "convolve": signal.convolve,
            "correlate": signal.correlate,
            "fftconvolve": signal.fftconvolve,
            "oaconvolve": signal.oaconvolve,
        }.items()
        for mode in ("full", "same", "valid")
    },
    "convolve_small_first": (lambda a, v: signal.convolve(a, v, "valid"), W, V),
    "correlate_small_first": (lambda a, v: signal.correlate(a, v, "valid"), W, V),
    "correlate_same_small_first": (lambda a, v: signal.correlate(a, v, "same"), W, V),
    "convolve_matrices": (lambda a, v: signal.convolve(a, v, method="direct"), M, K),
    **{
        f"{name}_{mode}_{boundary}": (
            lambda a, v, f=f, mode=mode, boundary=boundary: f(a, v, mode, boundary),
            M,
            K,
        )
        for name, f in {"convolve2d": signal.convolve2d, "correlate2d": signal.correlate2d}.items()
        for mode in ("full", "same", "valid")
        for boundary in ("fill", "wrap", "symm")
    },
    "convolve2d_value": (lambda a, v: signal.convolve2d(a, v, "same", fillvalue=2.0), M, K2),
    "correlate2d_even": (lambda a, v: signal.correlate2d(a, v, "same"), M, K2),
    "lfilter": (lambda b, a, x: signal.lfilter(b, a, x), W, np.array([2.0, 0.5, -0.3]), V),
    "lfilter_axis": (lambda b, x: signal.lfilter(b, [1.0, -0.4], x, axis=0), W, M),
    "detrend": (lambda x: signal.detrend(x), V),
    "hilbert": (lambda x: np.abs(signal.hilbert(x)), V),
    "resample": (lambda x: signal.resample(x, 4), V),
    "jensenshannon": (lambda p, q: distance.jensenshannon(p, q), X, X[::-1]),
    # scipy.ndimage
    "sobel": (lambda a: ndimage.sobel(a, 0, mode="wrap"), M),
    "laplace": (lambda a: ndimage.laplace(a), M),
    "gaussian_laplace": (lambda a: ndimage.gaussian_laplace(a, 0.8), M),
    "gaussian_gradient": (lambda a: ndimage.gaussian_gradient_magnitude(a, (0.8, 0.6)), M),
    "means_of_labels": (lambda a: ndimage.mean(a, np.arange(20).reshape(4, 5) % 3, [0, 2]), M),
    **{
        f"ndimage_{name}_{mode}": (lambda a, w, f=f, mode=mode: f(a, w, mode=mode), M, w)
        for name, f, w in (
            ("correlate", ndimage.correlate, K),
            ("convolve", ndimage.convolve, K2),
        )
        for mode in MODES
    },
    "ndimage_origin": (
        lambda a, w: ndimage.convolve(a, w, cval=1.5, mode="constant", origin=(1, 0)), M, K,
    ),
    "correlate1d": (lambda a, w: ndimage.correlate1d(a, w, axis=0), M, W),
    "convolve1d": (lambda a, w: ndimage.convolve1d(a, w[:2], origin=-1), M, W),
    "gaussian_filter": (lambda a: ndimage.gaussian_filter(a, (0.7, 1.2), mode="wrap"), M),
    "gaussian_filter_by_sigma": (lambda a, s: ndimage.gaussian_filter(a, s), M, 0.8),
    "gaussian_filter_slopes": (lambda a: ndimage.gaussian_filter1d(a, 0.8, axis=0, order=1), M),
    "uniform_filter": (lambda a: ndimage.uniform_filter(a, size=(2, 3), mode="nearest"), M),
    "map_coordinates": (
        lambda a, c: ndimage.map_coordinates(a, c, order=1),
        M,
        np.array([[0.3, 2.6, 3.4], [3.7, 0.2, 1.5]]),
    ),
    "map_coordinates_nearest": (
        lambda a, c: ndimage.map_coordinates(a, c, order=1, mode="nearest"),
        M,
        np.array([[-0.3, 2.6, 3.4], [3.7, 0.2, 1.5]]),
    ),
    "map_coordinates_step": (
        lambda a: ndimage.map_coordinates(a, [[0.3, 2.6], [3.7, 0.2]], order=0),
        M,
    ),
    # scipy.integrate
    "trapezoid": (lambda y, x: integrate.trapezoid(y, x), T, X),
    "trapezoid_dx": (lambda y, dx: integrate.trapezoid(y, dx=dx, axis=0), T, 0.3),
    "cumulative_trapezoid": (lambda y, x: integrate.cumulative_trapezoid(y, x, initial=0), T, X),
    "cumulative_trapezoid_axis": (lambda y: integrate.cumulative_trapezoid(y, dx=0.5, axis=0), T),
    "simpson": (lambda y, x: integrate.simpson(y, x), T, X),
    "simpson_even": (lambda y, x: integrate.simpson(y[:, :4], x[:4]), T, X),
    "simpson_two": (lambda y, x: integrate.simpson(y[:, :2], x=x[:2]), T, X),
    "simpson_dx": (lambda y: integrate.simpson(y, dx=0.3, axis=0), T),
    "simpson_grid": (
        lambda y, x: integrate.simpson(y, x=x, axis=0), M[:, :2], np.sort(M, 0)[:, :2],
    ),
    # scipy.spatial.distance
    **{
        f"cdist_{metric}": (lambda a, b, m=metric: distance.cdist(a, b, m), *POINTS)
        for metric in ("euclidean", "sqeuclidean", "cityblock", "chebyshev", "cosine", "canberra")
    },
    "cdist_minkowski": (lambda a, b: distance.cdist(a, b, "minkowski", p=3), *POINTS),
    "pdist": (lambda a: distance.pdist(a), drawn(4, 2)),
    "pdist_correlation": (lambda a: distance.pdist(a, "correlation"), drawn(3, 4)),
    "squareform": (lambda x: distance.squareform(x) @ np.arange(4.0), V),
    "squareform_back": (lambda x: distance.squareform(x + x.T, checks=False), drawn(4, 4)),
    "euclidean": (lambda u, v: distance.euclidean(u, v), V, V[::-1]),
    "sqeuclidean": (lambda u, v: distance.sqeuclidean(u, v), V, V[::-1]),
    "minkowski": (lambda u, v: distance.minkowski(u, v, 3), V, V[::-1]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_value_and_derivatives(name):
    f, *args = CASES[name]
    if "squareform_back" in name:
        args = [args[0] - np.diag(np.diag(args[0]))]
    check_function(f, tuple(args), compiled="_" not in name or "dist" in name, single=5e-3)


def test_distances_are_written_where_they_are_to_be():
    def f(x):
        out = np.zeros((2, 2))
        distance.cdist(x, x + 1.0, out=out)
        return np.sum(out**2)

    x = np.arange(4.0).reshape(2, 2)
    value, gradient = cr.value_and_grad(f)(x)
    assert value == f(x)
    np.testing.assert_allclose(gradient, [[-8.0, -8.0], [8.0, 8.0]])


def test_distances_of_a_point_to_itself_do_no_harm():
    g = cr.grad(lambda x: np.sum(distance.cdist(x, x)))(np.array([[0.0, 0.0], [3.0, 4.0]]))
    np.testing.assert_allclose(g, [[-1.2, -1.6], [1.2, 1.6]])


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: distance.cdist(x, x, "mahalanobis"), "metric='mahalanobis'"),
        (lambda x: ndimage.map_coordinates(x, [[0.5], [0.5]]), "order=3"),
        (lambda x: ndimage.gaussian_filter1d(M, x[0, 0], order=1), "by sigma"),
        (lambda x: signal.fftconvolve(x, x, axes=0), "axes="),
        (lambda x: signal.lfilter([1.0], [1.0], x, zi=[0.0]), "zi="),
    ],
)
def test_what_has_no_derivative_says_so(f, message):
    with pytest.raises(cr.errors.UnsupportedError, match=message):
        cr.grad(lambda x: np.sum(f(x)))(np.eye(2) + 1.0)
