"""Programs with loops: their first call, and each later one, in a process of its own.

Value and gradient by all inputs, one thread: chainrule of the NumPy program as it is, jax.jit of
the program as users of JAX write it, and where there is one, a gradient derived by hand for Numba.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from agreement import disagreement
from measure import compare
from peers import Call, chainrule, jax
from programs import PROGRAMS
from programs.program import Program
from race import in_words
from workloads import scalar

import chainrule as cr


def loops(name: str, rounds: int, seconds: float) -> dict[str, Any]:
    """Time a program by everybody who has it and computes the same.

    Starting a library and its compiler is not in the first call: a smaller function was compiled
    before.
    """
    program = PROGRAMS[name]
    arguments = program.inputs()
    reference = _eager(program)(*arguments)
    for small in (chainrule(scalar.TINY), jax(scalar.TINY)):
        small.function(*small.arguments)
    calls: dict[str, Call] = {}
    first: dict[str, float] = {}
    failures: dict[str, str] = {}
    for peer, make in _peers(program):
        try:
            call = make()
            start = time.perf_counter()
            result = call.function(*call.arguments)
            took = time.perf_counter() - start
            error = disagreement(result, reference)
            if not error <= program.tolerance:
                raise ValueError(f"its result is off by {error:.1e}")
        except Exception as error:
            failures[peer] = in_words(error)
        else:
            calls[peer], first[peer] = call, took
    timings = compare(calls, rounds, seconds)
    return {
        "title": program.title,
        "first call": first,
        "peers": {peer: timing.record() for peer, timing in timings.items()},
        "failures": failures,
    }


def _eager(program: Program) -> Callable[..., Any]:
    return cr.value_and_grad(program.numpy, tuple(range(len(program.inputs()))))


def _peers(program: Program) -> Iterator[tuple[str, Callable[[], Call]]]:
    arguments = program.inputs()
    yield "chainrule", lambda: Call(cr.compile(_eager(program)), arguments)
    if program.jax is not None:
        yield "jax.jit", lambda: _jax(program)
    if program.numba is not None:
        yield "Numba", lambda: Call(program.numba(), arguments)


def _jax(program: Program) -> Call:
    import jax

    jax.config.update("jax_enable_x64", True)
    arguments = program.inputs()
    both = jax.jit(jax.value_and_grad(program.jax(), tuple(range(len(arguments)))))
    if all(type(x) is float for x in arguments):

        def on_floats(*floats):
            value, gradients = both(*floats)
            return float(value), tuple(map(float, gradients))

        return Call(on_floats, arguments)
    ready = jax.block_until_ready
    placed = tuple(x if isinstance(x, float) else jax.device_put(np.asarray(x)) for x in arguments)
    return Call(lambda *given: ready(both(*given)), placed)
