"""The functions of the lecture, as `examples/lecture.py` has them."""

from __future__ import annotations

import math
import runpy
from pathlib import Path

from tests.programs import Program, normal

_EXAMPLE = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "lecture.py"))

circuit = _EXAMPLE["circuit"]
neuron = _EXAMPLE["neuron"]
sigmoid = _EXAMPLE["sigmoid"]
staged = _EXAMPLE["staged"]
staged_by_hand = _EXAMPLE["staged_by_hand"]
network = _EXAMPLE["network"]


def in_one_line(x, y):
    return (x + 1 / (1 + math.exp(-y))) / (1 / (1 + math.exp(-x)) + (x + y) ** 2)


def neuron_in_two_lines(w0, x0, w1, x1, w2):
    dot = w0 * x0 + w1 * x1 + w2
    f = 1.0 / (1 + math.exp(-dot))
    return f


def square(x):
    return (x + x) * x


PROGRAMS = {
    "circuit": Program(circuit, tuple(_EXAMPLE["CIRCUIT"].values())),
    "neuron": Program(neuron, tuple(_EXAMPLE["NEURON"].values())),
    "staged": Program(staged, tuple(_EXAMPLE["STAGED"].values())),
    "in_one_line": Program(in_one_line, (3.0, -4.0)),
    "neuron_in_two_lines": Program(neuron_in_two_lines, tuple(_EXAMPLE["NEURON"].values())),
    "square": Program(square, (1.5,)),
    "network": Program(network, normal((4, 3), (3, 5), 5, (5, 2), 2, (4, 2))),
}
