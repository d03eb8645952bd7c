"""One function of NumPy or SciPy, looked at from all sides: what the tests of its meaning share."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule as cr

__all__ = ["check_function", "drawn"]


def drawn(*shape: int, low: float = -1.9, high: float = 2.1, seed: int = 0) -> Any:
    """Draw distinct numbers from an interval, away from one another: no case sits at a kink."""
    rng = np.random.default_rng([seed, *shape])
    size = int(np.prod(shape))
    steps = np.linspace(low, high, size + 2)[1:-1]
    return rng.permutation(steps + (high - low) * rng.uniform(0.01, 0.02)).reshape(shape)[()]


def check_function(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    *,
    order: int = 2,
    tolerance: float = 1e-6,
    compiled: bool = True,
    single: float | None = 1e-3,
) -> None:
    """Compare value and derivatives, eager, staged and compiled, with NumPy and with differences.

    Args:
        f: a function of float arrays or numbers; a complex result is two real ones.
        args: what it is called with.
        order: how often it is differentiated.
        tolerance: of first derivatives.
        compiled: whether it is compiled and printed, too.
        single: the tolerance in single precision, whose dtype is kept; None if that is not tried.
    """
    expected = f(*args)
    value, _ = cr.vjp(lambda *xs: _real(f(*xs)), *args)
    np.testing.assert_allclose(value, _real(expected), rtol=1e-10, atol=1e-12)
    assert np.shape(value) == np.shape(_real(expected))
    weights = np.cos(np.arange(np.size(value)) + 0.5).reshape(np.shape(value))

    def loss(*xs: Any) -> Any:
        return np.sum(_real(f(*xs)) * weights)

    everything = tuple(range(len(args)))
    gradient = cr.grad(loss, everything)
    found = gradient(*args)
    _close(found, _differences(loss, args), tolerance)
    directions = [np.cos(np.arange(np.size(x)) + 1.0).reshape(np.shape(x)) for x in args]
    _, pushed = cr.jvp(loss, args, directions)
    dots = sum(np.sum(d * g) for d, g in zip(directions, found, strict=True))
    np.testing.assert_allclose(pushed, dots, rtol=1e-8, atol=1e-9)

    def slope(*xs: Any) -> Any:
        return sum(np.sum(d * g) for d, g in zip(directions, gradient(*xs), strict=True))

    if order > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", cr.errors.IndependentOutputWarning)
            second = cr.grad(slope, everything)(*args)
        _close(second, _differences(slope, args), 10 * tolerance)
    if compiled:
        _, staged = cr.stage(loss, *args, argnums=everything)(*args)
        _close(staged, found, 1e-9)
        fast = cr.compile(cr.value_and_grad(loss, everything))
        for _ in range(2):
            value, again = fast(*args)
            np.testing.assert_allclose(value, loss(*args), rtol=1e-9, atol=1e-12)
            _close(again, found, 1e-9)
    if single is not None:
        few = [np.asarray(x, np.float32)[()] for x in args]
        value, pullback = cr.vjp(lambda *xs: _real(f(*xs)), *few)
        assert np.asarray(value).dtype == np.asarray(_real(f(*few))).dtype
        found_single = pullback(weights.astype(np.asarray(value).dtype))
        assert all(np.asarray(g).dtype == np.float32 for g in found_single)
        _close(found_single, found, single)


def _real(y: Any) -> Any:
    return np.stack([np.real(y), np.imag(y)]) if np.iscomplexobj(y) else y


def _close(found: Any, expected: Any, tolerance: float) -> None:
    for a, b in zip(found, expected, strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def _differences(f: Callable[..., Any], args: tuple[Any, ...], h: float = 1e-4) -> list[Any]:
    """Return the gradient by central differences of fourth order."""
    gradients = []
    for k, x in enumerate(args):
        gradient = np.zeros(np.shape(x))
        for at in np.ndindex(gradient.shape):
            values = []
            for step in (-2, -1, 1, 2):
                moved = np.array(x)
                moved[at] += step * h
                values.append(f(*args[:k], moved[()], *args[k + 1 :]))
            gradient[at] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
        gradients.append(gradient)
    return gradients
