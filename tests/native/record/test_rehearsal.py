"""Where few turns of a loop tell all turns, the function itself does not run them; else it does."""

from __future__ import annotations

import copy
import functools
import itertools
import math
from collections import deque
from collections.abc import Callable, Iterator
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import chainrule as cr

from ..conftest import same

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::UserWarning")

N = 60
X = np.random.default_rng(0).normal(size=N) * 0.3
M = np.random.default_rng(1).normal(size=(N, N)) * 0.1


# What happens in few turns alone is told by a count: how often a body runs as it is.


def scalars(x, m):
    th, om = 0.3, x[0]
    for _ in range(500):
        th = th + 0.01 * om
        om = om - 0.01 * math.sin(th)
    return th


def helpers(x, m):
    def step(a, b):
        return np.tanh(a) + 0.1 * b

    a = x
    for i in range(N):
        a = step(a, m[i])
    return np.sum(a)


def rows(x, m):
    a = x
    for k, row in enumerate(m):
        a = 0.5 * a + row * x[k]
    return np.sum(a)


def triangles(x, m):
    m = m.copy()
    for i in range(N):
        m[i, : i + 1] += x[i] * m[i, : i + 1]
    return np.sum(m)


def until_nothing_is_left(x, m):
    c = x.copy()
    for i in range(N):
        c[i] += m[i + 1 :, i] @ x[i + 1 :]
    return np.sum(c)


def products(x, m):
    m, c = m * x, np.zeros((N, N))
    for i in range(N):
        c[i:, i] = c[i, i:] = m[:, i] @ m[:, i:]
    return np.sum(c * c)


def neighbours(x, m):
    c = x.copy()
    for i in range(1, N - 1):
        c[i] = np.sin(c[i - 1]) * x[i + 1]
    return np.sum(c)


PROVEN = [scalars, helpers, rows, triangles, until_nothing_is_left, products, neighbours]


@pytest.mark.parametrize("f", PROVEN, ids=lambda f: f.__name__)
def test_a_first_call_is_right_without_a_full_run(f: Any) -> None:
    g = cr.value_and_grad(f)
    lowered = cr.compile(g).lower(X, M)
    assert lowered.program.family is not None
    assert lowered.compared == ""
    compiled = cr.compile(g)
    for x in (X, 0.7 * X):
        same(compiled(x, M), g(x, M))


def test_the_result_has_the_types_of_the_function() -> None:
    def f(x):
        s = t = x
        for i in range(50):
            s = s * 0.9 + i
            t = t * 0.5
        return {"s": s, "both": (np.float32(1) * t, [s])}

    for x in (0.3, np.float64(0.3), np.arange(3.0), np.arange(3, dtype=np.float32)):
        compiled, found = cr.compile(f), f(x)
        got = compiled(x)
        assert compiled.lower(x).compared == ""
        assert type(got["s"]) is type(found["s"])
        assert type(got["both"][0]) is type(found["both"][0])
        assert got["both"][0].dtype == found["both"][0].dtype
        same(got, found)


# All of these do something else in a turn that is not recorded, or might.


SHOWN: list[int] = []


def appended(x, m):
    seen: list[int] = []
    s = x[0]
    for _ in range(N):
        seen.append(1)
        s = 0.9 * s + (x[1] if len(seen) < 40 else x[2])
    return s


def in_a_default(x, m, state=[0]):  # noqa: B006
    s = x[0]
    for _ in range(N):
        state[0] += 1
        s = 0.9 * s + (x[1] if state[0] % 50 < 40 else x[2])
    return s


def in_a_closure(x, m):
    count = 0

    def step(s):
        nonlocal count
        count += 1
        return 0.9 * s + (x[1] if count < 40 else x[2])

    s = x[0]
    for _ in range(N):
        s = step(s)
    return s


def in_an_object(x, m):
    state = SimpleNamespace(count=0)
    s = x[0]
    for _ in range(N):
        state.count += 1
        s = 0.9 * s + (x[1] if state.count < 40 else x[2])
    return s


def in_a_dict(x, m):
    state = {"count": 0}
    s = x[0]
    for _ in range(N):
        state["count"] += 1
        s = 0.9 * s + (x[1] if state["count"] < 40 else x[2])
    return s


def in_an_iterator(x, m):
    counts = itertools.count()
    s = x[0]
    for _ in range(N):
        s = 0.9 * s + (x[1] if next(counts) < 40 else x[2])
    return s


def in_a_generator(x, m):
    def numbers() -> Iterator[float]:
        for k in range(N):
            yield 0.9 if k < 40 else 0.5

    factors = numbers()
    s = x[0]
    for _ in range(N):
        s = next(factors) * s + x[1]
    return s


def in_a_class(x, m):
    class State:
        count = 0

    s = x[0]
    for _ in range(N):
        State.count += 1
        s = 0.9 * s + (x[1] if State.count < 40 else x[2])
    return s


def in_an_inner_loop(x, m):
    def inner(i):
        count, s = 0, x[0]
        for j in range(i):
            s = 0.9 * s + (x[j] if count < 80 else x[2])
            count += 2
        return s

    total = 0.0
    for i in range(N):
        total = total + inner(i)
    return total


def by_a_cache(x, m):
    counts = itertools.count()

    @functools.cache
    def start():
        return next(counts)

    s = x[0]
    for _ in range(N):
        start.cache_clear()
        s = 0.9 * s + (x[1] if start() < 40 else x[2])
    return s


def with_random_numbers(x, m):
    rng = np.random.default_rng(7)
    s = x[0]
    for _ in range(N):
        s = 0.9 * s + x[1] * rng.normal()
    return s


def of_its_place(x, m):
    s = x[0]
    for _ in range(N):
        s = 0.9 * s + (x[1] if id(object()) else x[2])
    return s


def handed_on(x, m):
    a = [x[k] for k in range(10)]
    for _ in range(N):
        a = [*a[1:], np.sin(a[0])]
    return a[-1]


def named_one_by_one(x, m):
    a, b, c, d, e, f, g, h = (x[k] for k in range(8))
    for _ in range(N):
        a, b, c, d, e, f, g, h = b, c, d, e, f, g, h, np.sin(a)
    return h


def queued(x, m):
    a = deque(x[k] for k in range(10))
    for _ in range(N):
        a.append(np.cos(a.popleft()))
    return a[-1]


def least(x, m):
    s = x[0]
    for i in range(N):
        s = 0.9 * s + x[min(i, 40)]
    return s


def of_a_remainder(x, m):
    s = x[0]
    for i in range(N):
        s = 0.9 * s + x[i % 17]
    return s


def of_a_quotient(x, m):
    s = x[0]
    for i in range(N):
        s = 0.9 * s + x[i // 20]
    return s


def of_a_quotient_alone(x, m):
    s = x[0]
    for i in range(N):
        s = 0.9 * s + x[1] * (i // 20)
    return s


def of_a_product(x, m):
    s = x[0]
    for i in range(N):
        s = 0.9 * s + x[(i * i) % N]
    return s


def at_one_turn(x, m):
    s = x[0]
    for i in range(N):
        s = 0.9 * s + (x[1] if i != 50 else x[2])
    return s


def from_the_end(x, m):
    s = x[0]
    for i in range(N):
        s = 0.9 * s + x[i - 50]
    return s


def cut_off(x, m):
    s = 0.0
    for i in range(N):
        s = 0.9 * s + np.sum(x[i : i + 3])
    return s


def cut_off_before(x, m):
    s = 0.0
    for i in range(N):
        s = 0.9 * s + np.sum(x[i - 40 : i])
    return s


def of_one_entry(x, m):
    s = x.copy()
    for i in range(N):
        s[: N - i] = s[: N - i] * 0.5 + np.squeeze(m[i, : N - i]).sum()
    return np.sum(s)


def broadcast(x, m):
    c = np.zeros(N)
    for i in range(N):
        a = x[: N - i]
        c[i:] += a * (2.0 if len(a) > 20 else 3.0)
    return np.sum(c)


def by_its_length(x, m):
    def mean(a):
        return np.sum(a) / (len(a) if len(a) < 30 else 30)

    s = 0.0
    for i in range(1, N):
        s = s + mean(x[:i])
    return s


def by_its_shape(x, m):
    s = 0.0
    for i in range(1, N):
        s = s + np.sum(x[:i]) * (1.0 if x[:i].shape[0] < 40 else 2.0)
    return s


def variances(x, m):
    s = 0.0
    for i in range(2, 40):
        s = s + np.var(x[:i])
    return s


def begins_late(x, m):
    c = x.copy()
    for i in range(N):
        for j in range(i - 40):
            c[j] = c[j] * 0.5
    return np.sum(c)


def delayed(x, m):
    a = np.zeros(N)
    for i in range(20, N):
        a[i] = np.sin(a[i - 20]) + x[i]
    return np.sum(a * x)


def crossing(x, m):
    c = x.copy()
    for i in range(N):
        c[i] = c[i] * 0.5 + c[N - 1 - i]
    return np.sum(c * x)


def another_type(x, m):
    s = np.float32(1) * x[:3].astype(np.float32)
    for i in range(N):
        s = s * (np.float32(0.9) if i < 40 else 0.9)
    return np.sum(s)


def stopped(x, m):
    s = x[0]
    for i in range(N):
        s = 0.9 * s + (cr.stop_gradient(x[1]) if i == 50 else x[1])
    return s


def left(x, m):
    s = x[0]
    for i in range(N):
        if i == 50:
            break
        s = 0.9 * s + x[1]
    return s


def left_by_a_number(x, m):
    s = 1.0
    for _ in range(N):
        if s < 0.01:
            break
        s = 0.9 * s + 0.0001 * x[1]
    return s


def caught(x, m):
    s = 1.0 + x[0]
    for _ in range(N):
        try:
            s = math.sqrt(s - 0.2)
        except ValueError:
            s = 1.0 + 0.1 * s
    return s


def switched(x, m):
    s = x[0]
    for i in range(N):
        s = s + 0.1 if s < 3.0 else 0.5 * s + x[i]
    return s


def asks_for_arrays(x, m):
    s = x[0]
    for _ in range(N):
        s = s * (0.9 if isinstance(x, np.ndarray) else 0.5)
    return s


def of_a_length(x, m):
    found = []
    for i in range(N):
        found.append(x[i] * 0.5)
    return np.sum(np.stack(found))


def by_the_type_of_its_number(x, m):
    s = x[0]
    for i in range(N):
        s = 0.9 * s + (x[2] if type(i) is int and i == 50 else x[1])
    return s


def with_a_derivative(x, m):
    calls: list[int] = []

    @cr.custom_gradient
    def double(v):
        def pullback(g):
            calls.append(1)
            return (2.0 if len(calls) < 40 else 5.0) * g

        return 2 * v, pullback

    s = x[0]
    for _ in range(N):
        s = 0.4 * double(s) + x[1]
    return s


def checkpointed(x, m):
    @cr.checkpoint
    def step(s):
        return np.sin(s) + x[1]

    s = x[0]
    for _ in range(N):
        s = 0.9 * step(s)
    return s


def printed(x, m):
    s = x[0]
    for i in range(N):
        s = 0.9 * s
        if len(SHOWN) < 1000:
            SHOWN.append(i)
    return s


def of_words(x, m):
    s, words = x[0], {"a": 0.9}
    for _ in range(N):
        words["a"] = 0.9 if len(words) < 30 else 0.5
        words[f"w{len(words)}"] = 1.0
        s = words["a"] * s + x[1]
    return s


def by_a_view(x, m):
    a = x[:N].copy()
    late = a[50:]
    for i in range(N - 1):
        a[i] = 0.5 * a[i] + 0.1
        a[i + 1] += np.sum(late)
    return np.sum(a)


def in_turns_of_three(x, m):
    a, b, c = x[0], x[1], x[2]
    for _ in range(N):
        a, b, c = b, c, 0.5 * np.sin(a) + 0.3 * b
    return c


def swapped(x, m):
    a, b, s = x, m[0], x
    for _ in range(N - 1):
        s = 0.5 * s + a
        a, b = b, a
    return np.sum(s * a)


def shrinking(x, m):
    t = x[0]
    for i in range(N - 2):
        for j in range(N - i):
            t = 0.7 * t + 0.1 * x[j]
    return t


def of_columns(x, m):
    total = x[0]
    for row in m.T:
        total = 0.5 * total + row[0] * x[1]
    return total


def doubled(x, m):
    k = 0.001
    s = x[0]
    for _ in range(N):
        k = min(2 * k, 1.0)
        s = 0.5 * s + k * x[1]
    return s


def by_the_type(x, m):
    def factor(i):
        return min(i, 50) if type(x).__name__ == "Array" else i

    s = x[0]
    for i in range(N):
        s = 0.9 * s + 0.01 * factor(i) * x[1]
    return s


def counted_down(x, m):
    k, s = N, x[0]
    while k > 0:
        k -= 1
        s = 0.9 * s + (x[k] if k > 20 else x[2])
    return s


def after_the_loop(x, m):
    s = x[0]
    for i in range(N):
        s = 0.9 * s + x[i]
    return s + np.sum(x[i : i + 3]) + x[i - 1]


ODD = [appended, in_a_default, in_a_closure, in_an_object, in_a_dict, in_an_iterator]
ODD += [in_a_generator, in_a_class, in_an_inner_loop, by_a_cache, with_random_numbers, of_its_place]
ODD += [handed_on, named_one_by_one, queued, least, of_a_remainder, of_a_quotient]
ODD += [of_a_quotient_alone, of_a_product, at_one_turn, from_the_end, cut_off, cut_off_before]
ODD += [of_one_entry, broadcast, by_its_length, by_its_shape, variances, begins_late, delayed]
ODD += [crossing, another_type, stopped, left, left_by_a_number, caught, switched]
ODD += [
    by_the_type_of_its_number,
    with_a_derivative,
    checkpointed,
    printed,
    of_words,
    by_a_view,
    in_turns_of_three,
    swapped,
]
ODD += [asks_for_arrays, of_a_length, shrinking, of_columns, doubled, counted_down, after_the_loop]


@pytest.mark.parametrize("f", ODD, ids=lambda f: f.__name__)
def test_each_call_gives_what_the_function_gives(f: Callable[..., Any]) -> None:
    def fresh() -> Any:
        g = FunctionType(f.__code__, f.__globals__, f.__name__, copy.deepcopy(f.__defaults__))
        return cr.value_and_grad(g)

    g, compiled = fresh(), cr.compile(fresh())
    expected = [g(x, M) for x in (X, 0.7 * X)]
    SHOWN.clear()
    for x, right in zip((X, 0.7 * X), expected, strict=True):
        same(compiled(x, M), right)
