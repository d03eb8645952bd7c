"""``while`` loops that count their turns are recorded in few of them, as ``for`` loops are."""

from __future__ import annotations

import math

import numpy as np
import pytest

import chainrule as cr

from ..conftest import same

pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::chainrule.errors.NotCompiledWarning"),
]

N = 60
X = np.random.default_rng(0).normal(size=N) * 0.3


def counts(a, b):
    k = 0
    while k < N:
        a = math.sin(a) + 0.1 * b * k
        k += 1
    return a * k


def counts_down(a, b):
    k, total = N, 0.0
    while k > 0:
        k -= 1
        total = total + X[k] * a
        a = 0.9 * math.sin(a + b)
    return total + a + k


def breaks(a, b):
    k = 3
    while True:
        a = 0.8 * math.sin(a) + X[k] * b
        k = k + 1
        if k >= N:
            break
        a = a + 0.01 * k
    return a


def goes_on(a, b):
    k = -1
    while k + 1 < N:
        k += 1
        a = 0.9 * math.sin(2 * a + X[k])
        if a < b:
            continue
        a = 0.5 * a + 0.1 * b
    return a


def branches(a, b):
    k, out = 0, np.zeros(N)
    while k <= N - 1:
        a = 0.9 * math.sin(2 * a + k)
        if a > 0.2:
            a = 0.5 * a + 0.1 * b
        out[k] = a
        k += 1
    return np.sum(out * out)


def nested(a, b):
    i = 0
    while i < 5:
        j = 0
        while j < N:
            a = 0.9 * math.sin(a + 0.1 * b * j)
            j += 1
        a = a + b * i
        i += 1
    return a


def inside_for(a, b):
    for t in range(40):
        k = 0
        while k < 3:
            a = 0.9 * math.sin(a + 0.1 * b * k)
            k += 1
        a = a + 0.01 * t
    return a


def newton(a, b):
    x, k = 1.0, 0
    while abs(x * x * x - a) > 1e-4 + 1e-4 * abs(b) and k < N:
        x = x - 0.3 * (x * x * x - a) / (3 * x * x)
        k += 1
    return x


def newton_by_steps(a, b):
    x, k = 1.0, 0
    while k < N:
        step = 0.3 * (x * x * x - a) / (3 * x * x)
        if step > 0.01 * abs(b):
            step = step * 1.1
        x = x - step
        if abs(step) < 1e-4:
            break
        k += 1
    return x


# What is no range.


def uneven(a, b):
    k = 0
    while k < N:
        a = 0.9 * math.sin(a + b)
        k += 1 if k % 2 else 2
    return a


def squares(a, b):
    k = 1
    while k * k < 4 * N:
        a = 0.9 * math.sin(a + b)
        k += 1
    return a


def looked_at(a, b):
    k, found = 0, []
    while k < N:
        a = 0.9 * math.sin(a + b * [0.1, 0.2, 0.4][k % 3])
        found.append(a)
        k += 1
    return sum(found) * k


def resumed(a, b):
    k = 0
    for w in [0.1, 0.1, 0.1, 0.2]:
        while k < N:
            a = 0.9 * math.sin(a + b)
            k += 1
            if math.sin(9 * a) > 0.3:
                break
        a = a + w
    return a + k


def skipped(a, b):
    k = 0
    while k < N:
        a = 0.9 * math.sin(2 * a + b)
        if a > 0.3:
            k += 1
        k += 1
    return a


def ends_by_both(a, b):
    k, n = 0, N
    while k < n:
        a = 0.9 * math.sin(2 * a + b)
        if k > 40:
            n = n - 1
        k += 1
    return a


def raises(a, b):
    k = 0
    while k < N:
        a = a + 0.1 * b
        if k == 50 and a < 0:
            raise ValueError("in turn 50")
        k += 1
    return a


def of_none(a, b):
    k = N
    while k < N:
        a = a * b
        k += 1
    return a * b


def of_one(a, b):
    k = N - 1
    while k < N:
        a = a * b
        k += 1
    return a * k


SHORT = [counts, counts_down, breaks, goes_on, branches, nested]
OTHERS = [uneven, squares, looked_at, resumed, skipped, ends_by_both, of_none, of_one, inside_for]
POINTS = [(0.3, 0.5), (0.9, -0.4), (0.6, 0.3)]


@pytest.mark.parametrize("f", SHORT, ids=lambda f: f.__name__)
def test_few_turns_are_recorded(f, recordings):
    g = cr.value_and_grad(f, (0, 1))
    compiled = cr.compile(g)
    assert compiled.lower(*POINTS[0]).program.family is not None
    recordings.clear()
    for args in POINTS:
        same(compiled(*args), g(*args), 1e-8)
    assert len(recordings) == 1


@pytest.mark.parametrize("f", [newton, newton_by_steps], ids=lambda f: f.__name__)
def test_a_bound_on_the_turns_is_no_obstacle(f, recordings):
    g = cr.value_and_grad(f, (0, 1))
    compiled = cr.compile(g)
    for args in [(0.5, 0.3), (0.7, 0.4), (0.3, -0.2), (0.6, 0.9), (1e-9, 0.2)]:
        same(compiled(*args), g(*args), 1e-8)
    assert len(recordings) <= 3


@pytest.mark.parametrize("f", OTHERS, ids=lambda f: f.__name__)
def test_other_counters_are_as_good(f):
    g = cr.value_and_grad(f, (0, 1))
    compiled = cr.compile(g)
    for args in POINTS[:2]:
        same(compiled(*args), g(*args), 1e-8)


def test_errors_in_a_turn_are_those_of_the_function():
    compiled = cr.compile(raises)
    same(compiled(10.0, 0.1), raises(10.0, 0.1), 1e-12)
    with pytest.raises(ValueError, match="in turn 50"):
        compiled(-10.0, 0.1)
    with pytest.raises(ValueError, match="in turn 50"):
        cr.compile(raises)(-10.0, 0.1)
