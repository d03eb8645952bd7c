"""Loops that end when a condition fails are compiled once, for any number of turns."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
import warnings

import numpy as np
import pytest

import chainrule as cr

from ..conftest import same

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

X = np.random.default_rng(0).normal(size=200) * 0.3


def newton(a, tol):
    x = a
    while abs(x * x - a) > tol:
        x = x - (x * x - a) / (2 * x)
    return x


def newton_named(a, tol):
    x, f = a, a * a * a - a
    while abs(f) > tol:
        x = x - f / (3 * x * x)
        f = x * x * x - a
    return x


def fixed_point(a, tol):
    x = a
    for _ in range(500):
        new = math.cos(x) * a
        if abs(new - x) < tol:
            break
        x = new
    return new


def forever(a, tol):
    x = a
    while True:
        x = 0.5 * (x + a / x)
        if abs(x * x - a) <= tol:
            return x


def not_yet(a, tol):
    x, step = a, 1.0
    while not abs(step) < tol:
        step = (math.exp(-x) - a * x) / (math.exp(-x) + a)
        x = x + step
    return x * x


def helper(a, tol):
    return newton(a, tol) * fixed_point(0.5 * a, tol)


def after_the_loop(a, tol):
    x, total = a, 0.0
    while x > tol:
        total = total + x * x
        x = 0.7 * math.sin(x)
    return total / (1 + x)


def with_else(a, tol):
    x = a
    for _ in range(400):
        x = 0.9 * math.sin(x)
        if x < tol:
            break
    else:
        x = 2 * x
    return x


def entries(a, tol):
    total = a
    for k in range(len(X)):
        total = math.sin(total) + X[k] * a
        if total < tol:
            break
    return total


def two_loops(a, tol):
    x = a
    for _ in range(50):
        x = math.sin(x) + 0.2 * a
    while x > tol:
        x = 0.5 * math.sin(x)
    return x


def two_conditions(a, tol):
    x = a
    while x > tol:
        x = 0.8 * math.sin(x)
    y = a
    while y > 2 * tol:
        y = 0.7 * math.sin(y)
    return x * y


LOOPS = [
    *(newton, newton_named, fixed_point, forever, not_yet, helper, after_the_loop, with_else),
    *(two_loops, entries, two_conditions),
]


@pytest.mark.parametrize("f", LOOPS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("gradient", [False, True])
def test_any_number_of_turns_is_compiled_once(f, gradient, recordings):
    g = cr.value_and_grad(f) if gradient else f
    compiled = cr.compile(g)
    assert compiled.lower(0.6, 1e-9).program.family is not None
    recordings.clear()
    rng = np.random.default_rng(0)
    for a, power in zip(rng.uniform(0.2, 0.9, 30), rng.uniform(-11, -5, 30), strict=True):
        args = float(a), float(10**power)
        same(compiled(*args), g(*args), 1e-10)
    assert len(recordings) == 1


def test_no_turn_and_one_are_other_paths(recordings):
    g = cr.value_and_grad(newton)
    compiled = cr.compile(g)
    for _ in range(3):
        for args in ((0.7, 1e-9), (0.7, 10.0), (1.0000001, 1e-9), (0.3, 1e-9), (0.9, 0.05)):
            same(compiled(*args), g(*args), 1e-10)
    assert len(recordings) <= 4


def test_nan_ends_a_loop_as_in_python(recordings):
    for f in (newton, not_yet):
        compiled = cr.compile(f)
        compiled(0.6, 1e-9)
        if f is newton:
            assert math.isnan(compiled(0.6, math.nan)) == math.isnan(f(0.6, math.nan))
            assert math.isnan(compiled(math.nan, 1e-9))
    assert len(recordings) <= 4


def test_more_turns_than_there_is_memory_for(recordings):
    def slowly(a, tol):
        x = a
        while x > tol:
            x = x - 0.001 * x * a
        return x

    g = cr.value_and_grad(slowly)
    compiled = cr.compile(g)
    for tol in (0.4, 0.1, 0.01, 0.3, 0.05):
        same(compiled(0.5, tol), g(0.5, tol), 1e-9)
    assert len(recordings) == 2  # with memory for 1,000 turns, and for 30,000


def test_a_loop_that_never_ends_can_be_interrupted():
    def until(a, tol):
        x = a
        while abs(x) > tol:
            x = math.sin(x) * 1.0
        return x

    compiled = cr.compile(until, tape_limit=None)
    compiled(0.5, 0.4)
    compiled(0.5, 0.3)
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        compiled(0.5, -1.0)
    assert time.monotonic() - began < 20


# What is no such loop.


def a_counter(a, tol):
    x, k = a, 0
    while abs(x * x - a) > tol and k < 4:
        x = x - (x * x - a) / (2 * x)
        k += 1
    return x * k


def collected(a, tol):
    found = []
    x = a
    while x > tol:
        x = 0.5 * math.sin(x)
        found.append(x)
    return sum(found) / len(found)


def a_branch(a, tol):
    x = a
    for _ in range(30):
        if x > 0.5:
            x = 0.9 * math.sin(x)
        x = x * 0.99 + tol
    return x


def flips(a, tol):
    x, best = a, a
    for _ in range(40):
        x = math.sin(3 * x) + a
        if x > best:
            best = x
    return best + tol


@pytest.mark.parametrize("f", [a_counter, collected, a_branch, flips], ids=lambda f: f.__name__)
def test_other_loops_are_recorded_for_each_number_of_turns(f):
    compiled = cr.compile(f)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cr.errors.NotCompiledWarning)
        for args in ((0.6, 1e-3), (0.8, 1e-4), (0.9, 1e-3), (0.3, 1e-2)):
            same(compiled(*args), f(*args), 1e-10)
