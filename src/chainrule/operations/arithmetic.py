"""Arithmetic on every entry: sums, products, quotients, and what a division leaves."""

from __future__ import annotations

import operator

import numpy as np

from chainrule.core.domain import NONZERO, REAL
from chainrule.core.kinds import elementwise
from chainrule.core.series import convolved, divided
from chainrule.operations.choices import trunc

add = elementwise("add", operator.add, d=(1, 1), symbol="+", commutes=True, dtypes="fc")
subtract = elementwise("subtract", operator.sub, d=(1, -1), symbol="-", dtypes="fc")
multiply = elementwise(
    "multiply",
    operator.mul,
    d=(lambda a, b, y: b, lambda a, b, y: a),
    symbol="*",
    commutes=True,
    dtypes="fc",
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
    series=divided,
)
negative = elementwise("negative", operator.neg, d=-1, symbol="-", glyph="*-1", dtypes="fc")
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
