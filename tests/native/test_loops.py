"""Loops that stay loops in compiled code: values, code size, and what is written turn by turn."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.native.interpret import interpreted
from chainrule.native.lower import looped, rolled
from chainrule.native.pipeline import build
from chainrule.native.record import short
from tests.programs import random_loops

from .conftest import calls_of, same
from .test_listing import check

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

X = np.random.default_rng(0).normal(size=200) * 0.3
ORDER = np.random.default_rng(0).permutation(200)


def pendulum(turns: int) -> Callable[..., Any]:
    def f(th, om, dt):
        for _ in range(turns):
            th = th + dt * om
            om = om - dt * math.sin(th)
        return th

    return f


def horner(x, c):
    y = 0.0
    for k in range(len(c)):
        y = y * x + c[k]
    return y


def backwards(x, c):
    y = 0
    for k in range(len(c)):
        y = y * x + c[-1 - k]
    return y


def newton(a):
    x = a
    for _ in range(100):
        x = x - (x * x - a) / (2 * x)
    return x


def logistic(x, r):
    for _ in range(100):
        x = r * x * (1 - x)
    return x


def two_turns_before(a, b):
    for _ in range(150):
        a, b = b, 0.5 * a + 0.4 * b
    return a * b


def constants_of_turns(a):
    for i in range(100):
        a = 0.9 * math.sin(a) + 0.01 * math.cos(i) * a
    return a


def truths(a, b):
    for _ in range(100):
        a = np.where(a > b, 0.5 * a, a + 0.1 * b)
    return a


def tape_as_array(a, b):
    seen = []
    for _ in range(200):
        a = a * b + 0.1
        seen.append(a)
    return np.sum(np.array(seen) ** 2)


def guards(a):
    for _ in range(100):
        if a > -1e9:
            a = 0.9 * a + 0.1
    return a


def of_float32(a, x):
    for k in range(100):
        a = a * a * np.float32(0.5) + x[k]
    return a


PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "pendulum": (pendulum(200), (0.5, 0.1, 0.01)),
    "horner": (horner, (0.9, X)),
    "backwards": (backwards, (0.9, X)),
    "newton": (newton, (2.0,)),
    "logistic": (logistic, (0.3, 2.7)),
    "two turns before": (two_turns_before, (0.3, 0.7)),
    "constants of turns": (constants_of_turns, (0.7,)),
    "truths": (truths, (0.3, 0.7)),
    "tape as array": (tape_as_array, (0.3, 0.7)),
    "guards": (guards, (0.3,)),
    "float32": (of_float32, (np.float32(0.3), X.astype(np.float32))),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_of_five_calls(name: str) -> None:
    f, args = PROGRAMS[name]
    tolerance = 1e-4 if name == "float32" else 1e-9
    for function in (f, cr.value_and_grad(f, tuple(range(len(args))))):
        fast = cr.compile(function)
        for given_ in calls_of(args):
            same(fast(*given_), function(*given_), tolerance)
    check(cr.value_and_grad(f, tuple(range(len(args)))), *args, tolerance=tolerance)


def loops_in(f: Callable[..., Any], *args: Any) -> str:
    text: str = cr.compile(f).lower(*args).loops
    return text


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_forward_pass_is_a_loop(name: str) -> None:
    f, args = PROGRAMS[name]
    assert "for t in range" in loops_in(f, *args)


@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - {"guards", "truths", "two turns before"}))
def test_the_backward_pass_is_a_loop(name: str) -> None:
    f, args = PROGRAMS[name]
    text = loops_in(cr.value_and_grad(f, tuple(range(len(args)))), *args)
    assert text.count("for t in range") >= 2
    assert len(text.splitlines()) < 110


def of_arrays(a, v):
    for _ in range(40):
        v = np.tanh(a * v[::-1] + v)
        a = a + 0.1 * v[0] * v[1]
    return a


def without_pattern(a, v):
    for k in range(100):
        a = a * v[ORDER[k]]
    return a


def test_other_loops_are_written_turn_by_turn() -> None:
    args, f = (0.3, X), without_pattern
    assert "for t in range" not in loops_in(f, *args)
    fast, gradient = cr.compile(cr.value_and_grad(f, (0, 1))), cr.value_and_grad(f, (0, 1))
    same(fast(*args), gradient(*args), 1e-9)


def test_few_turns_are_written_one_by_one() -> None:
    assert "for t" not in loops_in(cr.value_and_grad(pendulum(8), (0, 1, 2)), 0.5, 0.1, 0.01)


def test_code_does_not_grow_with_the_number_of_turns() -> None:
    def size(turns: int) -> int:
        gradient = cr.value_and_grad(pendulum(turns), (0, 1, 2))
        program = cr.compile(gradient, builder=interpreted).lower(0.5, 0.1, 0.01).program
        return len(build(program, 1).ir)

    assert size(1000) < 1.02 * size(100)


@pytest.mark.parametrize("name", ["pendulum", "horner", "newton", "logistic", "truths"])
def test_the_same_bits_as_turn_by_turn(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    f, args = PROGRAMS[name]
    gradient = cr.value_and_grad(f, tuple(range(len(args))))
    found = cr.compile(gradient)(*args), cr.compile(f)(*args)
    monkeypatch.setattr(looped, "_FEWEST", 10**9)
    monkeypatch.setattr(short, "LONG", 10**9)
    monkeypatch.setattr(rolled, "_SHORTEST", 10**9)
    assert "for t" not in loops_in(gradient, *args)
    same(found, (cr.compile(gradient)(*args), cr.compile(f)(*args)), 0.0)


@given(st.data())
@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_random_loops(monkeypatch: pytest.MonkeyPatch, data: st.DataObject) -> None:
    monkeypatch.setattr(looped, "_FEWEST", 0)  # so that five turns are a loop
    monkeypatch.setattr(looped, "_SHORTEST", 0)
    monkeypatch.setattr(rolled, "_SHORTEST", 0)
    text = random_loops.source(lambda options: data.draw(st.sampled_from(options)))
    gradient = cr.value_and_grad(random_loops.defined(text), (0, 1, 2, 3))
    fast = cr.compile(gradient)
    rng = np.random.default_rng(0)
    for _ in range(3):
        a, b = map(float, rng.normal(size=2) * 0.3)
        v, w = rng.normal(size=(2, random_loops.LENGTH)) * 0.5
        same(fast(a, b, v, w), gradient(a, b, v, w), 1e-8)


def sine_first(th, om, dt):
    for _ in range(300):
        om, th = om - dt * np.sin(th), th + dt * om
    return th


def of_cosines(th, om, dt):
    for _ in range(300):
        th = th + dt * om
        om = om - dt * np.cos(th)
    return th


@pytest.mark.parametrize("f", [pendulum(300), sine_first, of_cosines])
def test_a_backward_pass_is_one_loop(f: Callable[..., Any]) -> None:
    """It adds up in its turns. Its cosines are taken with the sines, in the loop before."""
    gradient, args = cr.value_and_grad(f, (0, 1, 2)), (0.5, 0.1, 0.01)
    text = loops_in(gradient, *args)
    assert (text.count("for t in"), text.count("for i in")) == (2, 0)
    forwards, backwards = text.split("for t in")[1:]
    assert all(name in forwards and name not in backwards for name in ("sin(", "cos("))
    assert "empty((4,)" in text  # nothing is kept of the turns of the last one
    same(cr.compile(gradient)(*args), gradient(*args), 1e-9)


def angles(a, b):
    for t in range(300):
        b = b * 1.1 + t
        a = 0.5 * a + np.sin(b) + np.exp(0.01 * b) + 0.1 * np.cos(b)
    return a


def test_functions_have_a_fast_and_a_slow_way_in_turns():
    """Some angles, and arguments of exp, are beyond the limits of what is quick."""
    compiled = cr.compile(angles)
    for args in ((0.3, 0.7), (1e3, -1e200), (-40.0, 0.0), (0.0, math.nan), (1e300, 2.0)):
        same(compiled(*args), angles(*map(np.float64, args)), 1e-9)


def cosines(a, x):
    for t in range(len(x)):
        a = a * np.cos(x[-1 - t]) + np.exp(x[t])
    return a


def test_what_no_turn_waits_for_is_computed_before_the_loop():
    text = loops_in(cosines, 0.3, X)
    loop = text.partition("for t in range")[2]
    assert "cos(" not in loop
    assert "exp(" not in loop
    same(cr.compile(cosines)(0.3, X), cosines(0.3, X), 1e-12)


@pytest.mark.parametrize(("turns", "delay"), [(91, 9), (60, 7)])
def test_what_a_delay_hands_on_is_read_in_the_right_turn(turns: int, delay: int) -> None:
    def f(x: Any) -> Any:
        held: list[Any] = [0.0] * delay
        for t in range(turns):
            held = [*held[1:], math.tanh(0.5 * held[0] + x[t])]
        return sum(held)

    draw, value_and_grad = np.random.default_rng(0), cr.value_and_grad(f)
    compiled = cr.compile(value_and_grad)
    for _ in range(2):  # the first one is the function's own
        x = draw.normal(size=turns)
        for a, b in zip(compiled(x), value_and_grad(x), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)
