"""What is done to entries that a mask picks is done to all; nothing is picked."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

from ..conftest import same

X = np.array([0.3, -1.2, 2.5, np.nan, 0.7, -0.1])
Y = np.array([1.0, 2.0, -1.0, 0.5, -0.2, 0.0])


def total(x, y):
    return np.sum(x[y > 0.4]) * x[0]


def mean(x, y):
    return x[x > y].mean() + y[np.isfinite(x)].sum()


def of_rows(x, y):
    picked = np.outer(y, y)[np.outer(y, y) > 0.1]
    return np.sum(picked) + x[0]


def written(x, y):
    z = x * y
    z[z > 0.1] = z[z > 0.1] ** -1.5
    z[x < 0] = 0.5 * np.exp(y[x < 0]) + x[0]
    return np.sum(z * z) + np.sum(np.sin(x[y > 0]) * y[y > 0])


def both_read_and_summed(x, y):
    picked = x[y > 0]
    return np.sum(picked) * picked[0] + np.sum(picked**2)


@pytest.mark.parametrize(
    "f", [total, mean, of_rows, written, both_read_and_summed], ids=lambda f: f.__name__
)
def test_sums_over_masks(f):
    g = cr.value_and_grad(f, (0, 1))
    compiled = cr.compile(g)
    for x in (X, X * [1, 2, 1, 1, 1, -3], X[::-1].copy()):
        x = x if f is mean else np.nan_to_num(x)
        for _ in range(2):
            same(compiled(x, Y), g(x, Y), 1e-12)
    if f is not both_read_and_summed:
        assert "numpy" not in compiled.lower(np.nan_to_num(X), Y).schedule
