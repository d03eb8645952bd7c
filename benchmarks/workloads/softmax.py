"""Cross-entropy of logits with classes: a softmax of each row."""

from __future__ import annotations

import math

import numpy
from workload import Target, Workload

ROWS, CLASSES = 4096, 1000


def function(np, special):
    def loss(logits, rows, labels):
        return np.mean(special.logsumexp(logits, axis=1) - logits[rows, labels])

    return loss


def in_torch():
    from torch.nn import functional

    def loss(logits, rows, labels):
        return functional.cross_entropy(logits, labels)

    return loss


def numba(logits, rows, labels):
    import numba

    @numba.njit(parallel=numba.config.NUMBA_NUM_THREADS > 1)
    def both(logits, rows, labels):
        n, k = logits.shape
        gradient = numpy.empty_like(logits)
        loss = 0.0
        for i in numba.prange(n):
            top = logits[i, 0]
            for j in range(1, k):
                top = max(top, logits[i, j])
            total = numpy.float32(0)
            for j in range(k):
                gradient[i, j] = numpy.exp(logits[i, j] - top)
                total += gradient[i, j]
            scale = numpy.float32(1) / (total * numpy.float32(n))
            for j in range(k):
                gradient[i, j] *= scale
            gradient[i, labels[i]] -= numpy.float32(1 / n)
            loss += math.log(total) - (logits[i, labels[i]] - top)
        return loss / n, (gradient,)

    return both


def inputs():
    rng = numpy.random.default_rng(0)
    logits = rng.normal(size=(ROWS, CLASSES)).astype(numpy.float32)
    return (logits,), (numpy.arange(ROWS), rng.integers(CLASSES, size=ROWS))


WORKLOADS = [
    Workload(
        name="softmax",
        title=f"cross-entropy of {ROWS} x {CLASSES} float32 logits",
        function=function,
        torch=in_torch,
        inputs=inputs,
        targets=(Target("best", 2),),
        by_hand={"Numba": numba},
    )
]
