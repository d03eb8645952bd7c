"""What is right passes without a false alarm, however it is written."""

from __future__ import annotations

import copy
import re

import numpy as np
import pytest

import chainrule as cr
from tests.programs import Program, loops, networks, scientific
from tests.programs.derivations import DERIVATIONS, written

from .conftest import reviewed

IN_PLACE = DERIVATIONS["softmax, its gradient made in place"]


@pytest.mark.parametrize("name", DERIVATIONS)
def test_what_is_right_passes(name):
    result = reviewed(DERIVATIONS[name])

    assert result, str(result)
    assert {line.verdict for line in result.lines} <= {"right", "not compared"}


def test_float32_is_compared_as_precisely_as_it_is():
    function, args = IN_PLACE.program
    single = Program(function, tuple(a.astype(np.float32) for a in args))

    assert reviewed(IN_PLACE._replace(program=single))


def test_variables_unknown_to_the_function_are_not_compared():
    result = reviewed(IN_PLACE)

    (line,) = [line for line in result.lines if line.verdict == "not compared"]
    assert line.names == ("probs",)


def test_stages_without_a_gradient_of_their_own_are_named():
    result = reviewed(DERIVATIONS["another order, fused lines"])

    assert any("no gradient of their own" in remark for remark in result.remarks)


_PRINTED = {
    "weights in a dict": networks.PROGRAMS["relu_loss"],
    "lists of turns": Program(*loops.PROGRAMS["lstm"][:2]),
    "an argument that grows": Program(*loops.PROGRAMS["growing"][:2]),
    "a table written in place": Program(*loops.PROGRAMS["cholesky"][:2]),
    **{
        name: Program(program.loss(), program.point)
        for name in ("stockham_fft", "bubble_sort", "waves", "lu")
        for program in [copy.deepcopy(scientific.PROGRAMS[name])]
    },
}


@pytest.mark.parametrize("returns", [True, False])
@pytest.mark.parametrize("name", _PRINTED)
def test_printed_code_passes_as_if_a_person_had_written_it(name, returns, tmp_path):
    """Without what is returned, the names alone tell."""
    function, args = _PRINTED[name]
    path = tmp_path / "module.py"
    cr.stage(function, *copy.deepcopy(args)).save(path)
    text = re.sub(r"def \w+_gradient\(", "def by_hand(", path.read_text())
    if not returns:
        text = re.sub(r"\n    return value, .*", "", text)
    result = cr.review(written(text), function, *copy.deepcopy(args))
    assert result, str(result)


def newton(a):
    x = a
    while abs(x * x - a) > 1e-10:
        x = 0.5 * (x + a / x)
    return x


def newton_by_hand(a):
    x = a
    xs = []
    while abs(x * x - a) > 1e-10:
        xs.append(x)
        x = 0.5 * (x + a / x)
    dx = 1.0
    da = 0.0
    for x in reversed(xs):
        da += 0.5 / x * dx
        dx = (0.5 - 0.5 * a / x**2) * dx
    da += dx
    return da


def newton_with_a_wrong_sign(a):
    x = a
    xs = []
    while abs(x * x - a) > 1e-10:
        xs.append(x)
        x = 0.5 * (x + a / x)
    dx = 1.0
    da = 0.0
    for x in reversed(xs):
        da += 0.5 / x * dx
        dx = (0.5 + 0.5 * a / x**2) * dx
    da += dx
    return da


def test_iterates_gone_through_backwards():
    assert cr.review(newton_by_hand, newton, 20.0)
    wrong = cr.review(newton_with_a_wrong_sign, newton, 20.0)
    assert "first wrong line" in str(wrong)
    assert "dx = (0.5 + 0.5 * a / x**2) * dx" in str(wrong).partition("first wrong line, ")[2]
