"""What goes wrong is told in the page as `explain` tells it, and in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.explain.findings import percent
from chainrule.explain.measures import TEXTS
from chainrule.explain.numbers import format_number
from chainrule.page.replay import Replay
from chainrule.page.watch import Alarm, alarms

X = np.array([[1.0, -2.0], [0.5, 1.5], [2.0, 0.25]])
W = np.array([[0.5, -1.0, -2.0], [1.0, 0.75, -1.0]])


def sigmoid(x, w):
    z = 1 / (1 + np.exp(-w * x))
    return np.sum(z)


def units(x, W, k):
    h = k * (x @ W)
    z = np.tanh(h)
    r = np.maximum(h - 1, 0)
    return np.sum(z) + np.sum(r)


def vanishing(x):
    for _ in range(4):
        x = 0.05 * np.sin(x)
    return np.sum(x)


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (sigmoid, (2.0, -9.0)),
        (sigmoid, (2.0, 0.5)),
        (sigmoid, (np.array([9.0, 8.0, 0.1]), 1.0)),
        (lambda x: np.maximum(x, 0), (-1.0,)),
        (lambda x: np.sum(np.maximum(x, 0)), (-np.ones(3),)),
        (units, (X, W, 1.0)),
        (units, (X, W, 20.0)),
        (vanishing, (np.ones(3),)),
        (lambda x: np.sum((50 * np.sin(50 * np.sin(x))) * 50), (np.full(3, 1e-4),)),
    ],
)
def test_the_same_is_told_as_in_the_explanation(f: Any, args: Any) -> None:
    explanation = cr.explain(f, *args)
    replay = Replay(explanation.run)

    def said(alarm: Alarm) -> str:
        numbers = {k: format_number(np.ravel(v)[0]) for k, v in values(alarm.numbers).items()}
        shares = {k: percent(v) for k, v in values(alarm.shares).items()}
        return TEXTS[alarm.text].format(**alarm.names, **numbers, **shares)

    def values(found: Any) -> dict[str, Any]:
        return {k: replay.vertex(v).value for k, v in found.items()}

    told = [said(x) for x in alarms(explanation.run, replay) if replay.vertex(x.when).value]
    messages = [x.message for x in explanation.warnings if not x.message.startswith("the result")]
    messages = [x for x in messages if "so nothing flows back" not in x]  # of inner variables
    assert len(told) == len(messages)
    for text in told:
        assert any(message.startswith(text) for message in messages), text


def test_it_is_told_on_the_way_to_an_error() -> None:
    def broken(x, W):
        z = np.tanh(9 * x)
        return z @ W

    failure = cr.explain_failure(broken, np.ones((2, 3)), np.ones((2, 2)))
    replay = Replay(failure.run)
    told = [x.text for x in alarms(failure.run, replay) if replay.vertex(x.when).value]
    assert told == ["saturated units"]
    assert len(failure.warnings) == 1


def test_every_text_is_there_in_russian() -> None:
    table = (Path(__file__).parents[2] / "frontend/src/ru.ts").read_text(encoding="utf-8")
    for key, text in TEXTS.items():
        found = re.search(rf'^    "?{key}"?:\s+"(.*)"', table, re.M)
        assert found is not None, key
        assert set(re.findall(r"{\w+}", found[1])) == set(re.findall(r"{\w+}", text)), key
