"""The first call: recording and compiling, in a fresh process."""

from __future__ import annotations

import time

from peers import chainrule, jax
from workload import Workload
from workloads import scalar

_PEERS = {"chainrule": chainrule, "jax.jit": jax}


def first_call(workload: Workload, peer: str) -> float:
    """Return the seconds from a Python function to its first result.

    Importing the library and starting its compiler is not in it: a smaller function was compiled
    before. Nor is making the inputs.
    """
    make = _PEERS[peer]
    small = make(scalar.TINY)
    small.function(*small.arguments)
    call = make(workload)  # wraps the function; nothing is compiled yet
    start = time.perf_counter()
    call.function(*call.arguments)
    return time.perf_counter() - start
