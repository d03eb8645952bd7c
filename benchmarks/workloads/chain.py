"""A chain of elementwise functions: memory traffic, or one loop over what stays in the cache."""

from __future__ import annotations

import math

import numpy
from workload import Target, Workload


def function(np, special):
    def f(x):
        t = np.tanh(x / 2 + 1)
        return np.sum(np.exp(-t * t) * np.sin(x) + np.log(1 + t * t) * x)

    return f


def in_torch():
    import torch

    return function(torch, None)


def numba(x):
    """Return the derivation by hand as one loop, shared by the threads that there are."""
    import numba

    @numba.njit(parallel=numba.config.NUMBA_NUM_THREADS > 1 and x.size > 10_000)
    def both(x):
        dx = numpy.empty_like(x)
        total = 0.0
        for i in numba.prange(x.size):
            t = math.tanh(x[i] / 2 + 1)
            square = t * t
            bell = math.exp(-square)
            sine = math.sin(x[i])
            logarithm = math.log(1 + square)
            total += bell * sine + logarithm * x[i]
            dt = -2 * t * bell * sine + 2 * t / (1 + square) * x[i]
            dx[i] = bell * math.cos(x[i]) + logarithm + dt * (1 - square) / 2
        return total, (dx,)

    return both


def casadi(x):
    import casadi

    symbol = casadi.MX.sym("x", x.size)
    t = casadi.tanh(symbol / 2 + 1)
    value = casadi.sum1(casadi.exp(-t * t) * casadi.sin(symbol) + casadi.log(1 + t * t) * symbol)
    both = casadi.Function("both", [symbol], [value, casadi.gradient(value, symbol)])

    def run(x):
        value, dx = both(x)
        return float(value), (dx.full()[:, 0],)

    return run


def chain(name, size, *targets):
    return Workload(
        name=name,
        title=f"chain of tanh, exp, sin, log; {size:,} float64",
        function=function,
        torch=in_torch,
        inputs=lambda: ((numpy.random.default_rng(0).uniform(-3, 3, size=size),), ()),
        targets=tuple(Target(against, ratio) for against, ratio in targets),
        by_hand={"Numba": numba, "CasADi": casadi},
    )


WORKLOADS = [
    chain("chain", 1_000_000, ("jax.jit", 4), ("torch.compile", 2)),
    chain("chain-1e3", 1_000, ("jax.jit", 5)),
]
