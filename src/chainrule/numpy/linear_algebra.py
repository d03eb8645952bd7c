"""NumPy's linear algebra, apart from products and norms."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.numpy.axes import operand
from chainrule.numpy.dispatch import implements
from chainrule.operations import linalg as rows

__all__: list[str] = []


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    return rows.solve(operand(a), operand(b))


@implements(np.linalg.inv)
def inv(a: Any) -> Any:
    return rows.inv(operand(a))


@implements(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    return rows.cholesky(operand(a), upper=upper)
