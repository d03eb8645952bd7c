"""Logistic regression with the stable loss log(1 + exp(z)) - y z."""

from __future__ import annotations

import math

import numpy
from workload import Target, Workload

ROWS, COLUMNS = 10_000, 100


def function(np, special):
    def loss(w, b, X, y):
        z = X @ w + b
        return np.mean(np.logaddexp(0.0, z) - y * z)

    return loss


def in_torch():
    from torch.nn import functional

    def loss(w, b, X, y):
        return functional.binary_cross_entropy_with_logits(X @ w + b, y)

    return loss


def numba(w, b, X, y):
    from numba import njit

    @njit
    def both(w, b, X, y):
        z = X @ w
        total = 0.0
        db = 0.0
        for i in range(z.size):
            h = z[i] + b
            small = math.exp(-abs(h))
            total += max(h, 0.0) + math.log1p(small) - y[i] * h
            z[i] = ((1.0 if h >= 0 else small) / (1 + small) - y[i]) / z.size
            db += z[i]
        return total / z.size, (z @ X, db)

    return both


def inputs():
    rng = numpy.random.default_rng(0)
    X = rng.normal(size=(ROWS, COLUMNS))
    w = rng.normal(size=COLUMNS) / 10
    y = (rng.uniform(size=ROWS) < 0.5).astype(numpy.float64)
    return (w, 0.1), (X, y)


WORKLOADS = [
    Workload(
        name="logistic",
        title=f"logistic regression, {ROWS:,} x {COLUMNS} float64",
        function=function,
        torch=in_torch,
        inputs=inputs,
        targets=(Target("best", 1.2),),
        products=((ROWS, COLUMNS, 1), (1, ROWS, COLUMNS)),
        by_hand={"Numba": numba},
    )
]
