"""Loops over arrays in compiled code: values, listing, code size, nests, memory, signals."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.native.interpret import interpreted
from chainrule.native.lower import rolled
from chainrule.native.pipeline import build
from chainrule.native.record import short

from .conftest import calls_of, same
from .test_listing import check

rng = np.random.default_rng(0)
V, A, B = rng.normal(size=9), rng.normal(size=(6, 6)), rng.normal(size=(6, 6))
XS, W, U = (0.4 * rng.normal(size=size) for size in ((12, 3, 2), (2, 4), (4, 4)))


def heat(turns: int) -> Callable[..., Any]:
    def f(u, c):
        u = u.copy()
        for _ in range(turns):
            u[1:-1] += c * (u[2:] - 2 * u[1:-1] + u[:-2])
        return np.sum(u * u)

    return f


def two_buffers(a, b):
    a, b = a.copy(), b.copy()
    for _ in range(12):
        b[1:-1, 1:-1] = 0.2 * (a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1])
        a[1:-1, 1:-1] = 0.2 * (b[1:-1, 1:-1] + b[1:-1, :-2] * b[1:-1, 2:] + b[:-2, 1:-1])
    return np.sum(a * b)


def recurrent(xs, w, u):
    h = np.zeros((3, 4))
    for x in xs:
        h = np.tanh(x @ w + h @ u)
    return np.sum(h * h)


def seidel(a):
    a = a.copy()
    for _ in range(5):
        for i in range(1, 5):
            for j in range(1, 5):
                a[i, j] = (a[i - 1, j] + a[i, j - 1] + a[i, j] + a[i, j + 1] * a[i + 1, j]) / 5
    return np.sum(a * a)


def fibonacci(v):
    before, now = v, 0.5 * v
    for k in range(20):
        before, now = now, 0.3 * (now + before) + 0.01 * k
    return np.sum(now)


def rows_kept(a, v):
    seen = []
    for k in range(6):
        v = np.sin(v[::-1]) * 0.9
        seen.append(v * a[k, 0])
    return np.sum(np.stack(seen) ** 2)


def number_beside_array(s, v):
    for _ in range(20):
        v = np.tanh(s * v[::-1] + v)
        s = s + 0.1 * v[0] * v[1]
    return s


def while_loop(v):
    turns = 0
    while turns < 15:
        v = v / (1 + v * v)
        turns += 1
    return np.sum(v)


PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "heat": (heat(20), (V, 0.1)),
    "two buffers": (two_buffers, (A, B)),
    "recurrent": (recurrent, (XS, W, U)),
    "seidel": (seidel, (A,)),
    "fibonacci": (fibonacci, (V,)),
    "rows kept": (rows_kept, (A, V)),
    "number beside array": (number_beside_array, (0.3, V)),
    "while": (while_loop, (V,)),
}


def gradient_of(f: Callable[..., Any], args: tuple[Any, ...]) -> Callable[..., Any]:
    return cr.value_and_grad(f, tuple(range(len(args))))


@pytest.mark.parametrize("name", PROGRAMS)
def test_values_of_five_calls_and_the_listing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rolled, "_SHORTEST", 8)
    f, args = PROGRAMS[name]
    gradient = gradient_of(f, args)
    fast = cr.compile(gradient)
    for given in calls_of(args):
        same(fast(*given), gradient(*given), 1e-11)
    assert check(gradient, *args).count("for t in range") >= 1


def test_the_same_bits_as_turn_by_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    f, args = heat(30), (V, 0.1)
    found = cr.compile(f)(*args)
    monkeypatch.setattr(rolled, "_SHORTEST", 10**9)
    monkeypatch.setattr(short, "LONG", 10**9)
    assert "for t" not in cr.compile(f).lower(*args).loops
    same(found, cr.compile(f)(*args), 0.0)


def test_code_does_not_grow_with_the_number_of_turns() -> None:
    def size(turns: int) -> int:
        gradient = gradient_of(heat(turns), (V, 0.1))
        program = cr.compile(gradient, builder=interpreted).lower(V, 0.1).program
        return len(build(program, 1).ir)

    assert size(300) < 1.02 * size(30)


def test_many_turns_are_recorded_and_compiled_as_few() -> None:
    gradient = gradient_of(heat(3000), (V, 0.1))
    fast = cr.compile(gradient)
    for given in ((V, 0.1), (0.5 * V, 0.2)):
        same(fast(*given), gradient(*given), 1e-10)
    assert "for t in range(3000)" in fast.lower(V, 0.1).loops


def test_states_lie_in_place_in_loops_of_loops() -> None:
    text = cr.compile(seidel).lower(A).schedule
    outer, _, inner = text.partition("    loop     4 turns")
    assert "  loop     4 turns" in outer
    assert "kernel   over 6 x 6" not in inner.partition("\nkernel")[0]


def test_the_reason_why_turns_are_written_one_by_one() -> None:
    def f(v):
        for k in range(30):
            v = np.roll(v, k) * 0.9 + np.sort(v)
        return np.sum(v)

    assert "written turn by turn: 30 turns: roll takes integers" in cr.compile(f).lower(V).schedule


@pytest.mark.skipif(os.name == "nt", reason="needs signals of POSIX")
def test_a_signal_ends_a_long_loop() -> None:
    def f(v):
        for _ in range(100_000):
            v = np.tanh(v) + 0.1 * v
        return np.sum(v)

    v = np.ones(20_000)
    fast = cr.compile(f)
    fast.lower(v)  # which compiles
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        fast(v)
