"""Programs as scientists write them: their values, and their gradients eager, printed, compiled."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from tests.programs.scientific import PROGRAMS

# Printed code warns where it divides by 0 before a mask takes the quotient out again.
pytestmark = pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")


def fresh(name: str) -> tuple[Any, tuple[Any, ...]]:
    """Return a program's loss, and its point: arrays that nobody has written into."""
    program = copy.deepcopy(PROGRAMS[name])
    return program.loss(), program.point


def moved(point: tuple[Any, ...], distance: float, direction: list[Any]) -> tuple[Any, ...]:
    pairs = zip(point, direction, strict=True)
    return tuple(
        x + distance * d if isinstance(x, np.ndarray) else type(x)(x + distance * d)
        for x, d in pairs
    )


def gradient_of(name: str, point: tuple[Any, ...]) -> Any:
    loss, _ = fresh(name)
    return cr.value_and_grad(loss, tuple(range(len(point))))(*point)


def same(found: Any, right: Any, tolerance: float) -> None:
    """Compare a value and gradients; errors may be as large as they are for the largest entry."""
    np.testing.assert_allclose(found[0], right[0], rtol=tolerance)
    for a, b in zip(found[1], right[1], strict=True):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * np.max(np.abs(b)))


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_eager_gradient(name: str) -> None:
    """The value is that of NumPy, the gradient that of differences; arguments are not written."""
    loss, point = fresh(name)
    value, gradients = gradient_of(name, point)
    for x, before in zip(point, PROGRAMS[name].point, strict=True):
        assert np.array_equal(x, before)
    assert value == pytest.approx(loss(*point), rel=1e-12)
    random = np.random.default_rng(0)
    for _ in range(2):
        direction = [random.normal(size=np.shape(x)) for x in fresh(name)[1]]
        turned = [
            d * (1 + 1j) if np.iscomplexobj(x) else d for d, x in zip(direction, point, strict=True)
        ]
        ends = []
        for distance in (1e-5, -1e-5):
            loss, point = fresh(name)
            ends.append(loss(*moved(point, distance, turned)))
        slope = sum(np.sum(g * d).real for g, d in zip(gradients, turned, strict=True))
        assert slope == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_printed_gradient(name: str, tmp_path: Any) -> None:
    """It also does without chainrule, as the module that is saved."""
    loss, point = fresh(name)
    staged = cr.stage(loss, *point)
    expected = gradient_of(name, fresh(name)[1])
    same(staged(*fresh(name)[1]), expected, 1e-10)
    path = tmp_path / "module.py"
    staged.save(path)
    names: dict[str, Any] = {}
    exec(compile(path.read_text(), path, "exec"), names)
    same(names["program_gradient"](*fresh(name)[1]), expected, 1e-10)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_compiled_gradient(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Five calls at five points: what is wrong may show in no first call."""
    monkeypatch.setenv("CHAINRULE_CACHE", str(tmp_path_factory.getbasetemp()))
    loss, point = fresh(name)
    fast = cr.compile(cr.value_and_grad(loss, tuple(range(len(point)))))
    random = np.random.default_rng(1)
    for k in range(5):
        direction = [x * random.normal(size=np.shape(x)) for x in fresh(name)[1]]
        there = moved(fresh(name)[1], 0.001 * k, direction)
        same(fast(*there), gradient_of(name, copy.deepcopy(there)), 1e-10)
