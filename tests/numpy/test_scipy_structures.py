"""What scipy.linalg reads of a matrix of an assumed structure, and degenerate spectra."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg

import chainrule as cr
from chainrule.errors import UnsupportedError

M = np.array([[4.0, 0.5, -0.3], [1.2, 3.0, 0.7], [0.4, -0.6, 5.0]])
WEIGHTS = np.arange(1.0, 10.0).reshape(3, 3)
STRUCTURES: list[dict[str, Any]] = [
    {"assume_a": name}
    for name in ("gen", "pos", "sym", "her", "upper triangular", "lower triangular")
]
STRUCTURES += [{"assume_a": name, "lower": True} for name in ("pos", "sym")]


def _differences(f: Any, x: np.ndarray, h: float = 1e-6) -> np.ndarray:
    steps = np.eye(x.size).reshape(-1, *x.shape) * h
    return np.array([(f(x + s) - f(x - s)) / (2 * h) for s in steps]).reshape(x.shape)


@pytest.mark.parametrize(
    ("function", "options"),
    [("inv", options) for options in STRUCTURES]
    + [("solve", options) for options in STRUCTURES]
    + [("solve", {"assume_a": name}) for name in ("diagonal", "tridiagonal")],
)
def test_what_is_not_read_has_no_gradient(function: str, options: dict[str, Any]) -> None:
    def loss(a: Any) -> Any:
        others = (np.eye(3),) if function == "solve" else ()
        return np.sum(getattr(scipy.linalg, function)(a, *others, **options) * WEIGHTS)

    np.testing.assert_allclose(cr.grad(loss)(M), _differences(loss, M), rtol=1e-6, atol=1e-8)


def test_what_scipy_leaves_beside_a_diagonal_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="diagonal"):
        cr.grad(lambda a: np.sum(scipy.linalg.inv(a, assume_a="diagonal")))(M)


def test_singular_values_that_are_cut_off_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="cuts off"):
        cr.grad(lambda a: np.sum(scipy.linalg.pinv(a, rtol=0.9)))(M)


def test_eigenvalues_that_rounding_alone_parts_are_equal() -> None:
    q = np.linalg.qr(M)[0]
    a = q @ np.diag([1.0, 1.0, 2.0]) @ q.T

    def loss(a: Any) -> Any:
        w, v = np.linalg.eigh((a + a.T) / 2)
        return np.sum((v * np.exp(w)) @ v.T * WEIGHTS)

    assert np.isnan(cr.grad(loss)(a)).any()
    values = cr.grad(lambda a: np.sum(np.linalg.eigvalsh((a + a.T) / 2) ** 2))(a)
    np.testing.assert_allclose(values, 2 * a, rtol=1e-12, atol=1e-14)
