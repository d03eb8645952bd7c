"""Writes in compiled code: what they mean, and that each costs what it writes, not the array."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.native.executable import native
from tests.programs.random_writes import defined, written

from ..conftest import calls_of, same

pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::chainrule.errors.IndependentOutputWarning"),
]
random = np.random.default_rng(3)
PICKED = np.array([0, 2, 2, 5, 1, -1])


# What a write costs.


def recurrence(x: Any) -> Any:
    a = np.zeros(len(x))
    a[0] = x[0]
    for i in range(1, len(x)):
        a[i] = np.tanh(x[i]) * 0.5 + a[i - 1] * 0.3
    return np.sum(a * a)


def own_entries(x: Any) -> Any:
    a = np.exp(x)
    for i in range(1, len(x)):
        a[i] += 0.5 * a[i - 1]
    return np.sum(a * a)


def many_reads(x: Any) -> Any:
    total = 0.0
    for i in range(len(x) - 1):
        total += x[i] * x[i + 1]
    return total


def two_sweeps(x: Any) -> Any:
    a = x * 1.0
    for _ in range(2):
        for i in range(1, len(x) - 1):
            a[i] = 0.5 * (a[i - 1] + a[i + 1])
    return np.sum(a**3)


def rows(x: Any) -> Any:
    m = np.zeros((len(x), 6))
    m[0] = x[:6]
    for i in range(1, len(x)):
        m[i] = np.sin(m[i - 1]) * x[i]
    return np.sum(m**2)


def columns(x: Any) -> Any:
    m = np.ones((6, len(x))) * x
    for i in range(1, len(x)):
        m[1:, i] += m[:-1, i - 1]
    return np.sum(m**2)


def picked(x: Any) -> Any:
    a = np.exp(x)
    for _ in range(len(x)):
        a[PICKED] += 0.1 * a[1:7]
    return np.sum(a * a)


def windows(x: Any) -> Any:
    a = np.concatenate([x, x[:6]])
    for i in range(len(x)):
        a[i : i + 5] = np.cos(a[i + 1 : i + 6])
    return np.sum(a)


LOOPS = [recurrence, own_entries, many_reads, two_sweeps, rows, columns, picked, windows]


def moved(f: Callable[..., Any], n: int) -> int:
    return int(cr.compile(f, builder=native).lower(random.normal(size=n)).bytes)


@pytest.mark.parametrize("transform", [lambda f: f, cr.value_and_grad], ids=["value", "gradient"])
@pytest.mark.parametrize("f", LOOPS, ids=lambda f: f.__name__)
def test_a_loop_of_n_writes_moves_memory_n_times(f: Any, transform: Any) -> None:
    # The longer one has loops that stay loops, and what they keep in tapes, from some length on.
    sizes = (64, 128) if f in (two_sweeps, recurrence) else (8, 16)
    few, many = (moved(transform(f), n) for n in sizes)
    assert many <= 2.4 * few


@pytest.mark.parametrize("f", LOOPS, ids=lambda f: f.__name__)
def test_loops_and_their_gradients_are_right(f: Any) -> None:
    for function in (f, cr.value_and_grad(f)):
        fast = cr.compile(function, builder=native)
        for given in calls_of((random.normal(size=9),)):
            same(fast(*given), function(*given), 1e-11)


def test_one_array_is_written_entry_by_entry() -> None:
    lowered = cr.compile(cr.value_and_grad(recurrence), builder=native).lower(np.ones(5))
    assert lowered.loops.count("empty((5,)") <= 3  # a, twice a, and the gradient
    made = re.findall(r"(m\d+)\[(\d)\] = ", lowered.loops)
    assert len(made) == len(set(made)) == 10  # each entry of a and of the gradient once


def test_an_update_is_written_into_its_base() -> None:
    def f(x: Any) -> Any:
        a = np.exp(x)
        a[1:4] *= x[:3]
        a[PICKED] -= 1.0
        return np.sum(a * a)

    text = cr.compile(f, builder=native).lower(np.ones(6)).loops
    (name,) = re.findall(r"(m\d+) = assigned\(\1, ", text)
    assert f"{name}[i + 1] = " in text
    assert text.count(f"{name} = empty") == 1


# What it means.


def swapped(x: Any) -> Any:
    a = x * 2
    a[0], a[3] = a[3], a[0]
    a[1], a[2], a[4] = a[4], a[1], a[2]
    return a


def moved_along(x: Any) -> Any:
    a, b = x * 2, x * 3
    a[1:] = a[:-1]
    b[:-1] = b[1:] * b[:-1]
    return a, b


def turned_around(x: Any) -> Any:
    a = x * 2
    a[::-1] = a
    a[::2] += a[1::2]
    return a


def old_version_is_read_later(x: Any) -> Any:
    a = np.exp(x)
    before = a[1:4] * 1.0
    first, whole = a[1], np.sum(a)
    a[1:5] = np.sin(a[:4]) * whole
    return a[2] * before + first, a


def two_updates_of_one_version(x: Any) -> Any:
    a = np.exp(x)
    b = a.copy()
    a[1], b[2] = 5.0, 7.0
    a[PICKED], b[:2] = b, a[3:5]
    return a, b, a * b


def kept_results(x: Any) -> Any:
    a = x * 2
    rows = []
    for i in range(3):
        a[i] = a[i + 1] * a[i]
        rows.append(a.copy())
    return rows, a


def argument_stays(x: Any) -> Any:
    a = x.copy()
    b = np.asarray(x) + 0
    a[0] = 9.0
    b[1:] -= a[:-1]
    return a, b, x * 1


def functions_with_two_paths(x: Any) -> Any:
    a = np.concatenate([x, 1e3 * x, -1e3 * x] * 20)
    a[1:301] *= np.exp(-np.abs(a[2:302]))
    a[5:] += np.tanh(a[5:] * 30) + np.exp(-(a[5:] ** 2))
    return a


def repeated_number(x: Any) -> Any:
    a = x * 2
    entry = a[2]
    a[2] = 0.0
    return a + entry, a


def softmax_in_place(x: Any) -> Any:
    m = np.outer(x, x)
    for i in range(len(x)):
        m[i] = np.exp(m[i] - np.max(m[i]))
        m[i] /= np.sum(m[i])
    return m


def through_views(x: Any) -> Any:
    m = np.outer(x, x)
    m.T[1] += x
    m.reshape(-1)[3:9] = m.reshape(-1)[9:3:-1]
    flat = m.ravel()
    for k in range(4):
        flat[k] = flat[k + 1] * flat[k]
    np.fill_diagonal(m, x)
    return m


def by_masks(x: Any) -> Any:
    a = x * 1.0
    for _ in range(3):
        a[a > 0.2] -= 0.5
        a[0] += a[1]
    return a


def counted(x: Any) -> Any:
    counts = np.zeros(4, int)
    for k in range(len(x)):
        counts[k % 4] += k
    marks = np.zeros(3, bool)
    marks[1] = True
    return x[:4] * counts, np.where(marks, x[:3], -x[:3])


def exchanged_at_different_times(x: Any) -> Any:
    a, m = 2 * np.cumsum(x), np.outer(x, x)
    late = np.sum(np.tanh(m @ np.tanh(m @ x)))
    first, second = a[1] * 0.5, a[0] * late
    a[0] = first
    a[1] = second
    return a


MEANINGS = [
    swapped,
    exchanged_at_different_times,
    moved_along,
    turned_around,
    old_version_is_read_later,
    two_updates_of_one_version,
    kept_results,
    argument_stays,
    functions_with_two_paths,
    repeated_number,
    softmax_in_place,
    through_views,
    by_masks,
    counted,
]


def total(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a number that every entry of f's results counts in differently."""

    def loss(x: Any) -> Any:
        parts = [np.ravel(part) for part in cr.trees.flatten(f(x))[0]]
        return sum(np.sum(np.sin(p) * np.cos(np.arange(p.size))) for p in parts)

    return loss


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("f", MEANINGS, ids=lambda f: f.__name__)
def test_writes_mean_what_they_mean_in_numpy(f: Any, dtype: Any) -> None:
    x = random.normal(size=6).astype(dtype)
    tolerance = 1e-10 if dtype == np.float64 else 2e-4
    for function in (f, cr.value_and_grad(total(f))):
        fast = cr.compile(function, builder=native)
        for given in calls_of((x,)):
            before = given[0].copy()
            same(fast(*given), function(*given), tolerance)
            assert np.array_equal(given[0], before)


@pytest.mark.parametrize("seed", range(8))
def test_random_programs_that_write(seed: int) -> None:
    for text in written(seed):
        function = defined(text)
        if "total" in text:
            function = cr.value_and_grad(function, (0, 1))
        fast = cr.compile(function, builder=native)
        for k in range(5):
            x = np.random.default_rng([seed, k]).normal(size=6) * 0.7
            expected = function(x, 0.3 * k - 0.5)
            if all(np.all(np.abs(part) < 1e5) for part in cr.trees.flatten(expected)[0]):
                same(fast(x, 0.3 * k - 0.5), expected, 1e-9)
