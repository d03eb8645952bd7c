"""The lecture's f(x, y): Python floats in and out. All of it is overhead."""

import math

from workload import Target, Workload


def function(np, special):
    exp = np.exp

    def f(x, y):
        sigy = 1.0 / (1 + exp(-y))
        num = x + sigy
        sigx = 1.0 / (1 + exp(-x))
        xpy = x + y
        xpysqr = xpy**2
        den = sigx + xpysqr
        invden = 1.0 / den
        return num * invden

    return f


def in_torch():
    import torch

    return function(torch, None)


def by_hand(x, y):
    """The lecture's own listing."""
    sigy = 1.0 / (1 + math.exp(-y))
    num = x + sigy
    sigx = 1.0 / (1 + math.exp(-x))
    xpy = x + y
    xpysqr = xpy**2
    den = sigx + xpysqr
    invden = 1.0 / den
    f = num * invden
    dnum = invden
    dinvden = num
    dden = (-1.0 / (den**2)) * dinvden
    dsigx = (1) * dden
    dxpysqr = (1) * dden
    dxpy = (2 * xpy) * dxpysqr
    dx = (1) * dxpy
    dy = (1) * dxpy
    dx += ((1 - sigx) * sigx) * dsigx
    dx += (1) * dnum
    dsigy = (1) * dnum
    dy += ((1 - sigy) * sigy) * dsigy
    return f, (dx, dy)


def numba(x, y):
    import numba

    return numba.njit(by_hand)


def casadi(x, y):
    """Return a function of CasADi, called with floats; its results are made into floats."""
    import casadi

    x, y = casadi.SX.sym("x"), casadi.SX.sym("y")
    value = function(casadi, None)(x, y)
    dx, dy = casadi.gradient(value, x), casadi.gradient(value, y)
    both = casadi.Function("both", [x, y], [value, dx, dy])

    def run(x, y):
        value, dx, dy = both(x, y)
        return float(value), (float(dx), float(dy))

    return run


WORKLOADS = [
    Workload(
        name="scalar",
        title="the lecture's f(x, y), Python floats",
        function=function,
        torch=in_torch,
        inputs=lambda: ((3.0, -4.0), ()),
        targets=(Target("jax.jit", 40), Target("Numba", 1)),
        by_hand={"Numba": numba, "CasADi": casadi},
    )
]

#: To start a compiler with.
TINY = Workload(
    name="tiny",
    title="x * x",
    function=lambda np, special: lambda x: x * x,
    torch=lambda: lambda x: x * x,
    inputs=lambda: ((3.0,), ()),
    targets=(),
)
