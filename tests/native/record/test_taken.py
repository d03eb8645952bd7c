"""Integers and masks that leave the recording, for NumPy or Python to use, are never stale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ..conftest import same

X = np.array([3.0, 1.0, 2.0, 5.0])
M = np.arange(12.0).reshape(3, 4)
N = np.int64


def ints(*values: int) -> np.ndarray:
    return np.array(values)


def written(k):
    b = np.zeros(4)
    b[k] = 1
    np.add.at(b, k, 1)
    return b


def placed(x, k):
    z = np.zeros_like(x) + x
    z[k] = 1.0
    return z


#: Function, its first argument, and what its second argument is in turn.
CASES: dict[str, tuple[Any, Any, tuple[Any, ...]]] = {
    "repeat": (lambda x, k: np.repeat(x, k), X, (ints(1, 2, 1, 0), ints(0, 2, 1, 1))),
    "repeat by one": (lambda x, k: np.repeat(x, k), X, (N(2), N(3))),
    "roll": (lambda x, k: np.roll(x, k), X, (N(1), N(2))),
    "take": (lambda x, k: np.take(x, k), X, (ints(1), ints(2))),
    "tile": (lambda x, k: np.tile(x, k), X, (N(1), N(2))),
    "slice": (lambda x, k: x[:k], X, (N(1), N(2))),
    "index": (lambda x, k: x[k], X, (N(1), N(2))),
    "split": (lambda x, k: np.split(x, k)[0], X, (ints(1), ints(2))),
    "bincount": (lambda x, k: x * np.bincount(k, minlength=4), X, (ints(1, 1), ints(2, 1))),
    "where=": (lambda x, k: np.sum(np.where(k, x, 0)), X, (np.greater(X, 1), np.greater(X, 2))),
    "zeros": (lambda x, k: x + len(np.zeros(k)), X, (N(1), N(2))),
    "arange": (lambda x, k: x * np.arange(k).sum(), X, (N(4), N(5))),
    "linspace": (lambda x, k: x * np.linspace(0, 1, k).sum(), X, (N(4), N(5))),
    "range": (lambda x, k: sum(x * i for i in range(k)), X, (N(4), N(5))),
    "pad": (lambda x, k: np.pad(x, k), X, (N(1), N(2))),
    "rows of an ndarray": (lambda x, k: np.eye(5)[k] * x[0], X, (ints(1), ints(2))),
    "list": (lambda x, k: [1.0, 2.0, 3.0][k] * x, X, (N(1), N(2))),
    "dict": (lambda x, k: {1: 1.0, 2: 2.0}[int(k)] * x, X, (N(1), N(2))),
    "tolist": (lambda x, k: sum(k.tolist()) * x, X, (ints(1), ints(2))),
    "unique": (lambda x, k: len(np.unique(k)) * x, X, (ints(1, 1), ints(2, 1))),
    "isin": (lambda x, k: np.isin(np.arange(4), k) * x, X, (ints(1, 1), ints(2, 1))),
    "isin by name": (
        lambda x, k: np.isin(element=k, test_elements=[1])[0] * x,
        X,
        (ints(1, 1), ints(2, 1)),
    ),
    "written into": (lambda x, k: x * written(k), X, (ints(1, 1), ints(2, 1))),
    "tolerance": (lambda x, k: np.isclose(x, 3.0, atol=k) * x, X, (0.1, 1.5)),
    "quantile": (lambda x, k: np.quantile(x, k), X, (0.1, 0.5)),
    "round": (lambda x, k: np.round(x / 3, k), X, (N(1), N(2))),
    "nonzero": (lambda x, k: np.nonzero(k)[0] * x[0], X, (ints(1, 0, 1), ints(2, 1, 0))),
    "iterated": (lambda x, k: sum(x[i] for i in k), X, (ints(1, 0, 1), ints(2, 1, 1))),
    "contained": (lambda x, k: x * 2 if 2 in k else x, X, (ints(1, 0), ints(2, 1))),
    "largest": (lambda x, k: x * max(k) + min(k), X, (ints(1, 0), ints(2, 1))),
    "unravel": (lambda x, k: np.unravel_index(k, (2, 2))[0] * x[0], X, (ints(1, 0), ints(2, 1))),
    "diagonals": (lambda x, k: np.triu(x, k), M, (N(0), N(1))),
    "seed": (lambda x, k: np.random.default_rng(k).normal() * x, X, (N(0), N(1))),
    "one-hot": (lambda x, k: (k[:, None] == np.arange(3)) * x[0], X, (ints(1, 0), ints(2, 1))),
    "open mesh": (lambda x, k: x[np.ix_(k, k)], M, (ints(1, 0), ints(2, 1))),
    "written at": (placed, X, (ints(1, 0), ints(2, 1))),
    "delete": (lambda x, k: np.delete(x, k), X, (ints(1), ints(2))),
    "insert": (lambda x, k: np.insert(x, k, 9.0), X, (ints(1), ints(2))),
    "axis": (lambda x, k: np.sum(x, axis=k), M, (N(0), N(1))),
    "shape": (lambda x, k: x.reshape(k, -1), M, (N(2), N(3))),
    "order": (lambda x, k: x[np.argsort(x * k)], X, (1.0, -1.0)),
    "made integer": (lambda x, k: np.eye(24)[(x * k).astype(int)], X, (1.0, 2.0)),
}


@pytest.mark.parametrize("name", CASES)
def test_never_stale(name: str, compiled: Any) -> None:
    f, x, taken = CASES[name]
    fast = compiled(f)
    for k in (*taken, *taken):
        for scale in (1, 2, -1):
            same(fast(x * scale, k), f(x * scale, k))
