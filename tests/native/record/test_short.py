"""Long loops are recorded in few of their turns, where the others are sure to do the same."""

from __future__ import annotations

import gc
import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.core.node import Node

from ..conftest import same

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

N = 80
X = np.random.default_rng(0).normal(size=N) * 0.3
Y = np.random.default_rng(1).normal(size=N) * 0.3
RATES = [0.1] * 30 + [0.02] * (N - 30)
SWITCH = np.array([0.5] * 30 + [0.25] * (N - 30))


def is_short(f: Any, *args: Any) -> bool:
    return cr.compile(f).lower(*args).program.family is not None


# Loops that are recorded in few turns.


def pendulum(th, om):
    for _ in range(N):
        th = th + 0.01 * om
        om = om - 0.01 * math.sin(th)
    return th


def entries(a, b):
    for i in range(N):
        a = math.tanh(a * X[i] + b * Y[i])
    return a


def neighbours(a, b):
    for i in range(1, N - 1):
        a = math.sin(a) + b * (X[i + 1] - 2 * X[i] + X[i - 1])
    return a


def last_first(a, b):
    for i in range(N - 1, -1, -1):
        a = a * b + X[i]
    return a


def every_second(a, b):
    for i in range(0, N, 2):
        a = 0.5 * a + X[i] * Y[N - 1 - i] + b
    return a


def rows(a, b):
    for x in X:
        a = 0.9 * a + b * x
    return a


def pairs(a, b):
    for x, y in zip(X, Y, strict=True):
        a = 0.9 * a + b * x * y
    return a


def numbered(a, b):
    for i, x in enumerate(X):
        a = math.sin(a + b * x) + math.cos(b * i)
    return a


def backwards(a, b):
    for x in reversed(X):
        a = math.sin(a) * b + x
    for i in reversed(range(N)):
        a = math.sin(a) + X[i]
    return a


def times_the_number(a, b):
    for i in range(N):
        a = 0.9 * a + b * i
    return a


def of_two_lengths(a, b):
    for _ in range(40):
        a = math.sin(a) + 0.1 * b
    for _ in range(51):
        a = 0.9 * math.cos(a) * b
    return a


def first_turn_differs(a, b):
    total = 0.0
    for i in range(N):
        total = a if i == 0 else 0.8 * total + b
        if i > 1:
            a = a * 0.99
    return total


def after_the_loop(a, b):
    for i in range(N):
        a = 0.9 * a + b * X[i]
    return a * X[i] + i


def step(a, b):
    return 0.9 * math.sin(a) + b


def helper(a, b):
    for _ in range(N):
        a = step(a, b)
    return a


def with_else(a, b):
    for _ in range(N):
        a = step(a, b)
    else:
        a = a + b
    return a


class Oscillator:
    def __init__(self, x: Any, v: Any) -> None:
        self.x, self.v = x, v

    def move(self, h: float) -> None:
        self.v = self.v - h * self.x
        self.x = self.x + h * self.v


def state_in_an_object(a, b):
    oscillator = Oscillator(a, b)
    for _ in range(N):
        oscillator.move(0.1)
    return oscillator.x


def state_in_a_dict(a, b):
    state = {"x": a, "v": b}
    for _ in range(N):
        state["v"] = state["v"] - 0.1 * state["x"]
        state["x"] = state["x"] + 0.1 * state["v"]
    return state["x"]


def two_turns_before(a, b):
    for _ in range(N):
        a, b = b, 0.5 * a + 0.4 * b
    return a * b


def through_a_gradient(a, b):
    slope = cr.grad(lambda x: (math.sin(x) - b) ** 2)
    for _ in range(N):
        a = a - 0.1 * slope(a)
    return a


def as_a_function(a, b):
    def swing(i, state):
        x, v = state
        x = cr.cond(x > 1, lambda x: 0.5 * x, lambda x: x, x + 0.1 * v)
        return x, v - 0.1 * b * math.sin(x) + 0 * i

    return cr.fori_loop(0, N, swing, (a, b))[0]


def parts_of_the_number(a, b):
    for i in range(N):
        a = 0.5 * a + b * math.sin(a + 0.1 * i) + i / N
    return a


def scanned(a, b):
    return cr.scan(lambda carry, x: (math.sin(carry) * b + x, None), a, X)[0]


def a_constant_array(a, b):
    rates = np.full(N, 0.1)
    rates[40:] = 0.5
    for i in range(N):
        a = 0.9 * a + b * rates[i]
    return a


def rows_of_a_constant(a, b):
    for t in np.linspace(0.0, 1.0, N):
        a = 0.9 * a + b * t
        if t > 0.4:
            a = a + 0.01
    return a


def a_constant_and_another(a, b):
    for t, x in zip(np.linspace(0.0, 1.0, N), X, strict=True):
        a = 0.9 * a + b * t + x
    return a


def written_and_read(a, b):
    out = np.zeros(N)
    for i in range(N):
        a = 0.9 * a + b
        out[i] = a
    return out[N - 1] * 1e-3 + out[3]


SHORT = [
    *(pendulum, entries, neighbours, last_first, every_second, rows, pairs, numbered, backwards),
    *(times_the_number, of_two_lengths, first_turn_differs, after_the_loop, helper, with_else),
    *(state_in_an_object, state_in_a_dict, two_turns_before, through_a_gradient),
    *(as_a_function, scanned, parts_of_the_number, a_constant_array, rows_of_a_constant),
    *(a_constant_and_another, written_and_read),
]


@pytest.mark.parametrize("f", SHORT, ids=lambda f: f.__name__)
def test_is_recorded_in_few_turns(f):
    for g in (f, cr.value_and_grad(f, argnums=(0, 1))):
        assert is_short(g, 0.3, 0.2)
        compiled = cr.compile(g)
        for args in ((0.3, 0.2), (0.1, -0.4), (-0.2, 0.0)):
            same(compiled(*args), g(*args), 1e-10)


@pytest.mark.parametrize(("f", "others"), [(pendulum, 1), (of_two_lengths, 2)])
def test_is_recorded_once_more_for_each_length(f, others):
    assert len(cr.compile(f).lower(0.3, 0.2).program.family.programs) == others


def sweeps(xs, a):
    for _ in range(18):
        for i in range(1, 19):
            for j in range(1, 19):
                xs[i, j] = a * (xs[i - 1, j] + xs[i, j - 1] + xs[i + 1, j] + xs[i, j + 1])
    return np.sum(xs)


def test_loops_in_one_another_count_together():
    def few(xs, a):
        return sweeps(xs.copy(), a)

    xs, compiled = np.random.default_rng(0).normal(size=(20, 20)), cr.compile(few)
    same(compiled(xs, 0.2), few(xs, 0.2), 1e-12)
    assert compiled.lower(xs, 0.2).program.family is not None


# Loops of which nobody could tell.


def even_turns(a, b):
    for i in range(N):
        a = 0.9 * a + (b if i % 2 else 0.1)
    return a


def late_turns(a, b):
    for i in range(N):
        if i > 40:
            a = a + b * b
        a = 0.9 * a
    return a


def the_last_turn(a, b):
    for i in range(N):
        a = 0.9 * a
        if i == N - 1:
            a = a + b
    return a


def a_counter(a, b):
    k = 0
    for _ in range(N):
        a = 0.9 * a + (b if k >= 50 else 0.0)
        k += 1  # noqa: SIM113
    return a


def a_counter_in_a_list(a, b):
    k = [0]
    for _ in range(N):
        a = 0.9 * a + (b if k[0] >= 50 else 0.0)
        k[0] += 1
    return a


def a_counter_in_an_array(a, b):
    k = np.zeros(1)
    for _ in range(N):
        a = 0.9 * a + (b if k[0] >= 50 else 0.0)
        k[0] += 1
    return a


def a_counter_in_a_closure(a, b):
    k = 0

    def next_one():
        nonlocal k
        k += 1
        return b if k >= 50 else 0.0

    for _ in range(N):
        a = 0.9 * a + next_one()
    return a


def an_iterator(a, b):
    rates = iter(RATES)
    for _ in range(N):
        a = 0.9 * a + b * next(rates)
    return a


def a_generator(a, b):
    return a + sum(b * x for x in itertools.islice((X[i] for i in range(N)), 40))


def a_list_of_rates(a, b):
    for i in range(N):
        a = 0.9 * a + RATES[i] * b
    return a


def rates_beside(a, b):
    for rate, x in zip(RATES, X, strict=True):
        a = 0.9 * a + rate * b * x
    return a


def a_constant_of_the_number(a, b):
    for i in range(N):
        a = 0.9 * a + b * max(i - 40, 0)
    return a


def goes_round(a, b):
    for i in range(N):
        a = 0.9 * a + b * (i % 50)
    return a


def where_of_the_number(a, b):
    for i in range(N):
        a = 0.9 * a + np.where(i > 40, b, 0.1)
    return a


def appended(a, b):
    found = []
    for i in range(N):
        a = 0.9 * a + b * X[i]
        found.append(a)
    return found[N // 2] + (b if len(found) > 40 else 0.0)


def stacked(a, b):
    return np.sum(np.stack([a * x + b for x in X])) / N


def cached(a, b):
    known: dict[int, Any] = {}
    for i in range(N):
        known[i] = a * X[i]
    return known[N - 1] + b


def leaves_by_a_counter(a, b):
    for i in range(N):
        if i == 45:
            break
        a = 0.9 * a + b
    return a


def a_number_as_text(a, b):
    for i in range(N):
        a = 0.9 * a + (b if str(i).endswith("9") else 0.1)
    return a


def as_a_float(a, b):
    for i in range(N):
        a = 0.9 * a + b * max(float(i), 40.0)
    return a


FULL = [
    *(even_turns, late_turns, the_last_turn, a_counter, a_counter_in_a_list, a_counter_in_an_array),
    *(a_counter_in_a_closure, an_iterator, a_generator, a_list_of_rates, rates_beside, cached),
    *(
        a_constant_of_the_number,
        goes_round,
        where_of_the_number,
        appended,
        stacked,
    ),
    *(leaves_by_a_counter, a_number_as_text, as_a_float),
]


def of_rows_that_are_read(xs, a):
    for x in xs:
        a = 0.5 * math.sin(a) + x
    return a


def of_rows_backwards(xs, a):
    for t in range(len(xs)):
        a = 0.5 * math.sin(a) * xs[-1 - t] + 0.1
    return a


def of_a_recurrence(xs, a):
    out = np.zeros(len(xs))
    for i in range(1, len(xs)):
        out[i] = np.tanh(xs[i]) * a + out[i - 1] * 0.3
    return out.sum()


def of_running_sums(xs, a):
    out = np.zeros(len(xs) + 1)
    for i in range(len(xs)):
        out[i + 1] = out[i] + a * xs[i]
    return np.sum(out**2)


def of_the_largest_so_far(xs, a):
    out = np.empty(len(xs))
    out[0] = a
    for i in range(1, len(xs)):
        out[i] = np.maximum(0.5 * out[i - 1] + xs[i], xs[i])
    return out.sum()


def of_two_arrays_there_and_back(xs, a):
    c, y = np.zeros(len(xs)), np.zeros(len(xs))
    for i in range(1, len(xs)):
        below = 4 + xs[i] - c[i - 1]
        c[i] = 1 / below
        y[i] = (a - y[i - 1]) / below
    for i in range(len(xs) - 2, -1, -1):
        y[i] -= c[i] * y[i + 1]
    return y.sum()


def of_exchanges(xs, a):
    out = xs.copy()
    for i in range(len(xs) - 1):
        out[i], out[i + 1] = out[i + 1] * a, np.sin(out[i])
    return np.sum(out**2)


def of_rows_of_a_table(xs, a):
    out = np.zeros((len(xs), 2))
    for t in range(1, len(xs)):
        out[t, 0] = out[t - 1, 0] + a * out[t - 1, 1]
        out[t] = out[t] * 0.9 + xs[t]
    return out.sum()


def of_the_turns_number(xs, a):
    out = np.zeros(len(xs))
    for i in range(1, len(xs)):
        out[i] = np.sin(xs[i]) * i + a * out[i - 1]
    return out.sum()


READING = [
    *(of_rows_that_are_read, of_rows_backwards, of_a_recurrence, of_running_sums),
    *(of_the_largest_so_far, of_two_arrays_there_and_back, of_exchanges, of_rows_of_a_table),
    of_the_turns_number,
]


@pytest.mark.parametrize("f", READING, ids=lambda f: f.__name__)
def test_gradients_of_what_turns_read_come_of_few_turns(f):
    g = cr.value_and_grad(f, (0, 1))
    assert is_short(g, X, 0.3)
    compiled = cr.compile(g)
    for a in (0.3, -0.2):
        same(compiled(X * a, a), g(X * a, a), 1e-10)


@pytest.mark.parametrize("f", FULL, ids=lambda f: f.__name__)
def test_is_recorded_in_full(f):
    compiled = cr.compile(f)
    assert not is_short(f, 0.3, 0.0)
    # What the late turns do cannot be seen at the first point.
    for args in ((0.3, 0.0), (0.1, -0.4), (0.2, 0.7)):
        same(compiled(*args), f(*args), 1e-10)


# Any of these may be in a turn, so that some loops can be told from few turns and some cannot.
@pytest.mark.parametrize(
    ("f", "line", "why"),
    [
        (a_list_of_rates, "RATES[i] * b", "the loop's number is looked at, by __index__"),
        (appended, "for i in range(N):", "what the loop hands on differs by turn"),
        (pendulum, "", ""),
    ],
)
def test_lower_says_why_all_turns_are_recorded(f, line, why):
    said = cr.compile(f).lower(0.3, 0.2).unrolled
    assert line in said
    assert why in said
    assert bool(said) == bool(why)


STATEMENTS = [
    "a = a * b + 0.1",
    "b = math.sin(a) + 0.5 * b",
    "a = a + X[i] * b",
    "b = b + 0.01 * a * X[N - 1 - i]",
    "a, b = b, 0.5 * a",
    "if i > 2: a = a * 0.9",
    "if i % 7 == 6: b = b + a",
    "if i == 40: a = a - b",
    "k = k + 1",
    "b = b + (0.1 if k > 33 else a)",
    "a = a + c[0]; c[0] = b",
    "r.append(a)",
    "b = 0.3 * b + 0.1 * r[-1]",
    "a = np.where(a > b, 0.5 * a, b)",
    "x = a",
    "b = b + x",
    "for j in range(3): a = math.sin(a + j)",
    "for y in Y: b = 0.5 * b + y * a",
    "if a > 0.7: break",
    "a = a + 0.01 * math.cos(b * i)",
]


@given(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=3))
@settings(deadline=None, max_examples=8)
def test_random_loops(statements: list[str]) -> None:
    body = [*statements, "a, b = math.tanh(a), math.tanh(b)"]
    lines = ["def f(a, b):", "    x, k, c, r = b, 0, [a], [b]", "    for i in range(N):"]
    lines += [f"        {line}" for line in body]
    names: dict[str, Any] = {"math": math, "np": np, "N": 45, "X": X, "Y": Y[:33]}
    exec("\n".join([*lines, "    return a * b + len(r) + k"]), names)
    f = names["f"]
    compiled = cr.compile(f)
    for args in ((0.3, 0.2), (0.5, -0.4), (-0.2, 0.9)):
        same(compiled(*args), f(*args), 1e-8)


def test_what_was_recorded_is_freed_at_once():
    def nodes():
        return sum(type(x) is Node for x in gc.get_objects())

    before = nodes()
    gc.disable()
    try:
        cr.compile(cr.grad(pendulum))(0.1, 0.2)
        assert nodes() <= before
    finally:
        gc.enable()
