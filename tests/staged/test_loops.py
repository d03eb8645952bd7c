"""Loops are printed as loops, and compute what the unrolled code does."""

from __future__ import annotations

import math
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import trees
from tests.programs import random_loops
from tests.programs.loops import PROGRAMS, pendulum

GOLDEN = Path(__file__).parent / "golden" / "loops"
each_loop = pytest.mark.parametrize("name", PROGRAMS)


@cache
def staged(name: str) -> tuple[cr.Staged, tuple[Any, ...]]:
    f, args, _ = PROGRAMS[name]
    return cr.stage(f, *args), args


def assert_equal(found: Any, expected: Any) -> None:
    for a, b in zip(trees.flatten(found)[0], trees.flatten(expected)[0], strict=True):
        assert np.array_equal(a, b)


@each_loop
def test_it_computes_what_the_unrolled_code_does(name: str) -> None:
    code, args = staged(name)
    unrolled = code.run(*args)  # one statement after the other
    value, gradients = code(*args)
    assert_equal((value, gradients), (unrolled.value, unrolled.gradients))


@each_loop
def test_arguments_are_not_changed(name: str) -> None:
    code, args = staged(name)
    before = [np.copy(x) for x in trees.flatten(args)[0]]
    first = code(*args)
    assert_equal(before, args)
    assert_equal(code(*args), first)


@each_loop
def test_golden_file(name: str) -> None:
    source = staged(name)[0].source
    path = GOLDEN / f"{name}.py"
    if os.environ.get("CHAINRULE_UPDATE_GOLDEN"):
        path.write_text(source, encoding="utf-8")
    assert source == path.read_text(encoding="utf-8")


@each_loop
def test_lines_stand_where_they_say(name: str) -> None:
    code, _ = staged(name)
    lines = code.source.splitlines()
    assert max(map(len, lines)) <= 100
    for stage in code.stages:
        target = re.sub(r"_\d+$", "", stage.name)
        assert lines[stage.lineno - 1].split()[0].startswith(re.sub(r"^t\d+$", "t", target))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.filterwarnings("ignore::chainrule.errors.IndependentOutputWarning")
@settings(max_examples=30, deadline=None)
@given(st.data(), st.integers(0, 1000))
def test_random_programs(data: st.DataObject, seed: int) -> None:
    program = random_loops.defined(
        random_loops.source(lambda things: data.draw(st.sampled_from(things)))
    )
    random = np.random.default_rng(seed)
    args = (0.4, -0.3, *random.uniform(-1, 1, (2, random_loops.LENGTH)))
    try:
        value = program(*args)
    except OverflowError:
        reject()
    assume(abs(value) < 1e6)
    code = cr.stage(program, *args)  # which compares it with the eager gradient
    unrolled = code.run(*args)
    assert_equal(code(*args), (unrolled.value, unrolled.gradients))
    assert max(map(len, code.source.splitlines())) <= 100


def test_the_code_is_as_long_for_many_turns_as_for_few() -> None:
    lengths = {len(cr.stage(pendulum(n), 0.5, 0.1, 0.01).source.splitlines()) for n in (7, 20, 50)}
    assert len(lengths) == 1


def test_a_saved_module_has_loops(tmp_path: Path) -> None:
    code, args = staged("pendulum")
    code.save(tmp_path / "swing.py")
    names: dict[str, Any] = {}
    exec((tmp_path / "swing.py").read_text(), names)
    assert "for t in reversed(range(59)):" in (tmp_path / "swing.py").read_text()
    assert names["swing_gradient"](*args) == code(*args)


def test_a_few_turns_stay_unrolled() -> None:
    assert "for " not in cr.stage(pendulum(4), 0.5, 0.1, 0.01).source


def test_lines_that_are_alike_are_no_loop() -> None:
    def f(x: float) -> float:
        y = x * x
        y = y * x
        y = y * x
        y = y * x
        y = y * x
        y = y * x
        y = y * x
        return y * x

    assert "for " not in cr.stage(f, 1.5).source


def test_an_array_in_the_place_of_a_number_is_refused_in_loops_too() -> None:
    def f(x: float, k: float) -> float:
        for _ in range(9):
            x = x - k * x * x
        return x

    code = cr.stage(f, 0.5, 0.1)
    assert "x = x - k * x * x" in code.source
    with pytest.raises(cr.errors.ArgumentError, match=r"for k of shape \(\)"):
        code(0.5, np.ones(3))


def two_before_and_one(x: float, k: float) -> float:
    xs = [x, x * k]
    for t in range(2, 12):
        xs.append(k * xs[-1] - 0.5 * xs[-2] * xs[t - 1])
    return sum(xs)


def clenshaw(x: float, c: Any) -> Any:
    b1 = b2 = 0.0
    for k in range(8, 0, -1):
        b1, b2 = c[k] + 2 * x * b1 - b2, b1
    return c[0] + x * b1 - b2


def every_third(x: float) -> float:
    """Backwards, what each turn but the third does is only handed on."""
    for t in range(18):
        x = x + 0.1
        if t % 3 == 0:
            x = math.sin(x)
    return x


def chebyshev(x: float) -> float:
    a, b = 1.0, x
    for _ in range(9):
        a, b = b, 2 * x * b - a
    return b


def wave(u: Any) -> Any:
    before = u.copy()
    for _ in range(8):
        after = np.zeros_like(u)
        after[1:-1] = 2 * u[1:-1] - before[1:-1] + 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
        before, u = u, after
    return np.sum(u * u)


def lists_called_as_builtins(ab: float, var: float) -> float:
    for _ in range(9):
        ab = math.sin(ab) * ab * var
        var = abs(math.cos(var)) * ab
    return ab


def arguments_called_as_builtins(range: float, reversed: float) -> float:
    for _ in "turns of a loop":
        range = math.sin(range) * reversed
    return range


def newton(a: float, x: float) -> float:
    for _ in range(7):
        f = x**3 + a * x - 1
        df = 3 * x**2 + a  # not the gradient of f
        x = x - f / df
    return x


def handed_on_from_a_list(a: float, b: float, x: float) -> float:
    """The gradient that a turn hands on as it is is read in the next one from a list."""
    hs = [a, b]
    for t in range(9):
        if t % 2 == 0:
            b = math.sin(math.sin(hs[-2]) + 0.3 * (0.5 * hs[-1] * a))
        a += math.sin(hs[-2])
        a += math.sin(math.sin(hs[-1])) + 0.3 * hs[-2]
    return a + 0.5 * a * math.sin(hs[-2]) + a + b * x


def exchanged(x: Any, y: float) -> Any:
    a = x.copy()
    for i in range(8):
        a[i], a[i + 1] = a[i + 1] * y, a[i]
    return np.sum(a * np.arange(9))


def exchanged_with_the_first(x: Any, y: float) -> Any:
    """The first turn writes an entry that all of them read."""
    a, sums = x * 1.0, np.zeros(9)
    for i in range(1, 9):
        a[i], a[0] = a[0] + np.sin(y * a[1]), a[i]
        sums[i] = np.sum(a)
    return np.sum(sums * sums) + np.sum(np.cos(a))


def written_from_the_first(x: Any, y: float) -> Any:
    """The first turn writes the entry that it reads: its gradient stays where it is."""
    a = x.copy()
    for i in range(9):
        a[i] = a[0] - y
    return np.sum(a * np.arange(9))


numbers = np.random.default_rng(3).normal(size=(3, 9))


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (two_before_and_one, (0.5, 0.6)),
        (clenshaw, (0.4, numbers[0])),
        (every_third, (0.4,)),
        (chebyshev, (0.4,)),
        (handed_on_from_a_list, (0.4, 0.5, -0.3)),
        (newton, (2.0, 0.3)),
        (wave, (numbers[0],)),
        (exchanged, (numbers[0], 0.4)),
        (exchanged_with_the_first, (numbers[0], 0.4)),
        (written_from_the_first, (numbers[0], 0.4)),
        (lists_called_as_builtins, (0.4, 0.9)),
        (arguments_called_as_builtins, (0.4, 0.9)),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_the_same_as_eager_for_other_inputs(f: Any, args: tuple[Any, ...]) -> None:
    code = cr.stage(f, *args)
    for scale in (1.0, 0.97, 1.02):
        leaves, restore = trees.flatten(args)
        scaled = restore([x * scale for x in leaves])
        assert "for " in code.source or f is two_before_and_one
        value, gradients = cr.value_and_grad(f, argnums=tuple(range(len(args))))(*scaled)
        found = trees.flatten(code(*scaled))[0]
        for a, b in zip(found, trees.flatten((value, gradients))[0], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


def test_a_gradient_is_not_called_as_a_variable_of_the_user() -> None:
    assert "d_f = (-1) / df" in cr.stage(newton, 2.0, 0.3).source


def test_a_stage_that_leaves_its_variable_as_it_was_has_no_number() -> None:
    def squares_and_sizes(a: Any) -> Any:
        return sum(v * v for v in a) + sum(abs(v) for v in a)

    a = np.array([1.0, -2.0, 3.0, 0.5, -0.7])
    np.testing.assert_allclose(cr.stage(squares_and_sizes, a)(a)[1][0], 2 * a + np.sign(a))


def test_a_table_that_is_longer_than_it_is_wide() -> None:
    def warped(a: Any, b: Any) -> Any:
        D = np.full((len(a) + 1, len(b) + 1), 1e3)
        D[0, 0] = 0
        for i in range(1, len(a) + 1):
            for j in range(1, len(b) + 1):
                cost = (a[i - 1] - b[j - 1]) ** 2
                near = np.exp(-D[i - 1, j]) + np.exp(-D[i, j - 1]) + np.exp(-D[i - 1, j - 1])
                D[i, j] = cost - np.log(near)
        return D[len(a), len(b)]

    args = np.linspace(0.0, 1.0, 6), np.linspace(0.3, 0.9, 5)
    found, right = cr.stage(warped, *args)(*args)[1], cr.grad(warped, (0, 1))(*args)
    for x, y in zip(found, right, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-10, atol=1e-12)
