"""Conditions that come out otherwise from turn to turn are compiled once, for all outcomes."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chainrule as cr
from tests.programs.random_loops import defined

from ..conftest import same

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

N = 16  # turns; some programs are tried with 200, too, of which few are recorded


def clipped(a, b):
    v = 0.1
    for _ in range(N):
        v = v + 0.05 * (b - a)
        if v > 0.2:
            v = 0.2
        a = a + 0.05 * v
    return a


def bouncing(a, b):
    for _ in range(N):
        a = a + 0.1 * b
        b = b - 0.3
        if a < 0:
            a, b = -a, -0.9 * b
    return a + b


def leaky(x):
    return x if x > 0 else 0.1 * x


def by_helpers(a, b):
    for t in range(N):
        a = leaky(0.5 * math.sin(a + b + t)) - 0.2 * b
        b = 0.5 * b + 0.1 * max(a, 0.1) + min(a, b)
    return a * b


def in_three_ways(a, b):
    total = 0.0
    for t in range(N):
        a = 0.5 * a + math.sin(0.3 * a + t)
        if a > 0.4 + b:
            over = a - b
            total = total + over
        elif a < 0.1:
            total = total - 0.01 * a
    return total


def one_after_the_other(a, b):
    x, y = a, b
    for t in range(N):
        x, y = x + 0.2 * math.sin(t + a), y + 0.2 * math.cos(t * b)
        if x < 0:
            x = -x
        if y < 0:
            y = -y
        if x > 1:
            x = 2 - x
    return x * y


def one_in_another(a, b):
    for t in range(N):
        a = math.sin(a + t) + b
        if a > 0:
            b = 0.5 * b
            if a > 0.5:
                a = 0.5 * a
        else:
            a = a * a
    return a + b


def counting(a, b):
    hits = 0
    for t in range(N):
        a = 0.9 * math.sin(a + t) + b
        if a > 0.2:
            hits += 1
    return a * hits


def remembers_the_best(a, b):
    best = a
    for t in range(N):
        a = math.sin(a + t) + b
        if a > best:
            best = a
    return best


def writes(a, b):
    seen = np.zeros(4)
    for t in range(N):
        a = 0.4 * math.sin(a) + 0.4 * math.cos(a + t)
        if a > b:
            seen[3] += a
        else:
            seen[1] = a * b
            seen[0] += a
    return np.sum(seen * seen)


def vectors(a, b):
    v = np.zeros(3) + a
    for t in range(N):
        v = 0.9 * np.sin(v + t) + b
        if np.sum(v) > 0:
            v = v / (1 + np.sum(v * v))
    return np.sum(v)


def appends(a, b):
    seen = []
    for t in range(N):
        a = math.sin(a + t)
        if a > b:
            a = 0.5 * a
        seen.append(a)
    return sum(seen)


def in_an_inner_loop(a, b):
    for i in range(4):
        for j in range(N // 4):
            a = 0.4 * math.sin(a) + 0.8 * math.cos(a + j) - b
            if a > 0.2:
                a = 0.5 * a
        if a < 0:
            a = a + 0.3 * i
    return a


def roots_of_one_side(a, b):
    for t in range(N):
        a = math.sin(a + t) + b
        if a > 0:
            a = math.sqrt(a)
    return a


class Particle:
    def __init__(self, x):
        self.x, self.hits = x, 0

    def move(self, by):
        self.x = self.x + by
        if self.x > 0.5:
            self.x = 0.5 - 0.1 * self.x
            self.hits = self.hits + 1


def of_an_object(a, b):
    p = Particle(a)
    for t in range(N):
        p.move(0.3 * math.sin(t * b))
    return p.x + 0.1 * p.hits


def over_lists(a, b):
    rates, found = [0.1, 0.3, 0.2, 0.5, 0.4] * 3, []
    for k, rate in enumerate(rates):
        a = 0.9 * math.sin(3 * a + k) + rate * b
        if a > 0.1 * k:
            a = 0.5 * a
        found.append(a)
    for rate, x in zip(rates, found, strict=True):
        if x > 0:
            a = a + rate * x
    for x in reversed(found):
        if x > b:
            a = a + 0.1 * x
    return a


PROGRAMS = [
    over_lists,
    *(clipped, bouncing, by_helpers, in_three_ways, one_after_the_other, one_in_another),
    *(counting, remembers_the_best, writes, vectors, appends, in_an_inner_loop),
    *(roots_of_one_side, of_an_object),
]
POINTS = [(0.3, 0.5), (0.9, -0.4), (-0.2, 0.1), (0.1, 0.05), (0.6, 0.3)]


@pytest.mark.parametrize(
    ("f", "turns"),
    [
        *((f, 16) for f in PROGRAMS),
        *((f, 200) for f in (clipped, bouncing, counting, remembers_the_best, in_three_ways)),
    ],
    ids=lambda x: getattr(x, "__name__", x),
)
def test_all_outcomes_are_compiled_at_most_twice(f, turns, recordings, monkeypatch):
    monkeypatch.setitem(globals(), "N", turns)
    g = cr.value_and_grad(f, (0, 1))
    compiled = cr.compile(g)
    for args in POINTS:
        same(compiled(*args), g(*args), 1e-9)
    assert len(recordings) <= 2


STEPS = [
    *("a = math.sin(a + t) + b", "b = 0.5 * b + 0.1 * a", "v[t % 3] = a", "v = np.tanh(v + a)"),
    *("seen.append(a * b)", "a, b = b, 0.5 * a", "a = a + np.sum(v) * 0.1", "s = a * b"),
]
WAYS = [
    *("a = 0.5 * a", "b = -b", "v[1] = a", "v = 0.5 * v", "a = abs(a)", "s = a + b\na = 0.2 * s"),
    *("v[0] += b", "a, b = b, a", "hits += 1", "pass"),
]
CONDITIONS = ["a > 0", "a > b", "abs(b) < 0.2", "np.sum(v) > 1", "v[1] > a", "not a < 0.3"]


@st.composite
def branching(draw: st.DrawFn) -> str:
    """Write a program with conditions in its loops."""

    def statement(depth: int) -> list[str]:
        kind = draw(st.sampled_from(["step", "step", "if", "else", "loop"][: 5 - 2 * (depth > 1)]))
        if kind == "step":
            return draw(st.sampled_from(STEPS if depth == 0 else WAYS)).split("\n")
        if kind == "loop":
            return ["for _ in range(3):", *indented(statement(depth + 1))]
        lines = [f"if {draw(st.sampled_from(CONDITIONS))}:", *indented(statement(depth + 1))]
        return [*lines, "else:", *indented(statement(depth + 1))] if kind == "else" else lines

    def indented(lines: list[str]) -> list[str]:
        return ["    " + line for line in lines]

    body = [line for _ in range(draw(st.integers(1, 3))) for line in statement(0)]
    turns = draw(st.sampled_from([5, 36]))
    lines = ["v, seen, hits = np.zeros(3) + a, [a], 0", f"for t in range({turns}):"]
    lines += [*indented(body), "return a + b * np.sum(v) + hits * a + 0.1 * sum(seen)"]
    return "\n".join(["def program(a, b):", *indented(lines), ""])


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(branching())
def test_random_programs_with_branches(text):
    f = cr.value_and_grad(defined(text), (0, 1))
    compiled = cr.compile(f)
    for args in POINTS[:2]:
        same(compiled(*args), f(*args), 1e-8)


def leaves_the_loop(a, b):
    for t in range(N):
        a = math.sin(a + t) + b
        if a > 0.9:
            break
        if a < 0:
            a = 0.5 * a
    return a


def raises_on_one_side(a, b):
    for t in range(N):
        a = math.sin(a + t) * b
        if a > 5:
            raise ValueError("it diverges")
        if a < 0:
            a = 0.5 * a
    return a


def a_list_of_one_side(a, b):
    seen = []
    for t in range(N):
        a = math.sin(a + t) + b
        if a > 0:
            seen.append(a)
    return sum(seen)


def a_name_of_one_side(a, b):
    kind = None
    for t in range(N):
        a = math.sin(a + t) + b
        if a > 0:
            kind = "positive"
    return a if kind is None else 2 * a


def a_list_that_grows(a, b):
    work = [a, b, 0.1]
    for k, x in enumerate(work):
        a = math.sin(a + x * k)
        if a > b:
            a = 0.9 * a
        if len(work) < 9 and k % 2 == 0:
            work.append(a)
    return a


def another_name_for_a_list(a, b):
    x = [b, 1.0]
    y = x
    for t in range(40):
        if a + 0.01 * math.sin(t * a) > 0:
            y = [0.9 * x[0], x[1]]
        y[0] = 0.98 * y[0] + 0.01
    return x[0] + 3 * y[0]


def one_of_two_lists(a, b):
    x, y = [b, 1.0], [0.5 * b, 2.0]
    total = b
    for t in range(40):
        x[0] = 0.98 * x[0] + 0.01
        total = total + 0.1 * y[0]
        if a > 0.02 * t:
            x = y
        else:
            x = [1.01 * x[0], x[1]]
    return total


def of_single_precision(a, b):
    x, y = b, np.float32(2.0)
    for t in range(12):
        y = np.float32(0.1) if a > 0.1 * t else 0.3
        x = 0.9 * x + y * y
    return x


def catches_all(a, b):
    x, errors = b, 0
    numbers = [0.1 * t for t in range(40)]
    for t in range(40):
        try:
            x = 0.97 * x if a > 0.02 * t else 0.97 * x + numbers[t]
        except:  # noqa: E722
            errors += 1
    return x + errors


def unbound_afterwards(a, b):
    for t in range(N):
        a = math.sin(a + t) + b
        if a > 1.2:
            over = a
    return over


@pytest.mark.parametrize(
    "f",
    [
        *(leaves_the_loop, raises_on_one_side, a_list_of_one_side, a_name_of_one_side),
        a_list_that_grows,
    ],
    ids=lambda f: f.__name__,
)
def test_what_is_no_choice_is_a_path_of_its_own(f):
    g = cr.value_and_grad(f, (0, 1))
    compiled = cr.compile(g)
    for args in POINTS:
        same(compiled(*args), g(*args), 1e-10)


@pytest.mark.parametrize(
    "f",
    [another_name_for_a_list, one_of_two_lists, of_single_precision, catches_all],
    ids=lambda f: f.__name__,
)
def test_what_would_go_wrong_unseen_is_a_path_of_its_own(f):
    g = cr.value_and_grad(f, 1)
    compiled = cr.compile(g)
    for args in ((1.0, 1.1), (1.2, 0.7), (-1.0, 2.2), (-0.4, 0.5), (0.05, 3.0), (0.3, 0.1)):
        same(compiled(*args), g(*args), 1e-10)


def test_lower_says_where_one_way_is_recorded_and_why():
    said = cr.compile(a_list_of_one_side).lower(0.3, 0.5).unrolled
    assert "if a > 0:" in said
    assert "a list that is longer in one way through a turn" in said


def test_errors_of_the_way_that_is_taken_are_raised():
    compiled = cr.compile(raises_on_one_side)
    compiled(0.3, 0.5)
    with pytest.raises(ValueError, match="it diverges"):
        compiled(0.3, 50.0)


def test_a_variable_that_only_one_way_sets_stays_unbound():
    compiled = cr.compile(unbound_afterwards)
    same(compiled(0.3, 0.5), unbound_afterwards(0.3, 0.5), 1e-12)
    with pytest.raises(UnboundLocalError):
        compiled(0.3, -0.9)


def test_code_size_does_not_depend_on_the_number_of_turns():
    sizes = []
    for turns in (100, 10_000):

        def f(a, b, turns=turns):
            for _ in range(turns):
                a = a + 0.1 * b
                b = b - 0.3
                if a < 0:
                    a, b = -a, -0.9 * b
            return a + b

        sizes.append(len(cr.compile(cr.value_and_grad(f, (0, 1))).lower(0.3, 0.5).loops))
    assert sizes[1] < 1.05 * sizes[0]


def _printing(x):
    for _ in range(50):
        x = x * 0.9 + 0.1 * np.sin(x)
        if x < 0.001:
            print("small")
            x = x + 0.1
    return x


def _exiting(x):
    for _ in range(50):
        x = x * 0.9 + 0.1 * np.sin(x)
        if x > 100:
            sys.exit("too large")
    return x


def _raising(x):
    for k in range(50):
        x = x * 0.9 + 0.1 * np.sin(x)
        if x > 100:
            raise SystemExit(f"too large in turn {k}")
        if x < -100:
            raise ValueError("too small")
    return x


def _searching(x):
    k = 0
    while abs(x) > 1e-3:
        x = x * 0.9
        k += 1
        if k > 900:
            sys.exit("no end")
    print("found")
    return x


@pytest.mark.parametrize("f", [_printing, _exiting, _raising, _searching])
def test_what_would_not_run_by_itself_has_no_effects(f, capsys):
    compiled = cr.compile(cr.value_and_grad(f))
    for x in (1.0, 0.9, 1.3, 0.7, 1.1):
        assert compiled(x) == pytest.approx(cr.value_and_grad(f)(x))
    assert "small" not in capsys.readouterr().out


def test_errors_of_one_way_are_raised_where_it_is_taken():
    compiled = cr.compile(cr.grad(_raising))
    compiled(1.0)
    with pytest.raises(SystemExit, match="too large in turn 0"):
        compiled(1000.0)
    with pytest.raises(ValueError, match="too small"):
        compiled(-1000.0)
