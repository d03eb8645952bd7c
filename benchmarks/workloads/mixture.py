"""Log-likelihood of a Gaussian mixture with full precision factors, as in ADBench.

The precision of component k is ``Q.T @ Q``, with Q lower triangular: ``exp(q)`` on the diagonal.
"""

from __future__ import annotations

import numpy
from workload import Target, Workload

N, D, K = 1000, 10, 25


def function(np, special):
    def log_likelihood(alphas, means, q, lower, x):
        Q = np.tril(lower, -1) + np.exp(q)[:, :, None] * np.eye(D)
        centred = x - means[:, None, :]
        squares = np.sum((centred @ np.swapaxes(Q, 1, 2)) ** 2, axis=2)
        inner = alphas[:, None] + np.sum(q, axis=1)[:, None] - 0.5 * squares
        return np.sum(special.logsumexp(inner, axis=0)) - N * special.logsumexp(alphas)

    return log_likelihood


def in_torch():
    import torch

    eye = torch.eye(D, dtype=torch.float64)

    def log_likelihood(alphas, means, q, lower, x):
        Q = torch.tril(lower, -1) + torch.exp(q)[:, :, None] * eye
        centred = x - means[:, None, :]
        squares = torch.sum((centred @ Q.transpose(1, 2)) ** 2, dim=2)
        inner = alphas[:, None] + torch.sum(q, dim=1)[:, None] - 0.5 * squares
        total = torch.sum(torch.logsumexp(inner, dim=0))
        return total - N * torch.logsumexp(alphas, dim=0)

    return log_likelihood


def inputs():
    rng = numpy.random.default_rng(0)
    shapes = [(K,), (K, D), (K, D), (K, D, D)]
    parameters = tuple(rng.normal(size=shape) / 3 for shape in shapes)
    return parameters, (rng.normal(size=(N, D)),)


WORKLOADS = [
    Workload(
        name="mixture",
        title=f"Gaussian mixture, n {N}, d {D}, k {K}, float64",
        function=function,
        torch=in_torch,
        inputs=inputs,
        targets=(Target("best", 1.5),),
        # centred @ Q.T, and its pullbacks by centred and by Q, for each component.
        products=((N, D, D), (N, D, D), (D, N, D)) * K,
    )
]
