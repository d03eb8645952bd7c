"""The eager engine and the printed code, against those that work in the same way.

Filling is what the others cannot do: ``a[i] = ...`` in a loop. HIPS autograd collects the entries
in a list, and stacks them; its users are told to.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from measure import compare
from peers import Call, chainrule_eager, chainrule_staged, hips_autograd, torch_eager
from workloads import WORKLOADS, scalar

_FILLED = {"fill-1e3": 1_000, "fill-1e4": 10_000}


def filling(n: int) -> dict[str, Call]:
    """Return calls for value and gradient of a vector that is filled entry by entry."""
    import autograd
    import autograd.numpy as anp

    import chainrule as cr

    def written(x):
        a = np.zeros(n)
        for i in range(n):
            a[i] = x[i] * np.sin(x[i])
        return np.sum(a * a)

    def stacked(x):
        a = anp.array([x[i] * anp.sin(x[i]) for i in range(n)])
        return anp.sum(a * a)

    x = np.linspace(0.1, 1.0, n)
    return {
        "chainrule eager": Call(cr.value_and_grad(written), (x,)),
        "HIPS autograd": Call(autograd.value_and_grad(stacked), (x,)),
    }


def eager(rounds: int, seconds: float) -> dict[str, Any]:
    """Return the seconds of a call, by workload and by who computes it."""
    import torch

    torch.set_num_threads(1)
    makers = {
        "chainrule eager": chainrule_eager,
        "chainrule staged": chainrule_staged,
        "HIPS autograd": hips_autograd,
        "torch eager": torch_eager,
    }
    found = {}
    for name in ("scalar", "network-s"):
        workload = WORKLOADS[name]
        calls = {label: make(workload) for label, make in makers.items()}
        if name == "scalar":
            calls["the listing by hand"] = Call(scalar.by_hand, workload.inputs()[0])
        timings = compare(calls, rounds, seconds)
        found[name] = {label: timing.seconds for label, timing in timings.items()}
    for name, n in _FILLED.items():
        timings = compare(filling(n), rounds, seconds)
        found[name] = {label: timing.seconds for label, timing in timings.items()}
    return found
