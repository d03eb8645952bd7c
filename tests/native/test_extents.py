"""Loops whose arrays have another length in each turn: values, listing, code size, what is none."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.native.interpret import interpreted
from chainrule.native.lower import lengths, rolled

from .conftest import calls_of, same
from .test_listing import check

rng = np.random.default_rng(0)
N = 8
M, B = rng.normal(size=(N, N)), rng.normal(size=(N, 5))
D = M + N * np.eye(N)
V = 0.2 * rng.normal(size=N)


def substitution(low, b):
    x = np.zeros(len(b))
    for i in range(len(b)):
        x[i] = (b[i] - low[i, :i] @ x[:i]) / low[i, i]
    return np.sum(x * x)


def cholesky(a):
    a = a @ a.T + np.eye(len(a))
    for i in range(len(a)):
        for j in range(i):
            a[i, j] -= a[i, :j] @ a[j, :j]
            a[i, j] /= a[j, j]
        a[i, i] = np.sqrt(a[i, i] - a[i, :i] @ a[i, :i])
    return np.sum(np.tril(a) ** 2 * np.arange(len(a)))


def eliminated(a):
    a = a.copy()
    for k in range(len(a)):
        a[k + 1 :, k] /= a[k, k]
        a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
    return np.sum(a * a)


def durbin(r):
    y = np.empty_like(r)
    alpha, beta = -r[0], 1.0
    y[0] = -r[0]
    for k in range(1, len(r)):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.flip(r[:k]) @ y[:k]) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return np.sum(y * y)


def triangular(a, b):
    b = b.copy()
    for i in range(len(b)):
        for j in range(b.shape[1]):
            b[i, j] += np.dot(a[i + 1 :, i], b[i + 1 :, j])
    return np.sum(b * b)


def attention(q, v):
    """Rows that look at earlier ones alone: a maximum, exponentials, and sums over rows."""
    out = np.zeros_like(v)
    for i in range(len(v)):
        scores = q[: i + 1] @ q[i]
        weights = np.exp(scores - np.max(scores) + np.mean(scores))
        out[i] = weights @ v[: i + 1] / np.sum(weights)
    return np.sum(out * out)


def blocks(a):
    """A square that grows, in a loop over its rows; what it begins with is as large as that."""
    total = 0.0
    for i in range(1, len(a)):
        row = np.sin(a[0, :i])
        for k in range(3):
            row = row * a[k, :i] + a[:i, :i] @ row
        total = total + np.sum(row) * a[i, i]
    return total


PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "substitution": (substitution, (D, V)),
    "cholesky": (cholesky, (M,)),
    "eliminated": (eliminated, (D,)),
    "durbin": (durbin, (V,)),
    "triangular": (triangular, (M, B)),
    "attention": (attention, (B, B)),
    "blocks": (blocks, (0.3 * M,)),
}


def gradient_of(f: Callable[..., Any], args: tuple[Any, ...]) -> Callable[..., Any]:
    return cr.value_and_grad(f, tuple(range(len(args))))


def written(source: random.Random) -> str:
    """Write a program whose turns read and write parts of arrays that differ from turn to turn."""
    inner = source.choice(["range(i)", "range(i, n)", "range(i + 1, n)", "range(i - 1, -1, -1)"])
    outer = source.choice(["range(n)", "range(1, n)", "range(n - 1, -1, -1)"])

    def statement(counters: list[str]) -> str:
        a, c = source.choice("ab"), source.choice("ab")
        k = source.choice(counters)
        part = source.choice([f":{k}", f"{k}:", f"{k} + 1 :", f":{k} + 1"])
        p, q = (source.choice([*counters, "n - 1 - i"]) for _ in range(2))
        return source.choice(
            [
                f"{a}[{p}, {q}] = 0.3 * {a}[{q}, {p}] + 0.1 * {c}[{p}, {part}] @ {c}[{part}, {q}]",
                f"{a}[{p}, {part}] = np.sin({a}[{p}, {part}]) + 0.2 * {c}[{part}, {q}]",
                f"x[{p}] = 0.5 * x[{p}] + 0.1 * np.sum({a}[{q}, {part}] * x[{part}])",
                f"x[{part}] *= 0.9 * np.cos(x[{p}])",
                f"{a}[{part}, {part}] += 0.05 * np.outer(x[{part}], {c}[{p}, {part}])",
            ]
        )

    lines = ["def f(a, b, x):", "    a, b, x = a.copy(), b.copy(), x.copy()", "    n = len(x)"]
    lines += [f"    for i in {outer}:", f"        {statement(['i'])}", f"        for j in {inner}:"]
    lines += [f"            {statement(['i', 'j'])}" for _ in range(2)]
    return "\n".join([*lines, "    return np.sum(a * a) + np.sum(b * b) + np.sum(x * x)"])


@pytest.mark.parametrize("seed", range(3))
def test_random_programs(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolled, "_SHORTEST", 8)
    known: dict[str, Any] = {"np": np}
    exec(written(random.Random(seed)), known)
    args = 0.5 * rng.normal(size=(7, 7)), 0.5 * rng.normal(size=(7, 7)), 0.5 * rng.normal(size=7)
    check(gradient_of(known["f"], args), *args)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_so_few_that_there_is_no_loop(n: int) -> None:
    for f, args in ((substitution, (D[:n, :n], V[:n])), (cholesky, (M[:n, :n],))):
        g = gradient_of(f, args) if n else f
        same(cr.compile(g, builder=interpreted)(*args), g(*args), 1e-12)


def test_branches_in_it_are_paths() -> None:
    def f(a, x):
        x = x.copy()
        for i in range(1, len(x)):
            s = a[i, :i] @ x[:i]
            x[i] = x[i] - 0.5 * s if s > 0 else 0.5 * x[i] + np.sum(x[:i])
        return np.sum(x * x)

    gradient = gradient_of(f, (abs(M), V))
    fast = cr.compile(gradient)
    for x in (abs(V), -abs(V), V, 2 * abs(V)):
        same(fast(abs(M), x), gradient(abs(M), x), 1e-10)


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_of_five_calls_and_the_listing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolled, "_SHORTEST", 8)
    f, args = PROGRAMS[name]
    gradient = gradient_of(f, args)
    if name in ("cholesky", "eliminated", "attention"):  # the others are read as Python alone
        fast = cr.compile(gradient)
        for given in calls_of(args):
            same(fast(*given), gradient(*given), 1e-10)
    text = check(gradient, *args)
    assert text.count("for t in range") >= 1
    assert "+ t" in text or "t1" in text


def test_a_long_one_is_recorded_in_a_few_turns() -> None:
    """Arrays of zeros are constants until something is written into them."""
    n = 34
    args = rng.normal(size=(n, n)) + n * np.eye(n), rng.normal(size=n)
    gradient = gradient_of(substitution, args)
    fast = cr.compile(gradient)
    for given in ((args[0], args[1]), (2 * args[0], args[1] - 1)):
        same(fast(*given), gradient(*given), 1e-10)
    assert fast.lower(*args).program.family is not None


def test_what_needs_the_length_as_a_number_stays_unrolled_and_says_why() -> None:
    def spread(x):
        total = 0.0
        for i in range(1, 20):
            total = total + np.var(x[:i]) * x[i]
        return total

    x = rng.normal(size=20)
    fast = cr.compile(spread)
    same(fast(x), spread(x), 1e-12)
    assert "19 turns: var of arrays that have another length in each turn" in fast.lower(x).schedule


def test_products_of_large_matrices_are_for_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolled, "_SHORTEST", 8)
    monkeypatch.setattr(lengths, "_LARGE", 4)

    def products(a, b, x):
        total = 0.0
        for i in range(12):
            total = total + np.sum((a[i:, :i] @ b[:i, i:]) ** 2) + np.sum(a[:i].T @ b[:i, ::2])
            total = total + np.sum(x[:i] @ a[:i, i:]) + np.sum(np.tanh(b[i:, :i] @ x[:i]))
        return total

    args = rng.normal(size=(12, 12)), rng.normal(size=(12, 12)), rng.normal(size=12)
    gradient = gradient_of(products, args)
    fast = cr.compile(gradient)
    for given in calls_of(args):
        same(fast(*given), gradient(*given), 1e-10)
    assert "@ b[0:1 + t, 1 + t:12]  # BLAS" in fast.lower(*args).loops
