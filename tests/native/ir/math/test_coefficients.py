"""The polynomials are what they are said to be."""

from pathlib import Path

import mpmath as mp
import pytest

from chainrule.native.ir.math import coefficients

from ...conftest import load

minimax = load("accuracy_minimax", Path(__file__).with_name("minimax.py"))

CASES = [(task, kind) for task in minimax.TASKS for kind in task.targets]


@pytest.mark.parametrize(("task", "kind"), CASES, ids=lambda x: getattr(x, "name", x))
def test_error_of_a_polynomial(task, kind):
    suffix = {"middle": "MIDDLE_DOUBLE"}.get(kind, kind.upper())
    rounded = getattr(coefficients, f"{task.name}_{suffix}")
    low, high = mp.mpf(task.low), mp.mpf(task.high)
    points = [low + (high - low) * k / 30 for k in range(31)]
    error = max(
        abs(minimax.evaluate([*map(mp.mpf, rounded)], x) - task.function(x)) for x in points
    )
    bound = mp.mpf(2) ** task.targets[kind] / task.scale
    # Rounding adds half an ULP of the first coefficient, and about as much of the others.
    unit = 2.0 ** -(24 if kind == "float" else 53) * max(abs(x) for x in rounded)
    assert error < bound + 2 * unit


def test_the_printed_file_is_the_one_in_use():
    task = next(t for t in minimax.TASKS if t.name == "COS")
    found, _ = minimax.find(task, task.targets["float"])
    assert tuple(map(float, found)) == pytest.approx(coefficients.COS_FLOAT, rel=1e-7)
