"""Numbers taken apart: exponents, and what is not finite."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import dtype_of
from chainrule.core.kinds import elementwise
from chainrule.operations.choices import equal, isfinite, isnan, where

ldexp = elementwise(
    "ldexp",
    np.ldexp,
    d=(lambda x, n, y: np.ldexp(1.0, n), None),
    numpy=("numpy.ldexp", "math.ldexp"),
)


def _nan_to_num_formula(x: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    if dtype_of(x).kind != "f":
        return x
    largest = float(np.finfo(dtype_of(x)).max)
    posinf = largest if posinf is None else posinf
    neginf = -largest if neginf is None else neginf
    if not all(isinstance(number, (int, float)) for number in (nan, posinf, neginf)):
        return None
    y = where(equal(x, np.inf), posinf, where(equal(x, -np.inf), neginf, x))
    return where(isnan(x), nan, y)


nan_to_num = elementwise(
    "nan_to_num",
    lambda x, nan=0.0, posinf=None, neginf=None: np.nan_to_num(
        x, nan=nan, posinf=posinf, neginf=neginf
    ),
    d=lambda x, y, nan=0.0, posinf=None, neginf=None: isfinite(x),
    formula=_nan_to_num_formula,
    singular=True,
)
