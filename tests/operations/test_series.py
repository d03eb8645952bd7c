"""The Taylor series of every row, against nested pushforwards and differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.core.kinds import Constant, Elementwise
from tests.operations.cases import ROWS, cases_of
from tests.operations.test_rows import Run

CALLS = [
    pytest.param(row, called, id=f"{name}-{k}")
    for name, row in ROWS.items()
    if not isinstance(row, Constant)
    for k, called in enumerate(cases_of(name)[: 1 if isinstance(row, Elementwise) else 3])
]


@pytest.mark.parametrize(("row", "called"), CALLS)
def test_series(row: Any, called: Any) -> None:
    run = Run(row, called)
    xs = tuple(run.inputs)
    vs = tuple(0.5 * run.like(x) for x in xs)

    def f(xs: Any) -> Any:
        return run(*xs)

    def slope(xs: Any) -> Any:
        return cr.jvp(f, (xs,), (vs,))[1]

    value, first, second, third = cr.taylor(f, xs, vs, 3)
    tolerance = max(1e-9, row.tolerance * 1e-2)
    np.testing.assert_array_equal(value, run(*xs))
    first_again, curvature = cr.jvp(slope, (xs,), (vs,))
    np.testing.assert_allclose(first, first_again, tolerance, tolerance)
    np.testing.assert_allclose(2 * second, curvature, tolerance, tolerance)
    if row.order < 2:
        return
    h = 1e-4
    after, before = (
        cr.taylor(f, tuple(x + s * v for x, v in zip(xs, vs, strict=True)), vs, 2)[2]
        for s in (h, -h)
    )
    np.testing.assert_allclose(3 * third, (after - before) / (2 * h), 1e-4, 1e-4)
