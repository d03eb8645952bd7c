"""Complex numbers in compiled code: kernels compute with pairs of real ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr

from ..conftest import other, same

RANDOM = np.random.default_rng(3)
X, H = RANDOM.normal(size=(2, 64))


def filtered(x: Any, h: Any) -> Any:
    y = np.tanh(x * h) + x
    z = np.fft.fft(y)
    power = np.abs(z) ** 2 + z.conj().imag
    return np.sum(np.sqrt(1 + power**2)) + np.sum(np.exp(-(y**2)))


def steps(f: Any, *args: Any) -> list[str]:
    """Return the lines of a schedule without the sizes."""
    lines = cr.compile(f).lower(*args).schedule.splitlines()[:-1]
    return [line.partition(" ->")[0].split(" over")[0].strip() for line in lines]


def test_nothing_is_a_call() -> None:
    found = steps(filtered, X, H)
    assert sorted(set(found)) == ["in place joined", "kernel", "lines    fft"]


def test_values_and_gradients(compiled: Any) -> None:
    both = cr.value_and_grad(filtered, (0, 1))
    fast = compiled(both)
    args: tuple[Any, ...] = (X, H)
    for k in range(5):
        same(fast(*args), both(*args), 1e-12)
        args = tuple(other(arg, k) for arg in args)


def test_conjugates_are_not_left_out(compiled: Any) -> None:
    """A rule for real numbers says that ``conjugate(x)`` is x."""

    def f(x: Any) -> Any:
        z = x * (1 + 2j)
        return np.sum((z * np.conjugate(z)).real) + np.sum((z.conj() * 1j).real)

    fast = compiled(f)
    for k in range(5):
        same(fast(X + k), f(X + k), 1e-13)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.fft.fft(x) * 2j,  # an array
        lambda x: np.sum(np.fft.fft(x) * x),  # a number
        lambda x: (np.fft.ifft(x)[3], x * 2),
        lambda x: 1.0 if (np.fft.fft(x) != 0).all() else 2.0,  # guarded
        lambda x: np.concatenate([x * 1j, x])[::-3] @ (x[:43] + 1j),
        lambda x: np.where(x > 0, x * 1j, x).reshape(8, 8).sum(axis=0),
        lambda x: np.fft.fft(x)[np.array([3, 1, 3])],
        lambda x: np.fft.fft(x.astype(np.float32)),
    ],
)
def test_complex_results(f: Any, compiled: Any) -> None:
    fast = compiled(f)
    for k in range(5):
        same(fast(X * (k + 1)), f(X * (k + 1)), 1e-12)


def test_captured_arrays_are_read_anew(compiled: Any) -> None:
    w = np.exp(1j * X)

    def f(x: Any) -> Any:
        return np.sum(np.abs(w * x + 1))

    fast = compiled(cr.grad(f))
    for k in range(5):
        same(fast(H), cr.grad(f)(H), 1e-12)
        w *= 1 + 0.5j * k


def test_the_listing_names_them() -> None:
    loops = cr.compile(filtered).lower(X, H).loops
    assert "fft(m" in loops
    assert "# lines" in loops
