"""Complex numbers, taken apart and put together."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.array import is_complex
from chainrule.core.domain import example
from chainrule.core.linear import linear, real, sum_to
from chainrule.core.operation import Operation


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
    cartesian=lambda z: cartesian(real(z), -imag(z)),
)
imag: Operation = linear(
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


def _cartesian_form(x: Any, y: Any) -> Any:
    (a, b), (c, d) = parts_of(x), parts_of(y)
    return cartesian(a - d, b + c)


#: ``x + 1j * y``: a complex number of which one part is written.
cartesian: Operation = linear(
    "cartesian",
    _cartesian,
    pullback=(lambda g, x, y: sum_to(g, x), lambda g, x, y: sum_to(1j * g, y)),
    numpy=(),
    source="{0} + 1j * {1}",
    entrywise=True,
    examples=(example((), ()), example((2, 3), (2, 3))),
    dtypes="fc",
    cartesian=_cartesian_form,
)


def parts_of(z: Any) -> tuple[Any, Any]:
    """Return the real and the imaginary part."""
    return (real(z), imag(z)) if is_complex(z) else (z, 0.0)
