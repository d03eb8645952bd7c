"""Formulas that fail for large or small numbers do not fail compiled, nor do their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

import chainrule as cr
from chainrule.native.pipeline import build

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
ROW = np.array([[1000.0, 0.0, 1.0], [-1000.0, -1001.0, -999.0]])
LARGE = np.array([1000.0, -1000.0, -50.0, 0.5])


def shared(x: Any) -> Any:
    powers = np.exp(x)
    return powers / np.sum(powers, axis=1)[:, None]


#: Name -> the naive formula, one that does not fail, and an input at which the naive one does.
FORMULAS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], np.ndarray]] = {
    "softplus": (lambda x: np.log(1 + np.exp(x)), lambda x: np.logaddexp(x, 0.0), LARGE),
    "softplus by log1p": (
        lambda x: np.log1p(np.exp(x)),
        lambda x: np.logaddexp(x, 0.0),
        LARGE,
    ),
    "sigmoid": (lambda x: np.exp(x) / (1 + np.exp(x)), scipy.special.expit, LARGE),
    "logsumexp": (
        lambda x: np.log(np.sum(np.exp(x), axis=1)),
        lambda x: scipy.special.logsumexp(x, axis=1),
        ROW,
    ),
    "logsumexp of all": (
        lambda x: np.log(np.sum(np.exp(x))),
        scipy.special.logsumexp,
        ROW,
    ),
    "softmax": (
        lambda x: np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True),
        lambda x: scipy.special.softmax(x, axis=1),
        ROW,
    ),
    "softmax of shared powers": (shared, lambda x: scipy.special.softmax(x, axis=1), ROW),
    "log of softmax": (
        lambda x: np.log(scipy.special.softmax(x, axis=1)),
        lambda x: scipy.special.log_softmax(x, axis=1),
        ROW,
    ),
    "log of softmax by hand": (
        lambda x: np.log(np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)),
        lambda x: scipy.special.log_softmax(x, axis=1),
        ROW,
    ),
    "root of a square": (
        lambda x: np.sqrt(x * x),
        np.abs,
        np.array([1e200, -1e-200, 3.0]),
    ),
    "logistic": (lambda x: 1 / (1 + np.exp(-x)), scipy.special.expit, LARGE),
}


def weighted(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return cr.value_and_grad(
        lambda x: np.sum(f(x) * np.cos(np.arange(np.size(f(x)))).reshape(np.shape(f(x))))
    )


@pytest.mark.parametrize("name", FORMULAS)
def test_value_and_gradient_where_the_naive_formula_fails(name: str) -> None:
    naive, stable, x = FORMULAS[name]
    found = cr.compile(weighted(naive))
    found(x)
    value, gradient = found(x)
    expected, right = weighted(stable)(x)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient, right, rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize("name", [name for name in FORMULAS if name != "logistic"])
def test_the_naive_formula_does_fail_there(name: str) -> None:
    naive, stable, x = FORMULAS[name]
    value, gradient = weighted(naive)(x)
    expected, right = weighted(stable)(x)
    wrong = not np.allclose(value, expected, rtol=1e-12, atol=0)
    assert wrong or not np.allclose(gradient, right, rtol=1e-11, atol=0)


@pytest.mark.parametrize("name", FORMULAS)
def test_elsewhere_nothing_changes(name: str) -> None:
    naive, _, x = FORMULAS[name]
    x = np.cos(np.arange(x.size).reshape(x.shape) + 1.0)
    found = cr.compile(weighted(naive))
    for given in (x, x * 2):
        value, gradient = found(given)
        expected, right = weighted(naive)(given)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(gradient, right, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(scipy.special.logsumexp(x, axis=1) * np.arange(2.0)),
        lambda x: np.sum((x - scipy.special.logsumexp(x, axis=1, keepdims=True)) ** 2),
        lambda x: np.sum(scipy.special.log_softmax(x, axis=1) ** 2),
    ],
    ids=["logsumexp", "by hand", "log_softmax"],
)
@pytest.mark.parametrize(
    "row", [[0.0, 1.0, -1.0], [-np.inf, 0.0, 1.0], [1000.0, 1000.5, -1000.0]], ids=str
)
def test_gradients_that_share_exponentials(f: Any, row: list[float]) -> None:
    x = np.array([row, [0.3, 0.2, 0.1]])
    function = cr.value_and_grad(f)
    fast = cr.compile(function)
    for _ in range(2):
        for found, expected in zip(fast(x), function(x), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-10)
    ir = build(fast.lower(x).program).ir
    assert ir.count("call double @cr.exp.double(") == 1


def test_rows_of_nothing_but_minus_infinity_have_no_gradient() -> None:
    x = np.full((2, 3), -np.inf)
    function = cr.grad(lambda x: np.sum(scipy.special.logsumexp(x, axis=1)))
    fast = cr.compile(function)
    for _ in range(2):
        assert np.array_equal(fast(x), np.zeros((2, 3)))


def test_what_was_shifted_by_hand_is_left_as_it_is() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.log(np.sum(np.exp(x - np.max(x, axis=1, keepdims=True)), axis=1)))

    fast = cr.compile(f)
    fast(ROW)
    ir = build(fast.lower(ROW).program).ir
    assert ir.count("call double @llvm.maximum.f64(") == 1


@pytest.mark.parametrize(
    "root", [lambda x: np.sqrt(x * x), lambda x: np.sqrt(x * x + (2 * x) ** 2)], ids=["one", "two"]
)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_masked_roots_keep_their_guard(root: Any, value: float) -> None:
    slope = cr.grad(lambda x: np.sum(np.where(np.isfinite(x), root(x), 0.0)))
    fast = cr.compile(slope)
    fast(np.ones(2))
    x = np.array([value, 2.0])
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(fast(x), slope(x), rtol=1e-12)
