"""Loops whose arrays have another length in each turn: values, listing, code size, what is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.native.lower import rolled

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


def backwards(up, b):
    x = b.copy()
    for i in range(len(b) - 1, -1, -1):
        x[i] = (x[i] - np.sum(up[i, i + 1 :] * x[i + 1 :])) / up[i, i]
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


def rank_k(c, a):
    c = c.copy()
    for i in range(len(a)):
        c[i, : i + 1] *= 1.2
        for k in range(a.shape[1]):
            c[i, : i + 1] += 1.5 * a[i, k] * a[: i + 1, k]
    return np.sum(c * c)


def triangular(a, b):
    b = b.copy()
    for i in range(len(b)):
        for j in range(b.shape[1]):
            b[i, j] += np.dot(a[i + 1 :, i], b[i + 1 :, j])
    return np.sum(b * b)


def covariance(data):
    data = data - np.mean(data, axis=0)
    cov = np.zeros((data.shape[1], data.shape[1]))
    for i in range(data.shape[1]):
        cov[i, i:] = cov[i:, i] = data[:, i] @ data[:, i:]
    return np.sum(cov**3)


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
    "backwards": (backwards, (D, V)),
    "cholesky": (cholesky, (M,)),
    "eliminated": (eliminated, (D,)),
    "durbin": (durbin, (V,)),
    "rank k": (rank_k, (M, B)),
    "triangular": (triangular, (M, B)),
    "covariance": (covariance, (B,)),
    "attention": (attention, (B, B)),
    "blocks": (blocks, (0.3 * M,)),
}


def gradient_of(f: Callable[..., Any], args: tuple[Any, ...]) -> Callable[..., Any]:
    return cr.value_and_grad(f, tuple(range(len(args))))


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_of_five_calls_and_the_listing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolled, "_SHORTEST", 8)
    f, args = PROGRAMS[name]
    gradient = gradient_of(f, args)
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
