"""Conditions inside ``while`` loops that come out otherwise from turn to turn."""

from __future__ import annotations

import math

import numpy as np
import pytest

import chainrule as cr

from ..conftest import same

pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::chainrule.errors.NotCompiledWarning"),
    pytest.mark.filterwarnings("ignore::chainrule.errors.IndependentOutputWarning"),
]


def halved(a, tol):
    x = a
    while abs(x) > tol:
        x = 0.9 * math.sin(x)
        if math.cos(9 * x) > 0.3:
            x = 0.8 * x
        else:
            x = -0.7 * x * a
        x = x * 0.9
    return x


def safeguarded(a, tol):
    low, high = 0.0, 2.0
    x = a
    while high - low > tol:
        f = x * x - 0.5 - 0.1 * a
        if f > 0:
            high = x
        else:
            low = x
        x = 0.5 * (low + high)
    return x * a


def by_a_helper(a, tol):
    x, total = a, 0.0
    while x > tol:
        total = total + max(x - 0.4, 0.1 * x * a)
        x = 0.8 * math.sin(x)
    return total


def goes_on(a, tol):
    x, total = a, 0.0
    while x > tol:
        x = 0.8 * math.sin(x)
        if math.sin(20 * x) > 0:
            continue
        total = total + x * a
    return total


def until(a, tol):
    x, step = a, 0.1
    while True:
        new = x - step * (2 * x - a)
        if abs(new - x) < tol:
            return new
        if math.sin(50 * new) > 0:
            step = 0.15 + 0.1 * a
        else:
            step = 0.2
        x = new


def of_arrays(a, tol):
    v = np.array([1.0, 2.0, 3.0]) * a
    while np.sum(v * v) > tol:
        v = 0.8 * np.sin(v + 0.1 * np.roll(v, 1))
        if v[0] > v[1] * math.sin(30 * v[2]):
            v[2] = 0.5 * v[0]
    return np.sum(v)


def in_a_for_loop(a, tol):
    total = 0.0
    for t in range(6):
        x = a + 0.01 * t
        while x > tol:
            x = 0.8 * math.sin(x)
            if math.sin(20 * x) > 0:
                total = total + x * a
    return total


def in_one_another(a, tol):
    x, total = a, 0.0
    while x > tol:
        y = x
        while y > 0.5 * x:
            y = 0.9 * y
            if math.sin(20 * y) > 0:
                total = total + y * a
        x = 0.8 * math.sin(x)
        if math.sin(20 * x) > 0:
            total = 0.9 * total
    return total


def left_in_its_middle(a, tol):
    x, total = a, 0.0
    while x > tol:
        x = 0.8 * math.sin(x)
        if math.sin(20 * x) > 0:
            total = total + x * a
        if total > 0.9:
            break
    return total + x


def left_by_a_way(a, tol):
    x, k = a, 0
    while x > tol:
        x = 0.8 * math.sin(x)
        k += 1
        if math.sin(20 * x) > 0.9:
            if k > 6:
                break
            x = 0.9 * x
    return x * k


def inner_that_is_left(a, tol):
    total = 0.0
    for w in [0.1, 0.1, 0.1, 0.1, 0.3]:
        x = a
        while x > tol:
            x = 0.8 * math.sin(x)
            if math.sin(20 * x) > 0.95 - w:
                total = total + 1.0
                break
            total = total + x * a
    return total


def with_errors(a, tol):
    total = 0.0
    for w in [0.1, 0.1, 0.1, 0.1, 0.3]:
        x = a + w
        try:
            while x > tol:
                x = 0.8 * math.sin(x)
                if math.sin(20 * x) > 0.95 - w:
                    raise ValueError
                total = total + x * a
        except ValueError:
            total = total + 1.0
    return total


def counted(a, tol):
    x, hits = a, 0
    while x > tol:
        x = 0.8 * math.sin(x)
        if math.sin(20 * x) > 0:
            hits += 1
    return x * hits


def collected(a, tol):
    x, found = a, []
    while x > tol:
        x = 0.8 * math.sin(x)
        if math.sin(20 * x) > 0:
            found.append(x)
    return sum(found) + x


def turns_of(x, tol):
    while x > tol:
        x = 0.8 * math.sin(x)
        yield x * x if math.sin(20 * x) > 0 else 0.1 * x


def generated(a, tol):
    return sum(turns_of(a, tol))


def with_else(a, tol):
    x = a
    while x > tol:
        x = 0.8 * math.sin(x)
        if math.sin(20 * x) > 0:
            x = 0.9 * x
        if x < 0.01 * a:
            break
    else:
        x = x + a
    return x


def bounded(a, tol):
    x, k = a, 0
    while x > tol and k < 9:
        x = 0.8 * math.sin(x)
        if math.sin(20 * x) > 0:
            x = 0.9 * x
        k += 1
    return x * k


def by_while_loop(a, tol):
    def body(x):
        x = 0.8 * math.sin(x)
        return cr.cond(math.sin(20 * x) > 0, lambda x: 0.9 * x, lambda x: x * a, x)

    return cr.while_loop(lambda x: x > tol, body, a)


def two_tests(a, tol):
    x = y = a
    while x > tol or y > tol:
        x = 0.8 * math.sin(x)
        y = 0.7 * y
        if math.sin(20 * x) > 0:
            x, y = y, x
    return x * y


def recursive(a, tol, depth=3):
    x = a
    while x > tol:
        x = 0.8 * math.sin(x)
        if math.sin(20 * x) > 0:
            x = 0.9 * x
    return x if depth == 0 else x + recursive(a * 0.9, tol, depth - 1)


def without_end(a, tol):
    for t in range(6):
        a = 0.9 * math.sin(a + t)
        if a > 0:
            y = a
            while y > tol:
                y = 0.5 * y
        else:
            y = -a
            while y < 1:
                y = 2 * y
        a = a + y
    return a


ONCE = [halved, safeguarded, by_a_helper, goes_on, until, counted, by_while_loop]
OTHERS = [in_a_for_loop, in_one_another, left_in_its_middle, left_by_a_way, inner_that_is_left]
OTHERS += [
    of_arrays,
    with_else,
    with_errors,
    collected,
    generated,
    without_end,
    bounded,
    two_tests,
    recursive,
]
POINTS = [(0.9, 1e-2), (0.7, 1e-3), (0.5, 1e-2), (0.95, 3e-3), (0.8, 1e-3), (0.6, 1.0)]


@pytest.mark.parametrize("f", ONCE, ids=lambda f: f.__name__)
def test_all_outcomes_and_numbers_of_turns_are_compiled_once(f, recordings):
    g = cr.value_and_grad(f)
    compiled = cr.compile(g)
    for args in POINTS[:-1]:
        same(compiled(*args), g(*args), 1e-8)
    assert len(recordings) <= 2
    same(compiled(*POINTS[-1]), g(*POINTS[-1]), 1e-8)  # no turn


@pytest.mark.parametrize("f", OTHERS, ids=lambda f: f.__name__)
def test_what_is_no_choice_is_as_good(f):
    g = cr.value_and_grad(f)
    compiled = cr.compile(g)
    for args in POINTS[::5]:
        same(compiled(*args), g(*args), 1e-8)
