"""Arithmetic on every entry: sums, products, quotients, and what a division leaves."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from chainrule.core.array import is_complex
from chainrule.core.complex_parts import cartesian, imag, parts_of
from chainrule.core.domain import NONZERO, REAL
from chainrule.core.kinds import elementwise, real
from chainrule.core.series import convolved, divided
from chainrule.operations.choices import equal, trunc, where

add = elementwise(
    "add", operator.add, d=(1, 1), symbol="+", commutes=True, dtypes="fc", by_parts=True
)
subtract = elementwise("subtract", operator.sub, d=(1, -1), symbol="-", dtypes="fc", by_parts=True)


def _product(z: Any, w: Any) -> Any:
    """Multiply out. A real factor multiplies both parts, and nothing is added that is 0 times b."""
    if not is_complex(w):
        return cartesian(real(z) * w, imag(z) * w)
    if not is_complex(z):
        return cartesian(z * real(w), z * imag(w))
    (a, b), (c, d) = parts_of(z), parts_of(w)
    return cartesian(a * c - b * d, a * d + b * c)


def _quotient(z: Any, w: Any) -> Any:
    """Divide as Smith does, and NumPy: nothing is squared that could overflow."""
    a, b = parts_of(z)
    if not is_complex(w):
        return cartesian(a / w, b / w)
    c, d = parts_of(w)
    swapped = np.absolute(c) < np.absolute(d)
    large, small = where(swapped, d, c), where(swapped, c, d)
    nothing = equal(large, 0)
    ratio = small / where(nothing, 1.0, large)
    scale = 1.0 / where(nothing, np.absolute(large), large + small * ratio)
    x = where(swapped, a * ratio + b, a + b * ratio)
    y = where(swapped, b * ratio - a, b - a * ratio)
    return cartesian(x * scale, y * scale)


multiply = elementwise(
    "multiply",
    operator.mul,
    d=(lambda a, b, y: b, lambda a, b, y: a),
    symbol="*",
    commutes=True,
    dtypes="fc",
    cartesian=_product,
    series=convolved,
)
divide = elementwise(
    "divide",
    operator.truediv,
    d=(lambda a, b, y: 1 / b, lambda a, b, y: -y / b),
    symbol="/",
    singular=True,
    domain=(REAL, NONZERO),
    advice="Add a small number to the denominator, or choose with np.where before dividing.",
    dtypes="fc",
    cartesian=_quotient,
    series=divided,
)
negative = elementwise(
    "negative", operator.neg, d=-1, symbol="-", glyph="*-1", dtypes="fc", by_parts=True
)
positive = elementwise(
    "positive", operator.pos, d=1, symbol="+", moves=True, view=True, dtypes="fc"
)
floor_divide = elementwise(
    "floor_divide", operator.floordiv, d=(0, 0), symbol="//", kinked=True, domain=(REAL, NONZERO)
)
remainder = elementwise(
    "remainder",
    operator.mod,
    d=(1, lambda a, b, y: -floor_divide(a, b)),
    symbol="%",
    kinked=True,
    domain=(REAL, NONZERO),
)
fmod = elementwise(
    "fmod",
    np.fmod,
    d=(1, lambda a, b, y: -trunc(a / b)),
    numpy=("numpy.fmod", "math.fmod"),
    kinked=True,
    domain=(REAL, NONZERO),
)
