"""What is right passes without a false alarm, however it is written."""

from __future__ import annotations

import numpy as np
import pytest

from tests.programs import Program
from tests.programs.derivations import DERIVATIONS

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
