"""Kernels that go on with the rows of a product, which is then never written as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn, optim
from chainrule.native.compiled import Compiled
from chainrule.native.executable import donating, native
from chainrule.native.runtime import threads
from chainrule.train.step import Carried, Trained, advance

RNG = np.random.default_rng(3)
SMALL = np.eye(8) / 50


def operands(dtype: Any = np.float64, m: int = 523, k: int = 7, n: int = 301) -> tuple[Any, ...]:
    """Return the operands of a product of a megabyte, an array like it, and one like a row of it.

    The right one is small, so that the product is computed in tiles by all processors.
    """
    shapes = (m, k), (k, n), (m, n), (n,)
    return tuple(RNG.normal(size=shape).astype(dtype) for shape in shapes)


def epilogues(lowered: Any) -> int:
    return sum(line.startswith("epilogue") for line in lowered.schedule.splitlines())


def check(f: Any, *args: Any, expected: int) -> None:
    """Compare compiled code with the function as it is, and count its epilogues."""
    fast = cr.compile(f, builder=native)
    tolerance = 1e-12 if args[0].dtype == np.float64 else 2e-5
    for factor in (1, -0.5):
        given = [(x * factor).astype(x.dtype) for x in args]
        leaves = (cr.trees.flatten(g(*given))[0] for g in (fast, f))
        for ours, theirs in zip(*leaves, strict=True):
            np.testing.assert_allclose(ours, theirs, tolerance, 10 * tolerance)
    assert epilogues(fast.lower(*args)) == expected


@pytest.mark.parametrize("shape", [(523, 7, 301), (2100, 60, 128)], ids=str)
@pytest.mark.parametrize(
    "f",
    [
        lambda a, b, c, d: np.maximum(a @ b + d, 0),
        lambda a, b, c, d: c - 0.1 * (a @ b),
        lambda a, b, c, d: (a @ b) * (b.T @ a.T).T,  # two products, of which one is carried on
        lambda a, b, c, d: (a @ b - np.mean(a @ b, axis=1, keepdims=True)) * d,
        lambda a, b, c, d: np.sum(np.sin(a @ b + d), axis=0),
        lambda a, b, c, d: np.sum(np.sin(a @ b), axis=1) + np.sum((a @ b) * c),
        lambda a, b, c, d: (a @ b).reshape(-1, 1, len(d))[:, 0] * c,
        lambda a, b, c, d: (a[::-1] @ b)[:, :-3] - c[:, 3:],
        lambda a, b, c, d: np.exp((a @ np.ascontiguousarray(b.T).T) / 9) - d,
    ],
)
def test_what_is_computed_from_the_rows_of_a_product(f: Any, shape: tuple[int, int, int]) -> None:
    check(f, *operands(np.float64 if shape[1] == 7 else np.float32, *shape), expected=1)


@pytest.mark.parametrize(
    "f",
    [
        lambda a, b, c, d: [a @ b, np.sum(np.sin(a @ b))],  # it is wanted itself
        lambda a, b, c, d: [np.sin(a @ b), (a @ b) @ d],  # it is multiplied, too
        lambda a, b, c, d: [np.sin(a @ b), np.max(a @ b, axis=0) * (a @ b)],
        lambda a, b, c, d: (a @ b).T + c.T,  # along columns
        lambda a, b, c, d: (a @ b)[::-1] + c,
        lambda a, b, c, d: (a @ b)[1:] + c[1:],
        lambda a, b, c, d: (a @ b)[np.arange(len(c))[:, None], np.arange(len(d))] * c,
        lambda a, b, c, d: (a[:100] @ b) * d,  # it is small
    ],
)
def test_products_that_are_computed_as_a_whole(f: Any) -> None:
    check(f, *operands(), expected=0)


def test_numbers_do_not_depend_on_threads() -> None:
    def f(a: Any, b: Any, c: Any, d: Any) -> Any:
        z = a @ b + d
        return np.concatenate([np.sum(np.tanh(z) * c, axis=0), np.sum(z * c, axis=1)])

    args = operands(np.float64, 700, 12, 300)
    before = threads.count()
    try:
        for number in (1, 3):
            threads.set_count(number)
            check(f, *args, expected=1)
    finally:
        threads.set_count(before)


def test_what_the_rows_are_used_with_is_fetched_meanwhile() -> None:
    args = operands(np.float32, 2100, 60, 128)
    lowered = cr.compile(lambda a, b, c, d: c - 0.1 * (a @ b), builder=native).lower(*args)
    assert "call void @llvm.prefetch" in lowered.ir


# What is written over may still be read.


def the_left_operand(w: Any, u: Any, x: Any) -> Any:
    return u + np.sin(u @ w), w


def a_part_of_it(w: Any, u: Any, x: Any) -> Any:
    return u + np.sin(x @ u[-8:]), w


def the_right_operand(w: Any, u: Any, x: Any) -> Any:
    return u + np.sin(x @ w), w - 1


def nothing(w: Any, u: Any, x: Any) -> Any:
    return u + np.sin(x @ SMALL), w


def turns(w: Any, u: Any, x: Any) -> Any:
    for _ in range(20):
        w, u = w * 0.5 - np.mean(u), u + np.sin(x @ w)
    return u, w


def a_part_in_place(w: Any, u: Any, x: Any) -> Any:
    v = x * 2
    v[:-8] += np.sin(v[:-8] @ v[-8:])
    return u + v, w


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("f", "fused"),
    [
        (the_left_operand, False),
        (a_part_of_it, False),
        (the_right_operand, None),
        (nothing, True),
        (turns, True),
        (a_part_in_place, False),
    ],
)
def test_what_is_written_over_is_read_before(f: Any, fused: bool | None, turned: bool) -> None:
    def step(carried: Any, x: Any) -> Any:
        found = f(*(carried[::-1] if turned else carried), x)
        return list(found if turned else found[::-1]), np.sum(x)

    x, u = RNG.normal(size=(2, 17_000, 8))
    w = RNG.normal(size=(8, 8))
    plain, donated = Compiled(step), Compiled(step, donating)
    expected = [u, w] if turned else [w, u]
    found = [x.copy() for x in expected]
    for turn in range(3):
        expected, _ = plain(expected, x) if turn else step(expected, x)
        found, _ = donated(found, x)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, 1e-9, 1e-9)
    assert fused in (None, "epilogue" in donated.lower(found, x).schedule)


@pytest.mark.parametrize(
    ("optimiser", "dtype"),
    [
        (optim.sgd(0.001), np.float64),
        (optim.nesterov(0.001), np.float32),
        (optim.adamw(0.01, eps=1e-3), np.float32),
        (optim.rmsprop(0.01, eps=1e-3), np.float64),
    ],
    ids=["sgd", "nesterov", "adamw", "rmsprop"],
)
def test_steps_of_training_go_on_with_gradients(optimiser: Any, dtype: Any) -> None:
    model = nn.Sequential(
        nn.Linear(500, 600, rng=0, dtype=dtype), nn.relu, nn.Linear(600, 3, rng=1, dtype=dtype)
    )

    def loss(model: Any, x: Any, y: Any) -> Any:
        return nn.squared_error(model(x), y)

    x, y = RNG.normal(size=(6, 500)).astype(dtype), RNG.normal(size=(6, 3)).astype(dtype)
    fast = advance(loss, optimiser, False)
    here, state = model, optimiser.init(model)
    carried = Carried(Trained(model, {}, state), np.zeros(2))
    carried = cr.trees.map_leaves(lambda leaf: np.array(leaf, order="C"), carried)
    for _ in range(4):
        gradient = cr.grad(loss)(here, x, y)
        updates, state = optimiser.update(gradient, state, here)
        here = optim.apply_updates(here, updates)
        carried, _ = fast(carried, np.zeros(2, np.uint64), x, y)
        found = nn.parameters(carried.trained.model)
        for name, expected in nn.parameters(here).items():
            tolerance = 1e-10 if dtype == np.float64 else 2e-4
            np.testing.assert_allclose(found[name], expected, tolerance, tolerance)
    assert epilogues(fast.lower(carried, np.zeros(2, np.uint64), x, y)) == 1
