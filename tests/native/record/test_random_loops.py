"""Random loops: the first call and the second give what the function gives, few turns or all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr

from ..conftest import same

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

N = 40
X, Y = np.random.default_rng(0).normal(size=(2, 2 * N + 8)) * 0.4
A = np.random.default_rng(1).normal(size=(N, N)) * 0.2

NUMBERS = ["i", "i", "i", "i + 1", "N - 1 - i", "2 * i", "i - 3", "i // 2", "i % 5", "-1 - i", "3"]
NUMBERS += ["min(i, 30)", "abs(i - 20)", "k", "last"]
SLICES = ["{i}:{i} + 3", "{i}:", "1:{i}", "-{i}:", "{i} - 2:{i} + 2", "{i}:N - {i}", "{i}:{i} + 1"]
TERMS = ["x[{i}]", "a[{i}, {j}]", "s", "t", "c[{i}]", "np.sum(x[{s}])", "np.sum(a[{j}, {s}])"]
TERMS += ["half(s)", "0.1 * i", "u * x[2]", "np.sin(s)", "h[0]", "few(x[{s}])", "x[{s}] @ y[{s}]"]
TERMS += ["i * x[1]", "np.var(x[{s}])", "math.sin(t)"]
STATEMENTS = ["s = 0.5 * s + 0.1 * {e}", "t = 0.3 * math.sin({e})", "s, t = t, 0.5 * s + 0.1 * {e}"]
STATEMENTS += ["c[{i}] = 0.5 * c[{i}] + 0.1 * {e}", "c[{i}] += 0.1 * {e}", "c[{s}] *= 0.9"]
STATEMENTS += ["c[{s}] = 0.5 * c[{s}] + 0.1 * {e}", "h = [*h[1:], 0.3 * {e}]", "u = 0.5 * u + 0.1"]
STATEMENTS += ["k += 1", "last = i", "b[{i}, :] = 0.5 * b[{j}, :] + 0.1 * {e}", "s += b[{i}, {j}]"]
STATEMENTS += ["if i > 30: s = 0.9 * s", "for j in range({i}): t = 0.7 * t + 0.1 * x[j]"]
STATEMENTS += ["s = s + 0.1 * np.sum(b[{i}, {s}])", "v = 0.5 * np.roll(v, 1) + 0.1 * {e}"]
LOOPS = ["range(N)", "range(N)", "range(1, N)", "range(N - 1, -1, -1)", "range(N - 2)"]

PROGRAM = """
def half(z):
    return 0.5 * np.cos(z)

def few(z):
    return np.sum(z) if len(z) < 20 else 0.5 * np.sum(z)

def program(x, y, a):
    k = last = 0
    u, s, t = 0.5, x[0], y[1]
    b, c, v, h = a.copy(), x.copy(), y * 1.0, [x[0], x[1], x[2], x[3], x[4], x[5]]
    for i in {loop}:
        {body}
    return s + t + np.sum(c * c) + np.sum(b * b) + h[-1] * h[0] + u * x[0] + np.sum(v)
"""


@st.composite
def programs(draw: Any) -> str:
    def filled(text: str) -> str:
        while "{" in text:
            part = text[text.index("{") : text.index("}") + 1]
            made = draw(st.sampled_from({"s": SLICES, "e": TERMS}.get(part[1], NUMBERS)))
            text = text.replace(part, made.replace("{i}", filled("{n}")) if part == "{s}" else made)
        return text

    body = draw(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=3))
    return PROGRAM.format(
        loop=draw(st.sampled_from(LOOPS)), body="\n        ".join(map(filled, body))
    )


@given(programs())
@settings(max_examples=6, deadline=None)
def test_random_loops_compute_the_same(text: str) -> None:
    names: dict[str, Any] = {"np": np, "math": math, "N": N}
    exec(text, names)
    f = cr.value_and_grad(names["program"], (0, 1, 2))
    try:
        expected = [f(x, Y, A) for x in (X, 0.9 * X)]
    except (IndexError, ValueError, TypeError):
        return
    compiled = cr.compile(f)
    for x, right in zip((X, 0.9 * X), expected, strict=True):
        same(compiled(x, Y, A), right, tolerance=1e-9)
