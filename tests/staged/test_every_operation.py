"""Every operation of the library can be staged: the table of the operations' own tests."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.core.array import is_complex
from chainrule.core.operation import Operation


def _table() -> Any:
    name = "cases_of_operations"
    path = Path(__file__).parents[1] / "operations" / "conftest.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


TABLE = _table()


def _floats(case: Any) -> list[int]:
    """Return the positions of the operands that have a gradient."""
    return [
        k
        for k, x in enumerate(case.operands)
        if isinstance(x, (np.ndarray, np.floating)) and x.dtype.kind == "f"
    ]


CASES = [
    pytest.param(row, case, id=f"{name}-{k}")
    for name, row in TABLE.ROWS.items()
    for k, case in enumerate(TABLE.cases_of(name))
    if _floats(case)
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("row", "case"), CASES)
def test_round_trip(row: Operation, case: Any) -> None:
    operands = list(case.operands)
    active = _floats(case)
    plain = row(*operands, **case.params)
    weights = np.random.default_rng(0).uniform(0.5, 1.5, np.shape(plain))
    if is_complex(plain):
        weights = weights * (1 + 2j)

    def f(*xs: Any) -> Any:
        given = list(operands)
        for k, x in zip(active, xs, strict=True):
            given[k] = x
        y = row(*given, **case.params)
        return (
            np.sum(np.real(y * weights) if is_complex(y) else y * weights)
            if row.differentiable
            else np.sum(xs[0]) + np.sum(y * 1.0)
        )

    args = [np.asarray(operands[k]) for k in active]
    staged = cr.stage(f, *args)
    value, gradients = staged(*args)
    expected, eager = cr.value_and_grad(f, tuple(range(len(args))))(*args)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    for found, right in zip(gradients, eager, strict=True):
        assert np.shape(found) == np.shape(right)
        np.testing.assert_allclose(found, right, rtol=1e-11, atol=1e-12)
