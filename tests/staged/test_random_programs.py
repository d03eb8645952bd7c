"""Random programs: whatever is composed, the printed code does what the eager gradient does."""

from __future__ import annotations

import linecache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr

UNARY = ["-{0}", "np.sin({0})", "np.tanh({0})", "{0}**2", "np.exp(-{0}**2)", "1 / (2 + {0}**2)",
         "np.sqrt(1 + {0}**2)", "np.maximum({0}, 0.1)", "abs({0})", "{0} / 3"]  # fmt: skip
BINARY = ["{0} + {1}", "{0} - {1}", "{0} * {1}", "{0} / (1 + {1}**2)",
          "np.where({0} > {1}, {0}, 2 * {1})"]  # fmt: skip
ARRAY = ["{0}.sum(axis=0) + {0}", "{0} - {0}.mean(axis=1, keepdims=True)", "{0} @ {0}.T @ {0}",
         "{0}.T.T", "np.concatenate([{0}[:1], {0}[1:]])", "{0}[::-1]",
         "np.cumsum({0}, axis=0)"]  # fmt: skip


@st.composite
def programs(draw: st.DrawFn, arrays: bool) -> str:
    names = ["x", "y"]
    lines = []
    for _ in range(draw(st.integers(1, 6))):
        choices = UNARY + BINARY + (ARRAY if arrays else [])
        template = draw(st.sampled_from(choices))
        inner = draw(st.sampled_from(["{}", "{}", "({} + 1)"]))
        operands = [inner.format(draw(st.sampled_from(names))) for _ in range(2)]
        name = draw(st.sampled_from(["a", "b", "x", "h"]))
        lines.append(f"    {name} = {template.format(*operands)}")
        if name not in names:
            names.append(name)
    used = " + ".join(draw(st.lists(st.sampled_from(names), min_size=1, max_size=3)))
    lines.append(f"    return np.sum({used})" if arrays else f"    return {used}")
    return "def program(x, y):\n" + "\n".join(lines) + "\n"


def defined(source: str) -> Any:
    linecache.cache["<random>"] = (len(source), None, source.splitlines(True), "<random>")
    names: dict[str, Any] = {"np": np}
    exec(compile(source, "<random>", "exec"), names)
    return names["program"]


def check(source: str, x: Any, y: Any) -> None:
    program = defined(source)
    with np.errstate(all="ignore"):
        staged = cr.stage(program, x, y)
        value, gradients = staged(x, y)
        expected, eager = cr.value_and_grad(program, (0, 1))(x, y)
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    for found, right in zip(gradients, eager, strict=True):
        scale = 1 + np.max(np.abs(right))
        np.testing.assert_allclose(found / scale, right / scale, rtol=1e-10, atol=1e-12)
    assert max(map(len, staged.source.splitlines())) <= 100


@pytest.mark.filterwarnings("ignore::chainrule.errors.IndependentOutputWarning")
@settings(max_examples=60, deadline=None)
@given(programs(arrays=False), st.floats(0.2, 1.5), st.floats(-1.5, -0.2))
def test_programs_of_numbers(source: str, x: float, y: float) -> None:
    check(source, x, y)


@pytest.mark.filterwarnings("ignore::chainrule.errors.IndependentOutputWarning")
@settings(max_examples=60, deadline=None)
@given(programs(arrays=True), st.integers(0, 100))
def test_programs_of_arrays(source: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    check(source, random.uniform(-1, 1, (3, 2)), random.uniform(-1, 1, (3, 2)))
