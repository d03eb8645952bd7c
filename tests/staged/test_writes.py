"""Writes: printed in place, forwards and backwards, unless an entry is read later as it was."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr


def backward_of(staged: Any, stage: str) -> list[str]:
    """Return the backward lines of the stage that is written like this."""
    return [line.text for line in staged.backward if line.stage.text == stage]


def overwrite(A, v):
    A[0] = v
    return np.sum(A**2)


def increase(A, v):
    A[0] += v
    return np.sum(A**2)


def decrease(A, v):
    A[1:] -= v
    return np.sum(A**2)


def scale(A, v):
    B = 2 * A
    B[1] *= v
    return np.sum(B)


def divide(A, v):
    B = 2 * A
    B[1] /= v
    return np.sum(B)


def fill(A, v):
    A[:] = v
    return np.sum(A**2)


def mask(A, v):
    A[A > 1] = v
    return np.sum(A**2)


def smooth(A, v):
    A[1:-1] = (A[:-2] + A[2:]) * v
    return np.sum(A)


def shift(A, v):
    A[1:] += A[:-1]
    return np.sum(A * v)


def whole(A, v):
    A[:] = np.sin(A)
    return np.sum(A * v)


def view(A, v):
    b = A[1:]
    b[0] = v
    return np.sum(A**2)


@pytest.mark.parametrize(
    ("f", "stage", "expected"),
    [
        (overwrite, "A[0] = v", ["dv = dA[0]", "dA[0] = 0"]),
        (increase, "A[0] += v", ["dv = dA[0]"]),
        (decrease, "A[1:] -= v", ["dv = -np.sum(dA[1:])"]),
        (scale, "B_1[1] *= v", ["dv = dB[1] * B[1]", "dB[1] *= v"]),
        (divide, "B[1] /= v", ["dv = -dB[1] * B[1] / v", "dB[1] /= v"]),
        (fill, "A[:] = v", ["dv = np.sum(dA[:])", "dA[:] = 0"]),
        (mask, "A[mask] = v", ["dv = np.sum(dA[mask])", "dA[mask] = 0"]),
        (whole, "A_1 = np.sin(A)", ["dA = dA_1 * np.cos(A)"]),
        (view, "A[1] = v", ["dv = dA[1]", "dA[1] = 0"]),
        (shift, "A[1:] += A[:-1]", ["dA[:-1] += dA[1:]"]),
        (
            smooth,
            "A_1[1:-1] = (A[:-2] + A[2:]) * v",
            [
                "dv = np.sum(dA[1:-1] * (A[:-2] + A[2:]))",
                "t1 = dA[1:-1] * v",
                "dA[1:-1] = 0",
                "dA[2:] += t1",
                "dA[:-2] += t1",
            ],
        ),
    ],
)
def test_the_lines_of_a_write(f: Callable[..., Any], stage: str, expected: list[str]) -> None:
    x = np.array([0.5, 2.0, -1.0, 1.5])
    staged = cr.stage(f, x, 3.0)
    assert backward_of(staged, stage) == expected
    for found, right in zip(staged(x, 3.0)[1], cr.grad(f, (0, 1))(x, 3.0), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-15)


def test_rows_are_scaled_in_one_copy() -> None:
    def f(A, B):
        for k in range(4):
            A[k, :] = A[k, :] * B[k]
        return np.sum(A**2)

    A, B = np.arange(12.0).reshape(4, 3), np.arange(12.0).reshape(4, 3) - 5
    staged = cr.stage(f, A, B)
    assert staged.source.count(".copy()") == 1
    assert "dB[2] += dA[2, :] * A[2, :]" in staged.source


def test_what_is_read_later_as_it_was_is_kept() -> None:
    def f(x):
        y = np.sin(x)
        before = np.sum(y[:2])
        y[1:] = np.exp(y[1:])
        z = y * y
        y[0] = 3.0
        return np.sum(z * y) * before

    x = np.array([0.5, -0.25, 1.0])
    staged = cr.stage(f, x)
    np.testing.assert_allclose(staged(x)[1][0], cr.grad(f)(x), rtol=1e-14)


def test_a_value_that_was_taken_out_does_not_change() -> None:
    def f(A):
        row = A[0].copy()
        A[0] = A[1]
        A[1] = row
        return np.sum(A[0] * row) + np.sum(A[1] ** 3)

    A = np.array([[1.0, 2.0], [3.0, -4.0]])
    np.testing.assert_allclose(cr.stage(f, A)(A)[1][0], cr.grad(f)(A), rtol=1e-15)


def test_a_copy_keeps_its_name() -> None:
    def f(x):
        y = x.copy()
        y[0] = 2 * x[1]
        return np.sum(x * y)

    x = np.array([1.0, 2.0])
    staged = cr.stage(f, x)
    assert "y = x.copy()\n    y[0] = 2 * x[1]" in staged.source


def test_arguments_and_other_gradients_stay_as_they_are() -> None:
    def f(a, b):
        z = np.ones(3)
        z[:] = b[:]
        np.add.at(b, [0, 0], b[:2])
        return np.sum(z * a)

    a, b = np.arange(3.0), np.arange(3.0) + 1
    _, (da, db) = cr.stage(f, a, b)(a, b)
    assert not any(np.shares_memory(x, y) for x in (da, db) for y in (a, b))
    assert not np.shares_memory(da, db)
    np.testing.assert_array_equal(b, [1, 2, 3])


def test_an_index_that_may_name_an_entry_twice() -> None:
    def f(x, places):
        y = np.zeros(4)
        y[places] = x**2
        return np.sum(y * np.arange(4.0))

    x, places = np.array([1.0, 2.0, 3.0]), np.array([0, 1, 3])
    staged = cr.stage(f, x, places)
    for where in (places, np.array([2, 1, 2])):
        np.testing.assert_allclose(staged(x, where)[1][0], cr.grad(f)(x, where), rtol=1e-15)


def test_an_array_without_axes() -> None:
    def f(x, y):
        x[...] = y * x
        x[()] += y
        return x * y

    x, y = np.array(2.0, np.float32), np.array(3.0)
    _, gradients = cr.stage(f, x, y)(x, y)
    for found, right in zip(gradients, cr.grad(f, (0, 1))(x, y), strict=True):
        np.testing.assert_allclose(found, right)
    assert x == 2


def test_a_number_is_no_array_without_axes() -> None:
    def f(x: Any) -> Any:
        y = x.copy()
        y[...] *= 0.5
        c = np.prod(y)
        np.copyto(y, c)
        return np.sum(y) * 2 + np.max(y)

    staged = cr.stage(f, np.array(0.7))  # y * 0.5 is a number, and dy[...] a view
    value, (dx,) = staged(np.array(0.7))
    assert (value, dx) == (pytest.approx(1.05), 1.5)


@pytest.mark.parametrize("row", [0, slice(0, 1), slice(None, 2)])
def test_an_entry_of_the_sum_of_all(row: Any) -> None:
    def f(x):
        a = 2 * x
        a[row] = np.sum(a, axis=0)
        return np.sum(a * a)

    x = np.array([[0.5, 1.0], [-2.0, 0.25], [1.5, -1.0]])
    np.testing.assert_allclose(cr.stage(f, x)(x)[1][0], cr.grad(f)(x), rtol=1e-15)


def test_entries_that_are_named_twice_are_added_to_and_subtracted_from() -> None:
    def f(x):
        y = np.sin(x)
        np.subtract.at(y, [2, 2], x[0] * x[1])
        inner = cr.grad(lambda z: np.sum(z[[0, 0, 1]] ** 2) * x[0])(x)  # a scatter in a stage
        return np.sum(y**2) + np.sum(inner * x)

    x = np.array([0.5, -2.0, 1.5])
    staged = cr.stage(f, x)
    assert "np.subtract.at(y, [2, 2], x[0] * x[1])" in staged.source
    np.testing.assert_allclose(staged(x)[1][0], cr.grad(f)(x), rtol=1e-14)


# Programs at random.

_LENGTHS = {
    "0": 0, "1": 0, "2": 0, "-1": 0, "1:": 4, "1:3": 2, ":-1": 4, "::2": 3, "[0, 2]": 2,
    "[3, 1]": 2, "...": 5, ":": 5,
}  # fmt: skip


class _Writer:
    """Writes a function of two vectors of 5 entries and a matrix of 3 rows of 4."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.vectors = ["a", "b"]
        self.lines = ["def f(a, b, c):"]
        for _ in range(self.random.randint(2, 9)):
            statement = self.random.choice(
                [self.write, self.write, self.write, self.new, self.buffer, self.copy, self.view,
                 self.add_at, self.whole, self.swap, self.row, self.out]
            )  # fmt: skip
            self.lines += [f"    {line}" for line in statement()]
        x, y, z = (self.random.choice(self.vectors) for _ in range(3))
        self.lines.append(f"    return np.sum({x} * {y}) + np.sum(c * c) + np.sum({z}**2)")

    def index(self, length: int | None = None) -> str:
        return self.random.choice([k for k, n in _LENGTHS.items() if length in (None, n)])

    def value(self, length: int, depth: int = 0) -> str:
        entries = f"{self.random.choice(self.vectors)}[{self.index(length)}]"
        if length == 4 and self.random.random() < 0.4:
            entries = f"c[{self.random.choice(['0', '1', '-1'])}]"
        kind = self.random.random()
        if depth < 2 and kind < 0.55:
            other = self.value(self.random.choice([length, 0]), depth + 1)
            return f"({entries} {self.random.choice('+-*')} {other})"
        if length == 0 and kind > 0.9:
            return f"np.sum({self.vector()})"
        return f"np.sin({entries})" if kind < 0.75 else entries

    def named(self, letter: str) -> str:
        self.vectors.append(f"{letter}{len(self.vectors)}")
        return self.vectors[-1]

    def vector(self) -> str:
        return self.random.choice(self.vectors)

    def write(self) -> list[str]:
        where = self.index()
        value = self.value(self.random.choice([_LENGTHS[where], 0]))
        return [f"{self.vector()}[{where}] {self.random.choice(['=', '+=', '*=', '-='])} {value}"]

    def new(self) -> list[str]:
        value = f"{self.vector()} * {self.value(0)}"
        return [f"{self.named('v')} = {value}"]

    def buffer(self) -> list[str]:
        made = self.random.choice(["np.zeros(5)", "np.empty(5)", "np.zeros_like(a)"])
        values = self.value(5), self.value(2), self.value(0)
        name = self.named("z")
        if self.random.random() < 0.5:
            return [f"{name} = {made}", f"{name}[:] = {values[0]}"]
        filled = [f"{name}[1:3] = {values[1]}", f"{name}[0] = {values[2]}", f"{name}[3:] = 0.5"]
        return [f"{name} = {made}", *filled]

    def copy(self) -> list[str]:
        copied = self.vector()
        return [f"{self.named('k')} = {copied}.copy()"]

    def view(self) -> list[str]:
        where, symbol = self.random.choice(["[0]", "[:2]", "[...]"]), self.random.choice("* ")
        return [f"w = {self.vector()}[1:]", f"w{where} {symbol.strip()}= {self.value(0)}"]

    def add_at(self) -> list[str]:
        return [f"np.add.at({self.vector()}, [0, 0, 3], {self.value(self.random.choice([0, 3]))})"]

    def whole(self) -> list[str]:
        return [f"{self.vector()} {self.random.choice('+*')}= {self.value(5)}"]

    def swap(self) -> list[str]:
        x, y = self.vector(), self.vector()
        return [f"{x}[0], {y}[1] = {y}[1], {x}[0]"]

    def row(self) -> list[str]:
        if self.random.random() < 0.3:
            return ["for row in c:", f"    row *= {self.value(0)}"]
        where = self.random.choice(["0", "-1", "1, :", "0, ..."])
        return [f"c[{where}] {self.random.choice(['=', '+=', '*='])} {self.value(4)}"]

    def out(self) -> list[str]:
        x = self.vector()
        return [f"np.multiply({x}, {self.vector()}, out={x})"]


@pytest.mark.parametrize("seed", range(60))
def test_programs_at_random(seed: int) -> None:
    names: dict[str, Any] = {"np": np}
    exec("\n".join(_Writer(seed).lines), names)
    f = names["f"]
    generator = np.random.default_rng(seed)

    def arguments() -> list[np.ndarray]:
        return [generator.uniform(-1, 1, size) for size in (5, 5, (3, 4))]

    args = arguments()
    kept = [x.copy() for x in args]
    staged = cr.stage(f, *args)
    for point in (args, arguments()):
        value, gradients = staged(*point)
        expected, eager = cr.value_and_grad(f, (0, 1, 2))(*point)
        assert value == pytest.approx(expected, rel=1e-13)
        for found, right in zip(gradients, eager, strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-9, atol=1e-11)
        shared = [(x, y) for k, x in enumerate(gradients) for y in (*gradients[:k], *point)]
        assert not any(np.shares_memory(x, y) for x, y in shared)
    run = staged.run(*args)
    for found, right in zip(run.gradients, staged(*args)[1], strict=True):
        np.testing.assert_array_equal(found, right)
    for x, before in zip(args, kept, strict=True):
        np.testing.assert_array_equal(x, before)


def test_a_named_view_of_what_is_written_is_copied_first() -> None:
    def f(y: Any) -> Any:
        m = np.zeros((4, 4))
        m[:] = y
        w = m.T
        m[1] = w[2] - 0
        return np.sum(np.cos(m) * np.arange(16.0).reshape(4, 4))

    y = np.linspace(-1, 1, 16).reshape(4, 4)
    staged = cr.stage(f, y)
    assert "m[1] = w[2].copy()" in staged.source
    np.testing.assert_allclose(staged(y * 0.9)[1][0], cr.grad(f)(y * 0.9))
