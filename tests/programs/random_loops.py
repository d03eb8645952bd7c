"""Random programs with loops, ``program(a, b, v, w)``: two numbers and two vectors of length 8."""

from __future__ import annotations

import itertools
import linecache
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["LENGTH", "defined", "source"]

LENGTH = 8
_count = itertools.count()

#: Statements by what they need: anything, a loop variable i, an inner one j.
ANYWHERE = [
    *(
        "a = a * b + 0.1",
        "b = math.sin(a) + 0.5 * b",
        "a = a + np.sum(v) * 0.01",
        "v = v * 0.9 + a",
    ),
    *("v = np.tanh(v + w)", "v[1:] += 0.3 * v[:-1]", "v = v.copy()", "a, b = b, 0.5 * a + b"),
    *("w = w * v", "v[1:-1] = 0.5 * (v[2:] + w[:-2])", "w[0] = a", "c = a * b\na = c - 0.2 * a"),
    *("if a > 0.3:\n    a = a * 0.5", "v = np.where(v > 0, v, 0.1 * v)", "xs.append(a)"),
    *("v = np.concatenate([v[1:], v[:1]])", "a = a / (1 + a * a)", "v -= 0.1 * w"),
    *("a = a + 0.3 * xs[-2]", "b = xs[-1] * math.cos(a)", "xs.append(0.5 * a * xs[-2] - xs[-1])"),
]
WITH_I = [
    *("a = a + v[{i}] * b", "v[{i}] = a", "v[{i}] += 0.5 * w[{i}]", "a += w[{i}] * v[-1 - {i}]"),
    *("w[{i}] *= v[{i}]", "a = a * 0.9 + 0.1 * {i}", "b = b + a ** {i} * 0.01", "s = v[{i}]"),
    *("v[:{i}] *= 0.95", "a = a + np.sum(v[{i}:])", "if {i} > 3:\n    a = a - 0.1 * v[{i}]"),
    "if {i} % 2 == 0:\n    b = b * 0.7",
]
WITH_J = [
    *WITH_I,
    "v[{j}] += 0.1 * w[{i}]",
    "a = a + 0.1 * v[{i}] * w[{j}]",
    "v[{i}] -= 0.2 * v[{j}]",
]
RANGES = ["range(5)", "range(6)", "range(1, 8)", "range(7, 1, -1)", "range(8)"]
INNER = ["range(3)", "range(5)", "range({i})", "range({i}, 8)", "range(2, 7)"]


def source(choose: Callable[[Sequence[Any]], Any]) -> str:
    """Write a program, given what chooses one of several things."""
    lines = ["v, w, xs = v.copy(), w.copy(), [a, b]"]
    for _ in range(choose([1, 1, 2])):
        lines.append(f"for i in {choose(RANGES)}:")
        for _ in range(choose([1, 2, 3])):
            if choose([0, 0, 0, 1]):
                lines.append(f"    for j in {choose(INNER).format(i='i')}:")
                for _ in range(choose([1, 2])):
                    lines += _indented(choose([*ANYWHERE, *WITH_J]).format(i="i", j="j"), 8)
            else:
                lines += _indented(choose([*ANYWHERE, *WITH_I]).format(i="i"), 4)
        if choose([0, 1]):
            lines.append(choose(["a = a * b", "v = v * v", "v = v + w", "b = b + np.sum(v * w)"]))
    lines.append("return a + 0.5 * b + np.sum(v * v) + np.sum(w) + sum(xs)")
    return "def program(a, b, v, w):\n" + "\n".join(f"    {line}" for line in lines) + "\n"


def _indented(text: str, columns: int) -> list[str]:
    return [" " * columns + line for line in text.split("\n")]


def defined(text: str) -> Any:
    """Make the function of a program's text."""
    file = f"<random loops {next(_count)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    names: dict[str, Any] = {"np": np, "math": math}
    exec(compile(text, file, "exec"), names)
    return names["program"]
