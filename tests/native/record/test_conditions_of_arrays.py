"""Loops that go on until a condition on arrays fails: compiled once, for any number of turns."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.native import specializations

from ..conftest import same

# The fixtures of tests and the programs they run have no types.
# mypy: disable-error-code="no-untyped-def"

A = np.random.default_rng(0).normal(size=(4, 4)) * 0.1
M = A @ A.T + np.eye(4)


def by_maximum(x, tol):
    z = np.zeros(4)
    while True:
        new = np.tanh(A @ z + x)
        change = np.max(np.abs(new - z))
        z = new
        if change < tol:
            break
    return z.sum()


def by_norm(x, tol):
    z, new = np.zeros(4), np.tanh(x) + 1.0
    while np.linalg.norm(new - z) > tol:
        z = new
        new = np.tanh(A @ z + x)
    return new.sum()


def newton(x, tol):
    z = np.ones(4)
    r = z**3 + z - x
    while r @ r > tol:
        z = z - r / (3 * z**2 + 1)
        r = z**3 + z - x
    return np.sum(z * x)


def in_a_for_loop(x, tol):
    z = x
    for k in range(90):
        new = np.tanh(A @ z + x)
        if np.abs(new - z).max() < tol:
            break
        z = new
    return z.sum() + x @ new


def some(x, tol):
    z, total = x, x
    while np.any(np.abs(z) > tol):
        z = np.where(np.abs(z) > tol, 0.7 * z, z)
        total = total * 0.9 + z * x
    return total.sum()


def all_of_them(x, tol):
    z = x
    while not np.all(np.abs(z) < tol):
        z = 0.6 * np.sin(z)
    return np.sum(z**2)


def conjugate_gradients(x, tol):
    r, p, s = x, x, np.zeros(4)
    rest = r @ r
    while rest > tol:
        step = M @ p
        alpha = rest / (p @ step)
        s, r = s + alpha * p, r - alpha * step
        p, rest = r + (r @ r) / rest * p, r @ r
    return s @ s


def in_place(x, tol):
    z = x.copy()
    while np.max(np.abs(z)) > tol:
        z[1:] = 0.45 * (z[:-1] + z[1:])
        z[0] *= 0.7
    return z.sum()


def one_after_the_other(x, tol):
    z = x
    for _ in range(50):
        z = np.sin(z) + 0.1 * x
    while np.max(np.abs(z)) > tol:
        z = 0.7 * np.sin(z)
    w = z + x
    while w @ w > tol:
        w = 0.8 * w + 0.01 * z * w
    return (w * z).sum()


def first_turns_differ(x, tol):
    z = x
    while np.sum(z * z) > tol:
        z = 0.8 * np.sin(z + 0.1 * np.roll(z, 1))
        if z[0] > z[1] * np.sin(30 * z[2]):
            z[2] = 0.5 * z[0]
    return np.sum(z)


PROGRAMS = [
    *(by_maximum, by_norm, newton, in_a_for_loop, some, all_of_them, conjugate_gradients),
    *(in_place, one_after_the_other, first_turns_differ),
]


def inputs(count: int) -> list[tuple[Any, float]]:
    rng = np.random.default_rng(1)
    return [(rng.uniform(0.5, 2.0, 4), float(10 ** rng.uniform(-8, -4))) for _ in range(count)]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("gradient", [False, True])
def test_any_number_of_turns_is_compiled_once(f, gradient, recordings):
    g = cr.value_and_grad(f) if gradient else f
    compiled = cr.compile(g)
    for args in inputs(15):
        same(compiled(*args), g(*args), 1e-8)
    once = f not in (conjugate_gradients, first_turns_differ)  # these may take few turns
    assert len(recordings) <= (1 if once else 4)


@pytest.mark.parametrize("f", [by_maximum, newton, first_turns_differ], ids=lambda f: f.__name__)
def test_no_turn_and_few_are_other_paths(f, recordings):
    g = cr.value_and_grad(f)
    compiled = cr.compile(g)
    x = np.linspace(0.5, 1.5, 4)
    for _ in range(2):
        for tol in (1e-6, 1e3, 1.0, 0.1, 1e-2, 1e-9, 3.0, 0.3):
            same(compiled(x, tol), g(x, tol), 1e-10)
    assert len(recordings) <= 5


def test_nan_ends_a_loop_as_in_python():
    compiled = cr.compile(cr.value_and_grad(by_norm))
    for x in (np.ones(4), np.array([1.0, np.nan, 1.0, 1.0])):
        same(compiled(x, 1e-6), cr.value_and_grad(by_norm)(x, 1e-6), 1e-10)


def test_more_turns_than_there_is_memory_for(recordings):
    def slowly(x, tol):
        z = x
        while z @ z > tol:
            z = z - 0.001 * z * x
        return z.sum()

    g = cr.value_and_grad(slowly)
    compiled = cr.compile(g)
    for tol in (0.4, 0.1, 0.01, 0.3, 0.05):
        same(compiled(np.full(3, 0.5), tol), g(np.full(3, 0.5), tol), 1e-8)
    assert len(recordings) == 2  # with memory for 1,000 turns, and for 30,000


def test_large_arrays_have_memory_for_fewer_turns(monkeypatch):
    monkeypatch.setattr(specializations, "_ROOM", 1 << 12)
    g = cr.value_and_grad(all_of_them)
    compiled = cr.compile(g)
    x = np.linspace(0.1, 1.0, 300)
    for tol in (0.1, 1e-12):
        same(compiled(x, tol), g(x, tol), 1e-10)
    assert compiled.lower(x, 0.1).loops.count("empty((33, 300), 'float64')") == 1
    assert compiled.lower(x, 1e-12).loops.count("empty((1001, 300), 'float64')") == 1


@pytest.mark.parametrize("shape", [(), (3,)])
def test_a_gradient_without_inputs_depends_on_the_turns(shape):
    def halved(x, tol):
        z = x
        while np.max(z) > tol:
            z = 0.7 * z
        return np.sum(z)

    g = cr.value_and_grad(halved)
    compiled = cr.compile(g)
    x = np.full(shape, 5.0) if shape else 5.0
    for tol in (1.0, 0.5, 1e-3):
        same(compiled(x, tol), g(x, tol), 1e-12)


def test_a_loop_that_never_ends_can_be_interrupted():
    def until(x, tol):
        z = x
        while np.max(np.abs(z)) > tol:
            z = np.sin(z) * 1.0
        return z.sum()

    compiled = cr.compile(until)
    x = np.full(100, 0.5)
    compiled(x, 0.4)
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        compiled(x, -1.0)
    assert time.monotonic() - began < 20


def test_it_is_printed():
    def shrinking(x, tol):
        z = x
        while np.max(z) > tol:
            z = np.sin(z) * 0.9
        return z

    loops = cr.compile(shrinking).lower(np.ones(3), 0.1).loops
    (ends,) = (k for k, line in enumerate(loops.splitlines()) if "break" in line)
    assert loops.splitlines()[ends].strip().startswith("if not ")
    assert "n = min(max(" in loops
    assert "for t in range(1 + n):" in loops
