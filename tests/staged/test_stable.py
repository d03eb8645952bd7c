"""Staged code where the example overflows: it is written for a stable form, if one is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

import chainrule as cr
from chainrule.graph.stabilise.rules import REWRITES, Rewrite

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
NAMES = {"np": np, **{name: getattr(special, name) for name in ("expit", "softmax", "logsumexp")}}
LARGE = np.array([1000.0, 999.0])


def function_of(rewrite: Rewrite) -> Any:
    return eval(f"lambda {', '.join(rewrite.at)}: np.sum({rewrite.written})", dict(NAMES))


def overflows(rewrite: Rewrite) -> bool:
    with np.errstate(all="ignore"):
        return not np.isfinite(function_of(rewrite)(*map(np.asarray, rewrite.at.values())))


@pytest.mark.parametrize(
    "rewrite", [r for r in REWRITES if overflows(r)], ids=lambda r: f"{r.written} at {r.at}"
)
def test_what_is_finite_eager_is_finite_printed(rewrite: Rewrite) -> None:
    f = function_of(rewrite)
    at = [np.asarray(x, float) for x in rewrite.at.values()]
    staged = cr.stage(f, *at)
    _, gradients = staged(*at)
    for found, right in zip(gradients, cr.grad(f, tuple(range(len(at))))(*at), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-9, atol=1e-13)
        assert np.isfinite(found).all()


def logsumexp(x: Any) -> Any:
    powers = np.exp(x)
    total = np.sum(powers)
    return np.log(total)


def test_printed_code_may_keep_what_vanishes_eager() -> None:
    staged = cr.stage(lambda x: np.sum(1 / (1 + np.exp(-x))), np.float64(-400.0))
    np.testing.assert_allclose(staged(-400.0)[1][0], np.exp(-400.0))


def test_the_lines_are_those_of_the_stable_form() -> None:
    staged = cr.stage(logsumexp, LARGE)
    assert "value = np.logaddexp.reduce(x, axis=None)" in staged.source
    assert "np.exp(x - value)" in staged.source
    value, (gradient,) = staged(LARGE)
    np.testing.assert_allclose(value, special.logsumexp(LARGE))
    np.testing.assert_allclose(gradient, special.softmax(LARGE))
    ordinary = cr.stage(logsumexp, LARGE / 1000)
    assert "powers = np.exp(x)" in ordinary.source


def test_names_stay_with_what_they_stand_for() -> None:
    def loss(x):
        shares = np.exp(x) / np.sum(np.exp(x))
        entropy = -np.sum(shares * np.log(shares))
        return entropy

    source = cr.stage(loss, LARGE).source
    assert "shares = " in source
    assert "entropy = " in source


def test_a_check_sees_what_the_user_code_saw() -> None:
    def f(x):
        y = np.log(np.sum(np.exp(x)))
        if not np.isfinite(y):
            return 2 * y
        return y

    staged = cr.stage(f, LARGE)
    np.testing.assert_allclose(staged(LARGE)[1][0], 2 * special.softmax(LARGE))
    with pytest.raises(AssertionError, match="takes another branch"):
        staged(LARGE / 1000)


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (np.linalg.norm, np.array([3e200, 4e200]), [0.6, 0.8]),
        (lambda x: np.sqrt(np.sum((x * 1e200) ** 2)), np.array([3.0, 4.0]), [6e199, 8e199]),
        (np.std, np.array([3e200, 4e200]), [-0.5, 0.5]),
        (lambda x: np.sum(cr.grad(logsumexp)(x) ** 2), LARGE, [0.18171550, -0.18171550]),
        (lambda x: np.sqrt(np.sum(x * x)), np.zeros(2), [0.0, 0.0]),
    ],
)
def test_stable_gradients(f: Any, x: Any, expected: list[float]) -> None:
    np.testing.assert_allclose(cr.stage(f, x)(x)[1][0], expected, rtol=1e-7)


def test_explain_shows_where_it_overflows() -> None:
    assert "overflow" in str(cr.explain(logsumexp, LARGE)) or "inf" in str(
        cr.explain(logsumexp, LARGE)
    )
