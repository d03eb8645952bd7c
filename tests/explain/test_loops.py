"""Loops in explanations: a line once, its turns beside it, and gradients through time."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from tests.programs.loops import PROGRAMS, pendulum
from tests.programs.whiles import PROGRAMS as WHILES

random = np.random.default_rng(4)
INPUTS = random.normal(size=(20, 3))


def rnn(W: Any, U: Any, xs: Any) -> Any:
    h = np.zeros(8)
    for t in range(20):
        h = np.tanh(W @ h + U @ xs[t])
    return np.sum(h**2)


def linear(W: Any, U: Any, xs: Any) -> Any:
    h = np.zeros(8)
    for t in range(20):
        h = W @ h + U @ xs[t]
    return np.sum(h**2)


def explained(f: Any, scale: float) -> Any:
    W, U = random.normal(size=(8, 8)) * scale, 0.1 * random.normal(size=(8, 3))
    return cr.explain(f, W, U, INPUTS)


def test_a_line_of_a_loop_stands_there_once_with_its_first_and_last_value() -> None:
    e = cr.explain(pendulum(50), 0.5, 0.1, 0.01)
    lines = [line.split() for line in e.text.splitlines()]
    (line,) = (words for words in lines if words[:3] == ["(1)", "th", "="])
    th = [stage.value for stage in e.staged.stages if stage.number % 2]
    assert line[-3:] == [f"{th[0]:.4g}", "…", f"{th[-1]:.4g}"]
    assert ["th", "=", f"{e.value:.4g}"] in lines


def test_the_text_is_as_long_for_many_turns_as_for_few() -> None:
    lengths = {len(cr.explain(pendulum(n), 0.5, 0.1, 0.01).text.splitlines()) for n in (8, 40)}
    assert len(lengths) == 1


@pytest.mark.parametrize(
    ("f", "scale", "kind"), [(rnn, 0.05, "vanishing"), (linear, 0.9, "exploding")]
)
def test_gradients_through_time(f: Any, scale: float, kind: str) -> None:
    e = explained(f, scale)
    (finding,) = (f for f in e.warnings if f.is_of_loop)
    sizes = [np.linalg.norm(e.run.gradients[stage.node]) for stage in e.staged.stages[:20]]
    assert finding.kind == kind
    assert finding.stage == "h"
    assert finding.line == f.__code__.co_firstlineno + 3
    assert finding.numbers["ratio"] == pytest.approx(sizes[0] / sizes[-1])
    assert finding.numbers["rate"] == pytest.approx((sizes[0] / sizes[-1]) ** (1 / 19))
    said = f"{sizes[-1]:.4g} at t = 19", f"{sizes[0]:.4g} at t = 0"
    assert all(text in finding.message for text in said)
    assert f"# |dh| {', '.join(said)}: " in e.text


def test_what_is_found_in_many_turns_is_said_once() -> None:
    def f(x: Any) -> Any:
        for _ in range(12):
            x = np.tanh(9 * x + 4)
        return np.sum(x)

    saturated = [f for f in cr.explain(f, np.full(3, 0.5)).warnings if f.kind == "saturated"]
    assert len(saturated) == 1
    assert "So it is in 12 of 12 turns, from turn 0 on." in saturated[0].message


def test_the_worst_turn_is_named() -> None:
    def hump(x: float) -> float:
        for t in range(20):
            x = x * math.exp(1.5 * (9.5 - t) / 9.5)
        return x

    assert "at t = 9" in cr.explain(hump, 0.5).text


def test_a_loop_is_one_box_with_its_body() -> None:
    e = explained(rnn, 0.3)
    (loop,) = (group for group in e.graph.groups if group.body)
    assert loop.name == "for t in range(20):"
    assert list(loop.body) == ["h = np.tanh(W @ h + U @ xs[t])"]
    assert len(e.graph.vertices) == 3 + 1 + 2  # inputs, loop, square and sum
    assert "h = np.tanh(W @ h + U @ xs[t])" in e.svg()
    assert "for t in range(20):" in e.dot()
    assert pickle.loads(pickle.dumps(e)).text == e.text


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_loop_can_be_explained_and_drawn(name: str) -> None:
    f, args, _ = PROGRAMS[name]
    e = cr.explain(f, *args)
    assert max(map(len, e.text.splitlines())) <= 80
    assert "nan" not in e.text
    assert e.svg().startswith("<svg")
    for group in e.graph.groups:
        assert all(lead.source < v for v in group.vertices for lead in e.graph.vertices[v].leads)


def test_while_has_its_first_and_last_turn_and_how_the_gradient_changes() -> None:
    e = cr.explain(WHILES["newton"][0], 50.0, 1e-12)
    assert "while abs(x * x - a) > tol:" in e.text
    assert "25.5 … 7.071" in e.text
    assert "|dx| 1 at turn 6, 3.16e-15 at turn 0: shrinks by" in e.text
    assert [group.name for group in e.graph.groups if group.body] == ["while abs(x * x - a) > tol:"]
    assert pickle.loads(pickle.dumps(e)).text == e.text


@pytest.mark.parametrize("name", ["power_iteration", "counted", "series"])
def test_open_loops_can_be_explained_and_drawn(name: str) -> None:
    f, args, _ = WHILES[name]
    e = cr.explain(f, *args)
    assert max(map(len, e.text.splitlines())) <= 80
    assert e.svg().startswith("<svg")
