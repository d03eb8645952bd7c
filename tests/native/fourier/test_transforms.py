"""Fourier transforms in machine code: NumPy's own, to the last bit, wherever lines lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.native.fourier import pocketfft
from chainrule.native.lower import transforms
from chainrule.native.runtime import threads

from ..conftest import same

RANDOM = np.random.default_rng(7)
X = RANDOM.normal(size=(6, 7, 11))
Z = X + 1j * RANDOM.normal(size=X.shape)


def steps(f: Any, *args: Any) -> list[str]:
    """Return the steps of a schedule that are no kernels, but for writes."""
    lines = cr.compile(f).lower(*args).schedule.splitlines()[:-1]
    return [x.split(" ->")[0] for x in lines if not x.startswith(("kernel", "in place"))]


def machine_code(f: Any, *args: Any) -> Any:
    fast = cr.compile(f)
    fast(*args)
    return fast(*args)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_bit_for_bit(axis: int) -> None:
    """Of every length, even and odd, cut and filled up, with every scale."""
    options = [(n, axis, norm) for n in (None, 4, 9, 16) for norm in (None, "ortho", "forward")]

    def all_of(x: Any, z: Any) -> Any:
        return [
            (np.fft.rfft(x, *o), np.fft.irfft(z, *o), np.fft.fft(z, *o), np.fft.ifft(z, *o))
            for o in options
        ]

    expected = {f"lines    {name}" for name in ("fft", "ifft", "irfft", "rfft")}
    assert set(steps(all_of, X, Z)) == expected
    for found, right in zip(machine_code(all_of, X, Z), all_of(X, Z), strict=True):
        for x, y in zip(found, right, strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: np.fft.rfft(x, axis=0), X.astype(np.float32)),
        (lambda z: np.fft.fft2(z), Z.astype(np.complex64)),
        (lambda x: np.fft.irfftn(np.fft.rfftn(x) * 2), X),
        (lambda x: np.fft.rfft(x.T[::-1, 1:]), X),  # of a view
        (lambda x: np.fft.fft(x, axis=1) * 1j, X),  # of real numbers
        (lambda x: np.fft.rfft(x), np.arange(8)),  # of integers
        (lambda z: np.fft.fftshift(np.fft.ifft(z[2]), axes=0), Z),
        (lambda x: np.fft.hfft(x, axis=0), Z),
        (lambda x: np.fft.rfft(np.ones(4)) * x[0, 0, 0], X),
        (lambda x: np.fft.rfft(x[:, :0], axis=0), X),  # of nothing
        (lambda x: np.fft.rfft(np.tile(x, (1, 1, 3)), axis=1), X),  # more lines than go together
    ],
)
def test_programs(f: Any, x: Any, compiled: Any) -> None:
    fast = compiled(f)
    for k in range(3):
        given = x + x.dtype.type(k)
        found, expected = fast(given), f(given)
        assert found.dtype == expected.dtype
        same(found, expected, 1e-12 if x.dtype.itemsize >= 8 and x.dtype != np.complex64 else 1e-5)


def test_a_filter_and_its_gradient_are_one_piece_of_machine_code(compiled: Any) -> None:
    h = np.exp(-np.arange(4.0))[:, None, None] * (1 + 0.5j)

    def loss(x: Any) -> Any:
        return np.sum(np.fft.irfft(np.fft.rfft(x, axis=0) * h, axis=0) ** 2)

    both = cr.value_and_grad(loss)
    fast = compiled(both)
    for k in range(3):
        same(fast(X + k), both(X + k), 1e-12)
    assert not any(x.startswith("numpy") for x in steps(both, X))


def residual(x: Any, axis: int) -> Any:
    smooth = np.fft.irfft(np.fft.rfft(x, axis=axis) / (1 + 2j), x.shape[axis], axis)
    return np.sum((smooth - x) ** 2, axis=0) + np.where(smooth > 0, smooth, 0.5)


def along_two(z: Any, axis: int) -> Any:
    y = np.fft.ifft(np.exp(1j * np.fft.fft(z, axis=axis).real) * z, axis=1)
    return y, np.abs(y).sum(axis=(0, 2)), y * z[:1], np.sum(y)


def wanted_both_ways(z: Any, axis: int) -> Any:
    y = np.fft.fft(z, axis=axis)
    filtered = y * np.arange(11.0) + y[:1] - np.mean(y, axis=axis, keepdims=True)
    return y, np.sum(np.abs(y)), np.fft.ifft(filtered, axis=axis), y.T[2], np.stack([y, z], -1)


def of_fewer_axes(z: Any, axis: int) -> Any:
    """Of a cube, in which axes in the wrong order would fit."""
    cube = z[:, :6, :6]
    plane = np.fft.fft(cube[0], axis=min(axis, 1)) * 2
    y = np.fft.fft(cube, axis=axis)
    return np.fft.ifft(y * plane + y[:1], axis=axis)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(
    ("f", "x"), [(residual, X), (along_two, Z), (wanted_both_ways, Z), (of_fewer_axes, Z)]
)
def test_lines_that_are_left_together(f: Any, x: Any, axis: int) -> None:
    """Between transforms entries may lie in another order; the results do not tell."""

    def loss(x: Any) -> Any:
        found = f(x, axis)
        return sum(np.sum(np.abs(y) ** 2) for y in (found if type(found) is tuple else (found,)))

    def all_of(x: Any) -> Any:
        return f(x, axis), cr.value_and_grad(loss)(x)

    same(machine_code(all_of, x), all_of(x), 1e-11)


def test_between_transforms_nothing_is_put_back() -> None:
    def both(x: Any) -> Any:
        return np.fft.irfft(np.fft.rfft(x, axis=0) * 2, n=6, axis=0)

    loops = cr.compile(both).lower(X).loops
    assert "across=(True, False)" in loops  # rfft: brought together, and left so
    assert "across=(False, True)" in loops  # irfft: put back


def test_threads_share_lines() -> None:
    x = RANDOM.normal(size=(512, 67))

    def both(x: Any) -> Any:
        return np.fft.rfft(x, axis=0), np.fft.irfft(np.fft.rfft(x.T) * 2)

    before = threads.count()
    threads.set_count(3)
    try:
        fast = cr.compile(both)
        fast(x)
        for found, right in zip(fast(x), both(x), strict=True):
            np.testing.assert_array_equal(found, right)
    finally:
        threads.set_count(before)


def split_step(psi: Any, potential: Any, wavenumbers: Any, turns: int = 12) -> Any:
    """Schrödinger's equation: half a step in the potential, one of the momenta, and a half."""
    dt = 0.05
    half = np.exp(-0.5j * dt * potential)
    drift = np.exp(-0.5j * dt * wavenumbers**2)
    for _ in range(turns):
        psi = half * np.fft.ifft(drift * np.fft.fft(half * psi))
    return psi


def test_turns_with_transforms_stay_a_loop(compiled: Any) -> None:
    n = 32
    x = np.linspace(-4, 4, n)
    k = 2 * np.pi * np.fft.fftfreq(n, x[1] - x[0])
    start = np.exp(-(x**2) + 1j * x)

    def energy(potential: Any) -> Any:
        return np.sum(np.abs(split_step(start, potential, k)) ** 2 * x**2)

    both = cr.value_and_grad(energy)
    fast = compiled(both)
    for scale in (0.5, 0.6, 0.7):
        same(fast(scale * x**2), both(scale * x**2), 1e-11)
    assert any(line.startswith("loop") for line in steps(both, x**2))


def test_a_numpy_without_such_loops_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    f = lambda x: np.fft.irfft(np.fft.rfft(x, axis=0) * 2, n=6, axis=0)
    monkeypatch.setattr(transforms.pocketfft, "available", lambda: False)
    assert sorted(steps(f, X)) == ["numpy    irfft", "numpy    rfft"]
    np.testing.assert_allclose(machine_code(f, X), f(X), rtol=1e-12)


def test_what_is_no_ufunc_is_not_taken_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pocketfft, "_MODULE", "math")
    pocketfft._loop.cache_clear()
    try:
        assert pocketfft._loop("fft", "d") is None
    finally:
        pocketfft._loop.cache_clear()
