"""One workload with one number of threads, in a process of its own: `child.py` starts it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from agreement import disagreement
from floors import combine, floors_of
from measure import compare
from peers import Call, Result, hips_autograd, peers_of
from workload import Workload


def race(workload: Workload, threads: int, rounds: int, seconds: float) -> dict[str, Any]:
    """Check that everybody computes the same, then time those who do, and the floors."""
    _use_threads(threads)
    reference = _reference(workload)
    calls: dict[str, Call] = {}
    errors: dict[str, float] = {}
    failures: dict[str, str] = {}
    for name, make in peers_of(workload).items():
        try:
            calls[name], errors[name] = _checked(workload, make, reference)
        except Exception as error:
            failures[name] = in_words(error)
    floors = floors_of(workload)
    timings = compare({**calls, **floors}, rounds, seconds)
    return {
        "title": workload.title,
        "peers": {name: timings[name].record() for name in calls},
        "floors": combine({name: timings[name].seconds for name in floors}),
        "errors": errors,
        "failures": failures,
    }


def _use_threads(threads: int) -> None:
    """Tell PyTorch, which does not ask the environment for all of its threads."""
    import torch

    torch.set_num_threads(threads)
    torch.set_num_interop_threads(1)


def _reference(workload: Workload) -> Result:
    """Compute in float64, with the peer that has the plainest arithmetic."""
    call = hips_autograd(workload, np.float64)
    return call.results(call.function(*call.arguments))


def _checked(
    workload: Workload, make: Callable[[Workload], Call], reference: Result
) -> tuple[Call, float]:
    call = make(workload)
    for _ in range(3):  # what is made at the first call may differ from what runs later
        result = call.results(call.function(*call.arguments))
        error = disagreement(result, reference)
        if not error <= workload.tolerance:
            raise ValueError(f"its result is off by {error:.1e}")
    return call, error


def in_words(error: Exception) -> str:
    """Return the first line of an error, without folders of this machine."""
    line = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {re.sub(r'(/[^/ ]+)+/', '', line)}"[:200]
