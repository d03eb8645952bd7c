"""Compile time and code size of loops of few and of many turns: they are to be the same."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from programs.dynamics import pendulum, runge_kutta
from programs.program import normal
from programs.recurrent import rnn
from programs.stencils import heat

import chainrule as cr
from chainrule.native.executable import native

FEW, MANY = 10, 10_000


def turns(rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return, for each program and number of turns, seconds to compile and lines of code.

    Recording, and the function's own run, are not in it. The best of some rounds counts.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name, make in _PROGRAMS.items():
        for _ in range(rounds):
            for count in (FEW, MANY):
                took = _compiled(*make(count))
                best = found.setdefault(name, {}).setdefault(str(count), took)
                best["seconds"] = min(best["seconds"], took["seconds"])
    return found


def _compiled(function: Any, arguments: tuple[Any, ...]) -> dict[str, float]:
    seconds, lines = 0.0, 0

    def timed(program: Any) -> Any:
        nonlocal seconds, lines
        start = time.process_time()
        made = native(program)
        seconds = time.process_time() - start
        lines = made.built.ir.count("\n")
        return made

    timed.extrapolates = True
    both = cr.value_and_grad(function, tuple(range(len(arguments))))
    cr.compile(both, builder=timed)(*arguments)
    return {"seconds": seconds, "lines": lines}


_PROGRAMS = {
    "pendulum": lambda n: (pendulum(n), (0.5, 0.1, 0.01)),
    "rk4, n 50": lambda n: (runge_kutta(n), normal(50)),
    "rnn, 4 x 8": lambda n: (
        rnn,
        (*normal((4, 8), (8, 8), (8, 8), 8, scale=0.1), np.ones((n, 4, 8))),
    ),
    "heat, n 200": lambda n: (heat(n), normal(200)),
}
