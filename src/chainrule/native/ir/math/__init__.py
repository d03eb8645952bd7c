"""Elementary functions as LLVM IR that the loop vectoriser widens, within 2 ULP of the truth.

`catalogue` lists them, and `emitter` lets their formulas look like formulas. There is a file for
each family; `reduction` brings angles into the range of their polynomials, whose numbers are
`coefficients`; `exact` keeps what rounding lost, and `constants` has pi to hundreds of digits.
"""

from chainrule.native.ir.math.catalogue import (
    HAVE_FAST_PATH,
    HAVE_RARE_PATH,
    NAMES,
    definitions,
    fast_range,
)

__all__ = ["HAVE_FAST_PATH", "HAVE_RARE_PATH", "NAMES", "definitions", "fast_range"]
