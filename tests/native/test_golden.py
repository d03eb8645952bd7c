"""What ten programs of different kinds become: their steps, and the loops of each, as text.

After a change of what is fused, or of how loops are written, look at every difference before
accepting it with ``CHAINRULE_UPDATE_GOLDEN=1 pytest tests/native/test_golden.py``.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.native.describe import describe
from chainrule.native.interpret import interpreted
from chainrule.native.pipeline import build

from .test_listing import check

GOLDEN = Path(__file__).parent / "golden"

rng = np.random.default_rng(0)


def normal(*size: int) -> Any:
    return rng.normal(size=size)


def scalar(x, y):
    sigma = 1.0 / (1 + math.exp(-y))
    return (x + sigma) / (1.0 / (1 + math.exp(-x)) + (x + y) ** 2)


def network(W1, b1, W2, b2, x, y):
    hidden = 1 / (1 + np.exp(-(x @ W1 + b1)))
    return np.sum((hidden @ W2 + b2 - y) ** 2)


def softmax_rows(x, y):
    powers = np.exp(x - np.max(x, axis=1, keepdims=True))
    shares = powers / np.sum(powers, axis=1, keepdims=True)
    return -np.sum(y * np.log(shares))


def layer_norm(x, gain, bias):
    centred = x - np.mean(x, axis=1, keepdims=True)
    scale = np.sqrt(np.mean(centred**2, axis=1, keepdims=True) + 1e-5)
    return np.sum(np.tanh(centred / scale * gain + bias))


def logistic(w, b, x, y):
    return np.mean(np.logaddexp(0.0, -y * (x @ w + b)))


def chain(x):
    t = np.tanh(x / 2 + 1)
    return np.sum(np.exp(-t * t) * np.sin(x) + np.log(1 + t * t) * x)


def embedding(table, which):
    return np.sum(np.exp(table[which]) * 2)


def batch(a, b):
    return np.sum(np.tanh(a @ b) ** 2)


def pendulum(th, om, dt):
    for _ in range(200):
        th = th + dt * om
        om = om - dt * math.sin(th)
    return th


def horner(x, coefficients):
    y = 0.0
    for k in range(64):
        y = y * x + coefficients[k]
    return y


PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[int, ...], tuple[Any, ...]]] = {
    "scalar": (scalar, (0, 1), (3.0, -4.0)),
    "network": (
        network,
        (0, 1, 2, 3),
        (normal(64, 100), normal(100), normal(100, 10), normal(10), normal(32, 64), normal(32, 10)),
    ),
    "softmax_rows": (softmax_rows, (0,), (normal(6, 9), normal(6, 9))),
    "layer_norm": (layer_norm, (0, 1, 2), (normal(6, 9), normal(9), normal(9))),
    "logistic": (logistic, (0, 1), (normal(9), 0.5, normal(40, 9), np.sign(normal(40)))),
    "chain": (chain, (0,), (normal(10_000),)),
    "embedding": (embedding, (0,), (normal(20, 5), np.array([3, 0, -1, 3]))),
    "pendulum": (pendulum, (0, 1, 2), (0.5, 0.1, 0.01)),
    "horner": (horner, (0, 1), (0.9, normal(64))),
    "batch": (batch, (0, 1), (normal(4, 3, 5), normal(4, 5, 2))),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_steps_and_loops(name: str) -> None:
    f, argnums, args = PROGRAMS[name]
    gradient = cr.value_and_grad(f, argnums)
    loops = check(gradient, *args)
    program = cr.compile(gradient, builder=interpreted).lower(*args).program
    schedule = describe(build(program, 1))["schedule"].splitlines()
    text = "\n".join([*(f"# {step}" for step in schedule), "", loops, ""])
    file = GOLDEN / f"{name}.py"
    if os.environ.get("CHAINRULE_UPDATE_GOLDEN"):
        file.write_text(text)
    assert text == file.read_text()


def test_every_golden_file_has_a_program() -> None:
    assert {file.stem for file in GOLDEN.iterdir()} == {*PROGRAMS}
