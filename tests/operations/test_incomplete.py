"""Derivatives of incomplete integrals by their shapes, against mpmath's in 50 digits."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from chainrule.operations.incomplete import beta_by_shapes, gamma_by_shape

# Where the integrals are neither 0 nor 1 in double precision.
OF_GAMMA = [
    (a, a * share)
    for a in (0.001, 0.3, 1.7, 12.5, 300.0, 3000.0)
    for share in (1e-6, 0.05, 0.9, 0.999, 1.1, 3.0)
    if a < 20 or 0.8 < share < 1.2
]
OF_BETA = [
    *[(0.01, 0.01, x) for x in (1e-12, 0.3, 0.99)],
    *[(0.01, 500.0, x) for x in (1e-12, 1e-4, 0.03)],
    *[(0.3, 0.01, x) for x in (0.03, 0.9, 1 - 1e-6)],
    *[(2.5, 3.5, x) for x in (1e-4, 0.4, 0.9)],
    *[(60.0, 0.5, x) for x in (0.7, 0.99)],
    *[(700.0, 500.0, x) for x in (0.55, 0.6)],
]


@pytest.mark.parametrize(("a", "x"), OF_GAMMA)
def test_of_gamma(a, x):
    with mpmath.workdps(50):
        ends = (0, x) if x < a else (x, mpmath.inf)
        sign = 1 if x < a else -1  # of the side that is small
        expected = sign * mpmath.diff(lambda s: mpmath.gammainc(s, *ends, regularized=True), a)
    assert gamma_by_shape(a, x, 1) == pytest.approx(float(expected), rel=1e-10)


@pytest.mark.parametrize(("a", "b", "x"), OF_BETA)
def test_of_beta(a, b, x):
    with mpmath.workdps(50):
        low = x < a / (a + b)
        ends, sign = ((0, x), 1) if low else ((x, 1), -1)

        def f(s, t):
            return sign * mpmath.betainc(s, t, *ends, regularized=True)

        point = mpmath.mpf(a), mpmath.mpf(b)
        expected = [float(mpmath.diff(f, point, order)) for order in ((1, 0), (0, 1))]
    found = [beta_by_shapes(a, b, x, 1, 0), beta_by_shapes(a, b, x, 0, 1)]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_at_the_ends_and_outside():
    np.testing.assert_array_equal(gamma_by_shape(2.0, np.array([0.0, np.inf]), 1), 0)
    np.testing.assert_array_equal(beta_by_shapes(2.0, 1.5, np.array([0.0, 1.0]), 1, 0), 0)
    assert np.isnan(gamma_by_shape(-1.0, 2.0, 1))
    assert gamma_by_shape(np.float32(2), np.float32(1), 1).dtype == np.float32
    assert gamma_by_shape(np.ones((0, 3)), 2.0, 1).shape == (0, 3)
