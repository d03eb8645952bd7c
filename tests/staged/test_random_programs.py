"""Random programs: whatever is composed, the printed code does what the eager gradient does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import trees
from tests.programs.random_shapes import shaped_program
from tests.programs.random_staged import defined, programs


def check(source: str, x: Any, y: Any) -> None:
    program = defined(source)
    with np.errstate(all="ignore"):
        staged = cr.stage(program, x, y)
        value, gradients = staged(x, y)
        expected, eager = cr.value_and_grad(program, (0, 1))(x, y)
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    for found, right in zip(gradients, eager, strict=True):
        scale = 1 + np.max(np.abs(right))
        np.testing.assert_allclose(found / scale, right / scale, rtol=1e-10, atol=1e-12)
    assert max(map(len, staged.source.splitlines())) <= 100


@pytest.mark.filterwarnings("ignore::chainrule.errors.IndependentOutputWarning")
@settings(max_examples=60, deadline=None)
@given(programs(arrays=False), st.floats(0.2, 1.5), st.floats(-1.5, -0.2))
def test_programs_of_numbers(source: str, x: float, y: float) -> None:
    check(source, x, y)


@pytest.mark.filterwarnings("ignore::chainrule.errors.IndependentOutputWarning")
@settings(max_examples=60, deadline=None)
@given(programs(arrays=True), st.integers(0, 100))
def test_programs_of_arrays(source: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    check(source, random.uniform(-1, 1, (3, 2)), random.uniform(-1, 1, (3, 2)))


@pytest.mark.filterwarnings("ignore::chainrule.errors.IndependentOutputWarning")
@settings(max_examples=100, deadline=None)
@given(st.data(), st.integers(0, 1000))
def test_programs_of_any_shape(data: st.DataObject, seed: int) -> None:
    program = shaped_program(lambda things: data.draw(st.sampled_from(things)), seed)
    with np.errstate(all="ignore"):
        try:
            expected, eager = cr.value_and_grad(program.function, (0, 1))(*program.args)
        except cr.errors.GradientLostError:  # it writes into what no argument has a part in
            reject()
        explanation = cr.explain(program.function, *program.args)
        staged = explanation.staged
        value, gradients = staged(*program.args)  # which `stage` has compared with the eager ones
    assert explanation.text
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    shapes = [np.shape(g) for g in trees.flatten(eager)[0]]
    assert [np.shape(g) for g in trees.flatten(gradients)[0]] == shapes
    assert max(map(len, staged.source.splitlines())) <= 100
