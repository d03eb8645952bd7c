"""Large arrays in a recorded run: their entries are computed where somebody looks at them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import trees
from chainrule.core.placeholder import Deferred
from chainrule.errors import NotCompiledWarning

LARGE = 20_000
X = np.linspace(-2.0, 2.0, LARGE)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes of the deferred values that were asked for."""
    shapes: list[tuple[int, ...]] = []
    before = Deferred.value.fget
    assert before is not None

    def value(self: Deferred) -> Any:
        if not self.is_computed:
            shapes.append(self.shape)
        return before(self)

    monkeypatch.setattr(Deferred, "value", property(value))
    return shapes


def chain(x: Any) -> Any:
    t = np.tanh(x / 2)
    return np.mean(np.exp(-t * t) * np.sin(x) + np.max(t))


def newton(x: Any) -> Any:
    return x - cr.grad(chain)(x) / (2 + cr.grad(lambda z: np.sum(cr.grad(chain)(z)))(x))


def rows(x: Any) -> Any:
    table = x.reshape(100, -1)
    centred = table - np.mean(table, axis=1, keepdims=True)
    return np.sum(centred / np.sqrt(np.mean(centred * centred, axis=1, keepdims=True) + 1e-5), 0)


@pytest.mark.parametrize("f", [chain, cr.value_and_grad(chain), newton])
def test_entries_that_nobody_looks_at_are_not_computed(
    f: Callable[..., Any], computed: list[tuple[int, ...]]
) -> None:
    compiled = cr.compile(f)
    first = compiled(X)
    assert computed == []
    for left, right in zip(trees.flatten(first)[0], trees.flatten(compiled(X))[0], strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-12)


def branching(x: Any) -> Any:
    y = x * 2
    return np.sum(y * y) if np.sum(y) > 100 else np.sum(np.cos(y))


def writing(x: Any) -> Any:
    y = x * 2
    row = y[1:]
    y[0] = 7.0
    row *= 3
    return np.sum(y * y)


def picking(x: Any) -> Any:
    y = np.exp(x)
    total = 0.0
    for k in range(5):
        total = total + y[k] * y[-k]
    return total


def integers(x: Any) -> Any:
    y = np.exp(x)
    return y[int(np.argmax(y * (x < 1)))] + np.sum(y)


def asking(x: Any) -> Any:
    y = np.sqrt(np.abs(x)) + 0.5
    total = np.sum(y)
    if isinstance(y, np.ndarray) and y.shape == x.shape and hasattr(total, "item"):
        return total if type(total) is np.float64 else y
    return -total


@pytest.mark.parametrize("f", [branching, writing, picking, integers, asking, rows])
def test_results_are_those_of_the_function(f: Callable[..., Any]) -> None:
    for g in (f, cr.grad(lambda x: np.sum(f(x)))):
        compiled = cr.compile(g)
        for x in (X, X + 1, X):
            np.testing.assert_allclose(compiled(x), g(x), rtol=1e-11, atol=1e-11)


def test_constants_that_are_overwritten_are_seen_as_they_were() -> None:
    def f(x: Any) -> Any:
        scale = np.full(LARGE, 2.0)[:2]
        small = scale.copy()
        y = x.reshape(-1, 2) * small
        small[:] = 100.0
        return y

    def g(x: Any) -> Any:
        buffer = np.linspace(1.0, 2.0, 2)  # an ndarray
        y = x.reshape(-1, 2) * buffer
        buffer[:] = -100.0
        return np.sum(y) if y[-1, -1] > 0 else np.sum(y * y)

    np.testing.assert_allclose(cr.compile(g)(X), g(X), rtol=1e-12)
    np.testing.assert_array_equal(cr.compile(f)(X), f(X))
    np.testing.assert_array_equal(cr.compile(lambda x: np.sum(f(x)))(X), np.sum(f(X)))


def test_what_changes_from_run_to_run_is_found_out() -> None:
    state = np.random.default_rng(0)
    count = iter(range(10))
    for f, why in (
        (lambda x: x * state.normal(), "draws random numbers"),
        (lambda x: x * next(count), "goes on with each use"),
    ):
        with pytest.warns(NotCompiledWarning, match=why):
            cr.compile(f)(X)


def test_other_results_than_those_of_the_function_are_found_out() -> None:
    with pytest.warns(NotCompiledWarning, match="two different results"):
        cr.compile(lambda x: x * np.random.default_rng().normal())(X)


def test_what_overflows_as_written_may_be_stable_compiled() -> None:
    f = cr.compile(lambda x: np.log(1 + np.exp(x)))
    with np.errstate(over="ignore"):
        assert f(X * 500)[-1] == np.inf
    assert f(X * 500)[-1] == 1000.0


def test_a_first_call_takes_no_more_memory_than_a_gradient() -> None:
    x = np.linspace(-2.0, 2.0, 500_000)
    gradient = cr.value_and_grad(chain)
    compiled = cr.compile(gradient)
    compiled(X)  # imports
    peaks = []
    for f in (gradient, compiled):
        tracemalloc.start()
        f(x)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]
