"""Elementary functions as LLVM IR that the loop vectoriser widens, within 2 ULP of the truth."""

from chainrule.native.ir.math.catalogue import HAVE_FAST_PATH, NAMES, definitions, fast_range

__all__ = ["HAVE_FAST_PATH", "NAMES", "definitions", "fast_range"]
