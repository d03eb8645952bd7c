"""Tests of operations run over the table of `tests.operations.cases`."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from chainrule.core.kinds import Constant, Elementwise
from chainrule.core.operation import Operation
from tests.operations.cases import ROWS, Case, cases_of

#: What a solver has found has no value of its own: tests/numpy/test_scipy_solvers has them.
_OF_SOLVERS = ("solution", "solver")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give ``row, given`` every case of every row that a test is for, which its name tells.

    ``formula_row`` is each row with a formula that acts on entries, or along an axis.
    """
    if "formula_row" in metafunc.fixturenames:
        rows_with_one = {
            name: row
            for name, row in ROWS.items()
            if row.formula is not None
            and (row.entrywise or "axis" in inspect.signature(row.formula).parameters)
        }
        metafunc.parametrize("formula_row", rows_with_one.values(), ids=list(rows_with_one))
    if "given" not in metafunc.fixturenames:
        return
    wants_constants = "constant" in metafunc.function.__name__
    wants_formulas = "formula" in metafunc.function.__name__
    wants_numbers = "python_floats" in metafunc.function.__name__
    wants_complex = "complex" in metafunc.function.__name__
    metafunc.parametrize(
        ("row", "given"),
        [
            pytest.param(row, given, id=f"{name}-{k}")
            for name, row in ROWS.items()
            if (
                row.formula is not None
                if wants_formulas
                else isinstance(row, Constant) == wants_constants
            )
            and (not wants_complex or row.dtypes == "fc")
            for k, given in enumerate(cases_of(name))
            if not wants_numbers
            or (isinstance(row, Elementwise) and all(np.shape(x) == () for x in given.operands))
        ],
    )


@pytest.fixture
def calls() -> list[tuple[Operation, Case]]:
    """Every case of every row."""
    return [(row, given) for name, row in ROWS.items() for given in cases_of(name)]


@pytest.fixture
def untested_rows() -> list[str]:
    return [name for name in ROWS if not cases_of(name) and name not in _OF_SOLVERS]
