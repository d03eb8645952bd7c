"""Loops that go on until a condition fails are printed so, for any number of turns."""

from __future__ import annotations

import math
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import trees
from tests.programs import random_whiles
from tests.programs.whiles import PROGRAMS, UNROLLED

GOLDEN = Path(__file__).parent / "golden" / "whiles"
SHOWN = [
    "newton",
    "fixed_point",
    "power_iteration",
    "descent",
    "bounded",
    "left_behind",
    "backwards",
]
each_program = pytest.mark.parametrize("name", PROGRAMS)


@cache
def staged(name: str) -> tuple[cr.Staged, tuple[Any, ...]]:
    f, args, _ = PROGRAMS[name]
    return cr.stage(f, *args), args


def assert_close(found: Any, expected: Any) -> None:
    for a, b in zip(trees.flatten(found)[0], trees.flatten(expected)[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.filterwarnings("ignore::chainrule.errors.IndependentOutputWarning")
@each_program
def test_it_holds_for_inputs_with_another_number_of_turns(name: str) -> None:
    f, args, others = PROGRAMS[name]
    code, _ = staged(name)
    assert not code.unrolled
    for given_ in (args, *others):
        value, gradients = code(*given_)
        eager = cr.value_and_grad(f, tuple(range(len(args))))(*given_)
        assert_close((value, gradients), eager)


@each_program
def test_it_computes_what_the_unrolled_code_does(name: str) -> None:
    code, args = staged(name)
    if code.general is not code.program:  # where there were few turns, it is written otherwise
        return
    unrolled = code.run(*args)  # one statement after the other
    value, gradients = code(*args)
    for a, b in zip(
        trees.flatten((value, gradients))[0],
        trees.flatten((unrolled.value, unrolled.gradients))[0],
        strict=True,
    ):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("name", SHOWN)
def test_golden_file(name: str) -> None:
    source = staged(name)[0].source
    path = GOLDEN / f"{name}.py"
    if os.environ.get("CHAINRULE_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(source, encoding="utf-8")
    assert source == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["newton", "adaptive"])
def test_a_run_of_no_turns_and_of_few_gives_the_same_code(name: str) -> None:
    f, _, others = PROGRAMS[name]
    sources = {cr.stage(f, *args).source for args in others if not np.isnan(args[0])}
    assert sources == {staged(name)[0].source}


@pytest.mark.parametrize("name", UNROLLED)
def test_what_may_differ_in_a_later_turn_stays_unrolled(name: str) -> None:
    f, args, reason = UNROLLED[name]
    code = cr.stage(f, *args)
    assert reason in code.unrolled
    assert "while" not in code.source.replace("(while", "").replace('"while', "")
    assert_close(code(*args), cr.value_and_grad(f, (0,))(*args))


def test_fewer_turns_than_the_code_holds_for_raise() -> None:
    code, _ = staged("left_behind")
    with pytest.raises(AssertionError, match="takes fewer than 2 turns"):
        code(0.5)


def test_a_loop_that_does_not_end_by_its_question_raises() -> None:
    code, _ = staged("counted")
    with pytest.raises(AssertionError, match="does not end the loop"):
        code(math.nan)


def test_line_by_line_it_runs_with_as_many_turns_as_it_was_made_for() -> None:
    code, _ = staged("newton")
    with pytest.raises(AssertionError, match="takes another number of turns"):
        code.run(2.0, 1e-3)


def test_a_saved_module_needs_numpy_alone(tmp_path: Path) -> None:
    code, args = staged("newton")
    code.save(tmp_path / "root.py")
    names: dict[str, Any] = {}
    exec((tmp_path / "root.py").read_text(), names)
    assert names["newton_gradient"](*args) == code(*args)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.filterwarnings("ignore::chainrule.errors.IndependentOutputWarning")
@settings(max_examples=25, deadline=None)
@given(st.data(), st.integers(0, 1000))
def test_random_programs(data: st.DataObject, seed: int) -> None:
    source = random_whiles.source(lambda things: data.draw(st.sampled_from(things)))
    random = np.random.default_rng(seed)
    first, *others = (random_whiles.inputs(random) for _ in range(4))
    try:
        values = [random_whiles.run(source, *args) for args in (first, *others)]
    except (OverflowError, ValueError):
        reject()
    assume(np.all(np.abs(values) < 1e6))
    program = random_whiles.defined(source)
    code = cr.stage(program, *first)
    for args in others:
        try:
            found = code(*args)
        except AssertionError as error:
            assert "stage again" in str(error)  # noqa: PT017
            continue
        assert_close(found, cr.value_and_grad(program, (0, 1, 2))(*args))
