"""The loops as they are shown: run as Python, they do what the machine code does."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import trees
from chainrule.graph.graph import Apply
from chainrule.graph.loops.loop import Loop
from chainrule.native.describe import rewritten
from chainrule.native.interpret import interpreted
from chainrule.native.listing import listing
from chainrule.native.pipeline import build
from chainrule.native.record.signature import flatten
from chainrule.operations.slot import SLOT
from tests.programs.golden import PROGRAMS

from .conftest import on_copies

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

rng = np.random.default_rng(0)
X = rng.normal(size=(6, 9))
PICKED = np.array([3, 0, -1, 3])


def softmax(x: Any) -> Any:
    powers = np.exp(x - np.max(x, axis=1, keepdims=True))
    return powers / np.sum(powers, axis=1, keepdims=True)


def check(f: Any, *args: Any, tolerance: float = 1e-11) -> str:
    """Run the listing of a function, compare what it returns with the reference; return it."""
    program = cr.compile(f, builder=interpreted).lower(*args).program
    built = build(program, 1)
    text = listing(built, rewritten(built))
    known: dict[str, Any] = {"empty": np.empty, "full": np.full, "ndindex": np.ndindex}
    known |= {
        "maximum": np.maximum,
        "minimum": np.minimum,
        "inf": np.inf,
        "nan": np.nan,
        "SLOT": SLOT,
    }
    applied = [vertex for vertex in built.schedule.vertices() if isinstance(vertex, Apply)]
    bodies = [vertex.operation.body for vertex in applied if isinstance(vertex.operation, Loop)]
    applied += [vertex for body in bodies for vertex in body if isinstance(vertex, Apply)]
    known |= {vertex.operation.name: vertex.operation.compute for vertex in applied}
    exec(text, known)
    name = re.match(r"def (\w+)", text)
    assert name is not None
    _, inputs = flatten(args, {})
    captured = [constant.value for constant in program.captured]
    found = known[name[1]](*inputs, *captured, *built.fixed)
    found = found if len(program.outputs) > 1 else (found,)
    expected, _ = interpreted(program)(inputs, captured)
    for a, b in zip(found, expected, strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    return text


def floating(args: tuple[Any, ...]) -> tuple[int, ...]:
    """Return which arguments can be differentiated by."""

    def is_floating(leaf: Any) -> bool:
        return isinstance(leaf, float) or getattr(leaf, "dtype", np.dtype(int)).kind == "f"

    return tuple(k for k, arg in enumerate(args) if all(map(is_floating, trees.flatten(arg)[0])))


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_and_their_gradients(name: str) -> None:
    f, args = PROGRAMS[name]
    f = on_copies(f, args)
    check(f, *args)
    argnums = floating(args)
    if argnums:
        check(cr.value_and_grad(f, argnums), *args)


@pytest.mark.parametrize(
    "f",
    [
        softmax,
        lambda x: np.sum(np.exp(x) * np.log(softmax(x)), axis=0),
        lambda x: (np.max(x, axis=1), np.min(x), np.prod(x, axis=0)),
        lambda x: (np.any(x > 2, axis=1), np.all(x > -3), np.sum(x > 0, axis=0)),
        lambda x: x.T[:6, ::-1] * 2 - x[:, :6],
        lambda x: np.exp(x)[:, None] * np.exp(x),
        lambda x: np.sum(np.exp(x[PICKED]), axis=1),
        lambda x: np.exp(x)[:, PICKED] @ X[:4],
        lambda x: np.concatenate([np.exp(x), x.T[:6] * 2], axis=1),
        lambda x: np.cumsum(np.sort(x * 2, axis=1), axis=0) + 1,
        lambda x: np.full(3, 2.0) @ x[:3],
        lambda x: x.astype(np.float32) / 3,
        lambda x: np.exp(np.broadcast_to(x[0], (6, 9)).T) * 2 + x.T,
        lambda x: (x[0] * 2)[:, None] * (x[0] * 2),
    ],
)
@pytest.mark.parametrize("gradient", [False, True])
def test_kinds_of_steps(f: Any, gradient: bool) -> None:
    if not gradient:
        check(f, X)
        return
    floats = [x for x in trees.flatten(f(X))[0] if np.asarray(x).dtype.kind == "f"]
    if floats:
        check(cr.value_and_grad(lambda x: sum(map(np.sum, trees.flatten(f(x))[0]))), X)


def test_a_row_is_gone_over_in_phases() -> None:
    assert (
        check(softmax, X)
        == """\
def softmax(x):
    row_of_v2 = empty((9,))
    m4 = empty((6, 9), 'float64')
    for i in range(6):
        v0 = -inf
        for j in range(9):
            v0 = maximum(v0, x[i, j])
        v3 = 0
        for j in range(9):
            v1 = x[i, j] - v0
            v2 = exp(v1)
            row_of_v2[j] = v2
            v3 += v2
        for j in range(9):
            v4 = row_of_v2[j] / v3
            m4[i, j] = v4
    return m4"""
    )


def test_long_axes_and_one_number() -> None:
    assert "# in blocks of 4096" in check(lambda x: np.sum(np.exp(x)), rng.normal(size=10_000))
    assert "for" not in check(lambda x, y: x * y + 1, 2.0, 3.0)


def test_a_guard_is_an_assertion() -> None:
    def f(x: Any) -> Any:
        return x * 2 if np.sum(x) > 100 else np.exp(x)

    assert "assert m" in check(f, X)


def test_a_compiled_function_shows_its_loops() -> None:
    assert (
        cr.compile(lambda x: np.sum(np.exp(x) * 2)).lower(X).loops
        == """\
def _lambda(x):
    m2 = 0
    for i, j in ndindex(6, 9):
        v0 = exp(x[i, j])
        v1 = v0 * 2
        m2 += v1
    return m2"""
    )


def test_a_loop_that_ends_when_a_condition_fails_says_which() -> None:
    def root(a: float, tol: float) -> float:
        x = a
        while abs(x * x - a) > tol:
            x = 0.5 * (x + a / x)
        return x

    shown = cr.compile(root).lower(50.0, 1e-9).loops
    line = root.__code__.co_firstlineno + 2
    said = f"# line {line} of test_listing.py: while abs(x * x - a) > tol"
    assert f"for t in itertools.count():  {said}" in shown
    ast.parse(cr.compile(cr.value_and_grad(root)).lower(50.0, 1e-9).loops)
