"""Loops that fill an array entry by entry, compiled: the time of an entry must not grow with n."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from measure import compare
from peers import Call

import chainrule as cr

LENGTHS = (1_000, 4_000)


def recurrence(x: Any) -> Any:
    """Each entry is computed from one of x and from the entry before."""
    a = np.zeros(len(x))
    a[0] = x[0]
    for i in range(1, len(x)):
        a[i] = np.tanh(x[i]) * 0.5 + a[i - 1] * 0.3
    return np.sum(a * a)


def writes(rounds: int, seconds: float) -> dict[str, Any]:
    """Return the seconds of a call and of the first one, by what is computed and by length."""
    found: dict[str, Any] = {}
    for label, function in (
        ("value", recurrence),
        ("value and gradient", cr.value_and_grad(recurrence)),
    ):
        for n in LENGTHS:
            x = np.random.default_rng(0).normal(size=n)
            call = Call(cr.compile(function), (x,))
            start = time.process_time()
            call.function(*call.arguments)
            first = time.process_time() - start
            timing = compare({label: call}, rounds, seconds)[label]
            found[f"{label}/{n}"] = {"call": timing.seconds, "first call": first}
    return found
