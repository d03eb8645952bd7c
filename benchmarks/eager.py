"""The eager engine and the printed code, against those that work in the same way."""

from __future__ import annotations

from typing import Any

from measure import compare
from peers import Call, chainrule_eager, chainrule_staged, hips_autograd, torch_eager
from workloads import WORKLOADS, scalar


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
    return found
