"""Layer normalisation and gelu (the exact one, by erf)."""

from __future__ import annotations

import math

import numpy
from workload import Target, Workload

ROWS, COLUMNS = 512, 1024


def function(np, special):
    def f(x, scale, shift):
        centred = x - np.mean(x, axis=1, keepdims=True)
        variance = np.mean(centred * centred, axis=1, keepdims=True)
        h = centred / np.sqrt(variance + 1e-5) * scale + shift
        return np.sum(0.5 * h * (1 + special.erf(h / math.sqrt(2))))

    return f


def in_torch():
    from torch.nn import functional

    def f(x, scale, shift):
        return functional.gelu(functional.layer_norm(x, (COLUMNS,), scale, shift)).sum()

    return f


def numba(x, scale, shift):
    """Return the derivation by hand, in float32 as the others (the erf is that of libm)."""
    import numba

    single = numpy.float32
    half, root_half, bell = single(0.5), single(0.5**0.5), single(1 / math.sqrt(2 * math.pi))

    @numba.njit
    def both(x, scale, shift):
        n, m = x.shape
        dx = numpy.empty_like(x)
        dscale, dshift = numpy.zeros_like(scale), numpy.zeros_like(shift)
        total = 0.0
        for i in range(n):
            mean = single(x[i].sum() / single(m))
            variance = single(0)
            for j in range(m):
                variance += (x[i, j] - mean) ** 2
            inverse = single(1) / numpy.sqrt(variance / single(m) + single(1e-5))
            first, second = single(0), single(0)
            for j in range(m):
                unit = (x[i, j] - mean) * inverse
                h = unit * scale[j] + shift[j]
                share = half * (single(1) + single(math.erf(h * root_half)))
                total += h * share
                dh = share + h * bell * numpy.exp(-half * h * h)
                dshift[j] += dh
                dscale[j] += dh * unit
                dx[i, j] = dh * scale[j]
                first += dx[i, j]
                second += dx[i, j] * unit
            first, second = first / single(m), second / single(m)
            for j in range(m):
                unit = (x[i, j] - mean) * inverse
                dx[i, j] = (dx[i, j] - first - unit * second) * inverse
        return total, (dx, dscale, dshift)

    return both


def inputs():
    rng = numpy.random.default_rng(0)
    x = rng.normal(size=(ROWS, COLUMNS))
    scale, shift = rng.uniform(0.5, 1.5, size=COLUMNS), rng.normal(size=COLUMNS) / 4
    return tuple(a.astype(numpy.float32) for a in (x, scale, shift)), ()


WORKLOADS = [
    Workload(
        name="layer-norm",
        title=f"layer norm and gelu, {ROWS} x {COLUMNS} float32",
        function=function,
        torch=in_torch,
        inputs=inputs,
        targets=(Target("best", 2),),
        by_hand={"Numba": numba},
    )
]
