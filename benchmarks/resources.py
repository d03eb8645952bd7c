"""What is measured but not raced: import time, cost per node, peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np


def import_seconds(rounds: int = 11) -> tuple[float, float]:
    """Return the median seconds of importing numpy and chainrule, each in fresh processes."""
    code = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
    samples: dict[str, list[float]] = {"numpy": [], "chainrule": []}
    with tempfile.TemporaryDirectory() as folder:
        # Byte code is kept, as it is for users: some environments forbid it.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for turn in range(rounds + 1):
            for module, values in samples.items():
                done = subprocess.run(
                    [sys.executable, "-c", code.format(module)],
                    check=True,
                    capture_output=True,
                    text=True,
                    env=environment,
                )
                if turn:  # the first one compiles
                    values.append(float(done.stdout))
    return statistics.median(samples["numpy"]), statistics.median(samples["chainrule"])


def chain_costs(lengths: tuple[int, ...] = (100, 1_000, 10_000, 100_000)) -> dict[int, float]:
    """Return the seconds per node of value and gradient of a chain of multiplications."""
    import chainrule as cr

    def chain(x, n):
        for _ in range(n):
            x = x * 1.0000001
        return x

    both = cr.value_and_grad(chain)
    both(1.0, 1000)
    costs = {}
    for length in lengths:
        samples = []
        for _ in range(max(3, 20_000 // length)):
            start = time.perf_counter()
            both(1.0, length)
            samples.append((time.perf_counter() - start) / length)
        costs[length] = statistics.median(samples)
    return costs


def peak_bytes(f: Callable[[], Any]) -> int:
    """Return the peak of traced memory (NumPy's buffers included) that a call adds."""
    f()
    tracemalloc.start()
    base = tracemalloc.get_traced_memory()[0]
    f()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - base


def memory_workloads(
    size: int = 1_000_000,
) -> dict[str, tuple[Callable[[], Any], Callable[[], Any]]]:
    """Return pairs (chainrule, HIPS autograd) of gradients over large arrays."""
    import autograd
    import autograd.numpy as anp

    import chainrule as cr

    x = np.linspace(-1, 1, size)
    rng = np.random.default_rng(0)
    data, W1, W2 = (rng.normal(size=s) / 16 for s in [(1024, 256), (256, 512), (512, 10)])

    def chain(np_):
        def f(x):
            t = np_.tanh(x / 2 + 1)
            return np_.sum(np_.exp(-t * t) * np_.sin(x) + np_.log(1 + t * t) * x)

        return f

    def sums(np_):
        def f(x):
            h = x
            for k in range(20):
                h = h + np_.sin(x) if k % 5 == 0 else h + 1.0
            return np_.sum(h)

        return f

    def net(np_):
        def f(W1, W2):
            h = np_.maximum(data @ W1, 0)
            return np_.sum((h @ W2) ** 2)

        return f

    pairs = {}
    for name, make, args in [
        ("chain of 1e6", chain, (x,)),
        ("sums of 1e6", sums, (x,)),
        ("relu network", net, (W1, W2)),
    ]:
        argnums = tuple(range(len(args)))
        ours = cr.value_and_grad(make(np), argnums)
        theirs = autograd.value_and_grad(make(anp), argnums)
        pairs[name] = (lambda f=ours, a=args: f(*a), lambda f=theirs, a=args: f(*a))
    return pairs


def resources() -> dict[str, Any]:
    """Measure all of it."""
    base, ours = import_seconds()
    return {
        "import": {"numpy": base, "chainrule": ours},
        "seconds per node": {str(length): cost for length, cost in chain_costs().items()},
        "peak bytes": {
            name: {"chainrule": peak_bytes(ours_call), "HIPS autograd": peak_bytes(theirs_call)}
            for name, (ours_call, theirs_call) in memory_workloads().items()
        },
    }
