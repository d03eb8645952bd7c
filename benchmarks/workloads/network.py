"""The lecture's network, sigmoid and squared error, in four sizes."""

from __future__ import annotations

import numpy
from workload import Target, Workload


def function(np, special):
    def loss(W1, b1, W2, b2, x, y):
        z1 = 1 / (1 + np.exp(-(x @ W1 + b1)))
        z2 = z1 @ W2 + b2
        return np.sum((z2 - y) ** 2)

    return loss


def in_torch():
    import torch
    from torch.nn import functional

    def loss(W1, b1, W2, b2, x, y):
        z1 = torch.sigmoid(torch.addmm(b1, x, W1))
        return functional.mse_loss(torch.addmm(b2, z1, W2), y, reduction="sum")

    return loss


def numba(W1, b1, W2, b2, x, y):
    """Return the derivation by hand: products by BLAS, loops for the rest."""
    from numba import njit

    @njit
    def both(W1, b1, W2, b2, x, y):
        z1 = x @ W1
        for i in range(z1.shape[0]):
            for j in range(z1.shape[1]):
                z1[i, j] = 1 / (1 + numpy.exp(-(z1[i, j] + b1[j])))
        dz2 = z1 @ W2
        db2 = numpy.zeros_like(b2)
        loss = 0.0
        for i in range(dz2.shape[0]):
            for j in range(dz2.shape[1]):
                error = dz2[i, j] + b2[j] - y[i, j]
                loss += error * error
                dz2[i, j] = 2 * error
                db2[j] += 2 * error
        dW2 = z1.T @ dz2
        dh1 = dz2 @ W2.T
        db1 = numpy.zeros_like(b1)
        for i in range(dh1.shape[0]):
            for j in range(dh1.shape[1]):
                dh1[i, j] *= z1[i, j] * (1 - z1[i, j])
                db1[j] += dh1[i, j]
        return loss, (x.T @ dh1, db1, dW2, db2)

    return both


def network(size, batch, inputs, hidden, outputs, dtype, *targets):
    def make():
        rng = numpy.random.default_rng(0)
        shapes = [(inputs, hidden), (hidden,), (hidden, outputs), (outputs,)]
        parameters = tuple(rng.normal(size=shape).astype(dtype) / 8 for shape in shapes)
        x = rng.normal(size=(batch, inputs)).astype(dtype) / 8
        y = numpy.eye(outputs, dtype=dtype)[rng.integers(outputs, size=batch)]
        return parameters, (x, y)

    return Workload(
        name=f"network-{size}",
        title=f"network, batch {batch}, {inputs}-{hidden}-{outputs}, {dtype}",
        function=function,
        torch=in_torch,
        inputs=make,
        targets=tuple(Target(against, ratio) for against, ratio in targets),
        products=(
            (batch, inputs, hidden),  # x @ W1
            (batch, hidden, outputs),  # z1 @ W2
            (hidden, batch, outputs),  # z1.T @ dz2
            (batch, outputs, hidden),  # dz2 @ W2.T
            (inputs, batch, hidden),  # x.T @ dh1
        ),
        by_hand={"Numba": numba},
    )


WORKLOADS = [
    network("s", 32, 64, 64, 10, "float32", ("jax.jit", 3), ("torch", 8)),
    network("m", 128, 64, 100, 10, "float64", ("jax.jit", 2), ("torch", 2), ("torch.compile", 2)),
    network("l", 128, 784, 512, 10, "float32", ("best", 1.2), ("GEMMs", 1.25)),
    network("xl", 1024, 784, 1024, 10, "float32", ("best", 1), ("GEMMs", 1.15)),
]
