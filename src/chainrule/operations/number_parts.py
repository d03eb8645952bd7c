"""Numbers taken apart: exponents, parts of complex numbers, and what is not finite."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import dtype_of, is_complex
from chainrule.core.domain import example
from chainrule.core.kinds import elementwise, linear, sum_to
from chainrule.core.operation import Operation
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


def conjugated(x: Any) -> Any:
    """Return the conjugate, and real numbers as they are."""
    return conjugate(x) if is_complex(x) else x


conjugate: Operation = linear(
    "conjugate",
    np.conjugate,
    pullback=lambda g, z: conjugated(g),
    entrywise=True,
    examples=(example(()), example((2, 3))),
    dtypes="fc",
)
imag = linear(
    "imag",
    np.imag,
    pullback=lambda g, z: -1j * g if is_complex(z) else None,
    source="{0}.imag",
    formula=lambda z: None if is_complex(z) else 0.0,
    entrywise=True,
    examples=(example(()), example((2, 3))),
    view=True,
    dtypes="fc",
)


def _cartesian(x: Any, y: Any) -> Any:
    if is_complex(x) or is_complex(y):
        return x + 1j * y
    z = np.empty(np.broadcast(x, y).shape, np.result_type(x, y, np.complex64))
    z.real, z.imag = x, y  # 1j * y would make NaN of what is infinite
    return z[()]


#: ``x + 1j * y``: a complex number of which one part is written.
cartesian = linear(
    "cartesian",
    _cartesian,
    pullback=(lambda g, x, y: sum_to(g, x), lambda g, x, y: sum_to(1j * g, y)),
    numpy=(),
    source="{0} + 1j * {1}",
    entrywise=True,
    examples=(example((), ()), example((2, 3), (2, 3))),
    dtypes="fc",
)
