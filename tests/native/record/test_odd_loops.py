"""Loops of unusual kinds are compiled as what they do, and fail as Python does."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest

import chainrule as cr

from ..conftest import same

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def backwards_by_threes(a, b):
    for t in range(120, 0, -3):
        a = 0.5 * a + b * math.sin(a + t)
    return a


def no_turn(a, b):
    for _ in range(5, 5):
        a = a * b
    return a + b


def one_turn(a, b):
    for t in range(1):
        a = math.sin(a + t) if a > 0 else b
    return a


def over_items(a, b):
    rates = {"slow": 0.1, "fast": 2.0}
    for name, rate in rates.items():
        for k, x in enumerate([a, b, a * b]):
            a = a + rate * x if name == "slow" else a * math.cos(k + x)
    return a


def by_recursion(a, b, depth=12):
    return a if depth == 0 else by_recursion(0.5 * a + 0.1 * math.sin(b * depth), b, depth - 1)


def generated(a, b):
    def halves(x):
        while x > 0.05:
            yield x
            x = 0.5 * x

    return a + sum(x * b for x in halves(a))


def not_a_number(a, b):
    x = a
    while x < 10:
        x = x + abs(x) + b
    return x * b


def shapes_change(a, b):
    x = np.array([1.0, 2.0]) * a
    for _ in range(4):
        x = np.concatenate([x, x[:1] * b])
    return np.sum(x * x)


LOOPS = [
    *(backwards_by_threes, no_turn, one_turn, over_items, by_recursion, generated),
    *(not_a_number, shapes_change),
]


@pytest.mark.parametrize("f", LOOPS, ids=lambda f: f.__name__)
def test_odd_loops(f):
    g = cr.value_and_grad(f, (0, 1))
    compiled = cr.compile(g)
    for args in ((0.7, 0.3), (0.3, 0.3), (-0.2, 0.9)):
        same(compiled(*args), g(*args), 1e-10)


def test_a_condition_on_nan_fails():
    compiled = cr.compile(not_a_number)
    for a in (0.7, math.nan, math.inf, 0.2):
        same(compiled(a, 0.3), not_a_number(a, 0.3), 1e-12)


def test_errors_in_the_middle_of_a_loop_are_those_of_the_function():
    def f(a):
        for t in range(100):
            if t == 40:
                raise KeyError(t)
            a = 0.5 * a
        return a

    with pytest.raises(KeyError, match="40"):
        cr.compile(f)(0.3)
    with pytest.raises(ZeroDivisionError) as raised:
        cr.compile(lambda a: cr.fori_loop(0, 3, lambda i, x: 1.0 / (i - 2) * x, a))(0.3)
    assert "in turn 2 of fori_loop" in "".join(raised.value.__notes__)


def test_loops_are_recorded_in_several_threads_at_once():
    def f(a, b):
        for t in range(60):
            a = 0.5 * a + b * math.sin(a + t)
            if a < 0:
                a = -a
        return a

    compiled, found = cr.compile(cr.value_and_grad(f)), {}
    threads = [
        threading.Thread(target=lambda k=k: found.update({k: compiled(0.1 * k, 0.3)}))
        for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(4):
        same(found[k], cr.value_and_grad(f)(0.1 * k, 0.3), 1e-12)
