"""Random programs with ``while``, ``program(a, b, v)``: two numbers and a vector of length 4."""

from __future__ import annotations

import itertools
import linecache
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["defined", "inputs", "run", "source"]

_count = itertools.count()

#: What a turn may do: all of it shrinks or keeps the size of things; ``e`` ends the loop.
STATEMENTS = [
    *("a = 0.5 * a + 0.1 * b", "b = math.sin(a) * 0.5 + 0.3 * b", "a, b = 0.5 * b, a * 0.9"),
    *("v = np.tanh(v) * 0.9", "v[1:] += 0.1 * v[:-1]", "v = v * 0.8 + 0.1 * a", "w = v * b"),
    *("a = a * 0.7 + 0.01 * np.sum(v)", "c = a * b\na = c + 0.5 * a", "v -= 0.1 * v * v"),
    *("k += 1", "a = a / (k + 2)", "b = b + 0.1 / (k + 1) * a", "v[0] = a", "v = v.copy()"),
    *("for i in range(3):\n    v = v * 0.9 + 0.01 * i", "if a > -50:\n    b = 0.9 * b"),
    *("hist.append(a)", "b = 0.5 * b + 0.1 * hist[-1]", "s = s + 0.1 * e", "w = v @ v"),
    *("if k > 9:\n    a = a + 0.1", "v = np.where(v > 0, v, 0.5 * v)", "b = b * 0.9**k"),
]
HEADS = [
    ("while e > 0.05:", ""),
    ("while True:", "if e < 0.05:\n    break"),
    ("while e > 0.05 and k < 40:", "k += 1"),
    ("for k in range(60):", "if e < 0.05:\n    break"),
    ("while abs(e) > 0.05:", ""),
]
ENDS = ["a", "a + b", "np.sum(v * v)", "s + a * b", "e * a", "np.sum(v) + b", "np.sum(w) * a"]


def source(choose: Callable[[Sequence[Any]], Any]) -> str:
    """Write a program, given what chooses one of several things."""
    lines = ["v, s, k, hist, w = v.copy(), 0.0, 0, [a], v * b"]
    for n in range(choose([1, 1, 2])):
        head, question = choose(HEADS)
        lines += [f"e = a + {n + 1}.0" if choose([0, 1]) else "e = b * b + 0.2", head]
        body = [choose(STATEMENTS) for _ in range(choose([1, 2, 3, 4]))]
        at = choose(range(len(body) + 1))
        body[at:at] = ["e = 0.7 * e" if choose([0, 1]) else "e = e * 0.6 + 0.0001 * b", question]
        lines += [f"    {line}" for part in body for line in part.splitlines()]
    text = "\n    ".join([*lines, f"return {choose(ENDS)}"])
    return f"def program(a, b, v):\n    {text}\n"


def inputs(random: np.random.Generator) -> tuple[Any, ...]:
    """Return arguments: the larger a and b, the more turns."""
    size = random.choice([0.01, 1.0, 30.0])
    a, b = random.uniform(0.1, 1.0, 2) * size
    return float(a), float(b), random.uniform(-1, 1, 4)


def run(source: str, *args: Any) -> Any:
    """Return the value of a program, if no loop of it goes on for long.

    Raises:
        OverflowError: one does, as its numbers have become infinite or NaN.
    """
    turns = itertools.count()

    def count() -> None:
        if next(turns) > 1000:
            raise OverflowError("a loop does not end")

    lines = []
    for line in source.splitlines():
        lines.append(line)
        if line.startswith(("    while ", "    for k ")):
            lines.append("        count()")
    names: dict[str, Any] = {"np": np, "math": math, "count": count}
    exec("\n".join(lines), names)
    return names["program"](*args)


def defined(source: str) -> Callable[..., Any]:
    """Define the function in a source, where tracebacks find its lines."""
    filename = f"<random while {next(_count)}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    names: dict[str, Any] = {"np": np, "math": math}
    exec(compile(source, filename, "exec"), names)
    program: Callable[..., Any] = names["program"]
    return program
